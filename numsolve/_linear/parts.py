"""Vectors that a matrix may map almost to zero: constant on parts of the unknowns that are joined weakly."""

from functools import cached_property

import numpy as np

from .._operators.hermitian import asymmetry
from .further import is_symmetric

WEAK = 1e-2  # couplings below this part of the largest of their row join two parts weakly
MOST = 8  # parts that are examined, the largest first
DOMINANT = 1e-2  # excess of the diagonal, relative to the row, above which a matrix has a moderate inverse
CHUNK = 1 << 15  # entries whose magnitudes are held at a time


class Parts:
    """The strongly joined parts of the unknowns of a sparse matrix on the host.

    `sizes` holds the sums of the rows of the magnitudes. The entries are sorted into strong and weak ones
    only if their magnitudes differ much, so that other matrices cost a few passes over the vectors.
    """

    def __init__(self, A, sizes):
        self.A, self.n, self.sizes = A, A.shape[0], sizes
        self.diagonal = A.to_sparse().diagonal()
        ranges = [_range(A.data[first : first + CHUNK]) for first in range(0, A.nnz, CHUNK)]
        low, high = (zip(*ranges, strict=True)) if ranges else ((0.0,), (0.0,))
        self.alike = min(low) >= WEAK * max(high)
        if not is_symmetric(A):
            asymmetry(A)

    @cached_property
    def strong(self):
        """Which entries are strong couplings, and which are couplings."""
        A, counts = self.A, np.diff(self.A.indptr)
        rows = np.repeat(np.arange(self.n, dtype=A.indices.dtype), counts)
        couplings, largest = np.where(rows == A.indices, 0, abs(A.data)), np.zeros(self.n, self.sizes.dtype)
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
        """Yield the indicator vectors of the components and of parts of them.

        Each component is also split by the sign of the diagonal, as in saddle points, and by turns of two and
        three unknowns, as in elasticity.
        """
        families = [self.components]
        signs = np.sign(self.diagonal.real).astype(np.int64)
        if (signs != signs[0]).any():
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
        excess = 2 * abs(self.diagonal) - self.sizes
        if (excess > DOMINANT * self.sizes).all():
            return True
        if self.A.dtype.kind == "c" or not is_symmetric(self.A) or (excess < -1e-8 * self.sizes).any():
            return False
        sign = np.sign(self.diagonal[0])
        if (sign * self.diagonal <= 0).any() or np.count_nonzero(
            self.A.data > 0 if sign > 0 else self.A.data < 0
        ) > self.n:
            return False
        if self.alike:
            return True
        strong, couplings = self.strong
        return bool((strong == couplings).all())


def _range(entries):
    """Return the smallest and the largest magnitude of some entries."""
    magnitudes = abs(entries)
    return magnitudes.min(), magnitudes.max()
