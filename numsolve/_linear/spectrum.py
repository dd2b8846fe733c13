"""What Chebyshev polynomials need: bounds of a spectrum, and the coefficients of their recurrence."""

import numpy as np

from .._array import array_module, read_sum
from .._random import scattered
from .._result import not_definite, not_finite
from ..kernels import kernels_for


def coefficients(lmin, lmax):
    r"""Yield, for ever, the pairs ``(keep, gain)`` of the Chebyshev iteration for the interval [lmin, lmax].

    Each step is ``d = keep * d + gain * z; x += d; r -= A d``, with z the preconditioned residual. After k
    steps the residual is :math:`T_k((\theta - t)/\delta) / T_k(\theta/\delta)` of the first one, in t = A M:
    the smallest such polynomial on the interval, with midpoint theta and half-width delta. Algorithm 12.1
    of Saad's book, written without divisions by delta.
    """
    theta, delta = (lmax + lmin) / 2, (lmax - lmin) / 2
    rho = delta / theta
    yield 0.0, 1 / theta
    while True:
        divisor = 2 * theta - delta * rho
        yield rho * delta / divisor, 2 / divisor
        rho = delta / divisor


def bounds(A, M=None, *, start=None, steps=12):
    """Estimate the smallest and the largest eigenvalue of M A by a few steps of conjugate gradients.

    Parameters
    ----------
    A, M : Operator
        Hermitian positive definite; `M` may be the inverse diagonal, or None.
    start : array, shape (n,), optional
        What the Krylov space starts from. Default: a fixed vector that looks random.
    steps : int
        Products with A, and with M, to spend.

    Returns
    -------
    lmin, lmax : float
        The smallest Ritz value, from above; the largest and the norm of its residual, which is a bound
        unless the start lacks the last eigenvector.

    Notes
    -----
    Conjugate gradients are the Lanczos process: their scalars make the tridiagonal matrix (section 6.7.3 of
    Saad's book) whose eigenvalues are the Ritz values. The scalars are read when all steps are made. For the
    residual's norm as a bound: Y. Zhou, R.-C. Li, Linear Algebra Appl. 435, 2011,
    doi:10.1016/j.laa.2010.06.034.
    """
    rz, pq = _scalars(A, M, start, steps)
    count, floor = 0, np.finfo(A.dtype).eps ** 2 * rz[0]
    while count < len(pq) and not abs(rz[count]) <= floor:  # below: exhausted, Ritz values are eigenvalues
        for name, value in (("M", rz[count]), ("A", pq[count])):
            if not value > 0:
                raise _breakdown(name, value)
        count += 1
    if count == 0 or not np.isfinite(rz[: count + 1] * max(pq[:count])).all():
        raise _breakdown("M", rz[0] if count == 0 else np.nan)
    alpha, beta = rz[:count] / pq[:count], abs(rz[1 : count + 1]) / rz[:count]
    below = np.sqrt(beta) / alpha
    diagonal = 1 / alpha
    diagonal[1:] += beta[:-1] / alpha[:-1]
    values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(below[:-1], 1) + np.diag(below[:-1], -1))
    return float(values[0]), float(values[-1] + below[-1] * abs(vectors[-1, -1]))


def _scalars(A, M, start, steps):
    """Run conjugate gradients; return each r^H M r and each p^H A p."""
    xp = array_module(A.library)
    r = _starting_vector(A, xp) if start is None else start.copy()
    kernels, live = kernels_for(r), xp.ones(1, bool)
    x, q = xp.zeros_like(r), xp.empty_like(r)
    z = r if M is None else M.apply(r, xp.empty_like(r))
    p = z.copy()
    rz, pq = [kernels.dot(r, z)], []
    for _ in range(min(steps, A.shape[0])):
        pq.append(A.apply_dot(p, q))
        rr = kernels.cg_update(live, rz[-1], pq[-1], p, q, x, r)
        if M is not None:
            M.apply(r, z)
        rz.append(rr if M is None else kernels.dot(r, z))
        kernels.cg_direction(live, rz[-1], rz[-2], z, p)
    return (np.array([read_sum(pieces) for pieces in found]) for found in (rz, pq))


def _starting_vector(A, xp):
    """Return a fixed vector that looks random, computed where A lives; the squares break up its periods."""
    index = xp.arange(A.shape[0], dtype=np.float64)
    return (scattered(scattered(index) ** 2, 7919.2718281828) - 0.5).astype(A.dtype)


def _breakdown(name, value):
    """Say which of the two is not positive definite."""
    return not_finite() if value - value != 0 else not_definite(name, value)
