"""Least squares by sketching: a small random sketch of A gives a start and a preconditioner."""

from math import ceil, log
from typing import Any

import numpy as np

from .. import _callbacks, _validate
from .._array import namespace, to_host
from .._linear.columns import ENDS_ALL, join_columns
from .._linear.system import largest, norm
from .._operators.operator import Csr, Dense, as_operator
from .._result import Interrupted, Status, warn_of_miss
from ._operators import KINDS, sketch
from ._refinement import Refinement
from ._sketched_result import SketchedResult
from ._tall import RANK_UNITS, Preconditioner, Tall

SOLVERS = ("auto", "cg", "chebyshev")
ROUNDING_UNITS = 4, 16  # default of rtol, in units of rounding, for tall and for wide A
FLOPS, BYTES = 4e10, 2e10  # a second, of factorisations and of passes over A: their ratio chooses the sketch
MOST_ITERATIONS = 500


@np.errstate(all="ignore")
def lstsq(
    A: Any,
    b: Any,
    *,
    x0: Any = None,
    kind: str = "sparse-sign",
    oversampling: float | None = None,
    nnz: int = 8,
    solver: str = "auto",
    damp: float = 0.0,
    rtol: float | None = None,
    rcond: float | None = None,
    maxiter: int | None = None,
    rng: Any = None,
    callback: Any = None,
    time_limit: float | None = None,
) -> SketchedResult:
    r"""Minimise :math:`\lVert b - Ax\rVert^2 + \text{damp}^2 \lVert x\rVert^2` with a sketch of A.

    It suits dense or sparse matrices with many more rows than columns, or many more columns than rows. The
    number of iterations does not depend on the condition number.

    Parameters
    ----------
    A : array or sparse array, shape (m, n)
        A matrix of any rank, in the library (NumPy/SciPy or CuPy) of `b`; real or complex.
    b : array, shape (m,) or (m, k)
        Right-hand side, or `k` of them, which share the sketch and its factorisation. The iterations take
        one after the other.
    x0 : array, shape (n,) or (n, k), optional
        Starting guess, never overwritten. Default: the solution of the sketched problem.
    kind : {"sparse-sign", "gaussian", "countsketch", "subsampled-hadamard"}
        The sketch, see `numsolve.sketch.sketch`.
    oversampling : float, optional
        Rows of the sketch over ``min(m, n)``, larger than 1. Default: between 4 and 32, where a model of the
        costs of factorisation and iterations is least.
    nnz : int
        Entries in a column of the sparse-sign sketch.
    solver : {"auto", "cg", "chebyshev"}
        The iteration for the preconditioned normal equations. "chebyshev" needs no inner products. "auto" is
        "cg".
    damp : float
        Weight of the norm of `x`.
    rtol : float, optional
        Stop once the estimated relative backward error is at most this number. Default: 4 units of rounding,
        and 16 for m < n.
    rcond : float, optional
        Singular values of the sketch that are smaller than `rcond` times the largest are taken as zero.
        Default: 8 units of rounding times the root of ``min(m, n)``.
    maxiter : int, optional
        Largest number of iterations. Default: 500.
    rng : int, numpy.random.Generator or None, optional
        Seed or generator (SPEC 7).
    callback : callable, optional
        ``callback(x, backward_error)`` after each iteration (on a GPU: after every tenth); true stops. A
        callback of one argument gets a copy of `x`, and what it returns is ignored.
    time_limit : float, optional
        Seconds after which to stop with a usable iterate, tested after the sketch is factorised and in each
        iteration. Default: no limit.

    Returns
    -------
    SketchedResult
        ``x``, ``status``, ``message``, ``residuals``, ``backward_error``, ``residual_norm``, ``rank`` and
        ``rows``.

    Raises
    ------
    ValueError
        A shape does not fit, an entry is not finite, or an option is out of range.
    TypeError
        `A` is a LinearOperator, which has no entries, a dtype is not supported, or NumPy and CuPy arrays are
        mixed.

    Warns
    -----
    ConvergenceWarning
        The backward error does not meet the tolerance; ``result.message`` says why and what to try.

    Notes
    -----
    With q = min(m, n) and d rows of the sketch S: the QR factorisation of ``S A`` takes 2 d q^2 operations.
    An iteration takes one pass over a dense A in C order (otherwise two products, one with A and one with its
    adjoint) and two products with a matrix of q^2 numbers. An error falls by a factor of about
    :math:`\sqrt{q/d}` per iteration. Storage: 2 d q + 5 q^2 numbers; for sparse A a transposed copy. If the
    sketch would have as many rows as A, or if that costs less, A itself is factorised.

    The method is sketch and precondition [1]_ [2]_, as iterative refinement: the correction of an iterate
    solves :math:`P^HA^HAP y = P^HA^H(b - Ax)`, where P comes from the sketch and A P is near orthonormal.
    When its recurrence meets the tolerance, the residual is computed anew. This makes it backward stable
    [3]_. In exact arithmetic, conjugate gradients give the iterates of LSQR for A P.

    The backward error is that of Karlson and Walden, with the sketch in place of A [3]_. It belongs to A with
    its columns scaled by powers of two to norms of one size. Its first value is an upper bound.

    If the rank is deficient, the backward error is that of A without its smallest singular values. If it is,
    or m < n, `x` is the shortest solution, or the one nearest to `x0`. For m < n and a condition number above
    the root of 1 / eps, products with A P are too inaccurate, and the adjoint of A is factorised. Where
    the norms of the columns of a deficient matrix differ by more than a factor of 1e-4 / eps, `x` is the
    shortest in scaled unknowns, and the message says so.

    References
    ----------
    .. [1] V. Rokhlin, M. Tygert, *A fast randomized algorithm for overdetermined linear least-squares
       regression*, PNAS 105, 2008, :doi:`10.1073/pnas.0804869105`.
    .. [2] H. Avron, P. Maymounkov, S. Toledo, *Blendenpik: Supercharging LAPACK's least-squares solver*, SIAM
       J. Sci. Comput. 32, 2010, :doi:`10.1137/090767911`.
    .. [3] E. N. Epperly, M. Meier, Y. Nakatsukasa, *Fast randomized least-squares solvers can be just as
       accurate and stable as classical direct solvers*, 2024, :doi:`10.48550/arXiv.2406.03468`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.sketch import lstsq
    >>> t = np.linspace(0, 1, 2000)
    >>> A = np.vander(t, 12)
    >>> result = lstsq(A, A @ np.ones(12) + 0.01 * np.sin(90 * t), rng=0).check()
    >>> result.rank, bool(result.backward_error < 1e-14)
    (12, True)
    """
    kind, nnz = _validate.choice(kind, "kind", KINDS), _validate.count(nnz, "nnz", least=1)
    solver = _validate.choice(solver, "solver", SOLVERS)
    callback = _callbacks.checked(callback)
    if oversampling is not None and _validate.number(oversampling, "oversampling") <= 1:
        raise ValueError(f"oversampling is {oversampling!r}; a number > 1 is needed")
    limits = {"damp": damp, "rtol": rtol, "rcond": rcond, "maxiter": maxiter, "time_limit": time_limit}
    problem = _Problem(A, b, x0, **limits)
    rows, rng = problem.rows_of_sketch(oversampling), np.random.default_rng(rng)
    S = None if rows is None else sketch(kind, rows, problem.tall.count, nnz=nnz, rng=rng)
    return warn_of_miss(problem.solve(S, solver, callback, rng))


