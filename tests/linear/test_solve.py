"""What the methods for square systems share: accuracy, containers, dtypes, columns, bad input, faults."""

import inspect
import re
import signal

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.tiers import DTYPES, extended

from numsolve import ConvergenceWarning, Interrupted, Status
from numsolve.krylov import _registry as registry
from numsolve.krylov import cg, gcrodr, gmres, refine
from numsolve.precondition import jacobi
from numsolve.problems import convection_diffusion, poisson

METHODS = [m.solve for name, m in sorted(registry.METHODS.items()) if m.takes_M and name != "block_gmres"]
SMALL_STEPS = {refine: {"inner_maxiter": 1}}  # where one iteration may already solve the problem
INNER = {refine: {"method": cg}}  # for complex numbers, whose kernels for GMRES compile for long
BLOCK = [cg]  # those that solve for many columns at once
SHARING = [*BLOCK, gcrodr]  # those whose columns profit from each other
every_method = pytest.mark.parametrize("method", METHODS, ids=lambda m: m.__name__)


def spd(n, dtype, rng, condition=100.0):
    """Return a dense Hermitian positive definite matrix of a given condition number."""
    B = rng.standard_normal((n, n))
    if np.dtype(dtype).kind == "c":
        B = B + 1j * rng.standard_normal((n, n))
    Q = np.linalg.qr(B)[0]
    A = (Q * np.geomspace(1, condition, n)) @ Q.conj().T
    return ((A + A.conj().T) / 2).astype(dtype)


def vector(n, dtype, rng):
    x = rng.standard_normal(n) + (1j * rng.standard_normal(n) if np.dtype(dtype).kind == "c" else 0)
    return x.astype(dtype)


@every_method
@pytest.mark.parametrize("dtype", DTYPES)
def test_error_and_residual_against_the_known_solution(method, dtype, rng):
    A, x = spd(60, dtype, rng), vector(60, dtype, rng)
    rtol = 1e-4 if np.finfo(dtype).eps > 1e-10 else 1e-10
    result = method(A, A @ x, rtol=rtol, **INNER.get(method, {})).check()
    assert result.x.dtype == dtype
    assert np.linalg.norm(A @ result.x - A @ x) <= 1.1 * rtol * np.linalg.norm(A @ x)
    assert np.linalg.norm(result.x - x) <= 100 * rtol * np.linalg.norm(x)
    true = np.linalg.norm(A @ x - A @ result.x)
    assert result.residuals[-1] == pytest.approx(true, rel=1e-1 if rtol > 1e-6 else 1e-3)


FORMATS = ["csr", "csc", "coo", "bsr", "dia", "lil", "dok"]


@every_method
@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("form", [*FORMATS, "matrix", "dense", "np.matrix", "LinearOperator", "list", "own"])
def test_containers(method, form, rng):
    A = poisson((8, 9))
    x = rng.standard_normal(72)

    class Own:
        shape, dtype = A.shape, A.dtype

        def __matmul__(self, v):
            return A @ v

    given_matrix = {
        "matrix": lambda: sp.csr_matrix(A),
        "dense": A.toarray,
        "np.matrix": lambda: np.matrix(A.toarray()),
        "LinearOperator": lambda: spla.aslinearoperator(A),
        "list": lambda: A.toarray().tolist(),
        "own": Own,
    }.get(form, lambda: A.asformat(form))()
    np.testing.assert_allclose(method(given_matrix, A @ x, rtol=1e-10).check().x, x, atol=1e-7)


@every_method
@pytest.mark.parametrize("index", [np.int32, *extended(np.int64)])
def test_read_only_strided_and_unsorted_input_is_taken(method, index, rng):
    A = poisson((8, 8))
    x = rng.standard_normal(64)
    b = np.repeat(A @ x, 2)[::2]
    backwards = np.concatenate([np.arange(a, z)[::-1] for a, z in zip(A.indptr, A.indptr[1:], strict=False)])
    parts = A.data[backwards], A.indices[backwards].astype(index), A.indptr.astype(index)
    unsorted = sp.csr_array(parts, shape=A.shape)
    assert unsorted.indices.dtype == index
    for array in (b, unsorted.data, unsorted.indices, unsorted.indptr):
        array.flags.writeable = False
    x0 = rng.standard_normal((64, 2))[:, 0]
    kept = x0.copy(), unsorted.indices.copy()
    np.testing.assert_allclose(method(unsorted, b, x0, rtol=1e-10).check().x, x, atol=1e-7)
    assert np.array_equal(x0, kept[0])
    assert np.array_equal(unsorted.indices, kept[1])


