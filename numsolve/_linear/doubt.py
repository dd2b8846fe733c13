r"""Whether x may be wrong although its residual meets the tolerance.

For every vector w, :math:`w^H r = (A^H w)^H (x_{true} - x)`. So the residual r, summed with the weights w,
over the sum of :math:`|A^H w|` is a mean of the error. The vectors w are here those of single rows, and the
indicators of parts of the unknowns: where A^H maps one of these almost to zero, the error is about the same
on the whole part. Where indicators cannot be all the nearly null vectors, a solve for a random right-hand
side estimates the norm of the inverse. Where the residual says little about x, the method goes on to a
smaller one, and the change of x is measured. None of this proves that x is right.
"""

from functools import cached_property
from math import inf, nan, sqrt
from typing import Any, NamedTuple

import numpy as np

from .._array import namespace
from .._operators.operator import Csr, Dense
from .._result import LinearResult, Status, is_inner
from .further import adjoint_product, gone_on, inverse_norm, is_symmetric, ratio
from .parts import Parts
from .rows import Rows
from .system import length

LARGE = 3e-3  # relative error that is worth a warning, unless the tolerance is not much smaller
MISLED = 30.0  # how much larger, by rows of equal size, the relative residual may be than the tolerance
CHEAP = 1 << 24  # products of entries up to which further solves are made in any case: some 20 milliseconds


class Doubt(NamedTuple):
    """Why a column may be wrong ("" if nothing was found), and what going on to a smaller residual gave.

    Attributes
    ----------
    why : str
        A sentence with a remedy.
    change : float
        Relative change of x when the method went on; NaN if it did not.
    further : Result or None
        The result of going on.
    """

    why: str = ""
    change: float = nan
    further: Any = None


@np.errstate(all="ignore")
def examined(method, system, result, thorough=False):
    """Return the `LinearResult` with the backward error of x and, if x may be wrong, with the doubt.

    A `thorough` examination makes further solves whatever they cost, and takes the better x that they give.
    """
    known = isinstance(system.A, (Csr, Dense))
    converged = result.status == Status.CONVERGED and not is_inner()
    if not result.x.size or not (known or (converged and thorough)):
        return LinearResult(**vars(result))
    on_host = system.A.library == "numpy"  # on a GPU each norm is a read
    examination, backward, doubts = Examination(method, system, result.nit, thorough), [], []
    for b, x in columns_of(system.b, result.x):
        rows = Rows(system.A, b, x)
        doubt = examination.doubt(rows) if converged and (thorough or on_host) else Doubt()
        if thorough and doubt.further is not None:
            rows = Rows(system.A, b, doubt.further.x)
        if known:
            backward.append(rows.backward)
        doubts.append(doubt)
    why = next((doubt.why for doubt in doubts if doubt.why), "")
    fields = vars(result) | {"message": f"{result.message}, but {why}" if why else result.message}
    if thorough:
        fields |= _improved(result, [doubt.further for doubt in doubts])
    change = float(np.fmax.reduce([doubt.change for doubt in doubts]))
    return LinearResult(**fields, backward_error=max(backward, default=nan), forward_error=change, doubt=why)


def columns_of(b, x):
    """Pair the columns of b and x."""
    xp = namespace(x)
    if b.ndim == 1:
        return [(b, x)]
    return [tuple(xp.ascontiguousarray(each[:, j]) for each in (b, x)) for j in range(b.shape[1])]


def _improved(result, further):
    """Return x and the history with the columns that the method went on with."""
    x, residuals = result.x.copy(), result.residuals.reshape(len(result.residuals), -1)
    longest = max((each.nit for each in further if each is not None), default=0)
    history = np.vstack([residuals, np.full((longest, residuals.shape[1]), nan)])
    for column, each in enumerate(further):
        if each is not None:
            x[(...,) if x.ndim == 1 else (..., column)] = each.x
            last = np.flatnonzero(~np.isnan(residuals[:, column])).max()
            history[last : last + each.nit + 1, column] = each.residuals
    return {"x": x, "residuals": history.reshape(-1, *result.residuals.shape[1:])}


