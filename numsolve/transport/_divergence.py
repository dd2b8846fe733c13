"""The Sinkhorn divergence of two clouds of points."""

import warnings
from dataclasses import dataclass
from typing import Any

from .._array import namespace
from .._linear import inside
from .._result import ConvergenceWarning
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
        From each to itself.
    """

    value: float
    between: TransportResult
    within_a: TransportResult
    within_b: TransportResult

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
        """Gradient of the value with respect to the masses `a`, up to a constant."""
        return self.between.grad_a - self.within_a.grad_a


def sinkhorn_divergence(a, b, x, y, eps, *, metric="sqeuclidean", init=None, **options):
    r"""Return :math:`S(a, b) = W(a, b) - W(a, a)/2 - W(b, b)/2`, with W the cost with its entropy.

    Parameters
    ----------
    a, b : array, shapes (n,) and (m,)
        Masses, of the same sum.
    x, y : array, shapes (n, d) and (m, d)
        Points.
    eps : float
        The weight of the entropy, in units of the cost.
    metric : {"sqeuclidean", "euclidean"}
        The cost of the way between two points.
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
        As `sinkhorn`.
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

    References
    ----------
    .. [1] J. Feydy, T. Séjourné, F.-X. Vialard, S. Amari, A. Trouvé, G. Peyré, *Interpolating between optimal
       transport and MMD using Sinkhorn divergences*, AISTATS 2019, `arXiv:1810.08278
       <https://arxiv.org/abs/1810.08278>`_.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.transport import sinkhorn_divergence
    >>> x, a = np.linspace(0, 1, 30)[:, None], np.full(30, 1 / 30)
    >>> round(sinkhorn_divergence(a, a, x, x + 0.5, 0.1).value, 6)
    0.25
    """
    starts = [None] * 3 if init is None else [init.between, init.within_a, init.within_b]
    pairs = ((a, b, x, y), (a, a, x, x), (b, b, y, y))
    with inside():
        found: Any = [
            sinkhorn(mass, other, PointCloud(p, q, metric), eps, init=start, **options)
            for (mass, other, p, q), start in zip(pairs, starts, strict=True)
        ]
    for result in found:
        if not result.success:
            warnings.warn(result.message, ConvergenceWarning, stacklevel=2)
            break
    values = [_value(result) for result in found]
    return Divergence(values[0] - values[1] / 2 - values[2] / 2, *found)


def _value(result):
    """Return ``cost_kl`` by the dual, whose error is of second order."""
    xp = namespace(result.a)
    return result.dual - result.eps * sum(entropy(xp.asarray(m), m) for m in (result.a, result.b))
