"""Logistic regression with constraints on the coefficients."""

from functools import partial
from typing import Any

import numpy as np

from .. import _validate
from .._array import is_sparse
from ._constrained import ConstrainedProblem

GENERATED = (500, 40)  # samples and features of generated data


def constrained_logistic(X=None, y=None, *, constraints=10, rng=None) -> ConstrainedProblem:
    r"""Return logistic regression whose coefficients lie on the unit sphere and satisfy linear equations.

    Minimise :math:`\frac1N \sum_i \log(1 + e^{-y_i x_i^T w})` subject to :math:`A w = b` and
    :math:`\lVert w \rVert^2 = 1`, where A and b have standard normal entries.

    Parameters
    ----------
    X : array or sparse array, shape (N, n), optional
        The data, a row for each sample, as `read_libsvm` returns them. Default: standard normal data of 500
        samples and 40 features.
    y : array, shape (N,), optional
        Labels of two classes, any two numbers; the larger one becomes 1 and the other -1. Default: drawn from
        the logistic model.
    constraints : int
        Number of linear equations, less than n. There is one constraint more, that of the sphere.
    rng : int or numpy.random.Generator, optional
        Seed or generator.

    Returns
    -------
    ConstrainedProblem
        The problem, with dense derivatives. All coefficients start at one.

    Raises
    ------
    TypeError, ValueError
        If shapes do not fit, `y` has not two values, or there are too many constraints.

    Notes
    -----
    The problem of Hong et al. [1]_. If no point of the unit sphere satisfies the equations, which happens
    for small n, b is divided by twice the norm of their shortest solution. A Hessian costs O(N n^2).

    References
    ----------
    .. [1] I. Hong, S. Na, M. W. Mahoney, M. Kolar, *Constrained optimization via exact augmented Lagrangian
       and randomized iterative sketching*, ICML 2023, :doi:`10.48550/arXiv.2305.18379`, section 4.

    Examples
    --------
    >>> from numsolve.problems import constrained_logistic
    >>> problem = constrained_logistic(rng=0)
    >>> problem.jac(problem.x0).shape
    (11, 40)
    """
    rng = np.random.default_rng(rng)
    if X is None or y is None:
        if X is not None or y is not None:
            raise ValueError("X and y belong together: pass both or neither")
        X, y = _generated(rng)
    X, y = _checked(X, y)
    n = X.shape[1]
    m = _validate.count(constraints, "constraints")
    if m >= n:
        raise ValueError(f"constraints is {m}, but X has {n} columns: fewer constraints are needed")
    A, b = rng.standard_normal((m, n)), rng.standard_normal(m)
    shortest = float(np.linalg.norm(np.linalg.lstsq(A, b)[0])) if m else 0.0
    if shortest >= 1:
        b /= 2 * shortest
    return ConstrainedProblem(
        f"logistic regression of {X.shape[0]} x {n}",
        np.ones(n),
        partial(_objective, X, y),
        partial(_gradient, X, y),
        partial(_hessian, X, y),
        partial(_constraints, A, b),
        partial(_jacobian, A, b),
        partial(_constraint_hessian, A, b),
    )


def _generated(rng):
    """Return standard normal data, and labels of the logistic model for random coefficients."""
    samples, n = GENERATED
    X, w = rng.standard_normal((samples, n)), rng.standard_normal(n)
    return X, np.where(rng.random(samples) < 1 / (1 + np.exp(-(X @ w))), 1.0, -1.0)


def _checked(X: Any, y):
    """Return the data in float64, and the labels as 1 and -1."""
    rows = _validate.matrix_shape(X, "X")[0]
    X = X.tocsr().astype(float) if is_sparse(X) else _validate.real_array(X, "X")
    y = _validate.real_array(y, "y")
    if y.shape != (rows,):
        raise ValueError(f"y has shape {y.shape}, but X has {rows} rows: shape ({rows},) is needed")
    classes = np.unique(y)
    if len(classes) != 2:
        raise ValueError(f"y has {len(classes)} different values; two classes are needed")
    return X, np.where(y == classes[1], 1.0, -1.0)


def _objective(X, y, w):
    return float(np.logaddexp(0, -y * (X @ w)).mean())


def _probability_of_error(X, y, w):
    """Return the probability that the model gives to the wrong class, for each sample."""
    from scipy.special import expit

    return expit(-y * (X @ w))


def _gradient(X, y, w):
    return -(X.T @ (y * _probability_of_error(X, y, w))) / len(y)


def _hessian(X, y, w):
    p = _probability_of_error(X, y, w)
    weights = p * (1 - p) / len(y)
    product = X.T @ (X.multiply(weights[:, None]) if is_sparse(X) else weights[:, None] * X)
    return product.toarray() if is_sparse(product) else product


def _constraints(A, b, w):
    return np.append(A @ w - b, w @ w - 1)


def _jacobian(A, b, w):  # noqa: ARG001 - as the other parts
    return np.vstack([A, 2 * np.asarray(w, float)])


def _constraint_hessian(A, b, w, multipliers):  # noqa: ARG001 - only the sphere is curved
    return 2 * float(multipliers[-1]) * np.eye(A.shape[1])