class _Problem:
    """A checked least-squares problem.

    Attributes
    ----------
    tall : Tall
        The matrix.
    b : array, shape (m, k)
        The right-hand sides, each divided by a power of two of its size, `units`.
    """

    def __init__(self, A, b, x0, *, damp, rtol, rcond, maxiter, time_limit):
        m, n = _validate.matrix_shape(A)
        home, xp = _validate.same_library(A=A, b=b, x0=x0)
        b = _validate.right_hand_side(b, m, xp)
        x0 = _validate.starting_guess(x0, (n, *b.shape[1:]), xp, "A and b need")
        A = as_operator(A, home)
        if not isinstance(A, (Csr, Dense)):
            raise TypeError(
                f"A is a {type(A).__name__}; a dense or sparse array is needed, for its entries: "
                "use numsolve.krylov.lsqr"
            )
        given = [A.dtype, _validate.floating(b.dtype, "b")]
        given += [np.dtype(np.complex64)] if x0 is not None and x0.dtype.kind == "c" else []
        dtype = np.result_type(*given)
        eps = float(np.finfo(dtype).eps)
        self.tall = Tall(A.astype(dtype), _validate.tolerance(damp, "damp"))
        self.rtol = ROUNDING_UNITS[m < n] * eps if rtol is None else _validate.tolerance(rtol, "rtol")
        own = RANK_UNITS * eps * min(m, n) ** 0.5
        self.rcond = own if rcond is None else _validate.tolerance(rcond, "rcond")
        self.maxiter = MOST_ITERATIONS if maxiter is None else _validate.count(maxiter, "maxiter")
        self.deadline = _validate.deadline(time_limit)
        self.ndim, self.n = b.ndim, n
        b = b.astype(dtype).reshape(m, -1)
        sizes = [largest(b[:, j]) if m else 0.0 for j in range(b.shape[1])]
        self.units = np.array([np.ldexp(1.0, int(np.frexp(s)[1]) - 1) if s else 1.0 for s in sizes])
        units = xp.asarray(self.units.astype(_validate.real_dtype(dtype)))
        self.b = b / units
        self.x0 = None if x0 is None else x0.astype(dtype).reshape(n, -1) / units

    def rows_of_sketch(self, oversampling):
        """Return the number of rows of the sketch, or None if A itself is to be factorised."""
        m, q = self.tall.count, self.tall.columns
        stored = self.tall.entries.nnz if self.tall.sparse else m * q
        if oversampling is not None:
            rows = ceil(oversampling * q)
            return rows if rows < m else None
        passes = 1 if self.tall.in_one_pass else 2
        seconds = passes * stored * self.b.dtype.itemsize / BYTES  # of an iteration

        def cost(rows):
            steps = 2 if rows == m else 2 * log(1e10) / log(rows / q)
            return 2 * rows * q**2 / FLOPS + steps * self.b.shape[1] * seconds

        choices = [m] if 4 * q >= m else [m, *(r * q for r in (4, 6, 8, 12, 16, 24, 32) if r * q < m)]
        if self.tall.sparse and len(choices) > 1:
            choices = choices[1:]
        best = min(choices, key=cost, default=m)
        return best if best < m else None

    def solve(self, S, solver, callback, rng):
        """Solve for each column; return one result."""
        x, xp = self._start(), namespace(self.b)
        k = x.shape[1]
        if x.size == 0:
            message = "converged: b has no columns" if k == 0 else "converged: there are no unknowns"
            norms = np.array([norm(xp.ascontiguousarray(column)) for column in self.b.T]) * self.units
            errors: Any = np.zeros(k)
            if self.ndim == 1:
                x, errors, norms = x[:, 0], 0.0, float(norms[0])
            return SketchedResult(x, Status.CONVERGED, message, np.zeros((1, *x.shape[1:])), errors, norms)
        factors, results = self._factorised(S, rng), []
        rows = self.tall.count if S is None or factors.basis is not None else S.shape[0]
        for column in range(k):
            method = Refinement(self, factors, column, rows, solver)
            try:
                results.append(method.result(callback))
            except Interrupted as caught:
                results.append(caught.result)
            if results[-1].status in ENDS_ALL:
                break
        if self.ndim == 1:
            if results[0].status == Status.INTERRUPTED:
                raise Interrupted(results[0])
            return results[0]
        fields = {
            name: np.array([getattr(r, name) for r in results] + [np.nan] * (k - len(results)))
            for name in ("backward_error", "residual_norm")
        }
        return join_columns(results, x, **fields)

    def _start(self):
        """Return the starting guess in the caller's units, or zeros."""
        xp, k = namespace(self.b), self.b.shape[1]
        if self.x0 is None:
            return xp.zeros((self.n, k), self.b.dtype)
        return self.x0 * xp.asarray(self.units.astype(self.x0.real.dtype))

    def _factorised(self, S, rng):
        """Sketch the matrix and the right-hand sides, and return the preconditioner.

        A sketch that loses rank, because rows that alone have entries in some columns share a row of it, is
        replaced by a Gaussian one.
        """
        tall = self.tall
        sketched = _validate.finite(tall.sketched(S), "the sketch of A")
        right = np.zeros((0, self.b.shape[1]), sketched.dtype)
        if not tall.wide:
            right = to_host(self.b if S is None else S @ self.b)
            if self.x0 is not None:
                right = right - sketched[: len(right)] @ to_host(self.x0)
                right = np.concatenate((right, sketched[len(right) :] @ -to_host(self.x0)))
        factors = Preconditioner(tall, sketched, right, self.rcond, scales=True)
        if S is not None and S.kind != "gaussian" and factors.loses_rank(tall, self.rcond, rng):
            return self._factorised(sketch("gaussian", S.shape[0], tall.count, rng=rng), rng)
        if not tall.wide:
            return factors
        is_exact = factors.condition > 0.3 * np.finfo(sketched.dtype).eps ** -0.5
        if is_exact:  # T P y has errors that are too large
            sketched = tall.sketched(None)
        for scales in (True, False):
            if is_exact or not scales:
                factors = Preconditioner(tall, sketched, right, self.rcond, scales, is_exact)
            if factors.rank == tall.columns:  # scaled equations would have another solution
                break
        return factors
