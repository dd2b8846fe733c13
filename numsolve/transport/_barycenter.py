"""Entropic barycenters of distributions on one set of points."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from .. import _validate
from .._array import is_sparse, namespace, to_host
from .._iterate import iterate
from .._result import Breakdown, Result, Status, warn_of_miss
from ._costs import Grid, PointCloud
from ._masses import same_totals
from ._passes import GridPasses

LIMITS = {Status.MAXITER: "maxiter", Status.TIME_LIMIT: "time limit"}


@dataclass(frozen=True, eq=False, repr=False)
class BarycenterResult(Result):
    """An entropic barycenter.

    Attributes
    ----------
    x : array, shape (n,)
        Its masses, of sum one.
    potentials : array, shape (k, m)
        Potentials of the given distributions, divided by eps: a start for the next call.
    residuals : numpy.ndarray, shape (nit + 1,)
        The weighted mean of the errors of the marginals, at the start and after each iteration.
    """

    potentials: Any = None


def barycenter(
    masses,
    cost,
    eps,
    *,
    weights=None,
    rtol=0.0,
    atol=1e-6,
    maxiter=1000,
    time_limit=None,
    init=None,
    callback=None,
):
    r"""Return the distribution with the least weighted sum of entropic costs to given ones.

    Parameters
    ----------
    masses : array, shape (k, m), or of a grid (k, m_1, m_2, ...)
        The given distributions, each of sum one up to rounding in their dtype. Their library decides where
        the work runs.
    cost : array (n, m), PointCloud or Grid
        Cost of moving a unit of mass from a point of the barycenter to a point of the distributions. For
        images a `Grid` is by far the fastest.
    eps : float
        Weight of the entropy, in units of the cost. The larger it is, the more the barycenter is blurred.
    weights : array, shape (k,), optional
        Weights of the distributions, not negative and of sum one. Default: all equal.
    rtol, atol : float
        Stop once the weighted mean of the errors of the marginals, defined as in `sinkhorn`, is at most
        ``max(rtol, atol)``.
    maxiter : int
        Largest number of iterations.
    time_limit : float, optional
        Seconds after which to stop. Default: no limit.
    init : BarycenterResult, optional
        The barycenter of similar distributions, to start from.
    callback : callable, optional
        ``callback(x, error)`` after each iteration, with the potentials over eps `x`, shape (k * m,); true
        stops.

    Returns
    -------
    BarycenterResult
        Masses ``x``, ``status``, ``residuals``, ``potentials``.

    Raises
    ------
    ValueError
        Shapes do not fit, a mass or weight is negative, a sum is not one, or `eps` or `time_limit` is not
        positive.
    TypeError
        The cost is sparse, a dtype is not real, or NumPy and CuPy arrays are mixed.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why.

    Notes
    -----
    Iterative Bregman projections [1]_ in logarithms, for any `eps`. An iteration takes two sums of
    exponentials over the cost for each distribution; a `Grid` takes them axis by axis. Storage: a dense array
    of the costs, or of those of each axis, and a few arrays (k, n) and (k, m).

    References
    ----------
    .. [1] J.-D. Benamou, G. Carlier, M. Cuturi, L. Nenna, G. Peyré, *Iterative Bregman projections for
       regularized transportation problems*, SIAM J. Sci. Comput. 37, 2015, :doi:`10.1137/141000439`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.transport import Grid, barycenter
    >>> t = np.linspace(0, 1, 101)
    >>> masses = np.exp(-((t - np.array([[0.2], [0.6]])) ** 2) / 0.005)
    >>> masses /= masses.sum(axis=1, keepdims=True)
    >>> mean = barycenter(masses, Grid([t]), 0.001).check().x
    >>> round(float(mean @ t), 3)
    0.4
    """
    deadline = _validate.deadline(time_limit)
    eps = _validate.positive(eps, "eps")
    _, xp = _validate.same_library(masses=masses, cost=cost, weights=weights)
    passes = _passes_over(cost, xp)
    A = _distributions(masses, passes, cost, xp)
    w = _weights(weights, len(A), xp)
    start = xp.zeros(A.size) if init is None else xp.array(init.potentials, dtype=float).ravel()
    if start.size != A.size:
        raise ValueError(f"init has {start.size} potentials; one for each of the {A.size} masses is needed")
    iteration = Projections(passes, 1 / eps, A, w)
    tol = max(_validate.tolerance(rtol, "rtol"), _validate.tolerance(atol, "atol"))
    maxiter, callback = _validate.count(maxiter, "maxiter"), _validate.function(callback, "callback")
    found = iterate(
        iteration.start, start, tol=tol, maxiter=maxiter, callback=callback, deadline=deadline, fresh=True
    )
    message = found.message
    if found.status in LIMITS:
        message = f"{LIMITS[found.status]} reached: raise it, loosen atol, or take a larger eps"
    fields = dict(vars(found), x=iteration.mass(found.x), message=message)
    return warn_of_miss(BarycenterResult(**fields, potentials=found.x.reshape(A.shape)))


class Projections:
    """Bregman projections; an iterate is the potentials of the given distributions over eps, (k * m,)."""

    def __init__(self, passes, inverse, A, weights):
        self.passes, self.inverse, self.A, self.weights = passes, inverse, A, weights
        xp, self.some = namespace(A), A > 0
        self.log_A = xp.log(xp.where(self.some, A, 1))

    def sums(self, x):
        """Return the logarithms of the sums over the points of each distribution, (k, n), and their mean."""
        G = namespace(x).where(self.some, x.reshape(self.A.shape), -np.inf)
        found = self.passes.log_sum_exp(self.inverse, G, 1)
        return found, self.weights @ found

    def mass(self, x):
        """Return the masses of the barycenter."""
        mass = namespace(x).exp(self.sums(x)[1])
        return mass / mass.sum()

    def start(self, x):
        """Yield iterates and squared errors."""
        xp = namespace(x)
        while True:
            sums, mean = self.sums(x)
            F = mean - sums  # with these potentials, the row sums of all plans are the barycenter
            columns = self.passes.log_sum_exp(self.inverse, F, 0)
            found = xp.where(self.some, xp.exp(x.reshape(self.A.shape) + columns), 0)
            error = self.weights @ abs(found - self.A).sum(axis=1)
            if (yield x, error * error) is None:
                raise Breakdown("the masses are not finite: eps is too small", Status.NONFINITE)
            x = xp.where(self.some, self.log_A - columns, 0).ravel()


def _distributions(masses, passes, cost, xp) -> Any:
    """Return the given distributions, (k, m), each divided by its sum, which must be one but for rounding."""
    m, A = passes.shape[1], _validate.real(masses, "masses", xp)
    if A.ndim > 2 and isinstance(cost, Grid):
        A = A.reshape(len(A), -1)
    if A.ndim != 2 or A.shape[1] != m or not len(A):
        raise ValueError(f"masses has shape {A.shape}, but the cost, {passes.shape}, needs (k, {m})")
    if bool((A < 0).any()):
        raise ValueError(f"masses has {int((A < 0).sum())} negative entries; masses >= 0 are needed")
    dtype, A = A.dtype, A.astype(float)
    totals = A.sum(axis=1)
    sums = to_host(totals)
    differing = np.flatnonzero(~same_totals(sums, 1.0, m, dtype))
    if differing.size:
        p = differing[0]
        raise ValueError(f"masses[{p}] sums to {sums[p]:.10g}, but one is needed: divide it by its sum")
    return A / totals[:, None]


def _weights(weights, k, xp) -> Any:
    """Return the weights of k distributions, divided by their sum, which must be one but for rounding."""
    if weights is None:
        return xp.full(k, 1 / k)
    w = _validate.real(weights, "weights", xp)
    if w.shape != (k,):
        raise ValueError(f"weights has shape {w.shape}; {k} numbers >= 0 of sum one are needed")
    if bool((w < 0).any()):
        raise ValueError(f"weights has {int((w < 0).sum())} negative entries; numbers >= 0 are needed")
    dtype, w = w.dtype, w.astype(float)
    total = float(w.sum())
    if not same_totals(total, 1.0, k, dtype):
        raise ValueError(f"weights sums to {total:.10g}, but one is needed: divide it by its sum")
    return w / total


def _passes_over(cost, xp):
    """Return the passes over the cost: a dense cost is treated as a grid of one axis."""
    if isinstance(cost, Grid):
        return GridPasses(cost)
    if is_sparse(cost):
        raise TypeError("cost is sparse; barycenter needs an array, a PointCloud or a Grid")
    C = (
        cost.rows(0, cost.shape[0])
        if isinstance(cost, PointCloud)
        else _validate.real_array(cost, "cost", xp)
    )
    if C.ndim != 2 or 0 in C.shape:
        raise ValueError(f"cost has shape {C.shape}; (n, m) is needed, with at least one row and column")
    n, m = C.shape
    return GridPasses(SimpleNamespace(costs=[C], axes=[range(n)], to=[range(m)], shape=(n, m)))
