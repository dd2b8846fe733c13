"""Extragradient and its relatives: thresholds, exact worst cases, rates, games, faults."""

import pickle

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st

from numsolve import ConvergenceWarning, FunctionError, Interrupted, Status, to_device, to_host
from numsolve.monotone import (
    Ball,
    SeparatedSteps,
    Simplex,
    accelerated_optimistic_gradient,
    extragradient,
    extragradient_plus,
    optimistic_gradient,
    past_extragradient,
    reflected_gradient,
)

ALL = [
    extragradient,
    extragradient_plus,
    past_extragradient,
    optimistic_gradient,
    reflected_gradient,
    accelerated_optimistic_gradient,
]
TURN = np.array([[0.0, 1.0], [-1.0, 0.0]])


def turn(z):
    """Return the rotation by a quarter, which is monotone with L = 1."""
    return TURN @ z


def comonotone(rho):
    """Return the matrix with L = 1 that is -rho-comonotone and no better."""
    return np.array([[-rho, np.sqrt(1 - rho**2)], [-np.sqrt(1 - rho**2), -rho]])


def iterates(method, F, z0, count, **options):
    """Return the points after each of `count` iterations."""
    seen = [np.array(z0, float)]
    with pytest.warns(ConvergenceWarning):
        method(F, z0, maxiter=count, rtol=0, callback=lambda z, r: seen.append(z), **options)
    return np.array(seen)


@pytest.mark.parametrize("method", ALL)
def test_games_have_the_value_of_the_linear_program(method, rng):
    A = rng.standard_normal((5, 7))
    x0, y0 = np.ones(5) / 5, np.ones(7) / 7
    rtol = 1e-2 if method is accelerated_optimistic_gradient else 1e-6
    result = method(
        lambda x, y: (A @ y, -A.T @ x), (x0, y0), project=(Simplex(), Simplex()), rtol=rtol, maxiter=30_000
    ).check()
    program = scipy.optimize.linprog(
        np.append(np.zeros(5), 1),
        A_ub=np.column_stack([A.T, -np.ones(7)]),
        b_ub=np.zeros(7),
        A_eq=[np.append(np.ones(5), 0)],
        b_eq=[1],
        bounds=[(0, None)] * 5 + [(None, None)],
    )
    x, y = result.x
    gap = (A.T @ x).max() - (A @ y).min()
    assert 0 <= gap + 1e-12 < 100 * rtol
    assert x @ A @ y == pytest.approx(program.fun, abs=100 * rtol)
    u, v = result.average
    assert (A.T @ u).max() - (A @ v).min() < 0.1


@pytest.mark.parametrize(
    ("method", "stable", "unstable"),
    [
        (extragradient, 0.95, 1.05),
        (past_extragradient, 0.57, 0.6),  # the exact limit is 1/sqrt(3) = 0.577
        (optimistic_gradient, 0.57, 0.6),
        (reflected_gradient, 0.57, 0.6),
    ],
)
def test_exact_limits_of_the_step(method, stable, unstable):
    assert method(turn, [1.0, 0.5], step=stable, rtol=1e-3).success
    with pytest.warns(ConvergenceWarning):
        result = method(turn, [1.0, 0.5], step=unstable, maxiter=3000, rtol=1e-3)
    assert not result.success
    assert result.residuals[-1] > 10


def test_one_step_of_each_scheme():
    z, F = np.array([1.0, 0.0]), turn
    half = z - 0.3 * F(z)
    first = z - 0.3 * F(half)
    np.testing.assert_allclose(iterates(extragradient, F, z, 1, step=0.3)[1], first)
    np.testing.assert_allclose(iterates(extragradient_plus, F, z, 1, step=0.3)[1], z - 0.15 * F(half))
    np.testing.assert_allclose(iterates(past_extragradient, F, z, 2, step=0.3)[2], first - 0.3 * F(half))
    second = first - 0.3 * F(2 * first - z)
    first_of_reflected = z - 0.3 * F(z)
    second = first_of_reflected - 0.3 * F(2 * first_of_reflected - z)
    np.testing.assert_allclose(iterates(reflected_gradient, F, z, 2, step=0.3)[2], second)
    one = z - 0.3 * F(z)
    two = one - 0.3 * F(one) - 0.3 * (F(one) - F(z))
    np.testing.assert_allclose(iterates(optimistic_gradient, F, z, 2, step=0.3)[2], two)
    np.testing.assert_allclose(
        iterates(past_extragradient, F, z, 1, step=lambda t: (0.4, 0.1))[1], z - 0.4 * F(z)
    )


