r"""Damped linear least squares: the systems that a step of nonlinear least squares solves.

A system belongs to one point: J and r are its Jacobian and residuals, weighted and scaled.
``factorise(damping, free)`` returns a function ``solve(residual, slope)`` and whether it can refine. The
function returns the change d of the variables that minimises ``norm(residual + J d)**2 + damping *
norm(d)**2``, zero where `free` is false; None for `free` means that all are free. `slope` is the gradient of
that sum at zero, halved. A function that can refine uses `slope` alone, to which it applies the inverse of
``-(J^T J + damping I)``, so that errors of a solution can be corrected. A system that cannot be solved raises
LinAlgError.
"""

from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from ..._array import namespace, to_host
from ..._operators.operator import Composite, Csr, Dense, Operator, entries
from ..._result import inner_solve

ORDERED_BELOW = 200_000  # entries of J^T J for which a forecast of the fill would not pay
MOST_WORK = 3e10  # squares of column counts of a sparse factor beyond which products are used instead
LARGEST_DUAL = 5000  # residuals for which the dense matrix J J^T is formed


class Rescaled(Composite):
    """The operator ``diag(rows) A diag(cols)``; None stands for ones."""

    def __init__(self, operator, rows, cols):
        super().__init__(operator.shape, operator.dtype, operator.library)
        self.operator, self.rows, self.cols = operator, rows, cols

    @property
    def rounding(self):
        return self.operator.rounding

    def adjoint(self):
        return Rescaled(self.operator.adjoint(), self.cols, self.rows)  # both factors are real

    def apply(self, x, out):
        self.operator.apply(x if self.cols is None else self.cols * x, out)
        if self.rows is not None:
            out *= self.rows
        return out


def rescaled(J: Any, rows, cols) -> Operator:
    """Return ``diag(rows) J diag(cols)``, with entries where J has entries; None stands for ones."""
    if rows is None and cols is None:
        return J
    if isinstance(J, Dense):
        array = J.array if rows is None else J.array * rows[:, None]
        return Dense(array if cols is None else array * cols)
    if isinstance(J, Csr) and J.library == "numpy":
        data = J.data if rows is None else J.data * np.repeat(rows, np.diff(J.indptr))
        return J.with_data(data if cols is None else data * cols[J.indices], "jac")
    return Rescaled(J, rows, cols)


def column_norms(J: Any):
    """Return the norms of the columns, or None for an operator whose entries are not known."""
    xp = namespace(J)
    if isinstance(J, Dense):
        return xp.sqrt((J.array**2).sum(axis=0))
    if isinstance(J, Csr) and J.library == "numpy":
        return np.sqrt(J.with_data(J.data**2).to_sparse().T @ np.ones(J.shape[0], J.dtype))
    if isinstance(J, Csr):
        return xp.sqrt(xp.bincount(J.indices, J.data**2, J.shape[1])).astype(J.dtype)
    return None


def adjoint_product(J, v):
    """Return ``J^T v``, of a sparse array on the host without a transposed copy."""
    if isinstance(J, Csr) and J.library == "numpy":
        return J.to_sparse().T @ v
    return J.adjoint() @ v


def only(J, free):
    """Return J with zeros in the columns that are not free; None means that all are free."""
    return J if free is None else rescaled(J, None, free.astype(J.dtype))


class System:
    """A system with dense or sparse entries or products; a subclass defines `factorise`."""

    least_damping = 1e-24  # in units of the largest squared norm of a column

    def __init__(self, J, r):
        self.J, self.r = J, r

    def like(self, x):
        """Return a vector of the host in the library of J."""
        return namespace(self.r).asarray(x)


class Normal(System):
    """Normal equations of a dense J by Cholesky, or QR of J where these would lose half of the digits.

    QR is used if the Cholesky factorisation fails, or if the estimated condition number of
    ``J^T J + damping I`` exceeds the inverse square root of the rounding unit. The matrix of n columns is on
    the host, also for a J on a GPU.
    """

    always_qr = False

    @cached_property
    def gram(self):
        """The matrix J^T J."""
        J: Any = self.J
        with np.errstate(all="ignore"):
            return to_host(J.array.T @ J.array)

    @cached_property
    def factors(self):
        """The factors of J = Q R."""
        J: Any = self.J
        return np.linalg.qr(to_host(J.array))

    def factorise(self, damping, free):
        chosen = slice(None) if free is None else np.flatnonzero(to_host(free))
        solve = None
        if not self.always_qr:
            gram = self.gram[chosen][:, chosen]
            solve = _solver_by_cholesky(gram, damping)
        refines = solve is not None
        if solve is None:
            solve = self._solver_by_qr(damping, chosen)

        def change(residual, slope):
            found = solve(to_host(slope)[chosen]) if refines else solve(to_host(residual))
            d = np.zeros(len(slope), slope.dtype)
            d[chosen] = -found
            return self.like(d)

        return change, refines

    def _solver_by_qr(self, damping, chosen):
        from scipy.linalg import solve_triangular

        Q, R = self.factors
        R = R[:, chosen]
        P, T = _qr_of_damped(R, damping)
        return lambda residual: solve_triangular(T, P[: len(R)].T @ (Q.T @ residual))


