"""Adjoints of operators, from whatever the caller brought."""

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from support.tiers import DTYPES, extended

from numsolve._operators.operator import Operator, Scaled, as_operator


def matrix(dtype, rng):
    """A random 7 by 4 matrix with an empty row and an empty column."""
    A = rng.standard_normal((7, 4)) + (1j * rng.standard_normal((7, 4)) if np.dtype(dtype).kind == "c" else 0)
    A[2], A[:, 1] = 0, 0
    return A.astype(dtype)


class Bare:
    """A user's operator with nothing but a product."""

    def __init__(self, A):
        self._A, self.shape, self.dtype = A, A.shape, A.dtype

    def __matmul__(self, x):
        return self._A @ x


class WithH(Bare):
    @property
    def H(self):
        return Bare(self._A.conj().T)


class WithT(Bare):
    @property
    def T(self):
        return Bare(self._A.T)


class WithRmatvec(Bare):
    def rmatvec(self, y):
        return self._A.conj().T @ y


FORMS = {
    "dense": lambda A: A,
    "fortran": np.asfortranarray,
    "csr": sp.csr_array,
    "coo": sp.coo_matrix,
    "LinearOperator": spla.aslinearoperator,
    "H": WithH,
    "T": WithT,
    "rmatvec": WithRmatvec,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_adjoint_is_the_conjugate_transpose(form, dtype, rng):
    A = matrix(dtype, rng)
    adjoint = as_operator(FORMS[form](A), "numpy").adjoint()
    assert adjoint.shape == (4, 7)
    assert adjoint.dtype == dtype
    y = matrix(dtype, rng)[:, 0]
    np.testing.assert_allclose(adjoint @ y, A.conj().T @ y, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(adjoint.adjoint() @ A[3], A @ A[3], rtol=1e-5, atol=1e-6)


def test_adjoints_of_scaled_and_cast_operators(rng):
    A = matrix("float64", rng)
    y = matrix("complex128", rng)[:, 0]
    wide = as_operator(spla.aslinearoperator(A), "numpy").astype(np.complex128)
    np.testing.assert_allclose(wide.adjoint() @ y, A.T @ y)
    np.testing.assert_allclose(Scaled(wide, -0.25).adjoint() @ y, -0.25 * (A.T @ y))


def test_a_sparse_adjoint_is_made_once(rng):
    A = as_operator(sp.csr_array(matrix("complex128", rng)), "numpy")
    assert A.adjoint() is A.adjoint()


@pytest.mark.parametrize("dtype", ["complex128", *extended("float32")])
def test_on_the_device(cupy, dtype, rng):
    A, y = matrix(dtype, rng), matrix(dtype, rng)[:, 0]
    from numsolve import to_device

    for form in (A, sp.csr_matrix(A)):
        adjoint = as_operator(to_device(form), "cupy").adjoint()
        assert adjoint.library == "cupy"
        np.testing.assert_allclose((adjoint @ to_device(y)).get(), A.conj().T @ y, rtol=1e-5, atol=1e-6)


def test_an_operator_without_one_says_what_is_needed(rng):
    A = matrix("float64", rng)
    with pytest.raises(TypeError, match=r"A is a Bare without adjoint product: rmatvec\(y\)"):
        as_operator(Bare(A), "numpy").adjoint()
    half = spla.LinearOperator(A.shape, lambda x: A @ x, dtype=float)
    with pytest.raises(TypeError, match=r"without adjoint product: rmatvec\(y\), which returns A\^H y"):
        as_operator(half, "numpy").adjoint() @ np.ones(7)
    with pytest.raises(TypeError, match=r"Operator does not define adjoint\(\)"):
        Operator((2, 2), float, "numpy").adjoint()


def test_a_wrong_adjoint_product_is_named(rng):
    class Wrong(Bare):
        def rmatvec(self, y):
            return y[:3]

    with pytest.raises(ValueError, match=r"A\^H @ x has shape \(3,\), but \(4,\) is needed"):
        as_operator(Wrong(matrix("float64", rng)), "numpy").adjoint() @ np.ones(7)


def test_another_dtype_shares_the_pattern_that_was_checked(rng):
    A = as_operator(sp.csr_array(matrix("float64", rng)), "numpy")
    A.adjoint()
    single = A.astype(np.float32)
    assert single.indptr is A.indptr
    assert single.indices is A.indices
    assert (single.dtype, A.dtype, single.data.dtype) == (np.float32, np.float64, np.float32)
    assert single.adjoint().dtype == np.float32
    assert not single.data.flags.writeable
    x = rng.standard_normal(4)
    np.testing.assert_allclose(single @ x, A @ x, rtol=1e-5)
    with pytest.raises(ValueError, match="infinite entries"), np.errstate(over="ignore"):
        as_operator(sp.csr_array(np.eye(2) * 1e300), "numpy").astype(np.float32)
