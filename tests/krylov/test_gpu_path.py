"""The whole GPU path of the methods, on the stand-in and on a real device."""

import numpy as np
import pyamg
import pytest
import scipy.sparse as sp
from support import fake_cupy
from support.tiers import DTYPES, extended

import numsolve
from numsolve import Status
from numsolve._operators.operator import Csr
from numsolve.krylov import bicgstab, block_gmres, cg, chebyshev, fgmres, gcrodr, gmres, idrs, minres, refine

METHODS = {
    "bicgstab": bicgstab,
    "cg": cg,
    "chebyshev": chebyshev,
    "fgmres": fgmres,
    "gcrodr": gcrodr,
    "gmres": gmres,
    "idrs": idrs,
    "minres": minres,
    "refine": refine,
}

AMPLIFIES = {"bicgstab", "idrs"}  # rounding errors, so that in single precision histories differ early


def problem(dtype=float, n=12):
    """A Hermitian positive definite system with a known solution."""
    A = sp.csr_matrix(pyamg.gallery.poisson((n, n), format="csr")).astype(dtype)
    if np.dtype(dtype).kind == "c":
        ones = np.ones(n * n - 1)
        shift = sp.diags_array([0.5j * ones, np.ones(n * n), -0.5j * ones], offsets=[1, 0, -1])
        A = sp.csr_matrix(A + shift)
    x = np.random.default_rng(0).standard_normal(n * n).astype(dtype)
    return A.astype(dtype), A.astype(dtype) @ x, x


def assert_histories_agree(device, host, **tolerances):
    """Compare the counts, and the residuals of the first half: rounding errors differ, and grow."""
    columns = (result.residuals.reshape(result.nit + 1, -1).T for result in (device, host))
    for found, want in zip(*columns, strict=True):
        found, want = found[np.isfinite(found)], want[np.isfinite(want)]
        assert len(found) == pytest.approx(len(want), rel=0.1, abs=2)
        half = min(len(found), len(want)) // 2 + 1
        np.testing.assert_allclose(found[:half], want[:half], **tolerances)


def compare(method, dtype):
    """Solve on both libraries; the histories agree and x stays on the device."""
    A, b, x = problem(dtype, 8)
    single = 3e-3 if method in AMPLIFIES else 1e-5
    rtol = 1e-8 if np.dtype(dtype).itemsize // (1 + (np.dtype(dtype).kind == "c")) == 8 else single
    host = METHODS[method](A, b, rtol=rtol)
    device = METHODS[method](*numsolve.to_device(A, b), rtol=rtol).check()
    assert type(device.x).__module__.startswith("cupy")
    assert isinstance(device.residuals, np.ndarray)
    np.testing.assert_allclose(numsolve.to_host(device.x), x, atol=rtol * 1e3)
    assert_histories_agree(device, host, rtol=1e-2)


# With complex numbers, a few methods stand for the others; refinement would compile all for complex64.
@pytest.mark.parametrize(
    ("method", "dtype"),
    [
        *((method, "float64") for method in METHODS),
        *((method, "complex128") for method in ("cg", "gmres", "bicgstab", "gcrodr")),
        *extended(*((m, "complex128") for m in METHODS if m not in ("cg", "gmres", "bicgstab", "gcrodr"))),
        *extended(*((m, t) for m in METHODS for t in ("float32", "complex64"))),
    ],
)
def test_as_on_the_host(cupy, method, dtype):
    compare(method, dtype)


@pytest.mark.gpu
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_as_on_the_host_on_a_device(method, dtype):
    compare(method, dtype)


def test_the_schedule_changes_no_bit(cupy, monkeypatch):
    A, b = numsolve.to_device(*problem()[:2])
    results = set()
    for seed in range(3):
        monkeypatch.setattr(fake_cupy, "seed", seed)
        results.add(cg(A, b, rtol=1e-6).x.get().tobytes())
    assert len(results) == 1


@pytest.fixture(autouse=True)
def no_copies(request, monkeypatch):
    """Let tests that count launches keep no iterate: a copy belongs to a factor of ten gained."""
    if "launches" in request.node.name or "wait" in request.node.name:
        monkeypatch.setattr("numsolve._kept.FALL", 0.0)


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


def test_gmres_does_not_wait_for_the_device_inside_a_cycle(cupy):
    launches, syncs = per_iteration(cupy, gmres, restart=60)
    assert launches <= 5.5
    assert syncs <= 0.1


