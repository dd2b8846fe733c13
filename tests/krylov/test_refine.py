"""Mixed-precision refinement alone."""

import tracemalloc
import warnings
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from support.tiers import extended

import numsolve
from numsolve import ConvergenceWarning, Interrupted, Status
from numsolve.krylov import RefinementResult, cg, fgmres, gmres, refine
from numsolve.precondition import amg, jacobi
from numsolve.problems import convection_diffusion, poisson


def spd(n, condition, rng, dtype="float64"):
    """Return a dense Hermitian positive definite matrix of a given condition number."""
    B = rng.standard_normal((n, n)) + (1j * rng.standard_normal((n, n)) if dtype == "complex128" else 0)
    Q = np.linalg.qr(B)[0]
    A = (Q * np.geomspace(1, condition, n)) @ Q.conj().T
    return (A + A.conj().T) / 2


def recorder(A, seen):
    """Return `gmres`, which notes what it is given and what it gives."""

    def method(A, b, *, rtol, maxiter, M, **options):
        result = gmres(A, b, rtol=rtol, maxiter=maxiter, M=M, **options)
        seen.append((A, b, rtol, maxiter, M, options, result))
        return result

    return method


INNER = [(cg, "float64"), (gmres, "float64"), (cg, "complex128")]
MORE = [(fgmres, "float64"), (gmres, "complex128"), (fgmres, "complex128")]


@pytest.mark.parametrize(("method", "dtype"), [*INNER, *extended(*MORE)])
def test_accuracy_is_that_of_double_precision(method, dtype, rng):
    """The rounding errors of A x are some 1e-15 of b; those of single precision some 1e-6."""
    A, x = spd(80, 1e3, rng, dtype), rng.standard_normal(80).astype(dtype)
    b = A @ x
    result = refine(A, b, method=method, rtol=1e-13).check()
    assert result.x.dtype == dtype
    assert np.linalg.norm(b - A @ result.x) <= 1e-13 * np.linalg.norm(b)
    assert np.linalg.norm(result.x - x) <= 1e3 * 1e-13 * np.linalg.norm(x)


def test_all_of_the_inner_work_is_in_single_precision(rng):
    A, seen = convection_diffusion((12, 12), (9.0, 4.0)), []
    b = rng.standard_normal(144)
    result = refine(A, b, method=recorder(A, seen), M=jacobi(A), rtol=1e-12, restart=20).check()
    for inner_A, r, _, maxiter, M, options, solved in seen:
        assert inner_A.dtype == M.dtype == r.dtype == solved.x.dtype == np.float32
        assert 0.5 <= abs(r).max() <= 1
        assert (maxiter, options) == (None, {"restart": 20})
        assert inner_A is seen[0][0]
    assert [solved.nit for *_, solved in seen] == result.inner_nit.tolist()


def test_it_is_the_textbooks_iteration(rng):
    """Algorithm 12.1 of Higham's book with an exact solver in single precision."""
    A = rng.standard_normal((40, 40)) + 12 * np.eye(40)
    b, x = rng.standard_normal(40), np.zeros(40)

    def direct(A, b, *, rtol, maxiter, M):
        return numsolve.Result(np.linalg.solve(A.array, b), Status.CONVERGED, "", np.array([1.0, 0.0]))

    result = refine(A, b, method=direct, rtol=1e-10).check()
    norms = [np.linalg.norm(b)]
    for _ in range(2):
        r = b - A @ x
        x = x + np.linalg.solve(A.astype("f"), r.astype("f"))
        norms.append(np.linalg.norm(b - A @ x))
    assert result.nit == 2  # each correction gains some 1e-6
    np.testing.assert_allclose(result.residuals[:2], norms[:2], rtol=0.5)
    assert 1e-10 * norms[0] < result.residuals[1] < 1e-5 * norms[0]
    np.testing.assert_allclose(result.x, x, atol=1e-11)


