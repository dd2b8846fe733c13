"""From the caller's ``A, b, x0, M`` to the loop and back: what every linear method shares."""

import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from math import frexp, inf, isfinite, ldexp, sqrt
from typing import Any, NamedTuple

import numpy as np

from .. import _validate
from .._array import namespace, read_sum, to_host
from .._iterate import iterate
from .._operators.operator import Csr, Dense, Operator, Scaled, absolute, as_operator
from .._result import ConvergenceWarning, Interrupted, Result, Status
from ..kernels import kernels_for

_is_inner = ContextVar("is_inner", default=False)  # one for each thread, unlike the filters of `warnings`
_ENDED = (Status.STOPPED, Status.INTERRUPTED, Status.TIME_LIMIT)  # what ends the other columns too
WIDEST = 8  # columns that a block method takes at once; 16 were measured to cost more than they save


class System(NamedTuple):
    """A checked linear system: operators, vectors and limits of one dtype in one library.

    `batches` says that its method takes many steps between two looks of the loop, as `iterate` explains.
    """

    A: Operator
    b: Any
    x0: Any
    M: Operator | None
    rtol: float
    atol: float
    maxiter: int
    deadline: float = inf  # of `time.monotonic()`
    batches: bool = False


def prepare(A, b, x0, M, *, rtol, atol, maxiter, time_limit=None):
    """Check what the caller passed and bring it to one dtype; raise what `_validate` raises."""
    n = _validate.square_shape(A)
    if M is not None and _validate.square_shape(M, "M") != n:
        raise ValueError(f"M has shape {tuple(M.shape)}, but A needs ({n}, {n})")
    home, xp = _validate.same_library(A=A, b=b, x0=x0, M=M)
    b = _validate.right_hand_side(b, n, xp)
    x0 = _validate.starting_guess(x0, b.shape, xp)
    maxiter = 10 * n if maxiter is None else maxiter
    return make_system(A, b, x0, M, home, rtol, atol, maxiter, time_limit)


def make_system(A, b, x0, M, home, rtol, atol, maxiter, time_limit=None):
    """Bring checked arrays to one dtype and check the limits."""
    A = as_operator(A, home)
    M = None if M is None else as_operator(M, home, "M")
    given = [A.dtype, _validate.floating(b.dtype, "b")]
    given += [np.dtype(np.complex64) for other in (M, x0) if other is not None and other.dtype.kind == "c"]
    dtype = np.result_type(*given)
    return System(
        A.astype(dtype),
        b.astype(dtype, copy=False),
        x0,
        None if M is None else M.astype(dtype),
        _validate.tolerance(rtol, "rtol"),
        _validate.tolerance(atol, "atol"),
        _validate.count(maxiter, "maxiter"),
        _validate.deadline(time_limit),
    )


def run(start, system, callback, block=None):
    """Run ``start(A, b, M, x)`` for each column of b, or `block` for many at once; return the `Result`."""
    _validate.function(callback, "callback")
    if system.b.ndim == 1:
        return _solve_one(start, system, system.b, system.x0, callback)
    return _solve_columns(start, system, callback, block)


def warn_of_miss(result):
    """Return the result; warn the caller of the caller if it missed its tolerance."""
    if result.status not in (Status.CONVERGED, Status.STOPPED) and not _is_inner.get():
        warnings.warn(result.message, ConvergenceWarning, stacklevel=3)
    return result


def warn_of_misses(results):
    """Return many results; warn once of those that missed their tolerance."""
    missed = [p for p, r in enumerate(results) if r.status not in (Status.CONVERGED, Status.STOPPED)]
    if missed and not _is_inner.get():
        message = f"{len(missed)} of {len(results)} problems, first {missed[0]}: {results[missed[0]].message}"
        warnings.warn(message, ConvergenceWarning, stacklevel=3)
    return results


