"""Reductions of a linear program that are cheap and reversible."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from .._certificate import Certificate
from .._lp import LP, of_checked
from ._reduce import Contradiction, Reducer

__all__ = ["Contradiction", "Presolved", "presolved"]


class Presolved(NamedTuple):
    """A reduced program and the way back.

    Attributes
    ----------
    lp : LP
        The reduced program; it may have no rows or no variables.
    rows, columns : arrays of int
        The places of its rows and variables in the program that was given.
    steps : list
        The reductions, in the order in which they were made.
    """

    lp: LP
    rows: Any
    columns: Any
    steps: list
    matrix: Any
    sense: float

    def reduce(self, x, y):
        """Return the variables and multipliers that are left."""
        return x[self.columns], y[self.rows]

    def restore(self, x, y, s):
        """Return a point of the whole program."""
        m, n = self.matrix.shape
        found_x, found_y, found_s = np.zeros(n), np.zeros(m), np.zeros(n)
        found_x[self.columns] = x
        found_y[self.rows], found_s[self.columns] = self.sense * y, self.sense * s
        for step in reversed(self.steps):
            step.primal(found_x, self.matrix, False)
            step.dual(found_y, found_s, self.matrix, False)
        return found_x, self.sense * found_y, self.sense * found_s

    def restore_ray(self, certificate) -> Certificate:
        """Return a certificate of the whole program."""
        m, n = self.matrix.shape
        if certificate.x is not None:
            x = np.zeros(n)
            x[self.columns] = certificate.x
            for step in reversed(self.steps):
                step.primal(x, self.matrix, True)
            return replace(certificate, x=x)
        y, s = np.zeros(m), np.zeros(n)
        y[self.rows], s[self.columns] = certificate.y, certificate.s
        for step in reversed(self.steps):
            step.dual(y, s, self.matrix, True)
        return replace(certificate, y=y, s=s)


def presolved(lp) -> Presolved:
    """Reduce a program.

    Empty rows and columns, fixed variables, rows without bounds, rows of one variable, rows that the bounds
    of variables satisfy or force, free and implied free variables of one row, and variables whose reduced
    cost has one sign go. The entries of the matrix never change, so that there is no fill.

    Parameters
    ----------
    lp : LP
        The program, of NumPy arrays.

    Returns
    -------
    Presolved
        The reduced program and the way back.

    Raises
    ------
    Contradiction
        The program is infeasible or unbounded; the certificate is verified.
    """
    with np.errstate(all="ignore"):
        reducer = Reducer(lp)
        reducer.run()
    rows, columns = np.flatnonzero(reducer.has_row), np.flatnonzero(reducer.has_column)
    sense = reducer.sense
    left = of_checked(
        sense * reducer.c[columns],
        reducer.left(),
        *(reducer.rl[rows], reducer.ru[rows], reducer.l[columns], reducer.u[columns]),
        *(lp.offset + sense * reducer.offset, lp.maximize),
    )
    return Presolved(left, rows, columns, reducer.steps, reducer.A, sense)
