"""Direct solution: scaling, orderings and error bounds."""

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
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
    plain, ordered = (direct.Plan(C, absolute(C)) for _ in range(2))
    assert ordered.fill().entries > 0
    for factorise in [*direct.factorisations(C, plain), direct.factorisations(C, ordered)[0]]:
        factors = factorise()
        tolerance = 1e-3 if np.finfo(dtype).eps > 1e-10 else 1e-10
        np.testing.assert_allclose(factors.solve(A @ x), x, atol=tolerance)
        np.testing.assert_allclose(factors.adjoint(A.conj().T @ x), x, atol=tolerance)


def plan_of(A):
    C = Csr(sp.csr_array(A))
    return direct.Plan(C, absolute(C))


def test_pivots_stay_on_the_diagonal_only_where_they_are_large():
    assert plan_of(poisson((5, 5))).keeps_diagonal
    assert plan_of(convection_diffusion((5, 5), (30.0, -5.0))).keeps_diagonal
    assert not plan_of(np.triu(np.ones((4, 4)))).keeps_diagonal
    for tiny in (0.0, 1e-10):
        saddle = sp.block_array([[sp.eye_array(4), np.ones((4, 1))], [np.ones((1, 4)), [[-tiny]]]])
        assert not plan_of(saddle).keeps_diagonal


def entries_of_cholesky_factor(A, order):
    """Count the entries below the diagonal by eliminating a dense pattern."""
    pattern, counts = (abs(A.toarray()) > 0)[np.ix_(order, order)], []
    for k in range(len(order)):
        below = np.flatnonzero(pattern[k + 1 :, k]) + k + 1
        counts.append(len(below))
        pattern[np.ix_(below, below)] = True
    return np.array(counts, float)


@pytest.mark.parametrize("kind", ["grid", "random", "star", "diagonal"])
def test_the_forecast_of_the_fill_is_that_of_its_order(kind, rng):
    A = {
        "grid": lambda: poisson((6, 5, 4)),
        "random": lambda: sp.random_array((70, 70), density=0.04, rng=rng),
        "star": lambda: sp.csr_array(np.eye(400) + np.eye(400)[:, :1] + np.eye(400)[:1]),
        "diagonal": lambda: sp.eye_array(9),
    }[kind]()
    A = sp.csr_array(A + A.T + 100 * sp.eye_array(A.shape[0]))
    fill = plan_of(A).fill()
    assert sorted(fill.order) == list(range(A.shape[0]))
    counts = entries_of_cholesky_factor(A, fill.order)
    assert fill.entries == counts.sum()
    assert fill.work == pytest.approx((counts**2).sum(), abs=1)


def test_the_fill_of_a_skew_matrix_is_that_of_its_pattern(rng):
    """A + A.T has no entries off the diagonal."""
    A = np.triu(poisson((6, 6)).toarray(), 1)
    A = sp.csr_array(A - A.T + 3 * np.eye(36))
    fill = plan_of(A).fill()
    assert fill.entries == entries_of_cholesky_factor(A, fill.order).sum() > 60


def test_a_forecast_ends_at_its_limit():
    plan = plan_of(poisson((12, 12, 12)))
    assert plan.fill(1e3).work == np.inf
    assert plan.fill(1e9).work < 1e9
    assert plan.fill(1e3).work < 1e9  # what was counted is kept


@pytest.mark.parametrize("kind", ["saddle", "convection", "random"])
def test_the_forecast_with_row_interchanges_is_near_the_factors(kind, rng):
    n = 400
    if kind == "saddle":
        B = sp.random_array((300, 100), density=0.02, rng=rng) + sp.eye_array(300, 100)
        A = sp.block_array([[poisson((20, 15)), B], [B.T, None]])
    elif kind == "convection":
        A = convection_diffusion((20, 20), (5.0, 9.0)) + sp.eye_array(n, k=3)
    else:
        A = sp.random_array((n, n), density=0.01, rng=rng) + sp.eye_array(n)
    plan = plan_of(A)
    assert not plan.keeps_diagonal
    lu = spla.splu(plan.scaled[0].tocsc())
    assert 1 / 4 < plan.fill().entries / max(lu.L.nnz, lu.U.nnz) < 4


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
