"""The basis of a cycle of GMRES, and the least-squares problem in it."""

from typing import Any

import numpy as np

from .._array import namespace, to_host
from .._kept import Deferred
from .._linear.system import norm
from .._result import Breakdown, Status, not_finite
from ..kernels import kernels_for
from ._breakdowns import check_null


class Arnoldi:
    """The basis of a cycle, and the small matrices that describe it.

    The rows of W are the basis. The first `kept` rows are the images of directions known before. Row i of Y
    has the coefficients of direction i in the rows of W. Row i of H has those of its image under ``A``, or
    under ``A M``: it is column i of the Hessenberg matrix. If Z is `stored`, its row i is the product of M
    with direction i, times a length.
    """

    def __init__(self, system, m, *, stored, stride):
        xp, (n, dtype) = namespace(system.b), (system.b.shape[0], system.b.dtype)
        self.W: Any = xp.empty((m + 1, n), dtype)
        self.Z: Any = xp.empty((m, n), dtype) if stored else None
        self._z: Any = None if stored or system.M is None else xp.empty(n, dtype)
        self.stride = stride  # steps per pass over the basis
        self.products = self.kept = 0

    def restart(self, r, kept=0):
        """Start a cycle with a residual; the first `kept` rows of the basis stay."""
        xp, m, self.kept = namespace(r), len(self.W) - 1, kept
        self.HYR, self.G, self.rotations = (xp.zeros((*k, m + 2), r.dtype) for k in ((3, m), (3,), (2,)))
        self.HYR[0, :kept, :kept] = self.HYR[2, :kept, :kept] = xp.asarray(np.eye(kept, dtype=r.dtype))
        self.rotations[0, :kept] = self.G[2, :kept] = 1
        self.W[kept] = r

    def steps(self, A, M, live, uu, form):
        """Yield the iterates, as functions that form them, and their squared residuals.

        `uu` is the squared norm of the first row after the kept rows.
        """
        W, kept, kernels, m = self.W, self.kept, kernels_for(self.W), len(self.W) - 1
        (H, Y, R), G, rotations = (self.HYR[i] for i in range(3)), self.G, self.rotations
        sigma = namespace(W).zeros(1, W.real.dtype)
        j, pending = kept, 1
        while j + pending <= m:
            count = min(self.stride, m + 1 - j - pending)
            self.multiply(A, M, j + pending - 1, count, uu, sigma)
            ST = kernels.gmres_project(j, pending + count, W)
            F = kernels.gmres_factor(live, pending, j, ST, sigma)
            squares = kernels.gmres_advance(j, F, W)
            for step in range(count):
                uu = squares[pending + step]
                rr = kernels.gmres_residual(live, kept, pending, j, step, F, uu, H, R, Y, G, rotations)
                live = yield Deferred(form, j + pending + step), rr
                if live is None:
                    self.check(A, M, ST)
                    return
            j, pending = j + pending, count

    def multiply(self, A, M, first, count, uu, sigma):
        """Write the products with `count` rows of W from `first` on to the rows that follow them.

        If there are two, a multiple of the row is subtracted from the first product.
        """
        W, kernels = self.W, kernels_for(self.W)
        self.products += count
        for i in range(first, first + count):
            z = W[i] if M is None else M.apply(W[i], self._z if self.Z is None else self.Z[i])
            if i > first or count == 1:
                A.apply(z, W[i + 1])
                continue
            uw = A.apply_dot(z, W[i + 1]) if M is None else kernels.dot(W[i], A.apply(z, W[i + 1]))
            kernels.gmres_shift(uw, uu, sigma, W[i], W[i + 1])

    def check(self, A, M, ST):
        """After a NaN: raise if a product is not finite, A is singular, or the cycle made no step.

        Otherwise the next cycle takes single steps. A is singular if it maps a combination of the directions
        to rounding errors.
        """
        if not np.isfinite(to_host(ST)).all():
            raise not_finite()
        (H, Y, R), lengths = to_host(self.HYR, self.G[2])
        used, begun = np.count_nonzero(R.diagonal()), np.count_nonzero(lengths)
        for count, triangle in ((used, R[:used, :used]), (begun, H[:begun, : begun + 1])):
            if count:
                y = np.linalg.svd(triangle.T)[2][-1].conj()
                y = y if self.Z is None else y / lengths[:count]
                check_null(A, self.combination(M, y, Y[:count, :count]))
        if used <= self.kept:
            first = self.W[self.kept]
            if M is not None and not norm(M @ first):
                raise Breakdown("M maps the residual to zero: M is singular")
            raise Breakdown(
                "the residual stopped falling before it met the tolerance: A M maps it to a combination of "
                "the images of kept directions. Raise restart, or improve the preconditioner M",
                Status.STAGNATED,
            )
        self.stride = 1

    def combination(self, M, y, Y):
        """Return the combination of directions with coefficients `y`, after M has acted on it."""
        rows, y = (self.W, y @ Y) if self.Z is None else (self.Z, y)
        out = namespace(rows).empty_like(rows[0])
        y = namespace(rows).asarray(y.astype(rows.dtype))[None]
        kernels_for(rows).rows_combine(True, y, rows[: y.size], out[None])
        return out if M is None or self.Z is not None else M @ out

    def coordinates(self, used):
        """Return the coefficients of the directions for the smallest residual, and the matrix Y."""
        (_, Y, R), (rhs, lengths) = to_host(self.HYR[:, :used, :used], self.G[1:, :used])
        y = solve_small(R.T, rhs)
        return (y if self.Z is None else y / lengths), Y


def solve_small(triangle, rhs):
    """Solve with an upper triangular matrix; if it is almost singular, solve the least-squares problem."""
    sizes = abs(triangle.diagonal())
    if sizes.min() > 1e3 * np.finfo(triangle.dtype).eps * sizes.max():
        return np.linalg.solve(triangle, rhs)  # solve_triangular starts every thread
    return np.linalg.lstsq(triangle, rhs)[0]
