"""Accelerated cyclic dual averaging: the recurrence, its order and extrapolation, and the answers."""

import pickle
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from support.tiers import extended

from numsolve import ConvergenceWarning, Status, coordinate
from numsolve.coordinate import (
    L1,
    Box,
    ElasticNet,
    Huber,
    LeastSquares,
    Logistic,
    NoPenalty,
    Poisson,
    Quadratic,
)
from numsolve.coordinate._a_coder import Accelerated
from numsolve.coordinate._composite import Composite
from numsolve.problems import read_libsvm

DATA = Path(__file__).parents[3] / "shared" / "libsvm"


def regression(rng, m=30, n=7, dtype: Any = float):
    """Return random features, a third of them zero, and labels -1 and 1."""
    X = rng.standard_normal((m, n)) * (rng.random((m, n)) < 0.7)
    return X.astype(dtype), np.where(
        X @ rng.standard_normal(n) + rng.standard_normal(m) > 0, 1.0, -1.0
    ).astype(dtype)


def violation(fit, penalty, x):
    """Return the largest KKT violation."""
    return penalty.violation(x, fit.gradient(fit.state(x), x)).max()


def iterates(fit, penalty, count, *, gamma=0.0, L=None, block_size=1):
    """Return the first points y of a run."""
    problem = Composite(fit, penalty)
    method = Accelerated(problem, block_size, L, gamma)
    return [state.y for state in islice(method.states(problem.at(problem.variables.start)), count)]


def followed(fit, penalty, count, **options):
    """Return what a callback sees."""
    found = []
    with pytest.warns(ConvergenceWarning):
        coordinate.a_coder(
            fit, penalty, rtol=0, maxiter=count, callback=lambda x, norm: found.append(x) or False, **options
        )
    return found


def textbook(X, y, lam, ridge, L, count, width=1):
    """Return the iterates of the recurrence for least squares, written with dense gradients."""
    m, n = X.shape

    def gradient(w):
        return X.T @ (X @ w - y) / m

    x0 = np.zeros(n)
    a = A = 0.0
    v, x_last, yk, z = x0.copy(), x0.copy(), x0.copy(), np.zeros(n)
    p = gradient(x0)
    found = []
    for _ in range(count):
        r = 0.4 * (1 + A * ridge) / L
        a_last, A_last = a, A
        a = r / 2 + np.sqrt(r * r / 4 + r * A_last)
        A = A_last + a
        x = (A_last * yk + a * v) / A
        w, p_last = x.copy(), p.copy()
        for start in reversed(range(0, n, width)):
            b = slice(start, start + width)
            p[b] = gradient(w)[b]
            q = p[b] + a_last / a * (gradient(x_last)[b] - p_last[b])
            z[b] += a * q
            t = x0[b] - z[b]
            v[b] = np.sign(t) * np.maximum(abs(t) - A * lam, 0) / (1 + A * ridge)
            w[b] = (A_last * yk[b] + a * v[b]) / A
        yk, x_last = w, x
        found.append(w.copy())
    return found


@pytest.mark.parametrize("width", [1, *extended(3)])
@pytest.mark.parametrize("make", [np.asarray, sp.csc_array])
def test_iterates_are_those_of_the_recurrence(rng, make, width):
    X, y = regression(rng)
    fit, penalty = LeastSquares(make(X), y), ElasticNet(0.1, 0.8)
    found = iterates(fit, penalty, 6, L=0.9, gamma=0.02, block_size=width)
    expected = textbook(X, y, 0.08, 0.02, 0.9, 6, width)
    for got, want in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-13)


def test_order_of_the_blocks_and_extrapolation_matter(rng):
    X, y = regression(rng)
    fit, penalty = LeastSquares(X, y), ElasticNet(0.1, 0.8)
    found = iterates(fit, penalty, 3, L=0.9, gamma=0.02)
    reverse = iterates(LeastSquares(X[:, ::-1], y), penalty, 3, L=0.9, gamma=0.02)
    assert abs(found[0] - reverse[0][::-1]).max() > 1e-3
    whole = iterates(fit, penalty, 3, L=0.9, gamma=0.02, block_size=7)  # one block: nothing is extrapolated
    np.testing.assert_allclose(whole[2], textbook(X, y, 0.08, 0.02, 0.9, 3, 7)[2], rtol=0, atol=1e-13)


