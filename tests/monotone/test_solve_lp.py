"""Linear programs: answers, statuses, certificates and faults."""

import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from support.linear_programs import FOLDER, scipys, small, transport, with_known_optimum

from numsolve import ConvergenceWarning, Interrupted, Status, to_device, to_host
from numsolve.monotone import LP, kkt, read_mps, solve_lp, solve_lps

STATUS = {0: Status.CONVERGED, 2: Status.INFEASIBLE, 3: Status.UNBOUNDED}


def quiet(*args, **options):
    """Solve without a warning of a miss."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return solve_lp(*args, **options)


def check_claims(lp, result, rtol):
    """Check the signs of multipliers, the bounds, the residuals and the certificate by plain arithmetic."""
    sense = -1.0 if lp.maximize else 1.0
    assert (result.x >= lp.l).all()
    assert (result.x <= lp.u).all()
    for multipliers, lower, upper in ((sense * result.y, lp.rl, lp.ru), (sense * result.s, lp.l, lp.u)):
        assert not (multipliers[np.isinf(lower)] > 0).any()
        assert not (multipliers[np.isinf(upper)] < 0).any()
    again = kkt(lp, result.x, result.y, result.s)
    assert again == pytest.approx(result.kkt, rel=1e-6, abs=1e-12)
    assert result.success == (result.status == 0)
    if result.success:
        assert again.worst <= rtol
    proof = result.certificate
    assert (proof is not None) == (result.status in (Status.INFEASIBLE, Status.UNBOUNDED))
    if proof is None or proof.crossing:
        return
    assert proof.violation <= 1e-6
    if result.status == Status.UNBOUNDED:
        gain, move = -sense * (lp.c @ proof.x), lp.A @ proof.x
        assert gain > 0
        for direction, lower, upper in ((move, lp.rl, lp.ru), (proof.x, lp.l, lp.u)):
            assert (direction[np.isfinite(upper)] <= 1.01e-6 * gain).all()
            assert (direction[np.isfinite(lower)] >= -1.01e-6 * gain).all()
    else:
        s = -(lp.A.T @ proof.y)
        value = 0.0
        for multipliers, lower, upper in ((proof.y, lp.rl, lp.ru), (s, lp.l, lp.u)):
            bound = np.where(multipliers > 0, lower, upper)
            used = np.isfinite(bound)
            assert (abs(multipliers[~used]) <= 1.01e-6 * proof.value).all()
            value += multipliers[used] @ bound[used]
        assert value > 0


@pytest.mark.parametrize("presolve", [True, False])
@given(seed=st.integers(0, 2**32 - 1))
def test_small_programs_have_the_status_and_the_value_of_the_simplex_method(presolve, seed):
    lp = small(np.random.default_rng(seed))
    result, expected = quiet(lp, rtol=1e-7, maxiter=300_000, presolve=presolve), scipys(lp)
    check_claims(lp, result, 1e-7)
    if (lp.rl > lp.ru).any() or (lp.l > lp.u).any():
        assert result.status == Status.INFEASIBLE
    elif result.certificate is not None and expected.status in (2, 3, 4):
        pass  # a program that is neither feasible nor bounded has both proofs
    else:
        assert result.status == STATUS[expected.status]
    if result.success:
        assert result.objective == pytest.approx(expected.fun, abs=1e-5 * (1 + abs(expected.fun)))


@pytest.mark.parametrize("presolve", [True, False])
@pytest.mark.parametrize("maximize", [False, True])
def test_known_optima(rng, presolve, maximize):
    lp, x, y, s = with_known_optimum(rng, 30, 50)
    if maximize:
        lp, y, s = LP(-lp.c, lp.A, lp.rl, lp.ru, lp.l, lp.u, 3.0, True), -y, -s
    result = solve_lp(lp, rtol=1e-9, presolve=presolve).check()
    check_claims(lp, result, 1e-9)
    assert result.objective == pytest.approx(float(lp.c @ x) + lp.offset, rel=1e-7)
    assert result.kkt.dual_objective == pytest.approx(result.objective, rel=1e-7)
    changed = LP(lp.c, lp.A, lp.rl + 1e-3 * (lp.rl == lp.A @ x), lp.ru, lp.l, lp.u, lp.offset, maximize)
    if (changed.rl <= changed.ru).all():  # multipliers are derivatives of the objective
        gain = scipys(changed).fun - scipys(lp).fun
        active = np.maximum(-y if maximize else y, 0) * (-1 if maximize else 1)
        assert gain == pytest.approx(1e-3 * active.sum(), rel=0.2, abs=1e-6)


def test_special_shapes():
    inf = np.inf
    empty = LP(np.zeros(0), np.zeros((0, 0)), np.zeros(0), np.zeros(0))
    assert solve_lp(empty).success
    no_rows = LP([1.0, -1.0, 0.0], np.zeros((0, 3)), np.zeros(0), np.zeros(0), [1, -inf, -inf], [inf, 2, inf])
    result = solve_lp(no_rows, presolve=False, rtol=1e-8).check()
    assert result.objective == pytest.approx(-1, abs=1e-6)
    assert quiet(LP([1.0], np.zeros((0, 1)), np.zeros(0), np.zeros(0), -inf)).status == Status.UNBOUNDED
    zero_row = np.array([[0.0, 0.0], [1.0, 1.0]])
    assert solve_lp(LP([1.0, 1.0], zero_row, [-1, 2], [1, 2])).success
    for presolve in (True, False):
        assert quiet(LP([1.0, 1.0], zero_row, [1, 2], [3, 2]), presolve=presolve).status == Status.INFEASIBLE


def test_bounds_that_cross():
    lp = LP([1.0, 1.0], [[1.0, 1.0]], 0, 1, [0, 3], [1, 2])
    result = quiet(lp)
    assert result.status == Status.INFEASIBLE
    assert result.certificate.crossing == ("x", 1)
    assert "variable 1" in result.message
    assert quiet(LP([1.0], [[1.0]], 2, 1)).certificate.crossing == ("row", 0)


@pytest.mark.parametrize("n", [1, 2, 30])
@pytest.mark.parametrize("presolve", [True, False])
def test_unbounded_programs(rng, n, presolve):
    ray = rng.random(n) + 0.1
    A = rng.standard_normal((2 * n, n))
    A *= -np.sign(A @ ray)[:, None]  # the ray goes down in every row
    lp = LP(-ray, A, -np.inf, rng.random(2 * n), -np.inf, np.inf)
    result = quiet(lp, presolve=presolve, maxiter=200_000)
    assert result.status == Status.UNBOUNDED
    check_claims(lp, result, 1e-4)


@pytest.mark.parametrize("n", [2, 30])
@pytest.mark.parametrize("presolve", [True, False])
def test_infeasible_programs(rng, n, presolve):
    A = rng.standard_normal((2 * n, n))
    y = rng.random(2 * n) * (rng.random(2 * n) < 0.6)
    y[0] = 1.0
    A[0] -= A.T @ y  # now A.T @ y = 0
    b = rng.standard_normal(2 * n)
    b[0] += (0.1 - y @ b) / y[0]
    lp = LP(rng.standard_normal(n), A, b, np.inf, -np.inf, np.inf)
    result = quiet(lp, presolve=presolve, maxiter=200_000)
    assert result.status == Status.INFEASIBLE
    check_claims(lp, result, 1e-4)


def test_warm_starts_from_either_side_take_fewer_iterations(rng):
    lp = transport(rng, 12, 9)
    cold = solve_lp(lp, rtol=1e-7)
    for start in ({"x0": cold.x, "y0": cold.y}, {"x0": cold.x}, {"y0": cold.y}):
        warm = solve_lp(lp, **start, rtol=1e-6, presolve=False)
        assert warm.success
        assert np.isfinite(warm.x).all()
        if len(start) == 2:
            assert warm.nit == 0


def test_scaling_of_rows_columns_and_units_does_not_change_a_status(rng):
    lp, x, *_ = with_known_optimum(rng, 20, 30)
    for size in (1e-6, 1e6):
        rows, columns = size ** rng.random(20), size ** rng.random(30)
        A = sp.diags_array(rows) @ lp.A @ sp.diags_array(columns)
        scaled = LP(lp.c * columns, A.tocsr(), lp.rl * rows, lp.ru * rows, lp.l / columns, lp.u / columns)
        result = solve_lp(scaled, rtol=1e-8).check()
        assert result.objective == pytest.approx(lp.c @ x, rel=1e-5)


def test_a_miss_keeps_the_best_point_and_warns(rng):
    lp = transport(rng, 8, 8)
    with pytest.warns(ConvergenceWarning, match="maxiter"):
        result = solve_lp(lp, rtol=1e-12, maxiter=128)
    assert result.status == Status.MAXITER
    assert result.nit == 128
    check_claims(lp, result, 0)
    with pytest.warns(ConvergenceWarning, match="time limit"):
        assert solve_lp(lp, rtol=1e-12, time_limit=1e-9).status == Status.TIME_LIMIT


def test_callbacks_stop_and_interrupts_keep_the_point(rng):
    lp, seen = transport(rng, 8, 8), []
    result = solve_lp(lp, rtol=1e-10, callback=lambda x, r: seen.append((x, r)) or len(seen) == 3)
    assert result.status == Status.STOPPED
    assert [x.shape for x, _ in seen] == [(64,)] * 3
    assert not (seen[0][0] == seen[1][0]).all()

    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        solve_lp(lp, rtol=1e-10, callback=interrupt)
    assert caught.value.result.y.shape == (16,)


def test_threads_and_pickles(rng):
    lps = [transport(rng, 6, 5) for _ in range(8)]
    one_by_one = [solve_lp(lp).x for lp in lps]
    with ThreadPoolExecutor(4) as pool:
        for x, result in zip(one_by_one, pool.map(solve_lp, lps), strict=True):
            np.testing.assert_array_equal(x, result.x)
    copy = pickle.loads(pickle.dumps(solve_lp(pickle.loads(pickle.dumps(lps[0])))))
    np.testing.assert_array_equal(copy.x, one_by_one[0])


def test_the_iteration_meets_halperns_bound(rng):
    """The fixed-point error of step k is at most 2 / (k + 1) times the distance to a solution."""
    from numsolve.monotone._linear_programs._halpern import Iteration
    from numsolve.monotone._linear_programs._scaling import scaled

    lp, x, y, _ = with_known_optimum(rng, 20, 30)
    problem = scaled(lp)
    iteration = Iteration(problem, np.zeros(30), np.zeros(20))
    dx, dy = iteration.x_anchor - problem.from_x(x), iteration.y_anchor - problem.from_y(y)
    distance = np.sqrt(dx @ dx + dy @ dy + 2 * problem.step * (dx @ (problem.At @ dy)))
    for _ in range(6):
        iteration.advance(7)
        error = iteration.point().error  # of T, whose reflection is iterated on: half of that bound
        assert error <= 1.01 * distance / (iteration.done + 1)


@pytest.mark.usefixtures("cupy")
def test_on_the_device_as_on_the_host(rng):
    lp = transport(rng, 6, 5)
    there = LP(*to_device(lp.c, sp.csr_matrix(lp.A), lp.rl, lp.ru))
    here, found = solve_lp(lp, presolve=False), solve_lp(there)
    assert found.nit == here.nit
    np.testing.assert_allclose(to_host(found.x), here.x, atol=1e-8)


def test_steps_on_a_device_read_nothing(cupy, rng):
    from numsolve.monotone._linear_programs._halpern import Iteration
    from numsolve.monotone._linear_programs._scaling import scaled

    lp = transport(rng, 6, 5)
    there = LP(*to_device(lp.c, sp.csr_matrix(lp.A), lp.rl, lp.ru))
    iteration = Iteration(scaled(there), *to_device(np.zeros(30), np.zeros(11)))
    cupy.counts.clear()
    iteration.advance(5)
    assert cupy.counts["syncs"] == 0
    assert cupy.counts["launches"] == 10  # two kernels a step


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"c": [np.nan, 1]}, "c has 1 NaN"),
        ({"c": [np.inf, 1]}, "c has 1 NaN or infinite"),
        ({"A": [[1.0, np.inf]]}, "A has 1 NaN"),
        ({"rl": np.nan}, "rl has 1 entries that are NaN"),
        ({"l": np.inf}, "l has 2 entries equal to inf"),
        ({"ru": [1.0, 2.0]}, r"ru has shape \(2,\)"),
        ({"A": np.ones((1, 3))}, "A has 3 columns"),
        ({"c": np.ones((2, 2))}, "one axis"),
    ],
)
def test_bad_programs(change, message):
    data = {"c": [1.0, 1.0], "A": [[1.0, 1.0]], "rl": 0.0, "ru": 1.0} | change
    with pytest.raises(ValueError, match=message):
        LP(**data)


def test_bad_arguments(rng):
    lp = transport(rng, 3, 3)
    with pytest.raises(TypeError, match="an LP is needed"):
        solve_lp(lp.c)
    with pytest.raises(ValueError, match=r"x0 has shape \(2,\)"):
        solve_lp(lp, x0=np.zeros(2))
    with pytest.raises(ValueError, match="y0 has 1 NaN"):
        solve_lp(lp, y0=np.where(np.arange(6) == 2, np.nan, 0.0))
    with pytest.raises(ValueError, match="rtol"):
        solve_lp(lp, rtol=-1)
    with pytest.raises(TypeError, match="complex"):
        LP([1j], [[1.0]], 0, 1)


def test_many_programs_one_by_one_in_threads_and_in_a_chain(rng):
    first = transport(rng, 9, 7)
    lps = [LP(first.c + 1e-3 * k * first.c[::-1], first.A, first.rl, first.ru) for k in range(6)]
    alone = [solve_lp(lp, rtol=1e-5) for lp in lps]
    with ThreadPoolExecutor(3) as pool:
        for result, own in zip(solve_lps(lps, rtol=1e-5, executor=pool), alone, strict=True):
            np.testing.assert_array_equal(result.x, own.x)
    chained = solve_lps(lps, rtol=1e-5, chain=True)
    assert sum(r.nit for r in chained[1:]) < sum(r.nit for r in alone[1:])
    for result, own in zip(chained, alone, strict=True):
        assert result.objective == pytest.approx(own.objective, rel=1e-3)
    infeasible = LP([1.0], [[1.0]], 3, 4, 0, 1)
    with pytest.warns(ConvergenceWarning, match="1 of 2 linear programs"):
        results = solve_lps([infeasible, first], chain=True)
    assert [r.status for r in results] == [Status.INFEASIBLE, Status.CONVERGED]
    assert solve_lps([]) == []
    with pytest.raises(TypeError, match=r"lps\[1\] is of type int"):
        solve_lps([first, 3])
    with pytest.raises(ValueError, match="chain=True needs"), ThreadPoolExecutor(1) as pool:
        solve_lps([first], chain=True, executor=pool)


@pytest.mark.extended
@pytest.mark.parametrize("presolve", [True, False])
def test_real_programs_say_what_is_true(presolve):
    files = sorted(FOLDER.glob("*.mps.gz"))
    if not files:
        pytest.skip("the folder of programs is not there")
    for file in files:
        lp = read_mps(file)
        if lp.A.nnz > 6000:
            continue
        check_claims(lp, quiet(lp, maxiter=5000, presolve=presolve), 1e-4)
