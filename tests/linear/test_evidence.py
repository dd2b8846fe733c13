"""What methods say about a matrix is checked: A is singular, x is a least-squares solution."""

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from support.tiers import extended

from numsolve import ConvergenceWarning, Status
from numsolve._linear.evidence import is_null, size_of_terms
from numsolve._operators.operator import Scaled, Shifted, as_operator
from numsolve.krylov import bicgstab, block_gmres, cg, fgmres, gcrodr, gmres, idrs, minres
from numsolve.precondition import ilu0, jacobi
from numsolve.problems import poisson

GMRES = [gmres, fgmres, gcrodr]


def neumann(side):
    """Return the 5-point Laplacian of a square with natural boundaries; its null space: constant vectors."""
    path = sp.diags_array([-np.ones(side - 1), np.full(side, 2.0), -np.ones(side - 1)], offsets=[-1, 0, 1])
    path = sp.csr_array(path - sp.diags_array(np.eye(side)[0] + np.eye(side)[-1]))
    return sp.csr_array(sp.kron(path, sp.eye_array(side)) + sp.kron(sp.eye_array(side), path))


def forms(A):
    return A, sp.csr_array(A), spla.aslinearoperator(A)


@pytest.mark.parametrize("method", [minres, cg, gmres, bicgstab], ids=lambda m: m.__name__)
def test_large_entries_make_no_matrix_singular(method):
    for form in forms(np.diag([1, 2, 1e10])):
        result = method(form, np.ones(3), rtol=1e-12).check()
        np.testing.assert_allclose(result.x, [1, 0.5, 1e-10], rtol=1e-3, atol=1e-11)


@pytest.mark.filterwarnings("ignore::numsolve.ConvergenceWarning")
@pytest.mark.parametrize("method", [minres, cg, gmres, bicgstab, idrs], ids=lambda m: m.__name__)
def test_entries_beyond_the_precision_make_no_matrix_singular(method):
    for form in forms(np.diag([1, 2, 1e16])):
        assert method(form, np.ones(3), rtol=1e-12).status != Status.SINGULAR


@pytest.mark.parametrize("penalty", [1e8, 1e10, *extended(1e13)])
@pytest.mark.parametrize("with_M", [False, True])
def test_minres_with_penalties_on_the_diagonal(penalty, with_M, rng):
    A, held = poisson((20, 20)), rng.choice(400, 40, replace=False)
    A = sp.csr_array(A + sp.diags_array(np.bincount(held, minlength=400) * penalty))
    b = np.where(np.bincount(held, minlength=400) > 0, 0.0, 1.0)
    result = minres(A, b, rtol=1e-9, M=jacobi(A) if with_M else None).check()
    np.testing.assert_allclose(result.x, spla.spsolve(A.tocsc(), b), rtol=1e-5, atol=1e-6)


def test_minres_with_a_smooth_residual_of_a_fine_grid():
    """The matrix maps b to 3e-7 of its terms without being singular."""
    n = 3000
    A = sp.csr_array(sp.diags_array([-np.ones(n - 1), np.full(n, 2.0), -np.ones(n - 1)], offsets=[-1, 0, 1]))
    b = np.sin(np.pi * np.arange(1, n + 1) / (n + 1)) + 1e-9 * np.cos(np.arange(n))
    result = minres(A, b, rtol=1e-8).check()
    np.testing.assert_allclose(result.x, spla.spsolve(A.tocsc(), b), rtol=1e-6, atol=1e-3)


def test_minres_names_a_preconditioner_that_is_not_symmetric():
    A = np.diag([1.0, 2.0, 3.0])
    M = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    with pytest.warns(ConvergenceWarning, match="M is not"):
        result = minres(A, np.array([1.0, -1.0, 0.5]), M=M)
    assert result.status == Status.BREAKDOWN


def test_minres_names_a_preconditioner_that_is_not_positive_definite(matrix):
    """ILU(0) of a stiffness matrix: the matrix itself is positive definite, and not singular."""
    A = matrix("bcsstk15")
    with pytest.warns(ConvergenceWarning, match="M is not positive definite"):
        result = minres(A, A @ np.ones(A.shape[0]), M=ilu0(A))
    assert result.status == Status.BREAKDOWN
    assert result.residuals[-1] <= result.residuals[0]


