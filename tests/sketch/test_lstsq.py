"""Sketched least squares against LAPACK: solutions, backward errors, ranks, and what can go wrong."""

import warnings

import numpy as np
import pytest
import scipy.linalg as sl
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from hypothesis import given
from hypothesis import strategies as st
from support.tiers import DTYPES, extended

from numsolve import ConvergenceWarning, Interrupted, Status
from numsolve.sketch import lstsq


@pytest.fixture(autouse=True)
def uncompiled(request, monkeypatch):
    """In the quick tier, let the few numbers of these tests be worked on without compiled kernels."""
    if not request.node.get_closest_marker("extended"):
        monkeypatch.delenv("NUMSOLVE_COMPILE", raising=False)


def problem(rng, m, n, cond=1e3, noise=1e-3, dtype=float):
    """Return a matrix of logarithmically spaced singular values, b with a residual of norm `noise`, and x."""

    def normal(*shape):
        A = rng.standard_normal(shape)
        return A + 1j * rng.standard_normal(shape) if np.dtype(dtype).kind == "c" else A

    U, V = np.linalg.qr(normal(m, n))[0], np.linalg.qr(normal(n, n))[0]
    A = (U * np.logspace(0, -np.log10(cond), n)) @ V
    x, e = normal(n), normal(m)
    e -= U @ (U.conj().T @ e)
    return A.astype(dtype), (A @ x + noise * e / np.linalg.norm(e)).astype(dtype), x


def backward_error(A, b, x):
    """Return Karlson and Walden's estimate for A itself, relative to its Frobenius norm."""
    A, b, x = (v.astype(np.result_type(v, float)) for v in (A, b, x))
    r, (_, sigma, Vh) = b - A @ x, np.linalg.svd(A, full_matrices=False)
    rho = np.linalg.norm(r) / np.linalg.norm(x)
    error = np.linalg.norm((Vh @ (A.conj().T @ r)) / np.sqrt(sigma**2 + rho**2))
    return error / np.linalg.norm(x) / np.linalg.norm(sigma)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_solution_is_that_of_lapack(dtype, rng):
    A, b, _ = problem(rng, 700, 20, 1e3, 0.1, dtype)
    result = lstsq(A, b, oversampling=4, rng=0).check()
    want, eps = np.linalg.lstsq(A, b)[0], float(np.finfo(dtype).eps)
    assert result.x.dtype == dtype
    assert result.rank == 20
    assert result.rows == 80
    assert np.linalg.norm(result.x - want) < 1e4 * eps * np.linalg.norm(want)
    assert result.residual_norm == pytest.approx(np.linalg.norm(b - A @ result.x), rel=1e3 * eps)
    assert result.backward_error == result.residuals[-1] <= 4 * eps


@pytest.mark.parametrize("noise", [0.0, 1e-12, 1e-6, 1.0, *extended(1e-9, 1e-3, 1e4)])
@pytest.mark.parametrize("cond", [1e8, 1e12, *extended(1.0, 1e4, 1e13)])
@pytest.mark.parametrize("solver", ["cg", *extended("chebyshev")])
def test_the_backward_error_is_at_rounding_level(cond, noise, solver, rng):
    A, b, _ = problem(rng, 1200, 30, cond, noise)
    rtol = 1e-14 if cond > 1e12 else None
    result = lstsq(A, b, solver=solver, oversampling=4, rtol=rtol, rng=0).check()
    found = backward_error(A, b, result.x)
    assert found < (2 * rtol if rtol else 5e-15)
    assert found < max(4 * result.backward_error, 1e-15)
    assert result.rank == 30
    assert result.nit < 150


@pytest.mark.parametrize("kind", ["gaussian", "countsketch", "subsampled-hadamard"])
def test_any_kind_of_sketch(kind, rng):
    A, b, _ = problem(rng, 900, 12, 1e6, 0.1)
    result = lstsq(A, b, kind=kind, oversampling=10, rng=1).check()
    assert backward_error(A, b, result.x) < 1e-15


def test_chebyshev(rng):
    A, b, _ = problem(rng, 900, 12, 1e6, 0.1)
    result = lstsq(A, b, solver="chebyshev", oversampling=8, rng=1).check()
    assert backward_error(A, b, result.x) < 1e-15


