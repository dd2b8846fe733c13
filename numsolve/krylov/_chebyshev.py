"""The Chebyshev iteration."""

from dataclasses import dataclass
from math import acosh, ceil, cosh, log
from typing import Any

import numpy as np

from .. import _validate
from .._array import namespace, read_sum
from .._linear import spectrum
from .._linear.solve import require_hermitian, solve_system
from .._linear.system import prepare
from .._result import LinearResult, Status, not_finite, warn_of_miss
from ..kernels import kernels_for
from . import _scipy

ESTIMATE_STEPS = 12  # steps of conjugate gradients for an estimate
ESTIMATE_MARGIN = 0.02  # by which an interval that was too narrow is widened beyond the new estimate
RATE_SLACK = 4.0  # factor by which a residual may exceed the one that the bounds imply


@dataclass(frozen=True, eq=False, repr=False)
class ChebyshevResult(LinearResult):
    """A `LinearResult` with the bounds of the spectrum that were used last.

    Attributes
    ----------
    bounds : tuple of float or None
        The smallest and the largest eigenvalue of M A as they were given or estimated (for the last
        right-hand side), for the next solve; None if none was needed.
    """

    bounds: tuple[float, float] | None = None


@_scipy.call()
def chebyshev(
    A, b, x0=None, *, bounds=None, rtol=1e-5, atol=0.0, maxiter=None, M=None, callback=None, time_limit=None
) -> ChebyshevResult:
    r"""Solve :math:`Ax = b` for Hermitian positive definite `A` by the Chebyshev iteration.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (n, n)
        Hermitian positive definite matrix, in the library (NumPy/SciPy or CuPy) of `b`.
    b : array, shape (n,) or (n, k)
        Right-hand side, or `k` of them, solved one after the other. Real or complex floating point;
        integers are taken as float64.
    x0 : array, shape of `b`, or "Mb", optional
        Starting guess, never overwritten; "Mb" stands for ``M @ b``. Default: zeros.
    bounds : tuple of float, optional
        The smallest and the largest eigenvalue of M A: better a little too wide than too narrow. Default:
        estimated, by a few steps of conjugate gradients.
    rtol, atol : float
        Stop once ``norm(b - A @ x) <= max(rtol * norm(b), atol)``, in the 2-norm, for each column.
    maxiter : int, optional
        Largest number of iterations. Default: ``10 * n``, but at least 1000, because the
        method does not end after n steps.
    M : array, sparse array or LinearOperator, shape (n, n), optional
        Hermitian positive definite approximation of the inverse of `A`.
    callback : callable, optional
        ``callback(x, residual_norm)`` after each iteration (on a GPU: after every tenth); true stops.
        `x` is overwritten later: copy it to keep it. A callback of one argument gets a copy of `x`, and what
        it returns is ignored.
    time_limit : float, optional
        Seconds after which to stop with a usable iterate. Default: no limit.

    Returns
    -------
    ChebyshevResult
        ``x``, ``status``, ``message``, ``residuals`` of shape ``(nit + 1,)`` or ``(nit + 1, k)``, and
        ``bounds``, which the next solve with the same A and M can be given.

    Raises
    ------
    ValueError
        A shape does not fit, an entry is not finite, a tolerance is negative, `bounds` is not an interval
        of positive numbers, or `A` is not Hermitian.
    TypeError
        A dtype is not supported, or NumPy and CuPy arrays are mixed.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why and what to try.

    Notes
    -----
    One product with `A` and one with `M` per iteration. The recurrence needs no inner product; the norm of
    the residual, for the tolerance, is found in the same pass. Vector work: 56 n bytes per iteration in
    float64 beside the product's, in one fused pass (with `M`: 64 n in two). Storage: 5 vectors (with `M`: 6).
    Algorithm 12.1 of [1]_. The residual falls by a factor of :math:`(\sqrt\kappa - 1)/(\sqrt\kappa + 1)` per
    iteration, with kappa the ratio of the bounds. Conjugate gradients need fewer iterations, but wait for two
    inner products in each.

    An estimate of the bounds costs 12 products with each, and three vectors for that time. After 1, 2, 4, ...
    iterations the residual is compared with the reduction that the bounds imply. If it is too large, the
    eigenvalues are estimated again from the residual, which contains much of the missed eigenvectors, and the
    iteration goes on with the wider interval. These products are not counted as iterations. The true residual
    is recomputed before convergence is reported. Two products test that `A` is Hermitian, unless
    ``numsolve.hermitian(A)`` asserts it.

    Bounds that are too wide cannot be detected: the residual then falls as slowly as they imply. The message
    at `maxiter` says how many iterations a digit takes with these bounds.

    References
    ----------
    .. [1] Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., SIAM, 2003,
       :doi:`10.1137/1.9780898718003`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import chebyshev
    >>> chebyshev(np.diag([1.0, 2.0]), np.array([1.0, 4.0]), rtol=1e-12).check().x.round(10)
    array([1., 2.])
    """
    system = prepare(A, b, x0, M, rtol=rtol, atol=atol, maxiter=maxiter, time_limit=time_limit)
    if maxiter is None:
        system = system._replace(maxiter=max(system.maxiter, 1000))
    interval = Interval(None if bounds is None else _validate.interval(bounds, "bounds"), system)
    require_hermitian(system)
    result = solve_system(interval, system, callback)
    message = result.message
    if result.status == Status.MAXITER and interval.bounds is not None:
        message += interval.says()
    fields: dict[str, Any] = vars(result) | {"message": message}
    return warn_of_miss(ChebyshevResult(**fields, bounds=interval.bounds))


