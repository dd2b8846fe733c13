"""Datafits: the smooth function that is minimised, and what block methods read of it.

A method keeps the `state` of an iterate x, an array that is linear in x. A change d of the coefficients of a
block changes it by ``moved``, and value and gradient are functions of the state alone.
"""

from abc import ABC, abstractmethod
from math import nan
from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module, common_library, is_sparse, library
from ._columns import add_columns, correlate_columns, square_block
from ._features import Features
from ._losses import HuberLoss, LogisticLoss, Loss, PoissonLoss, SquaredLoss

ROW_SUMS_AT_ONCE = 256  # columns of the Hessian bound that are formed at a time


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

    def __repr__(self):
        return f"{type(self).__name__}(coefficients of shape {self.shape}, {self.dtype})"

    @abstractmethod
    def state(self, x) -> Any:
        """Return the state of the coefficients, a new array.

        Parameters
        ----------
        x : array, shape (n,)
            The coefficients.

        Returns
        -------
        array
            The state, linear in `x`.
        """

    @abstractmethod
    def moved(self, state, block, d) -> Any:
        """Add the effect of a change of a block to the state, in place, and return it.

        Parameters
        ----------
        state : array
            The state.
        block : slice or array of int, shape (b,)
            The indices of the coefficients of the block.
        d : array, shape (b,)
            The change of the coefficients of the block.

        Returns
        -------
        array
            The state after the change.
        """

    @abstractmethod
    def value(self, state, x) -> float:
        """Return the value of the function.

        Parameters
        ----------
        state : array
            The state of `x`.
        x : array, shape (n,)
            The coefficients.

        Returns
        -------
        float
            The value.
        """

    @abstractmethod
    def gradient(self, state, x) -> Any:
        """Return the gradient.

        Parameters
        ----------
        state : array
            The state of `x`.
        x : array, shape (n,)
            The coefficients.

        Returns
        -------
        array, shape (n,)
            The gradient.
        """

    @abstractmethod
    def block_gradient(self, state, x, block) -> Any:
        """Return the gradient in the coefficients of a block.

        Parameters
        ----------
        state : array
            The state of `x`.
        x : array, shape (n,)
            The coefficients.
        block : slice or array of int, shape (b,)
            The indices of the coefficients of the block.

        Returns
        -------
        array, shape (b,)
            The gradient in the block.
        """

    @abstractmethod
    def curvatures(self) -> Any:
        """Return upper bounds of the second derivatives.

        Returns
        -------
        array, shape (n,)
            The bounds; infinite where there is none.
        """

    @abstractmethod
    def block_hessian(self, block, state=None) -> Any:
        """Return the Hessian of a block, or an upper bound of it.

        Parameters
        ----------
        block : slice or array of int, shape (b,)
            The indices of the coefficients of the block.
        state : array, optional
            The state. Default: the bound for all states.

        Returns
        -------
        array, shape (b, b)
            The Hessian or its bound.
        """

    def hessian_columns(self, block) -> Any:  # noqa: ARG002 - datafits with a constant Hessian override it
        """Return columns of a constant Hessian, from which gradients are updated.

        Parameters
        ----------
        block : array of int, shape (b,)
            The indices of the columns.

        Returns
        -------
        array, shape (n, b), or None
            The columns; None if the Hessian is not constant, or the gradient is cheap without them.
        """
        return None

    def hessian_product(self, d) -> Any:
        """Return the product of the Hessian bound and a vector; only "iht" needs it.

        Parameters
        ----------
        d : array, shape (n,)
            The vector.

        Returns
        -------
        array, shape (n,)
            The product.
        """
        raise NotImplementedError(f"{type(self).__name__} has no hessian_product")

    def hessian_row_sums(self) -> Any:
        """Return the row sums of the absolute Hessian bound; only "gsdhb" needs them.

        Returns
        -------
        array, shape (n,)
            The sums.
        """
        raise NotImplementedError(f"{type(self).__name__} has no hessian_row_sums")

    def gap(self, state, x, gradient, penalty) -> float:  # noqa: ARG002 - datafits with a dual override it
        """Return the duality gap with a penalty.

        Parameters
        ----------
        state : array
            The state of `x`.
        x : array, shape (n,)
            The coefficients.
        gradient : array, shape (n,)
            The gradient at `x`.
        penalty : Penalty
            The penalty.

        Returns
        -------
        float
            The gap; NaN if no dual is known.
        """
        return nan


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
        common_library(X=X, y=y, sample_weight=sample_weight)
        self.features = X if isinstance(X, Features) else kept_features(X)
        m, self.n = self.features.shape
        self.shape, self.dtype, self.library = (self.n,), self.features.dtype, self.features.library
        xp = array_module(self.library)
        self.loss = loss
        self.y = observations(y, m, xp).astype(self.dtype)
        self.weights = mean_weights(sample_weight, m, xp).astype(self.dtype)

    def state(self, x):
        return self.features.product(x)

    def moved(self, state, block, d):
        return add_columns(self.features, block, d, state)

    def value(self, state, x):  # noqa: ARG002 - the protocol
        return float(self.weights @ self.loss.value(state, self.y))

    def gradient(self, state, x):  # noqa: ARG002 - the protocol
        return self.features.correlate(self.slopes(state))

    def block_gradient(self, state, x, block):  # noqa: ARG002 - the protocol
        return correlate_columns(self.features, block, self.slopes(state))

    def slopes(self, state):
        """Return the derivatives of the function in the predictions.

        Parameters
        ----------
        state : array, shape (m,)
            The predictions.

        Returns
        -------
        array, shape (m,)
            The derivatives.
        """
        return self.weights * self.loss.derivative(state, self.y)

    def curvatures(self):
        return self.loss.curvature * self.features.weighted_squares(self.weights)

    def block_hessian(self, block, state=None):
        second = self.loss.curvature if state is None else self.loss.second(state, self.y)
        return self.features.gram(block, second * self.weights)

    def hessian_product(self, d):
        return self.features.correlate(self.loss.curvature * self.weights * self.features.product(d))

    def hessian_row_sums(self):
        return absolute_gram_sums(self.features, self.loss.curvature * self.weights)

    def gap(self, state, x, gradient, penalty):
        scale = penalty.dual_scale(-gradient)
        if not scale >= 0:
            return nan
        u = self.loss.derivative(state, self.y)
        try:
            conjugates = self.loss.conjugate(scale * u, self.y)
        except NotImplementedError:
            return nan
        primal = self.value(state, x) + penalty.value(x)
        return max(primal + float(self.weights @ conjugates) + penalty.conjugate(-scale * gradient), 0.0)


