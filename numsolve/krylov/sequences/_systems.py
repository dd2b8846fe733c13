"""The systems of a sequence, their features, and the order in which they are solved."""

from typing import Any, NamedTuple

import numpy as np

from ... import _validate
from ..._array import library, to_host
from ._order import greedy_order, order_without_features


class System(NamedTuple):
    """A linear system as it was given, with lists converted to arrays, and its feature."""

    A: Any
    b: Any
    feature: Any = None

    @property
    def kind(self):
        """Size, dtype and library; systems that share them share a recycled space and a preconditioner."""
        dtypes = (_validate.floating(getattr(x, "dtype", None) or float, "A or b") for x in (self.A, self.b))
        return (self.b.shape or (0,))[0], np.result_type(*dtypes), library(self.b)


def check(given):
    """Return A, b and the feature, if there is one; raise if this is not a system."""
    if hasattr(given, "A") and hasattr(given, "b"):
        return given.A, given.b, getattr(given, "feature", None)
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        raise TypeError(f"a system is a {type(given).__name__}; a tuple (A, b) or (A, b, feature) is needed")
    return given


def parts(given):
    """Return the system given by the caller as a `System`."""
    A, b, *feature = check(given)
    A = A if hasattr(A, "shape") else _validate.as_array(A, "A")
    b = b if hasattr(b, "shape") else _validate.as_array(b, "b")
    return System(A, b, *feature)


def ordered(systems, sort, features):
    """Return the order of the solves, the features if they were given, and the products that this took."""
    count = len(systems)
    if callable(features):
        features = [features(systems[i]) for i in range(count)]
    elif features is None:
        features = _brought_along(systems)
    features = None if features is None else stacked(features, range(count))
    if not isinstance(sort, str):
        return _validate.permutation(sort, count, "sort"), features, 0
    if sort != "greedy":
        raise ValueError(f"sort is {sort!r}; needed: 'greedy', None or a permutation")
    if features is not None:
        return greedy_order(features), features, 0
    return order_without_features(_pair(systems[i]) for i in range(count)), None, count


def stacked(features, systems):
    """Return features, one for each system, as one array on the host."""
    if not hasattr(features, "__len__") or getattr(features, "ndim", 1) == 0:
        raise TypeError(f"features is a {type(features).__name__}; an entry for each system is needed")
    if systems is not None and len(features) != len(systems):
        raise ValueError(f"features has {len(features)} entries, but there are {len(systems)} systems")
    if hasattr(features, "dtype"):
        return _validate.as_array(to_host(features), "features")
    rows = [np.asarray(to_host(feature)) for feature in features]
    for number, row in enumerate(rows):
        if row.shape != rows[0].shape:
            raise ValueError(
                f"the feature of system {number} has shape {row.shape}, that of 0 {rows[0].shape}"
            )
    return _validate.as_array(np.array(rows), "features")


def _brought_along(systems):
    """Return the features that the systems have as their third entries, or None if the first has none."""
    if not len(systems) or _feature(systems[0]) is None:
        return None
    found = [_feature(systems[i]) for i in range(len(systems))]
    for number, feature in enumerate(found):
        if feature is None:
            raise ValueError(f"system {number} has no feature, but system 0 has: give all or none")
    return found


def _feature(given):
    try:
        return parts(given).feature
    except (ValueError, TypeError):
        return None


def _pair(given):
    """Return A and b, or None for an invalid system, which is refused when its turn comes."""
    try:
        return parts(given)[:2]
    except (ValueError, TypeError):
        return None, None