@contextmanager
def inner_solve():
    """Solve inside another solve, which answers for the tolerance: a miss does not warn."""
    token = _is_inner.set(True)
    try:
        yield
    finally:
        _is_inner.reset(token)


def _solve_one(start, system, b, x0, callback):
    """Solve for one column, in units in which A and b are near one if they were far from it."""
    xp = namespace(b)
    b = xp.ascontiguousarray(b)
    largest = float(abs(b).max())
    if largest == 0:
        return Result(xp.zeros_like(b), Status.CONVERGED, "converged: b is zero, and so is x", np.zeros(1))
    A, M = system.A, system.M
    b_unit, A_unit = unit_near(largest, b.dtype), unit_near(A.magnitude(), b.dtype)
    x_unit = b_unit / A_unit
    if A_unit != 1:
        A, M = Scaled(A, 1 / A_unit), None if M is None else Scaled(M, A_unit)
    b = b if b_unit == 1 else b * b.real.dtype.type(1 / b_unit)
    x = xp.zeros_like(b) if x0 is None else xp.array(x0, dtype=b.dtype, order="C") / x_unit
    size = norm(b)
    tol = max(system.rtol * size, system.atol / b_unit)
    result = iterate(
        lambda x: start(A, b, M, x),
        x.astype(b.dtype, copy=False),
        tol=tol,
        maxiter=system.maxiter,
        callback=callback,
        deadline=system.deadline,
        scale=(x_unit, b_unit),
        batches=system.batches,
    )
    if result.status == Status.STAGNATED and isinstance(system.A, (Csr, Dense)):
        return explained(system.A, result, size * b_unit)
    return result


def explained(A, result, size):
    """Say so if a residual stopped falling where the rounding of `x` alone leaves one as large.

    It is about ``eps norm(|A| |x|)``, and at most a few times that after a new start: no method does better.
    """
    terms = abs(absolute(A) @ abs(result.x))
    largest = float(terms.max()) or 1.0
    terms /= largest
    rounding = float(np.finfo(A.dtype).eps) * largest * norm(terms)
    if result.residuals[-1] > 4 * rounding:
        return result
    message = (
        f"the residual stopped falling above the tolerance, at rounding errors: those of A x are about "
        f"{rounding / size:.1e} of norm(b), whatever the method. Loosen rtol or use a higher precision"
    )
    return replace(result, message=message)


def _solve_columns(start, system, callback, block=None):
    """Solve column by column, or many at once with `block`; the worst status speaks for all."""
    xp, (n, k) = namespace(system.b), system.b.shape
    results, width = [], 1 if block is None else WIDEST
    for group in (slice(first, first + width) for first in range(0, k, width)):
        x0 = None if system.x0 is None else system.x0[:, group]
        part = system._replace(b=system.b[:, group], x0=x0)
        if part.b.shape[1] == 1:
            found = [_solve_caught(start, part, 0, callback)]
        else:
            found = _solve_block(start, block, part, callback)
        results += found
        if any(result.status in _ENDED for result in found):
            break
    x = xp.zeros((n, k), system.b.dtype)
    if not results:
        return Result(x, Status.CONVERGED, "converged: b has no columns", np.zeros((1, 0)))
    if system.x0 is not None:
        x[...] = system.x0
    return join_columns(results, x)


def join_columns(results, x, **fields):
    """Return one result for the columns of `x` that were solved, with other `fields`; or raise `Interrupted`.

    The worst status speaks for all. Histories of columns never begun are NaN.
    """
    k = x.shape[1]
    residuals = np.full((max(r.nit for r in results) + 1, k), np.nan)
    for column, result in enumerate(results):
        x[:, column] = result.x
        residuals[: len(result.residuals), column] = result.residuals
    worst = min(range(len(results)), key=lambda c: (results[c].status == 0, results[c].status))
    message, missed = results[worst].message, sum(not r.success for r in results)
    if missed:
        message = f"{missed} of {k} columns, first {worst}: {message}"
    result = replace(results[worst], x=x, residuals=residuals, message=message, **fields)
    if any(r.status == Status.INTERRUPTED for r in results):
        raise Interrupted(result)
    return result


