"""`numsolve.solve` of systems that are not square: least squares, and the shortest solution."""

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla

from numsolve import ConvergenceWarning, solve

SHAPES = {"tall": (60, 20), "wide": (20, 60)}


def system(shape, rng, rank=None):
    A = rng.standard_normal(SHAPES[shape])
    if rank is not None:
        A = A[:, :rank] @ rng.standard_normal((rank, A.shape[1]))
    return A, rng.standard_normal(A.shape[0])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array, spla.aslinearoperator])
@pytest.mark.parametrize("rank", [None, 5])
def test_the_shortest_least_squares_solution(shape, form, rank, rng):
    A, b = system(shape, rng, rank)
    result = solve(form(A), b, rtol=1e-12).check()
    want = np.linalg.pinv(A, rcond=1e-10) @ b
    assert np.linalg.norm(result.x - want) < 1e-8 * np.linalg.norm(want)
    assert result.method == ("direct" if form is np.asarray else "lsmr")
    assert f"{A.shape[0]} equations for {A.shape[1]} unknowns" in result.message
    assert "least squares" in result.message or "shortest" in result.message


def test_columns_and_a_guess(rng):
    A, _ = system("wide", rng)
    B, guess = rng.standard_normal((20, 3)), rng.standard_normal((60, 3))
    dense, sparse = (solve(form(A), B, x0=guess, rtol=1e-12).check().x for form in (np.asarray, sp.csr_array))
    np.testing.assert_allclose(dense, guess + np.linalg.pinv(A) @ (B - A @ guess), atol=1e-10)
    np.testing.assert_allclose(sparse, dense, atol=1e-8)


def test_lsqr_by_name_and_the_limits(rng):
    A, b = system("tall", rng)
    want = np.linalg.lstsq(A, b)[0]
    assert solve(A, b, method="lsqr").check().method == "lsqr"
    np.testing.assert_allclose(solve(A, b, method="lsqr").x, want, atol=1e-6)
    with pytest.warns(ConvergenceWarning, match="maxiter"):
        assert not solve(sp.csr_array(A), b, maxiter=2).success


@pytest.mark.parametrize(
    ("options", "message"),
    [({"method": "cg"}, "shape"), ({"M": "jacobi"}, "no preconditioner"), ({"M": np.eye(20)}, "no precond")],
)
def test_what_needs_a_square_matrix_is_refused(options, message, rng):
    A, b = system("tall", rng)
    with pytest.raises(ValueError, match=message):
        solve(A, b, **options)
    with pytest.raises(ValueError, match="A is square"):
        solve(np.eye(3), np.ones(3), method="lsmr")
    with pytest.raises(ValueError, match="not dense"):
        solve(sp.csr_array(A), b, method="direct")
