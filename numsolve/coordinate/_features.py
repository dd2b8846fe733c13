"""The feature matrix X of a regression, read by columns."""

from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module, is_sparse, library, sparse_module
from ..kernels import kernels_for


class Features:
    """A checked matrix of samples (rows) and features (columns), dense or in compressed sparse columns.

    Attributes
    ----------
    shape : tuple of int
        Samples and features.
    dtype : numpy.dtype
        float32 or float64.
    library : {"numpy", "cupy"}
        The library of its arrays.
    matrix : array or sparse array
        The entries: a dense array in the caller's order, or canonical compressed sparse columns.
    """

    def __init__(self, X, name="X"):
        _validate.matrix_shape(X, name)
        self.library = library(X) or "numpy"
        xp = array_module(self.library)
        if is_sparse(X):
            X = X.tocsc()
            dtype = _validate.floating(X.dtype, name)
            if not X.has_canonical_format:
                X = X.copy()
                X.sum_duplicates()
            _validate.finite(X.data, name)
            X = X.astype(dtype) if X.dtype != dtype else X
            if self.library == "numpy":
                X = sparse_module("numpy").csc_array(X)
            _validate.csr_arrays(X.indptr, X.indices, X.shape[::-1], len(X.data), name)
        else:
            X = _validate.real(X, name, xp)
        if X.dtype.kind == "c":
            raise TypeError(f"{name} has dtype {X.dtype}; real numbers are needed")
        self.matrix: Any = X
        self.shape = (int(X.shape[0]), int(X.shape[1]))
        self.dtype = np.dtype(X.dtype)

    @property
    def is_sparse(self):
        """Whether the entries are sparse."""
        return is_sparse(self.matrix)

    def product(self, w) -> Any:
        """Return ``X w``, for a vector or a block."""
        return self.matrix @ w

    def correlate(self, r) -> Any:
        """Return ``X^T r``, for a vector or a block."""
        if not self.is_sparse or r.ndim > 1:
            return self.matrix.T @ r
        found = array_module(self.library).empty(self.shape[1], self.dtype)
        kernels_for(r).spmv(*self.arrays, r.astype(self.dtype, copy=False), found)
        return found

    @property
    def arrays(self):
        """The three arrays of compressed sparse columns: starts of the columns, rows and values."""
        return self.matrix.indptr, self.matrix.indices, self.matrix.data

    def columns(self, block) -> Any:
        """Return the columns of a block of features, dense or sparse."""
        return self.matrix[:, block]

    def weighted_squares(self, weights) -> Any:
        """Return the sum of ``weights[i] * X[i, j]**2`` for each feature j."""
        if self.is_sparse:
            starts, rows, values = self.arrays
            found = array_module(self.library).empty(self.shape[1], self.dtype)
            kernels_for(values).spmv(starts, rows, values * values, weights.astype(self.dtype), found)
            return found
        if self.library == "numpy":
            return np.einsum("i,ij,ij->j", weights, self.matrix, self.matrix)
        return weights @ (self.matrix * self.matrix)

    def gram(self, block, weights) -> Any:
        """Return the dense matrix ``X_b^T diag(weights) X_b`` of a block of features."""
        columns = self.columns(block)
        if self.is_sparse:
            return (columns.multiply(weights[:, None]).T @ columns).toarray()
        return columns.T @ (weights[:, None] * columns)
