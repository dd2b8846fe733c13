"""Bounds of a spectrum, and the coefficients of the Chebyshev recurrence."""

import numpy as np

from .._array import array_module, read_sum
from .._random import scattered
from .._result import not_definite, not_finite
from ..kernels import kernels_for


def coefficients(lmin, lmax):
    r"""Yield the pairs ``(keep, gain)`` of the Chebyshev iteration for [lmin, lmax], without end.

    Each step is ``d = keep * d + gain * z; x += d; r -= A d``, with z the preconditioned residual. After k
    steps the residual is the first one times the polynomial
    :math:`T_k((\theta - t)/\delta) / T_k(\theta/\delta)` of t = A M. This is the smallest polynomial on the
    interval, of midpoint theta and half-width delta, that is one at zero. Algorithm 12.1 of Saad's book,
    written without divisions by delta.
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
        Starting vector of the Krylov space. Default: a fixed quasi-random vector.
    steps : int
        Number of products with A, and with M.

    Returns
    -------
    lmin, lmax : float
        `lmin` is the smallest Ritz value, an upper estimate of the smallest eigenvalue. `lmax` is the largest
        Ritz value plus the norm of its residual, an upper bound of the largest eigenvalue unless `start` is
        orthogonal to its eigenvector.

    Raises
    ------
    Breakdown
        `A` or `M` is not positive definite, or a product is not finite.

    Notes
    -----
    Conjugate gradients are equivalent to the Lanczos process: their scalars form the tridiagonal matrix
    (section 6.7.3 of Saad's book) whose eigenvalues are the Ritz values. The scalars are read after all
    steps. For the norm of the residual as a bound: Y. Zhou, R.-C. Li, Linear Algebra Appl. 435, 2011,
    doi:10.1016/j.laa.2010.06.034.
    """
    rz, pq = _scalars(A, M, start, steps)
    count, floor = 0, np.finfo(A.dtype).eps ** 2 * rz[0]
    while count < len(pq) and not abs(rz[count]) <= floor:  # below: the space is invariant, values are exact
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
    """Return a fixed quasi-random vector in the library of A; the squares remove its periodicity."""
    index = xp.arange(A.shape[0], dtype=np.float64)
    return (scattered(scattered(index) ** 2, 7919.2718281828) - 0.5).astype(A.dtype)


def _breakdown(name, value):
    """Return the exception that names the operator that is not positive definite or not finite."""
    return not_finite() if value - value != 0 else not_definite(name, value)