@pytest.mark.parametrize("M", [None, "jacobi"])
def test_gcrodr_does_not_wait_for_the_device_inside_a_cycle(cupy, M):
    M = M and numsolve.precondition.jacobi(numsolve.to_device(problem()[0]))
    launches, syncs = per_iteration(cupy, gcrodr, restart=60, M=M)
    assert launches <= 7
    assert syncs <= 0.1
    space = gcrodr(*numsolve.to_device(*problem()[:2]), k=5, restart=20).recycle
    _, syncs = per_iteration(cupy, gcrodr, restart=60, M=M, recycle=space)
    assert syncs <= 0.1


def test_two_steps_that_were_too_many_between_two_reads(cupy):
    coupling = np.r_[1, 1, 1e-5, np.ones(20)]
    A, b = np.diag(np.full(24, 2.5)) + np.diag(coupling, 1) + np.diag(coupling, -1), np.eye(24)[0]
    for method in (gmres, gcrodr):
        host, device = method(A, b, rtol=1e-10).check(), method(*numsolve.to_device(A, b), rtol=1e-10).check()
        assert_histories_agree(device, host, rtol=1e-6)
        np.testing.assert_allclose(device.x.get(), np.linalg.solve(A, b), atol=1e-9)


@pytest.mark.usefixtures("unexamined")
def test_a_space_stays_on_the_device(cupy):
    A, b = numsolve.to_device(*problem()[:2])
    first = gcrodr(A, b, rtol=1e-8, restart=20, k=6).check()
    assert first.recycle.library == "cupy"
    cupy.counts.clear()
    second = gcrodr(A, b[::-1].copy(), rtol=1e-8, restart=20, k=6, recycle=first.recycle).check()
    cycles = second.nit / 14 + 1
    assert cupy.counts["syncs"] <= 0.1 * second.nit + 8 * cycles + 15
    host = gcrodr(*problem()[:2], rtol=1e-8, restart=20, k=6)
    np.testing.assert_allclose(abs(first.recycle.U.get()), abs(host.recycle.U), rtol=1e-3, atol=1e-5)


def test_chebyshev_needs_three_launches_or_five_with_M(cupy):
    for M, want in ((None, 3), (numsolve.precondition.jacobi(numsolve.to_device(problem()[0])), 5)):
        launches, syncs = per_iteration(cupy, chebyshev, M=M, bounds=(0.01, 8))
        assert launches <= want
        assert syncs <= 0.15  # a tenth for the loop, one look after 16 steps


def test_minres_needs_four_launches_with_M_seven_and_a_tenth_of_a_sync(cupy):
    for M, want in ((None, 4), (numsolve.precondition.jacobi(numsolve.to_device(problem()[0])), 7)):
        launches, syncs = per_iteration(cupy, minres, M=M)
        assert launches <= want
        assert syncs <= 0.1


@pytest.mark.parametrize(
    ("d", "M", "message"),
    [(np.r_[np.ones(30), 0.0], 1, "A is singular"), (np.ones(31), -1, "M is not positive definite")],
)
def test_minres_reports_a_breakdown_between_two_reads(cupy, d, M, message):
    A, M = sp.diags_array(d).tocsr(), sp.diags_array(M * np.ones(31)).tocsr()
    with pytest.warns(numsolve.ConvergenceWarning, match=message):
        result = minres(*numsolve.to_device(A, np.ones(31) + np.arange(31) / 7), M=numsolve.to_device(M))
    assert result.status < 0
    assert np.isfinite(result.x.get()).all()


@pytest.mark.parametrize(("M", "most"), [(None, 8), ("jacobi", 10)])
def test_bicgstab_needs_eight_launches_and_a_tenth_of_a_sync(cupy, M, most):
    M = M and numsolve.precondition.jacobi(numsolve.to_device(problem()[0]))
    launches, syncs = per_iteration(cupy, bicgstab, M=M)
    assert launches <= most
    assert syncs <= 0.1


@pytest.mark.parametrize("s", [1, 4])
def test_idrs_does_not_wait_for_the_device(cupy, s):
    launches, syncs = per_iteration(cupy, idrs, s=s)
    assert launches <= 8
    assert syncs <= 0.1


@pytest.mark.usefixtures("unexamined")
def test_bicgstab_starts_again_on_the_device_without_waiting(cupy):
    A = np.array([[-1.0, 1, 1, -1], [1, 0, 1, -1], [1, 0, 1, 0], [1, -1, 0, 1]])
    b = np.array([2.0, 0, -1, 1])
    arrays = numsolve.to_device(A, b)
    cupy.counts.clear()
    result = bicgstab(*arrays, rtol=1e-10).check()
    assert cupy.counts["syncs"] <= 8  # to check the input, at the start, one block of ten, at the end
    np.testing.assert_allclose(result.x.get(), np.linalg.solve(A, b), atol=1e-8)


