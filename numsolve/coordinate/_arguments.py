"""Checks of arguments that the regressions on the host share."""

from typing import Any

import numpy as np

from .. import _validate
from .._array import common_library
from ._features import Features


def host_features(X, call, **others) -> Features:
    """Return the checked features; raise for arrays of CuPy, which the function `call` does not take."""
    if common_library(X=X, **others) == "cupy":
        raise TypeError(
            f"X is a CuPy array; {call} takes NumPy and SciPy arrays: pass numsolve.to_host(X), "
            "or use numsolve.coordinate.minimize"
        )
    features = Features(X)
    if 0 in features.shape:
        raise ValueError(f"X is empty: it has shape {features.shape}")
    return features


def feature_weights(weights, count, what="feature") -> np.ndarray:
    """Return the factors >= 0 of a penalty, one for each feature or group."""
    if weights is None:
        return np.ones(count)
    weights = _validate.real_array(weights, "weights")
    if weights.shape != (count,):
        raise ValueError(f"weights has shape {weights.shape}; ({count},) is needed, one for each {what}")
    if bad := int((weights < 0).sum()):
        raise ValueError(f"weights has {bad} entries < 0; all must be >= 0")
    return weights


def first_coefficients(x0: Any, n, positive) -> np.ndarray:
    """Return a copy of the starting coefficients; zero for None."""
    if x0 is None:
        return np.zeros(n)
    x0 = _validate.starting_guess(x0, (n,), np, "X needs")
    if x0.dtype.kind == "c":
        raise TypeError("x0 is complex; real numbers are needed")
    if positive and (x0 < 0).any():
        raise ValueError(f"x0 has {int((x0 < 0).sum())} entries < 0, but positive=True needs x0 >= 0")
    return x0.astype(float)


def two_classes(y: Any, m) -> tuple[np.ndarray, np.ndarray]:
    """Return labels -1 and 1 for observations of two classes, and the classes in order.

    The first class, the smaller one, has the label -1.
    """
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.shape != (m,):
        raise ValueError(f"y has shape {y.shape}, but X has {m} rows: shape ({m},) is needed")
    if y.dtype.kind in "fc":
        _validate.finite(y, "y")
    try:
        classes, index = np.unique(y, return_inverse=True)
    except TypeError:
        raise TypeError("y has labels of several kinds; numbers, booleans or strings are needed") from None
    if len(classes) == 1:
        raise ValueError(f"y has one class, {classes.tolist()[0]!r}; two classes are needed")
    if len(classes) > 2:
        raise ValueError(
            f"y has {len(classes)} classes; two are needed: for one class against the others, pass y == label"
        )
    return np.where(index == 1, 1.0, -1.0), classes
