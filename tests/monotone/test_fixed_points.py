"""Fixed points: rates, the smallest displacement, splittings, faults."""

import pickle

import numpy as np
import pytest
import scipy.optimize
from hypothesis import assume, given
from hypothesis import strategies as st

from numsolve import ConvergenceWarning, FunctionError, Interrupted, Status, to_device, to_host
from numsolve.monotone import (
    L1,
    Affine,
    Ball,
    Box,
    Halfspace,
    Nonnegative,
    Simplex,
    admm,
    anderson,
    douglas_rachford,
    halpern,
    intersection,
    picard,
)

ALL = [picard, halpern, anderson]


def turn(angle):
    """Return the matrix of a rotation."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def contraction(rng, n, factor=0.9):
    """Return an affine contraction and its fixed point."""
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    M, b = factor * Q, rng.standard_normal(n)
    return (lambda x: M @ x + b), np.linalg.solve(np.eye(n) - M, b)


@pytest.mark.parametrize("method", ALL)
def test_contractions_have_the_right_fixed_point(method, rng):
    T, x = contraction(rng, 12)
    options = {"anchor": "restarted"} if method is halpern else {}
    result = method(T, np.zeros(12), rtol=1e-9, **options).check()
    np.testing.assert_allclose(result.x, x, atol=1e-7)
    assert result.residuals[-1] == pytest.approx(np.linalg.norm(result.x - T(result.x)), abs=1e-14)
    assert result.nfev >= result.nit


@pytest.mark.filterwarnings("ignore::numsolve.ConvergenceWarning")
@given(seed=st.integers(0, 2**32 - 1))
def test_halpern_meets_its_bound_on_rotations(seed):
    """|x_k - T x_k| <= 2 |x_0 - x*| / (k + 1), Lieder's Theorem 2.1, with equality for some maps."""
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    start = rng.standard_normal(4)
    result = halpern(lambda x: Q @ x, start, rtol=0, maxiter=30)
    k = np.arange(len(result.residuals))
    assert (result.residuals <= 2 * np.linalg.norm(start) / (k + 1) * (1 + 1e-12)).all()


def test_halperns_bound_is_attained():
    """The worst map turns the component that is left; here for three steps, Lieder's example."""
    ratios = []
    for k in (1, 3, 7):
        with pytest.warns(ConvergenceWarning):
            result = halpern(lambda x, k=k: turn(np.pi * k / (k + 1)) @ x, [1.0, 0.0], rtol=0, maxiter=k)
        ratios.append(result.residuals[k] * (k + 1) / 2)
    assert 0.5 < min(ratios) <= max(ratios) <= 1 + 1e-12


def test_picard_needs_an_averaged_map():
    with pytest.warns(ConvergenceWarning, match="maxiter"):
        result = picard(lambda x: turn(1.0) @ x, [1.0, 0.0], maxiter=200)
    assert result.residuals[-1] == pytest.approx(result.residuals[0])
    assert picard(lambda x: turn(1.0) @ x, [1.0, 0.0], relaxation=0.5).success


@pytest.mark.filterwarnings("ignore::numsolve.ConvergenceWarning")
@pytest.mark.parametrize("a", [0.3, 0.5, 0.99])
def test_picard_meets_its_bound_on_averaged_maps(a):
    """The bound is a / (1 - a) / (k + 1); turns in many planes come within a factor of e of it."""
    factors = 1 - a + a * np.exp(1j * np.geomspace(1e-3, np.pi, 200))
    k = np.arange(61)
    largest = 0 * k
    for factor in factors:
        squares = picard(lambda x, f=factor: f * x, [1.0 + 0j], rtol=0, maxiter=60).residuals ** 2
        largest = np.maximum(largest, np.pad(squares, (0, 61 - len(squares))))
    bound = a / (1 - a) / (k + 1)
    assert (largest <= bound * (1 + 1e-12)).all()
    assert largest[60] > bound[60] / 3


