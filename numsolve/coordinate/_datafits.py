"""Datafits: the smooth function that is minimised, and what block methods read of it.

A method keeps the `state` of an iterate x, an array that is linear in x. A change d of the coefficients of a
block changes it by ``moved``, and value and gradient are functions of the state alone.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module, is_sparse, library
from ._features import Features
from ._losses import HuberLoss, LogisticLoss, Loss, PoissonLoss, SquaredLoss


class Datafit(ABC):
    """A smooth function of n coefficients.

    Attributes
    ----------
    n : int
        Number of coefficients.
    shape : tuple of int
        The shape in which the caller sees them.
    dtype : numpy.dtype
        The working dtype.
    library : {"numpy", "cupy"}
        The library of its arrays.
    """

    n: int
    shape: tuple[int, ...]
    dtype: np.dtype
    library: str

    @abstractmethod
    def state(self, x) -> Any:
        """Return the state of the coefficients `x`, a new array."""

    @abstractmethod
    def moved(self, state, block, d) -> Any:
        """Add the change `d` of the coefficients of a block to the state, in place, and return it."""

    @abstractmethod
    def value(self, state, x) -> float:
        """Return the value of the function."""

    @abstractmethod
    def gradient(self, state, x) -> Any:
        """Return the gradient, shape (n,)."""

    @abstractmethod
    def block_gradient(self, state, x, block) -> Any:
        """Return the gradient in the coefficients of a block."""

    @abstractmethod
    def curvatures(self) -> Any:
        """Return an upper bound of the second derivatives; infinite where there is none."""

    @abstractmethod
    def block_hessian(self, block, state=None) -> Any:
        """Return the Hessian of a block: at a state, or with None an upper bound for all of them."""


class GeneralizedLinear(Datafit):
    """The weighted mean of the losses of a linear model.

    Minimise ``sum_i s_i loss(x_i . w, y_i) / sum_i s_i`` over the coefficients w.

    Parameters
    ----------
    X : array or sparse array, shape (m, n)
        The samples.
    y : array, shape (m,)
        The observations.
    loss : Loss
        The loss of a sample.
    sample_weight : array, shape (m,), optional
        Weights >= 0 of the samples. Default: all equal.
    """

    def __init__(self, X, y, loss, *, sample_weight=None):
        if not isinstance(loss, Loss):
            raise TypeError(f"loss is a {type(loss).__name__}; a numsolve.coordinate.Loss is needed")
        self.features = X if isinstance(X, Features) else Features(X)
        m, self.n = self.features.shape
        self.shape, self.dtype, self.library = (self.n,), self.features.dtype, self.features.library
        xp = array_module(self.library)
        self.loss = loss
        self.y = observations(y, m, xp).astype(self.dtype)
        self.weights = mean_weights(sample_weight, m, xp).astype(self.dtype)

    def state(self, x):
        return self.features.product(x)

    def moved(self, state, block, d):
        state += self.features.columns(block) @ d
        return state

    def value(self, state, x):  # noqa: ARG002 - the protocol
        return float(self.weights @ self.loss.value(state, self.y))

    def gradient(self, state, x):  # noqa: ARG002 - the protocol
        return self.features.correlate(self.slopes(state))

    def block_gradient(self, state, x, block):  # noqa: ARG002 - the protocol
        return self.features.columns(block).T @ self.slopes(state)

    def slopes(self, state):
        """Return the derivatives of the function in the predictions."""
        return self.weights * self.loss.derivative(state, self.y)

    def curvatures(self):
        return self.loss.curvature * self.features.weighted_squares(self.weights)

    def block_hessian(self, block, state=None):
        second = self.loss.curvature if state is None else self.loss.second(state, self.y)
        return self.features.gram(block, second * self.weights)


class LeastSquares(GeneralizedLinear):
    """Half of the weighted mean of the squared residuals, ``|y - X w|^2 / (2 m)``."""

    def __init__(self, X, y, *, sample_weight=None):
        super().__init__(X, y, SquaredLoss(), sample_weight=sample_weight)


class Logistic(GeneralizedLinear):
    """The weighted mean of the logistic losses, for labels -1 and 1."""

    def __init__(self, X, y, *, sample_weight=None):
        super().__init__(X, y, LogisticLoss(), sample_weight=sample_weight)
        bad = int((abs(self.y) != 1).sum())
        if bad:
            raise ValueError(f"y has {bad} labels other than -1 and 1: map the classes to -1 and 1 first")


class Huber(GeneralizedLinear):
    """The weighted mean of the Huber losses, quadratic for residuals up to `delta`."""

    def __init__(self, X, y, *, delta=1.35, sample_weight=None):
        super().__init__(X, y, HuberLoss(delta), sample_weight=sample_weight)


class Poisson(GeneralizedLinear):
    """The weighted mean of ``exp(z) - y z``. Its Hessian has no bound, so steps need a line search."""

    def __init__(self, X, y, *, sample_weight=None):
        super().__init__(X, y, PoissonLoss(), sample_weight=sample_weight)
        bad = int((self.y < 0).sum())
        if bad:
            raise ValueError(f"y has {bad} entries < 0; counts are needed")


class Quadratic(Datafit):
    """The quadratic function ``x^T A x / 2 - b^T x`` of a symmetric matrix, as on a graph.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        A symmetric matrix.
    b : array, shape (n,), optional
        Default: zero.
    """

    def __init__(self, A, b=None):
        self.n = _validate.square_shape(A, "A")
        self.features = Features(A, "A")
        self.shape, self.dtype, self.library = (self.n,), self.features.dtype, self.features.library
        xp = array_module(self.library)
        A = self.features.matrix
        if float(abs(A - A.T).max()) > 64 * float(np.finfo(self.dtype).eps) * float(abs(A).max()):
            raise ValueError("A is not symmetric: pass (A + A.T) / 2, which has the same quadratic form")
        self.b = xp.zeros(self.n, self.dtype)
        if b is not None:
            self.b = _validate.right_hand_side(b, self.n, xp).astype(self.dtype)

    def state(self, x):
        return self.features.product(x)

    def moved(self, state, block, d):
        state += self.features.columns(block) @ d
        return state

    def value(self, state, x):
        return float(x @ (state / 2 - self.b))

    def gradient(self, state, x):  # noqa: ARG002 - the protocol
        return state - self.b

    def block_gradient(self, state, x, block):  # noqa: ARG002 - the protocol
        return state[block] - self.b[block]

    def curvatures(self):
        return self.features.matrix.diagonal()

    def block_hessian(self, block, state=None):  # noqa: ARG002 - the protocol
        found = self.features.columns(block)
        if is_sparse(found):
            found = found.tocsr()
        found = found[block]
        return found.toarray() if is_sparse(found) else found


def observations(y, m, xp) -> Any:
    """Return `y` as an array of m finite real numbers."""
    y = _validate.real(y, "y", xp)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.shape != (m,):
        raise ValueError(f"y has shape {y.shape}, but X has {m} rows: shape ({m},) is needed")
    return y


def mean_weights(sample_weight, m, xp) -> Any:
    """Return the weights of the samples, divided by their sum."""
    if sample_weight is None:
        return xp.full(m, 1 / m)
    weights = _validate.real(sample_weight, "sample_weight", xp)
    if weights.shape != (m,):
        raise ValueError(f"sample_weight has shape {weights.shape}; ({m},) is needed")
    if bool((weights < 0).any()) or not bool((weights > 0).any()):
        raise ValueError("sample_weight has negative entries, or none above zero; weights >= 0 are needed")
    return weights / weights.sum()


def library_of(datafit) -> str:
    """Return the library of the arrays of a datafit."""
    return library(datafit) or "numpy"
