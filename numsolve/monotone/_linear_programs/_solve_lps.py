"""Solve many linear programs."""

from concurrent.futures import Executor
from functools import partial

from ..._result import inner_solve, warn_of_misses
from ._lp import LP
from ._result import LPResult
from ._solve_lp import solve_lp


def solve_lps(
    lps,
    *,
    executor: Executor | None = None,
    chain=False,
    rtol=1e-4,
    maxiter=None,
    time_limit=None,
    presolve=True,
) -> list[LPResult]:
    """Solve many linear programs, such as those of one pattern with other costs or bounds.

    Parameters
    ----------
    lps : iterable of LP
        The programs.
    executor : concurrent.futures.Executor, optional
        Solves several at once: with a ``ThreadPoolExecutor`` the programs share the processors, because the
        iteration does not hold Python's lock. Default: one after the other.
    chain : bool
        Whether each program starts from the answer to the one before, if it has the same shape. It saves
        iterations if neighbours are similar, and needs `executor` to be None.
    rtol, maxiter : as there
        As in `solve_lp`.
    time_limit : float, optional
        Seconds for each program.
    presolve : bool
        As in `solve_lp`.

    Returns
    -------
    list of LPResult
        The results, in the order of the programs. A program that is not solved has a status that says so.

    Raises
    ------
    TypeError
        An entry is no LP.
    ValueError
        `chain` is combined with an executor, or another argument is out of range.

    Warns
    -----
    ConvergenceWarning
        Once, with the number of programs that were not solved.

    Notes
    -----
    The answers are those of `solve_lp`, one by one. Cost and storage are those of `solve_lp` for each program
    that runs at a time.

    References
    ----------
    H. Lu, J. Yang, *Restarted Halpern PDHG for linear programming*, :doi:`10.48550/arXiv.2407.16144`.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> from numsolve.monotone import LP, solve_lps
    >>> lps = [LP([1.0, price], [[1.0, 1.0]], 1.0, 2.0) for price in (0.5, 2.0)]
    >>> with ThreadPoolExecutor(2) as pool:
    ...     [round(result.objective, 3) for result in solve_lps(lps, executor=pool, rtol=1e-8)]
    [0.5, 1.0]
    """
    if chain and executor is not None:
        raise ValueError("chain=True needs executor=None: each program waits for the one before")
    lps = list(lps)
    for i, lp in enumerate(lps):
        if not isinstance(lp, LP):
            raise TypeError(f"lps[{i}] is of type {type(lp).__name__}; an LP is needed")
    solve = partial(_quietly, rtol=rtol, maxiter=maxiter, time_limit=time_limit, presolve=presolve)
    if executor is not None:
        results = list(executor.map(solve, lps))
    else:
        results: list[LPResult] = []
        for lp in lps:
            before = results[-1] if chain and results else None
            known = before is not None and before.certificate is None and _shape(before) == lp.shape
            start = {"x0": before.x, "y0": before.y} if before is not None and known else {}
            results.append(solve(lp, **start))
    return warn_of_misses(results, "linear programs")


def _shape(result):
    return len(result.y), len(result.x)


def _quietly(lp, **options):
    with inner_solve():
        return solve_lp(lp, **options)
