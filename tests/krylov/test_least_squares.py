"""LSQR and LSMR: minimisers and minimum norms against dense linear algebra, histories, damping, faults."""

import inspect
import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.tiers import DTYPES, extended

import numsolve
from numsolve import ConvergenceWarning, Interrupted, Status
from numsolve.krylov import LeastSquaresResult, lsmr, lsqr
from numsolve.problems import convection_diffusion, poisson

METHODS = [lsqr, lsmr]
SHAPES = {"tall": (50, 20), "wide": (20, 50), "square": (30, 30), "column": (9, 1), "row": (1, 9)}
every_method = pytest.mark.parametrize("method", METHODS, ids=lambda m: m.__name__)


def normal(shape, dtype, rng):
    values = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def matrix(shape, dtype, rng, condition=30.0, rank=None):
    """Return a dense matrix of a given condition number and rank."""
    size = min(shape)
    U = np.linalg.qr(normal((shape[0], size), dtype, rng))[0]
    V = np.linalg.qr(normal((shape[1], size), dtype, rng))[0]
    values = np.geomspace(1, 1 / condition, size) * (np.arange(size) < (size if rank is None else rank))
    return ((U * values) @ V.conj().T).astype(dtype)


def gradient(A, b, x, damp=0.0):
    return A.conj().T @ (b - A @ x) - damp**2 * x


def damped(A, b, damp):
    """Return the minimiser by a dense solve of the stacked system."""
    n = A.shape[1]
    return np.linalg.lstsq(np.vstack([A, damp * np.eye(n)]), np.concatenate([b, np.zeros(n)]))[0]


@every_method
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_shortest_minimiser(method, shape, dtype, rng):
    A, b = matrix(SHAPES[shape], dtype, rng), normal(SHAPES[shape][0], dtype, rng)
    rtol = 1e-4 if np.finfo(dtype).eps > 1e-10 else 1e-11
    want = np.linalg.lstsq(A.astype("complex128"), b)[0]
    for form in (A, sp.csr_array(A)):
        result = method(form, b, rtol=rtol).check()
        assert isinstance(result, LeastSquaresResult)
        assert result.x.dtype == dtype
        assert np.linalg.norm(result.x - want) <= 1e3 * rtol * np.linalg.norm(want)
        last = np.linalg.norm(gradient(A, b, result.x))
        assert last <= 1.1 * rtol * np.linalg.norm(A.conj().T @ b)
        assert result.residuals[-1] == pytest.approx(last, rel=1e-2, abs=1e-14 if rtol < 1e-9 else 1e-5)
        assert result.residual_norm == pytest.approx(np.linalg.norm(b - A @ result.x), rel=1e-3, abs=1e-4)


@every_method
@pytest.mark.parametrize("shape", [(40, 25), (25, 40), (30, 30)])
def test_rank_deficient(method, shape, rng):
    A, b = matrix(shape, "float64", rng, rank=12), rng.standard_normal(shape[0])
    want = np.linalg.lstsq(A, b, rcond=1e-10)[0]
    np.testing.assert_allclose(method(A, b, rtol=1e-11).check().x, want, atol=1e-7)
    # From x0 the part of x0 in the null space stays.
    x0 = rng.standard_normal(shape[1])
    rest = x0 - np.linalg.pinv(A, rcond=1e-10) @ (A @ x0)
    np.testing.assert_allclose(method(A, b, x0, rtol=1e-11).check().x, want + rest, atol=1e-7)


@every_method
@pytest.mark.parametrize("damp", [1e-3, 0.3, 20.0])
@pytest.mark.parametrize("shape", [(40, 25), (25, 40)])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_damping_is_of_x_from_every_start(method, damp, shape, dtype, rng):
    A, b = matrix(shape, dtype, rng), normal(shape[0], dtype, rng)
    want = damped(A, b, damp)
    for form in (A, sp.csr_array(A), spla.aslinearoperator(A)):
        for x0 in (None, normal(shape[1], dtype, rng)):
            result = method(form, b, x0, damp=damp, rtol=1e-11).check()
            np.testing.assert_allclose(result.x, want, rtol=1e-6, atol=1e-8)
            assert result.residual_norm == pytest.approx(np.linalg.norm(b - A @ want))


