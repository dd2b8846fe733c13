"""The problems of the paper on faster block coordinate descent."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse.linalg as sla

from .. import coordinate
from ..coordinate import Box, Datafit, LeastSquares, Multinomial, Quadratic
from ..problems import lattice_labels, softmax_data, sparse_regression, two_moons

SQUARES, SOFTMAX, MOONS, LATTICE, NONNEGATIVE = "A", "C", "E", "D", "A, x >= 0"


@dataclass(frozen=True, eq=False)
class Problem:
    """A function to minimise, and its least value in the units of the paper.

    Attributes
    ----------
    datafit : Datafit
        The smooth part.
    penalty : Penalty or None
        The other part.
    optimum : float
        The least value.
    scale : float
        The factor from the value of the datafit to that of the paper, which does not divide by the number of
        samples.
    """

    datafit: Datafit
    penalty: Any
    optimum: float
    scale: float = 1.0


class ShiftedLeastSquares(LeastSquares):
    """Least squares plus ``slope * sum(x)``, the L1 penalty of nonnegative coefficients."""

    def __init__(self, X, y, slope):
        super().__init__(X, y)
        self.slope = slope

    def value(self, state, x):
        return super().value(state, x) + self.slope * float(x.sum())

    def gradient(self, state, x):
        return super().gradient(state, x) + self.slope

    def block_gradient(self, state, x, block):
        return super().block_gradient(state, x, block) + self.slope


def problems_of(settings):
    """Return the problems by name."""
    X, y, _ = sparse_regression(settings["samples"], settings["features"], rng=np.random.RandomState(1))
    lattice = lattice_labels(
        settings["side"], settings["side"], labelled=settings["labelled"], rng=np.random.RandomState(1)
    )
    moons = two_moons(settings["points"], labelled=settings["labelled points"], rng=np.random.RandomState(1))
    return {
        SQUARES: Problem(LeastSquares(X, y), None, 0.0, len(y)),
        SOFTMAX: softmax(*settings["softmax"]),
        MOONS: quadratic(moons),
        LATTICE: quadratic(lattice),
        NONNEGATIVE: nonnegative(X, y, settings["penalty"]),
    }


def softmax(samples, features, classes):
    """Return multinomial regression on data that are separable, so that the least value is zero."""
    X, y, _ = softmax_data(samples, features, classes, rng=np.random.RandomState(1))
    return Problem(Multinomial(X, y), None, 0.0, len(y))


def quadratic(graph):
    """Return the problem of the unknown labels of a graph."""
    x = sla.spsolve(graph.A.tocsc(), graph.b)
    return Problem(Quadratic(graph.A, graph.b), None, float(-graph.b @ x / 2))


def nonnegative(X, y, penalty):
    """Return least squares with an L1 penalty for x >= 0; its optimum is that of `lasso`."""
    slope = penalty / len(y)
    best = coordinate.lasso(X, y, slope, positive=True, fit_intercept=False, rtol=1e-13, maxiter=100_000)
    return Problem(ShiftedLeastSquares(X, y, slope), Box(), best.objective * len(y), len(y))
