"""Asynchronous updates: what converges at every delay, what does not, and threads."""

import numpy as np
import pytest
import scipy.sparse as sp
from support.tiers import extended

from numsolve import ConvergenceWarning, Status, coordinate
from numsolve.coordinate import L1, Box, ElasticNet, LeastSquares, Logistic, NoPenalty, Poisson, Quadratic


def dominant(rng, n=40):
    """Return a diagonally dominant symmetric matrix."""
    A = rng.standard_normal((n, n))
    A = (A + A.T) / 2
    np.fill_diagonal(A, 0)
    return A + np.diag(1.2 * abs(A).sum(axis=1))


def general(rng, n=40):
    """Return a positive definite matrix that is not diagonally dominant."""
    A = rng.standard_normal((n, 2 * n))
    return A @ A.T / n


def classification(rng, m=60, n=12):
    """Return random features, and labels -1 and 1."""
    X = rng.standard_normal((m, n))
    return X, np.where(X @ rng.standard_normal(n) + rng.standard_normal(m) > 0, 1.0, -1.0)


@pytest.mark.parametrize("make", [dominant, general])
@pytest.mark.parametrize("delay", [0, 100, *extended(10, 400)])
def test_one_step_converges_at_every_delay(rng, make, delay):
    A, b = make(rng), rng.standard_normal(40)
    found = coordinate.asynchronous(Quadratic(A, b), NoPenalty(), blocks=40, delay=delay, rtol=1e-5).check()
    np.testing.assert_allclose(found.x, np.linalg.solve(A, b), rtol=0, atol=1e-2)
    assert found.guarantee.startswith("proved" if make is dominant else "measured")
    assert found.largest_delay == delay
    assert found.updates >= 40 * found.nit


def test_the_increment_form_diverges_at_a_long_delay(rng):
    """The step and the delay with which `asynchronous` converges; the old value is kept and incremented."""
    A, b = general(rng), rng.standard_normal(40)
    step, history = 1 / np.linalg.eigvalsh(A)[-1], [np.zeros(40)]
    for k in range(40 * 100):
        x, read, i = history[-1].copy(), history[max(len(history) - 101, 0)], k % 40
        x[i] -= step * (A[i] @ read - b[i])
        history.append(x)
    errors = np.linalg.norm(history - np.linalg.solve(A, b), axis=1)
    assert errors[-1] > 10 * errors[2000:2400].max() > 10 * errors[0]
    found = coordinate.asynchronous(Quadratic(A, b), NoPenalty(), blocks=40, delay=100, step=step)
    assert found.success


def test_updates_are_those_of_the_definition(rng):
    A, b, delays = general(rng, 6), rng.standard_normal(6), [2, 0, 5, 1]
    points = []
    with pytest.warns(ConvergenceWarning):
        coordinate.asynchronous(
            Quadratic(A, b),
            L1(0.1),
            blocks=3,
            delay=delays,
            step=0.1,
            rtol=0,
            maxiter=4,
            callback=lambda x, norm: points.append(x) or False,
        )
    history = [np.zeros(6)]
    for k in range(12):
        read, block = history[-1 - min(delays[k % 4], k, 5)], slice(2 * (k % 3), 2 * (k % 3) + 2)
        x = history[-1].copy()
        x[block] = L1(0.1).prox(read - 0.1 * (A @ read - b), 0.1)[block]
        history.append(x)
    np.testing.assert_allclose(points, history[3::3], rtol=0, atol=1e-14)


@pytest.mark.parametrize("threads", [1, 3, *extended(2, 16, 64)])
@pytest.mark.parametrize("make", [np.asarray, *extended(sp.csr_array)])
def test_threads_find_the_solution(rng, threads, make):
    X, y = classification(rng)
    fit, penalty = Logistic(make(X), y), ElasticNet(0.05, 0.5)
    exact = coordinate.asynchronous(fit, penalty, rtol=1e-10).check()
    found = coordinate.asynchronous(fit, penalty, threads=threads, rtol=1e-8).check()
    np.testing.assert_allclose(found.x, exact.x, rtol=0, atol=1e-6)
    violation = penalty.violation(found.x, fit.gradient(fit.state(found.x), found.x)).max()
    assert violation == pytest.approx(found.residuals[-1], rel=1e-6, abs=1e-15)
    assert found.guarantee.startswith("measured")


def test_threads_end_when_the_run_ends(rng):
    from threading import active_count

    X, y = classification(rng)
    before = active_count()
    with pytest.warns(ConvergenceWarning):
        found = coordinate.asynchronous(LeastSquares(X, y), NoPenalty(), threads=3, rtol=0, maxiter=5)
    assert found.status == Status.MAXITER
    assert found.nit == 5
    assert active_count() == before


class Failing(coordinate.Loss):
    """A loss whose derivative raises an exception after some calls."""

    curvature = 1.0
    calls = 0

    def value(self, z, y):
        return (z - y) ** 2 / 2

    def derivative(self, z, y):
        self.calls += 1
        if self.calls > 20:
            raise RuntimeError("the sensor is gone")
        return z - y

    def second(self, z, y):
        return np.ones_like(z)


def test_an_exception_in_a_thread_reaches_the_caller(rng):
    X, y = classification(rng)
    with pytest.raises(RuntimeError, match="the sensor is gone"):
        coordinate.asynchronous(coordinate.GeneralizedLinear(X, y, Failing()), NoPenalty(), threads=2, rtol=0)


def test_a_contraction_with_a_ridge_and_bounds(rng):
    X, y = np.eye(6), rng.standard_normal(6)
    found = coordinate.asynchronous(LeastSquares(X, y), Box(-0.5, 0.5), delay=3, rtol=1e-9).check()
    np.testing.assert_allclose(found.x, np.clip(y, -0.5, 0.5), atol=1e-7)
    assert found.guarantee.startswith("proved")


def test_cupy_arrays_stay_on_the_device(rng, cupy):
    X, y = classification(rng)
    want = coordinate.asynchronous(LeastSquares(X, y), L1(0.05), delay=4, rtol=1e-4).check().x
    fit = LeastSquares(cupy.asarray(X), cupy.asarray(y))
    found = coordinate.asynchronous(fit, L1(0.05), delay=4, rtol=1e-4).check().x
    np.testing.assert_allclose(found.get(), want, rtol=0, atol=1e-12)
    with pytest.raises(TypeError, match="leave threads out"):
        coordinate.asynchronous(fit, L1(0.05), threads=2)


def test_bad_input(rng):
    X, y = classification(rng)
    fit = LeastSquares(X, y)
    with pytest.raises(ValueError, match="simulated without threads"):
        coordinate.asynchronous(fit, NoPenalty(), threads=2, delay=3)
    with pytest.raises(ValueError, match="delay"):
        coordinate.asynchronous(fit, NoPenalty(), delay=-1)
    with pytest.raises(ValueError, match="delay is empty"):
        coordinate.asynchronous(fit, NoPenalty(), delay=[])
    with pytest.raises(ValueError, match="threads"):
        coordinate.asynchronous(fit, NoPenalty(), threads=0)
    with pytest.raises(ValueError, match="blocks"):
        coordinate.asynchronous(fit, NoPenalty(), blocks=0)
    with pytest.raises(ValueError, match="pass step"):
        coordinate.asynchronous(Poisson(X, abs(y)), NoPenalty())
