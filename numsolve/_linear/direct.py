"""Direct solution on the host by SciPy's factorisations, with refinement and an error bound."""

from functools import cached_property, partial
from math import inf
from typing import Any

import numpy as np

from .._operators.hermitian import is_hermitian
from .._operators.operator import Csr, Dense
from .._result import Breakdown, Status
from . import engines, fill

REFINEMENTS = 5  # at most, as in LAPACK
SCALINGS = 10  # at most: enough for the whole range of double precision
KEEP_DIAGONAL = {True: 0.01, False: 0.1}  # pivot on a diagonal entry at least this fraction of its column


class Plan:
    """How a sparse matrix is factorised: its scales, where its pivots are taken from, its order and fill."""

    def __init__(self, A, sizes, engine=None):
        self.A, self.sizes, self.engine = A, sizes, engine
        self._fill, self._counted = None, 0.0

    @cached_property
    def scaled(self) -> Any:
        """The equilibrated matrix, and the scales of rows and columns."""
        matrix = self.A.to_sparse()
        return equilibrated(matrix, _with_data(matrix, self.sizes.data.real))

    @cached_property
    def hermitian(self):
        """Whether the matrix is Hermitian."""
        return is_hermitian(self.A)

    @cached_property
    def keeps_diagonal(self):
        """Whether the pattern is symmetric and all diagonal entries are large enough for pivots.

        A zero or tiny one, as in a saddle point problem, would be interchanged with another row later, and
        the factors would fill far beyond the forecast.
        """
        matrix, least = self.A.to_sparse(), KEEP_DIAGONAL[self.hermitian]
        if not has_symmetric_pattern(matrix):
            return False
        size, diagonal = self.sizes.data.real, np.sqrt(abs(matrix.diagonal()))
        if (least * size <= np.repeat(diagonal, np.diff(self.A.indptr)) * diagonal[self.A.indices]).all():
            return True  # so it is when scaled to a diagonal of ones
        matrix = self.scaled[0]
        largest = abs(matrix).max(axis=0).toarray().ravel()
        return bool((abs(matrix.diagonal()) >= least * largest).all())

    @property
    def entries_to_order(self):
        """About how many entries of an ordinary pattern take the time of the count."""
        if self.keeps_diagonal:
            return self.A.nnz
        return fill.ORDERED * float((np.diff(self.A.indptr).astype(float) ** 2).sum())

    def fill(self, most_work=inf):
        """Return the `Fill`; its counts are infinite if the work exceeds the limit."""
        if self._fill is None or (self._fill.work == inf and most_work > self._counted):
            self._fill, self._counted = (
                fill.forecast(self.scaled[0], self.keeps_diagonal, most_work),
                most_work,
            )
        return self._fill

    @property
    def is_counted(self):
        """Whether the fill is known."""
        return self._fill is not None and self._fill.work < inf

    @property
    def order(self):
        """The order of elimination, if it was computed."""
        return None if self._fill is None else self._fill.order


def solve(A, sizes, b, met, plan=None):
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
    plan : Plan, optional
        How to factorise a sparse matrix. Default: made here, in an order of SuperLU's.

    Returns
    -------
    x : numpy.ndarray, shape of `b`
        Solution.
    norms : list of array
        Residual norms of the columns, before the first and after each solution with the factors.
    bound : float
        Estimate of ``norm(x - x_true, inf) / norm(x, inf)``, the largest of the columns.
    name : str
        The package that factorised.

    Raises
    ------
    Breakdown
        `A` is singular, or its factors do not fit into memory.
    """
    found = None
    for factorise in factorisations(A, plan or Plan(A, sizes)):
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
    return (
        x,
        norms,
        max((_bound(A, sizes, factors, *column) for column in columns), default=0.0),
        factors.name,
    )


def has_symmetric_pattern(matrix):
    """Tell whether the pattern of a matrix in compressed rows, with zeros that are stored, is symmetric."""
    other = matrix.T.tocsr()
    return np.array_equal(matrix.indptr, other.indptr) and np.array_equal(matrix.indices, other.indices)


def column_norms(b, xp: Any = np):
    """Return the 2-norm of each column, or that of the vector."""
    size = abs(b).max(axis=0)
    size = xp.where(size > 0, size, 1)  # squares of very large or small numbers would overflow or vanish
    return size * xp.sqrt((abs(b / size) ** 2).sum(axis=0))


class _Factors:
    """A factorisation: it solves with A and with its adjoint."""

    def __init__(self, solve, adjoint, name="SuperLU"):
        self.solve, self.adjoint, self.name = solve, adjoint, name


def factorisations(A, plan):
    """Return the factorisations to try: of other packages, and SuperLU's, those with less fill first.

    Where pivots can stay on the diagonal, SuperLU keeps them there and orders rows and columns alike.
    """
    if isinstance(A, Dense):
        return [lambda: _lapack(A)]
    if plan.engine is not None:
        return [lambda: _by_engine(engines.named(plan.engine, A.dtype), plan)]
    diagonal = plan.A.to_sparse().diagonal()
    maybe_definite = plan.hermitian and bool((diagonal.real > 0).all())
    others = engines.installed(A.dtype, A.shape[0], maybe_definite)
    return [*(partial(_by_engine, engine, plan) for engine in others), *_by_superlu(plan)]


def _by_engine(engine, plan):
    """Return the factors of another package."""
    matrix, rows, cols = plan.scaled
    solve, adjoint = engine.factorise(matrix)
    return _Factors(
        lambda v: _scaled(cols, solve(_scaled(rows, v))),
        lambda v: _scaled(rows, adjoint(_scaled(cols, v))),
        engine.title,
    )


def _by_superlu(plan):
    """Return SuperLU's factorisations of a matrix."""
    general = [lambda: _superlu(*plan.scaled)]
    if not plan.keeps_diagonal:
        return general
    options = {"diag_pivot_thresh": KEEP_DIAGONAL[plan.hermitian], "options": {"SymmetricMode": True}}
    if plan.order is None:
        return [lambda: _superlu(*plan.scaled, permc_spec="MMD_AT_PLUS_A", **options), *general]
    return [lambda: _superlu(*_reordered(plan), order=plan.order, permc_spec="NATURAL", **options), *general]


def _reordered(plan):
    """Return the scaled matrix in the order of the plan, and the scales in their own order."""
    matrix, rows, cols = plan.scaled
    return matrix[plan.order][:, plan.order], rows, cols


def _superlu(matrix, rows, cols, order=None, **options):
    from scipy.sparse.linalg import splu

    lu = splu(matrix.tocsc(), **options)
    adjoint = "H" if matrix.dtype.kind == "c" else "T"

    def solve(v, trans="N"):
        if order is None:
            return lu.solve(v, trans)
        x = np.empty_like(v)
        x[order] = lu.solve(v[order], trans)
        return x

    return _Factors(
        lambda v: _scaled(cols, solve(_scaled(rows, v))),
        lambda v: _scaled(rows, solve(_scaled(cols, v), adjoint)),
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
    return _Factors(
        lambda v: lu_solve((lu, pivots), v), lambda v: lu_solve((lu, pivots), v, trans=2), "LAPACK"
    )


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
