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
    """The Sinkhorn divergence of two clouds, and the three solutions it was made from.

    Attributes
    ----------
    value : float
        Zero for equal clouds, positive otherwise.
    between : TransportResult
        From `a` to `b`: the way there is ``between.plan``; and a start for the next call, as `init`.
    within_a, within_b : TransportResult
        From each to itself. With penalties, ``dual`` of each is W; the potentials are those of `sinkhorn`.
    tau : float, optional
        The weight of the penalty of the marginals; None where they are prescribed.
    """

    value: float
    between: TransportResult
    within_a: TransportResult
    within_b: TransportResult
    tau: float | None = None

    @property
    def success(self):
        """Whether all three met their tolerance."""
        return self.between.success and self.within_a.success and self.within_b.success

    @property
    def grad_x(self):
        """Gradient of the value with respect to the points `x`, shape (n, d)."""
        return self.between.grad_x - self.within_a.grad_x

    @property
    def grad_a(self):
        """Gradient of the value with respect to the masses `a`; of prescribed marginals up to a constant."""
        if self.tau is None:
            return self.between.grad_a - self.within_a.grad_a
        to_b, to_a = (self._surplus(result) for result in (self.between, self.within_a))
        return (self.tau + self.between.eps) * (to_a - to_b)

    def _surplus(self, result):
        """Return ``plan @ 1 / a - 1``, which a penalty makes ``exp(-f / tau) - 1``, f relative to `a`."""
        xp, a = namespace(result.f), result.a
        return xp.expm1((result.eps * xp.log(xp.where(a > 0, a, 1)) - result.f) / self.tau)


def sinkhorn_divergence(
    a, b, x, y, eps, *, metric="sqeuclidean", tau_a=None, tau_b=None, time_limit=None, init=None, **options
):
    r"""Return :math:`S(a, b) = W(a, b) - W(a, a)/2 - W(b, b)/2`, with W the cost with its entropy.

    Parameters
    ----------
    a, b : array, shapes (n,) and (m,)
        Masses, of the same sum unless penalised.
    x, y : array, shapes (n, d) and (m, d)
        Points.
    eps : float
        The weight of the entropy, in units of the cost.
    metric : {"sqeuclidean", "euclidean", "cityblock"}
        The cost of the way between two points.
    tau_a, tau_b : float, optional
        Weight, the same for both, of a penalty in place of the marginals, as of `sinkhorn`.
    time_limit : float, optional
        Seconds after which to stop, all three solves together. Default: no limit.
    init : Divergence, optional
        One of the same clouds a little before.
    **options
        As of `sinkhorn`.

    Returns
    -------
    Divergence
        ``value``, its gradients ``grad_x`` and ``grad_a``, and the three solutions.

    Raises
    ------
    ValueError
        As `sinkhorn`; or the penalties differ, or are so small beside `eps` that numbers underflow.
    TypeError
        As `sinkhorn`.

    Warns
    -----
    ConvergenceWarning
        One of the three missed its tolerance.

    Notes
    -----
    Free of the bias of the entropy: zero where the clouds agree, positive elsewhere, and convex in each [1]_.
    W is taken with the divergence from the product of the masses, ``cost_kl``. Three solves.

    With penalties [2]_, W is the least :math:`\langle C, P\rangle + \epsilon \mathrm{KL}(P | ab^T) + \tau
    \mathrm{KL}(P1 | a) + \tau \mathrm{KL}(P'1 | b)`, and :math:`\epsilon (\sum a - \sum b)^2 / 2` is added
    to S. Its solution is that of `sinkhorn`, whose entropy knows no masses, for masses
    :math:`a^{1 + \epsilon / \tau}` and :math:`b^{1 + \epsilon / \tau}`. Were the penalties of `a` and `b`
    different, S would be negative for some clouds that are nearly equal.

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
            f"tau_a is {tau_a!r}, tau_b is {tau_b!r}; a divergence needs the same on both sides, or none"
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
    """Return ``mass**power``; masses that are none are left for `sinkhorn` to complain of."""
    if mass.dtype.kind == "c" or bool((mass < 0).any()):
        return mass
    dtype = np.finfo(_validate.floating(mass.dtype, name))
    exact = mass.astype(np.float64)
    found = (exact**power).astype(dtype.dtype)
    if float((exact * (found < dtype.tiny)).sum()) > dtype.eps * float(exact.sum()):  # more than rounding
        raise ValueError(
            f"tau_a and tau_b are too small beside eps: {name}**{power:.4g} underflows; take larger ones"
        )
    return found


def _value(result):
    """Return W by the dual, whose error is of second order."""
    if result.penalised:
        return result.dual
    xp = namespace(result.a)
    return result.dual - result.eps * sum(entropy(xp.asarray(m), m) for m in (result.a, result.b))