@every_method
def test_duplicates_are_summed_and_the_caller_keeps_them(method):
    A = sp.csr_array((np.ones(4), np.array([0, 0, 1, 1]), np.array([0, 2, 4])), shape=(2, 2))
    assert method(A, np.array([2.0, 4.0])).check().x.tolist() == pytest.approx([1, 2])
    assert A.nnz == 4


@every_method
@pytest.mark.parametrize("dtype", [int, bool, np.uint8, *extended(np.float16)])
def test_integers_and_half_precision_are_promoted(method, dtype):
    result = method(np.eye(3, dtype=dtype), np.ones(3, dtype)).check()
    assert result.x.dtype == (np.float32 if dtype is np.float16 else np.float64)
    assert result.x.tolist() == pytest.approx([1, 1, 1], rel=1e-6)


@every_method
def test_mixed_precisions_and_a_complex_right_hand_side(method, rng):
    A = spd(20, "float32", rng)
    assert method(A, np.ones(20)).x.dtype == np.float64
    b, inner = A @ (np.ones(20) + 2j), INNER.get(method, {})
    np.testing.assert_allclose(method(A, b, rtol=1e-9, **inner).check().x, 1 + 2j, rtol=1e-6)


@pytest.mark.parametrize(
    "method", [cg, *extended(*(m for m in METHODS if m is not cg))], ids=lambda m: m.__name__
)
def test_a_complex_guess_of_a_real_system_in_single_precision(method, rng):
    A = spd(20, "float32", rng)
    x = method(A, A @ np.ones(20), np.full(20, 1j), rtol=1e-4, **INNER.get(method, {})).check().x
    np.testing.assert_allclose(x, 1, atol=1e-2)


@every_method
@pytest.mark.parametrize("k", [0, 1, 3])
def test_columns(method, k, rng):
    A = poisson((7, 7))
    X = rng.standard_normal((49, k)) * np.array([1.0, 1e3, 0.0])[:k]
    result = method(A, A @ X, rtol=1e-10).check()
    assert result.x.shape == (49, k)
    assert result.residuals.shape == (result.nit + 1, k)
    np.testing.assert_allclose(result.x, X, atol=1e-5)
    for j in range(k):
        alone = method(A, A @ X[:, j], rtol=1e-10)
        history = result.residuals[:, j]
        history = history[~np.isnan(history)]
        if method in SHARING and k > 1:  # the columns share one space: fewer iterations, other residuals
            true = np.linalg.norm(A @ (X[:, j] - result.x[:, j]))
            assert history[0] == pytest.approx(alone.residuals[0], rel=1e-12)
            assert history[-1] == pytest.approx(true, rel=1e-4)
            assert true <= 1e-10 * np.linalg.norm(A @ X[:, j])
            assert len(history) <= len(alone.residuals)
            np.testing.assert_allclose(result.x[:, j], X[:, j], rtol=1e-8, atol=1e-8 * abs(X[:, j]).max())
        else:
            np.testing.assert_array_equal(history, alone.residuals)


@every_method
def test_the_message_is_that_of_the_worst_column(method):
    A = np.diag([1.0, 2.0, 3.0, 4.0])
    b = np.stack([np.eye(4)[0], np.ones(4)], axis=1)
    with pytest.warns(ConvergenceWarning, match="1 of 2 columns, first 1: maxiter"):
        result = method(A, b, maxiter=2, rtol=1e-12, **SMALL_STEPS.get(method, {}))
    assert result.status == Status.MAXITER


@every_method
def test_warm_start_keeps_rtol_relative_to_b(method, rng):
    A = poisson((9, 9))
    x = rng.standard_normal(81)
    assert method(A, A @ x, x).nit == 0
    near = method(A, A @ x, x + 1e-6 * rng.standard_normal(81), rtol=1e-8).check()
    assert near.nit < method(A, A @ x, rtol=1e-8).nit
    assert near.residuals[-1] <= 1e-8 * np.linalg.norm(A @ x)