def test_orders_of_convergence(rng):
    """For turns in many planes the residual of Halpern falls like 1/k, that of Mann like 1/sqrt(k)."""
    angles = np.pi / np.arange(1, 400)
    factors = np.exp(1j * angles)
    start = np.ones(len(angles), complex)
    with pytest.warns(ConvergenceWarning):
        fast = halpern(lambda x: factors * x, start, rtol=0, maxiter=400).residuals
    with pytest.warns(ConvergenceWarning):
        slow = picard(lambda x: factors * x, start, relaxation=0.5, rtol=0, maxiter=400).residuals
    order = [np.log(r[50] / r[400]) / np.log(8) for r in (fast, slow)]
    assert order[0] > 0.75
    assert order[1] < 0.6


@pytest.mark.parametrize("anchor", ["plain", "adaptive"])
def test_without_a_fixed_point_the_displacement_is_found(anchor):
    shift = np.array([0.0, 0.0, 0.3])
    M = np.eye(3)
    M[:2, :2] = turn(2.0)
    with pytest.warns(ConvergenceWarning, match="displacement"):
        result = halpern(lambda x: M @ x + shift, [1.0, 2.0, 3.0], anchor=anchor, maxiter=2000)
    assert result.status == Status.MAXITER
    np.testing.assert_allclose(result.displacement, -shift, atol=5e-3)
    with pytest.warns(ConvergenceWarning):
        result = picard(lambda x: M @ x + shift, [1.0, 2.0, 3.0], maxiter=2000)
    np.testing.assert_allclose(result.displacement, -shift, atol=5e-3)


def test_displacement_converges_at_the_accelerated_rate():
    """Park and Ryu: the distance of the normalised iterate to v is of the order 1/k."""
    v = np.array([0.0, 0.0, -0.5])
    M = np.eye(3)
    M[:2, :2] = turn(1.0)
    found = []
    for k in (50, 100, 200, 400):
        with pytest.warns(ConvergenceWarning):
            result = halpern(lambda x: M @ x - v, [3.0, 0.0, 0.0], maxiter=k)
        found.append(k * np.linalg.norm(result.displacement - v))
    assert max(found) < 4 * min(found)
    assert max(found) < 40


def test_anderson_is_gmres_on_affine_maps(rng):
    n = 8
    M = rng.standard_normal((n, n)) * 0.3
    b = rng.standard_normal(n)
    result = anderson(lambda x: M @ x + b, np.zeros(n), depth=n + 1, rtol=1e-9, regularization=1e-14)
    assert result.success
    assert result.nit <= n + 3  # GMRES ends after n steps
    np.testing.assert_allclose(result.x, np.linalg.solve(np.eye(n) - M, b), rtol=1e-6)


def test_the_kinds_of_anchor(rng):
    T, _ = contraction(rng, 10, 0.97)
    counts = {
        anchor: halpern(T, np.zeros(10), anchor=anchor, rtol=1e-2).nit for anchor in ("plain", "restarted")
    }
    assert counts["restarted"] < counts["plain"]
    P = Box(0, 1)
    plain = halpern(lambda z: P(z - 0.1 * (z - 3)), np.zeros(4), rtol=1e-3).nit
    assert halpern(lambda z: P(z - 0.1 * (z - 3)), np.zeros(4), rtol=1e-3, reflected=True).nit <= plain


def test_shapes_dtypes_and_arguments(rng):
    X = rng.standard_normal((3, 2)).astype(np.float32)
    result = picard(lambda x, a: a * x, X, args=(0.5,), rtol=1e-4)
    assert result.x.shape == (3, 2)
    assert result.x.dtype == np.float32
    assert picard(lambda z: 0.5j * z + 1, 0.0 + 0j, rtol=1e-10).x == pytest.approx(1 / (1 - 0.5j))
    assert picard(lambda x: x, [1.0, 2.0]).nit == 0  # a fixed point is converged
    assert pickle.loads(pickle.dumps(result)).nfev == result.nfev