@pytest.mark.parametrize("shift", [0.0, 1.0, 30.0])
@pytest.mark.parametrize("form", ["csr", "operator", "jacobi", "recycle", *extended("x0", "shift")])
def test_minres_without_a_solution_ends_with_least_squares(form, shift, rng):
    A = neumann(20)
    b = rng.standard_normal(400) + shift
    options = {
        "jacobi": {"M": sp.diags_array(np.full(400, 0.25))},
        "recycle": {"recycle": 4},
        "x0": {"x0": rng.standard_normal(400)},
        "shift": {"shift": 0.3},
    }.get(form, {})
    given = {"operator": spla.aslinearoperator(A), "shift": sp.csr_array(A + 0.3 * sp.eye_array(400))}
    with pytest.warns(ConvergenceWarning, match="A is singular.*least-squares solution"):
        result = minres(given.get(form, A), b, rtol=1e-9, **options)
    assert result.status == Status.SINGULAR
    r = b - A @ result.x
    assert np.linalg.norm(r) == pytest.approx(abs(b.mean()) * 20, rel=1e-7)
    assert np.linalg.norm(A @ r) <= 1e-6 * np.linalg.norm(r)
    assert result.residuals[-1] == pytest.approx(np.linalg.norm(r), rel=1e-9)
    assert result.nit < 400


def test_minres_in_single_precision_without_a_solution(rng):
    A, b = neumann(15).astype("float32"), (rng.standard_normal(225) + 1).astype("float32")
    with pytest.warns(ConvergenceWarning, match="A is singular"):
        result = minres(A, b, rtol=1e-5)
    assert result.status == Status.SINGULAR
    assert result.residuals[-1] == pytest.approx(abs(b.mean()) * 15, rel=1e-3)


CLOSED = {  # matrices with small invariant subspaces, none of which has a solution
    "diagonal": (np.diag([1.0, 2.0, 3.0, 0.0]), np.ones(4)),
    "projector": (np.eye(30) - 1 / 30, np.cos(np.arange(30.0)) + 1),
    "blocks": (np.kron(np.eye(5), [[2.0, 1, 0], [0, 2, 1], [0, 0, 0]]), np.ones(15)),
    "nilpotent": (np.diag(np.ones(3), 1), np.eye(4)[3]),
    "zero": (np.zeros((3, 3)), np.ones(3)),
}


@pytest.mark.parametrize("case", CLOSED)
@pytest.mark.parametrize("method", [*GMRES, block_gmres], ids=lambda m: m.__name__)
def test_a_closed_krylov_space_without_solution_is_singular(method, case):
    A, b = CLOSED[case]
    with pytest.warns(ConvergenceWarning, match="A is singular"):
        result = method(A, b, rtol=1e-9)
    assert result.status == Status.SINGULAR
    assert np.linalg.norm(b - A @ result.x) <= np.linalg.norm(b) * (1 + 1e-12)


def test_a_singular_preconditioner_is_not_taken_for_a_singular_matrix():
    with pytest.warns(ConvergenceWarning, match="M is singular"):
        result = gmres(np.diag([1.0, 2.0]), np.ones(2), M=np.zeros((2, 2)))
    assert result.status == Status.BREAKDOWN


def test_gmres_goes_on_after_a_start_that_gains_little(rng):
    """The preconditioner is not linear, so a claim may be false; a later start converges."""
    A, b, c = poisson((10, 10)), rng.standard_normal(100), rng.standard_normal(100)
    inverse = spla.splu(A.tocsc()).solve

    def apply(r):
        z = inverse(r)
        return z + 0.9 * np.linalg.norm(z) / np.linalg.norm(c) * c

    result = gmres(A, b, M=spla.LinearOperator(A.shape, apply, dtype=float), rtol=1e-8).check()
    np.testing.assert_allclose(result.x, inverse(b), atol=1e-6)


@pytest.mark.parametrize("form", ["matrix", "scaled", "shifted"])
def test_null_vectors(form, rng):
    A = as_operator(neumann(12), "numpy")
    A = {"matrix": A, "scaled": Scaled(A, 1e-7), "shifted": Shifted(Shifted(A, 2), -2)}[form]
    ones = np.ones(144)
    assert is_null(A, ones)
    assert is_null(A, 1e-200 * ones)
    assert not is_null(A, ones + 1e-9 * rng.standard_normal(144))
    assert not is_null(A, 0 * ones)


def test_null_vectors_of_an_operator_with_rows_of_very_different_size():
    A = as_operator(spla.aslinearoperator(np.diag([1.0, 1e-18, 1e18, 0.0])), "numpy")
    assert [is_null(A, e) for e in np.eye(4)] == [False, False, False, True]


def test_the_size_of_terms():
    A, x = np.array([[3.0, -4.0], [0.0, 2.0]]), np.array([1.0, 2.0])
    want = np.linalg.norm(abs(A) @ abs(x))
    for scale in (1.0, 1e300, 1e-300):
        assert size_of_terms(as_operator(A, "numpy"), x * scale) == pytest.approx(want * scale)
    estimate = size_of_terms(as_operator(spla.aslinearoperator(A), "numpy"), x)
    assert 0.3 * want < estimate <= np.linalg.norm(A, 2) * np.linalg.norm(x) * (1 + 1e-12)