def test_the_number_of_iterations_does_not_depend_on_the_condition_number(rng):
    counts = [
        lstsq(*problem(rng, 1500, 20, cond, 1e-4)[:2], oversampling=4, rng=0).nit for cond in (1e2, 1e8)
    ]
    assert counts[1] < 2 * counts[0]


@pytest.mark.parametrize("transform", [np.ascontiguousarray, np.asfortranarray, sp.csr_array, sp.coo_matrix])
def test_dense_in_any_order_and_sparse(transform, rng):
    A, b, _ = problem(rng, 600, 15, 1e5, 0.1)
    A[abs(A) < 0.02] = 0
    result = lstsq(transform(A), b, oversampling=4, rng=0).check()
    np.testing.assert_allclose(result.x, np.linalg.lstsq(A, b)[0], rtol=1e-7, atol=1e-9)


def test_several_right_hand_sides(rng):
    A, b, _ = problem(rng, 600, 15, 1e5, 0.1)
    B = np.column_stack((b, 1e9 * np.sin(np.arange(600)), np.zeros(600)))
    result = lstsq(A, B, oversampling=4, rng=0).check()
    want = np.linalg.lstsq(A, B)[0]
    scale = np.maximum(abs(want).max(axis=0), 1)
    np.testing.assert_allclose(result.x / scale, want / scale, rtol=0, atol=1e-8)
    assert result.backward_error.shape == result.residual_norm.shape == (3,)
    np.testing.assert_allclose(result.residual_norm, np.linalg.norm(B - A @ result.x, axis=0), rtol=1e-9)
    assert result.residuals.shape == (result.nit + 1, 3)
    assert lstsq(A, B[:, :0]).x.shape == (15, 0)


@pytest.mark.parametrize("spread", [0, 5, *extended(100)])
def test_deficient_rank_gives_the_shortest_solution(spread, rng):
    A = rng.standard_normal((500, 8)) @ rng.standard_normal((8, 12))
    A[:, 3], A[:, 7] = 0, A[:, 5]
    A *= 10.0 ** rng.uniform(-spread, spread, 12)
    b = rng.standard_normal(500)
    result = lstsq(A, b, oversampling=5, rng=0).check()
    assert result.rank == 8
    assert "rank is 8" in result.message
    if spread == 0:
        want = np.linalg.lstsq(A, b, rcond=1e-10)[0]
        np.testing.assert_allclose(result.x, want, rtol=1e-8, atol=1e-10)
    largest = abs(A).max(axis=0)
    D = 1 / np.where(largest > 0, largest, 1)
    residual = np.linalg.norm(b - A @ (D * np.linalg.lstsq(A * D, b, rcond=1e-10)[0]))
    assert result.residual_norm == pytest.approx(residual, rel=1e-9)
    if spread == 100:
        assert "scaled" in result.message
        return
    null = sl.null_space(A * D, rcond=1e-10) * D[:, None]
    null = np.linalg.qr(null / abs(null).max(axis=0))[0]
    assert abs(null.T @ result.x).max() < 1e-6 * np.linalg.norm(result.x)


@pytest.mark.parametrize("cond", [1e14, *extended(1e16, 1e20)])
def test_nearly_singular_matrices_have_a_small_residual(cond, rng):
    A, b, _ = problem(rng, 900, 30, cond, 0.5)
    result = lstsq(A, b, oversampling=4, rng=0).check()
    assert result.residual_norm == pytest.approx(0.5, rel=1e-6)  # of the part of b orthogonal to the columns


def test_badly_scaled_columns(rng):
    A, b, _ = problem(rng, 800, 10, 1e2, 0.1)
    D = 10.0 ** rng.uniform(-150, 150, 10)
    result = lstsq(A * D, b, oversampling=4, rng=0).check()
    assert result.rank == 10
    np.testing.assert_allclose(result.x * D, np.linalg.lstsq(A, b)[0], rtol=1e-9, atol=1e-12)


