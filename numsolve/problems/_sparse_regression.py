"""Regression and classification with sparse samples of very different columns."""

from math import log
from typing import Any

import numpy as np
import scipy.sparse as sp

from .. import _validate
from ._draws import generator


def sparse_regression(samples=1000, features=10000, *, support=0.1, noise=1.0, rng=None):
    """Return a sparse regression problem ``y = X w + noise``, with few coefficients other than zero.

    Parameters
    ----------
    samples, features : int
        Numbers of rows and columns.
    support : float
        Probability that a coefficient is not zero.
    noise : float
        Standard deviation of the noise.
    rng : int, numpy.random.Generator or numpy.random.RandomState, optional
        Seed or generator.

    Returns
    -------
    X : scipy.sparse.csc_array of float64, shape (samples, features)
        Normal deviates plus one; each column times ten normal deviates; an entry is kept with the probability
        ``10 log(samples) / samples``.
    y : numpy.ndarray of float64, shape (samples,)
        The observations.
    w : numpy.ndarray of float64, shape (features,)
        The coefficients.

    Raises
    ------
    TypeError, ValueError
        If a size is not a positive integer, `support` is not between 0 and 1, or `noise` is negative.

    Notes
    -----
    Problem A of [1]_, whose published data are not available. The dense matrix is made first: it takes
    24 bytes an entry for a moment.

    References
    ----------
    .. [1] J. Nutini, I. Laradji, M. Schmidt, *Let's Make Block Coordinate Descent Converge Faster*,
       J. Mach. Learn. Res. 23, 2022, arXiv:1712.08859.

    Examples
    --------
    >>> from numsolve.problems import sparse_regression
    >>> X, y, w = sparse_regression(50, 100, rng=0)
    """
    noise = _validate.tolerance(noise, "noise")
    rng = generator(rng)
    X, w = _sparse_model(samples, features, support, rng)
    return X, X @ w + noise * rng.standard_normal(X.shape[0]), w


def sparse_classification(samples=1000, features=10000, *, support=0.1, flipped=0.1, rng=None):
    """Return a problem of two classes: the signs of a sparse linear model, some of them flipped.

    Parameters
    ----------
    samples, features : int
        Numbers of rows and columns.
    support : float
        Probability that a coefficient is not zero.
    flipped : float
        Probability that a label is flipped.
    rng : int, numpy.random.Generator or numpy.random.RandomState, optional
        Seed or generator.

    Returns
    -------
    X : scipy.sparse.csc_array of float64, shape (samples, features)
        The samples, made as in `sparse_regression`.
    y : numpy.ndarray of float64, shape (samples,)
        Labels -1 and 1.
    w : numpy.ndarray of float64, shape (features,)
        The coefficients.

    Raises
    ------
    TypeError, ValueError
        If a size is not a positive integer, or a probability is not between 0 and 1.

    Notes
    -----
    Problem B of the paper that `sparse_regression` names.

    Examples
    --------
    >>> from numsolve.problems import sparse_classification
    >>> X, y, w = sparse_classification(50, 100, rng=0)
    """
    flipped, rng = _probability(flipped, "flipped"), generator(rng)
    X, w = _sparse_model(samples, features, support, rng)
    y = np.where(X @ w < 0, -1.0, 1.0)
    return X, np.where(rng.random(len(y)) < flipped, -y, y), w


def softmax_data(samples=1000, features=1000, classes=50, *, rng=None):
    """Return a problem of many classes: the largest of noisy linear models.

    Parameters
    ----------
    samples, features, classes : int
        Numbers of rows, columns and classes.
    rng : int, numpy.random.Generator or numpy.random.RandomState, optional
        Seed or generator.

    Returns
    -------
    X : scipy.sparse.csc_array of float64, shape (samples, features)
        The samples, made as in `sparse_regression`.
    y : numpy.ndarray of int64, shape (samples,)
        The classes 0, 1, ...
    W : numpy.ndarray of float64, shape (features, classes)
        The coefficients of the models.

    Raises
    ------
    TypeError, ValueError
        If a size is not a positive integer.

    Notes
    -----
    Problem C of the paper that `sparse_regression` names. With ``numpy.random.RandomState(1)`` the numbers
    are drawn in the published order.

    Examples
    --------
    >>> from numsolve.problems import softmax_data
    >>> X, y, W = softmax_data(50, 20, 3, rng=0)
    """
    classes, rng = _validate.count(classes, "classes", least=1), generator(rng)
    X = _sparse_samples(samples, features, rng)
    W = rng.standard_normal((X.shape[1], classes))
    scores = X @ W
    scores += rng.standard_normal(scores.shape)
    return X, scores.argmax(axis=1), W


def _sparse_model(samples, features, support, rng):
    """Return samples and the coefficients of a sparse model."""
    support = _probability(support, "support")
    X = _sparse_samples(samples, features, rng)
    w = rng.standard_normal(X.shape[1])
    return X, np.where(rng.random(len(w)) < support, w, 0.0)


def _sparse_samples(samples, features, rng) -> Any:
    """Return the samples; the numbers are drawn in the order of the published program."""
    m, n = _validate.count(samples, "samples", least=1), _validate.count(features, "features", least=1)
    X = rng.standard_normal((m, n))
    X += 1
    X *= 10 * rng.standard_normal(n)
    X *= rng.random((m, n)) < 10 * log(m) / m
    return sp.csc_array(X)


def _probability(value, name):
    if not 0 <= _validate.number(value, name) <= 1:
        raise ValueError(f"{name} is {value!r}; a number from 0 to 1 is needed")
    return value
