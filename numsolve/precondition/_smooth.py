"""Smoothers of multigrid, applied on each grid before and after the correction from the grid below."""

from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module, namespace, to_host
from .._operators.operator import absolute
from .._operators.readonly import ReadOnly
from .._random import standard_normal
from ..kernels import kernels_for
from ._gauss_seidel import RowSweeps

JACOBI_DAMPING = 4 / 3  # divided by the spectral radius of D^-1 A, as smoothed aggregation assumes
RADIUS_MARGIN = 1.05  # times the estimated spectral radius, which may be too small


class DampedJacobi(ReadOnly):
    """Sweeps ``x += w D^-1 (b - A x)``, each with its own damping w.

    Polynomials in D^-1 A commute, so for a Hermitian matrix the same sweeps before and after the correction
    make a Hermitian cycle.
    """

    def __init__(self, A, inverse, weights):
        self.A, self.inverse = A, (weights[0] * inverse).astype(A.dtype, copy=False)
        self.damping = [float(weight / weights[0]) for weight in weights]

    def before(self, b, out, spare, fresh):
        """Smooth from `out`, or from zero if `fresh`; return the arrays of iterate and residual."""
        x, other, damping = out, spare, self.damping
        if fresh:
            x, other, damping = spare, out, damping[1:]
            namespace(b).multiply(self.inverse, b, out=x)
        x, other = self._sweep(damping, b, x, other)
        return x, self.A.residual_to(b, x, other)

    def after(self, b, x, spare):
        """Smooth `x`; after as many sweeps as in `before`, the iterate is in `out` again."""
        self._sweep(reversed(self.damping), b, x, spare)

    def _sweep(self, damping, b, x, other):
        sweep, A = kernels_for(b).jacobi_sweep, self.A
        for weight in damping:
            sweep(weight, self.inverse, A.indptr, A.indices, A.data, b, x, other)
            x, other = other, x
        return x, other

    def astype(self, A):
        """Return the same sweeps for the matrix `A`, of another dtype."""
        return DampedJacobi(A, self.inverse, self.damping)


def jacobi(sweeps, A, noise, hermitian, coarse):  # noqa: ARG001 - the signature of all smoothers
    """Return `sweeps` equal sweeps of damped Jacobi."""
    inverse = _inverse_diagonal(A, noise)
    return DampedJacobi(A, inverse, [JACOBI_DAMPING / spectral_radius(A, inverse, hermitian)] * sweeps)


def chebyshev(sweeps, A, noise, hermitian, coarse):  # noqa: ARG001 - the signature of all smoothers
    r"""Return the sweeps whose product is the Chebyshev polynomial of the fourth kind, of degree `sweeps`.

    Its roots, :math:`\rho \sin^2(j\pi/(2k+1))`, need no lower bound of the spectrum. One sweep is Jacobi with
    damping 4/3: J. Lottes, Numer. Linear Algebra Appl. 30, 2023, doi:10.1002/nla.2518.
    """
    inverse = _inverse_diagonal(A, noise)
    radius = RADIUS_MARGIN * spectral_radius(A, inverse, hermitian)
    roots = radius * np.sin(np.arange(1, sweeps + 1) * np.pi / (2 * sweeps + 1)) ** 2
    return DampedJacobi(A, inverse, 1 / roots)


class GaussSeidel(ReadOnly):
    """Sweeps over the rows, forward before the correction and backward after it: a Hermitian cycle."""

    coloured = False

    def __init__(self, sweeps, A, noise, hermitian, coarse):  # noqa: ARG002 - the signature of all smoothers
        self.sweeps, self.A, self.rows = sweeps, A, RowSweeps(A, coloured=self.coloured)

    def before(self, b, out, spare, fresh):
        """As `DampedJacobi.before`; the iterate stays in `out`."""
        if fresh:
            out[...] = 0
        for _ in range(self.sweeps):
            self.rows.forward(b, out)
        return out, self.A.residual_to(b, out, spare)

    def after(self, b, x, spare):  # noqa: ARG002 - the signature of all smoothers
        """As `DampedJacobi.after`."""
        for _ in range(self.sweeps):
            self.rows.backward(b, x)

    def astype(self, A):
        """Return the same sweeps for the matrix `A`, of another dtype."""
        return type(self)(self.sweeps, A, None, None, None)


class Multicolour(GaussSeidel):
    """Gauss-Seidel sweeps colour by colour."""

    coloured = True


