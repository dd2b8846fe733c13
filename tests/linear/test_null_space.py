"""`solve` for singular matrices: the null space is recognised or found, x is the pseudo-inverse times b."""

import numpy as np
import pytest
import scipy.sparse as sp
from support.singular import differences, neumann, stokes, transport
from support.tiers import extended

import numsolve
from numsolve import ConvergenceWarning, Status, solve
from numsolve._linear.constant_vectors import constant_null_space
from numsolve._linear.null_space import completed_by_solves, null_space_by_factorisation, null_space_by_solves
from numsolve._operators.hermitian import is_hermitian
from numsolve._operators.operator import absolute, as_operator
from numsolve.krylov import cg, gmres
from numsolve.problems import poisson


def relative_error(x, want):
    return np.linalg.norm(x - want) / np.linalg.norm(want)


def recognised(A):
    operator = as_operator(A, "numpy")
    return constant_null_space(operator, absolute(operator), is_hermitian(operator))


def dimensions(space):
    return None if space is None else tuple(basis and basis.k for basis in (space.right, space.left))


def weights(rng, spread):
    return lambda m: np.exp(spread * rng.standard_normal(m))


def markov(rng, n):
    P = rng.random((n, n))
    return np.eye(n) - P / P.sum(axis=1)[:, None]


def stored_zeros():
    """Return a Neumann block and a Dirichlet block that only a stored zero connects."""
    A = sp.lil_array(sp.block_diag([neumann((4, 4)), poisson((4, 4))]))
    A[0, 20] = A[20, 0] = 1.0
    A = sp.csr_array(A)
    A.data[(A.data == 1.0)] = 0.0
    return A


def one_way():
    """Return a Neumann block and a Dirichlet block joined by one directed edge: not singular."""
    A = sp.lil_array(sp.block_diag([neumann((5, 5)), poisson((5, 5))]))
    A[0, 0] += 1e-5
    A[0, 25] = -1e-5
    return sp.csr_array(A)


CONSTANT = {
    "Neumann": (lambda rng: neumann((12, 10)), (1, 1)),
    "negative": (lambda rng: -neumann((12, 10)), (1, 1)),
    "dense": (lambda rng: neumann((6, 6)).toarray(), (1, 1)),
    "weighted": (lambda rng: neumann((9, 9), weights(rng, 5)), (1, 1)),
    "periodic": (lambda rng: neumann((6, 5, 4), periodic=True), (1, 1)),
    "complex": (lambda rng: neumann((8, 8)) * (1 + 2j), (1, 1)),
    "components": (lambda rng: sp.block_diag([neumann((4, 4))] * 3 + [poisson((4, 4))]), (3, 3)),
    "many components": (lambda rng: sp.block_diag([neumann((3,))] * 20), (20, 20)),
    "isolated unknowns": (lambda rng: sp.block_diag([neumann((5, 5)), sp.csr_array((3, 3))]), (4, 4)),
    "stored zeros": (lambda rng: stored_zeros(), (1, 1)),
    "zero": (lambda rng: sp.csr_array((4, 4)), (4, 4)),
    "central differences": (lambda rng: differences(20, True) - differences(20, True).T, (2, 2)),
    "Stokes": (lambda rng: stokes(6), (1, 1)),
    "stabilised Stokes": (lambda rng: stokes(6, 0.01), (1, 1)),
    "Stokes with skew coupling": (lambda rng: stokes(6, symmetric=False), (1, 1)),
    "Markov chain": (lambda rng: markov(rng, 20), (1, None)),
    "transport": (lambda rng: transport(6, rng), (1, None)),
    "its adjoint": (lambda rng: transport(6, rng).T, (None, 1)),
    "Dirichlet": (lambda rng: poisson((6, 6)), None),
    "shifted by 1e-9": (lambda rng: neumann((9, 9)) + 1e-9 * sp.eye_array(81), None),
    "shifted by 1e-13": (lambda rng: neumann((9, 9)) + 1e-13 * sp.eye_array(81), None),
    "one fixed unknown": (lambda rng: neumann((9, 9)) + sp.diags_array(np.eye(81)[3] * 1e-9), None),
    "one directed edge": (lambda rng: one_way(), None),
}


@pytest.mark.parametrize("case", CONSTANT)
def test_constant_null_vectors_are_recognised(case, rng):
    make, want = CONSTANT[case]
    A = make(rng)
    A = sp.csr_array(A) if sp.issparse(A) else A
    space = recognised(A)
    assert dimensions(space) == want
    if want is not None:
        for basis, matrix in ((space.right, A), (space.left, A.conj().T)):
            for z in [] if basis is None else basis.columns():
                assert np.linalg.norm(z) == pytest.approx(1)
                assert (abs(matrix @ z) <= 1e-14 * (abs(matrix) @ abs(z))).all()


