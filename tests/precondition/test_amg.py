"""Multigrid cycles: against PyAMG's and dense algebra, on singular systems, and for changing values."""

import numpy as np
import pyamg
import pytest
import scipy.sparse as sp
from pyamg.relaxation.smoothing import change_smoothers
from support.tiers import extended

import numsolve
from numsolve.krylov import cg, gmres
from numsolve.precondition import _amg, amg
from numsolve.precondition._smooth import spectral_radius
from numsolve.problems import convection_diffusion, diffusion, poisson


def dense(M):
    return M @ np.eye(M.shape[0], dtype=M.dtype)


def diagonal_of(A):
    return A.to_sparse().diagonal()


def with_our_smoother(hierarchy, M, sweeps):
    """Make PyAMG's hierarchy smooth as M does: damped Jacobi with the same weights."""
    weights = [l.smoother.inverse[0] * diagonal_of(l.A)[0] for l in M._levels[:-1]]
    options = [("jacobi", {"omega": w, "withrho": False, "iterations": sweeps}) for w in weights]
    change_smoothers(hierarchy, options, options)
    return hierarchy


@pytest.mark.parametrize("cycle", ["V", "W"])
@pytest.mark.parametrize("sweeps", [1, 2, *extended(3)])
@pytest.mark.parametrize("method", [pyamg.smoothed_aggregation_solver, pyamg.ruge_stuben_solver])
def test_the_cycle_is_pyamgs_with_the_same_smoother(method, sweeps, cycle, rng):
    A = sp.csr_matrix(diffusion(np.exp(rng.standard_normal((24, 24)))))
    hierarchy = method(A, max_coarse=10)
    M = amg(A, method=hierarchy, sweeps=sweeps, cycle=cycle)
    assert M.levels >= 3
    theirs = with_our_smoother(hierarchy, M, sweeps).aspreconditioner(cycle=cycle)
    b = rng.standard_normal(576)
    np.testing.assert_allclose(M @ b, theirs @ b, rtol=1e-8, atol=1e-11 * abs(M @ b).max())
    M = amg(A, method=hierarchy, sweeps=sweeps, cycle=cycle, smoother="gauss_seidel")
    options = [("gauss_seidel", {"sweep": way, "iterations": sweeps}) for way in ("forward", "backward")]
    change_smoothers(hierarchy, *options)
    theirs = hierarchy.aspreconditioner(cycle=cycle)
    np.testing.assert_allclose(M @ b, theirs @ b, rtol=1e-8, atol=1e-11 * abs(M @ b).max())


@pytest.mark.parametrize("cycle", ["V", "W"])
@pytest.mark.parametrize("sweeps", [1, 2])
def test_the_cycle_of_air_is_pyamgs(sweeps, cycle, rng):
    A = sp.csr_matrix(convection_diffusion((24, 24), (200.0, 80.0)))
    hierarchy = pyamg.air_solver(A, max_coarse=10)
    M = amg(A, method=hierarchy, smoother="fc_jacobi", sweeps=sweeps, cycle=cycle)
    assert M.levels >= 3
    change_smoothers(hierarchy, None, ("fc_jacobi", {"iterations": sweeps, "f_iterations": 2}))
    b = rng.standard_normal(576)
    want = hierarchy.aspreconditioner(cycle=cycle) @ b
    np.testing.assert_allclose(M @ b, want, rtol=1e-8, atol=1e-11 * abs(want).max())
    single = M.astype(np.float32)
    np.testing.assert_allclose(single @ b, want, rtol=1e-3, atol=1e-4 * abs(want).max())
    np.testing.assert_allclose(M.update(A * 4) @ b, want / 4, rtol=1e-8, atol=1e-11 * abs(want).max())


@pytest.mark.parametrize("wind", [(20.0, 5.0), (5e3, 3e3)])
def test_air_smooths_as_its_restriction_expects(wind, rng):
    A = convection_diffusion((30, 30), wind)
    b = rng.standard_normal(900)
    default, jacobi = (
        gmres(A, b, M=amg(A, method="air", **o), rtol=1e-8) for o in ({}, {"smoother": "jacobi"})
    )
    assert default.check().nit <= 0.6 * jacobi.check().nit
    with pytest.raises(ValueError, match="has no fine and coarse points"):
        amg(A, smoother="fc_jacobi")


