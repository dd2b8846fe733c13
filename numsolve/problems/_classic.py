"""Classic problems of minimisation without constraints: starts, minima and sources, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _validate
from . import _classic_residuals as texts
from ._residuals import ElementResiduals, PowerOfNorm

MGH = "More, Garbow, Hillstrom, ACM Trans. Math. Softw. 7 (1981) 17-41, doi:10.1145/355934.355936"
CHEBYSHEV = "Gurbuzbalaban, Overton, Nonlinear Anal. 75 (2012) 1282-1289, doi:10.1016/j.na.2011.07.062"


@dataclass(frozen=True)
class Entry:
    """What is known of a problem; functions take the number of variables."""

    residuals: Callable
    start: Callable
    n: int
    minima: Any = (0.0,)  # values, or a dictionary from n to values
    minimizer: Any = None  # a vector or a number for each entry
    neighbours: Callable | None = None  # the indices of the variables of each residual
    multiple: int = 0  # n may be a multiple of this number; 0: n is fixed
    least: int = 1
    source: str = MGH


def _fixed(*x):
    return lambda n: np.array(x, dtype=float)  # noqa: ARG005 - the protocol


def _repeated(*x):
    return lambda n: np.resize(np.array(x, dtype=float), n)


def _all(value):
    return lambda n: np.full(n, float(value))


def _windows(before, after):
    """Return a function from n to the indices of each variable and its neighbours; n names the zero."""

    def indices(n):
        near = np.arange(n) + np.arange(-before, after + 1)[:, None]
        return np.where((near < 0) | (near >= n), n, near)

    return indices


def _chain(n):
    return np.arange(n - 1) + np.arange(2)[:, None]


def _blocks(size):
    return lambda n: np.arange(n).reshape(-1, size).T


def _grid(n):
    return np.arange(1, n + 1) / (n + 1)


def _boundary_value_start(n):
    return _grid(n) * (_grid(n) - 1)


TABLE = {
    "rosenbrock": Entry(texts.rosenbrock, _repeated(-1.2, 1), 2, (0.0,), 1, _chain, 1, 2),
    "freudenstein_roth": Entry(texts.freudenstein_roth, _fixed(0.5, -2), 2, (0.0, 48.9842), (5, 4)),
    "powell_badly_scaled": Entry(texts.powell_badly_scaled, _fixed(0, 1), 2),
    "brown_badly_scaled": Entry(texts.brown_badly_scaled, _fixed(1, 1), 2, (0.0,), (1e6, 2e-6)),
    "beale": Entry(texts.beale, _fixed(1, 1), 2, (0.0,), (3, 0.5)),
    "jennrich_sampson": Entry(texts.jennrich_sampson, _fixed(0.3, 0.4), 2, (124.362,)),
    "helical_valley": Entry(texts.helical_valley, _fixed(-1, 0, 0), 3, (0.0,), (1, 0, 0)),
    "bard": Entry(texts.bard, _fixed(1, 1, 1), 3, (8.21487e-3, 17.4286)),
    "gaussian": Entry(texts.gaussian, _fixed(0.4, 1, 0), 3, (1.12793e-8,)),
    "meyer": Entry(texts.meyer, _fixed(0.02, 4000, 250), 3, (87.9458,)),
    "gulf": Entry(texts.gulf, _fixed(5, 2.5, 0.15), 3, (0.0,), (50, 25, 1.5)),
    "box_3d": Entry(texts.box_3d, _fixed(0, 10, 20), 3, (0.0,), (1, 10, 1)),
    "powell_singular": Entry(texts.powell_singular, _repeated(3, -1, 0, 1), 4, (0.0,), 0, _blocks(4), 4),
    "wood": Entry(texts.wood, _repeated(-3, -1), 4, (0.0,), 1, _blocks(4), 4),
    "kowalik_osborne": Entry(
        texts.kowalik_osborne, _fixed(0.25, 0.39, 0.415, 0.39), 4, (3.07505e-4, 1.02734e-3)
    ),
    "brown_dennis": Entry(texts.brown_dennis, _fixed(25, 5, -5, -1), 4, (85822.2,)),
    "osborne_1": Entry(texts.osborne_1, _fixed(0.5, 1.5, -1, 0.01, 0.02), 5, (5.46489e-5,)),
    "biggs_exp6": Entry(
        texts.biggs_exp6, _fixed(1, 2, 1, 1, 1, 1), 6, (0.0, 5.65565e-3), (1, 10, 1, 5, 4, 3)
    ),
    "osborne_2": Entry(
        texts.osborne_2, _fixed(1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5), 11, (4.01377e-2,)
    ),
    "watson": Entry(
        texts.watson,
        _all(0),
        6,
        {6: (2.28767e-3,), 9: (1.39976e-6,), 12: (4.72238e-10,)},
        multiple=1,
        least=2,
    ),
    "extended_rosenbrock": Entry(texts.rosenbrock, _repeated(-1.2, 1), 10, (0.0,), 1, _blocks(2), 2),
    "penalty_1": Entry(
        texts.penalty_1,
        lambda n: np.arange(1.0, n + 1),
        10,
        {4: (2.24997e-5,), 10: (7.08765e-5,)},
        multiple=1,
    ),
    "penalty_2": Entry(
        texts.penalty_2, _all(0.5), 10, {4: (9.37629e-6,), 10: (2.93660e-4,)}, multiple=1, least=2
    ),
    "variably_dimensioned": Entry(
        texts.variably_dimensioned, lambda n: 1 - np.arange(1, n + 1) / n, 10, (0.0,), 1, multiple=1
    ),
    "trigonometric": Entry(
        texts.trigonometric, lambda n: np.full(n, 1 / n), 10, {10: (0.0, 2.79506e-5)}, 0, multiple=1
    ),
    "brown_almost_linear": Entry(
        texts.brown_almost_linear, _all(0.5), 10, (0.0, 1.0), 1, multiple=1, least=2
    ),
    "discrete_boundary_value": Entry(
        texts.discrete_boundary_value,
        _boundary_value_start,
        10,
        neighbours=_windows(1, 1),
        multiple=1,
    ),
    "discrete_integral_equation": Entry(
        texts.discrete_integral_equation, _boundary_value_start, 10, multiple=1
    ),
    "broyden_tridiagonal": Entry(
        texts.broyden_tridiagonal, _all(-1), 10, neighbours=_windows(1, 1), multiple=1
    ),
    "broyden_banded": Entry(texts.broyden_banded, _all(-1), 10, multiple=1),
    "linear_full_rank": Entry(texts.linear_full_rank, _all(1), 10, {10: (10.0,)}, -1, multiple=1),
    "linear_rank_one": Entry(texts.linear_rank_one, _all(1), 10, {10: (190 / 41,)}, multiple=1),
    "linear_rank_one_with_zeros": Entry(
        texts.linear_rank_one_with_zeros, _all(1), 10, {10: (454 / 74,)}, multiple=1, least=3
    ),
    "chebyquad": Entry(
        texts.chebyquad, _grid, 8, {8: (3.51687e-3,), 9: (0.0,), 10: (6.50395e-3,)}, multiple=1
    ),
    "nesterov_chebyshev": Entry(
        texts.nesterov_chebyshev,
        lambda n: np.array([-1.0] + (n - 1) * [1.0]),
        4,
        (0.0,),
        1,
        _chain,
        1,
        2,
        CHEBYSHEV,
    ),
}


def unconstrained_names() -> tuple[str, ...]:
    """Return the names of the problems of `unconstrained`, in the order of the source.

    Returns
    -------
    tuple of str
        The names.

    Examples
    --------
    >>> from numsolve.problems import unconstrained_names
    >>> unconstrained_names()[:3]
    ('rosenbrock', 'freudenstein_roth', 'powell_badly_scaled')
    """
    return tuple(TABLE)


def unconstrained(name, n=None) -> PowerOfNorm:
    r"""Return a classic sum of squares to minimise, :math:`f(x) = \sum_i r_i(x)^2`.

    Parameters
    ----------
    name : str
        One of `unconstrained_names`: the 35 problems of [1]_, where "rosenbrock" is the chain
        :math:`\sum_{i < n} 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2`, and "nesterov_chebyshev", the chain
        :math:`\frac{1}{4} (1 - x_1)^2 + \sum_{i < n} (x_{i+1} - 2 x_i^2 + 1)^2` of [2]_.
    n : int, optional
        Number of variables, where it is free. "wood" and "powell_singular" are repeated in blocks of four
        variables, "extended_rosenbrock" in blocks of two.

    Returns
    -------
    PowerOfNorm
        The problem, with the residuals, the Jacobian, and a `minima` where the source has some for this `n`.
        The derivatives are exact to rounding. With more than 64 variables those of chains and blocks are
        sparse.

    Raises
    ------
    TypeError, ValueError
        If the name is unknown, or the problem does not have this number of variables.

    References
    ----------
    .. [1] J. J. More, B. S. Garbow, K. E. Hillstrom, Testing unconstrained optimization software, ACM Trans.
       Math. Softw. 7 (1981) 17-41, :doi:`10.1145/355934.355936`.
    .. [2] M. Gurbuzbalaban, M. L. Overton, On Nesterov's nonsmooth Chebyshev-Rosenbrock functions, Nonlinear
       Anal. 75 (2012) 1282-1289, :doi:`10.1016/j.na.2011.07.062`.

    Examples
    --------
    >>> from numsolve.problems import unconstrained
    >>> problem = unconstrained("rosenbrock")
    >>> round(problem.fun(problem.x0), 10), problem.minimum
    (24.2, 0.0)
    """
    entry = TABLE[_validate.choice(name, "name", TABLE)]
    n = entry.n if n is None else _validate.count(n, "n", least=entry.least)
    if n % entry.multiple if entry.multiple else n != entry.n:
        needed = f"a multiple of {entry.multiple}" if entry.multiple else f"{entry.n}"
        raise ValueError(f"n is {n}; {name} needs {needed}")
    minima = entry.minima.get(n, ()) if isinstance(entry.minima, dict) else entry.minima
    x = None if entry.minimizer is None else np.resize(np.asarray(entry.minimizer, dtype=float), n)
    neighbours = None if entry.neighbours is None else entry.neighbours(n)
    residuals = ElementResiduals(entry.residuals, n, neighbours)
    return PowerOfNorm(name, entry.start(n), minima, x, entry.source, residuals=residuals)
