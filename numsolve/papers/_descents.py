"""How papers follow a minimiser: its values against its iterations, evaluations and time."""

import numpy as np

from .. import newton
from .._result import inner_solve
from . import _timing

MOST_ROWS = 150  # of a curve


class Counted:
    """A function that counts its calls."""

    def __init__(self, function):
        self._function, self.calls = function, 0

    def __call__(self, *args):
        self.calls += 1
        return self._function(*args)


def descend(problem, method, *, goal, maxiter, hess=None, x0=None, **options):
    """Minimise a problem and return its curve: rows of iteration, Hessians, gradients, seconds and gap.

    Parameters
    ----------
    problem : UnconstrainedProblem
        The problem; its minimum is known.
    method : str
        The method of `numsolve.newton.minimize`.
    goal : float
        The gap, the value minus the minimum, at which to stop.
    maxiter : int
        Most iterations.
    hess : callable, optional
        The Hessian or an approximation. Default: that of the problem.
    x0 : array, optional
        The start. Default: that of the problem.
    **options
        Options of the method.

    Returns
    -------
    list of dict
        A row for the start and for each step, but at most `MOST_ROWS`, the last one included. The values for
        the gap are not counted, and their time is left out.
    """
    x0 = problem.x0 if x0 is None else x0
    grad, hess = Counted(problem.grad), Counted(problem.hess if hess is None else hess)
    rows, outside = [], 0.0
    begun = _timing.clock()

    def note(x, norm):  # noqa: ARG001 - the loop's protocol
        nonlocal outside
        now = _timing.clock()
        rows.append(
            {
                "iteration": len(rows),
                "hessians": hess.calls,
                "gradients": grad.calls,
                "seconds": now - begun - outside,
                "gap": max(problem.fun(x) - problem.minimum, 0.0),
            }
        )
        outside += _timing.clock() - now
        return rows[-1]["gap"] <= goal

    note(x0, 0.0)
    with inner_solve():  # a miss is an open end of the curve, not a warning
        newton.minimize(
            problem.fun,
            x0,
            grad=grad,
            hess=hess,
            method=method,
            rtol=0.0,
            maxiter=maxiter,
            callback=note,
            **options,
        )
    return thinned(rows, goal)


def thinned(rows, goal):
    """Return at most `MOST_ROWS` rows of a curve, each with whether the last one reaches the goal."""
    last = len(rows) - 1
    kept = sorted({*np.unique(np.geomspace(1, last + 1, MOST_ROWS).astype(int)) - 1, last})
    return [{**rows[k], "reached": rows[-1]["gap"] <= goal} for k in kept]


def curve_of(rows, **key):
    """Return the rows of a table that have these values."""
    return [row for row in rows if all(row[name] == value for name, value in key.items())]


def draw(ax, curve, against, style="-", **options):
    """Draw the gap of a curve; a curve that misses its goal ends in an open marker."""
    x = [row[against] for row in curve]
    gaps = np.maximum([row["gap"] for row in curve], 1e-18)
    (line,) = ax.semilogy(x, gaps, style, **options)
    if not curve[-1]["reached"]:
        ax.plot(x[-1:], gaps[-1:], "o", color=line.get_color(), markerfacecolor="white", markersize=5)


def finish(ax, **labels):
    """Set titles and labels of a panel, and its looks."""
    ax.set(**labels)
    ax.grid(True, which="major", alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=8)


def rows_of(curve, **key):
    """Return the rows of a curve with the columns that identify it in the table."""
    return [{**key, **row} for row in curve]


def median_iterations(rows, **key):
    """Return the median of the iterations to the goal; infinite for curves that miss it."""
    ends = {row["instance"]: row for row in curve_of(rows, **key)}
    return float(np.median([row["iteration"] if row["reached"] else np.inf for row in ends.values()]))
