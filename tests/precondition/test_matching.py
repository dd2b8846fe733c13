"""Matching of rows with columns: the largest diagonal, and what preconditioners do with it."""

import re
from itertools import permutations

import numpy as np
import pytest
import scipy.sparse as sp
from support.plants import plant
from support.tiers import extended

import numsolve
from numsolve import precondition, to_device, to_host
from numsolve._linear.direct import equilibrated
from numsolve._operators.operator import Csr
from numsolve.krylov import cg, gmres
from numsolve.precondition import block_jacobi, ilu0, iluk, ilut, jacobi, ssor
from numsolve.precondition._matching import Matched, matched_rows
from numsolve.problems import convection_diffusion, poisson

MAKERS = {
    "ilu0": ilu0,
    "iluk": iluk,
    "ilut": ilut,
    "ssor": ssor,
    "block_jacobi": lambda A, **options: block_jacobi(A, 4, **options),
}
each_maker = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@pytest.mark.parametrize("seed", range(20))
def test_the_product_of_the_diagonal_is_the_largest(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    A = rng.standard_normal((n, n)) * 10.0 ** rng.uniform(-5, 5, (n, n))
    A[rng.random((n, n)) < 0.4] = 0
    A[rng.permutation(n), np.arange(n)] = 10.0 ** rng.uniform(-5, 5, n)  # at least one product is not zero
    products = [np.prod(abs(A[list(order), range(n)])) for order in permutations(range(n))]
    order = matched_rows(Csr(sp.csr_array(A)))
    assert sorted(order) == list(range(n))
    assert np.prod(abs(A[order, range(n)])) == pytest.approx(max(products), rel=1e-9)


def test_a_structurally_singular_matrix_has_no_matching():
    A = np.ones((5, 5))
    A[2:, 1:] = 0  # three rows share one column
    with pytest.raises(ValueError, match="structurally singular"):
        matched_rows(Csr(sp.csr_array(A)))
    for make in (ilu0, ssor):
        with pytest.raises(ValueError, match="No order of the rows avoids this: A is structurally singular"):
            make(A)


@each_maker
@pytest.mark.parametrize("dtype", ["float64", *extended("complex128")])
def test_a_plant_is_solved(make, dtype, rng):
    A = plant(400, rng, dtype=dtype)
    assert (A.diagonal() == 0).sum() > 380
    with pytest.raises(ValueError, match=r"zero|pivot|singular"):
        make(A, matching=False)
    M = make(A)
    assert M.dtype == dtype
    B, rows, columns = equilibrated(A, abs(A))
    y = rng.standard_normal(400)
    result = gmres(sp.diags_array(rows) @ A, B @ y, M=make(sp.diags_array(rows) @ A), rtol=1e-10).check()
    assert result.nit < 60
    np.testing.assert_allclose(result.x / columns, y, atol=1e-4)
    unscaled = gmres(A, A @ (columns * y), M=M, rtol=1e-15, maxiter=60).x
    np.testing.assert_allclose(rows * (A @ unscaled), B @ y, atol=1e-3)


@each_maker
def test_a_good_diagonal_is_left_alone(make):
    A = convection_diffusion((9, 9), (5.0, 2.0))
    assert not isinstance(make(A), Matched)
    assert isinstance(make(A, matching=True), Matched)


def test_tiny_diagonal_entries_are_avoided_too(rng):
    A = plant(200, rng, orders=1.0)
    A = sp.csr_array(A + 1e-22 * sp.eye_array(200))
    with pytest.raises(ValueError, match=r"factors of ilu0 are useless|meets the pivot"):
        ilu0(A, matching=False)
    b = A @ np.ones(200)
    assert gmres(A, b, M=ilu0(A), rtol=1e-10, maxiter=200).check().nit < 60


def test_useless_factors_are_refused_whatever_the_scales(rng):
    A = sp.csr_array(sp.random_array((60, 60), density=0.2, rng=rng) + 1e-20 * sp.eye_array(60))
    for orders in (0, 20):
        rows, columns = (sp.diags_array(2.0 ** rng.integers(-orders, orders + 1, 60)) for _ in range(2))
        with pytest.raises(ValueError, match=r"A M r is \S+ times r: pass a larger shift"):
            ilu0(rows @ A @ columns, matching=False)
        good = sp.csr_array(rows @ poisson((10, 6)) @ columns)
        assert ilu0(good, matching=False).shape == (60, 60)
        assert ssor(good, matching=False).shape == (60, 60)


@each_maker
def test_an_update_keeps_the_order_of_the_rows(make, rng):
    A = plant(120, rng, orders=2.0)
    B = A.copy()
    B.data *= rng.uniform(0.9, 1.1, B.nnz)
    M, r = make(A), rng.standard_normal(120)
    before, updated = M @ r, M.update(B)
    np.testing.assert_allclose(updated @ r, make(B) @ r, rtol=1e-9)
    np.testing.assert_array_equal(M @ r, before)
    if make is not ilut:
        with pytest.raises(ValueError, match="make a new one"):
            M.update(plant(120, rng, orders=2.0))


def test_another_omega_of_matched_rows(rng):
    A = plant(80, rng, orders=1.0)
    M, r = ssor(A, 1.2), rng.standard_normal(80)
    assert (M.omega, M.update(omega=0.7).omega) == (1.2, 0.7)
    np.testing.assert_allclose(M.update(omega=0.7) @ r, ssor(A, 0.7) @ r, rtol=1e-12)


@each_maker
def test_other_precisions(make, rng):
    A = plant(60, rng, orders=1.0)
    M, r = make(A), rng.standard_normal(60)
    for dtype, rtol in (("float32", 1e-3), ("complex128", 1e-12)):
        twin = M.astype(dtype)
        assert twin.dtype == dtype
        np.testing.assert_allclose(twin @ r.astype(dtype), M @ r, rtol=rtol, atol=rtol * abs(M @ r).max())


@each_maker
def test_on_a_gpu(make, cupy, rng):
    A, r = plant(60, rng, orders=1.0), rng.standard_normal(60)
    options = {} if make in (MAKERS["block_jacobi"],) else {"solves": "exact"}
    M = make(to_device(A), **options)
    assert M.library == "cupy"
    want = make(A) @ r
    np.testing.assert_allclose(to_host(M @ to_device(r)), want, rtol=1e-9, atol=1e-9 * abs(want).max())


def unsuitable():
    """Return matrices that some or all preconditioners refuse."""
    rng = np.random.default_rng(3)
    hollow = poisson((6, 6)).tolil()
    hollow.setdiag(0)
    singular = np.ones((6, 6))
    saddle = sp.block_array([[poisson((6, 6)), sp.eye_array(36, 12)], [sp.eye_array(12, 36), None]])
    return {
        "plant": plant(60, rng, orders=1.0),
        "zero diagonal": sp.csr_array(hollow),
        "rank one": sp.csr_array(singular),
        "saddle point": sp.csr_array(saddle),
        "empty row": sp.csr_array(sp.diags_array([1.0, 1.0, 0.0, 1.0])),
        "negative": -poisson((6, 6)),
        "skew": sp.csr_array(convection_diffusion((6, 6), (50.0, 9.0)) - poisson((6, 6)) * 0.99),
    }


UNSUITABLE = unsuitable()


@pytest.mark.parametrize("start", list(precondition.__all__))
@pytest.mark.parametrize("kind", UNSUITABLE)
def test_the_advice_of_refusals_does_not_go_in_circles(kind, start):
    """Whoever follows it comes to a preconditioner that takes the matrix, or to another kind of remedy."""
    A, visited, names = UNSUITABLE[kind], [], [start]
    while names:
        name = names[0]
        assert name not in visited, f"{' -> '.join(visited)} -> {name}"
        visited.append(name)
        try:
            block_jacobi(A, 3) if name == "block_jacobi" else getattr(precondition, name)(A)
        except ValueError as refused:
            advised = re.findall(
                r"\b(\w+)\b", str(refused).rpartition(":")[2] + str(refused).rpartition(";")[2]
            )
            names = [each for each in advised if each in precondition.__all__ and each != name]
        else:
            return
    assert len(visited) < 4


def test_what_is_not_a_choice_is_refused():
    with pytest.raises(ValueError, match="matching is 'yes'"):
        ilu0(np.eye(3), matching="yes")


def test_solve_takes_the_matched_factors_by_name(rng):
    A = plant(300, rng, orders=1.0)
    x = rng.standard_normal(300)
    result = numsolve.solve(A, A @ x, method="gmres", M="ilu0", rtol=1e-12).check()
    assert result.preconditioner == "ilu0"
    np.testing.assert_allclose(result.x, x, rtol=1e-6)


def test_a_definite_matrix_keeps_a_definite_preconditioner():
    A, b = poisson((12, 12)), np.ones(144)
    for M in (ssor(A), block_jacobi(A, 4), jacobi(A)):
        assert cg(A, b, M=M, rtol=1e-10).check().nit < 40
