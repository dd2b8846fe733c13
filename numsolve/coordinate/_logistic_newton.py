"""Proximal Newton method on working sets for sparse logistic regression."""

from copy import copy
from functools import cached_property
from math import inf

import numpy as np

from .._array import is_sparse
from .._result import Breakdown, Status
from ._descent import Descent, Point
from ._models import Model

FIRST_SIZE = 100  # features that join the first working set; later it may double
NEAR = 0.98  # a feature joins if its derivative is at least this fraction of the penalty's
ACCURACY = 0.1  # of the minimum of a model, as a fraction of the present violation and gap
SUFFICIENT = 1e-4  # fraction of the decrease of the model that a step has to reach
LEAST_STEP = 1e-10
MOST_STEPS, ROUNDING = 50, 1e-14  # of the intercept for given coefficients; its derivative


class LogisticProblem:
    """A penalised logistic regression in double precision.

    Parameters
    ----------
    X : array or csc_array, shape (m, n)
        The features.
    y : array, shape (m,)
        Labels -1 and 1.
    s : array, shape (m,)
        Weights of the samples, of sum one.
    kink, ridge : array, shape (n,)
        The penalty is ``kink @ abs(w) + ridge @ w**2 / 2``.
    positive : bool
        Whether ``w >= 0``.
    intercept : bool
        Whether there is an intercept, the last entry of an iterate.
    """

    def __init__(self, X, y, s, kink, ridge, *, positive=False, intercept=False):
        self.X, self.y, self.s, self.kink, self.ridge = X, y, s, kink, ridge
        self.positive, self.intercept = positive, intercept
        self.transposed = X.T
        self.free = np.flatnonzero((kink == 0) & (ridge == 0))

    @cached_property
    def best_intercept(self):
        """The intercept that is best for coefficients zero: the logit of the share of the second class."""
        up = float(self.s[self.y > 0].sum())
        return np.log(up / (1 - up)) if self.intercept else 0.0

    def start(self, w):
        """Return the iterate of coefficients and the best intercept for them."""
        x = np.append(w, self.best_intercept)
        point = self.point(x)
        for _ in range(MOST_STEPS if self.intercept and w.any() else 0):
            slope, curvature = float(point.g.sum()), float(point.d.sum())
            if not abs(slope) > ROUNDING or not curvature > 0:
                break
            x = x.copy()
            x[-1] -= np.clip(slope / curvature, -1, 1)
            point = LogisticPoint(self, x, point.z + (x[-1] - point.x[-1]))
        return x

    @cached_property
    def first(self):
        """The objective for coefficients zero and the best intercept."""
        return float(self.s @ np.logaddexp(0, -self.y * self.best_intercept))

    def times(self, lam) -> "LogisticProblem":
        """Return the problem with its penalty multiplied by a factor."""
        other = copy(self)
        other.kink, other.ridge = lam * self.kink, lam * self.ridge
        return other

    def penalty(self, w):
        """Return the penalty of coefficients."""
        return float(self.kink @ abs(w) + self.ridge @ (w * w) / 2)

    def point(self, x):
        """Return the point of an iterate."""
        part = np.flatnonzero(x[:-1])
        return LogisticPoint(self, x, self.X[:, part] @ x[part] + x[-1])

    def free_columns(self, w):
        """Return the dense columns to which the derivatives are orthogonal at the solution."""
        free = self.free[w[self.free] > 0] if self.positive else self.free
        columns = self.X[:, free]
        columns = columns.toarray() if is_sparse(columns) else columns
        return np.column_stack([np.ones(len(self.y)), columns]) if self.intercept else columns

    def conjugate(self, c, size):
        """Return the conjugate of the penalty for derivatives of absolute value `size` times `c`."""
        over = c * size - self.kink
        over = np.where(over > 1e-12 * self.kink, over, 0)
        soft = self.ridge > 0
        if over[~soft & (self.kink > 0)].any():
            return inf
        return float((over[soft] ** 2 / self.ridge[soft]).sum()) / 2


