"""Problems: the caller's masses and cost, checked and scaled; and the results made from them."""

from dataclasses import dataclass, replace
from math import inf, log
from typing import Any

import numpy as np

from .. import _validate
from .._array import is_sparse, namespace, to_host
from ._batch import SinkhornBatch
from ._costs import Grid, PointCloud
from ._iteration import Sinkhorn, join_potentials
from ._masses import check_same_totals, checked_masses
from ._passes import passes_of
from ._plan import Plan
from ._result import TransportResult


@dataclass(frozen=True)
class Problems:
    """k checked problems with one cost, or each with its own.

    Attributes
    ----------
    a, b : array, shapes (k, n) and (k, m)
        Masses in double precision: of sum one where they are prescribed, as given where one is penalised.
    cost : array, sparse array, PointCloud or Grid
        The cost.
    eps : float
        The weight of the entropy.
    mass : numpy.ndarray, shape (k,)
        The sums that prescribed masses were divided by; otherwise ones.
    taus : tuple of float or None
        Weights of the penalties of rows and columns.
    dtype : numpy.dtype
        The dtype of masses and cost together.
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
        """Fractions of the steps that give rows and columns exactly their masses; 1 without a penalty."""
        return tuple(1.0 if tau is None else tau / (tau + self.eps) for tau in self.taus)

    def __len__(self):
        return len(self.a)

    def part(self, p):
        """Return problem `p` alone."""
        if len(self) == 1:
            return self
        one = slice(p, p + 1)
        cost = self.cost
        if getattr(cost, "ndim", 2) == 3:
            cost = cost.part(p) if isinstance(cost, PointCloud) else cost[p]
        return replace(self, a=self.a[one], b=self.b[one], cost=cost, mass=self.mass[one])

    def passes(self, dtype=None):
        """Return the passes over the cost, in `dtype` or that of the problems."""
        return passes_of(self.cost, dtype or self.dtype, self.a)

    def cold_start(self, passes, inverse):
        """Return a start in which the largest exponent of each row and of each column is zero."""
        xp = namespace(self.a)
        x = self.iterate_of(passes, *passes.least(inverse, xp.zeros(self.b.shape, passes.dtype)))
        if self.penalised:
            iteration = self.iteration(passes, None)
            iteration.balance(iteration.all_live, x)
        return x

    def warm_start(self, passes, inverse, g):
        """Return a start from potentials over eps of the columns, `g` (k, m): each row has its mass."""
        xp = namespace(self.a)
        finite = xp.isfinite(g)
        known = xp.where(finite, g, 0).astype(passes.dtype)
        if not bool(finite.all()):
            known = xp.where(finite, known, passes.least(inverse, known)[1])
        x = self.iterate_of(passes, passes.least(inverse, known)[0], known)
        y, step = x.copy(), self.iteration(passes, None)
        (F, G), (F_new, _) = step.split(x), step.split(y)
        omega = 1 + step.no_step
        passes.rows(step.all_live, omega, self.kappas[0], inverse, step.a, F, G, F_new, step.r)
        return y

    def iteration(self, passes, controls, kind=Sinkhorn, deadline=inf):
        """Return the iteration on these problems."""
        kind = SinkhornBatch if len(self) > 1 else kind
        a, b = self.a.astype(passes.dtype), self.b.astype(passes.dtype)
        return kind(passes, 1 / self.eps, a, b, self.kappas, controls, deadline)

    def by_problem(self, x):
        """Return the potentials of an iterate as an array (k, n + m)."""
        F, G = x[: self.a.size].reshape(self.a.shape), x[self.a.size :].reshape(self.b.shape)
        return namespace(x).concatenate((F, G), axis=1)

    def to_iterate(self, each):
        """Return the iterate of potentials given as an array (k, n + m)."""
        n = self.a.shape[1]
        return join_potentials(each[:, :n], each[:, n:])

    def iterate_of(self, passes, F, G):
        """Return the iterate of potentials, set to minus infinity where there is no mass."""
        x = namespace(self.a).where(join_potentials(self.a, self.b) > 0, join_potentials(F, G), -inf)
        return x.astype(passes.dtype)

    def check_start(self, x):
        """Raise unless the potentials of all rows and columns with mass are finite."""
        xp = namespace(x)
        if not bool(xp.isfinite(xp.where(join_potentials(self.a, self.b) > 0, x, 0)).all()):
            raise ValueError(
                f"eps is {self.eps:.3g}, and the costs overflow in units of it: a larger one is needed"
            )

    def results(self, passes, runs):
        """Return a `TransportResult` for each problem, from the `StageResult` of its last stage."""
        xp, n = namespace(self.a), self.a.shape[1]
        x = xp.stack([run.x for run in runs]).astype(np.float64) / self.eps
        F, G = x[:, :n], x[:, n:]
        errors, duals = self.exact_errors_and_duals(passes, F, G)
        half = xp.asarray(np.log(self.mass) / 2)[:, None]
        F, G = F + half, G + half
        if not self.penalised:  # only the sum of the potentials counts
            shift = (_weighted_sum(xp, self.b, G) - _weighted_sum(xp, self.a, F)) / 2
            F, G = F + shift[:, None], G - shift[:, None]
        return [
            self.result(p, passes.part(p), *each)
            for p, each in enumerate(zip(runs, F, G, errors, duals, strict=True))
        ]

    def result(self, p, passes, run, F, G, error, dual):
        """Return the `TransportResult` of one problem."""
        mass = float(self.mass[p])
        return TransportResult(
            x=self.eps * namespace(F).concatenate((F, G)),
            status=run.status,
            message=run.message,
            residuals=run.residuals,
            f=self.eps * F,
            g=self.eps * G,
            plan=Plan(passes, 1 / self.eps, F, G),
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

    def exact_errors_and_duals(self, passes, F, G):
        """Return errors and duals (over eps, per mass) of potentials in double precision."""
        xp, x = namespace(F), join_potentials(F, G)
        double = passes if passes.dtype == np.float64 else self.passes(np.float64)
        found = self.iteration(double, None).marginals(x, xp.empty_like(x))
        squares, duals = to_host(xp.stack(found))
        return np.sqrt(squares).tolist(), duals.tolist()

    def dual(self, value, mass):
        """Return the value of the dual problem, given that of the kernels, which omit constants."""
        if self.penalised:  # eps times the mass of the plan is added for entropy P (log P - 1)
            return self.eps * value
        return self.eps * mass * (value + 1 + log(mass))


def _weighted_sum(xp, mass, potential):
    return (mass * xp.where(mass > 0, potential, 0)).sum(axis=1)


def checked_problems(a, b, cost, eps, tau_a, tau_b):
    """Return the checked `Problems`, and whether the caller passed a batch."""
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
        raise ValueError(f"{said} problems; all need the same number, or no axis of problems")
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
    return Problems(a, b, cost, eps, mass, taus, dtype), bool(batch)


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
