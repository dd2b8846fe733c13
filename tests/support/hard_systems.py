"""Random linear systems with known solutions: kinds that mislead iterative solvers, and kinds that do not.

`hard` and `healthy` yield named systems of many kinds. Whether a solver's answer is wrong is for the test to
measure; here only the parameters are chosen so that most hard systems are close to singular or badly scaled.
"""

from itertools import cycle, islice
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from numsolve.problems import convection_diffusion, poisson


class Drawn(NamedTuple):
    """A system ``A x = b`` with ``b = A @ x``, and the name of its kind."""

    kind: str
    A: sp.csr_array
    x: np.ndarray

    @property
    def b(self):
        """The right-hand side."""
        return self.A @ self.x

    def error(self, x):
        """Return the relative error of a solution in the 2-norm; infinite if it is not finite."""
        error = np.linalg.norm(x - self.x) / np.linalg.norm(self.x)
        return float(error) if np.isfinite(error) else np.inf


def hard(count, seed, size):
    """Yield `count` hard systems of about `size` unknowns, all kinds in turn."""
    return draw(HARD, count, seed, size)


def healthy(count, seed, size):
    """Yield `count` systems of about `size` unknowns that pose no difficulty, all kinds in turn."""
    return draw(HEALTHY, count, seed, size)


def draw(kinds, count, seed, size):
    """Yield `count` systems of some kinds, functions of this file, in turn."""
    for number, kind in enumerate(islice(cycle(kinds), count)):
        rng = np.random.default_rng([seed, number])
        A = sp.csr_array(kind(rng, size))
        A.sum_duplicates()
        yield Drawn(kind.__name__, A, _solution(rng, A))


def _solution(rng, A):
    """Return ones, random numbers, both, or a smooth function with a mean."""
    n = A.shape[0]
    x = [
        lambda: np.ones(n),
        lambda: rng.standard_normal(n),
        lambda: 1 + rng.standard_normal(n),
        lambda: rng.standard_normal() + np.cos(np.linspace(0, rng.uniform(1, 20), n)),
    ][rng.integers(4)]()
    return x * np.exp(1j * rng.uniform(0, 6)) if A.dtype.kind == "c" else x


def power(rng, low, high):
    """Return a power of ten with a random exponent."""
    return 10.0 ** rng.uniform(low, high)


def shape_of(rng, size):
    """Return the shape of a random grid of two or three dimensions with about `size` points."""
    dims = rng.integers(2, 4)
    ratio = rng.uniform(0.7, 1.4, dims)
    return tuple(np.maximum(3, np.round(size ** (1 / dims) * ratio / ratio.prod() ** (1 / dims))).astype(int))


def edges(shape):
    """Return the differences along the edges of a grid, one row for each edge."""
    eyes = [sp.eye_array(n) for n in shape]
    parts = []
    for axis, n in enumerate(shape):
        factors = [
            *eyes[:axis],
            sp.diags_array([-1.0, 1.0], offsets=[0, 1], shape=(n - 1, n)),
            *eyes[axis + 1 :],
        ]
        product = factors[0]
        for factor in factors[1:]:
            product = sp.kron(product, factor)
        parts.append(product)
    return sp.csr_array(sp.vstack(parts))


def neumann(rng, shape, spread=None):
    """Return a Neumann Laplacian with log-normal weights of the edges."""
    D = edges(shape)
    spread = rng.choice([0, 0, 1, 2]) if spread is None else spread
    return sp.csr_array(D.T @ sp.diags_array(np.exp(spread * rng.standard_normal(D.shape[0]))) @ D)


def dirichlet(rng, shape, spread=None):
    """Return a weighted Laplacian with zero values outside of the grid."""
    inside = neumann(rng, shape, spread)
    return sp.csr_array(inside + sp.diags_array((poisson(shape) @ np.ones(inside.shape[0])).clip(0)))


def skew(shape, size):
    """Return central differences along each direction of a grid, with zero row sums."""
    D = edges(shape)
    return sp.csr_array(abs(D).T @ D) * (size / 2)


# Hard kinds


def nearly_neumann(rng, size):
    shape = shape_of(rng, size)
    A = neumann(rng, shape)
    return A + power(rng, -12, -6) * sp.eye_array(A.shape[0])


def nearly_neumann_with_convection(rng, size):
    shape = shape_of(rng, size)
    A = neumann(rng, shape, 0)
    return A + power(rng, -12, -6) * sp.eye_array(A.shape[0]) + skew(shape, power(rng, -4, -1))


