"""Mixed-precision iterative refinement: solve in single precision, correct in double."""

from dataclasses import dataclass, field
from inspect import signature
from math import frexp, inf, ldexp, sqrt
from time import monotonic
from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module, read_sum, sparse_module
from .._linear.solve import interruptible, solve_system
from .._linear.system import norm, prepare, unit_near
from .._operators.operator import Csr, Dense, Operator, Scaled, as_operator
from .._result import Breakdown, Interrupted, LinearResult, Status, inner_solve, not_finite, warn_of_miss
from ..kernels import kernels_for
from ._gmres import gmres

MAX_OUTER_STEPS = (
    100  # each step halves the residual or is the last, so double precision takes 53 steps at most
)


@dataclass(frozen=True, eq=False, repr=False)
class RefinementResult(LinearResult):
    """Result of `refine`: ``nit`` and ``residuals`` count its outer steps.

    Attributes
    ----------
    inner_nit : numpy.ndarray of int, shape (nit,) or (nit, k)
        Iterations in single precision of each outer step; 0 after a column's last step.
    """

    inner_nit: np.ndarray = field(default_factory=lambda: np.zeros(0, int))


def refine(
    A,
    b,
    x0=None,
    *,
    method=gmres,
    inner_rtol=1e-4,
    inner_maxiter=None,
    rtol=1e-8,
    atol=0.0,
    maxiter=None,
    M=None,
    callback=None,
    time_limit=None,
    **options,
):
    r"""Solve :math:`Ax = b` to double precision by corrections that are solved in single precision.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (n, n)
        Any matrix that `method` takes, in the library (NumPy/SciPy or CuPy) of `b`.
    b : array, shape (n,) or (n, k)
        Right-hand side, or `k` of them, solved one after the other. Double precision, real or complex;
        integers are taken as float64. If `A` and `b` are both in single precision, so is `x`.
    x0 : array, shape of `b`, or "Mb", optional
        Starting guess, never overwritten; "Mb" stands for ``M @ b``. Default: zeros.
    method : callable
        Solves the corrections: `cg`, `gmres`, or any function of the same signature.
    inner_rtol : float
        Relative tolerance of each correction, below 1; the last correction is solved only as far as `rtol`
        needs.
    inner_maxiter : int, optional
        Largest number of iterations of one correction. Default: that of `method`.
    rtol, atol : float
        Stop once ``norm(b - A @ x) <= max(rtol * norm(b), atol)``, in the 2-norm, for each column.
    maxiter : int, optional
        Largest number of outer steps, each one correction. Default: 100.
    M : array, sparse array or LinearOperator, shape (n, n), optional
        Preconditioner for `method`, in either precision; it is cast to single precision.
    callback : callable, optional
        ``callback(x, residual_norm)`` after each outer step; true stops. `x` is overwritten later: copy it to
        keep it. A callback of one argument gets a copy of `x`, and what it returns is ignored.
    time_limit : float, optional
        Seconds after which to stop with a usable iterate. Default: no limit.
    **options
        Passed to `method`, such as ``restart``.

    Returns
    -------
    RefinementResult
        ``x``, ``status``, ``message``, ``residuals`` of shape ``(nit + 1,)`` or ``(nit + 1, k)`` after
        each outer step, and ``inner_nit``, the iterations of `method` in each.

    Raises
    ------
    ValueError
        A shape does not fit, an entry is not finite, a tolerance is out of range, or `method` refuses `A`.
    TypeError
        A dtype is not supported, or NumPy and CuPy arrays are mixed.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why and what to try.

    Notes
    -----
    An outer step costs one product with `A` in double precision and one solve in single precision. In the
    solve a CSR matrix moves 8 bytes per entry instead of 12, and vectors half of theirs. Storage: the entries
    of `A` in single precision, 3 vectors in double (`x`, the residual, the next `x`) and 2 in single beside
    those of `method`. The residual is scaled to size one before it is cast, and `A` if its entries need it,
    both by powers of two. The method converges if the condition number of `A` is well below 1e7, the inverse
    of the rounding unit of single precision [1]_; with GMRES and a good `M` also above [2]_. A step that does
    not reduce the residual is not taken, and ends the solve. A LinearOperator `A` is applied in its own
    precision.

    References
    ----------
    .. [1] N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., SIAM, 2002, chapter 12,
       :doi:`10.1137/1.9780898718027`.
    .. [2] E. Carson, N. J. Higham, *Accelerating the solution of linear systems by iterative refinement in
       three precisions*, SIAM J. Sci. Comput. 40, 2018, :doi:`10.1137/17M1140819`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import cg, refine
    >>> A = np.diag(np.arange(1.0, 21.0))
    >>> result = refine(A, A @ np.ones(20), method=cg, rtol=1e-14).check()
    >>> bool(abs(result.x - 1).max() < 1e-13), result.nit < 6
    (True, True)
    """
    if not callable(method):
        raise TypeError(f"method is a {type(method).__name__}; a solver such as cg or gmres is needed")
    inner_rtol = _validate.positive(inner_rtol, "inner_rtol")
    if inner_rtol >= 1:
        raise ValueError(f"inner_rtol is {inner_rtol!r}; a number below 1 is needed")
    if inner_maxiter is not None:
        inner_maxiter = _validate.count(inner_maxiter, "inner_maxiter", least=1)
    home, _ = _validate.same_library(A=A, b=b, x0=x0, M=M)
    _validate.preconditioner(M, _validate.square_shape(A, empty=True))
    A = as_operator(A, home)
    M = None if M is None else as_operator(M, home, "M")
    maxiter = MAX_OUTER_STEPS if maxiter is None else maxiter
    system = prepare(A, b, x0, M and _Uncast(M), rtol=rtol, atol=atol, maxiter=maxiter, time_limit=time_limit)
    with interruptible(system):
        refinement = _Refinement(A, M, system, method, inner_rtol, {"maxiter": inner_maxiter, **options})
    try:
        return warn_of_miss(refinement.report(solve_system(refinement, system, callback)))
    except Interrupted as caught:
        raise Interrupted(refinement.report(caught.result)) from None


