r"""The linear systems of Newton's method for equality constraints, and their solution.

A step z solves

.. math:: \begin{pmatrix} H + \sigma I & J^T \\ J & 0 \end{pmatrix} z = b .
"""

from typing import Any

import numpy as np

from ..._array import is_sparse, namespace
from ..._linear.direct import equilibrated
from ..._linear.system import length
from ..._operators.operator import Operator
from ..._result import inner_solve
from .matrices import adjoint_product, has_entries

REGULARISATION = 1e-8  # of the zero block, relative to the largest entries; at least the root of eps
INACCURATE = (
    1e-6  # residual after refinement, relative to the right-hand side, that rounding does not explain
)
SWEEPS = 10  # of iterative refinement, at most
PROBES = 8  # vectors of the search for dependent rows
DEPENDENT = 1e-7  # singular values of the scaled Jacobian, relative to the largest, that count as zero


class Kkt:
    """The matrix of a step: Hessian of the Lagrangian, Jacobian of the constraints, and a shift.

    Attributes
    ----------
    H : array, sparse matrix or Operator, shape (n, n), or None
        The Hessian of the Lagrangian; None stands for zero.
    J : array, sparse matrix or Operator, shape (m, n)
        The Jacobian of the constraints.
    shift : float
        The multiple of the identity that is added to `H`.
    size : float
        The size of `H`, or 1 if it is zero.
    """

    def __init__(self, H, J, shift=0.0, size=1.0):
        self.H, self.J, self.shift, self.size = H, J, shift, size
        self.m, self.n = J.shape

    def with_shift(self, shift):
        """Return the matrix with another shift."""
        return Kkt(self.H, self.J, shift, self.size)

    def __matmul__(self, z):
        dx, dy = z[: self.n], z[self.n :]
        top = self.shift * dx + adjoint_product(self.J, dy)
        if self.H is not None:
            top = top + self.H @ dx
        return namespace(z).concatenate((top, self.J @ dx))

    @property
    def has_entries(self):
        """Whether the entries of both parts are known."""
        return has_entries(self.H) and has_entries(self.J)

    @property
    def is_sparse(self):
        """Whether a part of the matrix is sparse."""
        return is_sparse(self.H) or is_sparse(self.J)

    def matrix(self):
        """Return the entries, in compressed rows if a part is sparse."""
        if not self.is_sparse:
            xp, n, m = namespace(self.J), self.n, self.m
            K = xp.zeros((n + m, n + m), self.J.dtype)
            K[n:, :n], K[:n, n:] = self.J, self.J.T
            if self.H is not None:
                K[:n, :n] = self.H
            K[range(n), range(n)] += self.shift
            return K
        from scipy.sparse import bmat, csr_matrix, identity

        H = 0.0 if self.H is None else csr_matrix(self.H)
        if self.shift:
            H = H + self.shift * identity(self.n, self.J.dtype, format="csr")
        J = csr_matrix(self.J)
        return bmat([[H, J.T], [J, None]], format="csr")


class Direct:
    """Solution by a symmetric factorisation, whose pivots tell the inertia, with iterative refinement.

    The matrix is equilibrated, and a small multiple of the identity is subtracted from its zero block. So it
    has a factorisation with pivots from the diagonal in any order, also if rows of J depend on others:
    R. J. Vanderbei, *Symmetric quasidefinite matrices*, SIAM J. Optim. 5, 1995, :doi:`10.1137/0805005`.
    Refinement removes the effect on the solution.

    Attributes
    ----------
    unreached : array or None
        The part of the right-hand side of the constraints that no step reaches, if there is one: rows of J
        depend on others, and the linear constraints contradict each other.
    """

    exact = True

    def __init__(self):
        self.unreached: Any = None
        self._factors: Any = None

    def begin(self, kkt: Kkt):
        """Factorise; return whether the Hessian is positive definite on the null space of J."""
        try:
            self._factors, inertia = _factorise(kkt)
        except (RuntimeError, np.linalg.LinAlgError):
            return False
        return inertia is None or inertia == (kkt.n, kkt.m)

    def solve(self, kkt: Kkt, b, tol, z, deadline):  # noqa: ARG002 - the protocol of the solvers
        """Return the solution, or None if the factors are useless, and the number of solutions with them."""
        z, r, sweeps = self._refined(kkt, b)
        self.unreached = None
        rest = r[kkt.n :]
        if not length(r[: kkt.n]) <= INACCURATE * length(b):
            return None, sweeps, False
        if length(rest) > INACCURATE * length(b):
            self.unreached = rest
            b = b.copy()
            b[kkt.n :] -= rest
            z, _, more = self._refined(kkt, b)
            sweeps += more
        return z, sweeps, False

    def _refined(self, kkt, b):
        """Return the solution of the smallest residual, the residual, and the number of sweeps."""
        z, r, size, sweeps = b * 0, b, length(b), 0
        least = 4 * float(np.finfo(b.dtype).eps) * size
        while sweeps < SWEEPS and size > least:
            candidate = z + self._factors(r)
            remaining = b - kkt @ candidate
            sweeps += 1
            if not length(remaining) < size:
                break
            stalled = length(remaining) > 0.5 * size
            z, r, size = candidate, remaining, length(remaining)
            if stalled:
                break
        return z, r, sweeps


