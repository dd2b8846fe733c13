"""The Sinkhorn divergence of two clouds of points."""

import time
import warnings
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np

from .. import _validate
from .._array import namespace
from .._result import ConvergenceWarning, inner_solve
from ._costs import PointCloud
from ._result import TransportResult, entropy
from ._sinkhorn import sinkhorn


@dataclass(frozen=True)
class Divergence:
    """The Sinkhorn divergence of two clouds, and the three solutions that it is made of.

    Attributes
    ----------
    value : float
        The divergence, in units of cost times mass: zero for equal clouds, positive otherwise.
    between : TransportResult
        The solution from `a` to `b`.
    within_a, within_b : TransportResult
        The solutions from `a` to `a` and from `b` to `b`. With penalties, ``dual`` of each result is W; the
        potentials are those of `sinkhorn`.
    tau : float, optional
        Weight of the penalty of the marginals; None where they are prescribed.
    """

    value: float
    between: TransportResult
    within_a: TransportResult
    within_b: TransportResult
    tau: float | None = None

    @property
    def success(self):
        """Whether all three solutions met their tolerance."""
        return self.between.success and self.within_a.success and self.within_b.success

    @property
    def grad_x(self):
        """Gradient of the value with respect to the points `x`, of shape (n, d)."""
        return self.between.grad_x - self.within_a.grad_x

    @property
    def grad_a(self):
        """Gradient of the value with respect to the masses `a`, of shape (n,).

        If the marginals are prescribed, it is defined up to a constant.
        """
        if self.tau is None:
            return self.between.grad_a - self.within_a.grad_a
        to_b, to_a = (self._surplus(result) for result in (self.between, self.within_a))
        return (self.tau + self.between.eps) * (to_a - to_b)

    def _surplus(self, result):
        """Return ``plan @ 1 / a - 1``: with a penalty, ``exp(-f / tau) - 1`` for f relative to `a`."""
        xp, a = namespace(result.f), result.a
        return xp.expm1((result.eps * xp.log(xp.where(a > 0, a, 1)) - result.f) / self.tau)