@pytest.mark.parametrize("size", [1e-250, 1e-170, 1e-160, 1e160, 1e250])
@pytest.mark.parametrize("method", ALL)
def test_squares_that_leave_the_range_of_numbers(method, size):
    """Residuals are measured in their own unit: no square becomes 0 or infinite."""
    factors, unit = np.array([0.5, 0.3]), np.ones(2)
    options = {"anchor": "restarted"} if method is halpern else {}
    result = method(lambda x: factors * x + size * unit, size * np.array([3.0, 1.0]), **options).check()
    np.testing.assert_allclose(result.x / size, 1 / (1 - factors), rtol=1e-4)
    np.testing.assert_allclose(result.residuals[0] / size, np.hypot(0.5, 0.3), rtol=1e-12)


def test_residuals_that_do_not_change():
    """The differences of residuals are all 0: the system of Anderson's method stays solvable."""
    for dtype, regularization in ((np.float32, 1e-10), (np.float64, 0.0)):
        with pytest.warns(ConvergenceWarning, match="maxiter"):
            result = anderson(lambda x: x + 1, np.zeros(2, dtype), regularization=regularization, maxiter=20)
        np.testing.assert_array_equal(result.displacement, -1)
    small = np.float32(1e-25)
    found = anderson(lambda x: np.float32(0.5) * x + small, np.full(3, 3 * small)).check()
    np.testing.assert_allclose(found.x / small, 2, rtol=1e-5)


def test_nan_after_the_start_keeps_the_best_point_and_says_so():
    with pytest.warns(ConvergenceWarning, match="NaN"):
        result = picard(lambda x: np.where(abs(x) < 0.3, np.nan, x / 2), np.ones(2))
    assert result.status == Status.NONFINITE
    np.testing.assert_array_equal(result.x, 0.5)


@pytest.mark.parametrize("method", ALL)
def test_on_the_device_as_on_the_host(method, cupy, rng):
    weights = rng.uniform(0.1, 0.9, 6)
    there = to_device(weights)
    here = method(lambda x: weights * x + 1, np.zeros(6), rtol=1e-3)
    found = method(lambda x: there * x + 1, to_device(np.zeros(6)), rtol=1e-3)
    assert isinstance(found.x, cupy.ndarray)
    assert abs(found.nit - here.nit) <= 1
    np.testing.assert_allclose(to_host(found.x), here.x, atol=1e-6)


def test_an_iteration_reads_two_numbers_of_the_device(cupy):
    weights, found = to_device(np.linspace(0.1, 0.9, 5)), []
    for count in (10, 30):
        cupy.counts.clear()
        with pytest.warns(ConvergenceWarning):
            halpern(lambda x: weights * x + 1, to_device(np.zeros(5)), rtol=0, maxiter=count)
        found.append(cupy.counts["syncs"])
    assert found[1] - found[0] == 2 * 20


