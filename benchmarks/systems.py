"""Generators of the linear systems on which the choice of `numsolve.solve` is measured.

Each returns a SciPy matrix in compressed rows for a size `m` and a seed. They are kinds of systems that users
bring: grids, elasticity, frames, graphs, Stokes, Maxwell, circuits and power networks.
"""

import numpy as np
import pyamg
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay

from numsolve.problems import convection_diffusion, irregular, poisson, square_mesh
from numsolve.problems._elements import mass, stiffness


def differences(m):
    """Return the matrix of differences over m + 1 faces of m points, both ends fixed."""
    return sp.diags_array([np.ones(m), -np.ones(m)], offsets=[0, -1], shape=(m + 1, m))


def along(parts):
    """Return the Kronecker product of a list of matrices."""
    product = parts[0]
    for part in parts[1:]:
        product = sp.kron(product, part)
    return product


def weighted(shape, weights):
    """Return ``sum of D^T diag(w) D`` over the axes of a grid; ``weights(count, axis)`` gives the w."""
    total: sp.csr_array = sp.csr_array((np.prod(shape), np.prod(shape)))
    for axis, m in enumerate(shape):
        parts = [differences(m) if a == axis else sp.eye_array(k) for a, k in enumerate(shape)]
        D = along(parts)
        total = total + D.T @ sp.diags_array(weights(D.shape[0], axis)) @ D
    return sp.csr_matrix(total)


def grid(shape):
    """Return the Laplacian of a grid."""
    return sp.csr_matrix(poisson(shape))


def anisotropic(shape, epsilon):
    """Return the Laplacian of a grid with a weak last axis."""
    last = len(shape) - 1
    return weighted(shape, lambda count, axis: np.full(count, epsilon if axis == last else 1.0))


def jumping(shape, digits, seed=0):
    """Return a diffusion matrix whose coefficient is lognormal over so many digits, without correlation."""
    rng = np.random.default_rng(seed)
    return weighted(shape, lambda count, _: 10 ** rng.uniform(-digits / 2, digits / 2, count))


def heat(shape, step):
    """Return the matrix of an implicit time step."""
    return sp.csr_matrix(sp.eye_array(np.prod(shape)) + step * grid(shape))


def plate(m):
    """Return the biharmonic matrix of a clamped square: the square of the Laplacian."""
    A = grid((m, m))
    return sp.csr_matrix(A @ A)


def triangles(m, seed=0, step=None):
    """Return the stiffness matrix of an unstructured mesh without its boundary, or of a time step."""
    mesh = square_mesh(1 / m, rng=seed)
    K = stiffness(mesh)
    if step is not None:
        return sp.csr_matrix(mass(mesh) * m**2 + step * K)
    inner = np.setdiff1d(np.arange(len(mesh.points)), mesh.boundary.ravel())
    return sp.csr_matrix(K[inner][:, inner])


def tetrahedra(count, seed=0):
    """Return the stiffness matrix of linear elements on the Delaunay tetrahedra of random points."""
    points = np.random.default_rng(seed).random((count, 3))
    cells = Delaunay(points).simplices
    corners = points[cells]
    edges = corners[:, 1:] - corners[:, :1]
    volumes = abs(np.linalg.det(edges)) / 6
    cells, edges, volumes = (part[volumes > 1e-12] for part in (cells, edges, volumes))
    gradients = np.linalg.inv(edges).transpose(0, 2, 1)
    gradients = np.concatenate([-gradients.sum(axis=1, keepdims=True), gradients], axis=1)
    blocks = volumes[:, None, None] * np.einsum("tia,tja->tij", gradients, gradients)
    K = assembled(cells, blocks, count)
    inner = np.flatnonzero(((points > 0.06) & (points < 0.94)).all(axis=1))
    return sp.csr_matrix(K[inner][:, inner])


def assembled(cells, blocks, n):
    """Return the sum of element matrices, one block for each list of unknowns."""
    rows = np.repeat(cells[:, :, None], cells.shape[1], axis=2)
    cols = np.repeat(cells[:, None, :], cells.shape[1], axis=1)
    return sp.csr_matrix(sp.coo_array((blocks.ravel(), (rows.ravel(), cols.ravel())), shape=(n, n)))


def elasticity(m):
    """Return plane elasticity on a square grid."""
    return sp.csr_matrix(pyamg.gallery.linear_elasticity((m, m), format="csr")[0])


