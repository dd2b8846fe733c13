"""Proofs that a linear program has no solution."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._array import namespace

ROUNDING = 1e-9  # relative error of a sum that counts as zero


@dataclass(frozen=True, eq=False)
class Certificate:
    """A ray that proves that a linear program is infeasible or unbounded.

    Attributes
    ----------
    x : array, shape (n,), or None
        A direction of ever better objective: ``A x`` and x are zero or of the sign that the infinite bounds
        allow. None for an infeasible program.
    y, s : array, shape (m,) and (n,), or None
        Farkas multipliers of rows and variables with ``A.T y + s = 0``, for which the bounds would have to
        satisfy ``0 >= value``. None for an unbounded program.
    value : float
        The positive number that makes the contradiction: the gain of the objective along x, or the sum of
        multipliers times bounds.
    violation : float
        Norm of what is not exactly zero or of right sign, over `value`. Infinite if `value` is not positive
        beyond rounding error.
    crossing : tuple of str and int, or None
        ``("x", j)`` or ``("row", i)`` if the lower bound of that variable or row is above its upper bound,
        which is the whole proof; x, y and s are then None.
    """

    x: Any
    y: Any
    s: Any
    value: float
    violation: float
    crossing: tuple[str, int] | None = None


def farkas(lp, y, s=None) -> Certificate:
    """Return the certificate of an infeasible program; its violation is infinite if it proves nothing.

    Parameters
    ----------
    lp : LP
        The linear program.
    y : array, shape (m,)
        Multipliers of the rows: positive for the lower bound, negative for the upper one.
    s : array, shape (n,), optional
        Multipliers of the bounds of variables. Default: ``-A.T y``.
    """
    xp = namespace(lp.c)
    y = xp.asarray(y, dtype=np.float64)
    product = lp.A.T @ y
    s = -product if s is None else xp.asarray(s, dtype=np.float64)
    value, size, wrong = 0.0, 0.0, product + s
    squares = float(wrong @ wrong)
    for multipliers, lower, upper in ((y, lp.rl, lp.ru), (s, lp.l, lp.u)):
        bound = xp.where(multipliers > 0, lower, upper)
        usable = xp.isfinite(bound)
        terms = xp.where(usable, multipliers, 0.0) * xp.where(usable, bound, 0.0)
        value += float(terms.sum())
        size += float(abs(terms).sum())
        wrong = xp.where(usable, 0.0, multipliers)
        squares += float(wrong @ wrong)
    return Certificate(None, y, s, value, _violation(squares, value, size))


def recession(lp, x) -> Certificate:
    """Return the certificate of an unbounded program; its violation is infinite if it proves nothing."""
    xp = namespace(lp.c)
    x = xp.asarray(x, dtype=np.float64)
    terms = lp.c * x * (1.0 if lp.maximize else -1.0)
    value, size = float(terms.sum()), float(abs(terms).sum())
    squares = 0.0
    for direction, lower, upper in ((lp.A @ x, lp.rl, lp.ru), (x, lp.l, lp.u)):
        held = ((direction > 0) & xp.isfinite(upper)) | ((direction < 0) & xp.isfinite(lower))
        wrong = xp.where(held, direction, 0.0)
        squares += float(wrong @ wrong)
    return Certificate(x, None, None, value, _violation(squares, value, size))


def _violation(squares, value, size):
    """Return the violation over the value; infinite if the value may be rounding error of terms of a size."""
    return squares**0.5 / value if value > ROUNDING * size else np.inf
