"""The result of a solve, its status, and the errors and warnings of a failure."""

import sys
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum
from math import nan
from typing import Any

import numpy as np

_is_inner = ContextVar("is_inner", default=False)  # one for each thread, unlike the filters of `warnings`


class Status(IntEnum):
    """Why an iteration ended.

    The signs are those of SciPy's ``info``. Zero: converged. Positive: stopped early with a usable iterate,
    or doubtful: the tolerance is met, but the error of the iterate may be large. Negative: broke down, or
    shown to have no solution (`INFEASIBLE`, `UNBOUNDED`).
    """

    CONVERGED = 0
    MAXITER = 1
    STOPPED = 2
    STAGNATED = 3
    TIME_LIMIT = 4
    INTERRUPTED = 5
    DOUBTFUL = 6
    BREAKDOWN = -1
    NONFINITE = -2
    SINGULAR = -3
    INVALID = -4
    INFEASIBLE = -5
    UNBOUNDED = -6


class ConvergenceError(RuntimeError):
    """Raised by ``Result.check``: the solve did not converge."""


class ConvergenceWarning(UserWarning):
    """A solve did not reach the requested accuracy, or its answer may be inaccurate."""


class Breakdown(ArithmeticError):
    """Raised inside a method: the recurrence cannot go on. The loop turns it into a status."""

    def __init__(self, message, status=Status.BREAKDOWN):
        super().__init__(message)
        self.status = status

    def __reduce__(self):
        return type(self), (str(self), self.status)


def not_finite(operators="A or M"):
    """Return the exception for a product that is NaN or infinite."""
    return Breakdown(
        f"the product with {operators} is not finite: it overflows or returns NaN", Status.NONFINITE
    )