@given(seed=st.integers(0, 2**32 - 1))
def test_worst_cases_of_negative_comonotonicity_are_never_exceeded(seed):
    """Exact values of |F(x_n)|^2 / |x_0 - x*|^2 by PEPit for L = 1, from the notebooks of Gorbunov et al."""
    rng = np.random.default_rng(seed)
    turned = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    M = turned @ np.kron(np.eye(2), comonotone(0.1)) @ turned.T
    z0 = rng.standard_normal(4)
    z0 /= np.linalg.norm(z0)
    points = iterates(extragradient, lambda z: M @ z, z0, 10, step=0.5)
    for n, bound in {1: 0.9475, 3: 0.8506, 6: 0.7236, 10: 0.5832}.items():
        assert np.linalg.norm(M @ points[n]) ** 2 <= bound * (1 + 1e-3)


def test_both_sides_of_the_comonotone_threshold():
    M = comonotone(0.9 / 2)
    assert extragradient(lambda z: M @ z, [1.0, 0.0], step=0.95, comonotonicity=0.45, rtol=0.05).success
    M = comonotone(1.1 / 2)
    for step in (0.3, 0.6, 0.99):
        with pytest.warns(ConvergenceWarning):
            result = extragradient(lambda z, M=M: M @ z, [1.0, 0.0], step=step, maxiter=300)
        assert result.residuals[-1] >= result.residuals[0]


def test_constants_of_the_accelerated_method():
    """n^2 |F(z_n)|^2 / R^2 stays below the worst case found by PEPit, and it does not for plain methods."""
    worst = {2: 3.20, 4: 8.63, 8: 15.7, 12: 19.0, 16: 20.6, 22: 22.1}
    seen = []

    def record(z):
        seen.append(z)
        return z

    iterates(accelerated_optimistic_gradient, turn, [1.0, 0.0], 22, step=1 / np.sqrt(6), project=record)
    points = [
        np.array([1.0, 0.0]),
        *seen[2::3],
    ]  # an iteration projects the point read, z, and for the residual
    for n, bound in worst.items():
        assert n**2 * np.linalg.norm(points[n]) ** 2 <= bound * 1.02
    hard = np.linspace(0.01, 1, 50)

    def F(z):
        return np.concatenate([hard * z[50:], -hard * z[:50]])

    results = {}
    for method in (past_extragradient, accelerated_optimistic_gradient):
        with pytest.warns(ConvergenceWarning):
            results[method] = method(F, np.ones(100), lipschitz=1.0, rtol=0, maxiter=3000).residuals
    order = np.log(
        results[accelerated_optimistic_gradient][300] / results[accelerated_optimistic_gradient][2400]
    )
    assert order / np.log(8) > 0.8


def test_strongly_monotone_operators_converge_linearly(rng):
    M = 0.3 * np.eye(6) + np.triu(rng.standard_normal((6, 6)), 1) * 0.3
    M = M - np.tril(M.T, -1) * 1.0
    b = rng.standard_normal(6)
    for method in ALL[:-1]:
        result = method(lambda z: M @ z - b, np.zeros(6), rtol=1e-10).check()
        np.testing.assert_allclose(result.x, np.linalg.solve(M, b), atol=1e-8)
        residuals = result.residuals
        half = len(residuals) // 2
        assert residuals[half] < 1e-3 * residuals[0]


def test_slow_players_find_local_minimax_points():
    """f = -a x^2 / 2 + x y: stable for large tau if a < eta < 1 / L, with L = (a + sqrt(a^2 + 4)) / 2."""
    a = 0.3

    def F(x, y):
        return -a * x + y, -x

    start = (np.array([1.0]), np.array([0.5]))
    assert extragradient(F, start, step=0.6, timescale=100.0, rtol=1e-6, maxiter=100_000).success
    with pytest.warns(ConvergenceWarning):
        assert not extragradient(F, start, step=0.2, timescale=100.0, maxiter=20_000).success
    with pytest.raises(ValueError, match="timescale needs a tuple"):
        extragradient(turn, [1.0, 0.0], timescale=2.0)


def test_separated_steps_converge_under_noise(rng):
    """On a bilinear game with noise, equal constant steps keep moving; separated ones come to rest."""

    def noisy(z):
        return turn(z) + 0.3 * rng.standard_normal(2)

    last = {}
    for name, step in (
        ("equal", lambda t: (0.3, 0.3)),
        ("separated", SeparatedSteps(0.5, 1.0, gamma_power=0.0, eta_power=1.0, offset=10)),
    ):
        sizes = []
        with pytest.warns(ConvergenceWarning):
            past_extragradient(
                noisy,
                [1.0, 1.0],
                step=step,
                rtol=0,
                maxiter=20_000,
                callback=lambda z, sizes=sizes: sizes.append(z @ z),
            )
        last[name] = np.mean(sizes[-2000:])
    assert last["separated"] < 0.3 * last["equal"]
    assert SeparatedSteps()(8) == pytest.approx((0.5, 0.25))


