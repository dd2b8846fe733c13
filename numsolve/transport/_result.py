"""The result of a transport problem: potentials, plan, costs, bounds and gradients."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .._array import is_sparse, namespace, to_host
from .._result import Result
from ._costs import PointCloud


@dataclass(frozen=True, eq=False, repr=False)
class TransportResult(Result):
    r"""Potentials of an entropic transport problem, and what follows from them.

    The plan is :math:`P_{ij} = \exp((f_i + g_j - C_{ij}) / \epsilon)`. It is not stored. Costs are computed
    when they are first asked for, in one pass over the cost. All arrays are in double precision, in the
    library of the masses.

    Attributes
    ----------
    f, g : array, shapes (n,) and (m,)
        Potentials in units of the cost; minus infinity where there is no mass. If the marginals are
        prescribed, ``a @ f == b @ g``.
    x : array, shape (n + m,)
        The potentials `f`, then `g`.
    plan : Plan
        The plan: ``plan @ v``, ``plan.T @ v``, ``plan.barycentric(y)``, ``plan.to_dense()``, ...
    eps : float
        The weight of the entropy, in units of the cost.
    omega : float
        The over-relaxation of the last iterations.
    method : str
        The method of the last iterations: "log", "scaling" or "newton".
    marginal_error : float
        ``abs(plan @ 1 - a).sum() + abs(plan.T @ 1 - b).sum()``, in units of mass, computed from `f` and `g`
        in double precision. Of penalised marginals: the distance from the marginals that are optimal for
        these potentials.
    residuals : numpy.ndarray, shape (nit + 1,)
        The same at the start and after each iteration.
    a, b : array, shapes (n,) and (m,)
        The masses that were used.
    tau_a, tau_b : float, optional
        Weights of the penalties of the marginals; None where they were prescribed.
    dual : float
        The value of the dual problem, in units of cost times mass. It is a lower bound of the least
        `cost_entropic`; with penalties, of the least sum of
        :math:`\langle C, P\rangle + \epsilon \sum P (\log P - 1)` and the penalties.
    cost_linear : float
        :math:`\langle C, P \rangle`.
    cost_entropic : float
        :math:`\langle C, P \rangle + \epsilon \sum P \log P`.
    cost_kl : float
        :math:`\langle C, P \rangle + \epsilon \sum P \log(P / a b^T)`.
    """

    f: Any = None
    g: Any = None
    plan: Any = None
    eps: float = 0.0
    omega: float = 1.0
    method: str = ""
    marginal_error: float = float("nan")
    dual: float = float("nan")
    a: Any = None
    b: Any = None
    tau_a: float | None = None
    tau_b: float | None = None

    @property
    def penalised(self):
        """Whether a marginal was penalised rather than prescribed."""
        return self.tau_a is not None or self.tau_b is not None

    @cached_property
    def _sums(self):
        """The linear cost, ``eps * sum(P log P)`` and the two marginals, in one pass over the cost."""
        xp, linear, entropy, r, c = namespace(self.f), 0.0, 0.0, [], 0
        for first, P, cost in self.plan.blocks():
            exponents = self.f[first : first + len(P), None] + self.g - cost
            linear += float((P * xp.where(P > 0, cost, 0)).sum())
            entropy += float((P * xp.where(P > 0, exponents, 0)).sum())
            r.append(P.sum(axis=1))
            c = c + P.sum(axis=0)
        return linear, entropy, xp.concatenate(tuple(r)), c

    @property
    def cost_linear(self):
        r"""The cost of the plan, :math:`\langle C, P \rangle`, a float in units of cost times mass."""
        return self._sums[0]

    @property
    def cost_entropic(self):
        r"""The cost with the entropy, :math:`\langle C, P \rangle + \epsilon \sum P \log P`, a float."""
        return self._sums[0] + self._sums[1]

    @property
    def cost_kl(self):
        """The cost with the divergence from the product of the masses ``a b'`` in place of the entropy."""
        return self.cost_entropic - self.eps * (
            entropy(self._sums[2], self.a) + entropy(self._sums[3], self.b)
        )

    def bounds(self):
        r"""Return a lower and an upper bound of the least cost without entropy.

        Returns
        -------
        lower : float
            The value of a feasible pair of potentials, the c-transforms of `g`.
        upper : float
            The cost of a plan with the exact marginals, this one rounded [1]_.

        Raises
        ------
        ValueError
            A marginal is penalised, or edges are forbidden: the rounded plan may need them.

        Notes
        -----
        Three passes over the cost. The bounds hold for any `eps` and tolerance, up to rounding errors of the
        arithmetic.

        References
        ----------
        .. [1] J. Altschuler, J. Weed, P. Rigollet, *Near-linear time approximation algorithms for optimal
           transport via Sinkhorn iteration*, NeurIPS 2017, `arXiv:1705.09634
           <https://arxiv.org/abs/1705.09634>`_.

        Examples
        --------
        >>> import numpy as np
        >>> from numsolve.transport import sinkhorn
        >>> a, cost = np.full(2, 0.5), np.array([[0.0, 1.0], [1.0, 0.0]])
        >>> lower, upper = sinkhorn(a, a, cost, 0.05).bounds()
        >>> bool(lower <= 0 <= upper < 1e-8)
        True
        """
        return _bounds(self)

    @property
    def grad_a(self):
        """Gradient of the least cost, `dual`, with respect to `a`: an array of shape (n,).

        If both marginals are prescribed, it is defined up to a constant: `f` minus its mean weighted by `a`.
        If that of the rows is penalised, it is ``tau_a (1 - exp(-f / tau_a))``; otherwise `f`.
        """
        return self._gradient(self.f, self.a, self.tau_a)

    @property
    def grad_b(self):
        """Gradient of the least cost, `dual`, with respect to `b`, of shape (m,); see `grad_a`."""
        return self._gradient(self.g, self.b, self.tau_b)

    def _gradient(self, potential, mass, tau):
        if tau is not None:
            return -tau * namespace(potential).expm1(-potential / tau)
        return potential if self.penalised else potential - _mean(potential, mass)

    @property
    def grad_x(self):
        """Gradient of the least cost, `dual`, with respect to the points `x` of a `PointCloud`.

        An array of shape (n, d), in units of cost times mass over length. Where a distance is not
        differentiable, it is a subgradient: pairs of equal points ("euclidean") or of equal coordinates
        ("cityblock") contribute 0.

        Raises
        ------
        TypeError
            The cost is not a `PointCloud`.
        """
        cloud = self.plan._passes.cost
        if not isinstance(cloud, PointCloud):
            raise TypeError("grad_x is the gradient with respect to points: the cost must be a PointCloud")
        if cloud.metric == "sqeuclidean":
            r = self.plan @ namespace(self.f).ones(cloud.shape[1], self.f.dtype)
            return 2 * (r[:, None] * cloud.x - self.plan @ cloud.y)
        xp, parts = namespace(self.f), []
        for first, P, cost in self.plan.blocks():
            x = cloud.x[first : first + len(P)]
            if cloud.metric == "cityblock":
                pairs = zip(x.T, cloud.y.T, strict=True)
                parts.append(xp.stack([(P * xp.sign(u[:, None] - v)).sum(axis=1) for u, v in pairs], axis=1))
            else:
                weight = xp.where(cost > 0, P / (cost + (cost == 0)), 0)
                parts.append(weight.sum(axis=1)[:, None] * x - weight @ cloud.y)
        return xp.concatenate(tuple(parts))

    def plot(self, ax=None, **style):
        """Draw the error of the marginals after each iteration.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw. Default: a new figure.
        **style
            Passed on to ``ax.semilogy``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        ax = super().plot(ax, **style)
        line = ax.lines[-1]
        line.set_ydata(self.residuals)  # not relative to the first error, which depends on the start
        ax.set(ylabel="marginal error")
        ax.relim()
        ax.autoscale_view()
        return ax

    def __repr__(self):
        return super().__repr__()[:-1] + f", method={self.method!r}, eps={self.eps:g})"


def _mean(potential, mass):
    xp = namespace(potential)
    return (xp.where(mass > 0, potential, 0) * mass).sum() / mass.sum()


def entropy(sums, mass):
    """Return ``sums @ log(mass)``."""
    xp = namespace(sums)
    some = mass > 0
    return float((sums * xp.log(xp.where(some, mass, 1))).sum())


def _bounds(result):
    """Return the lower and the upper bound of `TransportResult.bounds`."""
    plan, xp = result.plan, namespace(result.f)
    passes = plan._passes
    if result.penalised:
        raise ValueError("bounds need prescribed marginals: tau_a and tau_b must be None")
    if is_sparse(passes.cost):
        raise ValueError(
            "bounds need all edges, but the cost is sparse: the rounded plan may use forbidden ones"
        )
    a, b = result.a, result.b
    lower = _lower(result, passes, a, b)
    sums = plan @ xp.ones(len(b), a.dtype)
    down = xp.where(sums > a, a / xp.where(sums > 0, sums, 1), 1)
    columns = plan.T @ down
    across = xp.where(columns > b, b / xp.where(columns > 0, columns, 1), 1)
    linear, kept, moved, rows = 0.0, [], 0, b - columns * across
    for first, P, cost in plan.blocks():
        P = P * down[first : first + len(P), None] * across
        linear += float((P * cost).sum())
        missing = a[first : first + len(P)] - P.sum(axis=1)
        moved = moved + missing @ cost
        kept.append(missing.sum())
    total = float(sum(kept))
    upper = linear + (float(moved @ rows) / total if total > 0 else 0.0)
    return lower, upper


def _lower(result, passes, a, b):
    """Return the dual value of the c-transforms of g, a lower bound; where g is -inf it imposes nothing."""
    f, g = passes.with_workspace().least(1.0, result.g[None].astype(passes.dtype))
    return float(to_host(a @ f[0].astype(a.dtype) + b @ g[0].astype(b.dtype)))
