"""Penalties that make groups of coefficients zero together."""

from copy import copy
from dataclasses import dataclass, field
from math import inf, nan
from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module, namespace
from ._groups import Groups
from ._penalties import Penalty, nonnegative, soft

AT_ONCE = 256  # coefficients of a block whose groups are compared with each other, on a device
HALVINGS = 60  # of the interval of a dual scale


@dataclass(frozen=True, eq=False)
class SparseGroup(Penalty):
    """The penalty ``lam * (rho |x|_1 + (1 - rho) sum_g weights[g] |x_g|_2)`` over groups g of coefficients.

    Parameters
    ----------
    lam : float
        The factor, >= 0.
    groups : array of shape (n,) or sequence of arrays
        The label of the group of each coefficient, or the coefficients of each group.
    rho : float
        The share of the 1-norm, from 0 to 1.
    weights : array, shape (count,), optional
        Factors >= 0 of the groups, in the order of their labels. Default: the root of the size.
    positive : bool
        Whether the coefficients are >= 0.

    Raises
    ------
    ValueError
        The groups do not have each coefficient once, `lam` or a weight is negative, ...

    Notes
    -----
    The proximal map shrinks each coefficient, and then each group [1]_. Its steps have to be equal within
    a group.

    References
    ----------
    .. [1] N. Simon, J. Friedman, T. Hastie, R. Tibshirani, *A sparse-group lasso*, J. Comput. Graph. Statist.
       22, 2013, 231-245, :doi:`10.1080/10618600.2012.681250`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.coordinate import SparseGroup
    >>> SparseGroup(1.0, [0, 0, 1], rho=0.0, weights=np.ones(2)).prox(np.array([3.0, 4.0, 0.5]), 1.0)
    array([2.4, 3.2, 0. ])
    """

    lam: float
    groups: Any
    rho: float = 0.5
    weights: Any = None
    positive: bool = False
    _of: Any = field(init=False, repr=False)

    def __post_init__(self):
        lists = len(self.groups) and all(np.ndim(group) == 1 for group in self.groups)
        n = sum(map(len, self.groups)) if lists else len(self.groups)
        groups = Groups(self.groups, n)
        weights = np.sqrt(groups.sizes) if self.weights is None else nonnegative(self.weights, "weights")
        if np.shape(weights) != (groups.count,):
            raise ValueError(
                f"weights has shape {np.shape(weights)}; ({groups.count},) is needed: one for each group"
            )
        if not 0 <= _validate.number(self.rho, "rho") <= 1:
            raise ValueError(f"rho is {self.rho!r}; a number from 0 to 1 is needed")
        arrays = [groups.features([g]) for g in range(groups.count)]
        values = {"lam": _validate.tolerance(self.lam, "lam"), "groups": arrays, "weights": weights}
        for name, value in values.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_of", groups.of)

    def _on(self, name):
        moved, xp = copy(self), array_module(name)
        object.__setattr__(moved, "_of", xp.asarray(self._of))
        object.__setattr__(moved, "weights", xp.asarray(self.weights))
        return moved

    def value(self, x, block=slice(None)):
        of = self._of[block]
        group = (self._kinks(x)[of] * self._unit_norms(x, of)).sum()
        value = float(group) + self.lam * self.rho * float(abs(x).sum())
        return inf if self.positive and bool((x < 0).any()) else value

    def prox(self, v, step, block=slice(None)):
        of = self._of[block]
        v = soft(v, step * (self.lam * self.rho), self.positive)
        return self._shrunk(v, step * self._kinks(v)[of], of)

    def violation(self, x, gradient, block=slice(None)):
        of, xp, l1 = self._of[block], namespace(x), self.lam * self.rho
        norms, kinks = self._norms(x, of), self._kinks(x)[of]
        at_zero = soft(-gradient, l1, self.positive)
        smooth = gradient + kinks * x / xp.where(norms > 0, norms, 1)
        kinked = xp.maximum((-smooth if self.positive else abs(smooth)) - l1, 0)
        away = xp.where(x == 0, kinked, abs(smooth + l1 * xp.sign(x)))
        return xp.where(norms > 0, away, abs(self._shrunk(at_zero, kinks, of)))

    def dual_scale(self, v):
        kinks = self._kinks(v)
        if not self.lam > 0 or (self.rho < 1 and not float(self.weights.min()) > 0):
            return nan
        if self._is_feasible(v, kinks):
            return 1.0
        low, high = 0.0, 1.0
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self._is_feasible(middle * v, kinks) else (low, middle)
        return low

    def conjugate(self, v):  # noqa: ARG002 - zero where it is finite
        return 0.0

    def _is_feasible(self, v, kinks):
        """Tell whether the conjugate at v is finite."""
        left = soft(v, self.lam * self.rho, self.positive)
        return bool((self._norms(left, self._of) <= kinks[self._of] * (1 + 4e-16)).all())

    def _kinks(self, x):
        """Return the factors of the norms of the groups, in the library and dtype of x."""
        return namespace(x).asarray(self.lam * (1 - self.rho) * self.weights, dtype=x.dtype)

    def _norms(self, v, of) -> Any:
        """Return for each coefficient the norm of its group."""
        xp = namespace(v)
        if xp is not np and len(of) <= AT_ONCE:  # counting reads from the device
            return xp.sqrt((of[:, None] == of).astype(v.dtype) @ (v * v))
        if xp is np and len(of) and of[0] == of[-1] and (of == of[0]).all():
            return np.sqrt(v @ v) + np.zeros_like(v)
        return xp.sqrt(xp.bincount(of, v * v, minlength=len(self.weights)))[of].astype(v.dtype)

    def _unit_norms(self, v, of) -> Any:
        """Return numbers whose sum over a group is its norm."""
        norms = self._norms(v, of)
        return v * v / namespace(v).where(norms > 0, norms, 1)

    def _shrunk(self, v, threshold, of) -> Any:
        """Return the groups moved towards zero by a threshold."""
        xp, norms = namespace(v), self._norms(v, of)
        return v * xp.maximum(1 - threshold / xp.where(norms > 0, norms, 1), 0)


def Group(lam: float, groups: Any, weights: Any = None, positive: bool = False) -> SparseGroup:
    """Return the penalty ``lam * sum_g weights[g] |x_g|_2`` over groups g of coefficients.

    Parameters
    ----------
    lam : float
        The factor, >= 0.
    groups : array of shape (n,) or sequence of arrays
        The label of the group of each coefficient, or the coefficients of each group.
    weights : array, shape (count,), optional
        Factors >= 0 of the groups. Default: the root of the size.
    positive : bool
        Whether the coefficients are >= 0.

    Returns
    -------
    SparseGroup
        The penalty.
    """
    return SparseGroup(lam, groups, 0.0, weights, positive)
