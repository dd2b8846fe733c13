"""Cases of the kernels for Dirac's equation: small meshes, with nuclei and without."""

import numpy as np

from numsolve.radial import exponential
from numsolve.radial._states import systems
from numsolve.radial._states_dirac import rules

MESH = exponential(3.0, 3, ratio=2.0, degree=4)
ITEMS = 30  # values of both functions of a state on this mesh
KAPPA = np.array([-1, 1, -2, 2])


def solve(rng, n, dtype, index):
    states = -(-n // ITEMS)
    count = max(1, states // 3)
    home = systems([MESH] * count)
    Z = np.where(np.arange(count) % 3 == 2, 0.0, 1.0 + np.arange(count) % 7)
    group = np.arange(count)
    shared = rules(home, group, KAPPA[group % 4], Z, 8.0)
    system = rng.integers(0, count, states)
    x = MESH.local(rng.standard_normal((states, 2, MESH.size)) + 2)
    x[..., -1, -1] = 0
    shift = np.where(np.arange(states) % 3, -20 - rng.random(states), 2.0)
    V = MESH.local(rng.random((count, MESH.size)))
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
    V, *mesh = rest
    live = np.arange(count) % 5 != 3
    which = live, system.astype(index), system.astype(index), lift, Z, shift, 8.0
    return *which, V, *mesh, x.astype(dtype), np.zeros_like(x, dtype), np.zeros((states, 3), dtype)


def exchange(rng, n, dtype):
    values = (10.0 ** rng.uniform(-2, 7, n)).astype(dtype)
    values[2::7] = 0
    return values, 137.0, *np.ones((2, n), dtype)


CASES = {
    "dirac_solve": solve,
    "relativistic_exchange": lambda rng, n, t, i: exchange(rng, n, t),
}
RETURNS_SUM = set()
