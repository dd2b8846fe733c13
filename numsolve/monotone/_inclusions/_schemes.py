"""The schemes of extragradient methods as data, and the loop that runs them."""

from dataclasses import dataclass
from math import inf, sqrt
from typing import Any, NamedTuple

from ... import _validate

TRIAL = 1e-3  # length of the first step for an estimate of L, relative to the starting point


class Scheme(NamedTuple):
    """Where a method reads the operator, and how it moves.

    With G the operator at the point that is read, an iteration is ``z = P(z - eta G + ...)``.

    Attributes
    ----------
    reads : {"ahead", "past", "current", "reflected"}
        "ahead": the operator is read at ``P(z - gamma F(z))``. "past": at ``P(z - gamma G)`` with the G of
        the iteration before. "current": at z, and ``gamma (F(z) - F(z before))`` is subtracted too.
        "reflected": at ``2 z - z before``.
    limit : float
        The step times L that is taken by default.
    anchored : bool
        Whether ``(z0 - z) / (t + 1)`` is added in both steps of iteration t.
    """

    reads: str
    limit: float
    anchored: bool = False


EXTRAGRADIENT = Scheme("ahead", 0.9)
PAST = Scheme("past", 0.5)
OPTIMISTIC = Scheme("current", 0.5)
REFLECTED = Scheme("reflected", sqrt(2) - 1)
ACCELERATED = Scheme("past", 1 / sqrt(6), anchored=True)


@dataclass(frozen=True)
class SeparatedSteps:
    """Steps for noisy operators: a long one to look ahead, a shorter one to move.

    ``gamma_t = gamma / (t + offset)^gamma_power`` and ``eta_t = eta / (t + offset)^eta_power``.

    Parameters
    ----------
    gamma, eta : float
        The first factors, > 0.
    gamma_power, eta_power : float
        The powers, ``0 <= gamma_power <= eta_power``. For monotone operators take 1/3 and 2/3, for
        affine ones 0 and 1.
    offset : float
        Added to the number of the iteration, which begins with 1.

    Notes
    -----
    The last iterate converges if ``sum(gamma_t eta_t)`` is infinite, and ``sum(eta_t^2)`` and
    ``sum(gamma_t^2 eta_t)`` are finite.

    References
    ----------
    Y.-G. Hsieh, F. Iutzeler, J. Malick, P. Mertikopoulos, *Explore aggressively, update conservatively:
    stochastic extragradient methods with variable stepsize scaling*, :doi:`10.48550/arXiv.2003.10162`.
    """

    gamma: float = 1.0
    eta: float = 1.0
    gamma_power: float = 1 / 3
    eta_power: float = 2 / 3
    offset: float = 0.0

    def __post_init__(self):
        for name in ("gamma", "eta"):
            _validate.positive(getattr(self, name), name)
        if not 0 <= self.gamma_power <= self.eta_power:
            raise ValueError(
                f"gamma_power is {self.gamma_power} and eta_power {self.eta_power}; "
                "0 <= gamma_power <= eta_power is needed"
            )

    def __call__(self, t):
        """Return the two steps of iteration t."""
        return (
            self.gamma / (t + self.offset) ** self.gamma_power,
            self.eta / (t + self.offset) ** self.eta_power,
        )


