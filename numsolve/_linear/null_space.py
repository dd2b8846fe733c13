"""The null space of a singular matrix: recognised, completed, or found after a failure."""

import numpy as np

from .._operators.singular import Basis, NullSpace, orthonormal
from .._random import standard_normal
from .constant_vectors import constant_null_space, on_host
from .direct import equilibrated

SMALL = 400  # unknowns up to which all singular values are computed
STEPS = 4  # of inverse iteration, and solves for one null vector
LARGEST_DIMENSION = 64  # of a null space that is looked for
# Singular values of a matrix, relative to its norm: up to the first they count as zero, if no other is below
# the second. A matrix without such a gap is ill-conditioned, not singular.
NEGLIGIBLE = {np.float64: 1e-14, np.float32: 5e-6}
LEAST_OTHER = {np.float64: 1e-10, np.float32: 1e-3}


def recognised(A, sizes, hermitian, searches):
    """Return the null space that is declared or seen in the entries of a matrix, or None.

    ``searches()`` returns how a missing basis is found: a solver for `completed_by_solves`, or None, and
    whether to factorise if that fails. Without the right null space the answer is None.
    """
    space, found = A.null_space or constant_null_space(A, sizes, hermitian), None
    if space is None or (space.right and space.left) or A.library != "numpy":
        return space if space is None or space.right else None
    solver, factorise = searches()
    if solver is not None:
        found = completed_by_solves(A, space, solver)
    if found is None and factorise:
        found = null_space_by_factorisation(A, space)
    return found or (space if space.right else None)


def searched(A, known, solver, factorise):
    """Return a null space of a matrix on the host that is larger than the `known` one, or None.

    It is looked for by iterative solves, unless `solver` is None, or else by factorisation, if that is
    allowed.
    """
    found = null_space_by_solves(A, solver) if solver is not None else None
    if found is None and factorise:
        found = null_space_by_factorisation(A)
    return found if found is not None and (known is None or found.right.k > known.right.k) else None


def null_space_by_factorisation(A, known=None):
    """Return the null spaces of a matrix on the host as a `NullSpace`, or None if it is not clearly singular.

    Small matrices are decomposed into singular values. Others are factorised with a small multiple of the
    identity added, for block inverse iteration. Rows and columns are scaled first. The bases of a `known`
    null space are kept.
    """
    matrix = on_host(A).astype(np.result_type(A.dtype, np.float64))
    matrix, rows, cols = equilibrated(matrix, abs(matrix))
    kind, size = np.finfo(A.dtype).dtype.type, float(abs(matrix).sum(axis=1).max())
    limits = NEGLIGIBLE[kind] * size, LEAST_OTHER[kind] * size
    find = _by_singular_values if A.shape[0] <= SMALL else _by_inverse_iteration
    found = find(matrix, *limits)
    if found is None:
        return None
    bases = [_dense_basis(scale[:, None] * V) for scale, V in zip((cols, rows), found, strict=True)]
    if known is not None:
        bases = [old or new for old, new in zip((known.right, known.left), bases, strict=True)]
    if bases[0].k != bases[1].k:
        return None
    return NullSpace(*bases, "found by its singular values" if known is None else known.origin)


def completed_by_solves(A, known, solver):
    """Return a known null space with the basis that it lacks, found by iterative solves, or None.

    ``solver(A)`` returns a function that solves ``A x = b`` approximately for x, where there is a solution.
    """
    matrix, k = (A, known.left.k) if known.right is None else (A.adjoint(), known.right.k)
    V = _null_vectors(matrix, solver(matrix), k)
    return None if len(V) < k else NullSpace(known.right or Basis(V), known.left or Basis(V), known.origin)


def null_space_by_solves(A, solver):
    """Return the null spaces of a matrix, found by iterative solves, as a `NullSpace`, or None.

    See `completed_by_solves` for `solver`.
    """
    V = _null_vectors(A, solver(A), LARGEST_DIMENSION)
    if not 0 < len(V) < LARGEST_DIMENSION:
        return None
    right, negligible = Basis(V), _limits(A)[0]
    same = max(np.linalg.norm(A.adjoint() @ v) for v in V) <= negligible
    found = NullSpace(right, right if same else None, "found by iteration")
    return found if same else completed_by_solves(A, found, solver)


def _null_vectors(A, solve, most):
    """Return orthonormal null vectors, at most so many; none without a gap to the next singular value.

    For any v, a solution x of ``A x = A v`` differs from v by a null vector. If x is approximate, the product
    of A with ``v - x`` is the residual of the solve.
    """
    (negligible, least), V = _limits(A), np.zeros((0, A.shape[0]), A.dtype)
    while len(V) < most:
        v = standard_normal(len(V), A.shape[0], dtype=A.dtype)
        for _ in range(STEPS):
            v = v - solve(A @ v)
            v = v - V.T @ (V.conj() @ v)
            v /= np.linalg.norm(v) or 1.0
            size = float(np.linalg.norm(A @ v))
            if not size > negligible:
                break
        if not size <= negligible:
            return V if size >= least else V[:0]
        V = orthonormal(np.concatenate((V, v[None])))
    return V


def _limits(A):
    """Return the singular value of a matrix up to which one is zero, and the least other one."""
    kind, size = np.finfo(A.dtype).dtype.type, float(abs(on_host(A)).sum(axis=1).max())
    return NEGLIGIBLE[kind] * size, LEAST_OTHER[kind] * size


def _dense_basis(columns):
    return Basis(orthonormal(np.ascontiguousarray(columns.T)))


def _by_singular_values(matrix, negligible, least):
    """Return bases of the null spaces of a small matrix, or None."""
    left, values, adjoint = np.linalg.svd(matrix.toarray())
    zero = values <= negligible
    if not zero.any() or (values[~zero] < least).any():
        return None
    return adjoint[zero].conj().T, left[:, zero]


def _by_inverse_iteration(matrix, negligible, least):
    """Return bases of the null spaces of a large matrix, or None."""
    import scipy.sparse as sp
    from scipy.sparse.linalg import splu

    shift = float(np.finfo(float).eps) ** 0.75 * float(abs(matrix).sum(axis=1).max())
    try:
        factors = splu((matrix + shift * sp.eye_array(matrix.shape[0], dtype=matrix.dtype)).tocsc())
    except (RuntimeError, MemoryError):
        return None
    right = _smallest(matrix, factors.solve, negligible, least)
    if right is None:
        return None
    adjoint = matrix.conj().T.tocsr()
    left = _smallest(adjoint, lambda V: factors.solve(V, "H"), negligible, least)
    return None if left is None or left.shape != right.shape else (right, left)


def _smallest(A, solve, negligible, least):
    """Return the vectors of a block that A maps to zero; None if there are none, or no gap above them.

    ``solve(V)`` is a step of inverse iteration. The block grows until it has a vector outside the null space.
    """
    n, k = A.shape[0], 2
    while k <= min(LARGEST_DIMENSION, n):
        V = standard_normal(0, (n, k), dtype=A.dtype)
        for _ in range(STEPS):
            V = solve(V)
            if not np.isfinite(V).all():
                return None
            V = np.linalg.qr(V)[0]
        _, values, rotation = np.linalg.svd(A @ V, full_matrices=False)
        zero = values <= negligible
        if not zero.all():
            return V @ rotation[zero].conj().T if zero.any() and values[~zero].min() >= least else None
        k *= 2
    return None
