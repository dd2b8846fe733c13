"""Cases of the radial kernels: small meshes, shifts below all eigenvalues and between them."""

import numpy as np

from numsolve.radial import exponential
from numsolve.radial._states import systems

MESH, ONE_ELEMENT = exponential(3.0, 3, ratio=2.0, degree=4), exponential(3.0, 1, degree=4)
ITEMS = 15  # values of a function on the former


def mesh(n):
    """Return the mesh of a size: that of size 2 has one element."""
    return ONE_ELEMENT if n == 2 else MESH


def batch(n):
    """Return how many functions have about n values."""
    return -(-n // ITEMS)


def home(mesh, count, dtype):
    """Return the arrays of so many equal meshes."""
    home = systems([mesh] * max(count, 1))
    r, c, w, h = (a[:count].astype(dtype) for a in (home.r, home.c, home.w, home.h))
    return r, c, w, h, home.K.astype(dtype), home.D.astype(dtype), home.J.astype(dtype)


def functions(rng, mesh, count, dtype):
    """Return functions that are continuous and vanish at both ends."""
    values = rng.standard_normal((count, mesh.size)) + 2
    values[:, 0] = values[:, -1] = 0
    return mesh.local(values).astype(dtype)


def solve(rng, n, dtype, index):
    states = batch(n)
    count = max(1, states // 2)
    _, c, w, h, K, *_ = home(mesh(n), count, dtype)
    x = functions(rng, mesh(n), states, dtype)
    x /= np.sqrt((w[:1] * x * x).sum(axis=(1, 2), keepdims=True))
    l = rng.integers(0, 3, states).astype(dtype)
    shift = np.where(np.arange(states) % 3, -1 - rng.random(states), 2.0).astype(dtype)
    live = np.arange(count) % 5 != 3
    V = mesh(n).local(rng.random((count, mesh(n).size))).astype(dtype)
    system = rng.integers(0, count, states).astype(index)
    return live, system, l, shift, V, c, w, h, K, x, np.zeros_like(x), np.zeros((states, 3), dtype)


def density(rng, n, dtype, index):
    count = batch(n)
    r, _, _, h, _, D, J = home(mesh(n), count, dtype)
    starts = np.arange(count + 1) * 2
    starts[-1:] -= count > 2  # the last system has one state, the others two
    y, f = functions(rng, mesh(n), int(starts[-1]), dtype), rng.random(int(starts[-1])).astype(dtype)
    live = np.arange(count) % 5 != 3
    return live, starts.astype(index), f, r, h, D, J, y, *np.zeros((3, *r.shape), dtype)


def mixing(rng, n, dtype):
    count, depth = batch(n), 3
    step = {0: 0, 1: 0, 2: 1}.get(n, 5)
    where, (_, _, w, *_) = mesh(n), home(mesh(n), count, dtype)
    u = where.local(rng.random((count, where.size))).astype(dtype)
    f, V = (where.local(rng.standard_normal((2, count, where.size)))).astype(dtype)
    dF, dV = where.local(rng.standard_normal((2, count, depth, where.size))).astype(dtype)
    live = np.arange(count) % 5 != 3
    return live, step, 0.5, w, u, f, V, dF, dV, np.zeros_like(V), np.zeros(count, dtype)


def densities(rng, n, dtype):
    values = (10.0 ** rng.uniform(-6, 4, n)).astype(dtype)
    values[2::7] = 0
    return values, *np.ones((2, n), dtype)


CASES = {
    "radial_solve": solve,
    "radial_density": density,
    "lda_vwn": lambda rng, n, t, i: densities(rng, n, t),
    "anderson": lambda rng, n, t, i: mixing(rng, n, t),
}
RETURNS_SUM = set()