@every_method
def test_zero_b_gives_zero_at_once(method):
    result = method(np.diag([1.0, 2.0]), np.zeros(2), np.ones(2))
    assert result.success
    assert result.nit == 0
    assert result.x.tolist() == [0, 0]


@every_method
def test_atol(method):
    A, b = np.diag([1.0, 3.0, 9.0]), np.ones(3)
    assert method(A, b, rtol=0, atol=10).nit == 0
    assert method(A, b, rtol=0, atol=1e-8).check().residuals[-1] <= 1e-8


@every_method
def test_an_unreachable_tolerance_stagnates_and_says_so(method, rng):
    A = spd(50, "float64", rng, condition=1e3)
    with pytest.warns(ConvergenceWarning, match="stopped falling before it met the tolerance"):
        result = method(A, A @ np.ones(50), rtol=0.0, maxiter=5000)
    assert result.status == Status.STAGNATED
    assert result.residuals[-1] < 1e-9 * result.residuals[0]


def test_the_size_of_rounding_errors_that_a_message_states(matrix):
    A = matrix("nos7")  # its condition number is 2e9
    b = A @ np.ones(A.shape[0])
    with pytest.warns(ConvergenceWarning, match=r"of norm\(b\), whatever the method"):
        result = cg(A, b, M=jacobi(A), rtol=1e-9)
    stated = float(re.search(r"about (\S+) of norm", result.message)[1])
    terms = np.linalg.norm(abs(A) @ abs(result.x)) / np.linalg.norm(b)
    assert np.finfo(float).eps * terms == pytest.approx(stated, rel=0.05)
    assert stated == pytest.approx(5.2e-8, rel=0.05)


@every_method
@pytest.mark.parametrize("power", [-150, -20, 20, 150])
@pytest.mark.parametrize("what", ["A", "b", "both"])
def test_extreme_scales_survive(method, what, power, rng):
    A, x = poisson((6, 6)), rng.standard_normal(36)
    scale_A, scale_b = {"A": (10.0**power, 1), "b": (1, 10.0**power), "both": 2 * [10.0**power]}[what]
    M = sp.diags_array(1 / (scale_A * A.diagonal()))
    for options in ({}, {"M": M}):
        result = method(A * scale_A, (A @ x) * scale_b, rtol=1e-9, **options).check()
        np.testing.assert_allclose(result.x * (scale_A / scale_b), x, rtol=1e-6, atol=1e-7)
        assert result.residuals[0] == pytest.approx(np.linalg.norm(A @ x) * scale_b)


BAD = {
    "b too long": (lambda: (np.eye(3), np.ones(4)), ValueError, r"b has shape \(4,\), but A needs \(3,\)"),
    "A not square": (lambda: (np.ones((3, 2)), np.ones(3)), ValueError, r"A has shape \(3, 2\); a square"),
    "sparse not square": (lambda: (sp.eye_array(3, 2), np.ones(3)), ValueError, "square"),
    "A a vector": (lambda: (np.ones(3), np.ones(3)), ValueError, "square"),
    "NaN in A": (lambda: (np.diag([1, np.nan]), np.ones(2)), ValueError, "A has 1 NaN or infinite"),
    "inf in sparse A": (
        lambda: (sp.diags_array([1, np.inf]), np.ones(2)),
        ValueError,
        "A has 1 NaN or infinite",
    ),
    "NaN in b": (lambda: (np.eye(2), np.array([1, np.nan])), ValueError, "b has 1 NaN or infinite"),
    "inf and -inf in b": (
        lambda: (np.eye(2), np.array([np.inf, -np.inf])),
        ValueError,
        "b has 2 NaN or infinite",
    ),
    "complex NaN": (lambda: (np.eye(2), np.array([1, 1j * np.nan])), ValueError, "b has 1 NaN"),
    "object b": (lambda: (np.eye(2), np.array([1, None])), TypeError, "b has dtype object"),
    "text A": (lambda: (np.array([["a"]]), np.ones(1)), TypeError, "A has dtype"),
    "ragged b": (lambda: (np.eye(2), [[1, 2], [3]]), ValueError, "b is not a rectangular"),
    "sparse b": (lambda: (np.eye(2), sp.csr_array(np.ones((2, 1)))), TypeError, "b is sparse"),
    "three axes": (lambda: (np.eye(2), np.ones((2, 2, 2))), ValueError, "b has shape"),
    "no matrix": (lambda: (None, np.ones(2)), ValueError, "A has shape"),
    "broken indices": (lambda: (broken("indices"), np.ones(3)), ValueError, "column index is outside"),
    "broken indptr": (lambda: (broken("indptr"), np.ones(3)), ValueError, "not a valid CSR"),
}


