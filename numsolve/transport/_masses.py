"""Masses: what a call accepts as masses, and whether two of them have the same total."""

from math import sqrt
from typing import Any

import numpy as np

from .. import _validate

DIGITS = {"float64": 1e-9, "float32": 1e-5}  # relative: masses given to so many digits have the same total


def total_tolerance(terms, *dtypes):
    """Return the relative difference of two totals that counts as rounding.

    Parameters
    ----------
    terms : int
        Number of masses, both sides together.
    *dtypes : dtype
        Of the masses as they were given; the coarsest one decides.

    Returns
    -------
    float
        Masses given to 9 digits (float32: 5), or the error of a running sum in that dtype, about
        ``4 eps sqrt(terms)``, whichever is larger.
    """
    coarsest = max(map(np.finfo, dtypes), key=lambda info: info.eps)
    return max(DIGITS[coarsest.dtype.name], 4 * float(coarsest.eps) * sqrt(terms))


def same_totals(totals, others, terms, *dtypes) -> Any:
    """Tell of each pair of totals whether they agree; arguments as of `total_tolerance`."""
    totals, others = np.asarray(totals), np.asarray(others)
    return abs(totals - others) <= total_tolerance(terms, *dtypes) * np.maximum(totals, others)


def check_same_totals(totals, others, terms, dtypes, batch=False, remedy="normalise both"):
    """Raise a ValueError unless `a` and `b` have the same totals: arrays on the host, one entry a problem."""
    differing = np.flatnonzero(~same_totals(totals, others, terms, *dtypes))
    if differing.size:
        p = differing[0]
        which = f"[{p}]" if batch else ""
        sums = f"a{which} sums to {totals[p]:.10g}, b{which} to {others[p]:.10g}"
        raise ValueError(f"{sums}; the same mass is needed: {remedy}")


def checked_masses(mass, name, size, xp, grid=None, needing="the cost needs") -> Any:
    """Return masses of shape (size,) or (k, size): finite, not negative, not all zero in any problem.

    Parameters
    ----------
    mass : array
        What the caller passed.
    name : str
        Its name in messages.
    size : int
        Number of rows or columns of the cost.
    xp : module
        The array library.
    grid : tuple of int, optional
        Lengths of the axes of a grid: arrays of this shape, or (k, \\*grid), are accepted too.
    needing : str
        Who needs the shape, for messages.
    """
    mass = _validate.real(mass, name, xp)
    given = mass.shape
    if grid and given == grid:
        mass = mass.ravel()
    elif grid and given[1:] == grid:
        mass = mass.reshape(len(mass), size)
    if mass.ndim not in (1, 2) or mass.shape[-1] != size or not mass.size:
        raise ValueError(f"{name} has shape {given}, but {needing} ({size},), or (k, {size}) for k problems")
    if negative := int((mass < 0).sum()):
        raise ValueError(f"{name} has {negative} negative entries; masses >= 0 are needed")
    if not float(mass.sum(axis=-1).min()) > 0:
        raise ValueError(f"{name} has no mass: its entries are all zero")
    return mass
