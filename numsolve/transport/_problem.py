"""From the caller's masses and cost to a problem in scaled potentials, and back to a result."""

from dataclasses import dataclass
from math import inf, log
from typing import Any

import numpy as np

from .. import _validate
from .._array import is_sparse, namespace, to_host
from ._costs import Grid, PointCloud
from ._forms import form_of
from ._plan import Plan
from ._result import TransportResult
from ._steps import Sinkhorn

AGREE = {"float64": 1e-9, "float32": 1e-5}  # how far the total masses may differ, relatively: rounding errors


@dataclass(frozen=True)
class Problem:
    """A checked problem. Balanced masses are divided by `mass`, their sum; penalised ones are as given."""

    a: Any
    b: Any
    cost: Any
    eps: float
    mass: float
    kappas: tuple
    dtype: Any

    @property
    def penalised(self):
        """Whether a marginal is penalised."""
        return self.kappas != (1.0, 1.0)

    def form(self, dtype=None):
        """Return the form of the cost."""
        return form_of(self.cost, dtype or self.dtype, self.a)

    def cold(self, form, inverse):
        """Return potentials to start from: all exponents at most zero, in each row and column one zero."""
        xp = namespace(self.a)
        return self.joined(form, *form.least(inverse, xp.zeros(self.b.size, form.dtype)))

    def warm(self, form, inverse, g):
        """Return potentials that give each row its mass, from potentials `g` of the columns over eps."""
        xp = namespace(self.a)
        finite = xp.isfinite(g)
        known = xp.where(finite, g, 0).astype(form.dtype)
        if not bool(finite.all()):
            known = xp.where(finite, known, form.least(inverse, known)[1])
        x = self.joined(form, form.least(inverse, known)[0], known)
        n, live = self.a.size, xp.ones(1, bool)
        y, r = x.copy(), xp.empty(n, form.dtype)
        a = self.a.astype(form.dtype)
        form.rows(live, 1.0, self.kappas[0], inverse, a, x[:n], x[n:], y[:n], r)
        return y

    def joined(self, form, F, G):
        """Return one array of both potentials, minus infinity where there is no mass."""
        xp = namespace(self.a)
        masses = xp.concatenate((self.a, self.b))
        return xp.where(masses > 0, xp.concatenate((F, G)), -inf).astype(form.dtype)

    def check_start(self, x):
        """Raise unless there is a number for each row and column with mass."""
        xp = namespace(x)
        if not bool(xp.isfinite(xp.where(xp.concatenate((self.a, self.b)) > 0, x, 0)).all()):
            raise ValueError(
                f"eps is {self.eps:.3g}, and the costs overflow in units of it: a larger one is needed"
            )

    def result(self, found, form, x, method, omega):
        """Return what is handed out for the scaled potentials `x` of the run `found`."""
        xp, n, half = namespace(x), self.a.size, log(self.mass) / 2
        x = x.astype(np.float64)
        inverse = 1 / self.eps
        F, G = x[:n] + half, x[n:] + half
        if not self.penalised:  # only the sum of the potentials counts
            shift = (_inner(xp, self.b, G) - _inner(xp, self.a, F)) / 2
            F, G = F + shift, G - shift
        error, dual = self.exact(form, x)
        return TransportResult(
            x=self.eps * xp.concatenate((F, G)),
            status=found.status,
            message=found.message,
            residuals=found.residuals,
            f=self.eps * F,
            g=self.eps * G,
            plan=Plan(form, inverse, F, G),
            eps=self.eps,
            omega=omega,
            method=method,
            marginal_error=error,
            dual=self.dual(dual),
            a=self.a * self.mass,
            b=self.b * self.mass,
            penalised=self.penalised,
        )

    def exact(self, form, x):
        """Return error and dual (over eps, per mass) of `x` in double precision."""
        double = form if form.dtype == np.float64 else self.form(np.float64)
        state = Sinkhorn(double, 1 / self.eps, self.a, self.b, self.kappas, None)
        squared, dual = state.marginals(x, namespace(x).empty_like(x))
        return float(np.sum(to_host(squared))) ** 0.5 * self.mass, float(np.sum(to_host(dual)))

    def dual(self, value):
        """Return the value of the dual problem from that of the kernels, which lack constants."""
        if self.penalised:  # eps times the mass of the plan is added for entropy P (log P - 1)
            return self.eps * value
        return self.eps * self.mass * (value + 1 + log(self.mass))


