"""The iteration of sketched least squares for one right-hand side."""

from math import ceil, log
from typing import Any

import numpy as np

from .._array import namespace, read_every, to_host
from .._iterate import iterate
from .._kept import Deferred
from .._linear.system import System, norm
from .._result import Breakdown, Interrupted, Status
from ..kernels import kernels_for
from ..krylov import _cg, _chebyshev
from ._sketched_result import SketchedResult
from ._tall import Identity, Normal, adjoint_product

MANY = 1 << 30  # steps: no limit
CONSISTENT = 100  # units of rounding of norm(b): a residual that is so small is no residual
NEAR = 1e3  # a start whose bound is within this factor of the tolerance is examined thoroughly

_REMEDY = "choose another kind of sketch, or a larger oversampling"
_SAYS = {
    Status.MAXITER: f"maxiter reached: raise it, {_REMEDY}",
    Status.TIME_LIMIT: f"time limit reached: raise it, or {_REMEDY}",
    Status.STAGNATED: "the backward error stopped falling: loosen rtol, or use a higher precision",
    Status.NONFINITE: "the iterate is not finite: products with A overflow; scale A and b",
}


class Refinement:
    """Iterative refinement for one right-hand side; each start of the method computes the residual anew."""

    def __init__(self, problem, factors, column, rows, solver):
        xp, tall = namespace(problem.b), problem.tall
        self.problem, self.tall, self.factors, self.rows = problem, tall, factors, rows
        self.unit = float(problem.units[column])
        self.b = xp.ascontiguousarray(problem.b[:, column])
        n, extra = problem.n, tall.columns if tall.damp else 0
        if extra and not tall.wide:
            self.b = xp.concatenate((self.b, xp.zeros(extra, self.b.dtype)))
        self.x = xp.zeros(n + extra * tall.wide, self.b.dtype)
        if problem.x0 is not None and not (extra and tall.wide):
            self.x[:n] = problem.x0[:, column]
        if not tall.wide:
            self.x += factors.P @ xp.asarray(factors.coordinates[:, column])
        self.normal: Any = Normal(tall, factors.P)
        if factors.basis is not None:
            self.normal = Identity((factors.rank,) * 2, self.b.dtype, tall.library)
        self.corrections = _cg.for_system(None)
        if solver == "chebyshev":
            system = System(self.normal, self.b, None, None, 0.0, 0.0, 0)
            self.corrections = _chebyshev.Interval(
                _interval(tall.columns / rows if rows < tall.count else 0.0), system
            )
        self.starts = 0

    def result(self, callback):
        """Iterate, and return the result in the caller's units."""
        problem, first = self.problem, self.x
        try:
            result = iterate(
                self.steps,
                first.copy(),
                tol=problem.rtol,
                maxiter=problem.maxiter,
                callback=self._of_caller(callback),
                deadline=problem.deadline,
                guess=first.copy,
                explain=_nothing,
                says=_SAYS,
            )
        except Interrupted as caught:
            raise Interrupted(self._reported(caught.result)) from None
        return self._reported(result)

    def steps(self, x):
        """Yield iterates and their squared backward errors: first the true one, then by the recurrence."""
        r = self._residual(x)
        c = r if self.tall.wide else self.tall.adjoint_times(r)
        w = adjoint_product(self.factors.P, c)
        error, rule, most = self._judged(x, r, c, w)
        live = yield x, error**2 if read_every(x) == 1 else namespace(x).full(1, error**2, x.real.dtype)
        corrections = self.corrections(self.normal, w, None, namespace(w).zeros_like(w))
        try:
            next(corrections)
            for _ in range(most):
                y, ww = corrections.send(live)
                live = yield Deferred(self._corrected, x, y), rule(y, ww)
        except Breakdown:
            raise Breakdown(f"the sketch is no preconditioner for A: {_REMEDY}") from None

    def _judged(self, x, r, c, w):
        """Return the relative backward error of an iterate, the rule for the next ones, and how many to take.

        The rule gives their squared errors from the correction y and the squared norm of the gradient that is
        left. A start may be much longer than the solution. Its corrections are therefore judged by their own
        norms, and the start by a bound without the norm of x unless it meets the tolerance.
        """
        factors, tol = self.factors, self.problem.rtol
        self.starts += 1
        if self.tall.wide:
            size_x, size_b = norm(x), norm(factors.D * self.b)
            error = factors.residual_error(size_x, to_host(factors.D * c), size_b)
            return error, self._rule_of_residual(size_x, size_b), MANY
        size_r, size_x = norm(r), norm(x / factors.D)
        c, w = to_host(factors.D * c, w)
        bound, stewart = factors.bounds(size_r, size_x, c, w)
        is_first = self.starts == 1
        is_long = is_first and self._excess(size_r) * np.linalg.norm(w) > tol
        if bound <= tol and not is_long:
            return bound, self._rule_of_start(x, size_r, c, w), MANY
        if not (is_long or (is_first and bound > NEAR * tol)):
            metric = factors.metric(size_r / size_x)
            error = min(bound, factors.backward_error(size_x, w, metric))
            if error <= tol or not is_first:
                return error, self._rule_of_metric(metric, size_x), MANY
        most = self._useful_steps(float(np.linalg.norm(w)), size_x)
        return stewart, self._rule_of_start(x, size_r, c, w), most

    def _excess(self, size_r):
        """Return the factor by which the norm of w is compared with the tolerance at first, or zero.

        For a nearly singular A, the start is so long that its backward error is small, although its residual
        is not the smallest. So w, whose norm is about the root of the excess in the squared residual, must be
        small too, unless the equations have a solution.
        """
        eps = float(np.finfo(self.b.dtype).eps)
        return 0.0 if size_r <= CONSISTENT * eps * norm(self.b) else self.problem.rtol / (eps**0.5 * size_r)

    def _useful_steps(self, w, x):
        """Return the number of steps from the start after which the rounding error of its residual dominates.

        The residual has an error of about ``eps * norm(A) * norm(x)``, which may be large because x is long.
        """
        q, m = self.tall.columns, self.tall.count
        floor = np.finfo(self.b.dtype).eps * self.factors.size * x * (q / m) ** 0.5 / 8
        rate = min(max((q / self.rows) ** 0.5, 0.1), 0.9)
        return max(3, ceil(log(max(w / floor, 1)) / -log(rate))) if floor > 0 else MANY

    def _rule_of_start(self, x, size_r, c, w):
        """Return the rule for corrections of the start, whose gradients are as isotropic as the first."""
        kernels, xp, D, P = kernels_for(x), namespace(x), self.factors.D, self.factors.P
        excess = self._excess(size_r) ** 2
        size, rest = self.factors.size**2, (size_r * np.linalg.norm(w) / (np.linalg.norm(c) or 1.0)) ** 2

        def rule(y, ww):
            z = (x + P @ y) / D
            return ww * xp.maximum(1 / (size * (xp.sum(kernels.dot(z, z)) + float(rest))), excess)

        return rule

    def _rule_of_residual(self, size_x, size_b):
        """Return the rule for a wide A, whose residual is ``R^H w``; ``T P y`` is about as long as y."""
        kernels, xp = kernels_for(self.b), namespace(self.b)
        M, size = xp.asarray(self.factors.R.conj().T), self.factors.size

        def rule(y, ww):  # noqa: ARG001 - as the other rules
            v = M @ self.normal.gradient
            length = xp.sqrt(xp.sum(kernels.dot(y, y)) + size_x**2)
            return kernels.dot(v, v) / (size * length + size_b) ** 2

        return rule

    def _rule_of_metric(self, metric, size_x):
        """Return the rule for later corrections: the estimate of the backward error itself."""
        kernels, M = kernels_for(self.b), namespace(self.b).asarray(metric.matrix())
        factor = 1 / (self.factors.size * size_x) ** 2

        def rule(y, ww):  # noqa: ARG001 - as the other rules
            v = M @ self.normal.gradient
            return factor * kernels.dot(v, v)

        return rule

    def _residual(self, x):
        return self.b - (self.tall.adjoint_times(x) if self.tall.wide else self.tall.times(x))

    def _corrected(self, x, y):
        if self.factors.basis is not None:
            return x + self.factors.basis @ y
        p = self.factors.P @ y
        return x + (self.tall.times(p) if self.tall.wide else p)

    def _of_caller(self, callback):
        """Return the callback for iterates in units of the method."""
        if callback is None:
            return None
        n, unit = self.problem.n, self.unit

        def call(x, error):
            return callback(None if x is None else x[:n] * unit, error)

        call.wants_x = getattr(callback, "wants_x", True)
        return call

    def _reported(self, result):
        """Return the result with what is known of its error."""
        r, error = norm(self._residual(result.x)), float(result.residuals[-1])
        rank, q = self.factors.rank, self.tall.columns
        message = f"{result.message}; the backward error is about {error:.1e}"
        message += f", the residual {r / (norm(self.b) or 1.0):.1e} of norm(b)"
        if rank < q:
            message += f"; the rank is {rank}, and x is the shortest solution"
            message += "" if self.factors.is_shortest else " in scaled unknowns"
        return SketchedResult(
            result.x[: self.problem.n] * self.unit,
            result.status,
            message,
            result.residuals,
            backward_error=error,
            residual_norm=r * self.unit,
            rank=rank,
            rows=self.rows,
        )


def _nothing(_):
    """Explain nothing: the loop then lets several starts in a row gain little."""


def _interval(ratio):
    """Return bounds for the eigenvalues of the normal equations, from columns over rows of the sketch.

    The singular values of a sketch of an orthonormal basis are near the interval ``1 +- sqrt(ratio)``.
    """
    spread = min(max(1.1 * ratio**0.5, 0.05), 0.95)
    return 1 / (1 + spread) ** 2, 1 / (1 - spread) ** 2
