"""Newton's method on the dual, with sparse Hessians, where Sinkhorn's iteration crawls."""

from typing import Any

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spla

from .._result import Breakdown, Status
from ._plan import BLOCK
from ._steps import Sinkhorn

NEAR = 1e-2  # of the mass: Newton's steps begin with an error below it
FIRST = 500  # iterations of Sinkhorn that may come before
DROP = 0.01  # of the gradient: what a row or column of the Hessian may lose
FLOOR, SHIFT, MOST = 1e-3, 1.0, 1e12  # of the damping: least, first and largest
operator_of: Any = spla.LinearOperator
LENGTHS = (1.0, 0.5, 0.25, 0.1)


class Newton(Sinkhorn):
    """Sinkhorn-Newton with sparse Hessians: `x` moves by ``(A + mu norm(g) I)^-1 g``.

    The Hessian of the dual over eps is minus A: sums of the plan on its diagonal, the plan beside it. What
    is dropped from the plan, not from the diagonal, leaves A diagonally dominant. A step that does not raise
    the dual is shortened, or replaced by one of Sinkhorn; mu follows the ratio of what was gained to what was
    predicted.
    """

    def start(self, x):
        before = super().start(x)
        x, squared = next(before)
        live = yield x, squared
        for _ in range(FIRST):
            if not squared > NEAR**2:
                break
            x, squared = before.send(live)
            live = yield x, squared
        self.mu, y = SHIFT, np.empty_like(x)
        found = self.marginals(x, y)
        while True:
            if not np.isfinite(found[0][0]):
                raise Breakdown("a marginal is not a finite number", Status.NONFINITE)
            x, found = self.step(x, y, found[1][0])
            yield self.shown(x, found)

    def step(self, x, y, dual):
        """Return the next iterate, with its squared error and dual; `r` and `c` become those of it."""
        gradient = np.concatenate([self.a[0] - self.r[0], self.b[0] - self.c[0]])
        norm = float(np.linalg.norm(gradient))
        direction, curvature = self.direction(x, gradient, norm)
        slope = float(gradient @ direction)
        for length in LENGTHS:
            tried = x + length * direction
            found = self.marginals(tried, y)
            predicted = length * slope - length * length / 2 * curvature
            rounding = self.rounding * abs(dual)
            ratio = (float(found[1][0] - dual) + rounding) / (predicted + rounding)
            if ratio > 0 and np.isfinite(found[0][0]):
                if ratio < 0.25 or length < 1:
                    self.mu *= 4
                elif ratio > 0.75:
                    self.mu = max(self.mu / 2, FLOOR)
                return tried, found
        self.mu = min(4 * self.mu, MOST)
        x = self.sinkhorn(x)
        return x, self.marginals(x, y)

    def direction(self, x, gradient, norm):
        """Solve for Newton's direction d; return it and ``d' A d``."""
        n = self.a.size
        P = self.plan(x, DROP * norm / max(n, self.b.size))
        transposed = P.T.tocsr()
        diagonal = np.concatenate([self.r[0], self.c[0]])
        shifted = np.where(diagonal > 0, diagonal, 1) + self.mu * norm

        def product(d, main):
            return main * d + np.concatenate([P @ d[n:], transposed @ d[:n]])

        shape = (x.size, x.size)
        operator = operator_of(shape, lambda d: product(d.ravel(), shifted), dtype=float)
        inverse = operator_of(shape, lambda d: d.ravel() / shifted, dtype=float)
        rtol = min(0.01, max(norm, 1e-10))
        direction, _ = spla.cg(operator, gradient, rtol=rtol, maxiter=10 * x.size, M=inverse)
        return direction, float(direction @ product(direction, diagonal))

    def plan(self, x, least):
        """Return the entries of the plan above `least`."""
        n = self.a.size
        F, G = x[:n], x[n:]
        rows, parts = max(1, BLOCK // G.size), []
        for first in range(0, n, rows):
            last = min(first + rows, n)
            P = np.exp(F[first:last, None] + G - self.inverse * self.form.block(first, last))
            i, j = np.nonzero(P > least)
            parts.append(sp.csr_array((P[i, j], (i, j)), shape=P.shape))
        return sp.csr_array(sp.vstack(parts, format="csr"))

    def sinkhorn(self, x):
        """Return the iterate after one iteration of Sinkhorn."""
        y, one = np.empty_like(x), 1 + self.still
        (F, G), (F_new, G_new) = self.sides(x), self.sides(y)
        self.form.rows(self.all, one, 1.0, self.inverse, self.a, F, G, F_new, self.r)
        self.form.columns(self.all, one, 1.0, self.inverse, F_new, self.b, G, G_new, self.c)
        return y