def spaces(A, b, damp, steps, weight):
    """Return, by dense least squares over each Krylov space, the norms of residual and gradient.

    `weight` maps the stacked residual to what the method minimises.
    """
    n = A.shape[1]
    wide, tall = np.vstack([A, damp * np.eye(n)]), np.concatenate([b, np.zeros(n)])
    basis, residuals, gradients = [wide.T @ tall], [np.linalg.norm(tall)], [np.linalg.norm(wide.T @ tall)]
    for _ in range(steps):
        Q = np.linalg.qr(np.array(basis).T)[0]
        x = Q @ np.linalg.lstsq(weight(wide, wide @ Q), weight(wide, tall))[0]
        residuals.append(np.linalg.norm(tall - wide @ x))
        gradients.append(np.linalg.norm(wide.T @ (tall - wide @ x)))
        basis.append(wide.T @ (wide @ Q[:, -1]))
    return np.array(residuals), np.array(gradients)


@pytest.mark.parametrize("damp", [0.0, 0.2])
@pytest.mark.parametrize("shape", [(30, 18), (18, 30)])
def test_lsqr_minimises_the_residual_and_lsmr_the_gradient(damp, shape, rng):
    A, b = matrix(shape, "float64", rng, condition=10), rng.standard_normal(shape[0])
    residuals, gradients = spaces(A, b, damp, 12, lambda wide, y: y)
    ours, norms = lsqr_norms(A, b, damp, 12)
    np.testing.assert_allclose(ours.residuals, gradients, rtol=1e-6)
    np.testing.assert_allclose(norms, residuals[1:], rtol=1e-8)
    smallest = spaces(A, b, damp, 12, lambda wide, y: wide.T @ y)[1]
    np.testing.assert_allclose(lsqr_norms(A, b, damp, 12, lsmr)[0].residuals, smallest, rtol=1e-6)
    assert (smallest <= gradients * (1 + 1e-9)).all()


def lsqr_norms(A, b, damp, steps, method=lsqr):
    """Run a few steps; return the result and the stacked residual's norm after each."""
    norms = []

    def callback(x, norm):
        norms.append(np.hypot(np.linalg.norm(b - A @ x), damp * np.linalg.norm(x)))
        return len(norms) == steps

    return method(A, b, damp=damp, rtol=0.0, callback=callback), norms


@every_method
@pytest.mark.parametrize("damp", [0.0, 0.1])
def test_iterates_are_scipys(method, damp, rng):
    A, b = sp.csr_array(matrix((60, 35), "float64", rng)), rng.standard_normal(60)
    theirs = getattr(spla, method.__name__)
    for steps in (1, 2, 5, 12):
        limit = {"lsqr": "iter_lim", "lsmr": "maxiter"}[method.__name__]
        found = theirs(A, b, damp=damp, atol=0, btol=0, conlim=0, **{limit: steps})[0]
        with pytest.warns(ConvergenceWarning, match="maxiter reached"):
            ours = method(A, b, damp=damp, rtol=0, maxiter=steps)
        np.testing.assert_allclose(ours.x, found, rtol=1e-7)


@every_method
@pytest.mark.parametrize("damp", [0.0, 1e-2])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_the_reported_gradient_is_the_true_one_at_every_step(method, damp, dtype, rng):
    A, b = matrix((80, 50), dtype, rng, condition=1e3), normal(80, dtype, rng)
    seen = []

    def callback(x, norm):
        seen.append((norm, np.linalg.norm(gradient(A, b, x, damp)), np.linalg.norm(b - A @ x)))

    result = method(A, b, damp=damp, rtol=1e-9, callback=callback).check()
    reported, true, residuals = np.array(seen).T
    np.testing.assert_allclose(reported, true, rtol=1e-3, atol=1e-13)
    np.testing.assert_allclose(result.residuals[1:], reported, rtol=1e-3, atol=1e-13)
    assert result.nit > 50
    if damp == 0:
        assert (np.diff(residuals) <= 1e-13 * residuals[0]).all()
    if method is lsmr:
        assert (np.diff(result.residuals) <= 1e-13 * result.residuals[0]).all()


def test_as_many_steps_as_distinct_singular_values(rng):
    U, V = (np.linalg.qr(rng.standard_normal((shape, 12)))[0] for shape in (30, 12))
    A = (U * np.repeat([1.0, 2.0, 5.0], 4)) @ V.T
    for method in METHODS:
        assert method(A, rng.standard_normal(30), rtol=1e-10).check().nit == 3


