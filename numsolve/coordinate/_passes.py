"""Passes over the coefficients, block by block: by kernels, or in array text for functions of the user."""

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._array import namespace
from ..kernels import home, kernels_for
from ._datafits import GeneralizedLinear, Huber, LeastSquares, Logistic, Poisson, Quadratic
from ._features import Features
from ._losses import HuberLoss, LogisticLoss, PoissonLoss, SquaredLoss
from ._penalties import Box, ElasticNet, NoPenalty

LOSSES = {SquaredLoss: 0, LogisticLoss: 1, HuberLoss: 2, PoissonLoss: 3}  # their numbers in the kernels
QUADRATIC = 4
KNOWN = (GeneralizedLinear, LeastSquares, Logistic, Huber, Poisson)  # not classes that users derive from them


@dataclass(frozen=True)
class Step:
    """The numbers of a pass: ``zeta += a * gradient``, a proximal step `A`, the share `theta` of its result.

    With `backward` the last block comes first.
    """

    theta: float
    a: float
    A: float
    backward: bool = False


def passes_for(problem, width) -> Any:
    """Return the passes over the coefficients of a problem in blocks of `width`."""
    terms = separable_terms(problem.penalty, problem.n, problem.xp, problem.dtype)
    if terms is None or loss_number(problem.datafit) is None:
        return FunctionPasses(problem.datafit, problem.penalty, width)
    return KernelPasses(problem.datafit, terms, width)


def loss_number(datafit):
    """Return the number of the datafit's loss in the kernels, or None."""
    if type(datafit) is Quadratic:
        return QUADRATIC
    return LOSSES.get(type(datafit.loss)) if type(datafit) in KNOWN else None


def separable_terms(penalty, n, xp, dtype) -> Any:
    """Return ``kinks, ridges, lower, upper`` of a penalty of single coefficients as rows, or None."""
    found = xp.zeros((4, n), dtype)
    found[2], found[3] = -np.inf, np.inf
    if type(penalty) is ElasticNet:
        weights = penalty.lam * penalty.weights
        found[0], found[1] = penalty.rho * weights, (1 - penalty.rho) * weights
        if penalty.positive:
            found[2] = 0
    elif type(penalty) is Box:
        found[2] = penalty.lower
        found[3] = penalty.upper
    elif type(penalty) is not NoPenalty:
        return None
    return found


class KernelPasses:
    """Passes by the kernels, for known losses of linear models, quadratics, and separable penalties."""

    def __init__(self, datafit, terms, width):
        self._datafit, self._terms, self._width = datafit, terms, width
        self._loss = loss_number(datafit)
        self._delta = float(getattr(getattr(datafit, "loss", None), "delta", 0.0))
        matrix = datafit.features.matrix
        if datafit.features.is_sparse:
            self._kernel, self._matrix = "cyclic_csc", (matrix.indptr, matrix.indices, matrix.data)
        else:
            self._kernel, self._matrix = "cyclic_dense", (namespace(matrix).ascontiguousarray(matrix.T),)

    def of_samples(self, datafit):
        """Return the passes of a datafit of some of the samples."""
        return KernelPasses(datafit, self._terms, self._width)

    def sweep(self, step, z, x, base, extra, old, zeta):
        """Take a pass from `x` of state z, changed in place like `zeta`; return gradients and prox."""
        datafit = self._datafit
        if self._loss == QUADRATIC:
            y = s = g = datafit.b
        else:
            y, s, g = datafit.y, datafit.weights, datafit.slopes(z)
        p, v = namespace(x).empty_like(x), namespace(x).empty_like(x)
        numbers = int(step.backward), self._width, self._loss, self._delta, step.theta, step.a, step.A
        arrays = y, s, z, g, base, extra, self._terms, old, zeta, p, v, x
        getattr(kernels_for(x), self._kernel)(*numbers, *self._matrix, *arrays)
        return p, v

    def replay(self, z, x, target):
        """Return the gradients along a pass from `x` of state z to `target`; both change in place."""
        terms = namespace(x).zeros_like(self._terms)
        terms[2] = terms[3] = target
        way = copy(self)
        way._terms = terms
        zero = namespace(x).zeros_like(x)
        return way.sweep(Step(1.0, 1.0, 1.0), z, x, zero, zero, zero, zero.copy())[0]


class FunctionPasses:
    """The same passes in array text, for datafits and penalties of the user."""

    def __init__(self, datafit, penalty, width):
        self._datafit, self._penalty, self._width = datafit, penalty, width

    def of_samples(self, datafit):
        """Return the passes of a datafit of some of the samples."""
        return FunctionPasses(datafit, self._penalty, self._width)

    def sweep(self, step, z, x, base, extra, old, zeta):
        """Take a pass from `x` of state z, changed in place like `zeta`; return gradients and prox."""
        p, v = namespace(x).empty_like(x), namespace(x).empty_like(x)
        for block in self._blocks(len(x), step.backward):
            p[block] = self._datafit.block_gradient(z, x, block)
            zeta[block] += step.a * (p[block] + extra[block])
            v[block] = self._penalty.prox(base[block] - zeta[block], step.A, block)
            self._move(z, x, block, (1 - step.theta) * old[block] + step.theta * v[block])
        return p, v

    def replay(self, z, x, target):
        """Return the gradients along a pass from `x` of state z to `target`; both change in place."""
        p = namespace(x).empty_like(x)
        for block in self._blocks(len(x), False):
            p[block] = self._datafit.block_gradient(z, x, block)
            self._move(z, x, block, target[block])
        return p

    def _move(self, z, x, block, new):
        self._datafit.moved(z, block, new - x[block])
        x[block] = new

    def _blocks(self, n, backward):
        starts = range(0, n, self._width)
        return [slice(k, min(k + self._width, n)) for k in (reversed(starts) if backward else starts)]


class Samples:
    """The samples of a linear model by rows, for methods that draw some of them."""

    def __init__(self, datafit):
        if not isinstance(datafit, GeneralizedLinear):
            raise TypeError(
                f"variance_reduction draws samples, but a {type(datafit).__name__} has none: leave it out, "
                "or pass a GeneralizedLinear datafit"
            )
        self._datafit, features = datafit, datafit.features
        self.count = features.shape[0]
        xp = namespace(datafit.y)
        if features.is_sparse:
            self._rows = features.matrix.tocsr()
            self.matrix = self._rows.indptr, self._rows.indices, self._rows.data
            self.index = self._rows.indices.dtype
        else:
            self._rows = xp.ascontiguousarray(features.matrix)
            self.matrix, self.index = (self._rows,), np.dtype(np.int64)

    def batch(self, rows):
        """Return the datafit of some samples, as an estimate of the whole."""
        found = copy(self._datafit)
        found.features = Features(self._rows[rows])
        found.y, scale = self._datafit.y[rows], self.count / len(rows)
        found.weights = self._datafit.weights[rows] * scale
        return found

    def kernel(self):
        """Return the kernel that takes steps with single samples, and what it gets as its loss."""
        name = "sampled_csr" if len(self.matrix) == 3 else "sampled_dense"
        number = loss_number(self._datafit)
        if number is None:
            return getattr(home("reference"), name), self._datafit.loss.derivative
        return getattr(kernels_for(self._datafit.y), name), number
