"""The whole GPU path of the methods, on the stand-in and on a real device."""

import numpy as np
import pyamg
import pytest
import scipy.sparse as sp
from support import fake_cupy

import numsolve
from numsolve.krylov import cg, fgmres, gmres

METHODS = {"cg": cg, "fgmres": fgmres, "gmres": gmres}


def problem(dtype=float, n=12):
    """A Hermitian positive definite system with a known solution."""
    A = sp.csr_matrix(pyamg.gallery.poisson((n, n), format="csr")).astype(dtype)
    if np.dtype(dtype).kind == "c":
        ones = np.ones(n * n - 1)
        shift = sp.diags_array([0.5j * ones, np.ones(n * n), -0.5j * ones], offsets=[1, 0, -1])
        A = sp.csr_matrix(A + shift)
    x = np.random.default_rng(0).standard_normal(n * n).astype(dtype)
    return A.astype(dtype), A.astype(dtype) @ x, x


def compare(method, dtype):
    """Solve on both libraries; the histories agree and x stays on the device."""
    A, b, x = problem(dtype)
    rtol = 1e-8 if np.dtype(dtype).itemsize // (1 + (np.dtype(dtype).kind == "c")) == 8 else 1e-5
    host = METHODS[method](A, b, rtol=rtol)
    device = METHODS[method](*numsolve.to_device(A, b), rtol=rtol).check()
    assert type(device.x).__module__.startswith("cupy")
    assert isinstance(device.residuals, np.ndarray)
    assert device.nit == host.nit
    np.testing.assert_allclose(numsolve.to_host(device.x), x, atol=rtol * 1e3)
    np.testing.assert_allclose(device.residuals[:-1], host.residuals[:-1], rtol=1e-2)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_as_on_the_host(cupy, method, dtype):
    compare(method, dtype)


@pytest.mark.gpu
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_as_on_the_host_on_a_device(method, dtype):
    compare(method, dtype)


def test_the_schedule_changes_no_bit(cupy, monkeypatch):
    A, b = numsolve.to_device(*problem()[:2])
    results = set()
    for seed in range(3):
        monkeypatch.setattr(fake_cupy, "seed", seed)
        results.add(cg(A, b, rtol=1e-6).x.get().tobytes())
    assert len(results) == 1


def per_iteration(cupy, method, system=None, ends=(10, 30), **options):
    """Return launches and host syncs of one more iteration, by the difference of two runs."""
    A, b = numsolve.to_device(*(system or problem()[:2]))
    counted = []
    for maxiter in ends:
        cupy.counts.clear()
        with pytest.warns(numsolve.ConvergenceWarning):
            result = method(A, b, rtol=1e-30, maxiter=maxiter, **options)
        assert result.nit == maxiter
        counted.append((cupy.counts["launches"], cupy.counts["syncs"]))
    steps = ends[1] - ends[0]
    return [(after - before) / steps for before, after in zip(*counted, strict=True)]


def test_cg_needs_four_launches_and_a_tenth_of_a_sync(cupy):
    launches, syncs = per_iteration(cupy, cg)
    assert launches <= 4
    assert syncs <= 0.1


def test_gmres_waits_for_nothing_inside_a_cycle(cupy):
    launches, syncs = per_iteration(cupy, gmres, restart=60)
    assert launches <= 6
    assert syncs <= 0.1


def test_a_breakdown_between_two_reads_is_reported(cupy):
    A = sp.diags_array(np.r_[np.ones(30), -1.0]).tocsr()
    with pytest.warns(numsolve.ConvergenceWarning, match="not positive definite"):
        result = cg(*numsolve.to_device(A, np.ones(31) + np.arange(31) / 7))
    assert result.status == numsolve.Status.BREAKDOWN
    assert np.isfinite(result.x.get()).all()