@pytest.mark.parametrize(("method", "counts"), [(lsqr, (177, 84)), (lsmr, (176, 84))])
def test_pinned_iteration_counts(method, counts):
    B = convection_diffusion((16, 16), (20.0, 5.0))
    tall = sp.vstack([poisson((12, 12)), sp.eye_array(144) * 0.1]).tocsr()
    first = method(B, B @ np.ones(256), rtol=1e-6).check()
    second = method(tall, np.cos(np.arange(288.0)), rtol=1e-8).check()
    assert (first.nit, second.nit) == pytest.approx(counts, rel=0.05)


@every_method
def test_warm_start_keeps_rtol_relative_to_b(method, rng):
    A, b = matrix((40, 25), "float64", rng), rng.standard_normal(40)
    want = np.linalg.lstsq(A, b)[0]
    kept = want.copy()
    assert method(A, b, want).nit == 0
    near = method(A, b, want + 1e-6 * rng.standard_normal(25), rtol=1e-8).check()
    assert near.nit < method(A, b, rtol=1e-8).check().nit
    assert np.array_equal(want, kept)


@every_method
@pytest.mark.parametrize("k", [0, 1, 3])
def test_columns(method, k, rng):
    A, B = matrix((30, 12), "float64", rng), rng.standard_normal((30, k)) * np.array([1.0, 1e3, 0.0])[:k]
    X0 = rng.standard_normal((12, k))
    result = method(A, B, X0, damp=0.1, rtol=1e-10).check()
    assert result.x.shape == (12, k)
    assert result.residuals.shape == (result.nit + 1, k)
    assert result.residual_norm.shape == (k,)
    for j in range(k):
        alone = method(A, B[:, j], X0[:, j], damp=0.1, rtol=1e-10)
        np.testing.assert_array_equal(result.x[:, j], alone.x)
        assert result.residual_norm[j] == alone.residual_norm
        history = result.residuals[:, j]
        np.testing.assert_array_equal(history[~np.isnan(history)], alone.residuals)


@every_method
def test_the_message_is_that_of_the_worst_column(method):
    b = np.stack([np.eye(4)[0], np.ones(4)], axis=1)
    with pytest.warns(ConvergenceWarning, match="1 of 2 columns, first 1: maxiter reached: raise it, scale"):
        result = method(np.diag([1.0, 2.0, 3.0, 4.0]), b, maxiter=2, rtol=1e-12)
    assert result.status == Status.MAXITER


@every_method
def test_b_zero_or_orthogonal_to_the_columns(method):
    A = np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    for b in (np.zeros(3), np.array([0.0, 0.0, 7.0])):
        result = method(A, b, np.ones(2), damp=0.5).check()
        assert result.x.tolist() == [0, 0]
        assert result.nit == 0
        assert result.residual_norm == np.linalg.norm(b)


@every_method
def test_atol(method, rng):
    A, b = matrix((30, 12), "float64", rng), rng.standard_normal(30)
    assert method(A, b, rtol=0, atol=100).nit == 0
    assert method(A, b, rtol=0, atol=1e-8).check().residuals[-1] <= 1e-8


@every_method
@pytest.mark.parametrize("compatible", [True, False])
@pytest.mark.parametrize("dtype", ["float64", *extended("float32")])
def test_a_tolerance_below_rounding_stagnates_and_says_how_good_x_is(method, compatible, dtype, rng):
    A = matrix((60, 40), dtype, rng, condition=100)
    b = A @ np.ones(40, dtype) if compatible else rng.standard_normal(60).astype(dtype)
    with pytest.warns(ConvergenceWarning, match="the gradient stopped falling: loosen rtol"):
        result = method(A, b, rtol=1e-3 * np.finfo(dtype).eps, maxiter=10**5)
    assert result.status == Status.STAGNATED
    eps = np.finfo(dtype).eps
    assert result.residuals[-1] < 1e4 * eps * result.residuals[0]
    assert result.residuals[-1] == pytest.approx(np.linalg.norm(gradient(A, b, result.x)), rel=0.9)
    if compatible:
        assert result.residual_norm < 1e4 * eps * np.linalg.norm(b)
    assert f"the residual {result.residual_norm / np.linalg.norm(b):.1e} of norm(b)" in result.message


@every_method
def test_an_ill_conditioned_compatible_system_is_not_called_solved_by_its_residual(method, rng):
    A = matrix((40, 40), "float64", rng, condition=1e9)
    b = A @ np.linalg.svd(A)[2][-1]  # only the smallest singular value
    with pytest.warns(ConvergenceWarning):
        result = method(A, b, rtol=1e-8)
    assert not result.success
    assert result.residuals[-1] > 1e-8 * np.linalg.norm(A.T @ b)


