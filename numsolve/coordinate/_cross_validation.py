"""Choice of the factor of a penalty by cross-validation, one path for each fold."""

from dataclasses import dataclass, replace
from inspect import signature
from typing import Any

import numpy as np

from .. import _validate
from .._array import is_sparse
from .._result import inner_solve, warn_of_misses
from ._arguments import host_features
from ._path import CoordinatePath


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """Errors of prediction for each factor of a penalty, and the factors that they suggest.

    Attributes
    ----------
    lams : numpy.ndarray, shape (k,)
        The factors, in decreasing order.
    errors : numpy.ndarray, shape (k, folds)
        The mean loss of the samples of each fold, predicted without them.
    path : CoordinatePath
        The solutions for all samples.
    """

    lams: np.ndarray
    errors: np.ndarray
    path: CoordinatePath

    @property
    def mean(self) -> np.ndarray:
        """The mean of the errors of the folds, for each factor."""
        return self.errors.mean(axis=1)

    @property
    def standard_error(self) -> np.ndarray:
        """The standard error of this mean: the deviation of the folds over the root of their number."""
        folds = self.errors.shape[1]
        return self.errors.std(axis=1, ddof=1) / np.sqrt(folds) if folds > 1 else np.zeros(len(self.lams))

    @property
    def best(self) -> int:
        """The index of the factor of the smallest mean error."""
        return int(np.argmin(self.mean))

    @property
    def simplest(self) -> int:
        """The index of the largest factor whose mean error is within one standard error of the smallest."""
        return int(np.argmax(self.mean <= self.mean[self.best] + self.standard_error[self.best]))

    @property
    def lam(self) -> float:
        """The factor of the smallest mean error."""
        return float(self.lams[self.best])

    @property
    def x(self) -> np.ndarray:
        """The coefficients for `lam`, fitted to all samples."""
        return self.path[self.best].x

    @property
    def intercept(self) -> float:
        """The intercept for `lam`."""
        return float(self.path[self.best].intercept)

    def plot(self, ax=None, **style):
        """Draw the mean errors with their standard errors against the factor.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw. Default: a new figure.
        **style
            Passed on to ``ax.errorbar``, as ``color`` or ``label``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes. Dashed lines are at the factors `best` and `simplest`.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            ax = plt.subplots(figsize=(6, 4), layout="constrained")[1]
        options: dict[str, Any] = {"marker": ".", **style}
        ax.errorbar(self.lams, self.mean, self.standard_error, **options)
        for index in (self.best, self.simplest):
            ax.axvline(self.lams[index], color="0.6", linestyle="--", linewidth=1)
        ax.set(xscale="log", xlabel="factor of the penalty", ylabel="error of prediction")
        if not ax.xaxis_inverted():
            ax.invert_xaxis()
        ax.spines[["top", "right"]].set_visible(False)
        return ax


def squared_error(y, z) -> Any:
    """Return the squared errors of predictions."""
    return (z - y) ** 2


def logistic_loss(y, z) -> Any:
    """Return the logistic losses of predictions, for labels -1 and 1."""
    return np.logaddexp(0, -y * z)


def cross_validate(
    path: Any,
    X: Any,
    y: Any,
    *args: Any,
    folds: Any = 5,
    rng: Any = None,
    executor: Any = None,
    loss: Any = None,
    lams: Any = None,
    sample_weight: Any = None,
    **options: Any,
) -> CrossValidation:
    """Choose the factor of a penalty by cross-validation.

    Parameters
    ----------
    path : callable
        A function for paths: `lasso_path`, `elastic_net_path`, `logistic_path` or `group_lasso_path`.
    X : array or sparse array, shape (m, n)
        The samples.
    y : array, shape (m,)
        The observations, or labels of two classes.
    *args
        Further positional arguments of `path`, such as the groups of `group_lasso_path`.
    folds : int, array of int of shape (m,), or sequence of pairs of arrays
        How many folds of about equal sizes to draw, or the number of the fold of each sample, or the samples
        to fit and those to predict, as scikit-learn's splitters give them. Drawn folds of classes have the
        same shares of both classes, as nearly as possible.
    rng : int or numpy.random.Generator, optional
        Draws the folds. With a seed the result is the same in each run, with any executor.
    executor : concurrent.futures.Executor, optional
        Runs the paths of the folds. Threads share X; processes get copies of their samples.
    loss : callable, optional
        ``loss(y, z)`` returns the losses of predictions z, an array. `y` has shape (m, 1), `z` (m, k), for k
        factors. For classes, `y` has labels -1 and 1. Default: squared errors, or logistic losses.
    lams : array, optional
        The factors. Default: those of the path for all samples.
    sample_weight : array, shape (m,), optional
        Weights >= 0 of the samples, for fits and errors.
    **options
        Further options of `path`, such as ``count``, ``fit_intercept`` or ``rtol``.

    Returns
    -------
    CrossValidation
        ``lam``, ``x`` and ``intercept`` of the smallest error; ``simplest``, the index of the largest factor
        whose error is within one standard error of it; ``errors``, ``path``, ...

    Raises
    ------
    ValueError
        The folds do not fit the samples, or a class has fewer samples than there are folds.
    TypeError
        An option is not one of `path`, or would end a path early.

    Notes
    -----
    The path for all samples is computed first. Each fold then takes one path, with solutions that start from
    the ones before.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.coordinate import cross_validate, logistic_path
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 20))
    >>> y = X[:, 3] - X[:, 7] + rng.standard_normal(200) > 0
    >>> found = cross_validate(logistic_path, X, y, rng=0, count=20)
    >>> np.flatnonzero(found.path[found.simplest].x)
    array([3, 7])
    """
    _check_options(path, options)
    features = host_features(X, "cross_validate", y=y, sample_weight=sample_weight)
    X, y = features.matrix, np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    weights = None if sample_weight is None else _validate.real_array(sample_weight, "sample_weight")
    if lams is not None:
        lams = np.sort(_validate.real_array(lams, "lams"))[::-1]
    whole = path(X, y, *args, lams=lams, sample_weight=weights, **options)
    classes = getattr(whole[0], "classes", None)
    if loss is None:
        loss = squared_error if classes is None else logistic_loss
    pairs = _pairs(folds, len(y), None if classes is None else y == classes[1], rng)
    X = X.tocsr() if is_sparse(X) else X
    tasks = []
    for fit, held in pairs:
        parts = [(X[rows], y[rows], None if weights is None else weights[rows]) for rows in (fit, held)]
        tasks.append((path, parts, args, {"lams": whole.lams, **options}, loss, classes))
    if executor is None:
        found = [_fold(*task) for task in tasks]
    else:
        found = [future.result() for future in [executor.submit(_fold, *task) for task in tasks]]
    misses = [result for _, results in found for result in results]
    warn_of_misses(misses, "solutions of folds", [f"lam = {lam:.3e}" for lam in whole.lams] * len(found))
    return CrossValidation(whole.lams, np.stack([errors for errors, _ in found], axis=1), whole)


def _fold(path, parts, args, options, loss, classes):
    """Return the errors of one fold, and the results without their coefficients."""
    (X, y, weights), (held, known, held_weights) = parts
    with inner_solve():
        found = path(X, y, *args, sample_weight=weights, **options)
    z = held @ found.coefs
    z = (z.toarray() if is_sparse(z) else z) + found.intercepts
    if classes is not None:
        known = np.where(known == classes[1], 1.0, -1.0)
    return np.average(loss(known[:, None], z), axis=0, weights=held_weights), [
        replace(result, x=None) for result in found
    ]


def _check_options(path, options):
    """Raise unless all options are those of the function for paths."""
    _validate.function(path, "path")
    known = signature(path).parameters
    for name in options:
        if name not in known:
            raise TypeError(f"{name} is not an option of {path.__name__}")
        if name in ("time_limit", "callback"):
            raise TypeError(f"cross_validate does not take {name}: errors are needed for all factors")


def _pairs(folds, m, classes, rng) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the samples to fit and the samples to predict, for each fold."""
    folds = _validate.scalar(folds)
    if not hasattr(folds, "__len__") and not hasattr(folds, "__iter__"):
        numbers = _drawn(_validate.count(folds, "folds", least=2), m, classes, rng)
    else:
        folds = list(folds)
        if folds and not any(hasattr(fold, "__len__") for fold in folds):
            numbers = np.asarray(folds)
            if numbers.shape != (m,):
                raise ValueError(f"folds has shape {numbers.shape}; ({m},) is needed, one for each sample")
        else:
            return [_checked_pair(pair, k, m) for k, pair in enumerate(folds)]
    held = [np.flatnonzero(numbers == number) for number in np.unique(numbers)]
    if len(held) < 2:
        raise ValueError("folds has one fold; at least two are needed")
    return [(np.setdiff1d(np.arange(m), part), part) for part in held]


