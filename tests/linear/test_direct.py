"""Direct solution: scaling, orderings and error bounds."""

import numpy as np
import pytest
import scipy.sparse as sp
from support.tiers import DTYPES

from numsolve import solve
from numsolve._linear import direct
from numsolve._operators.operator import Csr, absolute
from numsolve._result import Breakdown, Status
from numsolve.problems import convection_diffusion, poisson


def test_equilibration_is_exact_and_brings_entries_near_one(rng):
    rough = sp.diags_array(np.exp(9 * rng.standard_normal(300)))
    A = sp.csr_array(rough @ sp.random_array((300, 300), density=0.05, rng=rng) @ rough + rough)
    S, rows, cols = direct.equilibrated(A, abs(A))
    for scale in (rows, cols):
        np.testing.assert_array_equal(np.log2(scale), np.round(np.log2(scale)))
    np.testing.assert_array_equal(S.toarray(), rows[:, None] * A.toarray() * cols)
    for axis in (0, 1):
        largest = abs(S).max(axis=axis).toarray()
        assert largest.min() >= 0.5
        assert largest.max() <= 2


def test_equilibration_keeps_symmetry():
    A = poisson((9, 9)) + sp.diags_array(np.geomspace(1, 1e12, 81))
    S, rows, cols = direct.equilibrated(A, abs(A))
    np.testing.assert_array_equal(rows, cols)
    assert abs(S - S.T).max() == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("columns", [None, 3])
def test_factors_solve_with_the_matrix_and_with_its_adjoint(dtype, columns, rng):
    A = convection_diffusion((7, 7), (30.0, -5.0)).astype(dtype)
    if np.dtype(dtype).kind == "c":
        A = A + sp.diags_array(1j * np.arange(49)).astype(dtype)
    shape = (49,) if columns is None else (49, columns)
    x = rng.standard_normal(shape).astype(dtype)
    C = Csr(A)
    for factorise in direct._factorisations(C, absolute(C)):
        factors = factorise()
        tolerance = 1e-3 if np.finfo(dtype).eps > 1e-10 else 1e-10
        np.testing.assert_allclose(factors.solve(A @ x), x, atol=tolerance)
        np.testing.assert_allclose(factors.adjoint(A.conj().T @ x), x, atol=tolerance)


def test_a_symmetric_pattern_gets_a_symmetric_ordering():
    symmetric = Csr(poisson((5, 5)))
    assert len(direct._factorisations(symmetric, symmetric)) == 2
    one_sided = Csr(sp.csr_array(np.triu(np.ones((4, 4)))))
    assert len(direct._factorisations(one_sided, one_sided)) == 1


def test_a_zero_pivot_is_singular():
    A = Csr(sp.csr_array(np.ones((3, 3))))
    with pytest.raises(Breakdown) as caught:
        direct.solve(A, A, np.ones(3), lambda norms: True)
    assert caught.value.status == Status.SINGULAR


def test_scales_far_apart_are_solved(rng):
    rows, cols = (sp.diags_array(10.0 ** rng.uniform(-12, 12, 200)) for _ in range(2))
    A = sp.csr_array(rows @ convection_diffusion((20, 10), (9.0, 2.0)) @ cols)
    want = rng.standard_normal(200) / cols.diagonal()
    result = solve(A, A @ want).check()
    np.testing.assert_allclose(result.x, want, rtol=1e-8)