def _inner(xp, mass, potential):
    return float((mass * xp.where(mass > 0, potential, 0)).sum())


def problem(a, b, cost, eps, tau_a, tau_b):
    """Check what the caller passed."""
    eps = _validate.positive(eps, "eps")
    home, xp = _validate.same_library(a=a, b=b, cost=cost)
    cost = _checked_cost(cost, home, xp)
    n, m = cost.shape
    a, b = _masses(a, "a", n, cost, xp), _masses(b, "b", m, cost, xp)
    given = [np.dtype(x.dtype) for x in (a, b, cost)]
    dtype = np.result_type(*given)
    a, b = a.astype(np.float64), b.astype(np.float64)  # so that they have the same sum, whatever the dtype
    kappas = _kappa(tau_a, "tau_a", eps), _kappa(tau_b, "tau_b", eps)
    sums = float(a.sum()), float(b.sum())
    mass = 1.0
    if kappas == (1.0, 1.0):
        if abs(sums[0] - sums[1]) > AGREE[dtype.name] * max(sums):
            raise ValueError(
                f"a sums to {sums[0]:.10g}, b to {sums[1]:.10g}; the same mass is needed: normalise both, or "
                "penalise the marginals with tau_a and tau_b"
            )
        mass = sums[0]
        a, b = a / sums[0], b / sums[1]
    if is_sparse(cost):
        _feasible(cost, a, b)
    return Problem(a, b, cost, eps, mass, kappas, dtype)


def _kappa(tau, name, eps):
    """Return how far a step goes of the one that gives the mass exactly."""
    if tau is None:
        return 1.0
    tau = _validate.positive(tau, name)
    return tau / (tau + eps)


def _checked_cost(cost, home, xp) -> Any:
    if isinstance(cost, (PointCloud, Grid)):
        return cost
    if is_sparse(cost):
        if home == "cupy":
            raise TypeError("cost is a sparse matrix of CuPy: forbidden edges are only for SciPy's")
        cost = cost.tocsr()
        values = _validate.finite(cost.data, "cost")
    else:
        cost = values = _validate.finite(_validate.as_array(cost, "cost", xp), "cost")
        if cost.ndim != 2 or 0 in cost.shape:
            raise ValueError(
                f"cost has shape {cost.shape}; (n, m) is needed, with at least one row and column"
            )
    if values.dtype.kind == "c":
        raise TypeError(f"cost has dtype {values.dtype}; real costs are needed")
    return cost.astype(_validate.floating(values.dtype, "cost"), copy=False)


def _masses(mass, name, size, cost, xp) -> Any:
    """Return masses as a vector of finite numbers >= 0, not all zero."""
    mass = _validate.finite(_validate.as_array(mass, name, xp), name)
    if isinstance(cost, Grid) and mass.ndim > 1:
        mass = mass.ravel()
    if mass.dtype.kind == "c":
        raise TypeError(f"{name} has dtype {mass.dtype}; real masses are needed")
    if mass.shape != (size,):
        raise ValueError(f"{name} has shape {mass.shape}, but the cost, {cost.shape}, needs ({size},)")
    mass = mass.astype(_validate.floating(mass.dtype, name), copy=False)
    if bad := int((mass < 0).sum()):
        raise ValueError(f"{name} has {bad} negative entries; masses >= 0 are needed")
    if not float(mass.sum()) > 0:
        raise ValueError(f"{name} has no mass: its entries are all zero")
    return mass


def _feasible(cost, a, b):
    """Raise if a row or column that has mass has no edge to another that has."""
    pattern = cost.copy()
    pattern.data = np.ones_like(pattern.data, dtype=float)
    for what, name, mass, found in (
        ("row", "a", a, pattern @ (b > 0)),
        ("column", "b", b, pattern.T @ (a > 0)),
    ):
        stuck = np.flatnonzero((mass > 0) & (found == 0))
        if stuck.size:
            raise ValueError(
                f"infeasible: {name}[{stuck[0]}] is {mass[stuck[0]]:.3g}, but the sparse cost allows {what} "
                f"{stuck[0]} no edge ({stuck.size} such in all): store its costs, zeros included"
            )
