"""Multinomial regression: the loss of several classes, with a column of coefficients for each class."""

from math import nan
from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module, common_library, is_sparse
from ._datafits import Datafit, absolute_gram_sums, kept_features, mean_weights
from ._features import Features

REMEDY = "pass numpy.unique(y, return_inverse=True)[1]"


class Multinomial(Datafit):
    r"""The weighted mean of the multinomial losses, ``log(sum_c exp(z_c)) - z_y``.

    The predictions of a sample are ``z = x . W`` with coefficients W of shape (n, k).

    Parameters
    ----------
    X : array or sparse array, shape (m, n)
        The samples.
    y : array of int, shape (m,)
        The classes, 0 to k - 1.
    sample_weight : array, shape (m,), optional
        Weights >= 0 of the samples. Default: all equal.

    Raises
    ------
    TypeError, ValueError
        The classes are not whole numbers from 0, one class only, ...

    Notes
    -----
    Coefficient ``j * k + c`` of the methods is the one of feature j and class c. The Hessian of a block
    within one class is bounded with the factor 1/4, that of others with ``(I - 1 1^T / k) / 2`` [1]_.

    References
    ----------
    .. [1] D. Böhning, *Multinomial logistic regression algorithm*, Ann. Inst. Statist. Math. 44, 1992,
       197-200, :doi:`10.1007/BF00048682`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.coordinate import L1, Multinomial, minimize
    >>> X = np.array([[2.0, 0.0], [0.0, 2.0], [-2.0, -2.0]])
    >>> minimize(Multinomial(X, [0, 1, 2]), L1(0.1), block_size=3).check().x.shape
    (2, 3)
    """

    def __init__(self, X, y, *, sample_weight=None):
        common_library(X=X, y=y, sample_weight=sample_weight)
        self.features = X if isinstance(X, Features) else kept_features(X)
        m, features = self.features.shape
        self.dtype, self.library = self.features.dtype, self.features.library
        self.classes = class_numbers(y, m, self._xp)
        self.k = int(self.classes.max()) + 1
        if self.k < 2:
            raise ValueError("y has one class only; at least two are needed")
        self.n, self.shape = features * self.k, (features, self.k)
        self.weights = mean_weights(sample_weight, m, self._xp).astype(self.dtype)
        self.targets = (self.classes[:, None] == self._xp.arange(self.k)).astype(self.dtype)

    @property
    def _xp(self) -> Any:
        return array_module(self.library)

    def state(self, x):
        return self.features.product(x.reshape(self.shape))

    def moved(self, state, block, d):
        state += self._columns(block) @ (d[:, None] * self._classes_of(block))
        return state

    def _columns(self, block):
        return self.features.columns(block // self.k)

    def _classes_of(self, block):
        """Return a row for each coefficient of a block, with a one at its class."""
        return (block[:, None] % self.k == self._xp.arange(self.k)).astype(self.dtype)

    def value(self, state, x):  # noqa: ARG002 - the protocol
        top = state.max(axis=1)
        sums = self._xp.log(self._xp.exp(state - top[:, None]).sum(axis=1)) + top
        return float(self.weights @ (sums - (self.targets * state).sum(axis=1)))

    def probabilities(self, state) -> Any:
        """Return the probabilities of the classes.

        Parameters
        ----------
        state : array, shape (m, k)
            The predictions.

        Returns
        -------
        array, shape (m, k)
            The probabilities.
        """
        e = self._xp.exp(state - state.max(axis=1)[:, None])
        return e / e.sum(axis=1)[:, None]

    def gradient(self, state, x):  # noqa: ARG002 - the protocol
        return self.features.correlate(self.slopes(state)).reshape(-1)

    def block_gradient(self, state, x, block):  # noqa: ARG002 - the protocol
        return ((self._columns(block).T @ self.slopes(state)) * self._classes_of(block)).sum(axis=1)

    def slopes(self, state) -> Any:
        """Return the derivatives of the function in the predictions.

        Parameters
        ----------
        state : array, shape (m, k)
            The predictions.

        Returns
        -------
        array, shape (m, k)
            The derivatives.
        """
        return self.weights[:, None] * (self.probabilities(state) - self.targets)

    def curvatures(self):
        squares = self.features.weighted_squares(self.weights) / 4
        return (squares[:, None] + self._xp.zeros(self.k, self.dtype)).reshape(-1)

    def block_hessian(self, block, state=None):
        same = self._classes_of(block)
        same = same @ same.T  # one for coefficients of the same class
        if state is None:
            gram = self.features.gram(block // self.k, self.weights)
            within = bool(same.all()) if self._xp is np else False
            return gram / 4 if within else gram * (same - 1 / self.k) / 2
        columns = self._columns(block)
        columns = columns.toarray() if is_sparse(columns) else columns
        likely = columns * self.probabilities(state)[:, block % self.k]
        weighted = self.weights[:, None] * likely
        return same * (columns.T @ weighted) - likely.T @ weighted

    def hessian_product(self, d):
        predicted = self.features.product(d.reshape(self.shape))
        predicted = predicted - predicted.sum(axis=1)[:, None] / self.k
        return self.features.correlate(self.weights[:, None] * predicted / 2).reshape(-1)

    def hessian_row_sums(self):
        sums = absolute_gram_sums(self.features, self.weights) * (1 - 1 / self.k)
        return (sums[:, None] + self._xp.zeros(self.k, self.dtype)).reshape(-1)

    def gap(self, state, x, gradient, penalty):
        scale = penalty.dual_scale(-gradient)
        if not scale >= 0:
            return nan
        p = scale * self.probabilities(state) + (1 - scale) * self.targets
        conjugates = (p * self._xp.log(self._xp.where(p > 0, p, 1))).sum(axis=1)
        primal = self.value(state, x) + penalty.value(x)
        return max(primal + float(self.weights @ conjugates) + penalty.conjugate(-scale * gradient), 0.0)


def class_numbers(y, m, xp) -> Any:
    """Return the classes of the samples as whole numbers from 0."""
    y = _validate.finite(_validate.as_array(y, "y", xp), "y")
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.shape != (m,):
        raise ValueError(f"y has shape {y.shape}, but X has {m} rows: shape ({m},) is needed")
    classes = y.astype(np.int64)
    if bool((classes != y).any()) or int(classes.min()) < 0:
        raise ValueError(f"y has labels other than 0, 1, 2, ...: {REMEDY}")
    if int(classes.max()) >= m:
        raise ValueError(f"y has the label {int(classes.max())}, but X has {m} rows: {REMEDY}")
    return classes