def test_unit_vectors_are_no_difficulty(rng):
    """Rows of large leverage: the first rows alone determine the solution."""
    A = np.concatenate((np.diag(10.0 ** np.linspace(0, 6, 25)), 1e-4 * rng.standard_normal((1000, 25))))
    b = rng.standard_normal(1025)
    result = lstsq(A, b, oversampling=4, rng=0).check()
    assert backward_error(A, b, result.x) < 2e-15


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("sparse", [False, True])
def test_wide_systems_give_the_shortest_solution(dtype, sparse, rng):
    A, _, _ = problem(rng, 500, 14, 1e4, 0, dtype)
    A = A.conj().T
    b = A @ rng.standard_normal(500)
    result = lstsq(sp.csr_array(A) if sparse else A, b, oversampling=5, rng=0).check()
    np.testing.assert_allclose(result.x, np.linalg.lstsq(A, b)[0], rtol=1e-9, atol=1e-10)
    B = rng.standard_normal((12, 6)) @ A[:6]
    found = lstsq(B, b[:12], oversampling=5, rng=0).check()
    assert found.rank == 6
    np.testing.assert_allclose(found.x, np.linalg.lstsq(B, b[:12], rcond=1e-10)[0], rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("cond", [1e6, 1e9, 1e13])
def test_ill_conditioned_wide_systems(cond, rng):
    A = problem(rng, 300, 10, cond)[0].T
    b = A @ rng.standard_normal(300)
    result = lstsq(A, b, oversampling=5, rng=0).check()
    assert np.linalg.norm(b - A @ result.x) < 1e-14 * np.linalg.norm(A) * np.linalg.norm(result.x)
    want = np.linalg.lstsq(A, b, rcond=1e-15)[0]
    assert np.linalg.norm(result.x - want) < 1e-14 * cond * np.linalg.norm(want)


@pytest.mark.parametrize("shape", [(400, 12), (12, 400)])
def test_damping(shape, rng):
    A, b = rng.standard_normal(shape), rng.standard_normal(shape[0])
    tall = np.concatenate((A, 3 * np.eye(shape[1])))
    want = np.linalg.lstsq(tall, np.concatenate((b, np.zeros(shape[1]))))[0]
    for x0 in (None, np.ones(shape[1])):
        result = lstsq(A, b, x0=x0, damp=3.0, oversampling=5, rng=0).check()
        np.testing.assert_allclose(result.x, want, rtol=1e-10, atol=1e-12)


def test_a_starting_guess(rng):
    A, b, _ = problem(rng, 600, 15, 1e3, 0.1)
    want = np.linalg.lstsq(A, b)[0]
    assert lstsq(A, b, x0=want, oversampling=4, rng=0).check().nit <= lstsq(A, b, oversampling=4, rng=0).nit
    A[:, 4] = 0
    x0 = np.arange(15.0)
    assert lstsq(A, b, x0=x0, oversampling=4, rng=0).check().x[4] == pytest.approx(4, abs=1e-9)


@given(st.integers(1, 60), st.integers(1, 60), st.sampled_from([0.0, 1.0]), st.integers(0, 5))
def test_any_shape(m, n, noise, seed):
    rng = np.random.default_rng(seed)
    A, b = rng.standard_normal((m, n)), rng.standard_normal(m)
    b = b if noise else A @ rng.standard_normal(n)
    result = lstsq(A, b, rng=seed, oversampling=2).check()
    want = np.linalg.lstsq(A, b)[0]
    scale = np.linalg.cond(A) ** 2
    np.testing.assert_allclose(result.x, want, rtol=0, atol=1e-14 * scale * max(np.linalg.norm(want), 1))


def test_extreme_numbers(rng):
    A, b, _ = problem(rng, 300, 5, 10, 0.1)
    want = np.linalg.lstsq(A, b)[0]
    for a, c in ((1e200, 1e-100), (1e-200, 1.0), (1.0, 1e-300), (1.0, 1e300)):
        np.testing.assert_allclose(lstsq(a * A, c * b, rng=0).check().x, want * (c / a), rtol=1e-9)
    assert not lstsq(0 * A, b).check().x.any()
    assert not lstsq(A, 0 * b).check().x.any()
    assert not lstsq(0 * A.T, b[:5]).check().x.any()


def test_an_impossible_tolerance_is_not_met(rng):
    A, b, _ = problem(rng, 600, 15, 1e5, 0.1)
    with pytest.warns(ConvergenceWarning, match="stopped falling"):
        result = lstsq(A, b, rtol=1e-20, oversampling=4, rng=0)
    assert result.status == Status.STAGNATED
    assert backward_error(A, b, result.x) < 1e-15


def test_limits_and_callback(rng):
    A, b, _ = problem(rng, 600, 15, 1e5, 0.1)
    with pytest.warns(ConvergenceWarning, match="maxiter"):
        result = lstsq(A, b, maxiter=3, oversampling=3, rng=0)
    assert result.status == Status.MAXITER
    assert result.nit == 3
    assert result.backward_error > 1e-15
    with pytest.warns(ConvergenceWarning, match="time limit"):
        assert lstsq(A, b, time_limit=1e-9, oversampling=3, rng=0).status == Status.TIME_LIMIT
    seen = []
    stopped = lstsq(
        A,
        b,
        callback=lambda x, error: seen.append((x.copy(), error)) or len(seen) == 4,
        rng=0,
        oversampling=3,
    )
    assert stopped.status == Status.STOPPED
    assert len(seen) == 4
    np.testing.assert_allclose(
        np.linalg.norm(b - A @ seen[-1][0]), np.linalg.norm(b - A @ stopped.x), rtol=1e-3
    )

    def interrupt(x, error):
        raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        lstsq(A, b, callback=interrupt, oversampling=3, rng=0)
    assert caught.value.result.x.shape == (15,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"A": np.full((40, 3), np.nan)}, "A has 120 NaN"),
        ({"b": np.full(40, np.inf)}, "b has 40 NaN"),
        ({"b": np.ones(39)}, r"b has shape \(39,\)"),
        ({"kind": "rademacher"}, "kind is"),
        ({"solver": "qr"}, "solver is"),
        ({"oversampling": 1.0}, "oversampling is"),
        ({"damp": -1.0}, "damp is"),
        ({"rtol": -1.0}, "rtol is"),
        ({"nnz": 0}, "nnz is"),
        ({"x0": np.ones(4)}, "x0 has shape"),
        ({"time_limit": 0.0}, "time_limit is"),
    ],
)
def test_bad_input(change, message):
    arguments = {"A": np.ones((40, 3)), "b": np.ones(40)} | change
    with pytest.raises(ValueError, match=message):
        lstsq(arguments.pop("A"), arguments.pop("b"), **arguments)


