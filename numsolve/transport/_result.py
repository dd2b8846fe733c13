"""What a transport problem's solution can tell."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .._array import is_sparse, namespace, to_host
from .._result import Result
from ._costs import PointCloud


@dataclass(frozen=True, eq=False, repr=False)
class TransportResult(Result):
    r"""Potentials of an entropic transport problem, and what follows from them.

    With :math:`P_{ij} = \exp((f_i + g_j - C_{ij}) / \epsilon)`. The plan is never stored, and the costs are
    found when they are first asked for.

    Attributes
    ----------
    f, g : array, shapes (n,) and (m,)
        Potentials in the units of the cost, of prescribed marginals with ``a @ f == b @ g``; minus infinity
        where there is no mass.
    x : array, shape (n + m,)
        Both, one after the other.
    plan : Plan
        The plan: ``plan @ v``, ``plan.T @ v``, ``plan.barycentric(y)``, ``plan.to_dense()``, ...
    eps : float
        The weight of the entropy.
    omega : float
        The over-relaxation of the last iterations.
    method : str
        The method that ended the solve.
    marginal_error : float
        ``abs(plan @ 1 - a).sum() + abs(plan.T @ 1 - b).sum()``, computed from `f` and `g` in double
        precision; of penalised marginals, their distance from what the penalties ask for.
    residuals : numpy.ndarray, shape (nit + 1,)
        The same after each iteration.
    a, b : array, shapes (n,) and (m,)
        The masses, as they were used.
    tau_a, tau_b : float, optional
        Weights of the penalties of the marginals; None where they were prescribed.
    dual : float
        The value of the dual problem, a lower bound of the least `cost_entropic`; with penalties, of the
        least sum of :math:`\langle C, P\rangle + \epsilon \sum P (\log P - 1)` and penalties.
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
        """Linear cost, ``sum(P log P)`` over eps and the marginals."""
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
        """The cost of the plan."""
        return self._sums[0]

    @property
    def cost_entropic(self):
        """The cost with the entropy."""
        return self._sums[0] + self._sums[1]

    @property
    def cost_kl(self):
        """The cost with the divergence from the product of the masses."""
        return self.cost_entropic - self.eps * (
            entropy(self._sums[2], self.a) + entropy(self._sums[3], self.b)
        )

    def bounds(self):
        r"""Return bounds of the cost of the best plan without entropy, as far as rounding errors go.

        Returns
        -------
        tuple of float
            Below: the value of a feasible pair of potentials, the c-transforms of `g`. Above: the cost of a
            plan with the exact marginals, this one rounded [1]_.

        Raises
        ------
        ValueError
            A marginal is penalised, or edges are forbidden: rounding may need them.

        Notes
        -----
        Three passes over the cost.

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
        """Gradient of the least cost, `dual`, with respect to `a`.

        Where both marginals are prescribed up to a constant: `f`, less its mean. Where that of the rows is
        penalised, ``tau_a (1 - exp(-f / tau_a))``; else `f`.
        """
        return self._gradient(self.f, self.a, self.tau_a)

    @property
    def grad_b(self):
        """Gradient of the least cost, `dual`, with respect to `b`, as `grad_a`."""
        return self._gradient(self.g, self.b, self.tau_b)

    def _gradient(self, potential, mass, tau):
        if tau is not None:
            return -tau * namespace(potential).expm1(-potential / tau)
        return potential if self.penalised else potential - _mean(potential, mass)

    @property
    def grad_x(self):
        """Gradient of the least cost, `dual`, with respect to the points `x` of a `PointCloud`, (n, d).

        Where distances have a kink, at points that agree, or for "cityblock" at coordinates that agree, a
        subgradient: the part of such a pair is 0.
        """
        cloud = self.plan._form.cost
        if not isinstance(cloud, PointCloud):
            raise TypeError("grad_x is that of points: the cost must be a PointCloud")
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
        """Draw the error of the marginals on `ax` (a new figure if None); return the axes."""
        ax = super().plot(ax, **style)
        line = ax.lines[-1]
        line.set_ydata(self.residuals)  # the first error is that of the start, which is of no mass
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
    """Return a lower and an upper bound; see `TransportResult.bounds`."""
    plan, xp = result.plan, namespace(result.f)
    form = plan._form
    if result.penalised:
        raise ValueError("bounds are those of exact marginals: tau_a and tau_b must be None")
    if is_sparse(form.cost):
        raise ValueError("bounds need every edge: the cost is sparse, and rounding may need forbidden ones")
    a, b = result.a, result.b
    lower = _lower(result, form, a, b)
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


def _lower(result, form, a, b):
    """Return the dual value of the c-transforms of g; where that is -inf, it binds nothing."""
    f, g = form.least(1.0, result.g[None].astype(form.dtype))
    return float(to_host(a @ f[0].astype(a.dtype) + b @ g[0].astype(b.dtype)))
