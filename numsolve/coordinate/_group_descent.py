"""Block descent on working sets of groups, for the group lasso."""

from copy import copy
from functools import cached_property
from math import inf
from typing import Any

import numpy as np

from .._array import is_sparse
from ..kernels.host import group_sweeps
from ._descent import Descent, Point
from ._models import compressed_columns, gram_pays

FIRST_SIZE = 100  # features that join the first working set, about; later it may double
NEAR = (
    0.98  # a group joins if its derivatives have at least this fraction of the norm that the penalty allows
)
ACCURACY = 0.1  # of the minimum over a working set, as a fraction of the present violation and gap
SMALL_GRAM = 1000  # features whose Gram matrix is always formed: Newton steps need it
LARGEST_GRAM = 8000  # features of working sets whose Gram matrix is formed
PASSES, MOST_ROUNDS = 50, 40  # passes over the groups between two Newton steps, and how often
MOST_PASSES = 500  # over the features of a working set that is too large for a Gram matrix
RIDGE = 1e-10  # by which the diagonal of a Newton system is raised, relative to itself: it may be singular
WIDTH = 256  # sparse columns that are multiplied as dense ones at a time
ROUNDING = 1e-12


class GroupProblem:
    """Least squares with the norms of groups as penalty, in double precision.

    Parameters
    ----------
    X : array or csc_array, shape (m, n)
        The features.
    y, s : array, shape (m,)
        The observations, and the weights of the samples, of sum one.
    groups : Groups
        The groups of the features.
    v : array, shape (groups.count,)
        The penalty is ``v @ groups.norms(w)``.
    positive : bool
        Whether ``w >= 0``.
    intercept : bool
        Whether there is an intercept: features and observations are centred, implicitly.
    """

    def __init__(self, X, y, s, groups, v, *, positive=False, intercept=False):
        self.X, self.s, self.groups, self.kink = X, s, groups, v
        self.positive, self.intercept = positive, intercept
        self.transposed = X.T
        self.mean = float(s @ y) if intercept else 0.0
        self.means: Any = self.transposed @ s if intercept else np.zeros(X.shape[1])
        self.y = y - self.mean
        with np.errstate(over="ignore", invalid="ignore"):
            self.first, size = float(s @ (self.y * self.y)) / 2, float(s @ (y * y))
            self.squares = self._squares()
        if not (np.isfinite(self.squares).all() and np.isfinite(self.first)):
            raise ValueError("the squares of X or y overflow: scale X and y")
        if self.first <= (8 * np.finfo(float).eps) ** 2 * size:  # constant, up to rounding
            self.y, self.first = 0 * y, 0.0
        self.free = np.flatnonzero(v[groups.of] == 0)
        self.empty = self.squares <= 64 * np.finfo(float).eps * (self.squares + self.means**2)

    def times(self, lam) -> "GroupProblem":
        """Return the problem with its penalty multiplied by a factor."""
        other = copy(self)
        other.kink = lam * self.kink
        other.free = np.flatnonzero(other.kink[self.groups.of] == 0)
        return other

    def _squares(self):
        """Return the weighted sum of squares of each centred feature."""
        X = self.X
        squares = X.multiply(X).T @ self.s if is_sparse(X) else np.einsum("i,ij,ij->j", self.s, X, X)
        return squares - self.means**2

    def columns(self, chosen):
        """Return centred features, dense."""
        columns = self.X[:, chosen]
        return (columns.toarray() if is_sparse(columns) else columns) - self.means[chosen]

    def penalty(self, w):
        """Return the penalty of coefficients."""
        return float(self.kink @ self.groups.norms(w))

    def point(self, x):
        """Return the point of an iterate."""
        return GroupPoint(self, x)


