"""Newton's method with a step length from a formula, a line search or a test of the new gradient."""

from math import sqrt
from typing import Any

from ... import _validate
from ..._result import Breakdown
from .objective import decrease, stuck
from .search import MOST_TRIALS, Search
from .truncated_cg import dot

LINE_ACCURACY = 1e-4  # slope at the end of an exact line search, relative to the one at its start
LONGEST = 2.0**20  # of the steps of a line search


class NewtonDirection(Search):
    """A method whose steps are along Newton's direction ``-inv(H) @ g``, of a positive definite H.

    The parameter is a factor that shortens the step of the formula: one, halved where the function is not
    finite, for a point outside of the domain, or rises.
    """

    checks_curvature = False

    def __init__(self, objective):
        super().__init__(objective)
        self._at, self._solve = None, None
        self._direction: Any = None
        self.local = 0.0  # the norm of the gradient in the inverse of H

    def direction(self, point):
        """Return Newton's direction at a point, computed once; raise `Breakdown` if H is not definite."""
        if self._at is not point:
            solve = point.model.factored(0.0)
            n = None if solve is None else solve(point.gradient)
            square = -1.0 if n is None else dot(point.gradient, n)
            if not square > 0:
                raise Breakdown(
                    "the Hessian is not positive definite: use method='trust-region' or 'cubic-lazy', "
                    "which do not need that"
                )
            self._at, self._direction, self._solve, self.local = point, n, solve, sqrt(square)
        return self._direction

    def length(self):
        """Return the length of the step in units of Newton's."""
        raise NotImplementedError

    def step(self, point, parameter):
        n = self.direction(point)
        return -(parameter * self.length()) * n

    def judge(self, point, trial, step, parameter):  # noqa: ARG002 - the protocol
        return (True, 1.0) if decrease(point, trial) > 0 else (False, parameter / 2)

    def harder(self, parameter):
        return parameter / 2


class Damped(NewtonDirection):
    r"""The damped Newton method for self-concordant functions: the length is :math:`1 / (1 + L G / 2)`.

    G is the norm of the gradient in the inverse of the Hessian. Yu. Nesterov, A. Nemirovskii, Interior-point
    polynomial algorithms in convex programming, SIAM, 1994, doi:10.1137/1.9781611970791.

    Parameters
    ----------
    L : float
        Constant of self-concordance, :math:`|D^3 f(x)[h, h, h]| \le L (h^T H h)^{3/2}`: 2 for a standard
        self-concordant function.
    """

    def __init__(self, objective, *, L=2.0):
        super().__init__(objective)
        self.L = _validate.positive(L, "L")

    def length(self):
        return 1 / (1 + self.L * self.local / 2)


class Aicn(Damped):
    r"""Affine-invariant cubic Newton: the length is :math:`(\sqrt{1 + 2 L G} - 1) / (L G)`.

    S. Hanzely, D. Kamzolov, D. Pasechnyuk, A. Gasnikov, P. Richtárik, M. Takáč, A damped Newton method
    achieves global O(1/k^2) and local quadratic convergence rate, NeurIPS 2022, arXiv:2211.00140.
    """

    def length(self):
        return 2 / (1 + sqrt(1 + 2 * self.L * self.local))


class Root(NewtonDirection):
    r"""Root Newton: the length is :math:`1 / (1 + \theta)`, :math:`\theta = (9 M)^{1/(q-1)} G^{(q-2)/(q-1)}`.

    S. Hanzely, F. Abdukhakimov, M. Takáč, Newton method revisited: global convergence rates up to
    O(1/k^3) for stepsize schedules and linesearch procedures, arXiv:2405.18926.

    Parameters
    ----------
    M : float
        Hölder constant of the derivative of order q - 1 in the local norm.
    q : float
        Order of smoothness, between 2 and 4.
    """

    def __init__(self, objective, *, M=1.0, q=3.0):
        super().__init__(objective)
        self.M, self.q = _validate.positive(M, "M"), _validate.number(q, "q")
        if not 2 <= self.q <= 4:
            raise ValueError(f"q is {q}; a number between 2 and 4 is needed")

    def length(self):
        q = self.q
        return 1 / (1 + (9 * self.M) ** (1 / (q - 1)) * self.local ** ((q - 2) / (q - 1)))


class Universal(NewtonDirection):
    r"""Universal Newton: :math:`\theta = \sigma G^\beta`, and :math:`\sigma` grows until a test is met.

    With Newton's direction n, the step :math:`-n / (1 + \theta)` to :math:`x_+` is accepted if
    :math:`2 \theta \langle \nabla f(x_+), n\rangle \ge (1 + \theta) \|\nabla f(x_+)\|_{H^{-1}}^2`. The next
    :math:`\sigma` starts lower by the factor `rho`. arXiv:2405.18926.

    Parameters
    ----------
    sigma0 : float
        The first :math:`\sigma`.
    rho : float
        Factor above one.
    beta : float
        Exponent of the norm of the gradient.
    """

    def __init__(self, objective, *, sigma0=1.0, rho=2.0, beta=0.5):
        super().__init__(objective)
        self.sigma0, self.rho = _validate.positive(sigma0, "sigma0"), _validate.positive(rho, "rho")
        self.beta = _validate.number(beta, "beta")
        if not self.rho > 1:
            raise ValueError(f"rho is {rho}; a number > 1 is needed")

    def first(self, point):  # noqa: ARG002 - the protocol
        return self.sigma0

    def step(self, point, parameter):
        n = self.direction(point)
        return -(1 / (1 + parameter * self.local**self.beta)) * n

    def judge(self, point, trial, step, parameter):  # noqa: ARG002 - the protocol
        if not trial.is_finite:
            return False, self.harder(parameter)
        theta = parameter * self.local**self.beta
        g, solve = trial.gradient, self._solve
        assert solve is not None
        w = solve(g)
        if w is None or not dot(g, self.direction(point)) >= dot(g, w) * (1 + theta) / (2 * theta):
            return False, self.harder(parameter)
        return True, max(parameter / self.rho, 1e-100)

    def harder(self, parameter):
        return parameter * self.rho


class Greedy(NewtonDirection):
    """Greedy Newton: an exact line search along Newton's direction, by the derivative. arXiv:2405.18926.

    Points outside of the domain count as points where the function rises.
    """

    def length(self):
        return 1.0

    def advance(self, point, parameter):
        n = self.direction(point)
        start = -dot(point.gradient, n)
        low, high, slope_low, slope_high = 0.0, 0.0, start, 0.0
        best, t = None, 1.0
        for _ in range(MOST_TRIALS):
            trial = point.moved(-t * n)
            slope = -dot(trial.gradient, n) if trial.is_finite else float("inf")
            fell = slope < float("inf") and decrease(point, trial) > 0
            if fell and (best is None or trial.value <= best.value):
                best = trial
            if fell and (abs(slope) <= LINE_ACCURACY * -start or t >= LONGEST):
                return trial, parameter
            if slope < 0 and fell:
                low, slope_low = t, slope
            else:
                high, slope_high = t, slope
            if high and high - low <= 1e-12 * high:
                break
            t = _inside(low, high, slope_low, slope_high) if high else 2 * t
        if best is None:
            raise stuck(point, n)
        return best, parameter


def _inside(low, high, slope_low, slope_high):
    """Return a point of a bracket: the secant's, kept off the ends; the middle if a slope is infinite."""
    if not slope_low < 0 < slope_high < float("inf"):
        return (low + high) / 2
    part = slope_low / (slope_low - slope_high)
    return low + min(max(part, 0.05), 0.95) * (high - low)