@every_method
@pytest.mark.parametrize("power", [-150, -20, 20, 150])
@pytest.mark.parametrize("what", ["A", "b", "both"])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_extreme_scales_survive(method, what, power, form, rng):
    A, b = matrix((30, 12), "float64", rng), rng.standard_normal(30)
    scale_A, scale_b = {"A": (10.0**power, 1), "b": (1, 10.0**power), "both": 2 * [10.0**power]}[what]
    for damp in (0.0, 0.2):
        result = method(form(A * scale_A), b * scale_b, damp=damp * scale_A, rtol=1e-9).check()
        want = damped(A, b, damp)
        np.testing.assert_allclose(result.x * (scale_A / scale_b), want, rtol=1e-6, atol=1e-9)
        assert result.residual_norm == pytest.approx(np.linalg.norm(b - A @ want) * scale_b)
        assert result.residuals[0] == pytest.approx(np.linalg.norm(A.T @ b) * scale_A * scale_b)


@every_method
def test_a_damping_far_above_A(method):
    x = method(np.eye(3), np.ones(3), damp=1e150, rtol=1e-10).check().x
    np.testing.assert_allclose(x, 1e-300, rtol=1e-9)


@every_method
@pytest.mark.parametrize("form", ["csc", "coo", "lil", "dense", "list", "LinearOperator", *extended("int64")])
def test_containers(method, form, rng):
    A = sp.random_array((30, 12), density=0.4, rng=rng, format="csr")
    A = sp.csr_array(A + sp.eye_array(30, 12))
    b = rng.standard_normal(30)
    wide = sp.csr_array((A.data, A.indices.astype(np.int64), A.indptr.astype(np.int64)), shape=A.shape)
    passed = {
        "dense": A.toarray,
        "list": lambda: A.toarray().tolist(),
        "LinearOperator": lambda: spla.aslinearoperator(A),
        "int64": lambda: wide,
    }.get(form, lambda: A.asformat(form))()
    want = np.linalg.lstsq(A.toarray(), b)[0]
    np.testing.assert_allclose(method(passed, b, rtol=1e-10).check().x, want, atol=1e-8)


@every_method
def test_dtypes_are_joined(method, rng):
    A = matrix((20, 8), "float32", rng)
    assert method(A, np.ones(20)).x.dtype == np.float64
    b = normal(20, "complex128", rng)
    want = np.linalg.lstsq(A.astype(float), b)[0]
    for form in (A, sp.csr_array(A), spla.aslinearoperator(A.astype(float))):
        result = method(form, b, rtol=1e-9).check()
        assert result.x.dtype == np.complex128
        np.testing.assert_allclose(result.x, want, rtol=1e-5, atol=1e-7)
    assert method(np.eye(3, 2, dtype=int), np.ones(3, int)).check().x.tolist() == pytest.approx([1, 1])


BAD = {
    "b of length n": (
        lambda: (np.ones((5, 3)), np.ones(3)),
        {},
        ValueError,
        r"b has .* A needs \(5,\)",
    ),
    "x0 of length m": (
        lambda: (np.ones((5, 3)), np.ones(5), np.ones(5)),
        {},
        ValueError,
        r"x0 has shape \(5,\), but A and b need \(3,\)",
    ),
    "x0 of columns": (
        lambda: (np.ones((5, 3)), np.ones((5, 2)), np.ones(3)),
        {},
        ValueError,
        r"x0 has shape \(3,\), but A and b need \(3, 2\)",
    ),
    "A a vector": (lambda: (np.ones(5), np.ones(5)), {}, ValueError, r"A has shape \(5,\); a matrix"),
    "A empty": (lambda: (np.ones((5, 0)), np.ones(5)), {}, ValueError, r"A is empty: it has shape \(5, 0\)"),
    "NaN in A": (lambda: (np.full((3, 2), np.nan), np.ones(3)), {}, ValueError, "A has 6 NaN"),
    "NaN in b": (lambda: (np.ones((3, 2)), np.array([1, np.nan, 1])), {}, ValueError, "b has 1 NaN"),
    "negative damp": (lambda: (np.eye(2), np.ones(2)), {"damp": -1}, ValueError, "damp is -1"),
    "complex damp": (lambda: (np.eye(2), np.ones(2)), {"damp": 1j}, TypeError, "damp is 1j; a real"),
    "NaN rtol": (lambda: (np.eye(2), np.ones(2)), {"rtol": np.nan}, ValueError, "rtol is nan"),
    "maxiter": (lambda: (np.eye(2), np.ones(2)), {"maxiter": 2.5}, TypeError, "maxiter is 2.5"),
    "callback": (lambda: (np.eye(2), np.ones(2)), {"callback": 3}, TypeError, "callback is a int"),
    "no adjoint": (
        lambda: (spla.LinearOperator((3, 2), lambda x: np.ones(3), dtype=float), np.ones(3)),
        {},
        TypeError,
        r"A is a .*LinearOperator without adjoint product: rmatvec\(y\)",
    ),
}