class GroupPoint(Point):
    """The residuals, their correlations with the features and a dual value at an iterate.

    The dual function of residuals t is ``s @ (y * t) - s @ t**2 / 2``, if no group of the correlations of t
    has a norm above `kink`.
    """

    def __init__(self, problem, x):
        self.problem, w = problem, x[:-1]
        part = np.flatnonzero(w)
        shift = problem.means[part] @ w[part]
        self.r = problem.y - problem.X[:, part] @ w[part] + shift
        self.x = np.append(w, problem.mean - shift if problem.intercept else 0.0)
        self.norms = problem.groups.norms(w)
        self.loss = float(problem.s @ (self.r * self.r)) / 2

    @cached_property
    def correlations(self):
        """Products of the centred features with the residuals: minus the derivatives of the loss."""
        return self._correlations(self.r)

    def _correlations(self, r):
        problem = self.problem
        found = problem.transposed @ (problem.s * r)
        found -= problem.means * float(problem.s @ r)
        found[problem.empty] = 0
        return found

    def sizes(self, correlations):
        """Return the norms of the groups of correlations, of the positive parts with ``w >= 0``."""
        problem = self.problem
        return problem.groups.norms(np.maximum(correlations, 0) if problem.positive else correlations)

    @cached_property
    def dual(self):
        problem, r, correlations = self.problem, self.r, self.correlations
        free = problem.free
        if len(free):
            chosen = free[self.x[free] > 0] if problem.positive else free
            r = self._projected(chosen)
            correlations = self._correlations(r)
            if problem.positive and (correlations[free] > ROUNDING * abs(self.correlations).max()).any():
                return 0.0
        size = self.sizes(correlations)
        scales = np.full(len(size), inf)
        np.divide(problem.kink, size, out=scales, where=(problem.kink > 0) & (size > 0))
        rr, ry = float(problem.s @ (r * r)), float(problem.s @ (r * problem.y))
        t = min(ry / rr if rr > 0 else 0.0, scales.min(initial=inf))
        return max(t * ry - t * t * rr / 2, 0.0)

    def _projected(self, chosen):
        """Return the residuals without their part along some features."""
        root = np.sqrt(self.problem.s)
        columns = self.problem.columns(chosen)
        fit = np.linalg.lstsq(root[:, None] * columns, root * self.r, rcond=None)[0]
        return self.r - columns @ fit

    def ratios(self):
        """Return the factors of the penalty from which on each group is zero, if the others stay."""
        size, kink = self.sizes(self.correlations), self.problem.kink
        return np.divide(size, kink, out=np.zeros(len(size)), where=kink > 0)

    def violations(self):
        """Return how much the correlations of each group violate the optimality conditions."""
        problem, groups, w = self.problem, self.problem.groups, self.x[:-1]
        scale = np.zeros(groups.count)
        np.divide(problem.kink, self.norms, out=scale, where=self.norms > 0)
        rest = self.correlations - scale[groups.of] * w
        if problem.positive:
            rest = np.where(w > 0, rest, np.maximum(rest, 0))
        return np.where(
            self.norms > 0, groups.norms(rest), np.maximum(self.sizes(self.correlations) - problem.kink, 0)
        )


class GroupDescent(Descent):
    """Block descent over the groups of a working set, with Newton steps on the groups that are not zero."""

    def __init__(self, problem, gram):
        super().__init__(problem)
        self._gram = gram

    def improved(self, point):
        """Return the point of the next iterate."""
        problem, chosen = self.problem, self.working_set(point)
        tol = ACCURACY * float(point.violations()[chosen].max(initial=0))
        if (size := float(point.norms.sum())) > 0:
            tol = min(tol, ACCURACY * self.gap / size)
        model = GroupModel(problem, chosen, self._gram)
        x, features = point.x.copy(), model.features
        x[features] = model.minimised(point, x[features], tol)
        return GroupPoint(problem, x)

    def working_set(self, point):
        """Return the groups with coefficients, and those of large correlations, as many features at most."""
        problem = self.problem
        must = (point.norms > 0) | (problem.kink == 0)
        ratio = point.ratios()
        others = np.flatnonzero((ratio > NEAR) & ~must)
        others = others[np.argsort(-ratio[others])]
        sizes = problem.groups.sizes
        room = max(FIRST_SIZE, int(sizes[must].sum()))
        count = int(np.searchsorted(np.cumsum(sizes[others]), room)) + 1
        return np.sort(np.concatenate([np.flatnonzero(must), others[:count]]))


