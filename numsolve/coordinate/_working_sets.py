"""Least squares with a separable penalty, on working sets of features, with gap-safe screening.

An iteration computes the correlations of all features with the residuals, and from them a dual point and
the duality gap. Features whose constraint is farther from the dual point than ``sqrt(2 gap)`` have the
coefficient zero at the minimum: they are screened out for good. Of the others, those nearest to their
constraints join the working set, and the penalised least squares on it are solved to a fraction of the gap.
"""

from functools import cached_property
from math import inf
from typing import Any

import numpy as np

from .._array import array_module
from .._result import Breakdown, Status
from ._blocks import DenseBlock, SparseBlock
from ._features import Features
from ._subproblem import minimise
from ._unpenalised import Unpenalised

FEW = 100  # features that may join even if none violates its constraint
FRACTION = 0.3  # of the gap: that of the working set in an iteration
SETTLED = 1.5  # the gap over that of the last working set, up to which it had all features that matter
MOSTLY = 0.1  # of the entries of sparse features that are not zero: working sets are then made dense
AT_ONCE = 64  # features that are made dense to be centred
PATIENCE = 10  # iterations in a row that do not reduce the gap before it counts as stagnated

STAGNATED = (
    "the duality gap stopped falling before it met the tolerance, at the limit of rounding: "
    "raise rtol, scale the features to similar sizes, or pass X and y in double precision"
)
DIVERGED = (
    "rounding errors increase the objective: subtract the means of features whose means are much larger than "
    "their deviations, as dense features, or scale the features to similar sizes"
)


class LeastSquaresProblem:
    """The data of a regression, without its penalty: one object for all penalties of a path.

    Parameters
    ----------
    features : Features
        The features X, shape (m, n).
    y : array, shape (m,)
        The observations, in double precision.
    h : array, shape (m,)
        The weights of the samples, in double precision, of sum one.
    fit_intercept : bool
        Whether the model has an intercept: features and observations are then centred, implicitly.
    """

    @np.errstate(over="ignore", under="ignore")
    def __init__(self, features, y, h, *, fit_intercept):
        self.features, self.h, self.fit_intercept = features, h, fit_intercept
        self.xp: Any = array_module(features.library)
        self.n = features.shape[1]
        self.y_mean = float(h @ y) if fit_intercept else 0.0
        self.y: Any = y - self.y_mean
        unit = float(np.finfo(features.dtype).eps)
        if float(abs(self.y).max()) <= 8 * unit * float(abs(y).max()):  # a constant, up to rounding
            self.y = 0 * y
        self.first = float(h @ (self.y * self.y)) / 2
        if not self.first < inf or (self.first == 0 and bool(self.y[h > 0].any())):
            raise ValueError("y has squares that over- or underflow: scale y and lam by the same factor")
        self.centres: Any = features.correlate(h).astype(float) if fit_intercept else None
        self.squares, self.empty = _squares(features, h, self.centres, unit)

    @cached_property
    def inverse_norms(self) -> Any:
        """One over the norms of the centred features; 1 for those without entries."""
        return 1 / self.xp.where(self.empty, 1, self.xp.sqrt(self.squares))

    def correlations(self, q) -> Any:
        """Return ``X^T q`` for residuals q that include the weights, with centred features."""
        c = self.features.correlate(q.astype(self.features.dtype, copy=False)).astype(float, copy=False)
        if self.fit_intercept:
            c -= self.centres * q.sum()
        c[self.empty] = 0
        return c

    def residuals(self, w) -> Any:
        """Return the residuals of coefficients, of which few are not zero."""
        part = self.xp.nonzero(w)[0]
        if not len(part):
            return self.y.copy()
        r = self.y - self.features.columns(part) @ w[part]
        return r + self.centres[part] @ w[part] if self.fit_intercept else r

    def intercept(self, w) -> float:
        """Return the intercept of coefficients."""
        return self.y_mean - float(self.centres @ w) if self.fit_intercept else 0.0

    def block(self) -> Any:
        """Return an empty block of features."""
        features = self.features
        m, n = features.shape
        if not features.is_sparse or features.matrix.nnz > MOSTLY * m * n:
            return DenseBlock(features, self.h, self.centres)
        centres = self.centres if self.fit_intercept else self.xp.zeros(self.n)
        double = features if features.dtype == float else Features(features.matrix.astype(float))
        return SparseBlock(double, self.h, self.squares, centres)


def _squares(features, h, centres, unit) -> tuple[Any, Any]:
    """Return the weighted sums of squares of the centred features, and which of them are zero or constant.

    The difference of two large numbers would be inaccurate for features whose mean is large, so that they are
    centred first.
    """
    xp: Any = array_module(features.library)
    whole = features.weighted_squares(h).astype(float)
    if not bool((whole < inf).all()):
        raise ValueError("X has entries whose squares overflow: scale the features")
    squares = whole if centres is None else whole - centres * centres
    unclear = squares <= 1e-6 * whole
    if features.is_sparse:
        unclear &= xp.diff(features.arrays[0]) > 0
    unclear = xp.nonzero(unclear)[0]
    for j in (unclear[k : k + AT_ONCE] for k in range(0, len(unclear), AT_ONCE)):
        columns: Any = features.columns(j)
        columns = (columns.toarray() if features.is_sparse else columns).astype(float)
        if bool(((abs(columns[h > 0]).max(axis=0) > 0) & (whole[j] == 0)).any()):
            raise ValueError("X has features whose squares underflow: scale them")
        if centres is not None:
            columns = columns - centres[j]
            squares[j] = h @ (columns * columns)
    empty = squares <= (8 * unit) ** 2 * whole
    squares[empty] = 0
    return squares, empty


