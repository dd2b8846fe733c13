"""Properties that hold for every method and any system, on systems that hypothesis draws."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from linear.test_solve import INNER, METHODS
from support.tiers import extended

from numsolve import ConvergenceWarning, Status
from numsolve.krylov import _registry as registry

HERMITIAN_ONLY = {name for name, method in registry.METHODS.items() if method.hermitian}
every_method = pytest.mark.parametrize("method", METHODS, ids=lambda m: m.__name__)
examples = settings(suppress_health_check=list(HealthCheck))
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 24)
CONDITION = 50
PRECISIONS = {"single": {"f": "float32", "c": "complex64"}, "double": {"f": "float64", "c": "complex128"}}


def random(rng, shape, dtype):
    """Return normal numbers of any of the four dtypes."""
    values = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def hermitian(rng, n, dtype):
    """Return a Hermitian positive definite matrix."""
    Q = np.linalg.qr(random(rng, (n, n), "complex128" if np.dtype(dtype).kind == "c" else "float64"))[0]
    A = (Q * np.geomspace(1, CONDITION, n)) @ Q.conj().T
    return ((A + A.conj().T) / 2).astype(dtype)


def general(rng, n, dtype):
    """Return a matrix with its field of values in the right half plane, which restarts cannot stop."""
    A, N = hermitian(rng, n, dtype), random(rng, (n, n), dtype)
    return A + (N - N.conj().T) / 2


def contained(A, form):
    """Return a read-only `A` as a matrix of some kind."""
    A = A.copy(order="F") if form == "F" else A.copy()
    A.flags.writeable = False
    if form in "CF":
        return A
    if form == "operator":
        return spla.aslinearoperator(A)
    matrix = sp.csr_array(A).asformat(form)
    matrix.data.flags.writeable = False
    return matrix


def locked(x):
    """Return `x` read-only: who writes to it raises."""
    x.flags.writeable = False
    return x


@pytest.mark.parametrize(
    ("method", "make"),
    [
        *((m, hermitian) for m in METHODS),
        *((m, general) for m in METHODS if m.__name__ not in HERMITIAN_ONLY and m not in INNER),
        *extended(*((m, general) for m in INNER)),
    ],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("precision", ["double", *extended("single")])
@examples
@given(
    n=sizes,
    seed=seeds,
    kind=st.sampled_from("fc"),
    form=st.sampled_from(["C", "F", "csr", "csc", "coo", "operator"]),
    warm=st.sampled_from([None, "near", "far"]),
    k=st.sampled_from([None, 1, 3]),
    decade=st.sampled_from([-100, -20, 0, 20, 100]),
)
def test_the_solution_is_that_of_a_direct_solve(
    method, make, precision, n, seed, kind, form, warm, k, decade
):
    rng, double, dtype = np.random.default_rng(seed), precision == "double", PRECISIONS[precision][kind]
    scale = 10.0**decade if double else 10.0 ** (decade / 10)
    A, shape = make(rng, n, dtype), (n,) if k is None else (n, k)
    b = locked(random(rng, shape, dtype) * np.float32(1) * np.dtype(dtype).type(scale))
    want = np.linalg.solve(A, b)
    x0 = (
        None
        if warm is None
        else locked(want + random(rng, shape, dtype) * abs(want).max() * (1e-3 if warm == "near" else 9))
    )
    rtol = 1e-9 if double else 1e-4
    inner = INNER.get(method, {}) if make is hermitian else {}
    x, info = method(contained(A, form), b, x0, rtol=rtol, **inner)
    assert info == 0
    assert x.dtype == dtype
    assert x.shape == shape
    columns = (want, b, x) if k else (v[:, None] for v in (want, b, x))
    for y, c, z in zip(*(v.T / v.real.dtype.type(scale) for v in columns), strict=True):
        assert (
            np.linalg.norm(c - A @ z)
            <= 1.01 * rtol * np.linalg.norm(c) + 20 * np.finfo(dtype).eps * np.linalg.norm(y) * CONDITION
        )
        assert np.linalg.norm(z - y) <= 2 * CONDITION * rtol * np.linalg.norm(y)


@every_method
@examples
@given(n=sizes, seed=seeds, maxiter=st.integers(0, 4))
def test_info_has_scipys_sign_and_is_zero_only_if_the_tolerance_is_met(method, n, seed, maxiter):
    rng = np.random.default_rng(seed)
    A, b = hermitian(rng, n, float), rng.standard_normal(n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = method(A, b, rtol=1e-6, maxiter=maxiter)
    x, info = result
    met = np.linalg.norm(b - A @ x) <= 1e-6 * np.linalg.norm(b) * (1 + 1e-9)
    assert (info == 0) == result.success == met
    assert met or info > 0
    assert result.nit <= maxiter
    assert result.residuals[-1] == pytest.approx(np.linalg.norm(b - A @ x), rel=1e-6, abs=1e-14)


@every_method
@examples
@given(n=sizes, seed=seeds)
def test_the_order_of_the_unknowns_does_not_matter(method, n, seed):
    rng = np.random.default_rng(seed)
    A, b, order = hermitian(rng, n, float), rng.standard_normal(n), rng.permutation(n)
    plain = method(A, b, rtol=1e-10).check()
    turned = method(A[np.ix_(order, order)], b[order], rtol=1e-10).check()
    bound = 2 * CONDITION * 1e-10 * np.linalg.norm(plain.x)
    assert np.linalg.norm(turned.x - plain.x[order]) <= bound


@every_method
@examples
@given(n=sizes, seed=seeds, power=st.integers(-300, 300), in_A=st.booleans())
def test_powers_of_two_change_nothing(method, n, seed, power, in_A):
    """Neither in b nor in A: whatever is scaled inside, not even rounding differs."""
    rng = np.random.default_rng(seed)
    A, b = hermitian(rng, n, float), rng.standard_normal(n)
    factor = 2.0**power
    plain = method(A, b, rtol=1e-9).check()
    scaled = (method(A * factor, b, rtol=1e-9) if in_A else method(A, b * factor, rtol=1e-9)).check()
    assert scaled.nit == plain.nit
    np.testing.assert_allclose(scaled.x * (factor if in_A else 1 / factor), plain.x, rtol=1e-12, atol=1e-12)


@every_method
@examples
@given(n=sizes, seed=seeds, dtype=st.sampled_from(["float64", "complex128"]))
def test_the_solution_is_linear_in_b(method, n, seed, dtype):
    rng = np.random.default_rng(seed)
    A, (b, c), factor = hermitian(rng, n, dtype), random(rng, (2, n), dtype), random(rng, (), dtype)
    inner = INNER.get(method, {})
    x, y, z = (method(A, v, rtol=1e-11, **inner).check().x for v in (b, c, factor * b + c))
    size = abs(factor) * np.linalg.norm(x) + np.linalg.norm(y)
    assert np.linalg.norm(factor * x + y - z) <= 3 * CONDITION * 1e-11 * size * CONDITION


@every_method
@examples
@given(n=st.integers(2, 24), seed=seeds, dtype=st.sampled_from(["float64", "complex128"]), warm=st.booleans())
def test_the_callback_gets_x_and_its_true_residual(method, n, seed, dtype, warm):
    rng, seen = np.random.default_rng(seed), []
    A, b = hermitian(rng, n, dtype), random(rng, n, dtype)
    x0 = random(rng, n, dtype) if warm else None

    def callback(x, norm):
        seen.append((norm, np.linalg.norm(b - A @ x)))

    result = method(A, b, x0, rtol=1e-9, callback=callback, **INNER.get(method, {})).check()
    size = np.linalg.norm(b) + CONDITION * np.linalg.norm(0 if x0 is None else x0)
    assert all(abs(norm - true) <= 1e-11 * size for norm, true in seen)
    assert len(seen) >= result.nit
    np.testing.assert_allclose([norm for norm, _ in seen][: result.nit - 1], result.residuals[1:-1])


@every_method
@examples
@given(n=st.integers(4, 24), seed=seeds, when=st.integers(0, 20), lasting=st.booleans(), warm=st.booleans())
def test_nan_from_the_operator_never_passes_as_converged(method, n, seed, when, lasting, warm):
    rng, products = np.random.default_rng(seed), []
    A, b = hermitian(rng, n, float), rng.standard_normal(n)
    x0 = rng.standard_normal(n) if warm else None

    def multiply(v):
        products.append(len(products))
        bad = len(products) > when if lasting else len(products) == when + 1
        return A @ v * (np.nan if bad else 1)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        x, info = result = method(spla.LinearOperator((n, n), multiply, dtype=float), b, x0, rtol=1e-9)
    assert np.isfinite(x).all()
    if info == 0:
        assert np.linalg.norm(b - A @ x) <= 1e-9 * np.linalg.norm(b) * (1 + 1e-6)
        assert not lasting or len(products) <= when
    else:
        assert result.status in (Status.NONFINITE, Status.BREAKDOWN, Status.STAGNATED)