class LeastSquares(GeneralizedLinear):
    """Half of the weighted mean of the squared residuals, ``|y - X w|^2 / (2 m)``.

    Parameters
    ----------
    X : array or sparse array, shape (m, n)
        The samples.
    y : array, shape (m,)
        The observations.
    sample_weight : array, shape (m,), optional
        Weights >= 0 of the samples. Default: all equal.
    """

    def __init__(self, X, y, *, sample_weight=None):
        super().__init__(X, y, SquaredLoss(), sample_weight=sample_weight)

    def hessian_columns(self, block):
        columns = self.features.columns(block)
        if is_sparse(columns):
            columns = columns.toarray()
        return self.features.correlate(self.weights[:, None] * columns)


class Logistic(GeneralizedLinear):
    """The weighted mean of the logistic losses, for labels -1 and 1.

    Parameters
    ----------
    X : array or sparse array, shape (m, n)
        The samples.
    y : array, shape (m,)
        The labels.
    sample_weight : array, shape (m,), optional
        Weights >= 0 of the samples. Default: all equal.
    """

    def __init__(self, X, y, *, sample_weight=None):
        super().__init__(X, y, LogisticLoss(), sample_weight=sample_weight)
        bad = int((abs(self.y) != 1).sum())
        if bad:
            raise ValueError(f"y has {bad} labels other than -1 and 1: map the classes to -1 and 1 first")


class Huber(GeneralizedLinear):
    """The weighted mean of the Huber losses, quadratic for residuals up to `delta`.

    Parameters
    ----------
    X : array or sparse array, shape (m, n)
        The samples.
    y : array, shape (m,)
        The observations.
    delta : float
        The residual from which on the loss is linear, > 0.
    sample_weight : array, shape (m,), optional
        Weights >= 0 of the samples. Default: all equal.
    """

    def __init__(self, X, y, *, delta=1.35, sample_weight=None):
        super().__init__(X, y, HuberLoss(delta), sample_weight=sample_weight)


class Poisson(GeneralizedLinear):
    """The weighted mean of ``exp(z) - y z``. Its Hessian has no bound, so steps need a line search.

    Parameters
    ----------
    X : array or sparse array, shape (m, n)
        The samples.
    y : array, shape (m,)
        The counts, >= 0.
    sample_weight : array, shape (m,), optional
        Weights >= 0 of the samples. Default: all equal.
    """

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
        common_library(A=A, b=b)
        self.n = _validate.square_shape(A, "A")
        self.features = kept_features(A, "A")
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
        return add_columns(self.features, block, d, state)

    def value(self, state, x):
        return float(x @ (state / 2 - self.b))

    def gradient(self, state, x):  # noqa: ARG002 - the protocol
        return state - self.b

    def block_gradient(self, state, x, block):  # noqa: ARG002 - the protocol
        return state[block] - self.b[block]

    def curvatures(self):
        return self.features.matrix.diagonal()

    def block_hessian(self, block, state=None):  # noqa: ARG002 - the protocol
        return square_block(self.features, block)

    def hessian_product(self, d):
        return self.features.product(d)

    def hessian_row_sums(self):
        found = abs(self.features.matrix).sum(axis=0)
        return array_module(self.library).asarray(found).reshape(-1)


def kept_features(X, name="X") -> Features:
    """Return features with a copy of the caller's matrix, whose columns are contiguous."""
    features = Features(X, name)
    xp = array_module(features.library)
    dense = not features.is_sparse
    features.matrix = xp.array(features.matrix, order="F") if dense else features.matrix.copy()
    return features


def absolute_gram_sums(features, weights) -> Any:
    """Return the row sums of ``abs(X^T diag(weights) X)``, of which few columns are formed at a time."""
    xp, n = array_module(features.library), features.shape[1]
    found = xp.empty(n, features.dtype)
    for at in range(0, n, ROW_SUMS_AT_ONCE):
        block = slice(at, at + ROW_SUMS_AT_ONCE)
        columns = features.columns(block)
        if features.is_sparse:
            rows = abs(features.matrix.T @ columns.multiply(weights[:, None]).tocsc())
            found[block] = xp.asarray(rows.sum(axis=0)).reshape(-1)
        else:
            found[block] = abs(features.correlate(weights[:, None] * columns)).sum(axis=0)
    return found


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
