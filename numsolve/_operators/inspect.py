"""Properties of a matrix that decide on the method, found before the solve."""

from dataclasses import dataclass

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
    empty: str  # "", or the first zero row or column, such as "row 3"
    band_work: float  # n * bandwidth^2 after reordering; infinite if it was not computed

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
        return Traits(n, "operator", hermitian, 0, False, "", np.inf)
    entries = to_host(entries)
    zero = bool((entries == 0).any())
    sign = (
        0
        if zero or abs(entries.imag).any()
        else int((entries.real > 0).all()) - int((entries.real < 0).all())
    )
    return Traits(n, kind, hermitian, sign, zero, _empty_line(A, sizes), _band_work(A, hermitian))


def _empty_line(A, sizes):
    """Return the name of the first zero row of a matrix or, on the host, of the first zero column."""
    rows = sizes @ array_module(A.library).ones(A.shape[0], A.dtype)
    lines = {"row": to_host(rows)}
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


def _band_work(A, hermitian):
    """Return n * bandwidth^2 after reverse Cuthill-McKee, an upper bound for the work of a factorisation."""
    n = A.shape[0]
    if not isinstance(A, Csr) or A.library != "numpy":
        return np.inf
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    pattern = A.to_sparse()
    pattern = pattern if hermitian else pattern + pattern.T
    order = np.empty(n, np.int64)
    order[reverse_cuthill_mckee(pattern.tocsr(), symmetric_mode=True)] = np.arange(n)
    rows = np.repeat(order, np.diff(A.indptr))
    return float(n) * float(abs(rows - order[A.indices]).max(initial=0) + 1) ** 2
