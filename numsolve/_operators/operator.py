"""Operators: the matrices and preconditioners that the methods multiply with, in NumPy or CuPy."""

from copy import copy
from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module, is_sparse, library, namespace, sparse_module
from ..kernels import kernels_for
from .readonly import ReadOnly
from .sliced import Layout


class Operator(ReadOnly):
    """A linear operator; a subclass has to define only ``apply(x, out)``.

    Threads share an operator, so a product changes nothing in it. `with_workspace` makes the work vectors of
    a solve.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns.
    dtype : numpy.dtype
        Dtype of the entries, and of the vectors of `apply`.
    library : {"numpy", "cupy"}
        The library of its arrays.
    known_hermitian : bool
        Whether the caller asserted that it is Hermitian; it is then not tested.
    given_rounding : float
        Machine epsilon of the dtype in which the entries were given, or the products were returned.
    null_space : NullSpace or None
        The null spaces of a singular operator, as far as they are known.
    """

    known_hermitian = False
    given_rounding = 0.0
    null_space: Any = None

    def __init__(self, shape, dtype, library):
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self.library = library

    def with_workspace(self) -> "Operator":
        """Return the operator with work vectors of its own, for one solve; itself if it needs none.

        Its products give the same bits, and allocate nothing. Two threads must not share it.
        """
        return self

    def without_workspace(self) -> "Operator":
        """Return the operator that threads can share."""
        return self

    def apply(self, x, out):  # noqa: ARG002 - the protocol
        """Write the product with the vector `x` to `out` and return it."""
        raise TypeError(f"{type(self).__name__} does not define apply(x, out)")

    def apply_dot(self, x, out):
        """Write the product with `x` to `out`, return the real part of ``x^H out`` (GPU: partial sums)."""
        self.apply(x, out)
        return kernels_for(out).dot(x, out)

    def adjoint(self) -> "Operator":
        """Return the operator that applies the conjugate transpose."""
        raise TypeError(f"{type(self).__name__} does not define adjoint(), which is needed here")

    def apply_block(self, X, out):
        """Write the product with the block `X`, shape (n, k), to `out` and return it; column by column."""
        xp = namespace(out)
        column = xp.empty(len(out), out.dtype)
        for j in range(X.shape[1]):
            out[:, j] = self.apply(xp.ascontiguousarray(X[:, j]), column)
        return out

    def apply_gram(self, X, out):
        """Write the product with the block `X` to `out`, return ``X^H out``."""
        self.apply_block(X, out)
        return kernels_for(out).block_gram(X, out)

    def residual(self, b, x):
        """Return ``b - A x``, for a vector or a block."""
        r = namespace(b).empty_like(b)
        (self.apply if b.ndim == 1 else self.apply_block)(x, r)
        r *= -1
        r += b
        return r

    @property
    def rounding(self):
        """The relative rounding errors of products: machine epsilon of the dtype, or what products show."""
        return float(np.finfo(self.dtype).eps)

    def magnitude(self):
        """Return the size of a typical large entry, or 1 if the entries are not known."""
        return 1.0

    def astype(self, dtype):
        """Return an operator for vectors of `dtype`; itself if it has this dtype."""
        return self if self.dtype == dtype else _Cast(self, dtype)

    def __matmul__(self, x):
        xp = array_module(self.library)
        x = _validate.as_array(x, "x", xp)
        if x.ndim not in (1, 2) or x.shape[0] != self.shape[1]:
            raise ValueError(f"x has shape {x.shape}, but the operator needs ({self.shape[1]},) or (.., k)")
        out = xp.empty((self.shape[0], *x.shape[1:]), self.dtype)
        if x.size == 0:
            return out
        x = xp.ascontiguousarray(x, dtype=self.dtype)
        return self.apply(x, out) if x.ndim == 1 else self.apply_block(x, out)

    def matvec(self, x):
        """Return the product with the vector `x`: SciPy's name for ``@``."""
        return self @ x