class Halved(coordinate.Loss):
    """The squared loss as a loss of the user, without a kernel."""

    curvature = 1.0

    def value(self, z, y):
        return (z - y) ** 2 / 2

    def derivative(self, z, y):
        return z - y

    def second(self, z, y):
        return np.ones_like(z - y)


@pytest.mark.parametrize("variance_reduction", [False, True])
def test_array_text_for_losses_of_the_user_agrees_with_kernels(rng, variance_reduction):
    X, y = regression(rng)
    penalty, options = L1(0.05), {"variance_reduction": variance_reduction, "block_size": 2, "rng": 3}
    known = followed(LeastSquares(sp.csc_array(X), y), penalty, 4, **options)
    own = followed(coordinate.GeneralizedLinear(X, y, Halved()), penalty, 4, **options)
    np.testing.assert_allclose(own, known, rtol=0, atol=1e-12)


FITS = {
    "least squares": LeastSquares,
    "logistic": Logistic,
    "Huber": Huber,
    "Poisson": lambda X, y: Poisson(X / 3, y + 1),
}
PENALTIES = {"L1": L1(0.02), "elastic net": ElasticNet(0.05, 0.4), "box": Box(-0.1, 0.2), "none": NoPenalty()}


@pytest.mark.parametrize("name", ["logistic", *extended(*sorted(set(FITS) - {"logistic"}))])
@pytest.mark.parametrize("penalty", ["L1", *extended(*sorted(set(PENALTIES) - {"L1"}))])
@pytest.mark.parametrize("make", [np.asarray, *extended(sp.csr_array, np.asfortranarray)])
def test_converges_to_a_point_of_small_violation(rng, name, penalty, make):
    X, y = regression(rng, 60)
    fit, penalty = FITS[name](make(X), y), PENALTIES[penalty]
    found = coordinate.a_coder(fit, penalty, rtol=1e-8).check()
    first = violation(fit, penalty, np.zeros(7))
    assert violation(fit, penalty, found.x) <= 1.0001e-8 * first
    value = fit.value(fit.state(found.x), found.x) + penalty.value(found.x)
    assert found.objective == pytest.approx(value, rel=1e-12)


def test_solution_agrees_with_a_direct_solve(rng):
    A = rng.standard_normal((6, 6))
    A, b = A @ A.T + np.eye(6), rng.standard_normal(6)
    found = coordinate.a_coder(Quadratic(A, b), NoPenalty(), rtol=1e-11).check()
    np.testing.assert_allclose(found.x, np.linalg.solve(A, b), rtol=1e-8)
    assert found.success
    assert pickle.loads(pickle.dumps(found)).L == found.L


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array])
def test_variance_reduction_converges(rng, make):
    X, y = regression(rng, 60)
    fit, penalty = Logistic(make(X), y), ElasticNet(0.05, 0.5)
    exact = coordinate.a_coder(fit, penalty, rtol=1e-9).check()
    found = coordinate.a_coder(fit, penalty, variance_reduction=True, rtol=1e-5, rng=0).check()
    np.testing.assert_allclose(found.x, exact.x, rtol=0, atol=1e-3)
    again = coordinate.a_coder(fit, penalty, variance_reduction=True, rtol=1e-5, rng=0)
    np.testing.assert_array_equal(again.x, found.x)


def test_the_bound_holds_and_a_step_that_is_too_long_is_corrected(rng):
    X, y = regression(rng, 60)
    fit, penalty = Logistic(X, y), L1(0.01)
    best = coordinate.a_coder(fit, penalty, rtol=1e-9).check()
    found, L = [], 1e-4  # much smaller than what is needed
    with pytest.warns(ConvergenceWarning):
        wrong = coordinate.a_coder(fit, penalty, L=L, rtol=1e-8, maxiter=50)
    assert wrong.status == Status.MAXITER
    assert wrong.objective <= np.log(2) * (1 + 1e-12)  # the best point is kept, here the start
    right = coordinate.a_coder(fit, penalty, rtol=1e-8, callback=lambda x, norm: found.append(norm) or False)
    assert right.success
    assert right.objective - best.objective <= 1e-8
    assert len(found) == right.nit