def _checked_pair(pair, k, m):
    """Return the two index arrays of a fold."""
    try:
        fit, held = (np.asarray(part) for part in pair)
    except (TypeError, ValueError):
        raise ValueError(f"folds[{k}] is no pair of index arrays, of samples to fit and to predict") from None
    for part in (fit, held):
        if part.ndim != 1 or not part.size or part.dtype.kind not in "iu":
            raise ValueError(f"folds[{k}] is no pair of index arrays, of samples to fit and to predict")
        if int(part.min()) < -m or int(part.max()) >= m:
            raise ValueError(f"folds[{k}] has a sample outside 0..{m - 1}")
    return fit, held


def _drawn(count, m, classes, rng):
    """Return the number of the fold of each sample, drawn for each class."""
    groups = [np.arange(m)] if classes is None else [np.flatnonzero(classes == c) for c in (False, True)]
    smallest = min(len(group) for group in groups)
    if smallest < count:
        what = "samples" if classes is None else "samples of one class"
        raise ValueError(f"folds is {count}, but there are {smallest} {what}: choose at most {smallest}")
    rng, numbers, first = np.random.default_rng(rng), np.zeros(m, int), 0
    for group in groups:
        numbers[rng.permutation(group)] = (first + np.arange(len(group))) % count
        first += len(group)
    return numbers