class Csr(Operator):
    """A matrix in compressed sparse rows: canonical, checked and read-only, with products by our kernels.

    A matrix with few diagonals that a solve multiplies often gets a copy in sliced diagonals: see `sliced`.
    """

    _layout: Layout | None = None
    _not_pickled = ("_layout", "_derived")

    def __init__(self, A, dtype=None, name="A"):
        A = A.tocsr()
        super().__init__(
            tuple(A.shape), _validate.floating(dtype or A.dtype, name), library(A) or library(A.data)
        )
        self.given_rounding = _rounding(A.dtype)
        _validate.csr_arrays(A.indptr, A.indices, self.shape, len(A.data), name)
        if not A.has_canonical_format:
            A = A.copy()
            A.sum_duplicates()
        self._keep(A)
        _validate.finite(self.data, name)

    @classmethod
    def trusted(cls, A):
        """Return the operator of a canonical CSR matrix of finite floats, without checks."""
        operator = object.__new__(cls)
        Operator.__init__(operator, tuple(A.shape), A.dtype, library(A) or library(A.data))
        operator._keep(A)
        return operator

    def _keep(self, A):
        """Keep the arrays of a checked matrix."""
        xp = array_module(self.library)
        width = np.int32 if max(*A.shape, A.nnz) < np.iinfo(np.int32).max else np.int64
        self.indptr = xp.ascontiguousarray(A.indptr, dtype=width)
        self.indices = xp.ascontiguousarray(A.indices[: A.nnz], dtype=width)
        self.data = xp.ascontiguousarray(A.data[: A.nnz], dtype=self.dtype)
        self._derived = {}  # what was computed from the entries, which never changes

    def __setstate__(self, state):
        super().__setstate__(state)
        self._derived = {}

    @property
    def found_asymmetry(self):
        """The asymmetry, if it is known."""
        return self._derived.get("asymmetry")

    @found_asymmetry.setter
    def found_asymmetry(self, value):
        self._derived["asymmetry"] = value

    def with_workspace(self):
        twin = self.without_workspace()
        twin._layout = Layout(self._derived)
        return twin

    def without_workspace(self):
        twin = copy(self)
        twin._derived = self._derived
        return twin

    def _sliced(self):
        """Count a product of a solve; return the sliced diagonals to use for it, or None."""
        return None if self._layout is None else self._layout.next(self.indptr, self.indices, self.data)

    @property
    def nnz(self):
        """Number of stored entries."""
        return len(self.data)

    def apply(self, x, out):
        sliced = self._sliced()
        if sliced is None:
            kernels_for(out).spmv(self.indptr, self.indices, self.data, x, out)
        else:
            kernels_for(out).sliced_spmv(*sliced, x, out)
        return out

    def apply_dot(self, x, out):
        sliced = self._sliced()
        if sliced is None:
            return kernels_for(out).spmv_dot(self.indptr, self.indices, self.data, x, out)
        return kernels_for(out).sliced_spmv_dot(*sliced, x, out)

    def adjoint(self):
        """Return the conjugate transpose as a CSR matrix: a second copy, made once and kept."""
        if self.known_hermitian:
            return self
        if "adjoint" not in self._derived:
            transpose = self.to_sparse().T.tocsr()
            self._derived["adjoint"] = Csr(transpose.conj() if self.dtype.kind == "c" else transpose)
        adjoint = self._derived["adjoint"]
        return adjoint if self._layout is None else adjoint.with_workspace()

    def residual(self, b, x):
        if b.ndim == 2:
            return super().residual(b, x)
        return self.residual_to(b, x, namespace(b).empty_like(b))

    def residual_to(self, b, x, out):
        """Write ``b - A x`` to `out` and return it."""
        kernels_for(out).residual(self.indptr, self.indices, self.data, x, b, out)
        return out

    def apply_block(self, X, out):
        if X.size == 0:  # the kernel needs a column
            return out
        kernels_for(out).spmm(self.indptr, self.indices, self.data, X, out)
        return out

    def apply_gram(self, X, out):
        return kernels_for(out).spmm_gram(self.indptr, self.indices, self.data, X, out)

    def magnitude(self):
        return _largest(self.data)

    def to_sparse(self):
        """Return the matrix as SciPy's or CuPy's csr_matrix, sharing its arrays."""
        sparse = sparse_module(self.library)
        matrix = sparse.csr_matrix((self.data, self.indices, self.indptr), shape=self.shape)
        matrix.has_canonical_format = True
        return matrix

    def astype(self, dtype):
        if self.dtype == dtype:
            return self
        return _as_known(self, self.with_data(self.data.astype(dtype)))

    def with_data(self, data, name="A"):
        """Return the matrix with other entries and the same pattern, which is not checked again."""
        twin = copy(self)
        twin.dtype, twin.data = data.dtype, _validate.finite(data, name)
        twin.known_hermitian, twin.null_space = False, None
        return twin