@pytest.mark.parametrize(
    ("method", "rtol", "steps", "inner"), [(cg, 1e-8, 2, 139), (cg, 1e-12, 3, 207), (gmres, 1e-8, 2, 174)]
)
def test_pinned_counts(method, rtol, steps, inner, rng):
    A = poisson((32, 32))
    result = refine(A, rng.standard_normal(1024), method=method, rtol=rtol).check()
    assert result.nit == steps
    assert result.inner_nit.sum() == pytest.approx(inner, rel=0.1)  # in single precision


def test_the_last_correction_is_solved_only_as_far_as_needed(rng):
    A, seen = poisson((20, 20)), []
    refine(A, rng.standard_normal(400), method=recorder(A, seen), inner_rtol=1e-5, rtol=1e-7).check()
    first, last = (rtol for _, _, rtol, *_ in seen)
    assert first == 1e-5
    assert 1e-3 < last < 1e-2


@pytest.mark.parametrize("size", [1e-150, 1e150])
@pytest.mark.parametrize("make", [None, jacobi, lambda A: sp.diags_array(1 / A.diagonal())])
def test_a_preconditioner_of_any_size(size, make, rng):
    A, x = poisson((9, 9)), rng.standard_normal(81)
    M = make and make(A * size)
    result = refine(A * size, A @ x * size, method=cg, M=M, rtol=1e-12).check()
    np.testing.assert_allclose(result.x, x, atol=1e-9)
    assert result.nit == refine(A, A @ x, method=cg, M=make and make(A), rtol=1e-12).nit


def test_one_entry_beyond_the_range_of_single_precision(rng):
    d = np.ones(3000)
    d[1501] = 1e60  # not in the sample that tells the size of a matrix
    A = sp.diags_array(d)
    with pytest.warns(ConvergenceWarning, match="rows of A differ much in size"):
        result = refine(A, d, rtol=1e-12, inner_maxiter=5)
    assert np.isfinite(result.x).all()
    assert result.residuals[-1] <= result.residuals[0]


@pytest.mark.extended
def test_a_preconditioner_in_either_precision(rng):
    A, b = poisson((40, 40)), rng.standard_normal(1600)
    counts = []
    for precision in ("f", "d"):
        M = amg(A.astype(precision))
        result = refine(A, b, method=cg, M=M, rtol=1e-12).check()
        assert result.residuals[-1] <= 1e-12 * np.linalg.norm(b)
        counts.append(result.inner_nit.sum())
    assert abs(counts[0] - counts[1]) <= 2
    assert max(counts) < 40


def test_a_single_precision_preconditioner_gets_single_precision_vectors(rng):
    """One that is single is never brought to double and back."""
    A = poisson((8, 8))

    class Single(numsolve._operators.operator.Operator):
        def astype(self, dtype):
            assert dtype == np.float32
            return self

        def apply(self, x, out):
            assert x.dtype == np.float32
            out[...] = x / 4
            return out

    M = Single(A.shape, np.float32, "numpy")
    refine(A, rng.standard_normal(64), method=cg, M=M).check()


def test_columns_and_their_inner_counts(rng):
    A = poisson((15, 15))
    B = A @ rng.standard_normal((225, 4)) * np.array([1.0, 0.0, 1e9, 1e-9])
    B[:, 3] = A @ np.ones(225)
    result = refine(A, B, method=cg, rtol=1e-11).check()
    assert isinstance(result, RefinementResult)
    assert result.inner_nit.shape == (result.nit, 4)
    for j in range(4):
        alone = refine(A, B[:, j], method=cg, rtol=1e-11).check()
        np.testing.assert_allclose(result.x[:, j], alone.x, rtol=1e-7, atol=1e-9 * abs(B[:, j]).max())
        # The matrix's layout changes after so many products, and with it the rounding.
        np.testing.assert_allclose(result.inner_nit[: alone.nit, j], alone.inner_nit, atol=5)
        assert not result.inner_nit[alone.nit :, j].any()
    assert result.inner_nit[0].tolist()[1] == 0
    assert refine(A, np.ones((225, 0))).inner_nit.shape == (0, 0)


def test_callback_sees_true_residuals_of_each_outer_step(rng):
    A, b, seen = poisson((20, 20)), rng.standard_normal(400), []

    def callback(x, norm):
        assert norm == pytest.approx(np.linalg.norm(b - A @ x), rel=1e-6)
        seen.append(norm)

    result = refine(A, b, rtol=1e-11, inner_rtol=1e-2, callback=callback).check()
    assert seen == result.residuals[1:].tolist()
    assert len(seen) >= 5


