"""Systems of equations whose variables have bounds."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import e, inf, pi
from typing import Any

import numpy as np
from numpy import exp, sin

from .. import _validate
from ._jets import Jet, as_jet


@dataclass(frozen=True, eq=False)
class BoundedSystem:
    """The system F(x) = 0 with bounds on x, and its Jacobian.

    Attributes
    ----------
    name : str
        The name of the system.
    fun : callable
        ``fun(x)`` returns F, shape (n,).
    jac : callable
        ``jac(x)`` returns the Jacobian, a dense array of shape (n, n).
    lower, upper : numpy.ndarray of float64, shape (n,)
        The bounds, which may be infinite. The system has a root within them.
    """

    name: str
    fun: Callable[[np.ndarray], np.ndarray]
    jac: Callable[[np.ndarray], np.ndarray]
    lower: np.ndarray
    upper: np.ndarray

    @property
    def bounds(self):
        """The pair of the lower and the upper bounds."""
        return self.lower, self.upper

    def starts(self) -> list[np.ndarray]:
        """Return three starting points.

        Returns
        -------
        list of numpy.ndarray of float64, shape (n,)
            ``lower + t * (upper - lower)`` for t = 1/4, 1/2, 3/4; where there is no upper bound
            ``lower + t``, for t = 0.1, 1, 10.
        """
        width = self.upper - self.lower
        fractions = (0.25, 0.5, 0.75), (0.1, 1.0, 10.0)
        return [
            self.lower + np.where(width < inf, t * np.where(width < inf, width, 0), s)
            for t, s in zip(*fractions, strict=True)
        ]


def bounded_system(name) -> BoundedSystem:
    """Return a system of equations with bounds by its name.

    Parameters
    ----------
    name : str
        One of `bounded_system_names`.

    Returns
    -------
    BoundedSystem
        The system. It can be pickled.

    Raises
    ------
    ValueError
        There is no such system; the message lists the names.

    Notes
    -----
    "Floudas 14.1.1" and so on are test problems of [1]_, chapter 14: stationary points of Himmelblau's
    function, combustion, two systems with exponentials, Brown's almost linear system, a robot arm, and two
    stirred-tank reactors in series for several rates of recycling R. The others are Chandrasekhar's H
    equation for 50 points, whose Jacobian is nearly singular at the root for c near 1, the
    trigonometric-exponential system of 50 equations, Powell's badly scaled function, and Rosenbrock's
    function as a system. Derivatives of the small systems come from automatic differentiation.

    References
    ----------
    .. [1] C. A. Floudas et al., *Handbook of test problems in local and global optimization*, Kluwer, 1999,
       :doi:`10.1007/978-1-4757-3040-1`.

    Examples
    --------
    >>> from numsolve.problems import bounded_system
    >>> system = bounded_system("Floudas 14.1.4")
    >>> abs(system.fun([0.5, 3.141592653589793])).round(12)
    array([0., 0.])
    """
    if name not in SYSTEMS:
        raise ValueError(f"no system is named {name!r}; there are: {', '.join(SYSTEMS)}")
    n, lower, upper, fun, jac = SYSTEMS[name]
    return BoundedSystem(name, fun, jac, *(np.full(n, b, float) for b in (lower, upper)))


def bounded_system_names() -> tuple[str, ...]:
    """Return the names of the systems that `bounded_system` knows.

    Returns
    -------
    tuple of str
        The names.

    Examples
    --------
    >>> from numsolve.problems import bounded_system_names
    >>> bounded_system_names()[0]
    'Floudas 14.1.1'
    """
    return tuple(SYSTEMS)


def himmelblau(x1, x2):
    return [
        4 * x1**3 + 4 * x1 * x2 + 2 * x2**2 - 42 * x1 - 14,
        4 * x2**3 + 2 * x1**2 + 4 * x1 * x2 - 26 * x2 - 22,
    ]


def combustion(x1, x2, x3, x4, x5):
    R, R5, R6, R7 = 10, 0.193, 4.10622e-4, 5.45177e-4
    R8, R9, R10 = 4.4975e-7, 3.40735e-5, 9.615e-7
    shared = x2 * x3**2 + R7 * x2 * x3 + R9 * x2 * x4 + R8 * x2
    return [
        x1 * x2 + x1 - 3 * x5,
        2 * x1 * x2 + x1 + 3 * R10 * x2**2 + shared - R * x5,
        2 * x2 * x3**2 + R7 * x2 * x3 + 2 * R5 * x3**2 + R6 * x3 - 8 * x5,
        R9 * x2 * x4 + 2 * x4**2 - 4 * R * x5,
        x1 * x2 + x1 + R10 * x2**2 + shared + R5 * x3**2 + R6 * x3 + x4**2 - 1,
    ]


def powell(shift, x1, x2):
    return [1e4 * x1 * x2 - 1, exp(-x1) + exp(-x2) - shift]


def ferraris(x1, x2):
    return [
        0.5 * sin(x1 * x2) - 0.25 / pi * x2 - 0.5 * x1,
        (1 - 0.25 / pi) * (exp(2 * x1) - e) + e / pi * x2 - 2 * e * x1,
    ]


def brown(x1, x2, x3, x4, x5):
    total = x1 + x2 + x3 + x4 + x5
    return [*(x + total - 6 for x in (x1, x2, x3, x4)), x1 * x2 * x3 * x4 * x5 - 1]


def robot(x1, x2, x3, x4, x5, x6, x7, x8):
    return [
        4.731e-3 * x1 * x3 - 0.3578 * x2 * x3 - 0.1238 * x1 + x7 - 1.637e-3 * x2 - 0.9338 * x4 - 0.3571,
        0.2238 * x1 * x3 + 0.7623 * x2 * x3 + 0.2638 * x1 - x7 - 0.07745 * x2 - 0.6734 * x4 - 0.6022,
        x6 * x8 + 0.3578 * x1 + 4.731e-3 * x2,
        -0.7623 * x1 + 0.2238 * x2 + 0.3461,
        *(u**2 + v**2 - 1 for u, v in ((x1, x2), (x3, x4), (x5, x6), (x7, x8))),
    ]


def reactors(R, x1, x2):
    D, gamma, beta = 22, 1000, 2
    rate1, rate2 = (exp(10 * x * (1 + 10 / gamma * x) ** -1) for x in (x1, x2))
    return [
        (1 - R) * (D / (10 * (1 + beta)) - x1) * rate1 - x1,
        (1 - R) * (D / 10 - beta * x1 - (1 + beta) * x2) * rate2 + x1 - (1 + beta) * x2,
    ]


def rosenbrock(x1, x2):
    return [10 * (x2 - x1**2), 1 - x1]


def _values(formula, x):
    return np.array(formula(*_point(x).tolist()))


def _jacobian(formula, x):
    x = _point(x)
    return np.array([as_jet(equation, len(x)).first for equation in formula(*Jet.variables(x))])


def _small(formula, n, lower, upper):
    return n, lower, upper, partial(_values, formula), partial(_jacobian, formula)


def _point(x):
    return _validate.real_array(x, "x").reshape(-1)


def _coupling(n):
    mu = (np.arange(1, n + 1) - 0.5) / n
    return mu[:, None] / (mu[:, None] + mu) / (2 * n)


def chandrasekhar(c, x):
    """Return the residual of Chandrasekhar's H equation."""
    x = _point(x)
    return x - 1 / (1 - c * (_coupling(len(x)) @ x))


