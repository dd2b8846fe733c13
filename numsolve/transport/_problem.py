"""From the caller's masses and cost to problems in scaled potentials, and back to results."""

from dataclasses import dataclass, replace
from math import inf, log
from typing import Any

import numpy as np

from .. import _validate
from .._array import is_sparse, namespace, to_host
from ._batch import Together
from ._costs import Grid, PointCloud
from ._forms import form_of
from ._iteration import Sinkhorn, joined
from ._masses import check_same_totals, checked_masses
from ._plan import Plan
from ._result import TransportResult


@dataclass(frozen=True)
class Problem:
    """Checked problems of one cost, or each with its own: masses `a` (k, n) and `b` (k, m).

    Prescribed masses are divided by `mass` (k,), their sums; penalised ones are as given.
    """

    a: Any
    b: Any
    cost: Any
    eps: float
    mass: np.ndarray
    taus: tuple
    dtype: Any

    @property
    def penalised(self):
        """Whether a marginal is penalised."""
        return self.taus != (None, None)

    @property
    def kappas(self):
        """How far the steps of rows and columns go of those that give the masses exactly."""
        return tuple(1.0 if tau is None else tau / (tau + self.eps) for tau in self.taus)

    def __len__(self):
        return len(self.a)

    def part(self, p):
        """Return one of the problems."""
        if len(self) == 1:
            return self
        one = slice(p, p + 1)
        cost = self.cost
        if getattr(cost, "ndim", 2) == 3:
            cost = cost.part(p) if isinstance(cost, PointCloud) else cost[p]
        return replace(self, a=self.a[one], b=self.b[one], cost=cost, mass=self.mass[one])

    def form(self, dtype=None):
        """Return the form of the cost."""
        return form_of(self.cost, dtype or self.dtype, self.a)

    def cold(self, form, inverse):
        """Return potentials to start from: all exponents at most zero, in each row and column one zero."""
        xp = namespace(self.a)
        x = self.massed(form, *form.least(inverse, xp.zeros(self.b.shape, form.dtype)))
        if self.penalised:
            state = self.state(form, None)
            state.balance(state.all, x)
        return x

    def warm(self, form, inverse, g):
        """Return potentials that give each row its mass, from those of the columns, `g` (k, m), over eps."""
        xp = namespace(self.a)
        finite = xp.isfinite(g)
        known = xp.where(finite, g, 0).astype(form.dtype)
        if not bool(finite.all()):
            known = xp.where(finite, known, form.least(inverse, known)[1])
        x = self.massed(form, form.least(inverse, known)[0], known)
        y, state = x.copy(), self.state(form, None)
        (F, G), (F_new, _) = state.sides(x), state.sides(y)
        form.rows(state.all, 1 + state.still, self.kappas[0], inverse, state.a, F, G, F_new, state.r)
        return y

    def state(self, form, controls, kind=Sinkhorn, deadline=inf):
        """Return the state of an iteration of these problems."""
        kind = Together if len(self) > 1 else kind
        a, b = self.a.astype(form.dtype), self.b.astype(form.dtype)
        return kind(form, 1 / self.eps, a, b, self.kappas, controls, deadline)

    def apart(self, x):
        """Return the potentials of each problem, (k, n + m), of an iterate."""
        F, G = x[: self.a.size].reshape(self.a.shape), x[self.a.size :].reshape(self.b.shape)
        return namespace(x).concatenate((F, G), axis=1)

    def together(self, each):
        """Return the iterate of potentials of each problem."""
        n = self.a.shape[1]
        return joined(each[:, :n], each[:, n:])

    def massed(self, form, F, G):
        """Return the iterate of potentials that are minus infinity where there is no mass."""
        x = namespace(self.a).where(joined(self.a, self.b) > 0, joined(F, G), -inf)
        return x.astype(form.dtype)

    def check_start(self, x):
        """Raise unless there is a number for each row and column with mass."""
        xp = namespace(x)
        if not bool(xp.isfinite(xp.where(joined(self.a, self.b) > 0, x, 0)).all()):
            raise ValueError(
                f"eps is {self.eps:.3g}, and the costs overflow in units of it: a larger one is needed"
            )

    def results(self, form, runs):
        """Return what is handed out for each problem, from its scaled potentials and what its run left."""
        xp, n = namespace(self.a), self.a.shape[1]
        x = xp.stack([run.x for run in runs]).astype(np.float64) / self.eps
        F, G = x[:, :n], x[:, n:]
        errors, duals = self.exact(form, F, G)
        half = xp.asarray(np.log(self.mass) / 2)[:, None]
        F, G = F + half, G + half
        if not self.penalised:  # only the sum of the potentials counts
            shift = (_inner(xp, self.b, G) - _inner(xp, self.a, F)) / 2
            F, G = F + shift[:, None], G - shift[:, None]
        return [
            self.result(p, form.part(p), *each)
            for p, each in enumerate(zip(runs, F, G, errors, duals, strict=True))
        ]

    def result(self, p, form, run, F, G, error, dual):
        """Return what is handed out for one problem."""
        mass = float(self.mass[p])
        return TransportResult(
            x=self.eps * namespace(F).concatenate((F, G)),
            status=run.status,
            message=run.message,
            residuals=run.residuals,
            f=self.eps * F,
            g=self.eps * G,
            plan=Plan(form, 1 / self.eps, F, G),
            eps=self.eps,
            omega=run.omega,
            method=run.method,
            marginal_error=error * mass,
            dual=self.dual(dual, mass),
            a=self.a[p] * mass,
            b=self.b[p] * mass,
            tau_a=self.taus[0],
            tau_b=self.taus[1],
        )

    def exact(self, form, F, G):
        """Return errors and duals (over eps, per mass) of potentials in double precision."""
        xp, x = namespace(F), joined(F, G)
        double = form if form.dtype == np.float64 else self.form(np.float64)
        found = self.state(double, None).marginals(x, xp.empty_like(x))
        squares, duals = to_host(xp.stack(found))
        return np.sqrt(squares).tolist(), duals.tolist()

    def dual(self, value, mass):
        """Return the value of the dual problem from that of the kernels, which lack constants."""
        if self.penalised:  # eps times the mass of the plan is added for entropy P (log P - 1)
            return self.eps * value
        return self.eps * mass * (value + 1 + log(mass))