def test_a_float32_problem(rng):
    X, y = regression(rng, dtype=np.float32)
    found = coordinate.a_coder(LeastSquares(X, y), L1(np.float32(0.05)), rtol=1e-4).check()
    assert found.x.dtype == np.float32


def test_start_at_the_solution_and_warm_start(rng):
    X, y = regression(rng)
    fit, penalty = LeastSquares(X, y), L1(10.0)  # above the largest useful value
    assert coordinate.a_coder(fit, penalty).check().nit == 0
    penalty = L1(0.05)
    found = coordinate.a_coder(fit, penalty, rtol=1e-8).check()
    assert coordinate.a_coder(fit, penalty, found.x, rtol=1e-7).check().nit == 0


def test_a_start_outside_the_domain_is_projected(rng):
    X, y = regression(rng)
    penalty = Box(0.1, 0.3)
    found = coordinate.a_coder(LeastSquares(X, y), penalty, np.full(7, 9.0), rtol=1e-9).check()
    assert penalty.value(found.x) == 0


def test_cupy_arrays_stay_on_the_device(rng, cupy):
    X, y = regression(rng)
    want = coordinate.a_coder(LeastSquares(X, y), L1(0.05), rtol=1e-6).check().x
    fit = LeastSquares(cupy.asarray(X), cupy.asarray(y))
    found = coordinate.a_coder(fit, L1(0.05), rtol=1e-6).check().x
    assert type(found).__module__ == "cupy"
    np.testing.assert_allclose(found.get(), want, rtol=0, atol=1e-12)


def test_an_unbounded_function_ends_with_a_status():
    A = np.diag([1.0, -1.0])
    with pytest.warns(ConvergenceWarning):
        found = coordinate.a_coder(Quadratic(A, np.ones(2)), NoPenalty(), maxiter=5000)
    assert not found.success
    assert found.status in (Status.NONFINITE, Status.MAXITER)


def test_bad_input(rng):
    X, y = regression(rng)
    fit, penalty = LeastSquares(X, y), L1(0.1)
    with pytest.raises(TypeError, match="datafit is a ndarray"):
        coordinate.a_coder(X, penalty)
    with pytest.raises(TypeError, match="penalty is a float"):
        coordinate.a_coder(fit, 0.1)
    with pytest.raises(ValueError, match="x0 has shape"):
        coordinate.a_coder(fit, penalty, np.zeros(3))
    with pytest.raises(ValueError, match="block_size"):
        coordinate.a_coder(fit, penalty, block_size=0)
    with pytest.raises(ValueError, match="L is"):
        coordinate.a_coder(fit, penalty, L=0)
    with pytest.raises(ValueError, match="variance_reduction=True"):
        coordinate.a_coder(fit, penalty, epoch=3)
    with pytest.raises(TypeError, match="draws samples"):
        coordinate.a_coder(Quadratic(np.eye(3)), NoPenalty(), variance_reduction=True)
    with pytest.raises(ValueError, match="weights of the penalty"):
        coordinate.a_coder(fit, ElasticNet(0.1, weights=np.ones(3)))


@pytest.mark.extended
def test_published_curve_on_a9a():
    path = DATA / "a9a.gz"
    if not path.exists():
        pytest.skip("a9a is not on this machine")
    X, y = read_libsvm(path)
    fit, penalty, smallest = Logistic(X[:1605], y[:1605]), ElasticNet(2e-4, 0.5), 0.323568368389

    def gaps(curve=iterates, **options):
        found = []
        for x in curve(fit, penalty, **options):
            found.append(fit.value(fit.state(x), x) + penalty.value(x) - smallest)
        return found

    for options in ({"L": 1.57 / 8}, {}):
        found = gaps(count=500, gamma=1e-4, **options)
        for passes, want in ((100, 4.8e-3), (400, 2.5e-5), (1000, 6e-7)):
            assert found[passes // 2 - 1] <= 1.5 * want, (options, passes)
    assert min(gaps(count=60, L=1.57 / 16)) > 1e-3  # diverges
    assert gaps(followed, count=12, L=1.57 / 16, variance_reduction=True, block_size=1, rng=0)[-1] <= 6e-5