FOUND = {
    "rows and columns scaled": lambda rng: scaled(neumann((8, 8)), rng),
    "phases": lambda rng: turned(neumann((8, 8)), rng),
    "low rank": lambda rng: (lambda Q: Q @ Q.T)(rng.standard_normal((30, 25))),
    "different left vectors": lambda rng: rng.standard_normal((30, 27)) @ rng.standard_normal((27, 30)),
    "nilpotent": lambda rng: np.array([[0.0, 1], [0, 0]]),
    "Stokes with positive diagonal": lambda rng: stokes(6, 0.01, symmetric=False),
}


def scaled(A, rng):
    D = sp.diags_array(np.exp(rng.standard_normal(A.shape[0])))
    return sp.csr_array(D @ A @ D)


def turned(A, rng):
    D = sp.diags_array(np.exp(1j * rng.standard_normal(A.shape[0])))
    return sp.csr_array(D @ A @ D.conj())


@pytest.mark.parametrize("case", [*FOUND, *(name for name, (_, want) in CONSTANT.items() if want)])
@pytest.mark.parametrize("columns", [None, *extended(2)])
def test_x_is_the_pseudo_inverse_times_b(case, columns, rng):
    A = FOUND[case](rng) if case in FOUND else CONSTANT[case][0](rng)
    A = sp.csr_array(A) if sp.issparse(A) else A
    n, dense = A.shape[0], A.toarray() if sp.issparse(A) else A
    inverse = np.linalg.pinv(dense, rcond=1e-12)
    shape = (n,) if columns is None else (n, columns)
    b = A @ rng.standard_normal(shape)
    result = solve(A, b).check()
    assert "minimum norm" in result.message
    assert np.linalg.norm(result.x - inverse @ b) <= 1e-8 * np.linalg.norm(inverse @ b)
    assert np.linalg.norm(b - A @ result.x) <= 1e-8 * np.linalg.norm(b)
    c = b + rng.standard_normal(shape)
    with pytest.warns(ConvergenceWarning, match="no x can match a part of b of size"):
        result = solve(A, c)
    assert result.status == Status.SINGULAR
    assert np.linalg.norm(result.x - inverse @ c) <= 1e-8 * np.linalg.norm(inverse @ c)
    np.testing.assert_allclose(
        result.residuals[-1], np.linalg.norm(c - dense @ (inverse @ c), axis=0), rtol=1e-6
    )


LARGE = {
    "2-D": lambda rng: neumann((60, 60)),
    "3-D periodic": lambda rng: neumann((16, 16, 16), periodic=True),
    "3-D weighted": lambda rng: neumann((18, 18, 18), weights(rng, 1)),
}
LARGER = {
    "2-D, 110": lambda rng: neumann((110, 110)),
    "2-D, 150": lambda rng: neumann((150, 150)),
    "3-D, 30": lambda rng: neumann((30, 30, 30)),
    "3-D, complex": lambda rng: neumann((18, 18, 18)).astype(complex),
}


@pytest.mark.parametrize("method", ["auto", "cg"])
@pytest.mark.parametrize("case", [*LARGE, *extended(*LARGER)])
def test_large_systems_have_the_solution_of_mean_zero(case, method, rng):
    A = (LARGE | LARGER)[case](rng)
    x = rng.standard_normal(A.shape[0])
    x -= x.mean()
    b, limit = A @ x, 1e-8 * A.shape[0]  # rtol times a bound of the condition in the complement
    assert relative_error(solve(A, b, method=method).check().x, x) < limit
    nearly = b + 3e-9 * np.linalg.norm(b) * np.ones(len(b)) / len(b) ** 0.5
    result = solve(A, nearly, method=method).check()
    assert relative_error(result.x, x) < limit
    assert np.linalg.norm(nearly - A @ result.x) <= 1e-8 * np.linalg.norm(nearly)
    with pytest.warns(ConvergenceWarning, match="least-squares"):
        result = solve(A, b + 1, method=method)
    assert result.status == Status.SINGULAR
    assert relative_error(result.x, x) < limit
    assert result.residuals[-1] == pytest.approx(len(b) ** 0.5)


def test_components_of_a_large_system(rng):
    box = neumann((18, 18, 18), weights(rng, 1))
    A = sp.csr_array(sp.block_diag([box, 3 * box, sp.csr_array((9, 9))]))
    x = np.zeros(A.shape[0])
    for part in (slice(0, 5832), slice(5832, 11664)):
        x[part] = rng.standard_normal(5832)
        x[part] -= x[part].mean()
    result = solve(A, A @ x, method="cg", M=None).check()
    assert relative_error(result.x, x) < 1e-6
    assert "dimension 11" in result.message


@pytest.mark.filterwarnings("ignore::numsolve.ConvergenceWarning")
def test_a_missing_null_space_is_found_by_iteration(rng):
    A = transport(14, rng)
    for matrix in (A, sp.csr_array(A.T)):
        found = completed_by_solves(
            as_operator(matrix, "numpy"),
            recognised(matrix),
            lambda operator: lambda b: gmres(operator, b, rtol=1e-8).x,
        )
        for basis, side in ((found.right, matrix), (found.left, matrix.T)):
            assert np.linalg.norm(side @ basis.vectors[0]) < 1e-13
            assert np.linalg.norm(basis.vectors[0]) == pytest.approx(1)


