"""Singular systems: solve in the complement of the null space, for the solution of minimum norm."""

from dataclasses import replace
from typing import Any

import numpy as np

from .._array import namespace, to_host
from .._operators.operator import Csr, Dense, absolute, entries
from .._result import Interrupted, Status
from . import direct

MARGIN = 0.99  # of the tolerance: what the projections at the end may add to the residual


def solve_in_complement(solve, system):
    """Solve a system whose matrix has a known null space; return the result for the solution of minimum norm.

    ``solve(system)`` gets a right-hand side from which the part that no x can match is removed. Let Z be an
    orthonormal basis of the null space of A, and W one of that of its adjoint. The solution of least norm
    among those of least residual is ``(I - Z Z^H) x``, where ``A x = (I - W W^H) b``: section 5.5 of
    G. H. Golub, C. F. Van Loan, *Matrix Computations*, 4th ed., 2013.
    """
    space, b = system.A.null_space, system.b
    inside, removed = matched_part(space, b)
    tolerance = limits(system, column_norms(b))
    consistent = removed <= MARGIN * tolerance
    shares = removed[consistent] / np.maximum(tolerance[consistent], np.finfo(float).tiny)
    tighter = MARGIN * float(np.sqrt(1 - shares.max(initial=0) ** 2))
    projected = system._replace(
        b=inside,
        rtol=system.rtol * tighter,
        atol=system.atol * tighter,
        in_complement=True,
    )
    try:
        return finished(system, solve(projected), removed)
    except Interrupted as caught:
        raise Interrupted(finished(system, caught.result, removed)) from None


def matched_part(null_space, b):
    """Return b without its part in the left null space, and the norm of that part for each column.

    What is left is zero where it is no more than rounding errors of b.
    """
    if null_space.left is None:
        return b, np.zeros(1 if b.ndim == 1 else b.shape[1])
    inside = null_space.in_range(b)
    sizes, left = column_norms(b), column_norms(inside)
    removed = column_norms(b - inside)
    real = left > 8 * float(np.finfo(b.dtype).eps) * sizes
    if not real.all():
        inside = inside * namespace(b).asarray(real.astype(b.real.dtype))
    return inside, removed


def finished(system, result, removed):
    """Return the result with x of minimum norm, its true residual, and what the null space means for it."""
    x = system.A.null_space.right.outside(result.x)
    norms = column_norms(system.A.residual(system.b, namespace(x).ascontiguousarray(x)))
    history, spoilt = np.hypot(result.residuals, removed if system.b.ndim == 2 else removed[0]), False
    tolerance = limits(system, column_norms(system.b))
    for column, values in enumerate(history.reshape(len(history), -1).T):
        last = np.flatnonzero(~np.isnan(values)).max(initial=0)
        spoilt |= bool(norms[column] > max(tolerance[column], values[last]))
        values[last] = norms[column]
    return described(replace(result, x=x, residuals=history), system, removed, spoilt)


def described(result, system, removed, spoilt):
    """Return the result with the status and the message for a singular matrix.

    `removed` are the norms of the parts of b that no x can match. `spoilt` tells whether a residual rose
    above the tolerance when the part of x in the null space was removed.
    """
    sizes = column_norms(system.b)
    tolerance = limits(system, sizes)
    share = float((removed / np.where(sizes > 0, sizes, 1)).max(initial=0))
    singular = f"A is singular, with {system.A.null_space}"
    if (removed > MARGIN * tolerance).any():
        unmatched = f"{singular}, and no x can match a part of b of size {share:.1e} norm(b)"
        if not result.success:
            return replace(result, message=f"{result.message}; {unmatched}")
        status, message = Status.SINGULAR, f"{unmatched}; x is the least-squares solution of minimum norm"
        if (removed <= np.maximum(MARGIN * tolerance, rounding_errors(system.A, result.x))).all():
            status, message = (
                Status.STAGNATED,
                f"{message}. This part is at rounding errors of A x: loosen rtol",
            )
        return replace(result, status=status, message=message)
    if not result.success:
        return replace(result, message=f"{result.message}; {singular}")
    if spoilt:
        message = f"{singular}, and rounding errors in the solution of minimum norm exceed the tolerance"
        return replace(result, status=Status.STAGNATED, message=message)
    eps = float(np.finfo(system.b.dtype).eps)
    part = f", without a part of b of size {share:.1e} norm(b)" if share > 1e3 * eps else ""
    return replace(result, message=f"{result.message}; {singular}: x is the solution of minimum norm{part}")


def rounding_errors(A, x):
    """Return the norm of the rounding errors of ``A x`` for each column; zero if A only multiplies."""
    if not isinstance(A, (Csr, Dense)):
        return np.zeros(1 if x.ndim == 1 else x.shape[1])
    return float(np.finfo(A.dtype).eps) * column_norms(abs(absolute(A) @ abs(x)))


def solve_direct(A, sizes, b, met, plan=None):  # noqa: ARG001 - as direct.solve
    """Solve with a factorisation of the nonsingular part of A, for b in its range; as `direct.solve`.

    As many rows and columns are left out as the null space has dimensions: those where the bases have their
    largest entries on the largest diagonal entries. The unknowns that are left out are zero in one of the
    solutions.
    """
    space, matrix = A.null_space, entries(A)
    diagonal = abs(matrix.diagonal())
    columns = _without(space.right, diagonal)
    rows = columns if space.left is None else _without(space.left, diagonal)
    x, bound, name = np.zeros_like(b), 0.0, "projection"
    if len(rows):
        if isinstance(A, Csr):
            reduced: Any = Csr(matrix[rows][:, columns])
        else:
            reduced = Dense(matrix[np.ix_(rows, columns)])
        parts, engine = absolute(reduced), None if plan is None else plan.engine
        inner = direct.Plan(reduced, parts, engine) if isinstance(reduced, Csr) else None
        x[columns], _, bound, name = direct.solve(reduced, parts, b[rows], met, inner)
        largest = float(abs(x).max(initial=0))
        x = space.right.outside(x)
        bound *= 2 * largest / (float(abs(x).max(initial=0)) or 1.0)
    return x, [direct.column_norms(b), direct.column_norms(b - A @ x)], bound, name


def _without(basis, diagonal):
    """Return the indices that stay when the unknowns that the vectors of a basis fix best are left out."""
    from scipy.linalg import qr

    score = np.sqrt(diagonal / (diagonal.max() or 1.0)) + 1e-3
    stay = np.ones(len(diagonal), bool)
    if basis.is_sparse:  # the supports of the vectors are disjoint
        columns = basis.vectors.tocsc()
        for j in range(basis.k):
            part = slice(columns.indptr[j], columns.indptr[j + 1])
            rows = columns.indices[part]
            stay[rows[np.argmax(abs(columns.data[part]) * score[rows])]] = False
    else:
        order: Any = qr(basis.vectors * score, mode="r", pivoting=True)[-1]
        stay[order[: basis.k]] = False
    return np.flatnonzero(stay)


def limits(system, sizes):
    """Return the tolerance for the residual of each column, where `sizes` are the norms of b."""
    return np.maximum(system.rtol * sizes, system.atol)


def column_norms(b):
    """Return the norms of the columns of a block, or that of a vector, as an array on the host."""
    xp = namespace(b)
    block = b if b.ndim == 2 else b[:, None]
    return np.asarray(to_host(direct.column_norms(block, xp)), float)