@every_method
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(method, case):
    make, options, error, message = BAD[case]
    with pytest.raises(error, match=message):
        method(*make(), **options)


@every_method
@pytest.mark.parametrize("when", [1, 2, 9, 10])
def test_nan_from_a_product_never_passes_as_converged(method, when, rng):
    A, calls = matrix((30, 20), "float64", rng), []

    def spoiled(y):
        calls.append(1)
        return y * np.nan if len(calls) == when else y

    def adjoint(y):
        return spoiled(A.T @ y)

    operator = spla.LinearOperator(A.shape, lambda x: spoiled(A @ x), rmatvec=adjoint, dtype=float)
    with pytest.warns(ConvergenceWarning, match="gradient is not finite: A or its adjoint overflows"):
        result = method(operator, rng.standard_normal(30), rtol=1e-10)
    assert result.status == Status.NONFINITE
    assert np.isfinite(result.x).all()


@every_method
def test_an_interrupt_keeps_the_iterate_and_the_columns_that_were_done(method, rng):
    A, B = matrix((30, 12), "float64", rng), rng.standard_normal((30, 3))
    seen = []

    def callback(x, norm):
        seen.append(norm)
        if len(seen) > 1 and norm > 100 * seen[-2]:  # the second column begins
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        method(A, B, rtol=1e-10, callback=callback)
    result = caught.value.result
    assert result.status == Status.INTERRUPTED
    assert isinstance(result, LeastSquaresResult)
    np.testing.assert_allclose(result.x[:, 0], np.linalg.lstsq(A, B[:, 0])[0], atol=1e-7)
    assert np.isfinite(result.residual_norm[:2]).all()
    assert np.isnan(result.residual_norm[2])


@every_method
def test_callback_stops_and_sees_the_iterate(method, rng):
    A, b, seen = matrix((30, 12), "float64", rng), rng.standard_normal(30), []

    def callback(x, norm):
        seen.append((x.copy(), norm))
        return len(seen) == 4

    result = method(A, b, callback=callback)
    assert result.status == Status.STOPPED
    assert result.nit == 4
    np.testing.assert_array_equal(result.x, seen[-1][0])


@every_method
def test_names_are_scipys_where_the_meaning_is_the_same(method):
    theirs = inspect.signature(getattr(spla, method.__name__)).parameters
    ours = inspect.signature(method).parameters
    assert {"A", "b", "damp", "x0", "atol"} <= set(theirs) & set(ours)
    assert ours["rtol"].default == theirs["atol"].default  # the tolerance of SciPy's gradient test


@every_method
def test_products_are_what_the_docstring_says(method, rng):
    A, calls = matrix((40, 25), "float64", rng), {"A": 0, "A^H": 0}

    def count(name, B):
        def multiply(y):
            calls[name] += 1
            return B @ y

        return multiply

    operator = spla.LinearOperator(A.shape, count("A", A), rmatvec=count("A^H", A.T), dtype=float)
    result = method(operator, rng.standard_normal(40), rtol=1e-8).check()
    assert calls["A"] == result.nit + 3  # two residuals of starts, one at exit
    assert calls["A^H"] == result.nit + 3  # norm(A^H b), two gradients of starts


