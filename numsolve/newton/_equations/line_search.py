"""Newton's method with backtracking.

S. C. Eisenstat, H. F. Walker, Globally convergent inexact Newton methods, SIAM J. Optim. 4 (1994) 393-422,
doi:10.1137/0804022, algorithm INB; the polynomials are those of J. E. Dennis, R. B. Schnabel, Numerical
Methods for Unconstrained Optimization and Nonlinear Equations, SIAM 1996, algorithm A6.3.1.
"""

from math import inf, sqrt

import numpy as np

from ..._linear.system import length
from ..._result import Status
from .equations import NO_ROOT, squared_ratio

SUFFICIENT = 1e-4  # of the decrease of the linear model
SHORTEN = 0.1, 0.5  # factors by which a step length may change
LEAST = 1e-14  # step length


def steps(equations, point):
    """Yield the points of Newton's method with backtracking on the norm of F."""
    while True:
        J = equations.linearised(point)
        s, linear = equations.step(J, point)
        point = _backtracked(equations, point, J, s, linear)
        yield point


def _backtracked(equations, point, J, s, linear):
    """Return the first point along `s` whose norm is small enough; `linear` is that of the linear model."""
    fall = max(1 - linear / point.norm, 0.0)
    search = Backtracking(-2 * (1 - squared_ratio(linear, point.norm)))
    size, least = length(s), float(np.finfo(point.x.dtype).eps) * length(point.x)
    while search.length * size > least and search.length > LEAST:
        trial = equations.at(point.x + search.length * s)
        if trial.norm <= (1 - SUFFICIENT * search.length * fall) * point.norm and trial.norm < point.norm:
            return trial
        search.shorten(squared_ratio(trial.norm, point.norm))
    if equations.is_stationary(point, J, s):
        raise equations.failure(point, J, NO_ROOT)
    what = (
        "no step along Newton's direction reduces norm(F): the Jacobian is nearly singular, or jac is wrong "
        "(see check_derivative)"
    )
    raise equations.failure(point, J, what, Status.BREAKDOWN)


class Backtracking:
    """The lengths of a step, by safeguarded quadratic and cubic interpolation.

    Parameters
    ----------
    slope : float
        Derivative at length 0 of the function that is to fall; its value there is 1.
    """

    def __init__(self, slope):
        self.length, self._slope = 1.0, slope
        self._before = None

    def shorten(self, value):
        """Choose the next length, from the `value` of the function at the present one."""
        tried, least, most = self.length, *SHORTEN
        if value < inf:
            self.length = min(max(self._minimiser(tried, value), least * tried), most * tried)
            self._before = tried, value
        else:
            self.length, self._before = least * tried, None

    def _minimiser(self, tried, value):
        """Return the minimiser of the polynomial through all that is known."""
        excess = value - 1 - self._slope * tried
        if self._before is None:
            return -self._slope * tried**2 / (2 * excess) if excess > 0 else tried
        last, last_value = self._before
        over, last_over = excess / tried**2, (last_value - 1 - self._slope * last) / last**2
        a = (over - last_over) / (tried - last)
        b = (tried * last_over - last * over) / (tried - last)
        if a == 0:
            return -self._slope / (2 * b) if b > 0 else tried
        discriminant = b * b - 3 * a * self._slope
        if discriminant < 0:
            return tried
        return (-b + sqrt(discriminant)) / (3 * a)
