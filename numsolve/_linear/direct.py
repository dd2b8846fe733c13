"""Direct solution on the host by SciPy's factorisations, with refinement and an error bound."""

from typing import Any

import numpy as np

from .._operators.operator import Csr, Dense
from .._result import Breakdown, Status

REFINEMENTS = 5  # at most, as in LAPACK
SCALINGS = 10  # at most: enough for the whole range of double precision
KEEP_DIAGONAL = {True: 0.01, False: 0.1}  # pivot on a diagonal entry at least this fraction of its column


def solve(A, sizes, b, met):
    """Factorise, solve and refine.

    Parameters
    ----------
    A : Csr or Dense
        Square matrix on the host.
    sizes : Csr or Dense
        Its absolute values.
    b : numpy.ndarray, shape (n,) or (n, k)
        Right-hand sides, of the dtype of `A`.
    met : callable
        Tells whether the residual norms of the columns are small enough.

    Returns
    -------
    x : numpy.ndarray, shape of `b`
        Solution.
    norms : list of array
        Residual norms of the columns, before the first and after each solution with the factors.
    bound : float
        Estimate of ``norm(x - x_true, inf) / norm(x, inf)``, the largest of the columns.

    Raises
    ------
    Breakdown
        `A` is singular, or its factors do not fit into memory.
    """
    found = None
    for factorise in _factorisations(A, sizes):
        try:
            factors = factorise()
        except MemoryError as error:
            raise Breakdown(f"the factors do not fit into memory ({error})") from None
        except (RuntimeError, np.linalg.LinAlgError):  # a zero pivot: the next one pivots differently
            continue
        with np.errstate(all="ignore"):
            x, norms = _refined(A, sizes, factors, b, met)
        if np.isfinite(x).all():
            found = factors, x, norms
            if met(norms[-1]):
                break
    if found is None:
        raise Breakdown("A is singular: a pivot of its factorisation is zero", Status.SINGULAR)
    factors, x, norms = found
    columns = [(b, x)] if b.ndim == 1 else list(zip(b.T, x.T, strict=True))
    return x, norms, max((_bound(A, sizes, factors, *column) for column in columns), default=0.0)


def column_norms(b, xp: Any = np):
    """Return the 2-norm of each column, or that of the vector."""
    size = abs(b).max(axis=0)
    size = xp.where(size > 0, size, 1)  # squares of very large or small numbers would overflow or vanish
    return size * xp.sqrt((abs(b / size) ** 2).sum(axis=0))


class _Factors:
    """A factorisation: it solves with A and with its adjoint."""

    def __init__(self, solve, adjoint):
        self.solve, self.adjoint = solve, adjoint


def _factorisations(A, sizes):
    """Return the factorisations to try; for a symmetric pattern first a symmetric ordering: less fill."""
    if isinstance(A, Dense):
        return [lambda: _lapack(A)]
    matrix = A.to_sparse()
    scaled = equilibrated(matrix, _with_data(matrix, sizes.data.real))
    pattern = matrix.astype(bool)
    if (matrix.diagonal() == 0).any() or (pattern != pattern.T).nnz > 0:
        return [lambda: _superlu(*scaled)]
    hermitian = abs(matrix - matrix.T.conj()).max() == 0
    options = {
        "permc_spec": "MMD_AT_PLUS_A",
        "diag_pivot_thresh": KEEP_DIAGONAL[bool(hermitian)],
        "options": {"SymmetricMode": True},
    }
    return [lambda: _superlu(*scaled, **options), lambda: _superlu(*scaled)]


def _superlu(matrix, rows, cols, **options):
    from scipy.sparse.linalg import splu

    lu = splu(matrix.tocsc(), **options)
    adjoint = "H" if matrix.dtype.kind == "c" else "T"
    return _Factors(
        lambda v: _scaled(cols, lu.solve(_scaled(rows, v))),
        lambda v: _scaled(rows, lu.solve(_scaled(cols, v), adjoint)),
    )