class Steps:
    """The steps of a run: given, from a given L, or from the largest L seen so far.

    Parameters
    ----------
    step : float, callable or "auto"
        The step gamma, a function of the iteration that returns gamma and eta, or "auto".
    lipschitz : float or None
        The Lipschitz constant of the operator, for "auto".
    ratio : float
        ``eta / gamma``.
    less : float
        What is subtracted from gamma for eta, before the ratio.
    limit : float
        ``gamma L`` for "auto".
    """

    def __init__(self, step, lipschitz, ratio, less, limit):
        self.schedule: Any = step if callable(step) else None
        self.ratio, self.less, self.limit = ratio, less, limit
        self.adaptive = isinstance(step, str) and lipschitz is None
        self.L: Any = 0.0
        self.gamma: Any = inf
        if isinstance(step, str):
            _validate.choice(step, "step", ("auto",))
            if lipschitz is not None:
                self.gamma = limit / _validate.positive(lipschitz, "lipschitz")
        elif self.schedule is None:
            self.gamma = _validate.positive(step, "step")
            if not self.gamma > less:
                raise ValueError(
                    f"step is {self.gamma:.3g}; more than {less:.3g}, twice the comonotonicity, is needed"
                )

    def at(self, t):
        """Return gamma and eta of iteration t."""
        if self.schedule is not None:
            return self.schedule(t)
        return self.gamma, (self.gamma - self.less) * self.ratio

    def see(self, xp, move, change):
        """Learn from the change of the operator along a move; tell whether the step was short enough."""
        if not self.adaptive:
            return True
        length, height = xp.sqrt(move @ move), xp.sqrt(change @ change)
        found = xp.where(length > 0, height / xp.where(length > 0, length, 1), 0.0)
        self.L = xp.maximum(self.L, xp.where(xp.isfinite(found), found, 0.0))
        before, self.gamma = self.gamma, self.limit / xp.where(self.L > 0, self.L, 1.0)
        return before <= self.gamma * (1 + 1e-6) if self.limit >= 0.9 else before <= 1.5 * self.gamma


class Run:
    """The loop of all schemes.

    Attributes
    ----------
    average : array or None
        The mean of the points that were read, weighted by eta.
    """

    def __init__(self, scheme, F, P, steps, scale, xp):
        self.scheme, self.F, self.P, self.steps, self.scale, self.xp = scheme, F, P, steps, scale, xp
        self.average, self.weight = None, 0.0

    def operator(self, z):
        """Return the operator, each part times its factor."""
        value = self.F(z)
        return value if self.scale is None else self.scale * value

    def residual_of(self, z, value):
        """Return the natural residual at a point whose operator is known."""
        return z - self.P(z - (value if self.scale is None else value / self.scale))

    def residual(self, z):
        """Return the natural residual at a point."""
        return z - self.P(z - self.F(z))

    def begin(self, z, value):
        """Learn a first step."""
        if not self.steps.adaptive:
            return
        xp = self.xp
        length = TRIAL * (1 + xp.sqrt(z @ z))
        size = xp.sqrt(value @ value)
        near = z - value * (length / xp.where(size > 0, size, 1))
        self.steps.see(xp, near - z, self.operator(near) - value)

    def points(self, z):
        """Yield a point and its residual in each iteration."""
        xp, P, scheme, t = self.xp, self.P, self.scheme, 0
        first = before = z
        read, value = z, self.operator(z)
        at_z = old = value
        self.begin(z, value)
        while True:
            t += 1
            gamma, eta = self.steps.at(t)
            pull = (first - z) / (t + 1) if scheme.anchored else 0
            last = read, value
            if scheme.reads == "current":
                read, value = z, at_z
                after = P(z - eta * value - gamma * (value - old))
                old = value
            else:
                if scheme.reads == "reflected":
                    read = 2 * z - before
                else:
                    read = P(z - gamma * (at_z if scheme.reads == "ahead" else value) + pull)
                value = self.operator(read)
                after = P(z - eta * value + pull)
            if scheme.reads == "ahead":
                good = self.steps.see(xp, read - z, value - at_z)
            else:
                good = self.steps.see(xp, read - last[0], value - last[1])
            self.add(read, eta)
            before = z
            z = after if good is True else xp.where(good, after, z)
            if scheme.reads in ("ahead", "current"):
                at_z = self.operator(z)
                yield z, self.residual_of(z, at_z)
            elif scheme.reads == "past":
                yield read, self.residual_of(read, value)
            else:
                yield z, self.residual_of(read, value)

    def add(self, read, eta):
        """Add a point to the average."""
        self.weight = self.weight + eta
        self.average = (
            read if self.average is None else self.average + eta / self.weight * (read - self.average)
        )