class FineCoarseJacobi(ReadOnly):
    """Undamped Jacobi sweeps, each over the fine or the coarse rows, only after the correction."""

    def __init__(self, sweeps, A, fine, coarse):
        self.sweeps, self.A, self.fine, self.coarse = sweeps, A, fine, coarse

    def before(self, b, out, spare, fresh):
        """As `DampedJacobi.before`, without a sweep; `after`, which begins at the iterate, ends in `out`."""
        x, r = (spare, out) if self.sweeps % 2 else (out, spare)
        if fresh:
            x[...], r[...] = 0, b
            return x, r
        x[...] = out
        return x, self.A.residual_to(b, x, r)

    def after(self, b, x, spare):
        """As `DampedJacobi.after`."""
        sweep, A = kernels_for(b).jacobi_sweep, self.A
        for inverse in (self.fine, self.fine, self.coarse) * self.sweeps:
            sweep(1.0, inverse, A.indptr, A.indices, A.data, b, x, spare)
            x, spare = spare, x

    def astype(self, A):
        """Return the same sweeps for the matrix `A`, of another dtype."""
        return FineCoarseJacobi(self.sweeps, A, self.fine.astype(A.dtype), self.coarse.astype(A.dtype))


def fc_jacobi(sweeps, A, noise, hermitian, coarse):  # noqa: ARG001 - the signature of all smoothers
    """Return `sweeps` times two sweeps over the fine points and one over the coarse, for AIR.

    The restriction of AIR solves for the coarse points, and the sweeps for the fine ones:
    T. A. Manteuffel, J. Ruge, B. S. Southworth, SIAM J. Sci. Comput. 40, 2018, doi:10.1137/17M1144350.
    """
    if coarse is None:
        raise ValueError(
            "smoother is 'fc_jacobi', but the hierarchy has no fine and coarse points: use 'air'"
        )
    inverse = _inverse_diagonal(A, noise)
    fine = namespace(inverse).where(coarse, 0, inverse)
    return FineCoarseJacobi(sweeps, A, fine, inverse - fine)


SMOOTHERS = {
    "jacobi": jacobi,
    "chebyshev": chebyshev,
    "gauss_seidel": GaussSeidel,
    "multicolour": Multicolour,
    "fc_jacobi": fc_jacobi,
}


def _inverse_diagonal(A, noise):
    """Return the inverse diagonal of a grid's matrix; zero where an entry is only rounding error.

    There the equation of one unknown is 0 = 0: a component of a singular problem has shrunk to one point.
    """
    xp, diagonal = namespace(noise), A.to_sparse().diagonal()
    lost = abs(diagonal) <= noise
    if bool((lost & (absolute(A) @ xp.ones(A.shape[0], A.dtype) > noise)).any()):
        raise ValueError(
            "a coarse matrix has a zero on its diagonal: multigrid does not suit A; "
            "use spai, block_jacobi or no preconditioner"
        )
    return xp.where(lost, 0, 1 / xp.where(lost, 1, diagonal)).astype(A.dtype)


def spectral_radius(A, inverse, hermitian, steps=15):
    """Estimate, from below, the spectral radius of ``diag(inverse) A`` by a few steps of Arnoldi's process.

    The square root of the diagonal scales both sides, so that for a Hermitian A it is the Lanczos process,
    which orthogonalises against two vectors only.
    """
    xp = array_module(A.library)
    right = xp.sqrt(abs(inverse))
    left = inverse / xp.where(right == 0, 1, right)
    v = standard_normal(0, (A.shape[0],), dtype=A.dtype, like=A.library)
    v *= 1 / _norm(v)
    basis, H = [v], np.zeros((steps + 1, steps), A.dtype)
    for j in range(min(steps, A.shape[0])):
        w = left * (A @ (right * basis[-1]))
        first = max(0, j - 1) if hermitian else 0
        for i, u in enumerate(basis[first:], first):
            H[i, j] = np.sum(to_host(kernels_for(u).vdot(u, w)))
            w -= H[i, j] * u
        H[j + 1, j] = _norm(w)
        if not abs(H[j + 1, j]) > np.finfo(A.dtype).eps * abs(H[: j + 1, j]).max():
            break
        w *= 1 / H[j + 1, j].real
        basis.append(w)
    size = min(len(basis), steps)
    radius: Any = abs(np.linalg.eigvals(H[:size, :size])).max()
    return _validate.positive(float(radius), "the spectral radius of a multigrid level")


def _norm(v):
    """Return the 2-norm of a vector as a number of its real dtype."""
    return np.sqrt(np.sum(to_host(kernels_for(v).dot(v, v))))
