"""Cases of the kernels for Dirac's equation: small meshes, with nuclei and without."""

import numpy as np

from numsolve.radial._states import systems
from numsolve.radial._states_dirac import rules

from . import radial

ITEMS = 2 * radial.ITEMS  # values of both functions of a state
KAPPA = np.array([-1, 1, -2, 2])


def solve(rng, n, dtype, index):
    states = -(-n // ITEMS)
    count = max(1, states // 3)
    mesh = radial.mesh(n)
    home = systems([mesh] * count)
    Z = np.where(np.arange(count) % 3 == 2, 0.0, 1.0 + np.arange(count) % 7)
    group = np.arange(count)
    shared = rules(home, group, KAPPA[group % 4], Z, 8.0)
    system = rng.integers(0, count, states)
    x = mesh.local(rng.standard_normal((states, 2, mesh.size)) + 2)
    x[..., -1, -1] = 0
    shift = np.where(np.arange(states) % 3, -20 - rng.random(states), 2.0)
    V = mesh.local(rng.random((count, mesh.size)))
    reals = (
        shared.lift,
        shared.Z,
        shift,
        V,
        home.r,
        home.h,
        shared.w,
        home.D,
        shared.points,
        shared.first,
        x,
    )
    lift, Z, shift, *rest, x = (a.astype(dtype) for a in reals)
    V, *geometry = rest
    live = np.arange(count) % 5 != 3
    which = live, system.astype(index), system.astype(index), lift, Z, shift, 8.0
    return *which, V, *geometry, x.astype(dtype), np.zeros_like(x, dtype), np.zeros((states, 3), dtype)


def exchange(rng, n, dtype):
    values = (10.0 ** rng.uniform(-2, 7, n)).astype(dtype)
    values[2::7] = 0
    return values, 137.0, *np.ones((2, n), dtype)


CASES = {
    "dirac_solve": solve,
    "relativistic_exchange": lambda rng, n, t, i: exchange(rng, n, t),
}
RETURNS_SUM = set()