def nearly_neumann_at_a_few_points(rng, size):
    A = neumann(rng, shape_of(rng, size)).tolil()
    for i in rng.integers(0, A.shape[0], rng.integers(1, 4)):
        A[i, i] += power(rng, -9, -3)
    return A


def near_resonance(rng, size):
    shape = shape_of(rng, size)
    values = [2 - 2 * np.cos(np.pi * rng.integers(1, max(2, n // 4)) / (n + 1)) for n in shape]
    return poisson(shape) - (sum(values) - power(rng, -10, -6)) * sp.eye_array(int(np.prod(shape)))


def near_resonance_with_absorption(rng, size):
    A = near_resonance(rng, size)
    return A + 1j * power(rng, -11, -7) * sp.eye_array(A.shape[0])


def two_parts(rng, size):
    shape = shape_of(rng, size / 2)
    first, second = neumann(rng, shape), dirichlet(rng, shape)
    n = first.shape[0]
    A = sp.block_diag([first, second]).tolil()
    joint, i, j = power(rng, -9, -4), rng.integers(n), n + rng.integers(n)
    A[i, i] += joint
    A[i, j] -= joint
    if rng.random() < 0.5:
        A[j, j] += joint
        A[j, i] -= joint
    return _shuffled(rng, A)


def many_parts(rng, size):
    """Boxes without Dirichlet values, joined to a chain by weak edges, of which one end is fixed."""
    boxes = int(rng.integers(3, 7))
    shape = shape_of(rng, size / boxes)
    parts = [neumann(rng, shape) for _ in range(boxes)]
    n = parts[0].shape[0]
    A = sp.block_diag(parts).tolil()
    A[0, 0] += 1
    for k in range(boxes - 1):
        i, j, w = k * n + rng.integers(n), (k + 1) * n + rng.integers(n), power(rng, -9, -5)
        A[i, i] += w
        A[j, j] += w
        A[i, j] -= w
        A[j, i] -= w
    return _shuffled(rng, A)


def row_scaled(rng, size):
    shape = shape_of(rng, size)
    A = dirichlet(rng, shape) if rng.random() < 0.5 else convection_diffusion(shape, (10.0,) * len(shape))
    return sp.diags_array(_scales(rng, A.shape[0], -12, -4)) @ A


def row_scaled_random(rng, size):
    A = _random_dominant(rng, size)
    return sp.diags_array(_scales(rng, A.shape[0], -12, -5)) @ A


def scaled_on_both_sides(rng, size):
    A = dirichlet(rng, shape_of(rng, size))
    D = sp.diags_array(_scales(rng, A.shape[0], -6, -2.5))
    return D @ A @ D


def scaled_by_blocks(rng, size):
    """Two fields in different units, coupled point by point."""
    shape = shape_of(rng, size / 2)
    A, B = dirichlet(rng, shape), dirichlet(rng, shape)
    C = 0.3 * sp.eye_array(A.shape[0])
    D = sp.block_diag([sp.eye_array(A.shape[0]), power(rng, -6, -3) * sp.eye_array(A.shape[0])])
    return D @ sp.block_array([[A, C], [C, B]]) @ D


def penalty(rng, size):
    A = neumann(rng, shape_of(rng, size))
    n = A.shape[0]
    fixed = rng.random(n) < power(rng, -2.5, -1) if rng.random() < 0.5 else np.arange(n) < n / 20
    fixed[0] = True
    return A + sp.diags_array(np.where(fixed, power(rng, 5, 12), 0))


def resistances(rng, size):
    """A network with tiny conductances, and identity rows where the pressure is given."""
    D = edges(shape_of(rng, size))
    A = sp.csr_array(D.T @ sp.diags_array(10.0 ** rng.uniform(-16, -13, D.shape[0])) @ D)
    fixed = rng.random(A.shape[0]) < 0.01
    fixed[0] = True
    keep = sp.diags_array(np.where(fixed, 0.0, 1.0))
    return keep @ A + sp.diags_array(np.where(fixed, 1.0, 0.0))


def high_contrast(rng, size):
    """Diffusion with a patch that conducts far better than the rest, or is almost isolated from it."""
    shape = shape_of(rng, size)
    D = edges(shape)
    inside = np.zeros(shape, bool)
    inside[tuple(slice(n // 4, 3 * n // 4) for n in shape)] = True
    ends = abs(D) @ inside.ravel().astype(float)
    contrast = power(rng, -9, -6)
    weights = np.where(ends == 1, contrast, 1.0) if rng.random() < 0.5 else np.where(ends == 2, 1.0, contrast)
    edge = (poisson(shape) @ np.ones(int(np.prod(shape)))).clip(0)
    return D.T @ sp.diags_array(weights) @ D + sp.diags_array(edge * (1 if rng.random() < 0.5 else contrast))


def saddle_stokes(rng, size):
    """Stokes flow in a closed box, with a pressure that only a tiny compressibility fixes."""
    return _stokes(rng, size, power(rng, -11, -7))


def saddle_equality(rng, size):
    """The conditions of a quadratic program whose Hessian is small in many directions."""
    n = int(size * 0.7)
    m = int(size - n)
    H = sp.diags_array(10.0 ** rng.uniform(-rng.uniform(5, 9), 0, n))
    B = sp.random_array((m, n), density=4 / n, rng=rng, data_sampler=rng.standard_normal) + sp.eye_array(m, n)
    return sp.block_array([[H, B.T], [B, -power(rng, -12, -9) * sp.eye_array(m)]])


def saddle_mixed(rng, size):
    """Mixed diffusion: fluxes on edges, pressures at points, a permeability of wide range."""
    D = edges(shape_of(rng, size / 3))
    K = sp.diags_array(10.0 ** rng.uniform(-rng.uniform(3, 7), 0, D.shape[0]))
    return sp.block_array([[K, D], [D.T, -power(rng, -10, -6) * sp.eye_array(D.shape[1])]])


def nearly_free_body(rng, size):
    """Plane elasticity without supports, but for a weak spring at each point."""
    A = elasticity(rng, size)
    return A + power(rng, -11, -6) * sp.eye_array(A.shape[0])


def nearly_dependent_rows(rng, size):
    """A dominant matrix with one row replaced by a combination of others, but for a tiny rest."""
    A = _random_dominant(rng, size).tolil()
    n = A.shape[0]
    i, j, k = rng.choice(n, 3, replace=False)
    A[i] = A[j] + A[k]
    A[i, i] += power(rng, -9, -6)
    return A


# Healthy kinds


def laplacian(rng, size):
    return poisson(shape_of(rng, size))


def weighted_laplacian(rng, size):
    return dirichlet(rng, shape_of(rng, size), rng.choice([0.5, 1, 1.5]))


def negative_laplacian(rng, size):
    return -dirichlet(rng, shape_of(rng, size))


def anisotropic(rng, size):
    shape = shape_of(rng, size)
    D = edges(shape)
    weight = np.repeat(
        10.0 ** rng.uniform(-1.5, 0, len(shape)), [_edge_count(shape, a) for a in range(len(shape))]
    )
    n = D.shape[1]
    return D.T @ sp.diags_array(weight) @ D + sp.diags_array((poisson(shape) @ np.ones(n)).clip(0))


def reaction(rng, size):
    shape = shape_of(rng, size)
    return neumann(rng, shape) + power(rng, -1.5, 1) * sp.eye_array(int(np.prod(shape)))


def convection(rng, size):
    shape = shape_of(rng, size)
    return convection_diffusion(shape, tuple(rng.uniform(-40, 40, len(shape))))


def neumann_with_convection(rng, size):
    shape = shape_of(rng, size)
    return neumann(rng, shape, 0) + power(rng, -2, 0) * sp.eye_array(int(np.prod(shape))) + skew(shape, 0.1)


def dominant(rng, size):
    return _random_dominant(rng, size)


def mildly_scaled_rows(rng, size):
    A = _random_dominant(rng, size)
    return sp.diags_array(_scales(rng, A.shape[0], -1.5, -0.5)) @ A


def mildly_scaled_on_both_sides(rng, size):
    shape = shape_of(rng, size)
    A = dirichlet(rng, shape) + sp.eye_array(int(np.prod(shape)))
    D = sp.diags_array(_scales(rng, A.shape[0], -0.7, -0.2))
    return D @ A @ D


def absorbing_waves(rng, size):
    shape = shape_of(rng, size)
    return poisson(shape) - (power(rng, -2, -0.5) - 1j * power(rng, -1, 0)) * sp.eye_array(
        int(np.prod(shape))
    )


def stokes(rng, size):
    return _stokes(rng, size, power(rng, -2, 0))


def supported_body(rng, size):
    A = elasticity(rng, size)
    return A + power(rng, -1, 0) * sp.eye_array(A.shape[0])


def two_grids(rng, size):
    shape = shape_of(rng, size / 2)
    A = sp.block_diag([dirichlet(rng, shape), dirichlet(rng, shape)]).tolil()
    n = A.shape[0] // 2
    A[0, n] = A[n, 0] = -power(rng, -9, -1)
    return _shuffled(rng, A)


def small_penalty(rng, size):
    A = dirichlet(rng, shape_of(rng, size))
    fixed = rng.random(A.shape[0]) < 0.05
    return A + sp.diags_array(np.where(fixed, power(rng, 0, 2), 0))


# Shared parts


def elasticity(rng, size):
    """Return the stiffness of a plane square without supports: bilinear elements of random stiffness."""
    m = max(3, int(np.sqrt(size / 2)))
    nu = rng.uniform(0.1, 0.4)
    points, weights = np.array([-1, 1]) / np.sqrt(3), (1, 1)
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    C = np.array([[1, nu, 0], [nu, 1, 0], [0, 0, (1 - nu) / 2]]) / (1 - nu**2)
    K = np.zeros((8, 8))
    for s, ws in zip(points, weights, strict=True):
        for t, wt in zip(points, weights, strict=True):
            dx, dy = signs[:, 0] * (1 + signs[:, 1] * t) / 2, signs[:, 1] * (1 + signs[:, 0] * s) / 2
            B = np.zeros((3, 8))
            B[0, ::2], B[1, 1::2], B[2, ::2], B[2, 1::2] = dx, dy, dy, dx
            K += ws * wt * B.T @ C @ B / 4
    node = np.arange(m * m).reshape(m, m)
    corners = np.stack([node[:-1, :-1], node[:-1, 1:], node[1:, 1:], node[1:, :-1]], -1).reshape(-1, 4)
    dofs = (2 * corners[:, :, None] + np.arange(2)).reshape(-1, 8)
    stiffness = np.exp(rng.choice([0, 0.5]) * rng.standard_normal(len(dofs)))
    values = stiffness[:, None, None] * K
    i, j = np.broadcast_to(dofs[:, :, None], values.shape), np.broadcast_to(dofs[:, None, :], values.shape)
    return sp.csr_array(sp.coo_array((values.ravel(), (i.ravel(), j.ravel())), shape=(2 * m * m,) * 2))


def _stokes(rng, size, compressibility):
    shape = shape_of(rng, size / 4)
    D = edges(shape)  # pressures at points, velocities on edges: the divergence is D^T
    faces = D.shape[0]
    viscous = sp.csr_array(D @ D.T) + sp.csr_array(sp.eye_array(faces)) * power(rng, -1, 0)
    return sp.block_array([[viscous, D], [D.T, -compressibility * sp.eye_array(D.shape[1])]])


def _random_dominant(rng, size):
    n = int(size)
    A = sp.random_array((n, n), density=5 / n, rng=rng, data_sampler=rng.standard_normal)
    return sp.csr_array(
        A + sp.diags_array(rng.choice([-1, 1], n) * (rng.uniform(0.1, 2) + abs(A).sum(axis=1)))
    )


def _scales(rng, n, low, high):
    """Return positive scales over some decades, in order, in random order, or of two values only."""
    decades = rng.uniform(low, high)
    scales = 10.0 ** np.linspace(decades, 0, n)
    if rng.random() < 0.5:
        rng.shuffle(scales)
    return np.where(scales < 10 ** (decades / 2), 10.0**decades, 1.0) if rng.random() < 0.3 else scales


def _shuffled(rng, A):
    """Return the matrix with its unknowns in random order, in half of the cases."""
    if rng.random() < 0.5:
        return A
    order = rng.permutation(A.shape[0])
    return sp.csr_array(A)[order][:, order]


def _edge_count(shape, axis):
    return int(np.prod(shape)) // shape[axis] * (shape[axis] - 1)


HARD = (
    nearly_neumann,
    row_scaled,
    penalty,
    two_parts,
    saddle_stokes,
    nearly_neumann_with_convection,
    row_scaled_random,
    resistances,
    many_parts,
    saddle_equality,
    nearly_neumann_at_a_few_points,
    scaled_on_both_sides,
    near_resonance,
    high_contrast,
    saddle_mixed,
    near_resonance_with_absorption,
    scaled_by_blocks,
    nearly_free_body,
    nearly_dependent_rows,
)
HEALTHY = (
    laplacian,
    weighted_laplacian,
    negative_laplacian,
    anisotropic,
    reaction,
    convection,
    neumann_with_convection,
    dominant,
    mildly_scaled_rows,
    mildly_scaled_on_both_sides,
    absorbing_waves,
    stokes,
    supported_body,
    two_grids,
    small_penalty,
)