@pytest.mark.parametrize("damp", [0.0, 0.1])
@pytest.mark.parametrize("form", [sp.csr_array, spla.aslinearoperator])
@pytest.mark.parametrize(("method", "vectors"), [(lsqr, 3), (lsmr, 4)])
def test_storage_is_what_the_docstring_says(method, vectors, form, damp, rng):
    """With m = n a vector of either length counts alike; the transpose is made before."""
    A = form(poisson((90, 90)))
    from numsolve._operators.operator import as_operator

    A = as_operator(A, "numpy")
    A.adjoint()
    b, held = rng.standard_normal(8_100), []

    def callback(x, norm):
        held.append(tracemalloc.get_traced_memory()[0])
        return len(held) == 5

    method(A, b, damp=damp, callback=callback)
    held.clear()
    tracemalloc.start()
    try:
        method(A, b, damp=damp, callback=callback)
    finally:
        tracemalloc.stop()
    want = 1 + vectors
    if form is spla.aslinearoperator or damp > 0:
        want += 2
    if damp > 0:
        want += 3 + 1
    assert want - 0.5 < held[-1] / b.nbytes < want + 0.5


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    m=st.integers(1, 30),
    n=st.integers(1, 30),
    seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from(["float64", "complex128"]),
    damp=st.sampled_from([0.0, 0.1]),
    scale=st.integers(-30, 30),
)
def test_random_problems(m, n, seed, dtype, damp, scale):
    rng = np.random.default_rng(seed)
    A, b = matrix((m, n), dtype, rng), normal(m, dtype, rng)
    want = damped(A, b, damp)
    for method in METHODS:
        result = method(A * 10.0**scale, b, damp=damp * 10.0**scale, rtol=1e-11).check()
        assert np.linalg.norm(result.x * 10.0**scale - want) <= 1e-6 * np.linalg.norm(want)


def device_problem(dtype, rng):
    A = matrix((40, 25), dtype, rng)
    A[abs(A) < 0.02] = 0
    return sp.csr_matrix(A), normal(40, dtype, rng)


def compare(method, dtype, damp, rng):
    """Solve on both libraries, sparse and dense; histories agree and x stays on the device."""
    A, b = device_problem(dtype, rng)
    rtol = 1e-9 if np.finfo(dtype).eps < 1e-10 else 1e-4
    host = method(A, b, damp=damp, rtol=rtol).check()
    for form in (A, A.toarray()):
        device = method(*numsolve.to_device(form, b), damp=damp, rtol=rtol).check()
        assert type(device.x).__module__.startswith("cupy")
        assert isinstance(device.residuals, np.ndarray)
        assert device.nit == pytest.approx(host.nit, rel=0.1, abs=2)  # the bases lose their orthogonality
        np.testing.assert_allclose(device.x.get(), host.x, rtol=1e3 * rtol, atol=1e3 * rtol)
        assert device.residual_norm == pytest.approx(host.residual_norm, rel=1e-4)


@every_method
@pytest.mark.parametrize("damp", [0.0, 0.1])
@pytest.mark.parametrize("dtype", DTYPES)
def test_as_on_the_host(cupy, method, dtype, damp, rng):
    compare(method, dtype, damp, rng)


@pytest.mark.gpu
@every_method
@pytest.mark.parametrize("damp", [0.0, 0.1])
@pytest.mark.parametrize("dtype", DTYPES)
def test_as_on_the_host_on_a_device(method, dtype, damp, rng):
    compare(method, dtype, damp, rng)


@every_method
def test_columns_and_a_warm_start_on_the_device(cupy, method, rng):
    A, b = device_problem("float64", rng)
    B, X0 = np.stack([b, 2 * b], axis=1), rng.standard_normal((25, 2))
    result = method(*numsolve.to_device(A, B, X0), rtol=1e-9).check()
    np.testing.assert_allclose(result.x.get(), np.linalg.lstsq(A.toarray(), B)[0], atol=1e-6)


@every_method
@pytest.mark.parametrize(("damp", "launches"), [(0.0, 4), (0.1, 12)])
def test_launches_and_syncs_an_iteration(cupy, method, damp, launches):
    A = sp.csr_matrix(poisson((12, 12)))
    A, b = numsolve.to_device(A, np.cos(np.arange(144.0)))
    counted = []
    for maxiter in (10, 30):
        cupy.counts.clear()
        with pytest.warns(ConvergenceWarning):
            assert method(A, b, damp=damp, rtol=1e-30, maxiter=maxiter).nit == maxiter
        counted.append((cupy.counts["launches"], cupy.counts["syncs"]))
    each = [(after - before) / 20 for before, after in zip(*counted, strict=True)]
    assert each[0] <= launches
    assert each[1] <= 0.1


def test_the_plot_names_the_gradient(rng):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    axes = lsmr(matrix((20, 8), "float64", rng), rng.standard_normal(20)).plot()
    assert "gradient" in axes.get_ylabel()
    plt.close("all")