def equilibrated(A, size) -> Any:
    """Return ``diag(rows) A diag(cols)`` with entries near one, and the scales: powers of two, so exact.

    Ruiz's iteration [1]_ divides by the square roots of the largest entries of rows and columns, until all of
    these lie between a half and two. It keeps symmetry. Each step halves the logarithms of the largest
    entries. `size` is the matrix of absolute values.

    References
    ----------
    .. [1] D. Ruiz, *A scaling algorithm to equilibrate both rows and columns norms in matrices*, technical
       report RAL-TR-2001-034, Rutherford Appleton Laboratory, 2001.
    """
    matrix, scales = A, [np.ones(n, A.data.real.dtype) for n in A.shape]
    for _ in range(SCALINGS):
        steps = [_power_of_two(size.max(axis=axis).toarray().ravel()) for axis in (1, 0)]
        if all((step == 1).all() for step in steps):
            break
        scales = [scale * step for scale, step in zip(scales, steps, strict=True)]
        factors = np.repeat(steps[0], np.diff(matrix.indptr)) * steps[1][matrix.indices]
        matrix, size = (_with_data(each, each.data * factors) for each in (matrix, size))
    return matrix, *scales


def _with_data(matrix, data):
    """Return a matrix of the same pattern with other entries."""
    return type(matrix)((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def _power_of_two(largest):
    """Return powers of two near the inverse roots of `largest`, 1 for zeros."""
    return np.exp2(-np.round(np.log2(np.where(largest > 0, largest, 1)) / 2)).astype(largest.dtype)


def _scaled(scale, v):
    """Return ``diag(scale) v`` for a vector or columns."""
    return scale * v if v.ndim == 1 else scale[:, None] * v


def _lapack(A):
    from scipy.linalg import lapack, lu_solve

    lu, pivots, info = lapack.get_lapack_funcs(("getrf",), (A.array,))[0](A.array)
    if info > 0:
        raise np.linalg.LinAlgError("singular")
    return _Factors(lambda v: lu_solve((lu, pivots), v), lambda v: lu_solve((lu, pivots), v, trans=2))


def _refined(A, sizes, factors, b, met):
    """Refine until the residual of each row is rounding error or is no longer halved.

    A step that would lose the tolerance, once it is met, is not taken.
    """
    x, residual, norms, worst = np.zeros_like(b), b, [column_norms(b)], np.inf
    for _ in range(REFINEMENTS):
        candidate = x + factors.solve(residual)
        if not np.isfinite(candidate).all():
            return (candidate if worst == np.inf else x), norms
        remaining = b - A @ candidate
        size = abs(sizes @ abs(candidate)) + abs(b)
        error = float((abs(remaining) / np.where(size > 0, size, 1)).max(initial=0))
        if not error < worst / 2 or (met(norms[-1]) and not met(column_norms(remaining))):
            break
        x, residual, worst = candidate, remaining, error
        norms.append(column_norms(residual))
        if worst <= np.finfo(A.dtype).eps:
            break
    return x, norms


def _bound(A, sizes, factors, b, x):
    """Return an estimate of the error of x: (7.31) of Higham's book, as LAPACK's xGERFS."""
    from scipy.sparse.linalg import onenormest

    largest = abs(x).max()
    if largest == 0:
        return 0.0
    terms = (sizes @ abs(x).astype(A.dtype)).real + abs(b)
    per_row = np.diff(A.indptr) if isinstance(A, Csr) else A.shape[0]
    weights = abs(b - A @ x) + (per_row + 1) * np.finfo(A.dtype).eps * terms
    # norm(|A^-1| w, inf) is the 1-norm of (A^-1 diag(w))^H; the vectors come as (n,) or (n, 1).
    operator = linear_operator(
        A,
        lambda v: weights * factors.adjoint(v.reshape(-1).astype(A.dtype)),
        lambda v: factors.solve((weights * v.reshape(-1)).astype(A.dtype)),
    )
    with np.errstate(all="ignore"):
        bound = float(onenormest(operator, t=1)) / float(largest)  # pyright: ignore
    return bound if np.isfinite(bound) else np.inf


def linear_operator(A, matvec, rmatvec=None) -> Any:
    """Return a SciPy operator of the shape and dtype of `A`."""
    from scipy.sparse.linalg import LinearOperator

    return LinearOperator(A.shape, matvec=matvec, rmatvec=rmatvec, dtype=A.dtype)  # pyright: ignore