def not_definite(name, value):
    """Return the exception for a `value` that shows that A or M is not positive definite.

    MINRES does not need a definite A, but it needs a definite M.
    """
    form, method = {"A": ("p^H A p", "minres"), "M": ("r^H M r", "gmres")}[name]
    return Breakdown(f"{form} = {value:.2e} is not positive: {name} is not positive definite, use {method}")


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a solve; ``result`` holds a usable iterate.

    Attributes
    ----------
    result : Result
        The last iterate, or the best one kept, and the history, with status ``Status.INTERRUPTED``.
    """

    def __init__(self, result):
        super().__init__(result.message)
        self.result = result

    def __reduce__(self):
        return type(self), (self.result,)


class FunctionError(RuntimeError):
    """A function of the caller raised an exception during a solve.

    The exception itself is the cause, ``__cause__``.

    Attributes
    ----------
    result : Result
        The last iterate at which the function had a value, and the history.
    """

    def __init__(self, message, result):
        super().__init__(message)
        self.result = result

    def __reduce__(self):
        return type(self), (str(self), self.result)


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """Solution and history of an iterative solve.

    It unpacks, indexes and slices as the tuple that SciPy's solvers return: ``x, info = result``.

    Attributes
    ----------
    x : array, shape (n,) or (n, k)
        The last iterate, or one that was kept because its residual is smaller, in the library of the
        right-hand side. The residual is at most that of the starting guess.
    status : Status
        Why the iteration ended.
    message : str
        The same in words; after a failure, with a remedy.
    residuals : numpy.ndarray of floats, shape (nit + 1,) or (nit + 1, k)
        Norm of the residual at the start and after each iteration, on the host. The last one
        is the true norm for `x`. A column that converged before the others is padded with NaN.
    """

    x: Any
    status: Status
    message: str
    residuals: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def success(self):
        """Whether the tolerance was met."""
        return self.status == Status.CONVERGED

    @property
    def nit(self):
        """Number of iterations (of the slowest column)."""
        return max(len(self.residuals) - 1, 0)

    def check(self):
        """Return the result itself, or raise.

        Returns
        -------
        Result
            The result, if its tolerance was met.

        Raises
        ------
        ConvergenceError
            The tolerance was not met; the message says why and what to try.
        """
        if not self.success:
            raise ConvergenceError(f"{self.message} (after {self.nit} iterations)")
        return self

    def plot(self, ax=None, **style):
        """Draw the history of the residual norm.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw. Default: a new figure.
        **style
            Passed on to ``ax.semilogy``, as ``color`` or ``label``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            ax = plt.subplots(figsize=(6, 4), layout="constrained")[1]
        history = self.residuals.reshape(len(self.residuals), -1)
        first = history[0].max(initial=0.0) or 1.0
        ax.semilogy(np.arange(len(history)), history / first, **style)
        ax.set(xlabel="iteration", ylabel="residual norm / first residual norm")
        ax.grid(True, which="major", alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
        return ax

    def _as_tuple(self):
        """Return the tuple of SciPy's solvers."""
        return self.x, int(self.status)

    def __iter__(self):
        return iter(self._as_tuple())

    def __len__(self):
        return len(self._as_tuple())

    def __getitem__(self, index):
        return self._as_tuple()[index]

    def __repr__(self):
        last = f"{np.fmax.reduce(self.residuals[-1], axis=None):.3e}" if self.residuals.size else "none"
        return (
            f"{type(self).__name__}({self.status.name}: {self.message}; "
            f"nit={self.nit}, residual={last}, x of shape {np.shape(self.x)})"
        )


@dataclass(frozen=True, eq=False, repr=False)
class LinearResult(Result):
    """A `Result` of a linear system, with what its entries tell about the error of `x`.

    Attributes
    ----------
    backward_error : float
        The row-wise backward error, ``max(abs(b - A @ x) / (abs(A) @ abs(x) + abs(b)))``, the largest of the
        columns: `x` solves a system whose entries differ by this factor at most. NaN for a LinearOperator.
    forward_error : float
        Relative change of `x` when the method went on to a smaller residual: the error of the iterate before.
        NaN where this was not done.
    doubt : str
        Why `x` may be wrong although its residual meets the tolerance, with a remedy; the message ends with
        it. Empty if nothing was found, which does not prove that `x` is right.
    """

    backward_error: float = nan
    forward_error: float = nan
    doubt: str = ""


def warn_of_miss(result, name=""):
    """Return the result; warn in the code that called the library, with the problem's name.

    There is a warning if the result missed its tolerance, or if its solution is in doubt.
    """
    missed = result.status not in (Status.CONVERGED, Status.STOPPED)
    if (missed or getattr(result, "doubt", "")) and not _is_inner.get():
        message = f"{name}: {result.message}" if name else result.message
        warnings.warn(message, ConvergenceWarning, stacklevel=_level_outside())
    return result


def _level_outside():
    """Return the level of the nearest frame outside the library, for a warning in the caller of this."""
    frame, level = sys._getframe(2), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(f"{__package__}."):
        frame, level = frame.f_back, level + 1
    return level


def warn_of_misses(results, kind="problems", names=None):
    """Return many results; warn once of those that missed their tolerance.

    The message contains `kind`, the plural noun for the problems. It names the first problem that missed by
    its entry of `names`, or else by its index.
    """
    missed = [p for p, r in enumerate(results) if r.status not in (Status.CONVERGED, Status.STOPPED)]
    if missed and not _is_inner.get():
        first = missed[0]
        name = first if names is None else names[first]
        message = f"{len(missed)} of {len(results)} {kind}, first {name}: {results[first].message}"
        warnings.warn(message, ConvergenceWarning, stacklevel=3)
    return results


def is_inner():
    """Tell whether this is a solve inside another one, which checks the tolerance."""
    return _is_inner.get()


@contextmanager
def inner_solve():
    """Suppress the warning of a miss: the outer solve checks the tolerance."""
    token = _is_inner.set(True)
    try:
        yield
    finally:
        _is_inner.reset(token)