def broken(part):
    A = sp.csr_array(np.eye(3))
    if part == "indices":
        A.indices[1] = 7
    else:
        A.indptr[1] = 9
    return A


@every_method
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(method, case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        method(*make())


@every_method
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"rtol": -1}, ValueError, "rtol is -1"),
        ({"rtol": np.nan}, ValueError, "rtol is nan"),
        ({"rtol": "small"}, TypeError, "rtol is 'small'"),
        ({"atol": -1e-9}, ValueError, "atol"),
        ({"maxiter": -1}, ValueError, "maxiter is -1"),
        ({"maxiter": 2.5}, TypeError, "maxiter is 2.5"),
        ({"x0": np.ones(2)}, ValueError, r"x0 has shape \(2,\), but b needs \(3,\)"),
        ({"x0": np.array([1, 2, np.nan])}, ValueError, "x0 has 1 NaN"),
        ({"M": np.eye(2)}, ValueError, r"M has shape \(2, 2\), but A needs \(3, 3\)"),
        ({"M": np.eye(3) * np.nan}, ValueError, "M has 9 NaN"),
        ({"callback": 3}, TypeError, "callback is a int"),
    ],
)
def test_bad_options_are_named(method, options, error, message):
    with pytest.raises(error, match=message):
        method(np.eye(3), np.ones(3), **options)


@every_method
def test_an_operator_that_misbehaves(method):
    def operator(matvec, dtype=float):
        return spla.LinearOperator((4, 4), matvec=matvec, dtype=dtype)

    with pytest.raises(TypeError, match="A @ x is complex"):
        method(operator(lambda v: v * (1 + 1j)), np.ones(4))
    with pytest.warns(ConvergenceWarning, match="not finite"):
        result = method(operator(lambda v: v * np.nan), np.ones(4))
    assert result.status == Status.NONFINITE
    assert np.isfinite(result.x).all()


@pytest.mark.filterwarnings("ignore:.*almost singular")
@every_method
def test_a_singular_matrix_is_never_a_success_unless_solved(method, rng):
    A = np.diag([1.0, 2.0, 0.0])
    with pytest.warns(ConvergenceWarning):
        result = method(A, np.ones(3))
    assert not result.success
    consistent = method(A, np.array([1.0, 2.0, 0.0]), rtol=1e-8).check()
    np.testing.assert_allclose(A @ consistent.x, [1, 2, 0], atol=1e-5)
    with pytest.warns(ConvergenceWarning):
        assert not method(np.zeros((3, 3)), np.ones(3)).success


@every_method
def test_callback_stops_and_the_last_or_a_better_iterate_is_kept(method, rng):
    A = poisson((10, 10))
    seen = []

    def callback(x, norm):
        seen.append((x.copy(), norm))
        return len(seen) == 4

    b = rng.standard_normal(100)
    result = method(A, b, callback=callback, **SMALL_STEPS.get(method, {}))
    assert result.status == Status.STOPPED
    assert result.nit == 4
    for x, norm in seen:
        assert np.linalg.norm(b - A @ x) == pytest.approx(norm, rel=1e-8)
    if seen[-1][1] <= np.linalg.norm(b):
        np.testing.assert_array_equal(result.x, seen[-1][0])
    else:  # the guess is better
        assert not result.x.any()
    assert result.residuals[-1] == pytest.approx(np.linalg.norm(b - A @ result.x), rel=1e-8)


@every_method
def test_an_interrupt_ends_the_solve_at_the_first_iteration(method, rng):
    A = poisson((10, 10))

    def callback(x, norm):
        raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        method(A, rng.standard_normal(100), callback=callback)
    assert caught.value.result.nit == 1


@every_method
def test_an_interrupt_keeps_the_columns_that_were_done(method):
    width = 8 if method in BLOCK else 1  # of what is solved at once
    A, B = poisson((6, 6)), np.eye(36)[:, : 2 * width + 1]

    def callback(x, norm):
        x = x.reshape(36, -1)
        if x[width, 0] > x[0, 0]:  # the second lot's solution
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        method(A, B, rtol=1e-10, callback=callback)
    result = caught.value.result
    assert result.status == Status.INTERRUPTED
    assert result.x.shape == B.shape
    np.testing.assert_allclose(A @ result.x[:, :width], B[:, :width], atol=1e-8)
    assert not result.x[:, -1].any()


