"""The presolve: what it removes, and what comes back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.linear_programs import FOLDER, scipys, small, with_known_optimum

from numsolve.monotone import LP, kkt, read_mps
from numsolve.monotone._linear_programs._presolve import Contradiction, presolved

inf = np.inf


def solved_exactly(lp):
    """Return x, y, s of a vertex, by SciPy's linprog (HiGHS) in the sense of the program."""
    m, n = lp.shape
    if n == 0:
        return np.zeros(0), np.zeros(m), np.zeros(0)
    found = scipys(lp)
    if found.status != 0:
        return None
    sense = -1.0 if lp.maximize else 1.0
    same = lp.rl == lp.ru
    above, below = np.isfinite(lp.ru) & ~same, np.isfinite(lp.rl) & ~same
    y = np.zeros(m)
    count = above.sum()
    y[above] += found.ineqlin.marginals[:count]
    y[below] -= found.ineqlin.marginals[count:]
    y[same] = found.eqlin.marginals
    y *= sense
    return found.x, y, lp.c - lp.A.T @ y


def check(lp):
    """Reduce a program, solve what is left exactly, and check the point that comes back; return both."""
    reduced = presolved(lp)
    point = solved_exactly(reduced.lp)
    if point is None:
        return reduced, None
    x, y, s = reduced.restore(*point)
    assert kkt(lp, x, y, s).worst < 1e-8
    assert kkt(lp, x, y, s).objective == pytest.approx(kkt(reduced.lp, *point).objective, abs=1e-8)
    return reduced, (x, y, s)


@given(seed=st.integers(0, 2**32 - 1))
def test_multipliers_come_back_exactly(seed):
    lp = small(np.random.default_rng(seed))
    expected = scipys(lp) if (lp.rl <= lp.ru).all() and (lp.l <= lp.u).all() else None
    try:
        _, point = check(lp)
    except Contradiction as verdict:
        assert verdict.certificate.violation <= 1e-9
        assert expected is None or expected.status in (2, 3, 4)
        return
    assert (point is not None) == (expected is not None and expected.status == 0)


def test_each_reduction():
    row = np.ones((1, 2))
    cases = {
        "empty row": LP([1, 1], np.zeros((1, 2)), -1, 1),
        "free row": LP([1, 1], row, -inf, inf),
        "fixed variable": LP([1, 1], row, 1, 1, [0.25, 0], [0.25, inf]),
        "empty column": LP([1, -2], [[1.0, 0.0]], 1, 1, 0, 3),
        "singleton row": LP([1, -2], [[2.0, 0.0], [0.0, -4.0]], [3, -8], [8, inf]),
        "redundant row": LP([-1, -2], row, -inf, 9, 0, [3, 4]),
        "forcing row": LP([-1, -2], row, 7, inf, 0, [3, 4]),
        "free variable": LP([3, 2], row, 1, 1, [0, -inf], inf),
        "implied free variable": LP([1, 2], row, 1, 1, [0, -5], [2, 5]),
        "dominated variable": LP([1, 2], [[1.0, -1.0]], -inf, 3, 0, inf),
    }
    for name, lp in cases.items():
        reduced, point = check(lp)
        assert point is not None, name
        assert reduced.lp.shape[0] + reduced.lp.shape[1] < sum(lp.shape), name
    assert check(cases["forcing row"])[0].lp.shape == (0, 0)


@pytest.mark.parametrize(
    "lp",
    [
        LP([1.0, 1.0], [[1.0, 1.0]], 5, inf, 0, 2),
        LP([1.0, 1.0], [[2.0, 0.0], [-3.0, 0.0]], [4, -3], inf),
        LP([1.0, 1.0], np.zeros((1, 2)), 1, 2),
        LP([-1.0, 1.0], [[0.0, 1.0]], 1, 2),
        LP([-1.0, 1.0], [[0.0, 1.0]], 1, 2, maximize=True, l=-inf),
    ],
)
def test_verdicts_have_a_certificate(lp):
    with pytest.raises(Contradiction) as verdict:
        presolved(lp)
    assert verdict.value.certificate.violation == 0


def test_approximate_points_do_not_get_worse(rng):
    for _ in range(10):
        lp, *_ = with_known_optimum(rng, 20, 15, 0.1)
        reduced = presolved(lp)
        x, y, _ = solved_exactly(reduced.lp)
        noise = [v + 1e-6 * rng.standard_normal(len(v)) for v in (x, y)]
        before = kkt(reduced.lp, np.clip(noise[0], reduced.lp.l, reduced.lp.u), noise[1])
        after = kkt(lp, *reduced.restore(*noise, reduced.lp.c - reduced.lp.A.T @ noise[1])[:2])
        assert after.worst < 100 * (before.worst + 1e-6)


def test_a_reduced_program_is_not_reduced_again_and_starts_are_mapped(rng):
    lp, x, y, _ = with_known_optimum(rng, 20, 15, 0.1)
    reduced = presolved(lp)
    again = presolved(reduced.lp)
    assert again.lp.shape == reduced.lp.shape
    smaller_x, smaller_y = reduced.reduce(x, y)
    assert (len(smaller_y), len(smaller_x)) == reduced.lp.shape


@pytest.mark.extended
def test_real_programs_come_back_exactly():
    files = sorted(FOLDER.glob("*.mps.gz"))
    if not files:
        pytest.skip("the folder of programs is not there")
    for file in files:
        lp = read_mps(file)
        if lp.A.nnz > 3000:
            continue
        try:
            check(lp)
        except Contradiction as verdict:
            assert verdict.certificate.violation <= 1e-9
