"""Newton's method on the dual, with sparse Hessians, where Sinkhorn's iteration crawls."""

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
from ._plan import BLOCK, sparse_of

NEAR = 1e-2  # of the mass: Newton's steps begin with an error below it
FIRST = 500  # iterations of Sinkhorn that may come before
DROP = 0.01  # of the gradient: what a row or column of the Hessian may lose
FLOOR, SHIFT, MOST = 1e-6, 1.0, 1e12  # of the damping: least, first and largest
LENGTHS = (1.0, 0.5, 0.25, 0.1)
LOOSE, TIGHT = 1e-2, 1e-6  # of the gradient: what an inner solve leaves, far from the solution and near it
LONG = 4  # iterations of an inner solve a row, at most: what it has by then is a direction too
STALE = 20  # steps at rounding errors without a smaller error, after which to give up


class Newton(Sinkhorn):
    """Sinkhorn-Newton with sparse Hessians: `x` moves by ``(A + mu norm(g) I)^-1 g``.

    The Hessian of the dual over eps is minus A: sums of the plan on its diagonal, the plan beside it. What
    is dropped from the plan, not from the diagonal, leaves A diagonally dominant. A step that does not raise
    the dual is shortened, or replaced by one of Sinkhorn; mu follows the ratio of what was gained to what was
    predicted. Far from the solution, where exponentials are no parabolas, one of Sinkhorn comes after it.
    """

    def start(self, x):
        before = super().start(x)
        x, squared = next(before)
        live = yield x, squared
        for k in range(FIRST):
            if k % read_every(x) == 0 and not read_sum(squared) > NEAR**2:
                break
            x, squared = before.send(live)
            live = yield x, squared
        self.mu, y, best, stale = SHIFT, namespace(x).empty_like(x), inf, 0
        squared, error, dual = self.measure(x, y)
        while isfinite(error):
            x, (squared, error, dual) = self.step(x, y, error, dual)
            live = yield x, squared
            if live is not None and not bool(live[0]):
                return
            stale = stale + 1 if best <= error <= self.least_error(x) else 0
            best = min(best, error)
            if stale == STALE:
                raise Breakdown("the error stopped falling, at rounding errors", Status.STAGNATED)
        raise Breakdown("a marginal is not a finite number", Status.NONFINITE)

    def measure(self, x, y):
        """Return squared error, error and dual of `x`, the latter as floats; `r` and `c` become its sums."""
        found = self.marginals(x, y)
        return self.shown(x, found)[1], read_sum(found[0]) ** 0.5, read_sum(found[1])

    def least_error(self, x):
        """Return about what the rounding of the potentials leaves as error."""
        xp = namespace(x)
        return 4 * float(np.finfo(x.dtype).eps) * float(abs(xp.where(xp.isfinite(x), x, 0)).max())

    def step(self, x, y, error, dual):
        """Return the next iterate, and what `measure` says of it."""
        gradient = namespace(x).concatenate((self.a - self.r, self.b - self.c), axis=1)[0]
        direction, curvature = self.direction(x, gradient)
        slope, noise = float(gradient @ direction), self.rounding * read_sum(self.size(x))
        for length in LENGTHS if slope > 0 else ():
            tried = x + length * direction
            if error > NEAR:
                tried = self.sinkhorn(tried)
            found = self.measure(tried, y)
            predicted = length * slope - length * length / 2 * curvature
            # Below rounding the dual cannot tell, but the gradient can: a full step leaves nothing of it.
            ratio = (found[2] - dual) / predicted if predicted > noise else (1 - found[1] / error) / length
            if ratio > 0 and isfinite(found[1]):
                if ratio < 0.25:
                    self.mu = min(4 * self.mu, MOST)
                elif ratio > 0.75 and length == 1:
                    self.mu = max(self.mu / 2, FLOOR)
                return tried, found
        self.mu = min(4 * self.mu, MOST)
        x = self.sinkhorn(x)
        return x, self.measure(x, y)

    def direction(self, x, gradient):
        """Solve for Newton's direction d; return it and ``d' A d``."""
        xp, n = namespace(x), self.a.size
        norm = float(gradient @ gradient) ** 0.5
        P = self.plan(x, DROP * norm / max(n, self.b.size))
        r, c = self.r[0], self.c[0]
        D, E = (xp.where(sums > 0, sums, 1) + self.mu * norm for sums in (r, c))
        A = Reduced(P, D, E)
        g, h = gradient[:n], gradient[n:]
        atol = min(LOOSE, max(norm, TIGHT)) * norm
        system = System(A, g - A.P @ (h / E), None, A.jacobi(), 0.0, atol, LONG * n, self.deadline)
        f = solve_system(conjugate_gradients(system), system, None).x
        k = (h - A.transposed @ f) / E
        curvature = r @ (f * f) + c @ (k * k) + 2 * (f @ (A.P @ k))
        return xp.concatenate((f, k)), float(curvature)

    def plan(self, x, least):
        """Return the entries of the plan above `least`."""
        xp, n = namespace(x), self.a.size
        F, G = x[:n], x[n:]

        def blocks():
            rows = max(1, BLOCK // G.size)
            for first in range(0, n, rows):
                last = min(first + rows, n)
                P = xp.exp(F[first:last, None] + G - self.inverse * self.form.block(first, last))
                yield P, P > least

        return sparse_of(blocks(), G.size)

    def sinkhorn(self, x):
        """Return the iterate after one iteration of Sinkhorn."""
        y, one = namespace(x).empty_like(x), 1 + self.still
        (F, G), (F_new, G_new) = self.sides(x), self.sides(y)
        self.form.rows(self.all, one, 1.0, self.inverse, self.a, F, G, F_new, self.r)
        self.form.columns(self.all, one, 1.0, self.inverse, F_new, self.b, G, G_new, self.c)
        return y


class Reduced(Operator):
    """What is left of ``[D, P; P', E]`` without its second unknown, ``D - P E^-1 P'``.

    The two products of an iteration are those of the whole, but half the iterations suffice; and its diagonal
    sees how weakly a row hangs together with the others, which that of the whole does not.
    """

    def __init__(self, P, D, E):
        self.P, self.transposed, self.D, self.E = Csr.trusted(P), Csr.trusted(P.T.tocsr()), D, E
        super().__init__((D.size, D.size), D.dtype, self.P.library)
        self.left, self.right = namespace(D).empty_like(D), namespace(E).empty_like(E)

    def apply(self, x, out):
        self.transposed.apply(x, self.right)
        self.right /= self.E
        namespace(x).multiply(self.D, x, out=self.left)
        return self.P.residual_to(self.left, self.right, out)

    def jacobi(self):
        """Return the inverse of the diagonal, of which rounding errors leave no less than their own size."""
        squares, P = namespace(self.D).empty_like(self.D), self.P
        kernels_for(squares).spmv(P.indptr, P.indices, P.data**2, 1 / self.E, squares)
        diagonal = self.D - squares
        return Diagonal(1 / namespace(diagonal).maximum(diagonal, float(np.finfo(self.dtype).eps) * self.D))
