"""What one pass over the rows of a system tells about a solution."""

from functools import cached_property
from math import hypot, inf, nan, sqrt
from typing import Any

import numpy as np

from .._array import namespace, to_host
from .._operators.operator import Csr, Dense
from .._operators.terms import row_terms
from ..kernels import kernels_for
from .backward import backward_error
from .system import length


class Rows:
    """One column of a system A x = b, with sums over its rows.

    For an operator whose entries are not known there are only the norms of the three vectors. For a dense
    matrix there is what needs the sizes of the rows. The arrays are computed when they are first used.

    Attributes
    ----------
    b, x : array, shape (n,)
        The right-hand side and the solution.
    left, size, whole : float
        The norms of the residual, the solution and the right-hand side.
    scaled, given : float
        The norms of the residual and the right-hand side, each row divided by its size, the sum of its
        magnitudes.
    backward : float
        The row-wise backward error.
    total : float
        The magnitude of the sum of the residual.
    sum_of_sums, norm_of_sums : float
        The 1-norm and the 2-norm of the sums of the rows of A.
    above, below : float
        How many entries of the diagonal are positive, and how many negative.
    beside : float
        The largest part of the size of a row that is beside the diagonal.
    same_sign : float
        Twice the largest part of the size of a row that is beside the diagonal and has its sign.
    least, most : float
        The smallest and the largest magnitude of an entry.
    """

    def __init__(self, A, b, x):
        self.A, self.b, self.x = A, b, x
        self.scaled = self.given = self.backward = nan
        if isinstance(A, Csr):
            self._examine()
            return
        self.left, self.size, self.whole = length(self.r), length(x), length(b)
        if isinstance(A, Dense):
            by = 1 / namespace(x).where(self.sizes > 0, self.sizes, 1)
            self.scaled, self.given = length(by * self.r), length(by * b)
            self.backward = backward_error(self.r, b, self.terms)

    def _examine(self):
        """Set the attributes of a sparse matrix, by one pass over it."""
        A, b, x = self.A, self.b, self.x
        found = namespace(b).empty(16, b.real.dtype)
        kernels_for(b).examine_rows(A.indptr, A.indices, A.data, x, b, found[:11], found[11:])
        sums, largest = np.split(to_host(found), [11])
        sums, largest = sums.tolist(), largest.tolist()
        limits = np.finfo(b.dtype)
        self._range = float(limits.tiny) ** 0.5, float(limits.max) ** 0.5
        self.left = self._root(sums[0], lambda: self.r)
        self.size = self._root(sums[1], lambda: x)
        self.whole = self._root(sums[2], lambda: b)
        self.scaled = self._root(sums[3], lambda: self.r / self._by)
        self.given = self._root(sums[4], lambda: b / self._by)
        self.total = hypot(*sums[5:7])
        self.sum_of_sums, self.norm_of_sums = sums[7], self._root(sums[8], lambda: A @ (0 * b + 1))
        self.above, self.below = sums[9:]
        self.backward, self.beside, self.same_sign, inverse, self.most = largest
        self.least = 1 / inverse if inverse else 0.0

    def _root(self, square, vector):
        """Return the norm of a vector whose square is known; by another way where that has lost digits."""
        low, high = self._range
        return sqrt(square) if low < square < high else length(vector())

    @cached_property
    def r(self) -> Any:
        """The residual."""
        return self.A.residual(self.b, self.x)

    @cached_property
    def _terms(self):
        return row_terms(self.A, self.x)

    @property
    def bound(self):
        r"""An upper bound of the norm of the error, infinite unless A is diagonally dominant by rows.

        With q the largest sum of a row beside the diagonal over the diagonal,
        :math:`(1 - q) \|x_{true} - x\|_\infty \le \max_i |r_i / a_{ii}|`.
        """
        excess = 1 - 2 * self.beside
        return sqrt(len(self.b)) * self.scaled / excess if excess > 0 else inf

    @property
    def terms(self):
        """The sums of the magnitudes of the terms of ``A @ x``."""
        return self._terms[0]

    @property
    def sizes(self):
        """The sums of the rows of the magnitudes."""
        return self._terms[1]

    @property
    def _by(self):
        return namespace(self.b).where(self.sizes > 0, self.sizes, 1)

    @cached_property
    def diagonal(self):
        """The diagonal of a sparse matrix."""
        return self.A.to_sparse().diagonal()