def chandrasekhar_jacobian(c, x):
    """Return its Jacobian."""
    x = _point(x)
    A = c * _coupling(len(x))
    return np.eye(len(x)) - A / (1 - A @ x)[:, None] ** 2


def trigonometric(x):
    """Return the residual of the trigonometric-exponential system."""
    x = _point(x)
    u, v = x[:-1], x[1:]
    f = np.empty_like(x)
    f[0], f[-1] = 3 * x[0] ** 3 - 5, 4 * x[-1] - 3
    f[1:-1] = x[1:-1] * (4 + 3 * x[1:-1] ** 2) - 8
    f[:-1] += 2 * v + np.sin(u - v) * np.sin(u + v)
    f[1:] -= u * np.exp(u - v)
    return f


def trigonometric_jacobian(x):
    """Return its Jacobian."""
    x = _point(x)
    n = len(x)
    u, v, i = x[:-1], x[1:], np.arange(n - 1)
    J = np.zeros((n, n))
    growth = np.exp(u - v)
    J[0, 0], J[-1, -1] = 9 * x[0] ** 2, 4
    J[i[1:], i[1:]] = 4 + 9 * x[1:-1] ** 2
    J[i, i] += np.sin(2 * u)  # sin(u - v) sin(u + v) = (cos 2v - cos 2u) / 2
    J[i, i + 1] = 2 - np.sin(2 * v)
    J[i + 1, i] = -(1 + u) * growth
    J[i + 1, i + 1] += u * growth
    return J


SYSTEMS: dict[str, tuple[int, Any, Any, Callable, Callable]] = {
    "Floudas 14.1.1": _small(himmelblau, 2, -5, 5),
    "Floudas 14.1.2": _small(combustion, 5, 1e-4, 100),
    "Floudas 14.1.3": _small(partial(powell, 1.001), 2, (5.49e-6, 2.196e-3), (4.553, 18.21)),
    "Floudas 14.1.4": _small(ferraris, 2, (0.25, 1.5), (1, 2 * pi)),
    "Floudas 14.1.5": _small(brown, 5, -2, 2),
    "Floudas 14.1.6": _small(robot, 8, -1, 1),
    **{f"Floudas 14.1.8, R = {R}": _small(partial(reactors, R), 2, 0, 1) for R in (0.935, 0.945, 0.96, 0.99)},
    **{
        f"Chandrasekhar, c = {c}": (50, 0, inf, partial(chandrasekhar, c), partial(chandrasekhar_jacobian, c))
        for c in (0.99, 0.9999)
    },
    "trigonometric-exponential": (50, -100, 100, trigonometric, trigonometric_jacobian),
    "Powell badly scaled": _small(partial(powell, 1.0001), 2, 0, inf),
    "Rosenbrock": _small(rosenbrock, 2, -2, 2),
}
