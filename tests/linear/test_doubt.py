"""Backward errors of linear results, and warnings of wrong solutions with small residuals."""

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from support import hard_systems

from numsolve import ConvergenceWarning, LinearResult, Status, krylov, relaxation, solve
from numsolve._linear.rows import Rows
from numsolve._operators.operator import as_operator
from numsolve.problems import convection_diffusion, poisson

METHODS = ["cg", "minres", "gmres", "fgmres", "bicgstab", "idrs", "gcrodr", "chebyshev"]


def row_wise_error(A, b, x):
    terms = abs(A) @ abs(x) + abs(b)
    return (abs(b - A @ x) / np.where(terms > 0, terms, 1)).max()


@pytest.mark.parametrize("form", [sp.csr_array, lambda A: A.toarray()])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_reports_the_row_wise_backward_error(method, form, rng):
    A, b = poisson((12, 12)), rng.standard_normal(144)
    result = getattr(krylov, method)(form(A), b).check()
    assert isinstance(result, LinearResult)
    assert result.backward_error == pytest.approx(row_wise_error(A, b, result.x), rel=1e-6)
    assert not result.doubt


def test_the_backward_error_is_that_of_the_worst_column(rng):
    A, B = poisson((12, 12)), rng.standard_normal((144, 2))
    result = krylov.cg(A, B).check()
    worst = max(row_wise_error(A, B[:, j], result.x[:, j]) for j in range(2))
    assert result.backward_error == pytest.approx(worst, rel=1e-6)


def test_the_backward_error_of_relaxation_and_of_operators(rng):
    A, b = poisson((6, 6)), rng.standard_normal(36)
    result = relaxation.sor(A, b).check()
    assert result.backward_error == pytest.approx(row_wise_error(A, b, result.x), rel=1e-6)
    assert np.isnan(krylov.cg(spla.aslinearoperator(A), b).backward_error)


def doubted(method, A, x, **options):
    with pytest.warns(ConvergenceWarning, match="lower rtol|direct method"):
        result = method(A, A @ x, **options)
    assert result.status == Status.CONVERGED
    assert np.linalg.norm(result.x - x) > 1e-2 * np.linalg.norm(x)
    assert result.message.endswith(result.doubt)


def test_rows_of_very_different_size(rng):
    A = sp.csr_array(sp.diags_array(np.geomspace(1e-10, 1, 144)) @ poisson((12, 12)))
    doubted(krylov.gmres, A, rng.standard_normal(144))


def test_a_component_without_boundary_values(rng):
    A = hard_systems.neumann(rng, (12, 12), 0) + 1e-9 * sp.eye_array(144)
    doubted(krylov.cg, A, 1 + rng.standard_normal(144), rtol=1e-8)


def test_parts_that_are_joined_by_one_directed_edge():
    parts = hard_systems.neumann(np.random.default_rng(0), (10, 10), 0), poisson((10, 10))
    A = sp.block_diag(parts).tolil()
    A[0, 0] += 1e-8
    A[0, 100] -= 1e-8
    doubted(krylov.bicgstab, sp.csr_array(A), np.ones(200), rtol=1e-6)


def test_the_pressure_of_an_enclosed_flow(rng):
    drawn = next(hard_systems.draw([hard_systems.saddle_stokes], 1, 0, 300))
    x = drawn.x + np.append(np.zeros(drawn.A.shape[0] - 5), np.ones(5))
    doubted(krylov.minres, drawn.A, x, rtol=1e-8)


@pytest.mark.parametrize("rtol", [1e-5, 1e-10])
def test_healthy_systems_are_not_doubted(rtol, rng):
    for A in (poisson((15, 15)), convection_diffusion((15, 15), (30.0, 5.0))):
        result = krylov.gmres(A, A @ rng.standard_normal(225), rtol=rtol).check()
        assert not result.doubt


@pytest.mark.parametrize("margin", [1e-6, 0.01, 1.0])
def test_the_bound_for_dominant_rows_is_an_upper_bound(margin, rng):
    A = sp.random_array((200, 200), density=0.03, rng=rng) - sp.random_array(
        (200, 200), density=0.02, rng=rng
    )
    A.setdiag(0)
    A = sp.csr_array(A)
    sizes = 10.0 ** rng.uniform(-3, 3, 200)
    A = sp.csr_array(sp.diags_array(sizes) @ (A + sp.diags_array(abs(A).sum(axis=1) + margin)))
    x = rng.standard_normal(200)
    for disturbed in (x + 1e-6 * rng.standard_normal(200), x * (1 + 1e-4), x + 1e-3 * (np.arange(200) == 7)):
        rows = Rows(as_operator(A, "numpy"), A @ x, disturbed)
        assert np.linalg.norm(disturbed - x) <= rows.bound < np.inf


def test_rows_that_are_not_dominant_have_no_bound(rng):
    A, b = poisson((12, 12)), rng.standard_normal(144)
    assert Rows(as_operator(A, "numpy"), b, b).bound == np.inf


def test_a_solution_within_the_bound_needs_no_further_solve(rng):
    A, b = poisson((40, 40)) + sp.eye_array(1600), rng.standard_normal(1600)
    result = solve(A, b)
    assert result.method == "cg"
    alone = krylov.cg(A, b, rtol=1e-8)
    assert result.nit == alone.nit
    assert np.isnan(result.forward_error)