@pytest.mark.parametrize("method", ALL)
def test_steps_are_found_for_unknown_constants(method, rng):
    for size in (1e-4, 1.0, 1e5):
        M = size * np.array([[0.1, 1.0], [-1.0, 0.1]])
        rtol = 5e-2 if method is accelerated_optimistic_gradient else 1e-6
        result = method(lambda z, M=M: M @ z, [3.0, 1.0], rtol=rtol).check()
        assert np.linalg.norm(M @ result.x) <= 30 * rtol * size


def test_steps_shrink_where_the_operator_is_steeper():
    result = extragradient(
        lambda z: np.array([z[1] + z[0] ** 3, -z[0] + z[1] ** 3]), [3.0, -2.0], rtol=1e-4, maxiter=100_000
    )
    assert result.success
    assert result.step < 0.1


@pytest.mark.parametrize("method", ALL)
def test_on_the_device_as_on_the_host(method, cupy, rng):
    M = np.array([[0.4, 1.0, 0.0], [-1.0, 0.4, 0.0], [0.0, 0.0, 0.6]])
    there = to_device(M)
    here = method(lambda z: M @ z - 1, np.ones(3), rtol=1e-2, project=(None, 2.0))
    found = method(lambda z: there @ z - 1, to_device(np.ones(3)), rtol=1e-2, project=(None, 2.0))
    assert isinstance(found.x, cupy.ndarray)
    assert found.nit == here.nit
    np.testing.assert_allclose(to_host(found.x), here.x, atol=1e-8)


def test_shapes_dtypes_arguments_and_pickles(rng):
    Z = rng.standard_normal((2, 3)).astype(np.float32)
    result = extragradient(lambda Z, a: a * Z, Z, args=(2.0,), rtol=1e-4)
    assert result.x.shape == (2, 3)
    assert result.x.dtype == np.float32
    assert pickle.loads(pickle.dumps(result)).step == result.step
    assert "CONVERGED" in repr(result)
    assert extragradient(lambda z: z, np.zeros(3)).nit == 0


@pytest.mark.parametrize("method", ALL)
def test_faults(method):
    with pytest.warns(ConvergenceWarning, match="not monotone"):
        result = method(lambda z: -z, [1.0, 2.0], step=0.5, maxiter=10_000)
    assert result.status == Status.BREAKDOWN
    np.testing.assert_allclose(result.x, [1, 2])  # the best point is the first
    with pytest.warns(ConvergenceWarning, match="not finite at the starting point"):
        assert method(lambda z: z * np.nan, [1.0]).status == Status.NONFINITE
    with pytest.warns(ConvergenceWarning, match="not finite at the starting point"):
        assert method(lambda z: z + np.inf, [1.0]).status == Status.NONFINITE
    with pytest.raises(TypeError, match="F is a int"):
        method(3, [1.0])
    with pytest.raises(ValueError, match="F returned an array of shape"):
        method(lambda z: np.zeros(3), [1.0])
    with pytest.raises(TypeError, match="complex"):
        method(turn, [1.0j, 0.0])
    with pytest.raises(TypeError, match="a tuple of 2 arrays is needed"):
        method(lambda x, y: x, ([1.0], [2.0]))
    with pytest.raises(TypeError, match="one set for each of the 2 arrays"):
        method(lambda x, y: (y, x), ([1.0], [2.0]), project=Ball())

    def fails(z, calls=[]):  # noqa: B006 - it counts its calls
        calls.append(1)
        if len(calls) > 6:
            raise RuntimeError("no more")
        return turn(z)

    with pytest.raises(FunctionError) as caught:
        method(fails, [1.0, 0.0], rtol=1e-12)
    assert isinstance(caught.value.__cause__, RuntimeError)

    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        method(turn, [1.0, 0.0], callback=interrupt)
    assert method(turn, [1.0, 0.0], rtol=1e-12, callback=lambda z, r: True).status == Status.STOPPED
    with pytest.warns(ConvergenceWarning, match="time limit"):
        assert method(turn, [1.0, 0.0], rtol=1e-12, time_limit=1e-9).status == Status.TIME_LIMIT


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 0}, "step"),
        ({"step": "none"}, "step is 'none'"),
        ({"lipschitz": -1.0}, "lipschitz"),
        ({"comonotonicity": -1}, "comonotonicity"),
        ({"step": 0.1, "comonotonicity": 0.2}, "twice the comonotonicity"),
        ({"ratio": 0}, "ratio"),
        ({"timescale": 0}, "timescale"),
        ({"rtol": -1}, "rtol"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        extragradient(turn, [1.0, 0.0], **options)
    with pytest.raises(ValueError, match="gamma_power"):
        SeparatedSteps(gamma_power=1, eta_power=0)