@pytest.fixture
def interruptible():
    """Let SIGINT raise KeyboardInterrupt, also in the background of a shell, which disables it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@every_method
def test_a_real_interrupt_ends_the_solve_and_keeps_the_iterate(method, interruptible, rng):
    A, b, products = poisson((10, 10)), rng.standard_normal(100), []

    def multiply(v):
        products.append(v)
        if len(products) == 20:
            signal.raise_signal(signal.SIGINT)
        return A @ v

    with pytest.raises(Interrupted) as caught:
        method(spla.LinearOperator(A.shape, multiply, dtype=float), b, rtol=1e-9)
    result = caught.value.result
    assert 20 < len(products) <= 22  # one for the residual of the last iterate, or of a better one
    assert result.status == Status.INTERRUPTED
    assert result.nit < 20
    assert np.isfinite(result.x).all()
    assert np.linalg.norm(b - A @ result.x) == pytest.approx(result.residuals[-1], rel=1e-6)


@pytest.mark.parametrize(
    "method", [m for m in METHODS if hasattr(spla, m.__name__)], ids=lambda m: m.__name__
)
def test_a_user_can_switch_from_scipy_by_changing_an_import(method, rng):
    theirs = inspect.signature(getattr(spla, method.__name__)).parameters
    ours = inspect.signature(method).parameters
    missing = {name for name in theirs if name not in ours}
    assert missing <= {"callback_type", "show", "check"}
    for name in ours:
        if name in theirs and ours[name].default != theirs[name].default:
            assert (name, ours[name].default) == ("restart", 30)
    A, b = poisson((12, 12)), rng.standard_normal(144)
    for module in (method, getattr(spla, method.__name__)):
        options = {name: value for name, value in (("atol", 0.0), ("maxiter", 400)) if name in theirs}
        x, info = module(A, b, rtol=1e-7, **options)
        assert info == 0
        if module is method or "atol" in theirs:  # SciPy's minres stops relative to norm(A) norm(x)
            assert np.linalg.norm(b - A @ x) <= 1e-7 * np.linalg.norm(b)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    n=st.integers(1, 40),
    seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from(["float64", "complex128"]),
    scale=st.integers(-30, 30),
    order=st.sampled_from("CF"),
)
def test_random_systems(n, seed, dtype, scale, order):
    rng = np.random.default_rng(seed)
    A = np.asarray(spd(n, dtype, rng, condition=1e3) * 10.0**scale, order=order)
    b = A @ vector(n, dtype, rng)
    want = np.linalg.solve(A, b)
    for method in METHODS:
        options = {gmres: {"restart": n}, **INNER}.get(method, {})
        x = method(A, b, rtol=1e-10, **options).check().x
        assert np.linalg.norm(x - want) <= 2 * 1e3 * 1e-10 * np.linalg.norm(want)  # the condition times rtol


def test_shared_matrices_in_the_bands_of_their_table(matrix):
    """GMRES(30) counts of the collection's README, which SciPy measured; within 20 per cent and 3."""
    for name, plain, scaled in (("jpwh_991", 74, 50), ("orsreg_1", 418, 438)):
        A = matrix(name)
        b = A @ np.ones(A.shape[0])
        D = sp.diags_array(1 / A.diagonal())
        for M, want in ((None, plain), (D, scaled)):
            result = gmres(A, b, M=M, rtol=1e-8).check()
            assert abs(result.nit - want) <= 3 + 0.2 * want


def test_convection_diffusion_residuals_agree_with_scipys(rng):
    A = convection_diffusion((20, 20), (40.0, -25.0))
    b = rng.standard_normal(400)
    theirs = []
    spla.gmres(A, b, rtol=1e-8, restart=20, maxiter=20, callback=theirs.append, callback_type="pr_norm")
    ours = gmres(A, b, rtol=1e-8, restart=20).check()
    count = min(len(theirs), ours.nit)
    np.testing.assert_allclose(
        ours.residuals[1 : count + 1] / ours.residuals[0], theirs[:count], rtol=1e-5, atol=1e-12
    )