def test_a_warm_start_saves_outer_steps(rng):
    A, x = poisson((20, 20)), rng.standard_normal(400)
    cold = refine(A, A @ x, method=cg, rtol=1e-12).check()
    warm = refine(A, A @ x, x + 1e-8 * rng.standard_normal(400), method=cg, rtol=1e-12).check()
    assert warm.nit < cold.nit
    again = refine(A, A @ x, cold.x, method=cg, rtol=1e-11)
    assert again.nit == 0
    assert again.inner_nit.size == 0
    np.testing.assert_array_equal(again.x, cold.x)


def test_a_system_too_ill_conditioned_for_single_precision_is_named(rng):
    A = spd(60, 1e11, rng)
    b = A @ np.ones(60)
    with pytest.warns(ConvergenceWarning, match="solve in double precision or improve M") as caught:
        result = refine(A, b, rtol=1e-12, restart=60)
    assert len(caught) == 1
    assert result.status == Status.STAGNATED
    assert result.residuals[-1] == pytest.approx(np.linalg.norm(b - A @ result.x), rel=1e-6)
    assert (np.diff(result.residuals) <= 0).all()


def test_an_indefinite_matrix_is_named_by_the_inner_method():
    with pytest.warns(
        ConvergenceWarning, match="in single precision: .*A is not positive definite"
    ) as caught:
        result = refine(np.diag([1.0, 2.0, -3.0]), np.ones(3), method=cg)
    assert len(caught) == 1
    assert result.status == Status.BREAKDOWN
    assert np.isfinite(result.x).all()
    with pytest.raises(ValueError, match="A is not symmetric"):
        refine(np.array([[2.0, 1.0], [0.0, 2.0]]), np.ones(2), method=cg)


def test_inner_misses_go_on_as_long_as_they_help_and_do_not_warn(rng):
    A, b = poisson((24, 24)), rng.standard_normal(576)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = refine(A, b, method=cg, inner_maxiter=25, rtol=1e-8).check()
    assert result.inner_nit[:-1].tolist() == [25] * (result.nit - 1)
    with pytest.warns(ConvergenceWarning, match="maxiter reached"):
        assert refine(A, b, method=cg, inner_maxiter=1, maxiter=7).status == Status.MAXITER
    with pytest.warns(ConvergenceWarning, match="maxiter reached"):  # solves outside warn as ever
        cg(A, b, maxiter=3)


def test_a_correction_that_increases_the_residual_is_not_taken(rng):
    A, b, calls = poisson((10, 10)), rng.standard_normal(100), []

    def method(A, b, **options):
        calls.append(b)
        result = cg(A, b, **options)
        return result if len(calls) == 1 else replace(result, x=-1e9 * result.x)

    with pytest.warns(ConvergenceWarning, match="no longer halve"):
        result = refine(A, b, method=method, rtol=1e-12)
    assert result.nit == len(result.inner_nit) == 1
    assert np.linalg.norm(b - A @ result.x) <= 1.1e-4 * np.linalg.norm(b)


@pytest.mark.parametrize("fault", ["single", "double"])
def test_nan_does_not_pass_as_converged(fault, rng):
    A = poisson((8, 8))
    products = []

    def multiply(v):
        products.append(v)
        return A @ v * (np.nan if len(products) > (6 if fault == "single" else 1e9) else 1)

    def method(A, b, **options):
        result = gmres(A, b, **options)
        return replace(result, x=result.x * np.nan) if fault == "double" else result

    operator = spla.LinearOperator(A.shape, multiply, dtype=float)
    with pytest.warns(ConvergenceWarning, match="not finite"):
        result = refine(operator, rng.standard_normal(64), method=method)
    assert result.status == Status.NONFINITE
    assert np.isfinite(result.x).all()


