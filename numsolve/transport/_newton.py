"""Newton's method on the dual, with sparse Hessians, for problems where Sinkhorn's iteration is slow."""

from copy import copy
from math import inf, isfinite

import numpy as np

from .._array import namespace, read_every, read_sum
from .._linear.solve import solve_system
from .._linear.system import System
from .._operators.blocks import Diagonal
from .._operators.operator import Csr, Operator
from .._result import Breakdown, Status
from ..kernels import kernels_for
from ..krylov._cg import for_system as conjugate_gradients
from ._iteration import Sinkhorn
from ._plan import BLOCK_ENTRIES, sparse_matrix

NEWTON_FROM = 1e-2  # error, relative to the mass, below which Newton's steps begin
SINKHORN_STEPS = 500  # largest number of iterations of Sinkhorn before them
DROPPED_SHARE = 0.01  # of the gradient: largest sum of the plan's entries that a row of the Hessian may lose
SHIFT_MIN, SHIFT_FIRST, SHIFT_MAX = 1e-6, 1.0, 1e12  # of the Hessian, relative to the norm of the gradient
STEP_LENGTHS = (1.0, 0.5, 0.25, 0.1)  # tried in this order
INNER_RTOL_FAR, INNER_RTOL_NEAR = 1e-2, 1e-6  # of inner solves, far from the solution and near it
INNER_STEPS_PER_ROW = 4  # largest number of inner iterations a row; the iterate is a direction in any case
STALE_STEPS = 20  # steps at rounding errors without a smaller error, after which the method gives up


