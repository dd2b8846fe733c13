"""The minimisers on convex, non-convex and classic problems."""

import time
from itertools import pairwise

import numpy as np
import pytest
import scipy.optimize as spo
import scipy.sparse as sp
from support.tiers import extended

from numsolve import ConvergenceWarning, Status, newton, problems
from numsolve.newton import minimize
from numsolve.newton._minimizers import METHODS

ALL = list(METHODS)
SECOND_ORDER = [name for name in ALL if name not in ("polynomial", "accelerated")]
NAMED = ["rosenbrock", "powell_singular", "powell_badly_scaled", "wood"]
OTHERS = [name for name in problems.unconstrained_names() if name not in NAMED]
ROSEN = {"grad": spo.rosen_der, "hess": spo.rosen_hess}


class Logistic:
    """A regularised logistic regression."""

    def __init__(self, rng, m=60, d=8):
        A = rng.standard_normal((m, d))
        self.Z = A * np.sign(A @ rng.standard_normal(d) + rng.standard_normal(m))[:, None]
        self.start, self.d = np.zeros(d), d

    def fun(self, x):
        return np.logaddexp(0, -self.Z @ x).mean() + 1e-2 * (x @ x) / 2

    def weights(self, x):
        return 1 / (1 + np.exp(self.Z @ x))

    def grad(self, x):
        return -self.Z.T @ self.weights(x) / len(self.Z) + 1e-2 * x

    def hess(self, x):
        s = self.weights(x)
        return (self.Z.T * (s * (1 - s))) @ self.Z / len(self.Z) + 1e-2 * np.eye(self.d)

    def hessp(self, x, p):
        return self.hess(x) @ p

    def solution(self):
        return spo.minimize(self.fun, self.start, jac=self.grad, method="BFGS", options={"gtol": 1e-10}).x


@pytest.fixture
def logistic(rng):
    return Logistic(rng)


def tight(method):
    return {"rtol": 1e-4 if method == "accelerated" else 1e-8}


@pytest.mark.parametrize("method", ALL)
def test_each_method_on_a_convex_function(logistic, method):
    p = logistic
    found = minimize(p.fun, p.start, grad=p.grad, hess=p.hess, method=method, **tight(method)).check()
    first = np.linalg.norm(p.grad(p.start))
    assert np.linalg.norm(p.grad(found.x)) <= tight(method)["rtol"] * first
    np.testing.assert_allclose(found.residuals[-1], np.linalg.norm(p.grad(found.x)), rtol=1e-6)
    np.testing.assert_allclose(found.x, p.solution(), atol=2e2 * tight(method)["rtol"] * first)
    np.testing.assert_allclose(found.jac, p.grad(found.x))
    assert found.fun == p.fun(found.x)
    assert found.method == method


@pytest.mark.parametrize("method", ["trust-region", "cubic-lazy", "super-universal", *extended(*ALL)])
def test_each_method_with_products(logistic, method):
    p = logistic
    found = minimize(p.fun, p.start, grad=p.grad, hessp=p.hessp, method=method, **tight(method)).check()
    np.testing.assert_allclose(found.x, p.solution(), atol=2e2 * tight(method)["rtol"])
    assert found.nhev > 0


@pytest.mark.parametrize("method", ["cubic-lazy", "gradient-normalized", "super-universal", "saddle-free"])
def test_rosenbrock_by_methods_for_functions_that_are_not_convex(method):
    found = minimize(spo.rosen, [-1.2, 1.0], method=method, rtol=1e-10, **ROSEN).check()
    np.testing.assert_allclose(found.x, [1, 1], atol=1e-6)


@pytest.mark.parametrize("derivatives", ["grad", *extended("hess", "fun")])
@pytest.mark.parametrize(
    "name", [*NAMED, *extended(*sorted(set(problems.unconstrained_names()) - set(NAMED)))]
)
def test_the_default_on_classic_problems(name, derivatives):
    p = problems.unconstrained(name)
    given = {"fun": {}, "grad": {"grad": p.grad}, "hess": {"grad": p.grad, "hess": p.hess}}[derivatives]
    found = minimize(p.fun, p.x0, **given).check()
    accuracy = 1e-3 if derivatives == "fun" else 1e-5
    first = min(p.fun(p.x0), 10)
    assert any(abs(found.fun - least) <= accuracy * least + 1e-6 * first for least in p.minima)