@pytest.mark.filterwarnings("ignore::numsolve.ConvergenceWarning")
def test_a_null_space_is_found_by_iteration(rng):
    def solver(operator):
        return lambda b: cg(operator, b, rtol=1e-8).x

    A = sp.csr_array(sp.block_diag([scaled(neumann((7, 7)), rng)] * 2))
    space = null_space_by_solves(as_operator(A, "numpy"), solver)
    assert dimensions(space) == (2, 2)
    for z in space.right.columns():
        assert np.linalg.norm(A @ z) < 1e-13
    assert null_space_by_solves(as_operator(poisson((7, 7)), "numpy"), solver) is None
    shifted = sp.csr_array(neumann((7, 7)) + 1e-9 * sp.eye_array(49))
    assert null_space_by_solves(as_operator(shifted, "numpy"), solver) is None


@pytest.mark.extended
def test_a_large_matrix_with_different_null_spaces(rng):
    A = transport(170, rng)
    x = rng.standard_normal(170**2)
    x -= x.mean()
    result = solve(A, A @ x, rtol=1e-10).check()
    assert relative_error(result.x, x) < 1e-5
    with pytest.warns(ConvergenceWarning, match="least-squares"):
        result = solve(A, A @ x + 1, rtol=1e-10)
    gradient = A.T @ (A @ x + 1 - A @ result.x)
    assert np.linalg.norm(gradient) < 1e-7 * np.linalg.norm(A.T @ (A @ x + 1))


def test_a_null_space_is_found_by_inverse_iteration(rng):
    A = sp.csr_array(sp.block_diag([scaled(neumann((15, 15)), rng)] * 3))
    space = null_space_by_factorisation(as_operator(A, "numpy"))
    assert dimensions(space) == (3, 3)
    inverse = np.linalg.pinv(A.toarray(), rcond=1e-12)
    b = A @ rng.standard_normal(675)
    assert relative_error(solve(A, b).check().x, inverse @ b) < 1e-8


@pytest.mark.parametrize("n", [12, 14, 20])
def test_a_matrix_without_gap_in_its_singular_values_has_no_null_space(n):
    hilbert = 1 / (np.arange(n)[:, None] + np.arange(n) + 1)
    assert null_space_by_factorisation(as_operator(hilbert, "numpy")) is None


@pytest.mark.parametrize("shift", [1e-9, 1e-6])
def test_a_matrix_that_is_nearly_singular_is_not_called_singular(shift, rng):
    A = neumann((20, 20)) + shift * sp.eye_array(400)
    x = 1 + rng.standard_normal(400)
    result = solve(sp.csr_array(A), A @ x).check()
    assert "singular" not in result.message
    assert relative_error(result.x, x) < 1e-14 / shift


def test_zero_and_huge_right_hand_sides(rng):
    A = neumann((8, 8))
    assert not solve(A, np.zeros(64)).check().x.any()
    with pytest.warns(ConvergenceWarning, match=r"no x can match a part of b of size 1.0e\+00"):
        result = solve(A, np.ones(64))
    assert not result.x.any()
    x = rng.standard_normal(64)
    x -= x.mean()
    for scale in (1e-200, 1e200):
        assert relative_error(solve(A, A @ x * scale).check().x / scale, x) < 1e-10


def test_a_part_at_rounding_errors_of_the_product_is_no_inconsistency(rng):
    n = 300
    A = neumann((n,))
    x = np.cos(np.pi * (np.arange(n) + 0.5) / n)
    b = A @ x
    rounding = np.finfo(float).eps * np.linalg.norm(abs(A) @ abs(x))
    b += 0.8 * rounding / n**0.5
    with pytest.warns(ConvergenceWarning, match="rounding errors of A x: loosen rtol"):
        result = solve(A, b, rtol=0.7 * rounding / np.linalg.norm(b))
    assert result.status == Status.STAGNATED
    assert relative_error(result.x, x) < 1e-10
    assert relative_error(solve(A, b, rtol=1e-8).check().x, x) < 1e-10


def test_asked_for_methods_use_the_null_space(rng):
    A = neumann((20, 20))
    x = rng.standard_normal(400)
    x -= x.mean()
    for method in ("cg", "minres", "gmres", "direct"):
        result = solve(A, A @ x, method=method, x0=None if method == "direct" else np.ones(400)).check()
        assert result.method == method
        assert relative_error(result.x, x) < 1e-6


def test_on_a_gpu(cupy, rng):
    A = sp.csr_matrix(sp.block_diag([neumann((7, 7)), neumann((6, 6))]))
    x = rng.standard_normal(85)
    x[:49] -= x[:49].mean()
    x[49:] -= x[49:].mean()
    A, b = numsolve.to_device(A, A @ x)
    result = solve(A, b, M="jacobi", rtol=1e-10).check()
    assert "dimension 2" in result.message
    assert relative_error(numsolve.to_host(result.x), x) < 1e-8
