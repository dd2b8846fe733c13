"""Solve for several right-hand sides, one after the other or as a block, and return one result."""

from dataclasses import replace

import numpy as np

from .._array import namespace, to_host
from .._iterate import iterate
from .._result import Interrupted, Result, Status
from ..kernels import kernels_for
from .column import represented, solve_column, starter
from .system import largest, unit_near

LARGEST_BLOCK = 8  # columns that a block method takes at once; 16 were measured to cost more than they save
ENDS_ALL = (Status.STOPPED, Status.INTERRUPTED, Status.TIME_LIMIT)  # these end the other columns too


def solve_columns(method, system, callback, block=None):
    """Solve column by column, or several at once with `block`; the worst status is that of the result."""
    xp, (n, k) = namespace(system.b), system.b.shape
    results, width = [], 1 if block is None else LARGEST_BLOCK
    for group in (slice(first, first + width) for first in range(0, k, width)):
        x0 = None if system.x0 is None else system.x0[:, group]
        part = system._replace(b=system.b[:, group], x0=x0)
        found = _solve_block(method, block, part, callback) if part.b.shape[1] > 1 else None
        if found is None:
            found = _one_by_one(method, part, callback)
        results += found
        if any(result.status in ENDS_ALL for result in found):
            break
    x = xp.zeros((n, k), system.b.dtype)
    if not results:
        return Result(x, Status.CONVERGED, "converged: b has no columns", np.zeros((1, 0)))
    if system.x0 is not None:
        x[...] = system.x0
    return join_columns(results, x)


def join_columns(results, x, **fields):
    """Return one result for the columns of `x` that were solved, with other `fields`; or raise `Interrupted`.

    Its status is the worst one. The history of a column that was not started is NaN.
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


def _solve_caught(method, system, column, callback):
    """Solve for one column; after Ctrl-C return its result too, to join it with those of other columns."""
    x0 = None if system.x0 is None else system.x0[:, column]
    try:
        return solve_column(method, system, system.b[:, column], x0, callback)
    except Interrupted as caught:
        return caught.result


def _one_by_one(method, system, callback):
    """Solve for each column; return their results, up to one that ends all."""
    results = []
    for column in range(system.b.shape[1]):
        results.append(_solve_caught(method, system, column, callback))
        if results[-1].status in ENDS_ALL:
            break
    return results


@np.errstate(all="ignore")
def _solve_block(method, block, system, callback):
    """Solve for all columns at once; return a `Result` for each, or None if units of x are out of range.

    If the block method breaks down or stagnates, the columns that are left are solved one by one.
    """
    b, xp = system.b, namespace(system.b)
    real = b.real.dtype
    magnitudes = np.array([largest(b[:, column]) for column in range(b.shape[1])])
    units = np.array([unit_near(value, b.dtype) for value in magnitudes])
    A, M = system.scaled()
    x_unit = (units / system.A_unit).astype(real)
    if not ((x_unit > 0) & (x_unit < np.inf)).all():
        return None
    x_units = xp.asarray(x_unit)
    b = xp.ascontiguousarray(b if (units == 1).all() else b * xp.asarray((1 / units).astype(real)))

    def guess():
        if system.x0 is None:
            return xp.zeros_like(b)
        return (system.x0 * xp.asarray((magnitudes > 0).astype(real)) / x_units).astype(b.dtype)

    squares = to_host(kernels_for(b).block_gram(b, b)).diagonal().real
    tol = np.maximum(system.rtol * np.sqrt(squares), system.atol / units).astype(real)
    try:
        result = iterate(
            starter(block, A, b, M),
            guess(),
            tol=tol,
            maxiter=system.maxiter,
            callback=callback,
            deadline=system.deadline,
            scale=(x_units if (units != system.A_unit).any() else 1.0, units),
            guess=guess,
        )
    except Interrupted as caught:
        result = caught.result
    columns = columns_of(result, tol * units)
    for column in np.flatnonzero(x_unit != 1):
        part = xp.ascontiguousarray(b[:, column])
        columns[column] = represented(columns[column], A, part, x_unit[column], units[column], tol[column])
    if result.status in (Status.BREAKDOWN, Status.NONFINITE, Status.SINGULAR, Status.STAGNATED):
        missed = [c for c in range(len(columns)) if not columns[c].success]
        for column in missed:
            _finish(method, system, columns, column, callback)
            if columns[column].status in ENDS_ALL:
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


def _finish(method, system, columns, column, callback):
    """Continue with one column of a block alone."""
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
    after = _solve_caught(method, rest, column, alone if callback else None)
    columns[column] = replace(after, residuals=np.append(before.residuals[:-1], after.residuals))