class Point:
    """Coefficients, and what one pass over the features tells of them.

    Attributes
    ----------
    x : array, shape (n,)
        The coefficients, in the caller's dtype.
    w, c, q : array
        Coefficients, correlations of all features, and weighted residuals, in double precision.
    rr, objective : float
        The weighted sum of squares, and the objective.
    dual : DualPoint
        A dual point, and the gap.
    """

    def __init__(self, problem, terms, x, known=None):
        self.x, self.w = x, x.astype(float, copy=False)
        if known is None:
            r = problem.residuals(self.w)
            self.q = problem.h * r
            self.rr, self.c = float(self.q @ r), problem.correlations(self.q)
        else:
            self.q, self.rr, self.c = known
        self.objective = self.rr / 2 + float(terms.value(self.w))
        self.dual = terms.dual_point(self.rr, self.c, self.w)

    @property
    def gap(self):
        """The duality gap."""
        return self.dual.gap

    @property
    def known(self):
        """What does not depend on the penalty."""
        return self.q, self.rr, self.c


class WorkingSets:
    """The method for one penalty.

    Parameters
    ----------
    problem : LeastSquaresProblem
        The data.
    terms : Terms
        The penalty.
    goal : float
        The gap to reach.
    block : Block
        Where the features of the working sets are; it may hold some from before.
    known : tuple, optional
        ``Point.known`` at the starting point.
    """

    def __init__(self, problem, terms, goal, block, known=None):
        self.problem, self.terms, self.goal, self.block, self._known = problem, terms, goal, block, known
        self.xp: Any = problem.xp
        self.point: Any = None
        self.deadline = inf  # of ``time.monotonic()``
        self._active = ~problem.empty
        self._unpenalised = None if terms.is_complete else Unpenalised(problem, terms)
        self._inverse_norms = problem.inverse_norms
        if not terms.is_linear:
            self._inverse_norms = 1 / problem.xp.sqrt(1 / self._inverse_norms**2 + terms.l2)
        self._best, self._idle = inf, 0
        self._reached = 0.0  # the gap of the last working set

    def steps(self, x):
        """Iterate from `x`; see `numsolve._iterate.iterate`."""
        if self.point is None or self.point.x is not x:
            self.point = self._at(x)
        yield self.point.x, self._measure()
        while True:
            self._watch()
            self._move(self._at(self._improved().astype(x.dtype, copy=False)))
            yield self.point.x, self._measure()

    def _move(self, point):
        """Go to a point, or raise if its objective is larger, beyond rounding."""
        unit = float(np.finfo(point.x.dtype).eps)
        if not point.objective <= self.point.objective + 1e3 * unit * self.problem.first:
            raise Breakdown(DIVERGED, Status.STAGNATED)
        self.point = point

    def _measure(self):
        """Return the square of the gap, relative to the objective at zero, in the library of the iterate."""
        x = self.point.x
        ratio = self.point.gap / (self.problem.first or 1.0) * (1 + 2 * float(np.finfo(x.dtype).eps))
        return ratio**2 if isinstance(x, np.ndarray) else self.xp.full(1, ratio**2, x.dtype)

    def _at(self, x) -> Point:
        """Return the point at `x`, with the coefficients without a penalty fitted."""
        known, self._known = self._known, None
        fitted = x if self._unpenalised is None else self._unpenalised.fitted(x)
        return Point(self.problem, self.terms, fitted, known if fitted is x else None)

    def _watch(self):
        """Raise if the gap has not fallen for several iterations."""
        gap = self.point.gap
        self._idle = 0 if gap < 0.9 * self._best else self._idle + 1
        self._best = min(gap, self._best)
        if self._idle > PATIENCE:
            raise Breakdown(STAGNATED, Status.STAGNATED)

    def _improved(self):
        """Return the coefficients that solve the problem on the next working set."""
        point, xp = self.point, self.xp
        self.block.start(self._chosen(), point.q)
        chosen = self.block.chosen
        terms = self.terms.of(chosen)
        goal = max(FRACTION * point.gap, self.goal / 2)
        if point.gap <= SETTLED * self._reached:
            goal = self.goal / 2
        w, self._reached = minimise(self.block, terms, point.w[chosen], point.rr, goal, self.deadline)
        found = xp.zeros(self.problem.n)
        found[chosen] = w
        return found

    def _chosen(self):
        """Return the features of the next working set."""
        point, terms, xp = self.point, self.terms, self.xp
        dual = point.dual
        distances = (terms.l1 - xp.minimum(dual.t * dual.size, terms.l1)) * self._inverse_norms
        self._active &= distances <= (2 * dual.gap) ** 0.5
        support = point.w != 0
        if not terms.is_complete:
            support |= (terms.l1 == 0) & self._active
        others = xp.nonzero(self._active & ~support)[0]
        room = max(self.block.first, int(self.block.growth * int(support.sum())))
        room = min(room, max(FEW, int((dual.size[others] > terms.l1[others]).sum())))
        if room < len(others):
            others = others[xp.argpartition(distances[others], room)[:room]]
        support[others] = True
        return xp.nonzero(support)[0]