class _Uncast(Operator):
    """A preconditioner that `prepare` does not convert to double precision."""

    def __init__(self, M):
        super().__init__(M.shape, M.dtype, M.library)
        self._wrapped = M

    def apply(self, x, out):
        out[...] = self._wrapped @ x
        return out

    def astype(self, dtype):  # noqa: ARG002 - the protocol
        return self


class _Refinement:
    """The system in single precision, and the state between outer steps."""

    def __init__(self, A, M, system, method, inner_rtol, options):
        self.dtype = np.dtype(np.complex64 if system.b.dtype.kind == "c" else np.float32)
        self.unit, self.A = _single(A, self.dtype)
        self.M = None if M is None else _single(M, self.dtype)[1]
        self.A_unit, self.method, self.options = system.A_unit, method, options
        self.deadline = system.deadline
        self.rtol, self.inner_rtol = system.rtol, inner_rtol
        self.x: Any = None
        self.r: Any = None
        self.rr: Any = None
        self.stuck = None
        self.goal, self.counts = 0.0, []

    def begin(self, b):
        """Set the goal for a new right-hand side, and discard the state of the last one."""
        self.goal, self.stuck, self.x = self.rtol * norm(b), None, None

    def __call__(self, A, b, M, x):  # noqa: ARG002 - the protocol; M acts in single precision only
        """Yield `x` and its squared residual, before and after one correction.

        The generator ends after each correction, so the loop reads each norm on a GPU too.
        """
        dot = kernels_for(b).dot
        if x is not self.x or self.r is None:
            self.x, self.r = x, A.residual(b, x)
            self.rr = dot(self.r, self.r)
        yield x, self.rr
        if self.stuck is not None:
            raise self.stuck
        before = sqrt(read_sum(self.rr))
        solved, step = self.correction(before)
        new = solved.x.astype(b.dtype)
        new *= step * self.A_unit
        new += x
        r = A.residual(b, new)
        rr = dot(r, r)
        after = sqrt(read_sum(rr))
        if not after < before:
            raise _failure(solved, after)
        if after > before / 2 and solved.status != Status.MAXITER:
            self.stuck = _failure(solved, after)
        self.counts.append(solved.nit)
        self.x, self.r, self.rr = new, r, rr
        yield new, rr

    def correction(self, size):
        """Return the result of the correction equation for the residual of norm `size`, and its unit."""
        unit = ldexp(1.0, frexp(float(abs(self.r).max()))[1])
        self.r *= 1 / unit
        r, self.r = self.r.astype(self.dtype), None
        rtol = max(self.inner_rtol, min(0.5, 0.5 * self.goal / size))
        options = dict(self.options)
        if self.deadline < inf and "time_limit" in signature(self.method).parameters:
            options["time_limit"] = max(self.deadline - monotonic(), 1e-9)
        with inner_solve():
            return self.method(self.A, r, rtol=rtol, M=self.M, **options), unit / self.unit

    def report(self, result):
        """Return the result with the inner iterations of each outer step of each column."""
        taken = np.isfinite(result.residuals[1:])
        inner_nit = np.zeros(taken.shape, int)
        inner_nit.T[taken.T] = self.counts[: taken.sum()]
        return RefinementResult(**vars(result), inner_nit=inner_nit)


def _single(operator, dtype):
    """Return a power of two and, in `dtype`, the operator divided by it, whose entries do not overflow."""
    if not isinstance(operator, (Csr, Dense)):  # one product gives the size
        ones = array_module(operator.library).ones(operator.shape[1])
        unit = unit_near(float(abs(operator @ ones).max()) if ones.size else 1.0, dtype)
        return unit, (operator if unit == 1 else Scaled(operator, 1 / unit)).astype(dtype)
    entries = operator.data if isinstance(operator, Csr) else operator.array
    unit = unit_near(float(abs(entries).max()) if entries.size else 1.0, dtype)
    if unit == 1:
        return unit, operator.astype(dtype)
    entries = entries * (1 / unit)
    if isinstance(operator, Dense):
        return unit, Dense(entries, dtype)
    matrix = sparse_module(operator.library).csr_matrix
    return unit, Csr(matrix((entries, operator.indices, operator.indptr), shape=operator.shape), dtype)


def _failure(solved, norm):
    """Return the exception for a correction that did not halve the residual."""
    if solved.status < 0 and solved.status != Status.SINGULAR:  # it may be singular in single precision only
        return Breakdown(f"in single precision: {solved.message}", solved.status)
    if norm - norm != 0:
        return not_finite("A")
    return Breakdown(
        "the residual stopped falling before it met the tolerance: corrections in single precision no longer "
        "halve it. Loosen rtol if it is rounding error, else solve in double precision or improve M",
        Status.STAGNATED,
    )
