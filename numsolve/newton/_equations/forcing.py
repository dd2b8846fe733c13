"""The relative tolerances of the inner solves: forcing terms of Eisenstat and Walker, or a constant.

S. C. Eisenstat, H. F. Walker, Choosing the forcing terms in an inexact Newton method, SIAM J. Sci. Comput. 17
(1996) 16-32, doi:10.1137/0917003.
"""

from typing import Any

from ... import _validate

LARGEST, FIRST, THRESHOLD = 0.9, 0.1, 0.1
GAMMA, ALPHA = 0.9, 2.0  # of choice 2
GOLDEN = (1 + 5**0.5) / 2  # the order of convergence of choice 1
RULES = ("eisenstat-walker", "eisenstat-walker-1")


class Forcing:
    """The forcing terms of a run, which learn from each step.

    The rules are choice 2, ``0.9 * (norm / last norm)**2``, and choice 1, the error of the linear model
    ``abs(norm - linear norm) / last norm``, with the safeguards of the paper: a term falls no faster than
    convergence of the order that is expected. No term asks for a residual below half of the tolerance
    (C. T. Kelley, Iterative Methods for Linear and Nonlinear Equations, SIAM 1995, equation 6.20).

    Parameters
    ----------
    rule : str or float
        One of `RULES`, or a constant between 0 and 1.
    tol : float
        Tolerance for the norm of F.
    """

    def __init__(self, rule: Any, tol):
        self.constant = None
        if not isinstance(rule, str):
            self.constant = _validate.positive(rule, "forcing")
            if self.constant >= 1:
                raise ValueError(f"forcing is {rule!r}; a number between 0 and 1, or a name, is needed")
        self.rule = rule if self.constant is not None else _validate.choice(rule, "forcing", RULES)
        self.tol, self._last = tol, (0.0, 0.0)
        self._eta = FIRST if self.constant is None else self.constant

    def term(self, norm, least=0.0):
        """Return the relative tolerance for the step from a point with this norm, at least `least`."""
        last, linear = self._last
        if last > 0 and self.constant is None:
            if self.rule == RULES[0]:
                eta, safe = GAMMA * (norm / last) ** ALPHA, GAMMA * self._eta**ALPHA
            else:
                eta, safe = abs(norm - linear) / last, self._eta**GOLDEN
            self._eta = min(LARGEST, max(eta, safe) if safe > THRESHOLD else eta)
        return min(LARGEST, max(self._eta, 0.5 * self.tol / norm, least))

    def observe(self, norm, linear):
        """Record the norm before a step, and the norm of the linear model after it."""
        self._last = norm, linear