def _solve_caught(start, system, column, callback):
    """Solve for one column; Ctrl-C becomes a status, for there is more to hand back."""
    try:
        x0 = None if system.x0 is None else system.x0[:, column]
        return _solve_one(start, system, system.b[:, column], x0, callback)
    except Interrupted as caught:
        return caught.result


def _solve_block(start, block, system, callback):
    """Solve for all columns at once; return a `Result` for each.

    Where the block method breaks down or stagnates, the columns it leaves are solved one by one.
    """
    b, xp = system.b, namespace(system.b)
    real = b.real.dtype
    largest = to_host(abs(b).max(axis=0))
    A_unit = unit_near(system.A.magnitude(), b.dtype)
    units = np.array([unit_near(float(value), b.dtype) for value in largest])
    A, M = system.A, system.M
    if A_unit != 1:
        A, M = Scaled(A, 1 / A_unit), None if M is None else Scaled(M, A_unit)
    x_units = xp.asarray((units / A_unit).astype(real))
    b = xp.ascontiguousarray(b if (units == 1).all() else b * xp.asarray((1 / units).astype(real)))
    x = xp.zeros_like(b)
    if system.x0 is not None:
        x += system.x0 * xp.asarray((largest > 0).astype(real)) / x_units
    squares = to_host(kernels_for(b).block_gram(b, b)).diagonal().real
    tol = np.maximum(system.rtol * np.sqrt(squares), system.atol / units).astype(real)
    try:
        result = iterate(
            lambda x: block(A, b, M, x),
            x,
            tol=tol,
            maxiter=system.maxiter,
            callback=callback,
            deadline=system.deadline,
            scale=(x_units if (units != A_unit).any() else 1.0, units),
        )
    except Interrupted as caught:
        result = caught.result
    columns = columns_of(result, tol * units)
    if result.status in (Status.BREAKDOWN, Status.NONFINITE, Status.SINGULAR, Status.STAGNATED):
        missed = [c for c in range(len(columns)) if not columns[c].success]
        for column in missed:
            _finish(start, system, columns, column, callback)
            if columns[column].status in _ENDED:
                break
    return columns


def columns_of(result, tol):
    """Return a `Result` for each column of a block."""
    columns = []
    for column, norms in enumerate(result.residuals.T):
        history = norms[: np.flatnonzero(~np.isnan(norms)).max(initial=0) + 1]
        status, message = result.status, result.message
        if history[-1] <= tol[column]:
            status, message = Status.CONVERGED, "converged"
        columns.append(Result(result.x[:, column], status, message, history))
    return columns


def _finish(start, system, columns, column, callback):
    """Go on with one column of a block alone."""
    before = columns[column]
    X = namespace(before.x).stack([c.x for c in columns], axis=1)
    norms = np.array([c.residuals[-1] for c in columns])

    def alone(x, norm):
        norms[column] = norm
        if x is not None:
            X[:, column] = x
        return callback(None if x is None else X, norms)

    alone.wants_x = getattr(callback, "wants_x", True)
    rest = system._replace(maxiter=max(system.maxiter - before.nit, 0), x0=X.copy())
    after = _solve_caught(start, rest, column, alone if callback else None)
    columns[column] = replace(after, residuals=np.append(before.residuals[:-1], after.residuals))


def norm(x):
    """Return the 2-norm of a vector as a float of the host."""
    return sqrt(read_sum(kernels_for(x).dot(x, x)))


def unit_near(magnitude, dtype):
    """Return a power of two near `magnitude` if its squares might overflow or vanish in `dtype`, else 1."""
    safe = float(np.finfo(dtype).max) ** 0.125
    if 1 / safe < magnitude < safe or magnitude == 0 or not isfinite(magnitude):
        return 1.0
    return ldexp(1.0, frexp(magnitude)[1])