def _factorise(kkt):
    """Return the solution with the factors of a matrix, and its inertia if it is known."""
    return _factorise_sparse(kkt) if kkt.is_sparse else _factorise_dense(kkt)


def _factorise_dense(kkt):
    """Return the solution with the Bunch-Kaufman factors of a dense matrix, and its inertia."""
    from scipy.linalg import lapack

    K, n = kkt.matrix(), kkt.n
    scale = _scale_of(K)
    K *= scale[:, None]
    K *= scale
    K[range(n, len(K)), range(n, len(K))] -= _regularisation(K.dtype)
    sytrf, sytrs, lwork = lapack.get_lapack_funcs(("sytrf", "sytrs", "sytrf_lwork"), (K,))
    factors, pivots, info = sytrf(K, lower=1, lwork=int(lwork(len(K), lower=1)[0].real), overwrite_a=1)
    if info:
        raise np.linalg.LinAlgError("a pivot is zero")
    in_pairs = pivots < 0  # each block of two rows has one eigenvalue of each sign
    diagonal = factors.diagonal()[~in_pairs]
    negative = int((diagonal < 0).sum()) + int(in_pairs.sum()) // 2
    return lambda r: scale * sytrs(factors, pivots, scale * r, lower=1)[0], (len(K) - negative, negative)


def _scale_of(K):
    """Return scales of rows and columns: Ruiz's iteration with powers of two."""
    scale = np.ones(len(K), K.dtype)
    A = abs(K)
    for _ in range(5):
        largest = A.max(axis=1, initial=0)
        step = np.exp2(-np.round(np.log2(np.where(largest > 0, largest, 1)) / 2)).astype(K.dtype)
        if (step == 1).all():
            break
        scale *= step
        A *= step[:, None]
        A *= step
    return scale


def _factorise_sparse(kkt):
    """Return the solution with SuperLU's factors, and the inertia; None if a pivot left the diagonal."""
    from scipy.sparse import diags
    from scipy.sparse.linalg import splu

    matrix = kkt.matrix()
    K, scale, _ = equilibrated(matrix, abs(matrix))
    added = np.zeros_like(scale)
    added[kkt.n :] = -_regularisation(K.dtype)
    factors = splu(
        (K + diags(added)).tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    inertia = None
    if np.array_equal(factors.perm_r, factors.perm_c):
        negative = int((factors.U.diagonal() < 0).sum())
        inertia = (K.shape[0] - negative, negative)
    return lambda r: scale * factors.solve(scale * r), inertia


def least_squares_multipliers(point):
    """Return the multipliers for which the gradient of the Lagrangian is smallest."""
    g, J, m = point.g, point.J, len(point.c)
    if isinstance(J, Operator) or namespace(g) is not np:
        from ...krylov import lsqr

        with inner_solve():
            return -lsqr(J.adjoint() if isinstance(J, Operator) else J.T, g, rtol=1e-8).x
    solver, identity = Direct(), Kkt(None, J, 1.0)
    solver.begin(identity)
    z: Any = solver.solve(identity, np.concatenate([g, np.zeros(m, g.dtype)]), 0.0, None, np.inf)[0]
    return np.zeros(m, g.dtype) if z is None else -z[-m:]


def _regularisation(dtype):
    return max(REGULARISATION, float(np.finfo(dtype).eps) ** 0.5)


def dependent_rows(J, tolerance=DEPENDENT):
    """Return the rows of a Jacobian that are combinations of the others, as far as they are found.

    The rows are compared with their own norms. For a dense matrix: QR with pivoting, on the host. For a
    sparse one: inverse iteration for a few vectors with ``J J^T``.
    """
    if isinstance(J, Operator):
        return np.zeros(0, int)
    from scipy.linalg import qr

    if not is_sparse(J):
        rows = np.linalg.norm(J, axis=1)
        factors: Any = qr((J / np.where(rows > 0, rows, 1)[:, None]).T, mode="r", pivoting=True)
        R, order = factors
        diagonal = np.zeros(len(J))
        diagonal[: min(J.shape)] = abs(np.diag(R))
        return np.sort(order[diagonal <= tolerance * (diagonal[0] or 1.0)])
    U: Any = _null_vectors(J.tocsr(), tolerance)
    if U.shape[1] == 0:
        return np.zeros(0, int)
    factors = qr(U.T, mode="r", pivoting=True)
    return np.sort(factors[1][: U.shape[1]])


def _null_vectors(J, tolerance):
    """Return an orthonormal basis of the vectors u with ``J^T u = 0``, as far as they are found."""
    from scipy.sparse import bmat, diags, identity
    from scipy.sparse.linalg import splu

    m, n = J.shape
    rows = np.sqrt(np.asarray(J.multiply(J).sum(axis=1)).ravel())
    J = diags(1 / np.where(rows > 0, rows, 1)) @ J
    K = bmat([[identity(n), J.T], [J, -(tolerance**2) * identity(m)]], format="csc")
    factors = splu(K, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    U = np.random.default_rng(0).standard_normal((m, min(PROBES, m)))
    for _ in range(4):
        U = factors.solve(np.vstack([np.zeros((n, U.shape[1])), U]))[n:]
        U = np.linalg.qr(U)[0]
    _, sizes, V = np.linalg.svd(J.T @ U, full_matrices=False)
    sizes = np.concatenate([sizes, np.zeros(U.shape[1] - len(sizes))])
    return (U @ V.T)[:, sizes <= 10 * tolerance]