class Interval:
    """The Chebyshev iteration, and its bounds of the eigenvalues of M A.

    Each right-hand side starts from the given bounds, so no column depends on those before it.
    """

    def __init__(self, given, system):
        self.given = self.bounds = given
        # Ratio of the eigenvalues of A in the iteration's units and in the caller's; M cancels the units.
        self._unit = 1 / system.A_unit if system.M is None else 1.0

    def begin(self, b):  # noqa: ARG002 - the protocol
        """Return to the given bounds for a new right-hand side."""
        self.bounds = self.given

    def __call__(self, A, b, M, x):
        return steps(self, A, b, M, x)

    def widen(self, A, M, r):
        """Estimate the bounds from the residual `r`; return whether they were too narrow."""
        lmin, lmax = spectrum.bounds(A, M, start=r, steps=ESTIMATE_STEPS)
        lmin, lmax = max(lmin, np.finfo(A.dtype).eps * lmax) / self._unit, lmax / self._unit
        if self.bounds is None:
            self.bounds = lmin, lmax
            return True
        low, high = self.bounds
        self.bounds = min(lmin * (1 - ESTIMATE_MARGIN), low), max(lmax * (1 + ESTIMATE_MARGIN), high)
        return lmin < low or lmax > high

    def says(self):
        """Return a text with the iterations per digit that the bounds imply, for they may be too wide."""
        low, high = self.bounds
        digit = ceil(log(10) / max(_rate(low, high), 1e-300))
        remedy = "" if self.given is None else ": if they are wider than the spectrum of M A, leave them out"
        return f"; with the bounds ({low:.1e}, {high:.1e}) a digit takes {digit} iterations{remedy}"

    def scaled(self):
        """Return the bounds in the units of the iteration."""
        return self.bounds[0] * self._unit, self.bounds[1] * self._unit


def steps(interval, A, b, M, x):
    """Yield the iterates of the Chebyshev iteration, which share the array `x`, and their squared residuals.

    Each pass of the outer loop uses one interval.
    """
    xp, kernels = namespace(b), kernels_for(b)
    r = A.residual(b, x)
    rr = kernels.dot(r, r)
    live = yield x, rr
    if interval.bounds is None:
        interval.widen(A, M, r)
    q, d = xp.empty_like(b), xp.zeros_like(b)
    z = r if M is None else xp.empty_like(b)
    while True:
        lmin, lmax = interval.scaled()
        pairs, begun, look = spectrum.coefficients(lmin, lmax), read_sum(rr), 1
        if M is not None:
            M.apply(r, z)
        kernels.chebyshev_direction(live, *next(pairs), z, d)
        for step, (keep, gain) in enumerate(pairs, 1):
            A.apply(d, q)
            if M is None:
                rr = kernels.chebyshev_step(live, keep, gain, q, d, x, r)
            else:
                rr = kernels.chebyshev_update(live, q, d, x, r)
                M.apply(r, z)
                kernels.chebyshev_direction(live, keep, gain, z, d)
            live = yield x, rr
            if live is None:
                raise not_finite()
            if step == look:  # after 1, 2, 4, ... steps a number is read from the device
                look *= 2
                worse = read_sum(rr) > (RATE_SLACK * _promise(step, lmin, lmax)) ** 2 * begun
                if worse and interval.widen(A, M, r):
                    break


def _promise(k, lmin, lmax):
    """Return the factor by which k steps reduce the residual if all eigenvalues are within the bounds."""
    return 1 / cosh(min(k * _rate(lmin, lmax), 300.0))


def _rate(lmin, lmax):
    """Return the logarithm of the asymptotic factor by which the residual falls per step."""
    sigma = (lmax + lmin) / max(lmax - lmin, np.finfo(float).eps * lmax)
    return acosh(max(sigma, 1.0))
