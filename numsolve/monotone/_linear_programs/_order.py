"""Rows and columns in the order of their numbers of entries."""

from dataclasses import replace
from typing import Any, NamedTuple

from ..._array import namespace
from ._certificate import Certificate
from ._lp import LP, of_checked
from ._scaling import segments, stable_order


class Ordered(NamedTuple):
    """A program whose rows and variables are sorted by their numbers of entries.

    Short inner loops of varying length cost more for mispredicted branches than for their entries: one
    program with three entries a row ran 2.4 times faster when sorted.

    Attributes
    ----------
    lp : LP
        The sorted program.
    rows, columns : arrays of int
        The places of its rows and variables in the program that was given.
    """

    lp: LP
    rows: Any
    columns: Any

    def reduce(self, x, y):
        """Return variables and multipliers in the new order."""
        return x[self.columns], y[self.rows]

    def restore(self, x, y, s):
        """Return variables and multipliers in the old order."""
        return _scattered(x, self.columns), _scattered(y, self.rows), _scattered(s, self.columns)

    def restore_ray(self, certificate) -> Certificate:
        """Return a certificate in the old order."""
        x, y, s = certificate.x, certificate.y, certificate.s
        return replace(
            certificate,
            x=None if x is None else _scattered(x, self.columns),
            y=None if y is None else _scattered(y, self.rows),
            s=None if s is None else _scattered(s, self.columns),
        )


def ordered(lp) -> Ordered:
    """Sort the rows and variables of a program."""
    xp, A = namespace(lp.c), lp.A
    rows = stable_order(xp.diff(A.indptr))
    columns = stable_order(xp.bincount(A.indices, minlength=lp.shape[1]))
    sorted_lp = of_checked(
        lp.c[columns],
        _permuted(xp, A, rows, columns),
        *(lp.rl[rows], lp.ru[rows], lp.l[columns], lp.u[columns]),
        *(lp.offset, lp.maximize),
    )
    return Ordered(sorted_lp, rows, columns)


def _permuted(xp, A, rows, columns):
    """Return the matrix with its rows and columns in another order."""
    counts = xp.diff(A.indptr)[rows]
    indptr = xp.concatenate((xp.zeros(1, A.indptr.dtype), xp.cumsum(counts).astype(A.indptr.dtype)))
    places = (A.indptr[:-1][rows] - indptr[:-1])[segments(indptr)] + xp.arange(len(A.data))
    column_of = xp.empty_like(columns)
    column_of[columns] = xp.arange(len(columns))
    indices = column_of[A.indices[places]].astype(A.indices.dtype)
    return type(A)((A.data[places], indices, indptr), shape=A.shape)


def _scattered(values, places):
    found = namespace(values).empty_like(values)
    found[places] = values
    return found
