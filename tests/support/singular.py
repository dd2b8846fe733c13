"""Singular matrices with a known null space."""

import numpy as np
import scipy.sparse as sp


def differences(n, periodic=False):
    """Return the matrix of the differences of neighbours on a line, or on a circle."""
    if periodic:
        return sp.diags_array([-1.0, 1.0, 1.0], offsets=[0, 1, 1 - n], shape=(n, n))
    return sp.diags_array([-1.0, 1.0], offsets=[0, 1], shape=(n - 1, n))


def neumann(shape, weights=None, periodic=False):
    """Return the Laplacian of a grid without boundary values; ``weights(m)`` gives those of its m edges."""
    edges = []
    for axis in range(len(shape)):
        factors = [sp.eye_array(n) for n in shape]
        factors[axis] = differences(shape[axis], periodic)
        product = factors[0]
        for factor in factors[1:]:
            product = sp.kron(product, factor)
        edges.append(product)
    G = sp.csr_array(sp.vstack(edges))
    return sp.csr_array(G.T @ (G if weights is None else sp.diags_array(weights(G.shape[0])) @ G))


def stokes(n, stabilisation=0.0, symmetric=True):
    """Return Stokes equations in a closed box on a staggered grid of n by n cells, velocities first."""
    d, cells, faces = differences(n), sp.eye_array(n), sp.eye_array(n - 1)
    G = sp.vstack([sp.kron(d, cells), sp.kron(cells, d)])
    walls = sp.diags_array(np.r_[2.0, np.zeros(n - 2), 2.0])
    along, across = d @ d.T, d.T @ d + walls
    K = sp.block_diag(
        [sp.kron(along, cells) + sp.kron(faces, across), sp.kron(cells, along) + sp.kron(across, faces)]
    )
    sign = 1 if symmetric else -1
    C = -sign * stabilisation * neumann((n, n)) if stabilisation else None
    return sp.csr_array(sp.block_array([[K, G], [sign * G.T, C]]))


def transport(n, rng, periodic=True):
    """Return a matrix with zero row sums and other column sums: diffusion, and wind of variable speed."""
    A = neumann((n, n), periodic=periodic)
    upwind = sp.diags_array([1.0, -1.0, -1.0], offsets=[0, -1, n - 1], shape=(n, n))
    speed = sp.diags_array(np.exp(0.5 * rng.standard_normal(n * n)))
    return sp.csr_array(A + speed @ sp.kron(upwind, sp.eye_array(n)))