class Examination:
    """The search for reasons to doubt the columns of one solve."""

    def __init__(self, method, system, nit, thorough):
        self.method, self.system, self.nit, self.thorough = method, system, nit, thorough
        self.may_go_on = not hasattr(method, "begin")  # what a method learns and counts stays as it is
        self.parts = None  # of a sparse matrix on the host

    @cached_property
    def inverse(self):
        """An estimate of the norm of the inverse; 0 where it is not needed or costs too much."""
        A = self.system.A
        entries = A.nnz if isinstance(A, Csr) else A.shape[0] ** 2
        if not self.may_go_on or (not self.thorough and entries * (self.nit + 1) > CHEAP):
            return 0.0
        if self.parts is not None and self.parts.show_all:
            return 0.0
        return inverse_norm(self.method, self.system, self.nit, self.thorough)

    def doubt(self, rows):
        """Return the `Doubt` about one column."""
        A, left, size, whole = self.system.A, rows.left, rows.size, rows.whole
        if not left or not size or not whole:
            return Doubt()
        relative = max(left / whole, self.system.rtol)
        usual = float(np.finfo(rows.x.dtype).eps) ** 0.25  # the error of many a solution in single precision
        large, misled = max(LARGE, usual, 10 * relative), 0.0
        if isinstance(A, (Csr, Dense)):
            sparse = isinstance(A, Csr) and A.library == "numpy" and A.null_space is None
            if rows.scaled > large * size:
                return Doubt(_rows(rows.scaled / size))
            misled = ratio(rows.scaled, rows.given) / relative
            alone = _by_diagonal(rows, MISLED**2 * relative) if sparse else 0.0
            if alone > large * size:
                return Doubt(_units(alone / size))
            if sparse and misled <= MISLED and rows.bound <= large * size:
                return Doubt()
            if sparse and self.parts is None:
                self.parts = Parts(A, rows)
        least, unknown = (0.0, 0.0) if self.parts is None else self.along_parts(self.parts, rows)
        if least > large * size:
            return Doubt(_parts(least / size))
        unknown = max(unknown, self.inverse * left)
        if not self.may_go_on or (unknown <= large * size and misled <= MISLED):
            return Doubt()
        further = gone_on(self.method, self.system, rows.b, rows.x, self.nit)
        size, last = length(further.x), float(further.residuals[-1])
        change = ratio(length(further.x - rows.x), size)
        if unknown * last / left > 10 * large * size:
            return Doubt(_SINGULAR, change, further)
        settled = self.thorough and misled <= MISLED  # x is then replaced by the better one
        return Doubt("" if settled or change <= large else _changes(change), change, further)

    def along_parts(self, parts, rows):
        """Return a lower bound of the error, and how far x could be changed without a larger residual."""
        least, unknown = 0.0, 0.0
        for w in parts.indicators():
            along, many, image, reached, spread = self._of_all(rows) if w is None else self._of_part(rows, w)
            shown = ratio(along * many, spread)
            least = max(least, shown if shown < inf else 0.0)
            if reached > 10 * image:
                unknown = max(unknown, ratio(rows.left * many, image))
        return least, unknown

    def _of_part(self, rows, w):
        """Return ``abs(w^H r)``, the norms of w, A w and A^H w, and the 1-norm of A^H w."""
        A = self.system.A
        image = A @ w
        weights = image if is_symmetric(A) else adjoint_product(A, w)
        along = float(abs((w * rows.r).sum()))
        return along, length(w), length(image), length(weights), float(abs(weights).sum())

    def _of_all(self, rows):
        """Return the same for the vector of ones, of which the pass over the rows has found the most."""
        A, many = self.system.A, sqrt(len(rows.b))
        if is_symmetric(A):
            return rows.total, many, rows.norm_of_sums, rows.norm_of_sums, rows.sum_of_sums
        weights = adjoint_product(A, namespace(rows.b).ones_like(rows.b))
        return rows.total, many, rows.norm_of_sums, length(weights), float(abs(weights).sum())


def _by_diagonal(rows, missed):
    """Return the length of the residual over the diagonal, of rows whose residual exceeds `missed` terms.

    It estimates the error of unknowns in other units, whose rows hardly contribute to the norm. Only if
    the row-wise backward error exceeds ``missed / (2 + missed)`` can there be such rows.
    """
    if rows.backward * (2 + missed) < missed:
        return 0.0
    found = (abs(rows.r) > missed * rows.terms) & (rows.diagonal != 0)
    return length(rows.r[found] / rows.diagonal[found]) if found.any() else 0.0


def _rows(error):
    return (
        f"x is off by about {error:.1e} of its size or more: rows of A differ much in size, and the residual "
        "of small rows is large. Scale the rows, lower rtol, or use a direct method"
    )


def _units(error):
    return (
        f"x may be off by about {error:.1e} of its size: rows of A differ much in size, and the residual of "
        "small rows is large. Scale the rows, lower rtol, or use a direct method"
    )


def _parts(error):
    return (
        f"x is off by about {error:.1e} of its size or more, as the sums of the residual over parts of the "
        "unknowns show: lower rtol, or use a direct method"
    )


def _changes(change):
    return (
        f"x changes by {change:.1e} of its size when the residual is reduced further: lower rtol, or use a "
        "direct method"
    )


_SINGULAR = (
    "A is almost singular: the residual hardly determines x along some direction. Use a direct method, or a "
    "much smaller rtol"
)