def test_an_operator_has_no_entries():
    with pytest.raises(TypeError, match=r"krylov\.lsqr"):
        lstsq(spla.aslinearoperator(np.ones((40, 3))), np.ones(40))


@pytest.mark.parametrize("dtype", [complex, *extended(float)])
@pytest.mark.parametrize("options", [{}, {"damp": 0.1}, *extended({"solver": "chebyshev"})])
def test_the_gpu_path(options, dtype, rng, cupy):
    A, b, _ = problem(rng, 200, 8, 1e4, 0.1, dtype)
    host = lstsq(A, b, oversampling=4, rng=0, **options).check()
    device = lstsq(cupy.asarray(A), cupy.asarray(b), oversampling=4, rng=0, **options).check()
    np.testing.assert_allclose(device.x.get(), host.x, rtol=1e-8)


def test_the_gpu_path_of_other_matrices(rng, cupy):
    from numsolve import to_device

    A, b, _ = problem(rng, 200, 8, 1e4, 0.1)
    want = np.linalg.lstsq(A, b)[0]
    sparse = to_device(sp.csr_matrix(A))
    np.testing.assert_allclose(
        lstsq(sparse, cupy.asarray(b), oversampling=4).check().x.get(), want, rtol=1e-8
    )
    wide = np.linalg.lstsq(A.T, b[:8])[0]
    found = lstsq(cupy.asarray(A.T.copy()), cupy.asarray(b[:8]), oversampling=4).check()
    np.testing.assert_allclose(found.x.get(), wide, rtol=1e-8, atol=1e-10)


def test_a_good_solve_does_not_warn(rng):
    A, b, _ = problem(rng, 600, 15, 1e5, 0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = lstsq(A, b, rng=0)
    assert result.success
    assert result.plot().get_ylabel().startswith("backward error")


@pytest.mark.parametrize("wide", [False, True])
def test_a_sketch_that_loses_rank_is_replaced(wide):
    rng = np.random.default_rng(3)
    m, n = 5000, 60
    A = sp.csr_array((rng.uniform(1, 9, n), (np.arange(n), np.arange(n))), shape=(m, n))
    b = rng.standard_normal(n if wide else m)
    result = lstsq(A.T if wide else A, b, kind="countsketch", oversampling=4, rng=0).check()
    assert result.rank == n
    np.testing.assert_allclose(result.x[:n], b[:n] / A.diagonal(), rtol=1e-10)