class Dense(Operator):
    """A dense matrix, with products by BLAS."""

    found_asymmetry: float | None = None

    def __init__(self, A, dtype=None, name="A"):
        home = library(A) or "numpy"
        A = _validate.finite(_validate.as_array(A, name, array_module(home)), name)
        super().__init__(A.shape, _validate.floating(dtype or A.dtype, name), home)
        self.given_rounding = _rounding(A.dtype)
        self.array = A.astype(self.dtype, copy=False)

    def apply(self, x, out):
        namespace(out).matmul(self.array, x, out=out)
        return out

    def adjoint(self):
        """Return the conjugate transpose; of a real matrix it is a view."""
        if self.known_hermitian:
            return self
        return Dense(self.array.conj().T if self.dtype.kind == "c" else self.array.T)

    def apply_block(self, X, out):
        return self.apply(X, out)

    def magnitude(self):
        return _largest(self.array.ravel())

    def astype(self, dtype):
        return self if self.dtype == dtype else _as_known(self, Dense(self.array, dtype))


class Wrapped(Operator):
    """Any other object with a shape and ``@`` or ``matvec``, such as a LinearOperator of SciPy or CuPy."""

    def __init__(self, A: Any, home, dtype, name="A"):
        super().__init__(tuple(A.shape), dtype, home)
        self._matvec = _product_with(A)
        self._wrapped, self._name = A, name

    @property
    def rounding(self):
        return max(super().rounding, self.given_rounding)

    def astype(self, dtype):
        """Return the operator for vectors of `dtype`, which it receives unless that loses digits."""
        real = _validate.real_dtype(dtype)
        if real.itemsize <= _validate.real_dtype(self.dtype).itemsize:
            return super().astype(dtype)
        own = np.result_type(self.dtype, real)
        wider = _as_known(self, Wrapped(self._wrapped, self.library, own, self._name))
        return wider if own == dtype else _Cast(wider, dtype)

    def adjoint(self):
        if self.known_hermitian:
            return self
        return Wrapped(_Adjoint(self._wrapped, self._name), self.library, self.dtype, f"{self._name}^H")

    def apply(self, x, out):
        product = self._matvec(x)
        if getattr(product, "shape", None) not in (out.shape, (*out.shape, 1)):
            raise ValueError(
                f"{self._name} @ x has shape {getattr(product, 'shape', None)}, but {out.shape} is needed"
            )
        if library(product) != self.library:
            raise TypeError(f"{self._name} @ x left the library of x: a {type(product).__name__} came back")
        if product.dtype.kind == "c" and out.dtype.kind != "c":
            raise TypeError(f"{self._name} @ x is complex, but its dtype is {self.dtype}: declare it complex")
        if product.dtype != out.dtype:
            self.given_rounding = _rounding(product.dtype)
        out[...] = product.reshape(out.shape)
        return out


class _Adjoint:
    """The conjugate transpose of a LinearOperator or of a user's object, by ``rmatvec``, ``.H`` or ``.T``."""

    def __init__(self, A, name):
        self.shape = A.shape[::-1]
        self.rmatvec = _product_with(A)
        self._message = (
            f"{name} is a {type(A).__name__} without adjoint product: "
            f"rmatvec(y), which returns {name}^H y, is needed (or an attribute .H or .T)"
        )
        if hasattr(A, "rmatvec"):
            self._product = A.rmatvec
        elif hasattr(A, "H"):
            self._product = _product_with(A.H)
        elif hasattr(A, "T"):
            transposed = _product_with(A.T)
            self._product = lambda x: transposed(x.conj()).conj()
        else:
            raise TypeError(self._message)

    def matvec(self, x):
        """Return the product with `x`; a LinearOperator without rmatvec raises only here."""
        try:
            return self._product(x)
        except NotImplementedError:
            raise TypeError(self._message) from None


class Composite(Operator):
    """An operator that multiplies with another one, from which it takes its work vectors."""

    operator: Operator

    def with_workspace(self):
        twin = copy(self)
        twin.operator = self.operator.with_workspace()
        return twin


class Scaled(Composite):
    """A real number times an operator."""

    def __init__(self, operator, factor):
        super().__init__(operator.shape, operator.dtype, operator.library)
        self.factor, self.operator = factor, operator
        self.known_hermitian, self.null_space = operator.known_hermitian, operator.null_space

    @property
    def rounding(self):
        return self.operator.rounding

    def adjoint(self):
        return Scaled(self.operator.adjoint(), self.factor)  # the factor is real

    def apply(self, x, out):
        self.operator.apply(x, out)
        out *= self.factor
        return out

    def apply_block(self, X, out):
        self.operator.apply_block(X, out)
        out *= self.factor
        return out