def test_an_interrupt_inside_a_correction_keeps_the_last_outer_step(rng):
    A, b, calls = poisson((16, 16)), rng.standard_normal(256), []

    def method(A, b, **options):
        calls.append(b)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return cg(A, b, **options)

    with pytest.raises(Interrupted) as caught:
        refine(A, b, method=method, rtol=1e-13)
    result = caught.value.result
    assert result.nit == len(result.inner_nit) == 2
    assert np.linalg.norm(b - A @ result.x) <= 1e-7 * np.linalg.norm(b)


@pytest.mark.usefixtures("unexamined")
def test_a_matrix_is_tested_for_symmetry_once_and_multiplied_once_a_step(rng):
    A, products = poisson((16, 16)), []

    class Counting(numsolve._operators.operator.Csr):
        def apply(self, x, out):
            products.append(self.dtype)
            return super().apply(x, out)

        def apply_dot(self, p, q):
            products.append(self.dtype)
            return super().apply_dot(p, q)

        def residual_to(self, b, x, out):
            products.append(self.dtype)
            return super().residual_to(b, x, out)

        def astype(self, dtype):
            return self if self.dtype == dtype else Counting(self.to_sparse(), dtype)

    result = refine(Counting(A), rng.standard_normal(256), method=cg, rtol=1e-12).check()
    assert products.count(np.float64) == 1 + result.nit
    symmetry, ends = 2, 2 * result.nit  # each inner solve looks at its first and its last residual
    assert products.count(np.float32) == result.inner_nit.sum() + symmetry + ends


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "cg"}, TypeError, "method is a str"),
        ({"inner_rtol": 0}, ValueError, "inner_rtol is 0.0"),
        ({"inner_rtol": 1.0}, ValueError, "inner_rtol is 1.0; a number below 1"),
        ({"inner_maxiter": 0}, ValueError, "inner_maxiter is 0"),
        ({"restart": 0}, ValueError, "restart is 0"),
    ],
)
def test_bad_options_are_named(options, error, message):
    with pytest.raises(error, match=message):
        refine(np.eye(2), np.ones(2), **options)


def test_single_in_single_out(rng):
    A = poisson((10, 10)).astype("f")
    b = rng.standard_normal(100).astype("f")
    assert refine(A, b, rtol=1e-4).check().x.dtype == np.float32
    assert refine(A, b.astype(float), rtol=1e-12).check().x.dtype == np.float64


@pytest.mark.parametrize("method", [cg, partial(gmres, restart=5)])
def test_storage_is_what_the_docstring_says(method, one_thread, rng):
    A = poisson((130, 130))
    b, held = rng.standard_normal(16_900), []
    inner = {cg: 4}.get(method, 7)

    def watched(A, b, **options):
        def callback(x, norm):
            held.append(tracemalloc.get_traced_memory()[0])
            return len(held) == 5

        callback.wants_x = False
        return method(A, b, callback=callback, **options)

    def run():
        held.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            refine(A, b, method=watched, maxiter=1)

    run()
    tracemalloc.start()
    try:
        run()
    finally:
        tracemalloc.stop()
    in_bytes = held[4] - 4 * A.nnz
    in_single = in_bytes / (b.nbytes / 2)
    assert inner + 2 + 1 - 0.5 < in_single < inner + 2 + 1 + 0.5  # x in double, r in single


def test_no_correction_waits_for_the_device(cupy):
    A, b = poisson((12, 12)), np.random.default_rng(0).standard_normal(144)
    host = refine(A, b, method=cg, rtol=1e-11)
    A, b = numsolve.to_device(A, b)
    syncs = []

    def method(A, b, **options):
        assert type(b).__module__.startswith("cupy")
        before = cupy.counts["syncs"]
        result = cg(A, b, **options)
        syncs.append((cupy.counts["syncs"] - before, result.nit))
        return result

    before = cupy.counts["syncs"]
    result = refine(A, b, method=method, rtol=1e-11).check()
    outside = cupy.counts["syncs"] - before - sum(count for count, _ in syncs)
    assert result.inner_nit.tolist() == pytest.approx(host.inner_nit.tolist(), abs=8)
    assert result.nit == host.nit
    for count, nit in syncs[1:]:
        assert count <= 8 + nit / 10
    assert outside <= 20 + 8 * result.nit