class LogisticPoint(Point):
    """The loss, its derivatives and a dual value at an iterate.

    The dual function of derivatives g is the entropy of ``abs(g) / s`` minus the conjugate of the penalty.
    """

    def __init__(self, problem, x, z):
        self.problem, self.x, self.z = problem, x, z
        margin = problem.y * z
        e = np.exp(-abs(margin))
        losses = np.log1p(e) - np.minimum(margin, 0)
        self.loss = float(problem.s @ losses)
        self._e, self._right = e, margin >= 0

    @cached_property
    def g(self):
        """First derivatives of the loss in the predictions."""
        other = np.where(self._right, self._e, 1) / (1 + self._e)  # the probability of the other class
        return -self.problem.y * self.problem.s * other

    @cached_property
    def d(self):
        """Second derivatives of the loss in the predictions."""
        return self.problem.s * self._e / (1 + self._e) ** 2

    @cached_property
    def gradient(self):
        """Derivatives of the loss in the coefficients."""
        return self.problem.transposed @ self.g

    def size(self, gradient):
        """Return the absolute values, or the parts that can make a coefficient positive."""
        return -gradient if self.problem.positive else abs(gradient)

    @cached_property
    def dual(self):
        problem, g = self.problem, self.feasible()
        if g is None:
            return 0.0
        size = self.size(self.gradient if g is self.g else problem.transposed @ g)
        if problem.positive and (size[problem.free] > 1e-12 * size.max(initial=0)).any():
            return 0.0
        penalised = problem.kink > 0
        scales = np.full(len(size), inf)
        np.divide(problem.kink, size, out=scales, where=penalised & (size > 0))
        hard = min(1.0, scales[problem.ridge == 0].min(initial=inf))
        candidates = {hard, min(1.0, scales.min(initial=inf))}
        return max([0.0, *(self.entropy(c * g) - problem.conjugate(c, size) for c in candidates)])

    def feasible(self):
        """Return derivatives near g that are orthogonal to what is not penalised, or None."""
        problem = self.problem
        U = problem.free_columns(self.x[:-1])
        if not U.shape[1]:
            return self.g
        change = U @ np.linalg.lstsq(U.T @ (self.d[:, None] * U), U.T @ self.g, rcond=None)[0]
        g = self.g - self.d * change
        p = -problem.y * g
        return g if (p >= 0).all() and (p <= problem.s).all() else None

    def entropy(self, g):
        """Return minus the conjugate of the loss."""
        some = self.problem.s > 0
        s = self.problem.s[some]
        p = np.clip(-self.problem.y[some] * g[some] / s, 0, 1)
        inner = np.log(np.where(p > 0, p, 1)) * p + np.log1p(-np.where(p < 1, p, 0)) * (1 - p)
        return -float(s @ inner)

    def ratios(self):
        """Return the factors of the penalty from which on each coefficient is zero, if the others stay."""
        found = np.zeros(len(self.gradient))
        return np.divide(self.size(self.gradient), self.problem.kink, out=found, where=self.problem.kink > 0)

    def violations(self):
        """Return the violations of the optimality conditions of the penalised features."""
        problem, w = self.problem, self.x[:-1]
        derivative = self.gradient + problem.ridge * w
        moving = abs(derivative + problem.kink * np.sign(w))
        return np.where(w != 0, moving, np.maximum(self.size(derivative) - problem.kink, 0))


class ProximalNewton(Descent):
    """Minimise quadratic models of the loss plus the penalty over working sets, with a line search."""

    def improved(self, point):
        """Return the point of the next iterate."""
        problem, chosen = self.problem, self.working_set(point)
        block = problem.X[:, chosen]
        model = Model(
            block,
            point.g,
            point.d,
            problem.kink[chosen],
            problem.ridge[chosen],
            positive=problem.positive,
            intercept=problem.intercept,
        )
        new = point.x.copy()
        new[chosen], shift = model.minimised(
            point.x[chosen], point.gradient[chosen], self.accuracy(point, chosen)
        )
        new[-1] += shift
        return self.search(point, new, block @ (new - point.x)[chosen] + shift)

    def working_set(self, point):
        """Return the features with coefficients, and those of large derivatives, as many at most."""
        ratio = point.ratios()
        must = (point.x[:-1] != 0) | (self.problem.kink == 0)
        count = int(must.sum())
        ratio[must] = inf
        chosen = np.flatnonzero(ratio > NEAR)
        most = count + max(FIRST_SIZE, count)
        if len(chosen) > most:
            chosen = chosen[np.argpartition(-ratio[chosen], most)[:most]]
            chosen.sort()
        return chosen

    def accuracy(self, point, chosen):
        """Return the violation up to which a model is minimised."""
        found = ACCURACY * float(point.violations()[chosen].max(initial=0))
        norm = self.problem.kink @ abs(point.x[:-1])
        if norm > 0:
            found = min(found, ACCURACY * self.gap / norm * float(self.problem.kink.max()))
        return found

    def search(self, point, new, dz):
        """Return the point of the longest step, of 1, 1/2, 1/4 ..., that decreases the objective enough."""
        problem, change, step = self.problem, new - point.x, 1.0
        slope = point.g @ dz + problem.penalty(new[:-1]) - problem.penalty(point.x[:-1])
        rounding = 8 * np.finfo(float).eps * abs(point.value)
        while step > LEAST_STEP:
            x = new if step == 1 else point.x + step * change
            found = LogisticPoint(problem, x, point.z + step * dz)
            if found.value <= point.value + SUFFICIENT * step * slope + rounding:
                return found
            step /= 2
        raise Breakdown(
            "the objective does not fall along the step of the model: raise rtol, or scale X",
            Status.STAGNATED,
        )
