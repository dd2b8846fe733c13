"""Iterative solution of the systems of Newton's method for equality constraints."""

from math import ceil
from time import monotonic
from typing import Any

import numpy as np

from ..._array import is_sparse, library, namespace
from ..._linear.system import length
from ..._operators.operator import Operator
from ..._result import Status, inner_solve
from .kkt import Direct

LARGEST_INERTIA = 500  # rows of a dense matrix up to which its inertia is computed for an iterative solver


class KktOperator(Operator):
    """The products with the matrix of a step."""

    known_hermitian = True

    def __init__(self, kkt):
        n = kkt.n + kkt.m
        super().__init__((n, n), kkt.J.dtype, library(kkt.J) or "numpy")
        self._kkt = kkt

    def apply(self, x, out):
        out[...] = self._kkt @ x
        return out

    def adjoint(self):
        return self  # it is symmetric, up to errors of differences


class BlockPreconditioner(Operator):
    """The inverse of ``diag(D, J D^-1 J^T)``, with D the magnitudes of the diagonal of the Hessian.

    M. F. Murphy, G. H. Golub, A. J. Wathen, A note on preconditioning for indefinite linear systems, SIAM J.
    Sci. Comput. 21, 2000, doi:10.1137/S1064827599355153.
    """

    known_hermitian = True

    def __init__(self, kkt):
        n = kkt.n + kkt.m
        super().__init__((n, n), kkt.J.dtype, "numpy")
        self._n = kkt.n
        D = abs(kkt.shift + (np.zeros(kkt.n) if kkt.H is None else kkt.H.diagonal()))
        floor = 1e-3 * float(D.max(initial=0.0)) or 1.0
        self._inverse = 1 / np.maximum(D, floor)
        self._solve = _schur_complement(kkt.J, self._inverse)

    def apply(self, x, out):
        out[: self._n] = self._inverse * x[: self._n]
        out[self._n :] = self._solve(x[self._n :])
        return out


def is_convex(kkt):
    """Tell whether H may be positive definite on the null space of J: exactly for small dense matrices.

    For others the answer is yes, and the curvature along the step is tested later.
    """
    n = kkt.n + kkt.m
    if n > LARGEST_INERTIA or not kkt.has_entries or kkt.is_sparse or library(kkt.J) != "numpy":
        return True
    return Direct().begin(kkt)


def _schur_complement(J, inverse):
    """Return the solution with ``J D^-1 J^T``, which is made definite."""
    eps = float(np.finfo(J.dtype).eps) ** 0.5
    if is_sparse(J):
        from scipy.sparse import diags
        from scipy.sparse.linalg import splu

        S = (J @ diags(inverse) @ J.T).tocsc()
        S = S + diags(eps * S.diagonal() + np.finfo(J.dtype).tiny)
        factors = splu(S, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        return factors.solve
    from scipy.linalg import cho_factor, cho_solve

    S = (J * inverse) @ J.T
    S[range(len(S)), range(len(S))] += eps * S.diagonal() + np.finfo(J.dtype).tiny
    factors = cho_factor(S)
    return lambda r: cho_solve(factors, r)


class Minres:
    """Solution by MINRES.

    Parameters
    ----------
    M : "auto", callable or None
        The preconditioner: ``M(H, J)`` returns a positive definite operator.
    most : int or None
        Largest number of steps for one system.
    """

    exact = False

    def __init__(self, M, most):
        self._M, self._most = M, most
        self.unreached: Any = None
        self._preconditioner: Any = None

    def begin(self, kkt):
        """Prepare the preconditioner; return False if H is indefinite on the null space of J."""
        self._preconditioner = None
        if callable(self._M) and kkt.H is not None:
            self._preconditioner = self._M(kkt.H, kkt.J)
        elif isinstance(self._M, str) and kkt.has_entries and library(kkt.J) == "numpy":
            self._preconditioner = BlockPreconditioner(kkt)
        return is_convex(kkt)

    def solve(self, kkt, b, tol, z, deadline):
        """Return the solution, the number of steps, and whether their limit was reached."""
        from ...krylov import minres

        most = self._most or 20 * len(b) + 100
        with inner_solve():
            result = minres(
                KktOperator(kkt),
                b,
                z,
                rtol=0.0,
                atol=tol,
                maxiter=most,
                M=self._preconditioner,
                time_limit=_time_left(deadline),
            )
        rest = b[kkt.n :] - kkt.J @ result.x[: kkt.n]
        self.unreached = rest if result.status is Status.SINGULAR else None
        return result.x, result.nit, result.status is Status.MAXITER


class Sketched:
    """Solution by sketch-and-project: Kaczmarz's method, Gaussian sketches, or blocks of rows.

    Parameters
    ----------
    kind : {"kaczmarz", "gaussian", "block"}
        The distribution of the sketches.
    size : int or None
        Columns of a sketch.
    most : int or None
        Largest number of steps for one system.
    rng : numpy.random.Generator
        Source of the random numbers.
    """

    exact = False

    def __init__(self, kind, size, most, rng):
        self.unreached: Any = None
        self._kind, self._size, self._most, self._rng = kind, size, most, rng
        self._projections: Any = None

    def begin(self, kkt):
        """Prepare the projections; return False if H is indefinite on the null space of J."""
        from ...sketch._project import Projections

        n = kkt.n + kkt.m
        size = self._size or (max(2, ceil(n**0.5)) if self._kind == "block" else 1)
        K = kkt.matrix() if kkt.has_entries else KktOperator(kkt)
        self._projections = Projections(K, self._kind, block_size=min(size, n), rng=self._rng)
        return is_convex(kkt)

    def solve(self, kkt, b, tol, z, deadline):
        """Return the solution, the number of steps, and whether their limit was reached."""
        most, taken = self._most or 100_000, 0
        z = namespace(b).zeros_like(b) if z is None else z.copy()
        r = kkt @ z - b
        while length(r) > tol and taken < most and monotonic() < deadline:
            steps = min(max(len(b), taken // 8), most - taken)
            self._projections.advance(z, r, steps)
            taken += steps
            r = kkt @ z - b
        capped = length(r) > tol
        self.unreached = _unreached(kkt, b) if capped else None
        return z, taken, capped


def _unreached(kkt, b):
    """Return the part of the right-hand side of the constraints that no step reaches; None if it is small.

    It is computed for dense matrices on the host alone.
    """
    if not isinstance(kkt.J, np.ndarray):
        return None
    c = b[kkt.n :]
    rest = c - kkt.J @ np.linalg.lstsq(kkt.J, c, rcond=1e-7)[0]
    return rest if length(rest) > 1e-6 * length(b) else None


def _time_left(deadline):
    """Return the seconds until the deadline, or None without one."""
    return None if deadline == float("inf") else max(deadline - monotonic(), 1e-3)
