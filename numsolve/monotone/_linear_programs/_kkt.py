"""How far a point is from an optimal one: the measure by which each claim is made."""

from typing import NamedTuple

import numpy as np

from ..._array import namespace


class KKT(NamedTuple):
    """Relative residuals of the optimality conditions, and the objectives.

    Attributes
    ----------
    primal : float
        Violation of the bounds of rows and variables, over ``1 + norm(b)``. b has the finite bounds of rows,
        each equation once.
    dual : float
        ``norm(c - A.T y - s)`` and the multipliers of wrong sign, over ``1 + norm(c)``.
    gap : float
        Difference of the objectives over ``1 + |objective| + |dual_objective|``.
    objective : float
        Value of the primal objective.
    dual_objective : float
        Value of the dual objective. An infinite bound contributes 0.
    """

    primal: float
    dual: float
    gap: float
    objective: float
    dual_objective: float

    @property
    def worst(self) -> float:
        """The largest of the three relative residuals; infinite if one is not a number."""
        found = max(self.primal, self.dual, self.gap)
        return found if found == found and not np.isnan([self.primal, self.dual, self.gap]).any() else np.inf


def kkt(lp, x, y, s=None) -> KKT:
    """Measure the optimality conditions at a point.

    Parameters
    ----------
    lp : LP
        The linear program.
    x : array, shape (n,)
        The variables.
    y : array, shape (m,)
        The multipliers of the rows: derivatives of the objective by the active bound.
    s : array, shape (n,), optional
        The multipliers of the bounds of variables. Default: ``c - A.T y`` where a bound allows its sign.

    Returns
    -------
    KKT
        The relative residuals and the objectives.

    Notes
    -----
    A multiplier that is positive needs a finite lower bound, and a negative one a finite upper bound; when
    the objective is maximised it is the other way round. A multiplier of wrong sign counts as a dual
    residual and contributes nothing to the dual objective. Cost: one product with A and one with its
    transpose.
    """
    xp = namespace(lp.c)
    sense = -1.0 if lp.maximize else 1.0
    c, y = sense * lp.c, sense * xp.asarray(y, dtype=np.float64)
    x = xp.asarray(x, dtype=np.float64)
    gradient = c - lp.A.T @ y
    s = admissible(gradient, lp.l, lp.u) if s is None else sense * xp.asarray(s, dtype=np.float64)
    Ax = lp.A @ x
    outside = (Ax - xp.clip(Ax, lp.rl, lp.ru), x - xp.clip(x, lp.l, lp.u))
    y_right, s_right = admissible(y, lp.rl, lp.ru), admissible(s, lp.l, lp.u)
    wrong = (gradient - s, y - y_right, s - s_right)
    value = float(c @ x) + sense * lp.offset
    dual_value = _support(xp, y_right, lp.rl, lp.ru) + _support(xp, s_right, lp.l, lp.u) + sense * lp.offset
    return KKT(
        _norm(*outside) / (1 + norm_of_bounds(lp.rl, lp.ru)),
        _norm(*wrong) / (1 + _norm(c)),
        abs(value - dual_value) / (1 + abs(value) + abs(dual_value)),
        sense * value,
        sense * dual_value,
    )


def norm_of_bounds(lower, upper) -> float:
    """Return the norm of the finite bounds, with each equation counted once."""
    xp = namespace(lower)
    finite_upper = xp.where(xp.isfinite(upper), upper, 0.0)
    other = xp.where(xp.isfinite(lower) & (lower != upper), lower, 0.0)
    return _norm(finite_upper, other)


def _norm(*vectors) -> float:
    return float(sum(float(v @ v) for v in vectors) ** 0.5)


def admissible(multipliers, lower, upper):
    """Return the multipliers with 0 in place of those that no bound allows."""
    xp = namespace(multipliers)
    wrong = ((multipliers > 0) & ~xp.isfinite(lower)) | ((multipliers < 0) & ~xp.isfinite(upper))
    return xp.where(wrong, 0.0, multipliers)


def _support(xp, multipliers, lower, upper) -> float:
    """Return the sum of multipliers times the bounds that their signs choose."""
    bound = xp.where(multipliers > 0, lower, xp.where(multipliers < 0, upper, 0.0))
    return float(multipliers @ bound)