class Newton(Sinkhorn):
    """Sinkhorn-Newton with sparse Hessians: the step is ``(A + shift norm(g) I)^-1 g`` for the gradient g.

    The Hessian of the dual over eps is -A. A has the sums of the plan on its diagonal and the plan in its
    off-diagonal blocks. Small entries are dropped from the plan but not from the diagonal, so that A stays
    diagonally dominant. A step that does not raise the dual is shortened, or replaced by one of Sinkhorn. The
    shift is adapted to the ratio of the gain of the dual to the predicted gain. Far from the solution, where
    the quadratic model is poor, each step is followed by one of Sinkhorn.
    """

    def start(self, x):
        before = super().start(x)
        x, squared = next(before)
        live = yield x, squared
        for k in range(SINKHORN_STEPS):
            if k % read_every(x) == 0 and not read_sum(squared) > NEWTON_FROM**2:
                break
            x, squared = before.send(live)
            live = yield x, squared
        self.shift, y, best, stale = SHIFT_FIRST, namespace(x).empty_like(x), inf, 0
        squared, error, dual = self.measure(x, y)
        while isfinite(error):
            x, (squared, error, dual) = self.newton_step(x, y, error, dual)
            live = yield x, squared
            if live is not None and not bool(live[0]):
                return
            stale = stale + 1 if best <= error <= self.least_error(x) else 0
            best = min(best, error)
            if stale == STALE_STEPS:
                raise Breakdown("the error stopped falling, at rounding errors", Status.STAGNATED)
        raise Breakdown("a marginal is not a finite number", Status.NONFINITE)

    def measure(self, x, y):
        """Return the squared error of `x`, and error and dual as floats; set `r` and `c` to its marginals."""
        found = self.marginals(x, y)
        return self.for_the_loop(x, found)[1], read_sum(found[0]) ** 0.5, read_sum(found[1])

    def least_error(self, x):
        """Estimate the error that the rounding of the potentials causes."""
        xp = namespace(x)
        return 4 * float(np.finfo(x.dtype).eps) * float(abs(xp.where(xp.isfinite(x), x, 0)).max())

    def newton_step(self, x, y, error, dual):
        """Return the next iterate, and what `measure` returns for it."""
        gradient = namespace(x).concatenate((self.a - self.r, self.b - self.c), axis=1)[0]
        direction, curvature = self.direction(x, gradient)
        slope, noise = float(gradient @ direction), self.rounding * read_sum(self.dual_size(x))
        for length in STEP_LENGTHS if slope > 0 else ():
            tried = x + length * direction
            if error > NEWTON_FROM:
                tried = self.sinkhorn_step(tried)
            found = self.measure(tried, y)
            predicted = length * slope - length * length / 2 * curvature
            # Where the predicted gain is below rounding, the error decides: a full step should remove it.
            ratio = (found[2] - dual) / predicted if predicted > noise else (1 - found[1] / error) / length
            if ratio > 0 and isfinite(found[1]):
                if ratio < 0.25:
                    self.shift = min(4 * self.shift, SHIFT_MAX)
                elif ratio > 0.75 and length == 1:
                    self.shift = max(self.shift / 2, SHIFT_MIN)
                return tried, found
        self.shift = min(4 * self.shift, SHIFT_MAX)
        x = self.sinkhorn_step(x)
        return x, self.measure(x, y)

    def direction(self, x, gradient):
        """Return Newton's direction d and ``d' A d``."""
        xp, n = namespace(x), self.a.size
        norm = float(gradient @ gradient) ** 0.5
        P = self.plan(x, DROPPED_SHARE * norm / max(n, self.b.size))
        r, c = self.r[0], self.c[0]
        D, E = (xp.where(sums > 0, sums, 1) + self.shift * norm for sums in (r, c))
        A = SchurComplement(P, D, E).with_workspace()
        g, h = gradient[:n], gradient[n:]
        atol = min(INNER_RTOL_FAR, max(norm, INNER_RTOL_NEAR)) * norm
        system = System(
            A, g - A.P @ (h / E), None, A.jacobi(), 0.0, atol, INNER_STEPS_PER_ROW * n, self.deadline
        )
        f = solve_system(conjugate_gradients(system), system, None).x
        k = (h - A.transposed @ f) / E
        curvature = r @ (f * f) + c @ (k * k) + 2 * (f @ (A.P @ k))
        return xp.concatenate((f, k)), float(curvature)

    def plan(self, x, least):
        """Return the entries of the plan that are larger than `least`, as a sparse matrix."""
        xp, n = namespace(x), self.a.size
        F, G = x[:n], x[n:]

        def blocks():
            rows = max(1, BLOCK_ENTRIES // G.size)
            for first in range(0, n, rows):
                last = min(first + rows, n)
                P = xp.exp(F[first:last, None] + G - self.inverse * self.passes.block(first, last))
                yield P, P > least

        return sparse_matrix(blocks(), G.size)

    def sinkhorn_step(self, x):
        """Return the iterate after one iteration of Sinkhorn."""
        y, one = namespace(x).empty_like(x), 1 + self.no_step
        (F, G), (F_new, G_new) = self.split(x), self.split(y)
        self.passes.rows(self.all_live, one, 1.0, self.inverse, self.a, F, G, F_new, self.r)
        self.passes.columns(self.all_live, one, 1.0, self.inverse, F_new, self.b, G, G_new, self.c)
        return y


class SchurComplement(Operator):
    """The Schur complement ``D - P E^-1 P'`` of ``[D, P; P', E]``, for diagonals D and E.

    A product costs as much as one with the whole matrix, but about half the iterations suffice. Its diagonal
    also shows how weakly a row is coupled to the others, which that of the whole matrix does not.
    """

    _work: list | None = None
    _not_pickled = ("_work",)

    def __init__(self, P, D, E):
        self.P, self.transposed, self.D, self.E = Csr.trusted(P), Csr.trusted(P.T.tocsr()), D, E
        super().__init__((D.size, D.size), D.dtype, self.P.library)

    def with_workspace(self):
        twin = copy(self)
        twin.transposed = self.transposed.with_workspace()
        twin._work = [namespace(self.D).empty_like(diagonal) for diagonal in (self.D, self.E)]
        return twin

    def apply(self, x, out):
        if self._work is None:
            return self.with_workspace().apply(x, out)
        left, right = self._work
        self.transposed.apply(x, right)
        right /= self.E
        namespace(x).multiply(self.D, x, out=left)
        return self.P.residual_to(left, right, out)

    def jacobi(self):
        """Return the inverse of the diagonal, whose entries are at least their rounding errors."""
        squares, P = namespace(self.D).empty_like(self.D), self.P
        kernels_for(squares).spmv(P.indptr, P.indices, P.data**2, 1 / self.E, squares)
        diagonal = self.D - squares
        return Diagonal(1 / namespace(diagonal).maximum(diagonal, float(np.finfo(self.dtype).eps) * self.D))