def _solver_by_cholesky(gram, damping):
    """Return a solver for ``gram + damping I``, or None where it would lose half of the digits."""
    from scipy.linalg import lapack

    matrix = gram + damping * np.eye(len(gram), dtype=gram.dtype)
    potrf, pocon, potrs = lapack.get_lapack_funcs(("potrf", "pocon", "potrs"), (matrix,))
    factor, info = potrf(matrix, clean=False)
    size = abs(matrix).sum(axis=0).max(initial=0)
    if info != 0 or not np.isfinite(size):
        return None
    if len(matrix) and not pocon(factor, size)[0] > sqrt(np.finfo(matrix.dtype).eps):
        return None
    return lambda rhs: potrs(factor, rhs)[0]


def _qr_of_damped(A, damping):
    """Return the QR factors of the matrix A with ``sqrt(damping) I`` below it."""
    Q, R = np.linalg.qr(np.vstack([A, sqrt(damping) * np.eye(A.shape[1], dtype=A.dtype)]))
    if not (np.isfinite(R).all() and (R.diagonal() != 0).all()):
        raise LinAlgError("the damped Jacobian is singular")
    return Q, R


class Orthogonal(Normal):
    """QR of a dense J with the damping below it."""

    always_qr = True


class SparseNormal(System):
    """Normal equations of a sparse J by SuperLU, with the pivots on the diagonal."""

    least_damping = 1e-14

    def __init__(self, J, r, order=None):
        super().__init__(J, r)
        self._order = order

    @cached_property
    def gram(self):
        """The matrix J^T J in compressed rows, in the order of elimination if there is one."""
        J = entries(self.J)
        if self._order is not None:
            J = J[:, self._order]
        return (J.T @ J).tocsr()

    def factorise(self, damping, free):
        from scipy.sparse import diags_array, eye_array
        from scipy.sparse.linalg import splu

        order, matrix = self._order, self.gram
        if free is not None:
            keep = diags_array((free if order is None else free[order]).astype(matrix.dtype))
            matrix = keep @ matrix @ keep
        matrix = (matrix + damping * eye_array(matrix.shape[0], dtype=matrix.dtype)).tocsc()
        kind: Any = "MMD_AT_PLUS_A" if order is None else "NATURAL"
        try:
            lu = splu(matrix, permc_spec=kind, diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        except RuntimeError as error:
            raise LinAlgError(str(error)) from None

        def change(residual, slope):  # noqa: ARG001 - other systems need the residual
            if order is None:
                return -lu.solve(slope)
            d = np.empty_like(slope)
            d[order] = -lu.solve(slope[order])
            return d

        return change, True


class Dual(System):
    """The step of few residuals and many variables: ``-J^T (J J^T + damping I)^{-1} r``.

    The matrix has the size of the residuals; no matrix of n columns is formed but J itself. Where its
    Cholesky factorisation would lose half of the digits, a QR factorisation of J^T is used. Where fewer
    variables are free than there are residuals, it is singular without damping: normal equations are used.
    """

    @cached_property
    def _normal(self):
        return (Normal if isinstance(self.J, Dense) else SparseNormal)(self.J, self.r)

    def factorise(self, damping, free):
        from scipy.linalg import solve_triangular

        m, n = self.J.shape
        if (n if free is None else int(free.sum())) < m:
            return self._normal.factorise(damping, free)
        J: Any = only(self.J, free)
        F = entries(J)
        gram = F @ F.T
        gram = to_host(gram if isinstance(J, Dense) else gram.toarray())
        adjoint, solve = J.adjoint(), _solver_by_cholesky(gram, damping)
        if solve is None:
            columns = to_host(F.T if isinstance(J, Dense) else F.T.toarray())
            Q, R = _qr_of_damped(columns, damping)
            Q = Q[: len(columns)]

        def change(residual, slope):  # noqa: ARG001 - other systems need the slope
            if solve is None:
                return self.like(-(Q @ solve_triangular(R, to_host(residual), trans=1)))
            return -(adjoint @ self.like(solve(to_host(residual))))

        return change, False


class Products(System):
    """LSMR on a J of which products are formed, to the relative accuracy `accuracy` of the gradient."""

    accuracy, time_left = 1e-2, None

    def factorise(self, damping, free):
        from ...krylov import lsmr

        J = only(self.J, free)

        def change(residual, slope):  # noqa: ARG001 - other systems need the slope
            with inner_solve():
                return lsmr(J, -residual, damp=sqrt(damping), rtol=self.accuracy, time_limit=self.time_left).x

        return change, False