class Shifted(Composite):
    """An operator minus a real number times the identity."""

    def __init__(self, operator, shift):
        super().__init__(operator.shape, operator.dtype, operator.library)
        self.operator, self.shift = operator, shift
        self.known_hermitian = operator.known_hermitian

    @property
    def rounding(self):
        return self.operator.rounding

    def apply(self, x, out):
        self.operator.apply(x, out)
        out -= self.shift * x
        return out

    def magnitude(self):
        return max(self.operator.magnitude(), abs(self.shift))


class _Cast(Composite):
    """An operator for vectors of another dtype than its own."""

    def __init__(self, operator, dtype):
        if operator.dtype.kind == "c" and np.dtype(dtype).kind != "c":
            raise TypeError(f"an operator of {operator.dtype} cannot act on {np.dtype(dtype)} vectors")
        super().__init__(operator.shape, dtype, operator.library)
        self.operator = operator
        self.known_hermitian, self.null_space = operator.known_hermitian, operator.null_space

    @property
    def rounding(self):
        return max(super().rounding, self.operator.rounding)

    @property
    def given_rounding(self):
        """Machine epsilon of the dtype in which the operator was given."""
        return self.operator.given_rounding

    def adjoint(self):
        return _Cast(self.operator.adjoint(), self.dtype)

    def apply(self, x, out):
        if out.dtype.kind == "c" and self.operator.dtype.kind != "c":
            out.real[...] = self.operator @ x.real.copy()
            out.imag[...] = self.operator @ x.imag.copy()
        else:
            out[...] = self.operator @ x
        return out

    def apply_block(self, X, out):
        return self.apply(X, out)


def as_operator(A, home, name="A", *, keep=False):
    """Return `A` as an `Operator` in the library `home`, with as few copies as possible.

    The operator shares the arrays of `A`. With `keep` it has its own, which a later change of `A` does not
    reach, and threads can share it: for an operator that outlives the call.
    """
    if isinstance(A, Operator):
        return A.without_workspace() if keep else A
    if isinstance(A, Hermitian):
        operator = as_operator(A.wrapped, home, name)
        operator.known_hermitian = True
        return operator
    if is_sparse(A):
        return Csr(A.copy() if keep else A, name=name)
    if hasattr(A, "matvec") or (hasattr(A, "__matmul__") and library(A) is None and hasattr(A, "shape")):
        return Wrapped(A, home, _working_dtype(A, home, name), name)
    return Dense(array_module(library(A) or "numpy").array(A) if keep else A, name=name)


class Hermitian:
    """A LinearOperator or a user's object that the caller asserts to be Hermitian; see `hermitian`."""

    def __init__(self, wrapped):
        self.wrapped, self.shape = wrapped, wrapped.shape
        if hasattr(wrapped, "dtype"):
            self.dtype = wrapped.dtype
        self.matvec = self.rmatvec = _product_with(wrapped)

    def __matmul__(self, x):
        return self.matvec(x)


def _as_known(operator, twin):
    """Return `twin`, the operator in another dtype, with what is asserted of the operator."""
    twin.known_hermitian, twin.null_space = operator.known_hermitian, operator.null_space
    twin.given_rounding = operator.given_rounding
    return twin


def _rounding(dtype):
    """Return machine epsilon of a dtype; zero for integers, which are exact."""
    return float(np.finfo(dtype).eps) if dtype.kind in "fc" else 0.0


def _working_dtype(A: Any, home, name):
    """Return the working dtype of what multiplies; without a dtype, that of its product with zeros."""
    dtype = getattr(A, "dtype", None)
    if dtype is None:
        product = _product_with(A)(array_module(home).zeros(A.shape[1]))
        dtype = getattr(product, "dtype", np.dtype(float))
    return _validate.floating(dtype, name)


def _product_with(A):
    return A.matvec if hasattr(A, "matvec") else A.__matmul__


def entries(A) -> Any:
    """Return the matrix of a `Csr` or `Dense` operator as a sparse or dense array of its library."""
    return A.to_sparse() if isinstance(A, Csr) else A.array


def absolute(A):
    """Return the matrix of absolute values, as an operator of the same dtype; the pattern is shared."""
    if isinstance(A, Dense):
        return Dense(abs(A.array), A.dtype)
    return A.with_data(abs(A.data).astype(A.dtype, copy=False))


def _largest(entries):
    """Return the largest magnitude in a sample of `entries`; only its order of magnitude is needed."""
    sample = entries[:: max(1, len(entries) // 1000)]
    return float(abs(sample).max()) if len(sample) else 1.0
