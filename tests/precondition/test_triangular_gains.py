"""The iterations that triangular preconditioners save."""

import numpy as np
import pytest
import scipy.sparse as sp
from support.tiers import extended

from numsolve import ConvergenceWarning, Status
from numsolve.krylov import cg, gmres
from numsolve.precondition import ic0, ilu0, jacobi, ssor
from numsolve.precondition._gauss_seidel import RowSweeps
from numsolve.problems import convection_diffusion, diffusion, poisson


def test_iterations_of_cg_on_poisson():
    A, b = poisson((64, 64)), np.ones(4096)
    makers = {
        None: lambda: None,
        "jacobi": lambda: jacobi(A),
        "ssor": lambda: ssor(A),
        "ssor 1.9": lambda: ssor(A, 1.9),
        "ic0": lambda: ic0(A),
        "ic0, 2 Jacobi sweeps": lambda: ic0(A, solves="jacobi"),
    }
    counts = {name: cg(A, b, M=make(), rtol=1e-8).check().nit for name, make in makers.items()}
    want = {None: 119, "jacobi": 119, "ssor": 58, "ssor 1.9": 33, "ic0": 52, "ic0, 2 Jacobi sweeps": 63}
    assert counts == {name: pytest.approx(count, abs=2) for name, count in want.items()}


def test_iterations_of_gmres_on_convection_diffusion():
    A = convection_diffusion((50, 50), (20.0, 10.0))
    b = np.ones(2500)
    makers = {
        None: lambda: None,
        "ssor": lambda: ssor(A),
        "ilu0": lambda: ilu0(A),
        "ilu0, 2 Jacobi sweeps": lambda: ilu0(A, solves="jacobi"),
    }
    counts = {name: gmres(A, b, M=make(), rtol=1e-8).check().nit for name, make in makers.items()}
    want = {None: 270, "ssor": 60, "ilu0": 52, "ilu0, 2 Jacobi sweeps": 95}
    assert counts == {name: pytest.approx(count, abs=3) for name, count in want.items()}


@pytest.mark.parametrize(
    ("name", "shift", "want", "error"),
    [
        ("orsreg_1", 0, 58, 1e-6),
        ("jpwh_991", 0, 18, 1e-6),
        *extended(("memplus", 0, 553, 1e-2), ("memplus", 0.1, 290, 1e-2)),
    ],
)
def test_gmres_with_ilu0_on_real_matrices(matrix, name, shift, want, error):
    A = matrix(name)
    x = np.ones(A.shape[0])
    result = gmres(A, A @ x, M=ilu0(A, shift=shift), rtol=1e-8, maxiter=2000).check()
    assert result.nit == pytest.approx(want, rel=0.1)
    np.testing.assert_allclose(result.x, x, atol=error)


@pytest.mark.parametrize(
    ("name", "sign", "shift", "want"),
    [("sherman1", -1, 0, 42), ("494_bus", 1, 0, 84), *extended(("bcsstk15", 1, 0.064, 172))],
)
def test_cg_with_ic0_on_real_matrices(matrix, name, sign, shift, want):
    A = sign * matrix(name)
    x = np.ones(A.shape[0])
    M = ic0(A)
    result = cg(A, A @ x, M=M, rtol=1e-8).check()
    assert M.shift == pytest.approx(shift)
    assert result.nit == pytest.approx(want, rel=0.1)
    np.testing.assert_allclose(result.x, x, atol=1e-3)


@pytest.mark.parametrize(("name", "zeros"), [("e05r0500", 74), ("hangGlider_2", 733)])
def test_zero_diagonals_of_real_matrices_are_named(matrix, name, zeros):
    A = matrix(name)
    with pytest.raises(ValueError, match=f"{zeros} zero entries on the diagonal, the first in row"):
        ssor(A, matching=False)
    with pytest.raises(ValueError, match=f"{zeros} zero entries on the diagonal"):
        RowSweeps(A)
    if name == "hangGlider_2":
        with pytest.raises(ValueError, match="ic0 meets the pivot"):
            ic0(A)


def test_a_residual_is_not_an_error(matrix):
    """The rows of watt__1 differ by nine orders of magnitude: the residual hides errors in small ones."""
    A = matrix("watt__1")
    x = np.ones(A.shape[0])
    with pytest.warns(ConvergenceWarning, match="rows of A differ much in size"):
        result = gmres(A, A @ x, M=ilu0(A), rtol=1e-8)
    assert result.status is Status.CONVERGED
    assert abs(result.x - x).max() > 0.5
    rows = 1 / abs(A).max(axis=1).toarray().ravel()
    scaled = sp.csr_array(sp.diags_array(rows) @ A)
    good = gmres(scaled, scaled @ x, M=ilu0(scaled), rtol=1e-8).check()
    assert abs(good.x - x).max() < 0.1


def test_jacobi_of_a_varying_diagonal_is_beaten(rng):
    A = diffusion(np.exp(3 * rng.standard_normal((40, 40))))
    b = rng.standard_normal(1600)
    plain = cg(A, b, M=jacobi(A), rtol=1e-8).check().nit
    assert cg(A, b, M=ssor(A), rtol=1e-8).check().nit < 0.6 * plain
    assert cg(A, b, M=ic0(A), rtol=1e-8).check().nit < 0.5 * plain