@pytest.mark.parametrize("method", ALL)
def test_faults(method):
    with pytest.warns(ConvergenceWarning, match="not nonexpansive"):
        result = method(lambda x: x**3 + 2 * x + 1, [1.0], maxiter=200)
    assert result.status < 0
    assert np.isfinite(result.x).all()
    for value in (np.nan, np.inf, -np.inf):
        with pytest.warns(ConvergenceWarning, match="not finite at the starting point"):
            assert method(lambda x, value=value: x + value, [1.0]).status == Status.NONFINITE
    with pytest.warns(ConvergenceWarning, match="not finite at the starting point"):
        assert method(lambda x: -x / 2, [1.1e308, 1e308]).status == Status.NONFINITE
    with pytest.raises(TypeError, match="T is a int"):
        method(3, [1.0])
    with pytest.raises(ValueError, match="T returned an array of shape"):
        method(lambda x: np.zeros(3), [1.0])
    with pytest.raises(TypeError, match="complex"):
        method(lambda x: 1j * x, [1.0])

    def fails(x, calls=[]):  # noqa: B006 - it counts its calls
        calls.append(1)
        if len(calls) > 3:
            raise RuntimeError("no more")
        return 0.9 * x

    with pytest.raises(FunctionError) as caught:
        method(fails, [1.0], rtol=1e-12)
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert caught.value.result.x[0] < 1

    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(Interrupted) as stopped:
        method(lambda x: 0.9 * x, [1.0], rtol=1e-12, callback=interrupt)
    assert stopped.value.result.x.shape == (1,)
    assert method(lambda x: 0.9 * x, [1.0], rtol=1e-12, callback=lambda x, r: True).status == Status.STOPPED
    with pytest.warns(ConvergenceWarning, match="time limit"):
        assert method(lambda x: 0.9 * x, [1.0], rtol=1e-12, time_limit=1e-9).status == Status.TIME_LIMIT


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: picard(np.cos, 1.0, relaxation=2.5), "relaxation"),
        (lambda: halpern(np.cos, 1.0, anchor="none"), "anchor is 'none'"),
        (lambda: anderson(np.cos, 1.0, depth=0), "depth"),
        (lambda: anderson(np.cos, 1.0, damping=0), "damping"),
        (lambda: anderson(np.cos, 1.0, damping=1.5), "damping is 1.5"),
        (lambda: picard(np.cos, np.nan), "x0 has 1 NaN"),
        (lambda: picard(np.cos, 1.0, rtol=-1), "rtol"),
        (lambda: intersection([], [1.0]), "sets is empty"),
        (lambda: intersection([Nonnegative()], [1.0], method="x"), "method is 'x'"),
        (lambda: intersection([lambda z: z[:1]], [1.0, 2.0]), r"but x0 has 2"),
        (lambda: douglas_rachford(None, None, [1.0], step=0), "step"),
        (lambda: douglas_rachford(None, None, [1.0], method="halpern", relaxation=1.5), "takes 1 only"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("method", ["picard", "halpern", "anderson"])
def test_douglas_rachford_solves_a_lasso(method, rng):
    X, y, lam = rng.standard_normal((20, 6)), rng.standard_normal(20), 2.0
    gram, right = X.T @ X, X.T @ y

    def least_squares(z, step):
        return np.linalg.solve(np.eye(6) + step * gram, z + step * right)

    tolerance = 1e-3 if method == "halpern" else 1e-9
    found = douglas_rachford(L1(lam), least_squares, np.zeros(6), step=0.1, method=method, rtol=tolerance)
    w = found.check().x
    gradient = right - gram @ w
    assert abs(gradient).max() <= lam * (1 + 30 * tolerance)
    np.testing.assert_allclose(w @ gradient, lam * abs(w).sum(), rtol=0.1 if method == "halpern" else 1e-6)


def test_douglas_rachford_hands_out_a_point_of_f_after_a_fault():
    box, start = Box(0.0, 1.0), np.array([5.0, -3.0])

    def late(error, calls):
        def g(z, step):
            calls.append(z)
            if len(calls) > 1:
                raise error
            return L1(0.1)(z, step)

        return g

    with pytest.raises(FunctionError, match="a proximal map raised") as caught:
        douglas_rachford(box, late(RuntimeError("no more"), []), start)
    assert isinstance(caught.value.__cause__, RuntimeError)
    np.testing.assert_array_equal(caught.value.result.x, [1, 0])
    with pytest.raises(Interrupted) as stopped:
        douglas_rachford(box, late(KeyboardInterrupt(), []), start)
    np.testing.assert_array_equal(stopped.value.result.x, box(stopped.value.result.x))


def test_admm_with_matrices(rng):
    """Total variation of a short signal, against a generic solver."""
    n, lam = 8, 0.4
    b, D = rng.standard_normal(n), np.diff(np.eye(n), axis=0)
    soft = L1(lam)

    def fit(v, rho):
        return np.linalg.solve(np.eye(n) + rho * D.T @ D, b + rho * D.T @ v)

    found = admm(
        fit, lambda v, rho: soft(-v, 1 / rho), np.zeros(n - 1), A=D, rtol=1e-9, maxiter=50_000
    ).check()
    z, u = found.x[: n - 1], found.x[n - 1 :]
    x = b - D.T @ u
    np.testing.assert_allclose(D @ x, z, atol=1e-6)
    objective = ((x - b) ** 2).sum() / 2 + lam * abs(D @ x).sum()
    other = scipy.optimize.minimize(
        lambda w: ((w[:n] - b) ** 2).sum() / 2 + lam * w[n:].sum(),
        np.concatenate([b, np.ones(n - 1)]),
        constraints=[
            {"type": "ineq", "fun": lambda w: w[n:] - D @ w[:n]},
            {"type": "ineq", "fun": lambda w: w[n:] + D @ w[:n]},
        ],
        options={"ftol": 1e-12, "maxiter": 500},
    )
    assert objective == pytest.approx(other.fun, rel=1e-5)


@pytest.mark.parametrize("method", ["alternating", "averaged", "dykstra"])
def test_intersections(method, rng):
    A = rng.standard_normal((2, 6))
    sets = [Simplex(), Affine(A, A @ (np.ones(6) / 6)), Ball(2.0)]
    start = rng.standard_normal(6)
    found = intersection(sets, start, method=method, rtol=1e-7, maxiter=50_000).check()
    assert all(np.linalg.norm(P(found.x) - found.x) < 1e-6 for P in sets)
    if method == "dykstra":  # the nearest one
        other = scipy.optimize.minimize(
            lambda x: ((x - start) ** 2).sum(),
            np.ones(6) / 6,
            bounds=[(0, None)] * 6,
            constraints=[{"type": "eq", "fun": lambda x: np.append(A @ (x - 1 / 6), x.sum() - 1)}],
            options={"ftol": 1e-14},
        )
        np.testing.assert_allclose(found.x, other.x, atol=1e-4)


def test_dykstra_does_not_end_at_a_common_point_that_is_not_the_nearest():
    """One cycle leads into both halfspaces; the nearest point is their corner."""
    a, b = np.array([1.0, 0.0]), np.array([0.5, 0.75**0.5])
    start = np.linalg.solve(np.stack([a, b]), [1.0, 1.0])
    sets = [Halfspace(a, 0.0), Halfspace(b, 0.0)]
    once = intersection(sets, start)
    assert once.nit == 1
    assert np.linalg.norm(once.x) > 0.2
    found = intersection(sets, start, method="dykstra", rtol=1e-9).check()
    np.testing.assert_allclose(found.x, 0, atol=1e-8)


@given(seed=st.integers(0, 2**32 - 1))
def test_dykstra_finds_the_nearest_point_of_random_halfspaces(seed):
    """The oracle is the dual, a nonnegative least-squares problem: x = start - A^T y."""
    rng = np.random.default_rng(seed)
    A, start = rng.standard_normal((3, 4)), rng.standard_normal(4)
    assume(np.linalg.cond(A) < 20)
    b = A @ rng.standard_normal(4)
    sets = [Halfspace(row, bound) for row, bound in zip(A, b, strict=True)]
    found = intersection(sets, start, method="dykstra", rtol=1e-9, maxiter=100_000).check()
    excess = A @ start - b
    y = scipy.optimize.nnls(A.T, np.linalg.lstsq(A, excess, rcond=None)[0])[0]  # A A^T y = excess where y > 0
    np.testing.assert_allclose(found.x, start - A.T @ y, atol=1e-6)


@pytest.mark.parametrize("method", ["alternating", "averaged", "dykstra"])
def test_the_gap_between_two_sets(method):
    sets = [Ball(1.0, [-2.0, 0.0]), Ball(0.5, [2.0, 0.0])]
    with pytest.warns(ConvergenceWarning, match="no common point"):
        result = intersection(sets, [0.0, 3.0], method=method, maxiter=500)
    assert result.status == Status.MAXITER
    np.testing.assert_allclose(result.displacement, [2.5, 0.0], atol=1e-2)


def test_sets_without_a_common_point():
    sets = [Halfspace(np.array([1.0, 0.0]), -1.0), Halfspace(np.array([-1.0, 0.0]), -1.0)]
    with pytest.warns(ConvergenceWarning, match="no common point"):
        result = intersection(sets, [0.0, 5.0], maxiter=50)
    assert result.status == Status.MAXITER
    with pytest.warns(ConvergenceWarning):
        gap = douglas_rachford(*sets, [0.0, 5.0], maxiter=400).displacement
    np.testing.assert_allclose(abs(gap), [2, 0], atol=0.05)
