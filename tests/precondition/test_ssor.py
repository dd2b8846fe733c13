"""SSOR by colours, and with another omega."""

import numpy as np
import pytest
import scipy.sparse as sp
from support.tiers import DTYPES, extended

import numsolve
from numsolve.krylov import cg
from numsolve.precondition import ssor
from numsolve.problems import irregular, poisson
from numsolve.relaxation import colouring


def definite(rng, n, dtype):
    """Return a Hermitian positive definite matrix of a random pattern."""
    R = sp.random_array((n, n), density=0.04, rng=rng)
    A = R + 1j * sp.random_array((n, n), density=0.04, rng=rng) if np.dtype(dtype).kind == "c" else R
    A = sp.csr_array(A + A.conj().T)
    return sp.csr_array((A + sp.diags_array(1 + abs(A).sum(axis=1))).astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("omega", [0.7, 1.4])
def test_colours_are_the_formula_in_another_order(dtype, omega, rng):
    A, r = definite(rng, 90, dtype), rng.standard_normal(90).astype(dtype)
    order = np.argsort(colouring(A), kind="stable")
    want = np.empty_like(r)
    want[order] = ssor(sp.csr_array(A[order][:, order]), omega) @ r[order]
    for colours in ("greedy", colouring(A)):
        M = ssor(A, omega, colours=colours)
        tol = 1000 * float(np.finfo(dtype).eps) * abs(want).max()
        np.testing.assert_allclose(M @ r, want, rtol=0, atol=tol)
        jacobi = ssor(A, omega, colours=colours, solves="jacobi", sweeps=M.rows.bounds.size - 2)
        np.testing.assert_allclose(jacobi @ r, want, rtol=0, atol=10 * tol)
    wide = M.astype("complex128")
    np.testing.assert_allclose(wide @ r.astype(complex), want, rtol=0, atol=tol)


@pytest.mark.parametrize("colours", [None, "greedy"])
@pytest.mark.parametrize("solves", ["exact", "jacobi"])
def test_updates_are_new_operators(colours, solves, rng):
    A, r = definite(rng, 60, float), rng.standard_normal(60)
    B = A.copy()
    B.data *= 1 + rng.random(B.nnz)
    options = {"colours": colours, "solves": solves}
    M = ssor(A, 1.2, **options)
    for matrix, omega, given in (
        (A, 1.6, {"omega": 1.6}),
        (B, 1.6, {"A": B}),
        (A, 0.4, {"A": A, "omega": 0.4}),
        (A, 1.2, {"omega": 1.2}),
    ):
        M, before = M.update(**given), (M, M.omega, M @ r)
        assert M.omega == omega
        assert before[0].omega == before[1]
        assert np.array_equal(before[0] @ r, before[2])
        assert np.array_equal(M @ r, ssor(matrix, omega, **options) @ r)
    hole = A.copy()
    hole.setdiag(np.where(np.arange(60) == 7, 0.0, A.diagonal()))
    before = M @ r
    for bad, message in (
        ({"omega": 2}, "omega is 2"),
        ({"A": hole}, "in row 7"),
        ({"A": A[:9, :9]}, "shape"),
    ):
        with pytest.raises(ValueError, match=message):
            M.update(**bad)
        assert np.array_equal(M @ r, before)


def test_what_colours_must_be():
    A = poisson((4, 4))
    with pytest.raises(ValueError, match="rows 0 and 1 the same colour"):
        ssor(A, colours=np.zeros(16, int))
    with pytest.raises(ValueError, match="colours has shape"):
        ssor(A, colours="red-black")


@pytest.mark.parametrize("grid", [True, *extended(False)])  # two colours use two threads, many do not
def test_many_rows_and_threads_change_no_bit(grid, rng):
    import numba

    A = poisson((100, 100)) if grid else irregular(10_000, mean_entries=5, rng=0)
    A = sp.csr_array(A + sp.diags_array(1 + abs(A).sum(axis=1)))
    order, r = np.argsort(colouring(A), kind="stable"), rng.standard_normal(10_000)
    want = np.empty_like(r)
    want[order] = ssor(sp.csr_array(A[order][:, order]), 1.1) @ r[order]
    before, found = numba.get_num_threads(), []
    for threads in (1, 2):
        numba.set_num_threads(min(threads, before))
        found.append(ssor(A, 1.1, colours="greedy") @ r)
    numba.set_num_threads(before)
    np.testing.assert_allclose(found[0], want, rtol=0, atol=1e-12 * abs(want).max())
    assert np.array_equal(*found)


def test_with_colours_the_best_omega_is_near_one():
    """An omega learned in natural order must not be used with colours."""
    A, b = poisson((50, 50)), np.random.default_rng(0).standard_normal(2500)

    def count(omega, colours):
        return cg(A, b, M=ssor(A, omega, colours=colours), rtol=1e-8).check().nit

    natural = [count(omega, None) for omega in (1.0, 1.5, 1.8)]
    coloured = [count(omega, "greedy") for omega in (0.8, 1.0, 1.1, 1.5, 1.8)]
    assert natural == sorted(natural, reverse=True)
    assert coloured[1:] == sorted(coloured[1:])
    assert min(coloured) > 1.4 * min(natural)


def test_colours_on_the_device(cupy, rng):
    A, r = definite(rng, 90, float), rng.standard_normal(90)
    device, there = numsolve.to_device(A, r)
    here, M = ssor(A, 1.3, colours="greedy"), ssor(device, 1.3, colours="greedy")
    assert M.solves == "levels"
    np.testing.assert_allclose((M @ there).get(), here @ r, rtol=1e-12, atol=1e-12)
    M = M.update(omega=0.9)
    np.testing.assert_allclose((M @ there).get(), here.update(omega=0.9) @ r, rtol=1e-12, atol=1e-12)
    grid = ssor(numsolve.to_device(poisson((9, 9))), colours="greedy")
    x, out = cupy.ones(81), cupy.empty(81)
    cupy.counts.clear()
    grid.apply(x, out)
    assert cupy.counts["launches"] <= 8  # two colours each way, and what permutes
    assert cupy.counts["syncs"] == 0