class WorkingGram:
    """Products of the features that have been in working sets, each computed once."""

    def __init__(self, problem):
        self._problem = problem
        self._place = np.full(problem.X.shape[1], -1)
        self._features = np.zeros(0, int)
        self._blocks: list[Any] = []
        self._H = np.zeros((0, 0))

    def of(self, features) -> np.ndarray:
        """Return the Gram matrix of some features, weighted and centred."""
        new = features[self._place[features] < 0]
        for first in range(0, len(new), WIDTH if is_sparse(self._problem.X) else len(new) or 1):
            self._add(new[first : first + WIDTH] if is_sparse(self._problem.X) else new)
        places = self._place[features]
        return self._H[np.ix_(places, places)]

    def _add(self, new):
        problem, old = self._problem, len(self._features)
        self._place[new] = np.arange(old, old + len(new))
        self._features = np.concatenate([self._features, new])
        columns = problem.columns(new)
        weighted = problem.s[:, None] * columns
        self._blocks.append(problem.X[:, new] if is_sparse(problem.X) else columns)
        products = np.concatenate([block.T @ weighted for block in self._blocks])
        if is_sparse(problem.X):
            products -= np.outer(problem.means[self._features], weighted.sum(axis=0))
        H = np.empty((old + len(new),) * 2)
        H[:old, :old] = self._H
        H[:, old:], H[old:, :old] = products, products[:old].T
        self._H = H


class GroupModel:
    """The problem on the groups of a working set."""

    def __init__(self, problem, chosen, gram):
        groups = problem.groups
        self.problem, self.features = problem, groups.features(chosen)
        self.kink, self.sizes = problem.kink[chosen], groups.sizes[chosen]
        self.begin = np.concatenate([[0], np.cumsum(self.sizes)])
        self.of = np.repeat(np.arange(len(chosen)), self.sizes)
        self.block = problem.X[:, self.features]
        by_gram = len(self.features) <= SMALL_GRAM or gram_pays(self.block, LARGEST_GRAM)
        self.H: Any = gram.of(self.features) if by_gram else None
        self.L = np.array([self._largest(g) for g in range(len(chosen))])

    def _largest(self, g):
        """Return the largest eigenvalue of the block of a group."""
        part = slice(self.begin[g], self.begin[g + 1])
        if self.H is not None:
            block = self.H[part, part]
        else:
            columns = self.problem.columns(self.features[part])
            block = columns.T @ (self.problem.s[:, None] * columns)
        return block[0, 0] if len(block) == 1 else np.linalg.eigvalsh(block)[-1]

    def minimised(self, point, w, tol):
        """Return the coefficients of the minimum."""
        problem = self.problem
        w = np.where(problem.empty[self.features], 0, w)
        if self.H is None:
            return self._by_columns(point.r.copy(), w, tol)
        q = -point.correlations[self.features]
        for _ in range(MOST_ROUNDS):
            passes = group_sweeps.sweep_groups(
                self.begin, self.H, q, w, self.L, self.kink, problem.positive, tol, PASSES
            )
            if passes < PASSES:
                break
            self._newton_step(q, w)
        return w

    def _by_columns(self, r, w, tol):
        """Return the coefficients of the minimum, for residuals r of w, without a Gram matrix."""
        problem = self.problem
        block, means = compressed_columns(self.block), problem.means[self.features]
        options = self.L, self.kink, problem.positive, tol, MOST_PASSES
        group_sweeps.sweep_group_columns(self.begin, *block, problem.s, means, r, w, *options)
        return w

    def _newton_step(self, q, w):
        """Step towards the minimum over the groups that are not zero, where the penalty is smooth."""
        norms = np.sqrt(np.bincount(self.of, w * w, minlength=len(self.kink)))
        smooth = (norms > 0) | (self.kink == 0)
        part = np.flatnonzero(smooth[self.of] & ((w > 0) if self.problem.positive else True))
        curvature = np.zeros(len(norms))
        np.divide(self.kink, norms, out=curvature, where=norms > 0)
        of, own = self.of[part], w[part]
        unit = own / np.where(norms[of] > 0, norms[of], 1)
        H = self.H[np.ix_(part, part)]
        slope = q[part] + self.kink[of] * unit
        system = H - (of[:, None] == of) * np.outer(curvature[of] * unit, unit)
        np.fill_diagonal(system, (1 + RIDGE) * system.diagonal() + curvature[of])
        if not len(part) or not (system.diagonal() > 0).all():
            return
        step = np.linalg.solve(system, -slope)
        curve, t = float(step @ (H @ step)) / 2, 1.0
        while t > ROUNDING:
            new = own + t * step
            if self.problem.positive:
                new = np.maximum(new, 0)
            d = new - own
            curve = float(d @ (H @ d)) / 2
            fresh = w.copy()
            fresh[part] = new
            after = np.sqrt(np.bincount(self.of, fresh * fresh, minlength=len(norms)))
            if float(q[part] @ d) + curve + float(self.kink @ (after - norms)) < 0:
                w[part] = new
                q += d @ self.H[part]
                return
            t /= 2
