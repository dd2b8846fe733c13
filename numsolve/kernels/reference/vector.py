"""Sums over vectors, and the residual norms that the iteration loop reads."""

import numpy as np


def dot(x, y):
    """Return the real part of ``x^H y``."""
    return np.vdot(x, y).real


def vdot(x, y):
    """Return ``x^H y``."""
    return np.vdot(x, y)


def projection(t, r):
    """Return ``t^H r`` and ``t^H t``: their quotient is how much of `t` brings `r` closest to zero."""
    return np.vdot(t, r), np.vdot(t, t).real


def row_sums(pieces):
    """Return the sums of the rows of `pieces`."""
    return pieces.sum(axis=1)


def residual_norm(rr, tol, step, norms, live):
    """Write the root of `rr` to ``norms[step]``, and to `live` whether it is above `tol`.

    A NaN, by which a kernel reports a breakdown, is not above anything.
    """
    norms[step] = np.sqrt(np.sum(rr))
    live[0] = norms[step] > tol


def residual_norms(rr, tol, step, norms, live):
    """As `residual_norm` for each of several columns; one that is not `live` stays so, its norm is zero."""
    norms[step] = np.where(live, np.sqrt(rr), 0)
    live &= norms[step] > tol