def test_a_breakdown_between_two_reads_is_reported(cupy):
    A = sp.diags_array(np.r_[np.ones(30), -1.0]).tocsr()
    with pytest.warns(numsolve.ConvergenceWarning, match="not positive definite"):
        result = cg(*numsolve.to_device(A, np.ones(31) + np.arange(31) / 7))
    assert result.status == numsolve.Status.BREAKDOWN
    assert np.isfinite(result.x.get()).all()


PRECONDITIONERS = {
    "jacobi": numsolve.precondition.jacobi,
    "amg": numsolve.precondition.amg,
    "amg, W, chebyshev": lambda A: numsolve.precondition.amg(A, cycle="W", smoother="chebyshev", sweeps=2),
    "amg, gauss_seidel": lambda A: numsolve.precondition.amg(A, smoother="gauss_seidel"),
    "amg, multicolour": lambda A: numsolve.precondition.amg(A, smoother="multicolour"),
    "block_jacobi": lambda A: numsolve.precondition.block_jacobi(A, 5),
    "block_jacobi by labels": lambda A: numsolve.precondition.block_jacobi(A, blocks=np.arange(144) % 29),
    "spai": numsolve.precondition.spai,
    "spai, one matrix": lambda A: numsolve.precondition.spai(A, factorized=False),
}


@pytest.mark.parametrize("make", PRECONDITIONERS.values(), ids=PRECONDITIONERS)
@pytest.mark.parametrize("dtype", ["float64", *extended("float32", "complex128")])
def test_preconditioners_follow_the_matrix_to_the_device(cupy, make, dtype):
    preconditioned(make, dtype)


@pytest.mark.gpu
@pytest.mark.parametrize("make", PRECONDITIONERS.values(), ids=PRECONDITIONERS)
@pytest.mark.parametrize("dtype", ["float64", "complex128", *extended("float32")])
def test_preconditioners_on_a_device(make, dtype):
    preconditioned(make, dtype)


def preconditioned(make, dtype):
    """Solve on both libraries, before and after an update; the iterations agree."""
    A, b, x = problem(dtype)
    rtol = 1e-8 if dtype != "float32" else 1e-4
    here, there = make(A), make(numsolve.to_device(A))
    for factor in (1, 2):
        A, b = factor * A, factor * b
        here, there = here.update(A), there.update(numsolve.to_device(A))
        host = gmres(A, b, M=here, rtol=rtol).check()
        device = gmres(*numsolve.to_device(A, b), M=there, rtol=rtol).check()
        assert device.nit == pytest.approx(host.nit, rel=0.1, abs=1)
        np.testing.assert_allclose(device.x.get(), x, atol=1e3 * rtol)


@pytest.mark.parametrize(
    ("make", "launches"),
    [
        (lambda A: numsolve.precondition.amg(A, max_coarse=30), 5 * 1 + 1),
        (lambda A: numsolve.precondition.amg(A, max_coarse=3), 5 * 2 + 1),
        (lambda A: numsolve.precondition.amg(A, max_coarse=3, sweeps=3), 9 * 2 + 1),
        (lambda A: numsolve.precondition.block_jacobi(A, 4), 1),
        (numsolve.precondition.spai, 2),
    ],
)
def test_launches_of_an_application(cupy, make, launches):
    M = make(numsolve.to_device(problem()[0]))
    x, out = cupy.ones(144), cupy.empty(144)
    cupy.counts.clear()
    M.apply(x, out)
    assert cupy.counts["launches"] == launches
    assert not cupy.counts["syncs"]
    assert not cupy.counts["bytes to device"]


def test_an_update_of_amg_stays_on_the_device(cupy):
    A = numsolve.to_device(problem()[0])
    M = numsolve.precondition.amg(A, max_coarse=20)
    cupy.counts.clear()
    M.update(A)
    sizes = [level.A.shape[0] for level in M._levels]
    vectors = 8 * sum(sizes[:-1])  # where estimates of the spectral radius start from
    coarse = 8 * sizes[-1] ** 2
    assert cupy.counts["bytes to device"] <= vectors + coarse + 100
    assert cupy.counts["bytes to host"] <= 3 * coarse + 2000