def test_steps_fall_quadratically_at_the_end():
    found = minimize(spo.rosen, [-1.2, 1.0, 0.5], rtol=1e-14, atol=1e-13, **ROSEN).check()
    g = found.residuals
    tail = [k for k in range(len(g) - 1) if 1e-6 < g[k] < 1e-1]
    assert tail
    assert all(g[k + 1] <= 1e3 * g[k] ** 2 for k in tail)


@pytest.mark.parametrize("method", SECOND_ORDER)
def test_the_function_never_rises(logistic, method):
    p, values = logistic, []
    minimize(
        p.fun,
        p.start + 1,
        grad=p.grad,
        hess=p.hess,
        method=method,
        callback=lambda x: values.append(p.fun(x)),
    )
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(values))


@pytest.mark.parametrize("method", ["cubic-lazy", "quadratic-lazy"])
@pytest.mark.parametrize("n", [30, *extended(100)])
def test_lazy_hessians_save_hessians(method, n):
    """Half of the cost of n Hessians and the gradients, as measured for 100 variables with room."""
    p = problems.soft_maximum(n, 2 * n, mu=0.05, rng=3)
    options = {"grad": p.grad, "hess": p.hess, "method": method, "rtol": 0, "atol": 1e-9, "maxiter": 20_000}
    runs = {lazy: minimize(p.fun, p.x0, lazy=lazy, **options).check() for lazy in (1, 10, 25)}
    assert all(run.fun - p.minimum <= 1e-8 for run in runs.values())
    assert runs[10].nhev <= 0.7 * runs[1].nhev
    assert runs[25].nhev <= 0.45 * runs[1].nhev
    assert runs[25].nit <= 25 * runs[25].nhev
    costs = {lazy: n * run.nhev + run.njev for lazy, run in runs.items()}
    assert costs[10] <= (0.6 if n == 100 else 0.8) * costs[1]
    assert costs[25] <= (0.5 if n == 100 else 0.8) * costs[1]


def test_cubic_is_lazy_with_one_step(logistic):
    p = logistic
    one = minimize(p.fun, p.start, grad=p.grad, hess=p.hess, method="cubic")
    other = minimize(p.fun, p.start, grad=p.grad, hess=p.hess, method="cubic-lazy", lazy=1)
    np.testing.assert_array_equal(one.residuals, other.residuals)


def worst(n):
    """The function for which the cubic method is slow: the third powers of differences."""

    def fun(x):
        return (abs(np.append(x[:-1] - x[1:], x[-1])) ** 3).sum() / 3 - x[0]

    def grad(x):
        d = np.append(x[:-1] - x[1:], x[-1])
        w = d * abs(d)
        g = w.copy()
        g[1:] -= w[:-1]
        g[0] -= 1
        return g

    def hess(x):
        w = 2 * abs(np.append(x[:-1] - x[1:], x[-1]))
        return np.diag(w + np.append(0, w[:-1])) - np.diag(w[:-1], 1) - np.diag(w[:-1], -1)

    return fun, grad, hess, np.arange(n, 0, -1.0)


@pytest.mark.parametrize("k", [5, 20, *extended(80)])
def test_acceleration_has_its_rate_on_the_worst_instance(k):
    """The gap is below L R**3 / k**3; the constant of the theory is 14."""
    n, L = 30, 8.0
    fun, grad, hess, solution = worst(n)
    options = {"method": "accelerated", "M": 2 * L, "maxiter": k, "rtol": 1e-12}
    with pytest.warns(ConvergenceWarning, match="maxiter"):
        found = minimize(fun, np.zeros(n), grad=grad, hess=hess, **options)
    assert 0 < fun(found.x) - fun(solution) <= L * np.linalg.norm(solution) ** 3 / k**3


