"""Groups of features: a partition, as the caller gives it, in one form."""

from typing import Any

import numpy as np

from .. import _validate


class Groups:
    """A partition of n features into groups.

    Parameters
    ----------
    groups : int, array or sequence of arrays
        The size of consecutive groups, or the label of the group of each feature, or the features of each
        group.
    n : int
        Number of features.

    Attributes
    ----------
    order : array of int, shape (n,)
        The features, one group after the other.
    begin : array of int, shape (count + 1,)
        Where each group begins in `order`.
    of : array of int, shape (n,)
        The number of the group of each feature.
    """

    def __init__(self, groups: Any, n):
        groups = _validate.scalar(groups)
        if not hasattr(groups, "__len__") or isinstance(groups, str):
            size = _validate.count(groups, "groups", least=1)
            if n % size:
                raise ValueError(
                    f"groups is {size}, which does not divide {n}: pass a label for each feature"
                )
            self.of = np.arange(n) // size
        elif len(groups) and all(np.ndim(g) == 1 for g in groups):
            self.of = _of_lists(groups, n)
        else:
            self.of = _of_labels(groups, n)
        self.order = np.argsort(self.of, kind="stable")
        self.begin = np.searchsorted(self.of[self.order], np.arange(self.of.max(initial=-1) + 2))

    @property
    def count(self):
        """Number of groups."""
        return len(self.begin) - 1

    @property
    def sizes(self) -> np.ndarray:
        """Number of features of each group."""
        return np.diff(self.begin)

    def norms(self, v) -> np.ndarray:
        """Return the norms of the groups of a vector."""
        return np.sqrt(np.bincount(self.of, v * v, minlength=self.count))

    def features(self, chosen) -> np.ndarray:
        """Return the features of some groups, one group after the other."""
        return np.concatenate(
            [self.order[self.begin[g] : self.begin[g + 1]] for g in chosen] or [self.order[:0]]
        )


def _of_labels(groups, n):
    labels = np.asarray(groups)
    if labels.shape != (n,):
        raise ValueError(f"groups has shape {labels.shape}, but X needs ({n},): the label of each feature")
    if labels.dtype.kind in "fc":
        _validate.finite(labels, "groups")
    return np.unique(labels, return_inverse=True)[1]


def _of_lists(groups, n):
    of = np.full(n, -1)
    for number, group in enumerate(groups):
        group = np.asarray(group)
        if group.dtype.kind not in "iu" or not group.size:
            raise ValueError(
                f"groups[{number}] is {group.tolist()}; at least one feature is needed, by its number"
            )
        if int(group.min()) < 0 or int(group.max()) >= n:
            raise ValueError(f"groups[{number}] has a feature outside 0..{n - 1}")
        if len(np.unique(group)) < len(group) or (of[group] >= 0).any():
            raise ValueError(f"groups[{number}] has a feature that is in a group already")
        of[group] = number
    if missing := int((of < 0).sum()):
        raise ValueError(f"groups leaves out {missing} of {n} features; each must be in one group")
    return of