def test_air_runs_on_the_device(cupy):
    A = sp.csr_matrix(convection_diffusion((12, 12), (20.0, 5.0)))
    b = np.random.default_rng(0).standard_normal(144)
    device = amg(numsolve.to_device(A), method="air") @ numsolve.to_device(b)
    np.testing.assert_allclose(device.get(), amg(A, method="air") @ b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("smoother", ["jacobi", "chebyshev"])
@pytest.mark.parametrize("sweeps", [1, 3, *extended(2, 4)])
def test_two_grids_against_dense_algebra(smoother, sweeps, rng):
    """I - M A = S (I - P (R A P)^-1 R A) S, with S the polynomial of the smoother."""
    A = poisson((9, 9))
    M = amg(A, smoother=smoother, sweeps=sweeps, max_levels=2)
    full, level = A.toarray(), M._levels[0]
    P, R = level.P.to_sparse().toarray(), level.R.to_sparse().toarray()
    radius = spectral_radius(level.A, 1 / A.diagonal(), True)
    angles = np.arange(1, sweeps + 1) * np.pi / (2 * sweeps + 1)
    weights = {
        "jacobi": np.full(sweeps, 4 / 3) / radius,
        "chebyshev": 1 / (1.05 * radius * np.sin(angles) ** 2),
    }[smoother]
    S = np.eye(81)
    for weight in weights:
        S = S @ (np.eye(81) - weight * full / 4)
    coarse = np.eye(81) - P @ np.linalg.solve(R @ full @ P, R @ full)
    np.testing.assert_allclose(np.eye(81) - dense(M) @ full, S @ coarse @ S, atol=1e-11)


def test_the_chebyshev_polynomial_is_of_the_fourth_kind():
    """Its product with the weight sqrt(t) oscillates between equal extremes, sweeps + 1 of them: optimal."""
    A = poisson((40,))
    for sweeps in range(1, 6):
        M = amg(A, smoother="chebyshev", sweeps=sweeps, max_levels=2)
        smoother = M._levels[0].smoother
        roots = 1 / (smoother.inverse[0] * 2 * np.array(smoother.damping))
        t = np.linspace(0, roots.max() / np.sin(sweeps * np.pi / (2 * sweeps + 1)) ** 2, 20_001)
        values = np.sqrt(t / t[-1]) * np.prod(1 - t[:, None] / roots, axis=1)
        inner = np.nonzero(np.diff(np.sign(np.diff(values))))[0] + 1
        extremes = np.r_[values[inner], values[-1]]
        assert len(extremes) == sweeps + 1
        np.testing.assert_allclose(abs(extremes), 1 / (2 * sweeps + 1), rtol=1e-6)
        assert (np.sign(extremes) == (-1.0) ** np.arange(sweeps + 1)).all()


@pytest.mark.parametrize("cycle", ["V", "W"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sweeps": 2},
        {"smoother": "chebyshev", "sweeps": 3},
        {"smoother": "multicolour"},
        {"smoother": "gauss_seidel"},
    ],
)
@pytest.mark.parametrize("dtype", ["float64", *extended("complex128")])
def test_hermitian_positive_definite_and_a_contraction(dtype, options, cycle, rng):
    A = sp.csr_array(poisson((14, 14))).astype(dtype)
    if dtype == "complex128":
        shift = sp.diags_array([0.3j, -0.3j], offsets=[1, -1], shape=A.shape)
        A = sp.csr_array(A + shift + 0.6 * sp.eye_array(196))
    M = amg(A, max_coarse=5, cycle=cycle, **options)
    B = dense(M)
    np.testing.assert_allclose(B, B.conj().T, atol=1e-13)
    values = np.linalg.eigvals(B @ A.toarray()).real
    assert values.min() > 0.2
    # The smoothers' polynomials lie in [-1, 1]; B A is not normal, so its eigenvalues have larger errors.
    assert values.max() < 1 + 196 * np.finfo(float).eps * np.linalg.cond(A.toarray())


@pytest.mark.parametrize(
    ("shape", "options", "count"),
    [
        ((64, 64), {}, 12),
        ((64, 64), {"smoother": "chebyshev", "sweeps": 2}, 7),
        ((64, 64), {"smoother": "gauss_seidel"}, 9),
        ((64, 64), {"smoother": "multicolour"}, 9),
        *extended(
            ((20, 20, 20), {}, 12),
            ((20, 20, 20), {"method": "ruge_stuben"}, 7),
            ((20, 20, 20), {"cycle": "W"}, 12),
            ((20, 20, 20), {"smoother": "gauss_seidel"}, 9),
            ((20, 20, 20), {"smoother": "multicolour"}, 9),
        ),
    ],
)
def test_iterations_of_cg_on_poisson(shape, options, count, rng):
    A = poisson(shape)
    x = rng.standard_normal(A.shape[0])
    result = cg(A, A @ x, M=amg(A, **options), rtol=1e-8).check()
    assert abs(result.nit - count) <= 2
    np.testing.assert_allclose(result.x, x, atol=1e-5)


@pytest.mark.extended
@pytest.mark.parametrize("smoother", ["jacobi", "multicolour"])
def test_threads_do_not_change_a_bit(smoother, rng):
    from numba import get_num_threads, set_num_threads

    A, b, before = poisson((100, 100)), rng.standard_normal(10_000), get_num_threads()
    M, found = amg(A, sweeps=2, smoother=smoother), []
    for threads in (1, min(2, before)):
        set_num_threads(threads)
        try:
            found.append(M @ b)
        finally:
            set_num_threads(before)
    assert np.array_equal(*found)


def test_the_spectral_radius_is_found_to_a_few_percent(rng):
    A = poisson((18, 18))
    N = convection_diffusion((15, 15), (30.0, 10.0))
    for matrix, hermitian in ((A, True), (N, False)):
        M = amg(matrix)
        true = abs(np.linalg.eigvals(matrix.toarray() / matrix.diagonal()[:, None])).max()
        found = spectral_radius(M._levels[0].A, 1 / matrix.diagonal(), hermitian)
        assert 0.95 * true < found < (1 + 1e-9 if hermitian else 1.05) * true


def neumann(*sides):
    """Return the Laplacian of square graphs that are not connected: each has constants in its null space."""
    parts = []
    for side in sides:
        line = sp.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(side, side)).tolil()
        line[0, 0] = line[-1, -1] = 1
        eye = sp.eye_array(side)
        parts.append(sp.kron(line, eye) + sp.kron(eye, line))
    return sp.csr_array(sp.block_diag(parts))


