"""Vectors that a matrix may map almost to zero: constant on parts of the unknowns that are joined weakly."""

from functools import cached_property

import numpy as np

from .._operators.hermitian import asymmetry
from .further import is_symmetric

WEAK = 1e-2  # couplings below this part of the largest of their row join two parts weakly
MOST = 8  # parts that are examined, the largest first
DOMINANT = 1e-2  # excess of the diagonal, relative to the row, above which a matrix has a moderate inverse


class Parts:
    """The strongly joined parts of the unknowns of a sparse matrix on the host.

    `rows` are the `Rows` of one right-hand side. The entries are sorted into strong and weak ones only if
    their magnitudes differ much: other matrices are not read again.
    """

    def __init__(self, A, rows):
        self.A, self.n, self.rows = A, A.shape[0], rows
        self.alike = rows.least >= WEAK * rows.most
        if not is_symmetric(A):
            asymmetry(A)

    @cached_property
    def strong(self):
        """Which entries are strong couplings, and which are couplings."""
        A, counts = self.A, np.diff(self.A.indptr)
        rows = np.repeat(np.arange(self.n, dtype=A.indices.dtype), counts)
        couplings, largest = np.where(rows == A.indices, 0, abs(A.data)), np.zeros(self.n, A.data.real.dtype)
        largest[counts > 0] = np.maximum.reduceat(couplings, A.indptr[:-1][counts > 0])
        return (couplings >= WEAK * largest[rows]) & (couplings > 0), couplings > 0

    @cached_property
    def components(self):
        """The number of the strongly joined component of each unknown."""
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import connected_components

        if self.alike:
            return np.zeros(self.n, np.int64)
        strong, _ = self.strong
        starts = np.append(0, np.cumsum(strong))[self.A.indptr]
        entries = np.ones(starts[-1], np.int8), self.A.indices[strong], starts
        graph = csr_array(entries, shape=self.A.shape)
        return connected_components(graph, directed=True, connection="weak")[1].astype(np.int64)

    def indicators(self):
        """Yield the indicator vectors of the components and of parts of them; None stands for all unknowns.

        Each component is also split by the sign of the diagonal, as in saddle points, and by turns of two and
        three unknowns, as in elasticity.
        """
        families, rows = [], self.rows
        if self.alike:
            yield None
        else:
            families.append(self.components)
        if max(rows.above, rows.below, self.n - rows.above - rows.below) != self.n:
            signs = np.sign(rows.diagonal.real).astype(np.int64)
            families.append(3 * self.components + signs + 1)
        if not self.show_all:
            turns = [turn for turn in (2, 3) if self.n % turn == 0]
            families += [turn * self.components + np.arange(self.n) % turn for turn in turns]
        for family in families:
            counts = np.bincount(family)
            for part in np.argsort(-counts, kind="stable")[:MOST]:
                if counts[part]:
                    yield (family == part).astype(self.A.dtype)

    @cached_property
    def show_all(self):
        """Whether only the indicators of components can be nearly null vectors.

        This is so for weighted Laplacians: real and symmetric, with couplings of one sign that do not exceed
        the diagonal and do not differ much. A matrix whose diagonal clearly exceeds its couplings has no
        nearly null vectors at all.
        """
        rows = self.rows
        if 2 * rows.beside < 1 - DOMINANT:
            return True
        if self.A.dtype.kind == "c" or not is_symmetric(self.A) or self.n not in (rows.above, rows.below):
            return False
        rounding = max(1e-8, 64 * float(np.finfo(self.A.dtype).eps))
        if 2 * rows.beside > 1 + rounding or rows.same_sign > rounding:
            return False
        if self.alike:
            return True
        strong, couplings = self.strong
        return bool((strong == couplings).all())
