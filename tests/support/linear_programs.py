"""Random linear programs, and what other programs say of them."""

from pathlib import Path

import numpy as np
import scipy.optimize
import scipy.sparse as sp

from numsolve.monotone import LP

FOLDER = Path(__file__).parents[3] / "shared" / "lp"


def small(rng, n=None):
    """Return a small program with whole numbers: feasible, infeasible or unbounded."""
    n = int(rng.integers(1, 8)) if n is None else n
    m = int(rng.integers(0, 7))
    A = rng.integers(-3, 4, (m, n)).astype(float) * (rng.random((m, n)) < 0.7)
    rl, ru = bounds(rng, m, 8)
    l, u = bounds(rng, n, 4)
    c = rng.integers(-3, 4, n).astype(float)
    return LP(c, A, rl, ru, l, u, float(rng.integers(-2, 3)), bool(rng.random() < 0.3))


def bounds(rng, count, size):
    """Return lower and upper bounds, some equal and some infinite."""
    lower, upper = np.sort(rng.integers(-size, size, (2, count)).astype(float), axis=0)
    lower[rng.random(count) < 0.3] = -np.inf
    upper[rng.random(count) < 0.3] = np.inf
    same = (rng.random(count) < 0.2) & np.isfinite(lower)
    upper[same] = lower[same]
    return lower, upper


def with_known_optimum(rng, m, n, density=0.2):
    """Return a program and its optimal x, y and s, which are strictly complementary."""
    A = sp.random_array((m, n), density=density, rng=rng, data_sampler=rng.standard_normal).tocsr()
    x, y, s = rng.standard_normal(n), rng.standard_normal(m), rng.standard_normal(n)
    s[rng.random(n) < 0.5] = 0
    y[rng.random(m) < 0.4] = 0
    c, Ax = A.T @ y + s, A @ x
    slack = [rng.uniform(0.5, 2, size) for size in (n, n, m, m)]
    l = np.where(s > 0, x, np.where(rng.random(n) < 0.5, x - slack[0], -np.inf))
    u = np.where(s < 0, x, np.where(rng.random(n) < 0.5, x + slack[1], np.inf))
    rl = np.where(y > 0, Ax, np.where(rng.random(m) < 0.5, Ax - slack[2], -np.inf))
    ru = np.where(y < 0, Ax, np.where(rng.random(m) < 0.5, Ax + slack[3], np.inf))
    return LP(c, A, rl, ru, l, u), x, y, s


def scipys(lp):
    """Return the result of SciPy's linprog (HiGHS); its `fun` is in the sense of the program."""
    sense = -1.0 if lp.maximize else 1.0
    A = lp.A.toarray()
    same = lp.rl == lp.ru
    above, below = np.isfinite(lp.ru) & ~same, np.isfinite(lp.rl) & ~same
    found = scipy.optimize.linprog(
        sense * lp.c,
        A_ub=np.vstack([A[above], -A[below]]),
        b_ub=np.concatenate([lp.ru[above], -lp.rl[below]]),
        A_eq=A[same],
        b_eq=lp.rl[same],
        bounds=np.column_stack([lp.l, lp.u]),
        method="highs-ds",
        options={"presolve": False},
    )
    if found.status == 0:
        found.fun = sense * found.fun + lp.offset
    return found


def transport(rng, a, b):
    """Return the transport problem between random masses: a + b equations and a b variables."""
    supply, demand = rng.dirichlet(np.ones(a)), rng.dirichlet(np.ones(b))
    cost = abs(rng.random(a)[:, None] - rng.random(b))
    A = sp.vstack([sp.kron(sp.eye_array(a), np.ones((1, b))), sp.kron(np.ones((1, a)), sp.eye_array(b))])
    sides = np.concatenate([supply, demand])
    return LP(cost.ravel(), A.tocsr(), sides, sides)
