"""Properties of a matrix that decide on the method, found before the solve."""

from dataclasses import dataclass
from math import inf

import numpy as np

from .._array import array_module, to_host
from .hermitian import is_hermitian
from .operator import Csr, Dense


@dataclass(frozen=True)
class Traits:
    """Properties of a matrix that decide on the method."""

    n: int
    kind: str  # "sparse", "dense" or "operator"
    hermitian: bool
    sign: int  # of all diagonal entries; 0 if signs differ or an entry is zero
    zero_diagonal: bool
    even_diagonal: bool  # whether all its entries are of about one size
    empty: str  # "", or the first zero row or column, such as "row 3"
    uneven: bool  # whether the couplings of many rows of a sparse matrix on the host differ more than tenfold
    band: int  # largest distance of an entry from the diagonal; of a sparse matrix on the host
    ratio: float  # largest sum of a row beside the diagonal, over the diagonal entry; all in magnitude

    def describe(self):
        """Return the properties in words."""
        signs = {1: ", diagonal positive", -1: ", diagonal negative", 0: ""}
        shape = "Hermitian" if self.hermitian else "not Hermitian"
        return f"{self.kind}, n = {self.n}, {shape}{signs[self.sign]}"


def inspect(A, sizes=None):
    """Return the `Traits` of an `Operator`; `sizes` is the matrix of absolute values."""
    n = A.shape[0]
    hermitian = is_hermitian(A)
    if isinstance(A, Csr):
        kind, entries = "sparse", A.to_sparse().diagonal()
    elif isinstance(A, Dense):
        kind, entries = "dense", A.array.diagonal()
    else:
        return Traits(n, "operator", hermitian, 0, False, False, "", False, 0, inf)
    entries = to_host(entries)
    zero = bool((entries == 0).any())
    sign = (
        0
        if zero or abs(entries.imag).any()
        else int((entries.real > 0).all()) - int((entries.real < 0).all())
    )
    sizes_of_diagonal = abs(entries)
    even = bool(sizes_of_diagonal.max() <= 1.2 * sizes_of_diagonal.min())
    rows = to_host(sizes @ array_module(A.library).ones(n, A.dtype)).real
    ratio = inf if zero else float((rows / sizes_of_diagonal).max()) - 1
    return Traits(
        n, kind, hermitian, sign, zero, even, _empty_line(A, sizes, rows), *_shape_of_rows(A), ratio
    )


def _empty_line(A, sizes, rows):
    """Return the name of the first zero row of a matrix or, on the host, of the first zero column."""
    lines = {"row": rows}
    if A.library == "numpy":
        is_sparse = isinstance(A, Csr)
        columns = (
            np.bincount(A.indices, sizes.data.real, A.shape[0]) if is_sparse else sizes.array.sum(axis=0)
        )
        lines["column"] = columns
    for name, sums in lines.items():
        if not sums.all():
            return f"{name} {int(np.argmin(sums != 0))}"
    return ""


def _shape_of_rows(A):
    """Return whether a third of the rows have couplings that differ more than tenfold, and the bandwidth.

    Both are found for sparse matrices on the host. Couplings are the entries off the diagonal that are not
    rounding errors.
    """
    if not isinstance(A, Csr) or A.library != "numpy" or not A.nnz:
        return False, 0
    rows = np.repeat(np.arange(A.shape[0]), np.diff(A.indptr))
    band = int(abs(A.indices - rows).max())
    sizes = abs(A.data)
    coupled = (A.indices != rows) & (sizes > 1e-10 * sizes.max())
    rows, sizes = rows[coupled], sizes[coupled]
    if not len(rows):
        return False, band
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    largest, smallest = np.maximum.reduceat(sizes, starts), np.minimum.reduceat(sizes, starts)
    return bool((largest > 10 * smallest).mean() > 1 / 3), band
