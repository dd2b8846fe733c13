"""The iterate of a run of block coordinate descent, and what was computed at it."""

from typing import Any

import numpy as np

from .._array import array_module
from ._penalties import Box

KEPT_ENTRIES = 2**24  # of columns of a constant Hessian
AT_ONCE = 64  # coefficients whose second derivatives at zero are computed together
FRESH_EVERY = 500  # steps after which an updated gradient is computed anew


class Problem:
    """A datafit with a penalty, and the bounds of the curvature that rules read.

    Attributes
    ----------
    datafit : Datafit
        The smooth part.
    penalty : Penalty
        The other part.
    xp : module
        The library of the arrays.
    n : int
        Number of coefficients.
    """

    def __init__(self, datafit, penalty):
        self.datafit, self.penalty, self.n = datafit, penalty._on(datafit.library), datafit.n
        self.xp: Any = array_module(datafit.library)
        self._curvatures: Any = None
        self._at_zero: Any = None  # the state at zero, if there are no bounds of the second derivatives
        self._columns: dict[int, Any] = {}

    @property
    def curvatures(self) -> Any:
        """Upper bounds of the second derivatives, > 0; the second derivatives at zero if there are none."""
        if self._curvatures is None:
            found = self.xp.asarray(self.datafit.curvatures(), dtype=self.datafit.dtype)
            if not bool(self.xp.isfinite(found).all()):
                self._at_zero = self.datafit.state(self.xp.zeros(self.n, self.datafit.dtype))
                found = self._second_derivatives()
            largest = float(abs(found).max())
            least = float(np.finfo(self.datafit.dtype).eps) * largest if largest > 0 else 1.0
            self._curvatures = self.xp.maximum(found, least)
        return self._curvatures

    def has_bounds(self):
        """Tell whether the second derivatives of the datafit are bounded."""
        return self.curvatures is not None and self._at_zero is None

    def _second_derivatives(self):
        """Return the second derivatives at zero, of few coefficients at a time."""
        found = self.xp.empty(self.n, self.datafit.dtype)
        for at in range(0, self.n, AT_ONCE):
            block = self.xp.arange(at, min(at + AT_ONCE, self.n))
            found[block] = self.datafit.block_hessian(block, self._at_zero).diagonal()
        return found

    def index(self, block) -> Any:
        """Return the indices of a block as an array in the library of the problem."""
        return self.xp.asarray(block)

    def moved(self, x, d, block) -> Any:
        """Return ``x + d`` for the coefficients of a block; rounding does not move it beyond a bound."""
        if isinstance(self.penalty, Box):
            return self.penalty.prox(x + d, 1.0, block)
        return x + d

    def gradient_change(self, block, d) -> Any:
        """Return the change of the gradient by a step, from kept columns of a constant Hessian.

        None where it is not known, or not cheaper than the gradient itself: on a GPU, for Hessians that
        are not constant, and if the columns would take too much memory.
        """
        if self.xp is not np:
            return None
        places = np.flatnonzero(d)
        missing = [j for j in block[places].tolist() if j not in self._columns]
        if missing:
            if (len(self._columns) + len(missing)) * self.n > KEPT_ENTRIES:
                return None
            found = self.datafit.hessian_columns(np.array(missing))
            if found is None:
                return None
            self._columns.update(zip(missing, np.ascontiguousarray(found.T), strict=True))
        change = np.zeros(self.n, d.dtype)
        for j, step in zip(block[places].tolist(), d[places].tolist(), strict=True):
            change += step * self._columns[j]
        return change

    def largest_eigenvalue(self, block) -> Any:
        """Return the largest eigenvalue of the Hessian bound of a block, or of its Hessian at zero."""
        if len(block) == 1:
            return self.curvatures[block][0]
        H = self.datafit.block_hessian(block, self._at_zero)
        return self.xp.maximum(self.xp.linalg.eigvalsh(H)[-1], self.curvatures[block].max())

    def largest_scaled_eigenvalue(self, roots) -> float:
        """Return the largest eigenvalue of the Hessian bound, with rows and columns divided by `roots`.

        The power method computes it to about a percent.
        """
        v = np.random.default_rng(0).standard_normal(self.n)
        v = self.xp.asarray(v.astype(self.datafit.dtype))
        found = 0.0
        for _ in range(100):
            v = self.datafit.hessian_product(v / roots) / roots
            before, found = found, float(v @ v) ** 0.5
            if not found > 0:
                return 1.0
            v = v / found
            if abs(found - before) <= 1e-3 * found:
                break
        return 1.01 * found


class Iterate:
    """Coefficients that one block step after another changes in place.

    Attributes
    ----------
    problem : Problem
        Datafit and penalty.
    x : array, shape (n,)
        The coefficients.
    state : array
        The state of the datafit at `x`.
    """

    def __init__(self, problem: Problem, x):
        self.problem, self.x = problem, x
        self.state: Any = problem.datafit.state(x)
        self._gradient: Any = None
        self._value: Any = None
        self._moves = 0

    @property
    def gradient(self) -> Any:
        """The gradient of the datafit, shape (n,), computed once for each point."""
        if self._gradient is None:
            self._gradient = self.problem.datafit.gradient(self.state, self.x)
        return self._gradient

    @property
    def objective(self) -> float:
        """The value of datafit plus penalty, computed once for each point."""
        if self._value is None:
            problem = self.problem
            self._value = float(problem.datafit.value(self.state, self.x)) + problem.penalty.value(self.x)
        return self._value

    def violations(self) -> Any:
        """Return the distance of ``-gradient`` to the subdifferential of the penalty, by coordinate."""
        return self.problem.penalty.violation(self.x, self.gradient)

    def block_gradient(self, block) -> Any:
        """Return the gradient in a block; the full one is used where it is known."""
        if self._gradient is not None:
            return self._gradient[block]
        return self.problem.datafit.block_gradient(self.state, self.x, block)

    def move(self, block, d):
        """Add the change `d` of a block to the coefficients, and follow it in the state."""
        self.x[block] = self.problem.moved(self.x[block], d, block)
        self.state = self.problem.datafit.moved(self.state, block, d)
        self._value, self._moves = None, self._moves + 1
        if self._gradient is not None:
            change = self.problem.gradient_change(block, d) if self._moves % FRESH_EVERY else None
            self._gradient = None if change is None else self._gradient + change

    def along(self, block, d):
        """Return a function of a factor that gives the objective after ``factor * d``, and moves nothing."""
        datafit, penalty = self.problem.datafit, self.problem.penalty
        change = datafit.moved(self.problem.xp.zeros_like(self.state), block, d)

        def objective(factor):
            x = self.x.copy()
            x[block] = self.problem.moved(x[block], factor * d, block)
            return float(datafit.value(self.state + factor * change, x)) + penalty.value(x)

        return objective
