"""The Chebyshev iteration alone."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from numpy.polynomial import chebyshev as closed
from support.tiers import extended

from numsolve import ConvergenceWarning, Status
from numsolve.krylov import cg, chebyshev
from numsolve.precondition import jacobi
from numsolve.problems import diffusion, poisson


def spectrum(m):
    """Return the smallest and the largest eigenvalue of the Laplacian of an m by m grid."""
    c = np.cos(np.pi / (m + 1))
    return 4 - 4 * c, 4 + 4 * c


def promise(steps, lmin, lmax):
    """Return the bound of the residual after so many steps, over that of the start."""
    sigma = (lmax + lmin) / (lmax - lmin)
    return 1 / np.cosh(np.arange(steps) * np.arccosh(sigma))


@pytest.mark.parametrize("with_M", [False, True])
def test_iterates_are_chebyshev_polynomials(with_M, rng):
    t, d = np.linspace(1, 4, 50), rng.uniform(1, 50, 50)
    b, found = rng.standard_normal(50), []
    A = np.diag(t * d) if with_M else np.diag(t)
    M = np.diag(1 / d) if with_M else None

    def callback(x, norm):
        found.append(b - A @ x)

    result = chebyshev(A, b, bounds=(1, 4), M=M, rtol=1e-9, callback=callback).check()
    for k, r in enumerate(found, 1):
        unit = np.eye(k + 1)[k]
        factor = closed.chebval((2.5 - t) / 1.5, unit) / closed.chebval(2.5 / 1.5, unit)
        np.testing.assert_allclose(r, factor * b, rtol=1e-8, atol=1e-12)
        assert result.residuals[k] == pytest.approx(np.linalg.norm(r), rel=1e-4)
    assert result.bounds == (1, 4)


def test_the_rate_is_that_of_the_theory(rng):
    lmin, lmax = spectrum(40)
    result = chebyshev(poisson((40, 40)), rng.standard_normal(1600), bounds=(lmin, lmax), rtol=1e-10).check()
    allowed = promise(result.nit + 1, lmin, lmax) * result.residuals[0]
    assert (result.residuals <= allowed * (1 + 1e-6)).all()
    kappa = lmax / lmin
    rate = (kappa**0.5 - 1) / (kappa**0.5 + 1)
    observed = (result.residuals[-1] / result.residuals[-101]) ** 0.01
    assert observed == pytest.approx(rate, rel=5e-3)


@pytest.mark.parametrize(("m", "want"), [(16, 103), (32, 201)])
def test_pinned_iteration_counts(m, want):
    result = chebyshev(poisson((m, m)), np.ones(m * m), bounds=spectrum(m), rtol=1e-8).check()
    assert result.nit == pytest.approx(want, rel=0.02)


@pytest.mark.parametrize("b", ["random", "ones", "one"])
@pytest.mark.parametrize("m", [16, 60])
def test_estimated_bounds_are_nearly_as_good_as_the_true_ones(b, m, rng):
    A, n = poisson((m, m)), m * m
    b = {"random": rng.standard_normal(n), "ones": np.ones(n), "one": np.eye(1, n, n // 3)[0]}[b]
    lmin, lmax = spectrum(m)
    known = chebyshev(A, b, bounds=(lmin, lmax), rtol=1e-8).check()
    found = chebyshev(A, b, rtol=1e-8).check()
    assert found.nit <= 1.3 * known.nit
    assert 0.9 * lmin < found.bounds[0] < 3 * lmin
    assert 0.99 * lmax < found.bounds[1] < 1.1 * lmax
    again = chebyshev(A, b, bounds=found.bounds, rtol=1e-8).check()
    assert again.nit <= 1.1 * known.nit


@pytest.mark.parametrize("dtype", ["float64", *extended("float32")])
@pytest.mark.parametrize("wrong", [(1.0, 8.0), (0.01, 4.0), (1e-4, 1e-3), (2.0, 3.0)])
def test_bounds_that_are_wrong_are_widened(wrong, dtype, rng):
    A = poisson((30, 30)).astype(dtype)
    x = rng.standard_normal(900).astype(dtype)
    rtol = 1e-8 if dtype == "float64" else 1e-4
    result = chebyshev(A, A @ x, bounds=wrong, rtol=rtol).check()
    assert result.bounds[0] <= wrong[0]
    assert result.bounds[1] >= 7.9
    np.testing.assert_allclose(result.x, x, atol=1e4 * rtol)


def test_products_are_few_and_all_are_counted(rng):
    calls = {"A": 0, "M": 0}
    A = diffusion(np.exp(rng.standard_normal((20, 20))))
    M = jacobi(A)

    def counted(name, matrix):
        def multiply(v):
            calls[name] += 1
            return matrix @ v

        return spla.LinearOperator(A.shape, multiply, dtype=float)

    b = rng.standard_normal(400)
    result = chebyshev(counted("A", A), b, M=counted("M", M), rtol=1e-8).check()
    estimates, rest = divmod(calls["A"] - result.nit - 4, 12)  # symmetry 2, first residual, residual at exit
    assert rest == 0
    assert 1 <= estimates <= 5
    calls.update(A=0, M=0)
    given = chebyshev(counted("A", A), b, bounds=result.bounds, M=counted("M", M), rtol=1e-8).check()
    assert calls["A"] == given.nit + 4
    assert calls["M"] == given.nit + 1


@pytest.mark.parametrize("power", [-150, 150])
@pytest.mark.parametrize("with_M", [False, True])
def test_bounds_are_the_callers_at_any_scale(with_M, power, rng):
    scale, (lmin, lmax) = 10.0**power, spectrum(10)
    A, x = poisson((10, 10)), rng.standard_normal(100)
    M = sp.diags_array(np.full(100, 1 / scale)) if with_M else None
    unit = 1 if with_M else scale
    given = chebyshev(A * scale, (A @ x) * scale, bounds=(lmin * unit, lmax * unit), M=M, rtol=1e-10).check()
    want = chebyshev(A, A @ x, bounds=(lmin, lmax), rtol=1e-10).nit
    assert given.nit == pytest.approx(want, rel=0.02, abs=1)
    np.testing.assert_allclose(given.x, x, rtol=1e-6, atol=1e-8)
    found = chebyshev(A * scale, (A @ x) * scale, M=M, rtol=1e-10).check()
    assert found.bounds == pytest.approx((lmin * unit, lmax * unit), rel=0.5)


@pytest.mark.parametrize(
    ("bounds", "error", "message"),
    [
        ((2, 1), ValueError, "smaller number comes first"),
        ((0, 1), ValueError, r"bounds\[0\] is 0"),
        ((1, np.nan), ValueError, r"bounds\[1\] is nan"),
        (3.0, TypeError, "bounds is 3.0; a pair"),
        ((1, 2, 3), TypeError, "a pair of numbers"),
        (("a", "b"), TypeError, r"bounds\[0\] is 'a'"),
    ],
)
def test_bad_bounds_are_named(bounds, error, message):
    with pytest.raises(error, match=message):
        chebyshev(np.eye(2), np.ones(2), bounds=bounds)


def test_what_is_not_positive_definite_breaks_down_with_a_remedy():
    with pytest.warns(ConvergenceWarning, match=r"A is not positive definite, use minres"):
        result = chebyshev(np.diag([1.0, -2.0, 3.0]), np.ones(3))
    assert result.status == Status.BREAKDOWN
    assert result.bounds is None
    with pytest.warns(ConvergenceWarning, match="M is not positive definite"):
        assert chebyshev(np.eye(2), np.ones(2), M=-np.eye(2)).status == Status.BREAKDOWN
    with pytest.raises(ValueError, match="A is not symmetric"):
        chebyshev(np.array([[1.0, 2.0], [0.0, 1.0]]), np.ones(2))


@pytest.mark.parametrize(("m", "shift"), [(10, 1.1), (10, 0.5), (30, 0.03), (60, 0.01)])
@pytest.mark.parametrize("bounds", [None, (0.1, 8.0)])
def test_an_indefinite_matrix_is_named_when_the_residual_grows(bounds, m, shift, rng):
    A = poisson((m, m)) - shift * sp.eye_array(m * m)
    assert spectrum(m)[0] < shift
    for b in (np.ones(m * m), rng.standard_normal(m * m)):
        with pytest.warns(ConvergenceWarning, match="A is not positive definite, use minres"):
            result = chebyshev(A, b, bounds=bounds, rtol=1e-8)
        assert result.status == Status.BREAKDOWN


def test_at_maxiter_the_message_says_what_the_bounds_promise(rng):
    A, b = poisson((16, 16)), rng.standard_normal(256)
    lmin, lmax = 1e-6, 8.0
    with pytest.warns(ConvergenceWarning, match=r"1.0e-06, 8.0e\+00\) a digit takes (\d+) .* leave them out"):
        result = chebyshev(A, b, bounds=(lmin, lmax), rtol=1e-8, maxiter=500)
    digit = int(result.message.split("a digit takes ")[1].split()[0])
    before, after = promise(10 * digit, lmin, lmax)[[-digit - 1, -1]]
    assert before / after == pytest.approx(10, rel=1e-2)
    with pytest.warns(ConvergenceWarning, match=r"a digit takes \d+ iterations$"):
        chebyshev(A, b, rtol=1e-8, maxiter=50)


def test_more_iterations_than_conjugate_gradients_but_not_many(rng):
    A, b = poisson((40, 40)), rng.standard_normal(1600)
    ours, theirs = chebyshev(A, b, rtol=1e-8).check(), cg(A, b, rtol=1e-8).check()
    assert theirs.nit <= ours.nit <= 3 * theirs.nit
    np.testing.assert_allclose(ours.x, theirs.x, atol=1e-5)


@pytest.mark.parametrize(("with_M", "vectors"), [(False, 5), (True, 6)])
def test_storage_is_what_the_docstring_says(with_M, vectors, rng):
    A = poisson((90, 90))
    b, M = rng.standard_normal(8_100), jacobi(A) if with_M else None
    held = []

    def callback(x, norm):
        held.append(tracemalloc.get_traced_memory()[0])
        return norm < 0.05 * np.linalg.norm(b)  # one iterate was kept by then

    chebyshev(A, b, M=M, callback=callback)
    held.clear()
    tracemalloc.start()
    try:
        chebyshev(A, b, M=M, callback=callback)
    finally:
        tracemalloc.stop()
    assert vectors - 0.5 < held[-1] / b.nbytes < vectors + 0.5
