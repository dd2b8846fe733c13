"""The assertion that an operator is Hermitian: believed, kept, and no product is spent on the test."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla

import numsolve
from numsolve import krylov, precondition
from numsolve._operators.hermitian import is_hermitian
from numsolve._operators.operator import Scaled, Shifted, as_operator
from numsolve.problems import poisson


def slightly_asymmetric():
    """Return a matrix whose asymmetry is far above rounding."""
    A = sp.lil_array(poisson((8, 8)))
    A[0, 1] *= 1.001
    return sp.csr_array(A)


FORMS = {
    "sparse": lambda A: A,
    "dense": lambda A: A.toarray(),
    "list": lambda A: A.toarray().tolist(),
    "LinearOperator": spla.aslinearoperator,
}


@pytest.mark.parametrize("form", FORMS)
def test_a_method_believes_the_assertion(form):
    A = FORMS[form](slightly_asymmetric())
    with pytest.raises(ValueError, match=r"numsolve\.hermitian\(A\)"):
        krylov.cg(A, np.ones(64))
    result = krylov.cg(numsolve.hermitian(A), np.ones(64), rtol=1e-3)
    assert result.success
    assert np.linalg.norm(1 - slightly_asymmetric() @ result.x) <= 1.01e-3 * 8


def test_no_product_is_spent_on_the_test():
    A, calls = poisson((6, 6)), []

    def count(x):
        calls.append(1)
        return A @ x

    operator = spla.LinearOperator(A.shape, matvec=count, dtype=float)
    counts = []
    for given in (operator, numsolve.hermitian(operator)):
        calls.clear()
        krylov.cg(given, np.ones(36), rtol=1e-8)
        counts.append(len(calls))
    assert counts[0] - counts[1] == 2


def test_the_front_door_and_the_methods_agree_on_what_is_hermitian():
    A = sp.csr_array(poisson((8, 8)))
    for size, hermitian in ((1e-12, True), (1e-4, False)):
        B = A.copy()
        B.data[1] *= 1 + size
        assert is_hermitian(as_operator(B, "numpy")) is hermitian
        by_name = numsolve.solve(B, np.ones(64), method="cg", M=None).success if hermitian else None
        if hermitian:
            assert by_name
            assert krylov.cg(B, np.ones(64)).success
        else:
            with pytest.warns(numsolve.ConvergenceWarning, match="not Hermitian"):
                numsolve.solve(B, np.ones(64), method="cg", M=None)
            with pytest.raises(ValueError, match="not symmetric"):
                krylov.cg(B, np.ones(64))


def test_the_assertion_survives_casts_scales_and_shifts():
    A = numsolve.hermitian(slightly_asymmetric())
    for operator in (A.astype(np.float32), Scaled(A, 2.0), Shifted(A, 1.0), numsolve.hermitian(A)):
        assert operator.known_hermitian
    assert A.adjoint() is A
    assert not A.with_data(A.data * 2).known_hermitian  # other entries: nothing was asserted of them
    assert not as_operator(slightly_asymmetric(), "numpy").known_hermitian


def test_a_preconditioner_takes_the_assertion():
    A = slightly_asymmetric()
    with pytest.raises(ValueError, match="not symmetric"):
        precondition.ic0(A)
    M = precondition.ic0(numsolve.hermitian(A))
    assert M.shape == (64, 64)


def test_the_operator_multiplies_and_pickles():
    A = slightly_asymmetric()
    H = pickle.loads(pickle.dumps(numsolve.hermitian(A)))
    assert H.known_hermitian
    np.testing.assert_allclose(H @ np.arange(64.0), A @ np.arange(64.0), rtol=1e-14)
    with pytest.raises(ValueError, match="square"):
        numsolve.hermitian(np.ones((2, 3)))


def test_a_name_in_place_of_a_preconditioner():
    with pytest.raises(TypeError, match=r"pass numsolve\.precondition\.jacobi\(A\)"):
        krylov.cg(np.eye(2), np.ones(2), M="jacobi")
