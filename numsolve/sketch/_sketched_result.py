"""The result of sketched least squares."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._result import Result


@dataclass(frozen=True, eq=False, repr=False)
class SketchedResult(Result):
    """Solution and history of a sketched least-squares solve.

    Attributes
    ----------
    x : array, shape (n,) or (n, k)
        The solution, in the library of the right-hand side.
    status : Status
        Why the iteration ended.
    message : str
        The same in words; after a failure, with a remedy.
    residuals : numpy.ndarray of floats, shape (nit + 1,) or (nit + 1, k)
        The estimated relative backward error at the start and after each iteration. The last one is computed
        from `x`.
    backward_error : float or numpy.ndarray of floats, shape (k,)
        The last of them: `x` is the exact least-squares solution for a matrix whose relative difference from
        A, in the Frobenius norm and in scaled columns, is about this number.
    residual_norm : float or numpy.ndarray of floats, shape (k,)
        ``norm(b - A x)``, computed from `x`; with damping that of ``[b - A x; damp x]``.
    rank : int
        The numerical rank of A, found from the sketch; with damping that of ``[A; damp I]``.
    rows : int
        The number of rows of the sketch; that of A if it was factorised itself.
    """

    backward_error: Any = np.nan
    residual_norm: Any = np.nan
    rank: int = 0
    rows: int = 0

    def plot(self, ax: Any = None, **style: Any) -> Any:
        """Draw the history of the backward error.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            The axes to draw on. Default: a new figure.
        **style
            Passed to ``ax.semilogy``, such as ``color`` or ``label``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        ax = super().plot(ax, **style)
        ax.set_ylabel("backward error / first backward error")
        return ax
