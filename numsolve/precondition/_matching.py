"""Rows in an order that puts large entries on the diagonal, for preconditioners that divide by it."""

from copy import copy
from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module, to_device, to_host
from .._linear.direct import equilibrated
from .._operators.entries import PoorDiagonal, with_pattern_of
from .._operators.operator import Composite, Csr, entries


def made(make, matrix, matching, method):
    """Return ``make(matrix)``, or the same for the matrix with matched rows where `matching` asks for it.

    With "auto" that is so if the diagonal of the matrix turns out to be too poor for `make`.
    """
    _validate.choice(matching, "matching", ("auto", True, False))
    if matching is True:
        return Matched(matrix, make, matched_rows(matrix), method)
    try:
        return make(matrix)
    except PoorDiagonal as poor:
        if matching is False:
            raise
        try:
            order = matched_rows(matrix)
        except ValueError as singular:
            raise PoorDiagonal(f"{poor}. No order of the rows avoids this: {singular}") from None
        if (order == np.arange(len(order))).all():
            raise
        try:
            return Matched(matrix, make, order, method)
        except PoorDiagonal as again:
            raise PoorDiagonal(f"{again} (of A with its rows in the order of a matching)") from None


def matched_rows(matrix):
    """Return the rows of a matrix in the order that makes the product of the diagonal entries largest.

    It is a perfect matching of rows with columns whose weights are the logarithms of the magnitudes: I. S.
    Duff, J. Koster, SIAM J. Matrix Anal. Appl. 22, 2001, doi:10.1137/S0895479899358443, by SciPy.
    """
    import scipy.sparse as sp
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    A = abs(sp.csr_array(to_host(entries(matrix))))
    A.eliminate_zeros()
    A.data = np.log(A.data.astype(float))
    A.data = 1 + A.data.max(initial=0) - A.data  # positive: a weight of zero would be no edge
    try:
        rows, columns = min_weight_full_bipartite_matching(A)
    except ValueError:
        raise ValueError("A is structurally singular, as no n entries are in n rows and n columns") from None
    order = np.empty(len(rows), matrix.indices.dtype)
    order[columns] = rows
    return order


class Matched(Composite):
    """A preconditioner of the equilibrated matrix with its rows in another order."""

    operator: Any
    _work: Any = None
    _not_pickled = ("_work",)

    def __init__(self, matrix, make, order, method):
        super().__init__(matrix.shape, matrix.dtype, matrix.library)
        self._method, self.row_order = method, array_module(matrix.library).asarray(order)
        self.operator = make(self._arranged(matrix))

    def _arranged(self, matrix):
        """Return the matrix with its rows in order, equilibrated; keep it, and the scales."""
        import scipy.sparse as sp

        host, order = sp.csr_matrix(to_host(entries(matrix))), to_host(self.row_order)
        host = host[order]
        host.sort_indices()
        B, rows, columns = equilibrated(host, abs(host))
        self._matrix = matrix
        self._rows, self._columns = (array_module(self.library).asarray(each) for each in (rows, columns))
        return Csr(to_device(sp.csr_matrix(B)) if self.library == "cupy" else B, self.dtype)

    def __getattr__(self, name):
        if name.startswith("_") or name == "operator":
            raise AttributeError(name)
        return getattr(self.operator, name)

    def with_workspace(self):
        twin = super().with_workspace()
        twin._work = [array_module(self.library).empty(self.shape[0], self.dtype)]
        return twin

    def apply(self, x, out):
        if self._work is None:
            return self.with_workspace().apply(x, out)
        ordered = self._work[0]
        ordered[...] = x[self.row_order]
        ordered *= self._rows
        self.operator.apply(ordered, out)
        out *= self._columns
        return out

    def astype(self, dtype):
        if self.dtype == dtype:
            return self
        twin = copy(self)
        twin.dtype, twin.operator = np.dtype(dtype), self.operator.astype(dtype)
        twin._rows, twin._columns = (
            each.astype(np.finfo(dtype).dtype) for each in (self._rows, self._columns)
        )
        return twin

    def update(self, A=None, *args, **options):
        """Return the operator for another matrix of the same pattern; the order of the rows stays."""
        twin = copy(self)
        matrix = self._matrix if A is None else with_pattern_of(self._matrix, A, self._method)
        twin.operator = self.operator.update(twin._arranged(matrix), *args, **options)
        return twin