def barrier(rng, d=20, m=60):
    """A linear function with a standard self-concordant barrier."""
    A, c = rng.standard_normal((m, d)), 5 * rng.standard_normal(d)
    A = np.vstack([A, -A])

    def fun(x):
        s = 1 - A @ x
        return c @ x - np.log(s).sum() if (s > 0).all() else np.inf

    def grad(x):
        return c + A.T @ (1 / (1 - A @ x))

    def hess(x):
        return (A.T / (1 - A @ x) ** 2) @ A

    return fun, grad, hess


def test_damped_methods_stay_in_the_domain_and_have_the_expected_order(rng):
    fun, grad, hess = barrier(rng)
    counts = {}
    for method in ("damped", "aicn", "root", "universal", "greedy"):
        found = minimize(fun, np.zeros(20), grad=grad, hess=hess, method=method, rtol=1e-9).check()
        assert np.isfinite(found.fun)
        counts[method] = found.nit
    assert counts["greedy"] <= counts["aicn"] <= counts["damped"] < counts["root"]


@pytest.mark.parametrize("method", ["greedy", "universal", "cubic-lazy", "trust-region"])
def test_points_outside_of_the_domain_are_rejected(method):
    def fun(x):
        return 10 * x[0] - np.log(x[0]) if x[0] > 0 else np.nan

    found = minimize(
        fun,
        [30.0],
        grad=lambda x: 10 - 1 / x,
        hess=lambda x: 1 / x**2,
        method=method,
        rtol=1e-10,
        maxiter=5000,
    ).check()
    np.testing.assert_allclose(found.x, 0.1, rtol=1e-6)


def test_approximate_hessians(rng):
    A, b = rng.standard_normal((20, 8)), rng.standard_normal(20)

    def fun(x):
        return ((A @ x - b) ** 2 @ (A @ x - b) ** 2) / 4

    def grad(x):
        return A.T @ (A @ x - b) ** 3

    def weights(x):
        return 3 * (A @ x - b) ** 2

    start = minimize(fun, np.ones(8), grad=grad, rtol=1e-10).check().x
    approximations = [
        newton.gauss_newton(lambda x: A, weights),
        newton.gauss_newton(lambda x: sp.csr_array(A), weights),
        newton.fisher(lambda x: A * ((A @ x - b) ** 3)[:, None], scale=1.0),
        "diagonal",
    ]
    for hess in approximations:
        for method in ("gradient-normalized", "super-universal"):
            found = minimize(fun, start + 0.1, grad=grad, hess=hess, method=method, rtol=1e-3, rng=3).check()
            np.testing.assert_allclose(found.x, start, atol=2e-2)


def test_the_gauss_newton_matrix_of_linear_residuals_is_the_hessian(rng):
    A, b, x = rng.standard_normal((9, 4)), rng.standard_normal(9), rng.standard_normal(4)
    exact = (A.T * np.cosh(A @ x - b)) @ A
    for J in (A, sp.csr_array(A)):
        H = newton.gauss_newton(lambda x, J: J, lambda x, J: np.cosh(A @ x - b))(x, J)
        np.testing.assert_allclose(H.toarray() if sp.issparse(H) else H, exact)
    np.testing.assert_allclose(newton.gauss_newton(lambda x: A)(x), A.T @ A)