def test_a_residual_is_one_launch(cupy):
    A, b = numsolve.to_device(*problem()[:2])
    operator = Csr(A)
    cupy.counts.clear()
    operator.residual(b, b)
    assert cupy.counts["launches"] == 1


def test_mixing_the_libraries_names_both(cupy):
    A, b, _ = problem()
    with pytest.raises(TypeError, match=r"b is on the GPU.*A is on the host"):
        cg(A, numsolve.to_device(b))
    with pytest.raises(TypeError, match=r"A is on the GPU.*x0 is on the host"):
        cg(*numsolve.to_device(A, b), np.zeros_like(b))


@pytest.mark.parametrize("method", METHODS)
def test_columns_on_the_device(cupy, method):
    A, b, x = problem(n=7)
    result = METHODS[method](*numsolve.to_device(A, np.stack([b, 2 * b], axis=1)), rtol=1e-8).check()
    np.testing.assert_allclose(result.x.get(), np.stack([x, 2 * x], axis=1), atol=1e-5)


def compare_blocks(method, dtype, with_M):
    """Solve for columns that end at different times, some of them dependent, on both libraries."""
    A, b, _ = problem(dtype, 8)
    rtol = 1e-8 if np.finfo(dtype).eps < 1e-10 else 1e-5
    X = np.random.default_rng(1).standard_normal((len(b), 4)).astype(dtype)
    X[:, 1], X[:, 3] = 3 * X[:, 0], 0
    start = X.copy()
    start[:, 2] += 1e-3 * b
    start[:, :2] = 0
    make = numsolve.precondition.jacobi if with_M else lambda A: None
    host = method(A, A @ X, start, M=make(A), rtol=rtol).check()
    there = numsolve.to_device(A, A @ X, start)
    device = method(*there, M=make(there[0]), rtol=rtol).check()
    assert type(device.x).__module__.startswith("cupy")
    np.testing.assert_allclose(numsolve.to_host(device.x), X, atol=rtol * 1e3)
    assert_histories_agree(device, host, rtol=0.1, atol=rtol)


@pytest.mark.parametrize("method", [cg, block_gmres])
@pytest.mark.parametrize("with_M", [False, True])
@pytest.mark.parametrize("dtype", ["float64", *extended("float32", "complex64", "complex128")])
def test_blocks_as_on_the_host(cupy, method, dtype, with_M):
    compare_blocks(method, dtype, with_M)


@pytest.mark.gpu
@pytest.mark.parametrize("method", [cg, block_gmres])
@pytest.mark.parametrize("with_M", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_blocks_as_on_the_host_on_a_device(method, dtype, with_M):
    compare_blocks(method, dtype, with_M)


def test_block_cg_does_not_wait_for_the_device_inside_its_iterations(cupy):
    rng = np.random.default_rng(0)
    A, B = problem()[0], rng.standard_normal((144, 3))
    launches, syncs = per_iteration(cupy, cg, system=(A, B), ends=(4, 8))
    assert launches <= 8
    assert syncs <= 0.1


def test_block_gmres_does_not_wait_for_the_device_inside_a_cycle(cupy):
    rng = np.random.default_rng(0)
    A, B = problem()[0], rng.standard_normal((144, 3))
    launches, syncs = per_iteration(cupy, block_gmres, system=(A, B), ends=(4, 8), restart=20)
    assert launches <= 9 + 2  # two a block of the basis form the iterate at the end
    assert syncs <= 0


def test_a_block_whose_space_closes_between_two_reads(cupy):
    A, B = np.roll(np.eye(12), 1, axis=0), np.eye(12)[:, :2]
    assert block_gmres(*numsolve.to_device(A, B)).check().nit == 11
    A = np.diag(np.arange(9.0))
    with pytest.warns(numsolve.ConvergenceWarning, match="2 of 2 columns"):
        result = block_gmres(*numsolve.to_device(A, np.ones((9, 2)) + np.eye(9)[:, :2]))
    assert np.isfinite(result.x.get()).all()


@pytest.mark.parametrize("method", METHODS)
def test_dense_matrices_on_the_device(cupy, method):
    A, b, x = problem(n=7)
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


def test_rounding_errors_are_explained_on_the_device(cupy):
    A = sp.csr_matrix(np.diag(np.geomspace(1, 1e3, 40)))
    b = np.random.default_rng(0).standard_normal(40)
    with pytest.warns(numsolve.ConvergenceWarning, match="at rounding errors: those of A x"):
        assert cg(*numsolve.to_device(A, b), rtol=0).status == Status.STAGNATED