@pytest.mark.parametrize("sides", [(3,), (30,), (40, 2), (25, 12, 3)])
@pytest.mark.parametrize("dtype", ["float64", *extended("float32")])
def test_singular_neumann_problems(sides, dtype, rng):
    A = neumann(*sides).astype(dtype)
    null = np.repeat(np.eye(len(sides)), np.square(sides), axis=0)
    x = rng.standard_normal(A.shape[0])
    x -= null @ (null.T @ x / np.square(sides))
    rtol = 1e-9 if dtype == "float64" else 1e-4
    for M in (amg(A), amg(A).update(A)):
        result = cg(A, (A @ x).astype(dtype), M=M, rtol=rtol).check()
        assert result.nit < 25
        found = result.x - null @ (null.T @ result.x / np.square(sides))
        np.testing.assert_allclose(found, x, atol=1e3 * rtol)


def test_a_large_coarsest_grid_is_factorised(rng):
    A = poisson((50, 50))
    x = rng.standard_normal(2500)
    for dtype in (np.float64, np.complex128, np.float32):
        M = amg(A.astype(dtype), max_coarse=3000)
        assert M.levels == 1
        np.testing.assert_allclose(M @ (A @ x).astype(dtype), x, atol=1e-9 if dtype != np.float32 else 1e-2)
    with pytest.raises(ValueError, match=r"2500 unknowns and is singular: choose max_coarse <= 1500"):
        amg(sp.csr_array(np.repeat(np.repeat(np.eye(1250), 2, 0), 2, 1)), max_coarse=3000)


def test_drifting_values_keep_the_iterations_without_a_new_hierarchy(rng, monkeypatch):
    grid = np.linspace(0, 1, 50)
    bump = np.sin(3 * grid)[:, None] * np.cos(4 * grid)
    b = rng.standard_normal(2500)
    matrices = [diffusion(np.exp(step * bump)) for step in range(6)]
    fresh = [cg(A, b, M=amg(A), rtol=1e-8).check().nit for A in matrices]
    M = amg(matrices[0])
    monkeypatch.delattr(_amg, "build_hierarchy")
    counts = [cg(A, b, M=M.update(A), rtol=1e-8).check().nit for A in matrices]
    assert max(counts) <= max(fresh) + 5


def test_update_serves_the_casts_made_after_it(rng):
    A, b = poisson((20, 20)), rng.standard_normal(400)
    M = amg(A).update(A * 4)
    np.testing.assert_allclose(M.astype(np.complex128) @ (b + 0j), amg(A) @ b / 4, atol=1e-12)


def test_bad_input_is_named():
    A = poisson((12, 12))
    for name, value in (("smoother", "gauss"), ("cycle", "F")):
        with pytest.raises(ValueError, match=f"{name} is '{value}'; needed: one of"):
            amg(A, **{name: value})
    with pytest.raises(ValueError, match=r"ruge_stuben cannot build a hierarchy.*or use jacobi"):
        amg(A, method="ruge_stuben", strength=("nonsense", {}))
    hollow = A.copy()
    hollow.setdiag(0)
    with pytest.raises(ValueError, match=r"zero entries on the diagonal.*use ilu0 or ilut"):
        amg(A).update(hollow)


@pytest.mark.parametrize(("name", "count"), [("nos7", 18), ("494_bus", 26), ("sherman1", 47)])
def test_the_collection(name, count, matrix):
    A = sp.csr_matrix(matrix(name))
    A = -A if A.diagonal().max() < 0 else A
    result = cg(A, A @ np.ones(A.shape[0]), M=amg(A), rtol=1e-7).check()
    assert abs(result.nit - count) <= 3


def test_a_solve_needs_four_vectors_a_grid_beside_the_hierarchy():
    M = amg(poisson((40, 40)))
    assert M._work is None
    for depth, (level, work) in enumerate(zip(M._levels[:-1], M.with_workspace()._work, strict=False)):
        vectors = [work.spare, level.smoother.inverse, *([work.b, work.x] if depth else [])]
        assert sum(v.size for v in vectors) == (4 if depth else 2) * level.A.shape[0]
        if not depth:
            assert work.b is work.x is None
