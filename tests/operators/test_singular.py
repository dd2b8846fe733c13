"""The declaration of a null space: checked, kept, and used by every method."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from support.singular import differences, neumann, transport
from support.tiers import extended

import numsolve
from numsolve import ConvergenceWarning, Status, krylov, precondition
from numsolve._operators.operator import Scaled, Shifted

METHODS = ["cg", "minres", "gmres", "bicgstab", *extended("fgmres", "idrs", "gcrodr", "refine")]


def system(rng, n=12):
    """Return a singular Laplacian, the solution of minimum norm and its right-hand side."""
    A = neumann((n, n))
    x = rng.standard_normal(n * n)
    x -= x.mean()
    return A, x, A @ x


def relative_error(x, want):
    return np.linalg.norm(x - want) / np.linalg.norm(want)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("preconditioned", [False, *extended(True)])
def test_methods_solve_in_the_complement(method, preconditioned, rng):
    A, x, b = system(rng)
    M = precondition.ssor(A) if preconditioned else None
    solve, declared = getattr(krylov, method), numsolve.singular(A, right=np.full(144, 3.0))
    result = solve(declared, b, x0=np.ones(144), M=M, rtol=1e-10).check()
    assert "minimum norm" in result.message
    assert relative_error(result.x, x) < 1e-7
    assert np.linalg.norm(b - A @ result.x) <= 1e-10 * np.linalg.norm(b)
    near = solve(declared, b + 0.9e-8 * np.linalg.norm(b) / 12, M=M, rtol=1e-8).check()
    assert "without a part of b" in near.message
    assert near.residuals[-1] == pytest.approx(
        np.linalg.norm(b + 0.9e-8 * np.linalg.norm(b) / 12 - A @ near.x)
    )
    assert near.residuals[-1] <= 1e-8 * near.residuals[0]
    with pytest.warns(ConvergenceWarning, match="no x can match a part of b of size"):
        far = solve(declared, b + 1, M=M, rtol=1e-10)
    assert far.status == Status.SINGULAR
    assert relative_error(far.x, x) < 1e-7
    assert far.residuals[-1] == pytest.approx(12)


def test_several_columns(rng):
    A, x, b = system(rng)
    declared = numsolve.singular(A, np.ones(144))
    result = krylov.cg(declared, np.stack([b, -2 * b, 0 * b], axis=1), rtol=1e-10).check()
    np.testing.assert_allclose(result.x, np.stack([x, -2 * x, 0 * x], axis=1), atol=1e-7)
    with pytest.warns(ConvergenceWarning, match="least-squares"):
        result = krylov.cg(declared, np.stack([b, b + 0.5, np.ones(144)], axis=1), rtol=1e-10)
    assert result.status == Status.SINGULAR
    np.testing.assert_allclose(result.x, np.stack([x, x, 0 * x], axis=1), atol=1e-7)
    np.testing.assert_allclose([result.residuals[-1, 1], result.residuals[0, 2]], [6, 12])


def test_recycling_in_the_complement(rng):
    A, x, b = system(rng)
    declared = numsolve.singular(A, np.ones(144))
    first = krylov.cg(declared, b, rtol=1e-10, recycle=6).check()
    second = krylov.cg(declared, b, rtol=1e-10, recycle=first.recycle).check()
    assert second.products < first.products
    for result in (first, second):
        assert relative_error(result.x, x) < 1e-7


def test_a_left_null_space_that_differs(rng):
    A = transport(9, rng)
    w = np.linalg.svd(A.toarray())[0][:, -1]
    c = rng.standard_normal(81)
    want = np.linalg.pinv(A.toarray()) @ c
    declared = numsolve.singular(A, np.ones(81), left=w)
    with pytest.warns(ConvergenceWarning, match="least-squares"):
        result = krylov.gmres(declared, c, rtol=1e-11)
    assert relative_error(result.x, want) < 1e-8
    assert result.residuals[-1] == pytest.approx(np.linalg.norm(c - A @ want))
    unknown = numsolve.singular(A, np.ones(81))  # the left null space: a system with a solution is solved
    assert unknown.null_space.left is None
    result = krylov.gmres(unknown, A @ want, rtol=1e-11).check()
    assert relative_error(result.x, want) < 1e-8
    with pytest.warns(ConvergenceWarning, match="least-squares"):
        result = numsolve.solve(unknown, c)
    assert relative_error(result.x, want) < 1e-8


def test_complex_null_vectors(rng):
    turn = np.exp(1j * np.arange(64))
    A = sp.csr_array(sp.diags_array(turn) @ neumann((8, 8)) @ sp.diags_array(turn.conj()))
    x = rng.standard_normal(64) * turn
    x -= turn * (turn.conj() @ x) / 64
    result = krylov.minres(numsolve.singular(A, turn), A @ x, rtol=1e-10).check()
    assert relative_error(result.x, x) < 1e-8
    # Complex vectors for a real matrix: their real and imaginary parts.
    turns = np.exp(2j * np.pi * np.arange(12) / 4)
    B = sp.csr_array(sp.diags_array(np.repeat([0.0, 1.0, 2.0], 4)))
    assert numsolve.singular(B, np.where(np.arange(12) < 4, turns, 0)).null_space.right.k == 2


def test_dependent_vectors_are_left_out(rng):
    A, x, b = system(rng)
    declared = numsolve.singular(A, np.stack([np.ones(144), np.full(144, -2.0), np.zeros(144)], axis=1))
    assert declared.null_space.right.k == 1
    assert relative_error(krylov.cg(declared, b, rtol=1e-10).check().x, x) < 1e-7


FORMS = {
    "sparse": lambda A: A,
    "dense": lambda A: A.toarray(),
    "LinearOperator": spla.aslinearoperator,
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_and_composition(form, rng):
    A, x, b = system(rng, 6)
    for declared in (
        numsolve.singular(numsolve.hermitian(FORMS[form](A)), np.ones(36)),
        numsolve.hermitian(numsolve.singular(FORMS[form](A), np.ones(36))),
    ):
        assert declared.known_hermitian
        assert declared.null_space.left is declared.null_space.right
        assert relative_error(krylov.cg(declared, b, rtol=1e-10).check().x, x) < 1e-8
        assert relative_error(numsolve.solve(declared, b, rtol=1e-10).check().x, x) < 1e-8
        np.testing.assert_allclose(declared @ x, b, rtol=1e-12)


def test_the_declaration_is_kept(rng):
    A, x, b = system(rng)
    declared = pickle.loads(pickle.dumps(numsolve.singular(A, np.ones(144))))
    for operator in (declared.astype(np.float32), declared.astype(np.complex128), Scaled(declared, 2.0)):
        assert operator.null_space is declared.null_space
    assert Shifted(declared, 1.0).null_space is None
    assert declared.with_data(declared.data * 2).null_space is None
    for scale in (1e-180, 1e180):
        result = krylov.cg(numsolve.singular(A * scale, np.ones(144)), b, rtol=1e-10).check()
        assert relative_error(result.x * scale, x) < 1e-7
    assert A.dtype == np.float64
    single = krylov.cg(numsolve.singular(A.astype(np.float32), np.ones(144)), b.astype(np.float32), rtol=1e-5)
    assert single.check().x.dtype == np.float32
    assert relative_error(single.x, x) < 1e-2


@pytest.mark.parametrize(
    ("A", "right", "left", "message"),
    [
        (np.diag([1.0, 0]), [1.0, 0], None, r"A @ right is 1.0e\+00 of its terms; needed: at most 1.5e-08"),
        (np.diag([1.0, 0]), [0.0, 1], [1.0, 0], "A\\^H @ left is"),
        (np.diag([1.0, 0]), [0.0, 0], None, "right is zero"),
        (np.diag([1.0, 0]), np.ones(3), None, r"right has shape \(3,\), but A needs \(2,\)"),
        (np.diag([1.0, 0]), [np.nan, 1], None, "right has 1 NaN"),
        (np.diag([1.0, 0, 0]), np.eye(3)[1:].T, np.eye(3)[1], "right spans 2 dimensions and left 1"),
        (np.ones((2, 3)), np.ones(3), None, "square"),
    ],
)
def test_bad_declarations(A, right, left, message):
    with pytest.raises(ValueError, match=message):
        numsolve.singular(A, right, left)


def test_an_operator_is_checked_too():
    A = spla.aslinearoperator(neumann((6, 6)) + 1e-3 * sp.eye_array(36))
    with pytest.raises(ValueError, match="A @ right is"):
        numsolve.singular(A, np.ones(36))
    only_products = spla.LinearOperator((36, 36), matvec=lambda x: differences(36, True) @ x, dtype=float)
    assert numsolve.singular(only_products, np.ones(36)).null_space.left is None


@pytest.mark.parametrize("method", ["cg", "gmres"])
def test_on_a_gpu(method, cupy, rng):
    A, x, b = system(rng, 8)
    ones, right_hand_side = numsolve.to_device(np.ones(64), b)
    declared = numsolve.singular(numsolve.to_device(A), ones)
    result = getattr(krylov, method)(declared, right_hand_side, rtol=1e-10).check()
    assert relative_error(numsolve.to_host(result.x), x) < 1e-8
    with pytest.raises(TypeError, match="to_device"):
        numsolve.singular(numsolve.to_device(A), np.ones(64))