def test_a_metric_gives_affine_invariance(logistic, rng):
    p = logistic
    T = rng.standard_normal((p.d, p.d)) + 3 * np.eye(p.d)
    for method in ("gradient-normalized", "super-universal", "cubic-lazy", "trust-region"):
        options = {"method": method, "rtol": 0, "atol": 0, "maxiter": 4}
        if method == "trust-region":
            options["radius"] = 0.5
        with pytest.warns(ConvergenceWarning):
            plain = minimize(p.fun, p.start, grad=p.grad, hess=p.hess, **options)
        with pytest.warns(ConvergenceWarning):
            other = minimize(
                lambda y: p.fun(T @ y),
                p.start,
                grad=lambda y: T.T @ p.grad(T @ y),
                hess=lambda y: T.T @ p.hess(T @ y) @ T,
                metric=T.T @ T,
                **options,
            )
        np.testing.assert_allclose(T @ other.x, plain.x, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("factor", [1e-6, 1e6])
@pytest.mark.parametrize("unit", [1e-3, 1e3])
def test_scales_of_values_and_variables_do_not_change_the_status(factor, unit):
    found = minimize(
        lambda x: factor * spo.rosen(x / unit),
        np.array([-1.2, 1.0]) * unit,
        grad=lambda x: factor / unit * spo.rosen_der(x / unit),
        hess=lambda x: factor / unit**2 * spo.rosen_hess(x / unit),
    ).check()
    np.testing.assert_allclose(found.x / unit, [1, 1], rtol=1e-4)


def chain(n):
    """A non-quadratic chain with a tridiagonal Hessian."""

    def fun(x):
        return 0.5 * ((x[1:] - x[:-1]) ** 2).sum() + (x**4).sum() / 4 - x.sum()

    def grad(x):
        g = x**3 - 1
        g[1:] += x[1:] - x[:-1]
        g[:-1] -= x[1:] - x[:-1]
        return g

    def hess(x):
        d = 3 * x**2 + 2
        d[[0, -1]] -= 1
        return sp.diags_array([d, -np.ones(n - 1), -np.ones(n - 1)], offsets=[0, 1, -1], format="csr")

    return fun, grad, hess


@pytest.mark.parametrize(
    "method", ["trust-region", "super-universal", "greedy", *extended("cubic-lazy", "polynomial")]
)
def test_sparse_hessians(method, rng):
    n = 400
    fun, grad, hess = chain(n)
    found = minimize(fun, rng.uniform(0.5, 2, n), grad=grad, hess=hess, method=method).check()
    np.testing.assert_allclose(found.x, 1, atol=1e-6)


def test_a_sparsity_pattern_needs_few_gradients(rng):
    n = 400
    fun, grad, hess = chain(n)
    found = minimize(fun, rng.uniform(0.5, 2, n), grad=grad, hess_sparsity=hess(np.ones(n))).check()
    np.testing.assert_allclose(found.x, 1, atol=1e-6)
    assert found.njev <= 8 * (found.nit + 1)


def test_large_problems_need_only_products(rng):
    n = 300
    found = minimize(spo.rosen, np.full(n, 1.2), grad=spo.rosen_der, rtol=1e-9).check()
    np.testing.assert_allclose(found.x, 1, atol=1e-5)
    assert found.nhev == 0


def test_a_preconditioner_saves_products(rng):
    n = 200
    d = np.logspace(0, 4, n)
    products = []

    def hessp(x, p):
        products.append(1)
        return d * p + 3 * x**2 * p

    def run(**options):
        products.clear()
        found = minimize(
            lambda x: (d * x) @ x / 2 + (x**4).sum() / 4 - x.sum(),
            np.ones(n),
            grad=lambda x: d * x + x**3 - 1,
            hessp=hessp,
            **options,
        ).check()
        assert found.nhev == len(products)
        return found.nhev

    plain = run()
    assert run(M=sp.diags_array(1 / d).tocsr()) < plain / 2
    assert run(M=lambda x: sp.diags_array(1 / (d + 3 * x**2)).tocsr()) < plain / 2


def test_arguments_as_of_scipy(logistic):
    p = logistic
    plain = minimize(p.fun, p.start, grad=p.grad, hess=p.hess)
    np.testing.assert_array_equal(minimize(p.fun, p.start, jac=p.grad, hess=p.hess).x, plain.x)
    pair = minimize(lambda x: (p.fun(x), p.grad(x)), p.start, jac=True, hess=p.hess)
    np.testing.assert_array_equal(pair.x, plain.x)
    shifted = minimize(
        lambda x, a: p.fun(x - a),
        p.start,
        (1.0,),
        grad=lambda x, a: p.grad(x - a),
        hessp=lambda x, v, a: p.hess(x - a) @ v,
        rtol=1e-9,
    ).check()
    np.testing.assert_allclose(shifted.x - 1, plain.x, atol=1e-5)


def test_variables_of_any_shape():
    target = np.arange(6.0).reshape(2, 3)

    def fun(x):
        assert x.shape == (2, 3)
        return ((x - target) ** 2).sum()

    seen = []
    found = minimize(
        fun,
        np.zeros((2, 3)),
        grad=lambda x: 2 * (x - target),
        hess=lambda x: 2 * np.eye(6).reshape(2, 3, 2, 3),
        callback=lambda x: seen.append(x.shape),
    ).check()
    np.testing.assert_allclose(found.x, target)
    assert found.jac.shape == (2, 3)
    assert set(seen) == {(2, 3)}
    np.testing.assert_allclose(minimize(lambda x: (x - 3) ** 2, 1).check().x, [3], rtol=1e-6)


def test_single_precision(logistic):
    p = logistic
    found = minimize(p.fun, p.start.astype(np.float32), grad=p.grad, hess=p.hess).check()
    assert found.x.dtype == np.float32
    np.testing.assert_allclose(found.x, p.solution(), atol=2e-2)


def test_counts_are_those_of_the_calls(logistic):
    p, calls = logistic, {"fun": 0, "grad": 0, "hess": 0}

    def counted(name):
        def call(x):
            calls[name] += 1
            return getattr(p, name)(x)

        return call

    found = minimize(p.fun and counted("fun"), p.start, grad=counted("grad"), hess=counted("hess"))
    assert (found.nfev, found.njev, found.nhev) == tuple(calls.values())
    assert found.njev == found.nit + 1


def test_a_callback_stops(logistic):
    p = logistic
    found = minimize(p.fun, p.start, grad=p.grad, hess=p.hess, callback=lambda x, norm: norm < 1e-2)
    assert found.status == Status.STOPPED
    assert found.residuals[-1] < 1e-2 <= found.residuals[-2]


def test_cupy_arrays_stay_on_the_device(cupy, logistic):
    p = logistic
    Z = cupy.asarray(p.Z)

    def weights(x):
        return 1 / (1 + cupy.exp(Z @ x))

    def fun(x):
        return float(cupy.log(1 + cupy.exp(-(Z @ x))).sum()) / len(p.Z) + 5e-3 * float(cupy.vdot(x, x))

    def grad(x):
        return -(Z.T @ weights(x)) / len(p.Z) + 1e-2 * x

    def hess(x):
        return cupy.asarray(p.hess(x.get()))

    for method in ("trust-region", "cubic-lazy", "super-universal", "damped", "saddle-free"):
        found = minimize(fun, cupy.zeros(p.d), grad=grad, hess=hess, method=method).check()
        assert type(found.x).__module__ == "cupy"
        np.testing.assert_allclose(found.x.get(), p.solution(), atol=1e-5)
    found = minimize(fun, cupy.zeros(p.d), grad=grad, hessp=lambda x, v: hess(x) @ v).check()
    np.testing.assert_allclose(found.x.get(), p.solution(), atol=1e-5)


def test_the_time_limit_is_kept(logistic):
    p = logistic

    def slow(x):
        time.sleep(0.02)
        return p.grad(x)

    with pytest.warns(ConvergenceWarning, match="time limit"):
        found = minimize(
            p.fun, p.start, grad=slow, hess=p.hess, method="cubic-lazy", lazy=1000, time_limit=0.1
        )
    assert found.status == Status.TIME_LIMIT
    assert found.fun <= p.fun(p.start)


def test_the_result_pickles_and_prints(logistic):
    import pickle

    p = logistic
    found = minimize(p.fun, p.start, grad=p.grad, hess=p.hess)
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.x, found.x)
    assert "MinimizeResult(CONVERGED" in repr(found)
    assert isinstance(found, newton.NewtonResult)