def solid(m, poisson_ratio=0.3):
    """Return elasticity on m^3 cubes with trilinear elements, fixed at one side."""
    signs = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)], float)
    lame = poisson_ratio / ((1 + poisson_ratio) * (1 - 2 * poisson_ratio))
    shear = 0.5 / (1 + poisson_ratio)
    law = np.diag([2 * shear] * 3 + [shear] * 3)
    law[:3, :3] += lame
    block = np.zeros((24, 24))
    for point in signs / np.sqrt(3):
        factors = (1 + signs * point) / 2
        gradient = np.stack([signs[:, a] / 2 * np.delete(factors, a, 1).prod(axis=1) for a in range(3)])
        strain = np.zeros((6, 24))
        for a in range(3):
            strain[a, a::3] = gradient[a]
        for row, (a, c) in enumerate(((0, 1), (1, 2), (0, 2)), 3):
            strain[row, a::3], strain[row, c::3] = gradient[c], gradient[a]
        block += strain.T @ law @ strain
    number = np.arange((m + 1) ** 3).reshape((m + 1,) * 3)
    nodes = np.stack(
        [number[i : m + i, j : m + j, k : m + k].ravel() for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    )
    cells = (3 * nodes.T[:, :, None] + np.arange(3)).reshape(m**3, 24)
    K = assembled(cells, np.broadcast_to(block, (m**3, 24, 24)), 3 * number.size)
    free = np.arange(3 * number[0].size, 3 * number.size)
    return sp.csr_matrix(K[free][:, free])


def frame(m, seed=0):
    """Return a frame of beams along the edges of an m^3 grid, with six unknowns a node."""
    rng = np.random.default_rng(seed)
    number = np.arange(m**3).reshape((m,) * 3)
    total = None
    for axis in range(3):
        one = np.delete(number, -1, axis).ravel()
        two = np.delete(number, 0, axis).ravel()
        block = beam(axis, 1e4, 5.0, 10.0)
        cells = np.concatenate([6 * one[:, None] + np.arange(6), 6 * two[:, None] + np.arange(6)], axis=1)
        blocks = block * rng.uniform(0.5, 2, len(one))[:, None, None]
        part = assembled(cells, blocks, 6 * m**3)
        total = part if total is None else total + part
    free = np.arange(6 * m**2, 6 * m**3)
    return sp.csr_matrix(total[free][:, free])


def beam(axis, stretch, twist, bend):
    """Return the 12 x 12 stiffness of a beam of length one along an axis (Euler and Bernoulli)."""
    K = np.zeros((12, 12))
    across = [(axis + 1) % 3, (axis + 2) % 3]
    for at, value in ((axis, stretch), (3 + axis, twist)):
        K[np.ix_([at, at + 6], [at, at + 6])] = value * np.array([[1, -1], [-1, 1]])
    for move, turn, sign in ((across[0], across[1], 1), (across[1], across[0], -1)):
        s = 6.0 * sign
        part = np.array([[12, s, -12, s], [s, 4, -s, 2], [-12, -s, 12, -s], [s, 2, -s, 4]])
        at = [move, 3 + turn, move + 6, 9 + turn]
        K[np.ix_(at, at)] += bend * part
    return K


def graph(n, neighbours, seed=0, *, far=0.0, shift=1.0):
    """Return the Laplacian of a random graph plus `shift`; a share `far` of the edges joins any nodes."""
    rng = np.random.default_rng(seed)
    rows = np.repeat(np.arange(n), neighbours)
    reach = rng.integers(1, 40, rows.size)
    cols = np.where(rng.random(rows.size) < far, rng.integers(0, n, rows.size), (rows + reach) % n)
    W = sp.coo_array((rng.uniform(0.1, 1, rows.size), (rows, cols)), shape=(n, n))
    W = sp.csr_array(W + W.T)
    W.setdiag(0)
    W.eliminate_zeros()
    return sp.csr_matrix(sp.diags_array(W.sum(axis=1) + shift) - W)


def hubs(n, seed=0, shift=1e-2):
    """Return the Laplacian of a graph whose degrees follow a power law, plus a multiple of the identity."""
    rng = np.random.default_rng(seed)
    rows = np.repeat(np.arange(1, n), 2)
    cols = (rows * rng.random(rows.size) ** 2).astype(int)
    W = sp.coo_array((rng.uniform(0.5, 2, rows.size), (rows, cols)), shape=(n, n))
    W = sp.csr_array(W + W.T)
    return sp.csr_matrix(sp.diags_array(W.sum(axis=1) + shift) - W)


def stokes(m, penalty=0.0, viscosity=1.0):
    """Return Stokes on a staggered m x m grid; one pressure is fixed."""
    inner, full = sp.eye_array(m - 1), sp.eye_array(m)
    second = differences(m - 1)
    along_it, across = second.T @ second, differences(m)
    wall = across.T @ across + sp.diags_array(np.r_[1.0, np.zeros(m - 2), 1.0])
    first = sp.kron(along_it, full) + sp.kron(inner, wall)
    other = sp.kron(wall, inner) + sp.kron(full, along_it)
    forward = sp.diags_array([-np.ones(m - 1), np.ones(m - 1)], offsets=[0, 1], shape=(m - 1, m))
    gradient = sp.vstack([sp.kron(forward, full), sp.kron(full, forward)]).tocsr()[:, 1:]
    F = viscosity * sp.block_diag([first, other])
    lower = -penalty * sp.eye_array(m * m - 1) if penalty else None
    return sp.csr_matrix(sp.block_array([[F, gradient], [gradient.T, lower]]))


def curl(m):
    """Return the discrete curl on the edges of m^3 cells, without the edges of the boundary."""
    E, N = sp.eye_array, m - 1
    D = sp.diags_array([-np.ones(m), np.ones(m)], offsets=[0, -1], shape=(m, N))
    x, y, z = (along(parts) for parts in ((E(m), E(N), E(N)), (E(N), E(m), E(N)), (E(N), E(N), E(m))))
    sizes = x.shape[0], y.shape[0], z.shape[0]
    blocks = [
        [None, -along((E(N), E(m), D)), along((E(N), D, E(m)))],
        [along((E(m), E(N), D)), None, -along((D, E(N), E(m)))],
        [-along((E(m), D, E(N))), along((D, E(m), E(N))), None],
    ]
    return sp.csr_matrix(sp.block_array(blocks)), sizes


def maxwell(m, wave):
    """Return ``curl curl - k^2``, indefinite; `wave` is k times the width of a cell."""
    C, _ = curl(m)
    return sp.csr_matrix(C.T @ C - wave**2 * sp.eye_array(C.shape[1]))


def eddy(m, conductivity, seed=0):
    """Return ``curl curl + i omega sigma``, complex symmetric, with a conductivity that varies tenfold."""
    C, _ = curl(m)
    sigma = conductivity * 10 ** np.random.default_rng(seed).uniform(-0.5, 0.5, C.shape[1])
    return sp.csr_matrix(C.T @ C + 1j * sp.diags_array(sigma))


def helmholtz(shape, shift, damping=0.0):
    """Return the Laplacian minus a shift, indefinite, and complex with damping."""
    A = grid(shape) - shift * (1 - 1j * damping if damping else 1) * sp.eye_array(np.prod(shape))
    return sp.csr_matrix(A)


def convection(shape, speed, scheme="upwind"):
    """Return convection and diffusion with a constant wind."""
    wind = (speed, speed / 2, speed / 4)[: len(shape)]
    return sp.csr_matrix(convection_diffusion(shape, wind, scheme=scheme))


def random_sparse(n, entries, seed=0, dominance=1.0):
    """Return a random matrix with a dominant diagonal and no structure."""
    rng = np.random.default_rng(seed)
    rows = np.repeat(np.arange(n), entries)
    R = sp.coo_array((rng.standard_normal(rows.size), (rows, rng.integers(0, n, rows.size))), shape=(n, n))
    R = sp.csr_array(R)
    return sp.csr_matrix(R + sp.diags_array(dominance * abs(R).sum(axis=1) + 0.1))


def banded_random(n, seed=0):
    """Return a random matrix with most entries near the diagonal."""
    return sp.csr_matrix(irregular(n, rng=seed))


def power_flow(buses, seed=0):
    """Return the Jacobian of a power flow: powers by angles and voltages, on a network like a road map."""
    rng = np.random.default_rng(seed)
    side = int(np.sqrt(buses))
    number = np.arange(side * side).reshape(side, side)
    edges = np.concatenate(
        [
            np.stack([number[:-1].ravel(), number[1:].ravel()]),
            np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()]),
        ],
        axis=1,
    )
    edges = edges[:, rng.random(edges.shape[1]) < 0.75]
    far = rng.integers(0, side * side, (2, side * side // 50))
    f, t = np.concatenate([edges, far], axis=1)
    parts = connected_components(sp.coo_array((np.ones(f.size), (f, t)), shape=(side**2, side**2)))[1]
    inside = parts == np.bincount(parts).argmax()
    f, t = (np.cumsum(inside)[end[inside[f]]] - 1 for end in (f, t))
    y = 1 / (rng.uniform(0.002, 0.02, f.size) + 1j * rng.uniform(0.02, 0.2, f.size))
    n = inside.sum()
    Y = sp.coo_array((np.r_[-y, -y, y, y], (np.r_[f, t, f, t], np.r_[t, f, f, t])), shape=(n, n))
    Y = sp.csr_array(Y + sp.eye_array(n) * (0.05 + 0.01j))
    V = rng.uniform(0.95, 1.05, n) * np.exp(1j * rng.uniform(-0.05, 0.05, n))
    current = Y @ V
    by_angle = 1j * sp.diags_array(V) @ (sp.diags_array(current) - Y @ sp.diags_array(V)).conj()
    by_size = sp.diags_array(V) @ (Y @ sp.diags_array(V / abs(V))).conj()
    by_size = by_size + sp.diags_array(current.conj() * V / abs(V))
    J = sp.block_array([[by_angle.real, by_size.real], [by_angle.imag, by_size.imag]])
    keep = np.setdiff1d(np.arange(2 * n), [0, n])
    return sp.csr_matrix(sp.csr_matrix(J)[keep][:, keep])


def markov(n, seed=0, discount=0.95):
    """Return ``I - g P`` with a random transition matrix."""
    rng = np.random.default_rng(seed)
    rows = np.repeat(np.arange(n), 6)
    P = sp.csr_array(
        sp.coo_array((rng.random(rows.size), (rows, rng.integers(0, n, rows.size))), shape=(n, n))
    )
    return sp.csr_matrix(sp.eye_array(n) - discount * sp.diags_array(1 / P.sum(axis=1)) @ P)