def test_jacobi_and_amg_follow_the_matrix_to_the_device(cupy):
    A, b, x = problem()
    for make in (numsolve.precondition.jacobi, numsolve.precondition.amg):
        M = make(numsolve.to_device(A))
        host = cg(A, b, M=make(A), rtol=1e-8)
        device = cg(*numsolve.to_device(A, b), M=M, rtol=1e-8).check()
        assert device.nit == host.nit
        np.testing.assert_allclose(device.x.get(), x, atol=1e-5)


def test_mixing_the_libraries_names_both(cupy):
    A, b, _ = problem()
    with pytest.raises(TypeError, match=r"b is on the GPU.*A is on the host"):
        cg(A, numsolve.to_device(b))
    with pytest.raises(TypeError, match=r"A is on the GPU.*x0 is on the host"):
        cg(*numsolve.to_device(A, b), np.zeros_like(b))


@pytest.mark.parametrize("method", METHODS)
def test_columns_on_the_device(cupy, method):
    A, b, x = problem()
    result = METHODS[method](*numsolve.to_device(A, np.stack([b, 2 * b], axis=1)), rtol=1e-8).check()
    np.testing.assert_allclose(result.x.get(), np.stack([x, 2 * x], axis=1), atol=1e-5)


def compare_blocks(dtype, with_M):
    """Solve for columns that end at different times, some of them dependent, on both libraries."""
    A, b = problem(dtype)[:2]
    rtol = 1e-8 if np.finfo(dtype).eps < 1e-10 else 1e-5
    X = np.random.default_rng(1).standard_normal((len(b), 5)).astype(dtype)
    X[:, 1], X[:, 3] = 3 * X[:, 0], 0
    start = X.copy()
    start[:, 2] += 1e-3 * b
    start[:, :2] = start[:, 4:] = 0
    make = numsolve.precondition.jacobi if with_M else lambda A: None
    host = cg(A, A @ X, start, M=make(A), rtol=rtol).check()
    there = numsolve.to_device(A, A @ X, start)
    device = cg(*there, M=make(there[0]), rtol=rtol).check()
    assert type(device.x).__module__.startswith("cupy")
    assert device.nit == host.nit
    np.testing.assert_array_equal(np.isnan(device.residuals), np.isnan(host.residuals))
    np.testing.assert_allclose(numsolve.to_host(device.x), X, atol=rtol * 1e3)
    np.testing.assert_allclose(device.residuals[:-1], host.residuals[:-1], rtol=0.1, atol=rtol)


@pytest.mark.parametrize("with_M", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_blocks_as_on_the_host(cupy, dtype, with_M):
    compare_blocks(dtype, with_M)


@pytest.mark.gpu
@pytest.mark.parametrize("with_M", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_blocks_as_on_the_host_on_a_device(dtype, with_M):
    compare_blocks(dtype, with_M)


def test_block_cg_waits_for_nothing_inside_its_iterations(cupy):
    rng = np.random.default_rng(0)
    A, B = problem()[0], rng.standard_normal((144, 3))
    launches, syncs = per_iteration(cupy, cg, system=(A, B), ends=(4, 8))
    assert launches <= 8
    assert syncs <= 0.1


@pytest.mark.parametrize("method", METHODS)
def test_dense_matrices_on_the_device(cupy, method):
    A, b, x = problem()
    result = METHODS[method](*numsolve.to_device(A.toarray(), b), rtol=1e-8).check()
    np.testing.assert_allclose(result.x.get(), x, atol=1e-5)


def test_int64_indices_on_the_device(cupy):
    A, b, x = problem()
    device = numsolve.to_device(A)
    device.indices, device.indptr = device.indices.astype(np.int64), device.indptr.astype(np.int64)
    np.testing.assert_allclose(cg(device, numsolve.to_device(b), rtol=1e-8).check().x.get(), x, atol=1e-5)


@pytest.mark.parametrize("part", ["A", "b"])
def test_nan_on_the_device_is_named(cupy, part):
    A, b, _ = problem()
    (A.data if part == "A" else b)[3] = np.nan
    with pytest.raises(ValueError, match=f"{part} has 1 NaN"):
        cg(*numsolve.to_device(A, b))
