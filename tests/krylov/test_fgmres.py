"""Flexible GMRES alone."""

import tracemalloc

import numpy as np
import pyamg
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator

from numsolve import ConvergenceWarning
from numsolve.krylov import cg, fgmres, gmres
from numsolve.precondition import jacobi
from numsolve.problems import convection_diffusion, poisson


class Varying:
    """A preconditioner that is another matrix at every application."""

    def __init__(self, A, rng):
        self.shape, self.dtype = A.shape, A.dtype
        self.inverse, self.rng, self.made = np.linalg.inv(A.toarray()), rng, []

    def matvec(self, v):
        noise = 0.3 * self.rng.standard_normal(v.shape) * abs(v).max()
        self.made.append(self.inverse @ v + noise)
        return self.made[-1]


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_residuals_are_the_smallest_over_what_M_made(dtype, rng):
    A = convection_diffusion((6, 6), (20.0, 5.0)).astype(dtype)
    if dtype == "complex128":
        A = sp.csr_array(A + 0.5j * sp.eye_array(36))
    b = (A @ np.ones(36)).astype(dtype)
    M = Varying(A, rng)
    result = fgmres(A, b, M=M, rtol=1e-9, restart=36).check()
    want = [np.linalg.norm(b)]
    for k in range(1, result.nit + 1):
        AZ = A @ np.array(M.made[:k]).T
        want.append(np.linalg.norm(b - AZ @ np.linalg.lstsq(AZ, b)[0]))
    np.testing.assert_allclose(result.residuals, want, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(result.x, 1, atol=1e-6)


def test_a_fixed_M_gives_gmres(rng):
    A = convection_diffusion((14, 14), (40.0, 3.0))
    A = sp.csr_array(sp.diags_array(rng.uniform(0.1, 10, 196)) @ A)
    b = rng.standard_normal(196)
    fixed, flexible = (f(A, b, M=jacobi(A), rtol=1e-9, restart=20).check() for f in (gmres, fgmres))
    assert flexible.nit == pytest.approx(fixed.nit, abs=1)
    both = min(flexible.nit, fixed.nit)
    np.testing.assert_allclose(flexible.residuals[:both], fixed.residuals[:both], rtol=1e-3, atol=1e-9)


def test_it_is_pyamgs(rng):
    A = convection_diffusion((14, 14), (40.0, 3.0))
    b, norms = rng.standard_normal(196), []
    M = sp.diags_array(rng.uniform(0.5, 2, 196)).tocsr()
    pyamg.krylov.fgmres(
        sp.csr_matrix(A), b, M=sp.csr_matrix(M), restart=20, maxiter=3, tol=1e-9, residuals=norms
    )
    ours = fgmres(A, b, M=M, restart=20, rtol=1e-9)
    count = min(20, len(norms))
    np.testing.assert_allclose(ours.residuals[:count], norms[:count], rtol=1e-6)


def test_an_inner_solve_as_preconditioner(rng):
    """With a nonlinear M the residual that GMRES reports is not the true one; FGMRES's is."""
    A = poisson((20, 20))
    b, errors = rng.standard_normal(400), []

    def inner(r):
        return cg(A, r, rtol=0.2).x

    def callback(x, norm):
        errors.append(abs(norm - np.linalg.norm(b - A @ x)))

    result = fgmres(A, b, M=LinearOperator(A.shape, inner, dtype=float), rtol=1e-8, callback=callback).check()
    assert max(errors) < 1e-9 * np.linalg.norm(b)
    assert result.nit < 14


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_a_preconditioner_of_any_size(size, rng):
    A = poisson((10, 10))
    b = rng.standard_normal(100)
    result = fgmres(A, b, M=sp.diags_array(np.full(100, size)), rtol=1e-8, restart=50).check()
    assert result.nit == pytest.approx(gmres(A, b, rtol=1e-8, restart=50).nit, abs=1)


def test_a_singular_preconditioner_does_not_pass_as_converged(rng):
    A = poisson((6, 6))
    M = sp.diags_array(np.r_[np.zeros(3), np.ones(33)])
    with pytest.warns(ConvergenceWarning):
        result = fgmres(A, rng.standard_normal(36), M=M, rtol=1e-10)
    assert not result.success


def test_storage_is_what_the_docstring_says(rng):
    A = convection_diffusion((90, 90), (5.0, 5.0))
    b, M, held = rng.standard_normal(8_100), jacobi(A), []

    class Look:
        wants_x = False

        def __call__(self, x, norm):
            held.append(tracemalloc.get_traced_memory()[0])
            return len(held) == 5

    fgmres(A, b, M=M, restart=10, callback=Look())
    held.clear()
    tracemalloc.start()
    try:
        fgmres(A, b, M=M, restart=10, callback=Look())
    finally:
        tracemalloc.stop()
    assert 21 + 1 - 0.5 < held[-1] / b.nbytes < 21 + 1 + 0.5