def _inner(xp, mass, potential):
    return (mass * xp.where(mass > 0, potential, 0)).sum(axis=1)


def problem(a, b, cost, eps, tau_a, tau_b):
    """Check what the caller passed; return the problems, and whether they came as a batch."""
    eps = _validate.positive(eps, "eps")
    _, xp = _validate.same_library(a=a, b=b, cost=cost)
    cost = _checked_cost(cost, xp)
    n, m = cost.shape[-2:]
    a, b = (
        checked_masses(mass, name, size, xp, grid)
        for mass, name, size, grid in ((a, "a", n, _lengths(cost, 0)), (b, "b", m, _lengths(cost, 1)))
    )
    counts = {"a": a.shape[:-1], "b": b.shape[:-1], "cost": cost.shape[:-2]}
    batch = {name: shape[0] for name, shape in counts.items() if shape}
    if len(set(batch.values())) > 1:
        said = ", ".join(f"{name} is of {count}" for name, count in batch.items())
        raise ValueError(f"{said} problems; the same number is needed, or none: one for all")
    k = next(iter(batch.values()), 1)
    given = np.dtype(a.dtype), np.dtype(b.dtype)
    dtype = np.result_type(*given, np.dtype(cost.dtype))
    a, b = (  # in double precision, so that they have the same sum, whatever the dtype
        xp.ascontiguousarray(xp.broadcast_to(mass, (k, mass.shape[-1])).astype(np.float64)) for mass in (a, b)
    )
    taus = tuple(
        None if tau is None else _validate.positive(tau, name)
        for tau, name in ((tau_a, "tau_a"), (tau_b, "tau_b"))
    )
    mass = np.ones(k)
    if taus == (None, None):
        mass, other = to_host(a.sum(axis=1)), to_host(b.sum(axis=1))
        remedy = "normalise both, or penalise the marginals with tau_a and tau_b"
        check_same_totals(mass, other, n + m, given, bool(batch), remedy)
        a, b = a / xp.asarray(mass)[:, None], b / xp.asarray(other)[:, None]
    if is_sparse(cost):
        _feasible(cost, a, b)
    return Problem(a, b, cost, eps, mass, taus, dtype), bool(batch)


def _checked_cost(cost, xp) -> Any:
    if isinstance(cost, (PointCloud, Grid)):
        return cost
    if is_sparse(cost):
        cost = cost.tocsr()
        _validate.csr_arrays(cost.indptr, cost.indices, cost.shape, cost.nnz, "cost")
        return cost.astype(_validate.real(cost.data, "cost", xp).dtype)
    cost = _validate.real(cost, "cost", xp)
    if cost.ndim not in (2, 3) or 0 in cost.shape:
        raise ValueError(
            f"cost has shape {cost.shape}; (n, m) is needed, with at least one row and column, or (k, n, m)"
        )
    return cost


def _lengths(cost, side):
    """Return the lengths of the axes of a grid, or None."""
    return tuple(len(axis) for axis in (cost.to if side else cost.axes)) if isinstance(cost, Grid) else None


def _feasible(cost, a, b):
    """Raise if a row or column that has mass has no edge to another that has."""
    pattern = cost.copy()
    pattern.data = pattern.data * 0 + 1.0
    for what, name, mass, other, edges in (
        ("row", "a", a, b, pattern),
        ("column", "b", b, a, pattern.T.tocsr()),
    ):
        found = (edges @ (other > 0).astype(float).T).T
        stuck = np.argwhere(to_host((mass > 0) & (found == 0)))
        if len(stuck):
            p, i = stuck[0]
            raise ValueError(
                f"infeasible: {name}[{i}] is {float(mass[p, i]):.3g}, but the sparse cost allows {what} {i} "
                f"no edge ({len(stuck)} such in all): store its costs, zeros included"
            )
