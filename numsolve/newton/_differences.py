"""The gradient of a function by central differences, and the sizes of variables for their steps."""

from dataclasses import replace

import numpy as np

from .._result import Status

LESS = 1e2  # factor between two sizes of a variable that are tried
UNCERTAIN = 1e-4  # error of a gradient, relative to the first one, above which a small gradient tells nothing
ROUNDING = 8  # units of rounding in a difference of two values that may be rounding error


def typical_sizes(variables):
    """Return the size of each variable, for steps where it is near zero.

    It is the size of the start, and the largest one where that is zero, or tiny against the largest one; but
    at most one.
    """
    xp, sizes = variables.xp, abs(variables.start)
    largest = float(sizes.max()) if variables.n else 0.0
    tiny = sizes <= float(np.finfo(variables.dtype).eps) ** 0.5 * largest
    return xp.minimum(xp.where(tiny, sizes * 0 + (largest or 1.0), sizes), 1)


def in_doubt(result, gradient, x, value, tol):
    """Return the result; in doubt if the errors of a gradient by differences are far above the tolerance.

    A start that converges at once is not in doubt. `value` is that of
    the function at the vector `x`.
    """
    if not (result.success and isinstance(gradient, DifferenceGradient)):
        return result
    error = gradient.error(x, value)
    if not error > max(tol, UNCERTAIN * float(result.residuals[0])) or len(result.residuals) == 1:
        return result
    message = (
        f"the gradient meets the tolerance, but it is formed by differences of fun, whose rounding errors of "
        f"{error:.1e} are larger: pass grad, or subtract a constant from fun, which is {value:.3g} here"
    )
    return replace(result, status=Status.DOUBTFUL, message=message)


class DifferenceGradient:
    """The gradient by central differences of the function: 2 n evaluations.

    The step of component j is the cube root of machine epsilon times ``max(abs(x[j]), sizes[j])``.

    Attributes
    ----------
    sizes : array, shape (n,)
        Those of `typical_sizes`. Where these hardly change the function at the start, they grow: up to the
        largest one, and up to one where the change is rounding error.
    rounding : float
        The relative error of the gradient.
    """

    functions, calls, failure = (), 0, None

    def __init__(self, fun, variables):
        self._fun, self._variables = fun, variables
        self.m, self.name = variables.n, "grad"
        self._eps = float(np.finfo(variables.dtype).eps)
        self.rounding = self._eps ** (2 / 3)
        self.sizes, self._is_first = typical_sizes(variables), True

    def __call__(self, x):
        """Return the gradient at `x`."""
        difference, self._is_first = self._enlarged if self._is_first else self._difference, False
        differences = [difference(x, j)[:2] for j in range(len(x))]
        change, width = np.array(differences).reshape(-1, 2).T
        return self._variables.xp.asarray((change / width).astype(x.dtype))

    def error(self, x, value):
        """Return an estimate of the norm of the rounding errors of the gradient at `x`."""
        h = self._eps ** (1 / 3) * self._variables.xp.maximum(abs(x), self.sizes)
        return self._eps * abs(value) * float(((1 / h) ** 2).sum()) ** 0.5

    def _difference(self, x, j):
        """Return the difference of two values, the step between them, and the larger value."""
        h = self._eps ** (1 / 3) * max(abs(float(x[j])), float(self.sizes[j]))
        above, below = x.copy(), x.copy()
        above[j] += h
        below[j] -= h
        values = self._fun(above), self._fun(below)
        return values[0] - values[1], float(above[j] - below[j]), max(abs(values[0]), abs(values[1]))

    def _enlarged(self, x, j):
        """Return the same; the size grows where the difference is too small."""
        sizes = self.sizes
        largest = float(sizes.max())
        while True:
            change, width, value = self._difference(x, j)
            if not abs(change) < self.rounding * value:
                break
            most = 1.0 if abs(change) <= ROUNDING * self._eps * value else largest
            if not max(float(sizes[j]), abs(float(x[j]))) < most:
                break
            sizes[j] = min(LESS * sizes[j], most)
        return change, width, value