def sinkhorn_divergence(
    a, b, x, y, eps, *, metric="sqeuclidean", tau_a=None, tau_b=None, time_limit=None, init=None, **options
):
    r"""Return :math:`S(a, b) = W(a, b) - W(a, a)/2 - W(b, b)/2`, where W is the entropic cost.

    Parameters
    ----------
    a, b : array, shapes (n,) and (m,)
        Masses, not negative, and of the same sum up to rounding in their dtype unless they are penalised.
    x, y : array, shapes (n, d) and (m, d)
        Points.
    eps : float
        Weight of the entropy, in units of the cost.
    metric : {"sqeuclidean", "euclidean", "cityblock"}
        The cost between two points, as in `PointCloud`.
    tau_a, tau_b : float, optional
        Weight of a penalty in place of the prescribed marginals, the same for both, as in `sinkhorn`.
    time_limit : float, optional
        Seconds after which to stop, all three solves together. Default: no limit.
    init : Divergence, optional
        The divergence of similar clouds, whose three solutions are the starts.
    **options
        Further options of `sinkhorn`.

    Returns
    -------
    Divergence
        ``value``, its gradients ``grad_x`` and ``grad_a``, and the three solutions.

    Raises
    ------
    ValueError
        As in `sinkhorn`; or the penalties differ, or are so small compared with `eps` that masses underflow.
    TypeError
        As in `sinkhorn`.

    Warns
    -----
    ConvergenceWarning
        One of the three missed its tolerance.

    Notes
    -----
    The bias of the entropy cancels: S is zero for equal clouds, positive for others, and convex in each of
    them [1]_. W is ``cost_kl``, the cost with the divergence from the product of the masses. The cost is that
    of three calls of `sinkhorn`.

    With penalties [2]_, W is the least :math:`\langle C, P\rangle + \epsilon \mathrm{KL}(P | ab^T) + \tau
    \mathrm{KL}(P1 | a) + \tau \mathrm{KL}(P'1 | b)`, and :math:`\epsilon (\sum a - \sum b)^2 / 2` is added
    to S. The entropy of `sinkhorn` does not contain the masses; called with
    :math:`a^{1 + \epsilon / \tau}` and :math:`b^{1 + \epsilon / \tau}`, it finds the plan of W. With
    different penalties of `a` and `b`, S would be negative for some clouds that are nearly equal.

    References
    ----------
    .. [1] J. Feydy, T. Séjourné, F.-X. Vialard, S. Amari, A. Trouvé, G. Peyré, *Interpolating between optimal
       transport and MMD using Sinkhorn divergences*, AISTATS 2019, `arXiv:1810.08278
       <https://arxiv.org/abs/1810.08278>`_.
    .. [2] T. Séjourné, J. Feydy, F.-X. Vialard, A. Trouvé, G. Peyré, *Sinkhorn divergences for unbalanced
       optimal transport*, 2019, `arXiv:1910.12958 <https://arxiv.org/abs/1910.12958>`_.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.transport import sinkhorn_divergence
    >>> x, a = np.linspace(0, 1, 30)[:, None], np.full(30, 1 / 30)
    >>> round(sinkhorn_divergence(a, a, x, x + 0.5, 0.1).value, 6)
    0.25
    """
    deadline = _validate.deadline(time_limit)
    eps = _validate.positive(eps, "eps")
    if tau_a != tau_b:
        raise ValueError(
            f"tau_a is {tau_a!r}, tau_b is {tau_b!r}; a divergence needs the same value for both, or None"
        )
    tau = None if tau_a is None else _validate.positive(tau_a, "tau_a")
    starts = [None] * 3 if init is None else [init.between, init.within_a, init.within_b]
    pairs = ((a, b, x, y), (a, a, x, x), (b, b, y, y))
    with inner_solve():
        found: Any = []
        for (mass, other, p, q), start in zip(pairs, starts, strict=True):
            more = {"init": start, "time_limit": _time_left(deadline), **options}
            found.append(_solved(mass, other, PointCloud(p, q, metric), eps, tau, more))
    for result in found:
        if not result.success:
            warnings.warn(result.message, ConvergenceWarning, stacklevel=2)
            break
    between, within_a, within_b = found
    apart = float(between.a.sum() - between.b.sum())
    value = _value(between) - _value(within_a) / 2 - _value(within_b) / 2 + eps / 2 * apart**2
    return Divergence(value, between, within_a, within_b, tau)


def _time_left(deadline):
    """Return the seconds that are left, at least a nanosecond; None without a limit."""
    return None if deadline == inf else max(deadline - time.monotonic(), 1e-9)


def _solved(a, b, cloud, eps, tau, options):
    """Return the solution with the divergence from the product of the masses."""
    if tau is None:
        return sinkhorn(a, b, cloud, eps, **options)
    _, xp = _validate.same_library(a=a, b=b, cost=cloud)
    a, b = _validate.as_array(a, "a", xp), _validate.as_array(b, "b", xp)
    raised = _power(a, 1 + eps / tau, "a"), _power(b, 1 + eps / tau, "b")
    result = sinkhorn(raised[0], raised[1], cloud, eps, tau_a=tau, tau_b=tau, **options)
    a, b = a.astype(np.float64), b.astype(np.float64)
    more = float(a.sum() - result.a.sum() + b.sum() - result.b.sum())
    return replace(result, a=a, b=b, dual=result.dual + tau * more + eps * float(a.sum() * b.sum()))


def _power(mass, power, name):
    """Return ``mass**power``; invalid masses are returned as they are, for `sinkhorn` refuses them."""
    if mass.dtype.kind == "c" or bool((mass < 0).any()):
        return mass
    dtype = np.finfo(_validate.floating(mass.dtype, name))
    exact = mass.astype(np.float64)
    found = (exact**power).astype(dtype.dtype)
    if float((exact * (found < dtype.tiny)).sum()) > dtype.eps * float(exact.sum()):  # more than rounding
        raise ValueError(
            f"tau_a and tau_b are too small for this eps: {name}**{power:.4g} underflows; use larger ones"
        )
    return found


def _value(result):
    """Return W, computed from the dual, whose error is of second order."""
    if result.penalised:
        return result.dual
    xp = namespace(result.a)
    return result.dual - result.eps * sum(entropy(xp.asarray(m), m) for m in (result.a, result.b))
