"""Ratios of two functions, minimised in one coordinate after another."""

from collections.abc import Callable
from math import frexp, inf
from typing import Any

import numpy as np

from .. import _validate
from .._array import is_sparse, library
from .._random import standard_normal
from .._result import Breakdown, Interrupted, Status, warn_of_miss
from .._run import run
from .._variables import Variables
from ..kernels import kernels_for
from ._result import CoordinateResult

SAYS = {
    Status.MAXITER: "maxiter reached: raise it, or loosen rtol",
    Status.TIME_LIMIT: "time limit reached: raise it, or loosen rtol",
    Status.STAGNATED: "the changes of a sweep stopped falling before they met the tolerance: loosen rtol",
    Status.NONFINITE: "the ratio is not finite at the starting point: scale the data, or choose another x0",
}


def sparse_fraction(
    G: Any,
    y: Any,
    lam: float,
    k: int,
    x0: Any = None,
    *,
    theta: float = 1e-5,
    rtol: float = 1e-4,
    maxiter: int = 5000,
    time_limit: float | None = None,
    callback: Callable | None = None,
) -> CoordinateResult:
    r"""Recover a sparse vector by minimising a ratio, in one coordinate after another.

    .. math::

       \min_x\ \frac{\frac12 \lVert G x - y\rVert^2 + \lambda \lVert x\rVert_1}{\lambda \lVert x\rVert_{[k]}}

    The denominator is :math:`\lambda` times the sum of the k largest magnitudes. The ratio is near one only
    for vectors with about k nonzero entries that fit the data.

    Parameters
    ----------
    G : array, shape (m, n)
        The matrix, dense, without columns of zeros.
    y : array, shape (m,)
        The observations, not all zero.
    lam : float
        The weight of the 1-norm, > 0.
    k : int
        Number of the largest magnitudes, from 1 to n.
    x0 : array, shape (n,), optional
        Starting point, not zero. Default: the multiple of ``G.T @ y`` that fits the data best.
    theta : float
        Weight of the proximal term that makes each step unique, relative to the squared Frobenius norm of G.
    rtol : float
        Stop once no coefficient changes by more than `rtol` times the largest one in a sweep.
    maxiter : int
        Largest number of sweeps.
    time_limit : float, optional
        Seconds after which to stop.
    callback : callable, optional
        ``callback(x, change)`` after each sweep; true stops.

    Returns
    -------
    CoordinateResult
        The coefficients `x`, the ratio `objective`, and in `residuals` the largest change of a coefficient in
        the sweep that starts from each iterate, relative to the largest coefficient.

    Raises
    ------
    ValueError
        `y` is zero or orthogonal to all columns, G has a column of zeros, `x0` is zero, or an argument has a
        wrong value.
    TypeError
        G is sparse, or an argument is of another wrong type.

    Warns
    -----
    ConvergenceWarning
        The tolerance was missed.

    Notes
    -----
    Parametric coordinate descent [1]_. With the ratio c before a step, the new value of a coordinate
    minimises the numerator plus a proximal term, minus c times the denominator. As a function of one
    coordinate this is piecewise quadratic, and its global minimiser is a formula. So no step raises the
    ratio, and a point that a sweep leaves unchanged is optimal in each coordinate, for all sizes of steps.
    That is a stronger condition than stationarity, on which gradient methods stop. It is not the global
    optimum of the whole problem: the point that is found depends on `x0`.

    A sweep reads each column twice, 4 m n operations, and stores a transposed copy of G.

    References
    ----------
    .. [1] G. Yuan, *Coordinate descent methods for fractional minimization*, ICML 2023, PMLR 202,
       40488-40518, doi:10.48550/arXiv.2201.12691.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.coordinate import sparse_fraction
    >>> rng = np.random.default_rng(0)
    >>> G = rng.standard_normal((100, 200))
    >>> y = G[:, 7] - 2 * G[:, 90]
    >>> x = sparse_fraction(G, y, 1.0, 2).check().x
    >>> np.flatnonzero(x)
    array([ 7, 90])
    """
    xp, G = _dense(G, "G", G=G, y=y, x0=x0)
    m, n = G.shape
    y = _vector(y, "y", m, xp, G.dtype)
    lam, k = _validate.positive(lam, "lam"), _validate.count(k, "k", 1)
    if k > n:
        raise ValueError(f"k is {k}, but G has only {n} columns")
    if not bool((y != 0).any()):
        raise ValueError("y is zero: the ratio has no minimiser, it falls to 1 as x shrinks to zero")
    problem = _SparseRecovery(G, y, lam, k, _validate.positive(theta, "theta"), xp)
    x0 = problem.start() if x0 is None else _vector(x0, "x0", n, xp, G.dtype) / problem.unit
    return _minimised(problem, x0, rtol, maxiter, time_limit, callback)


def kurtosis_direction(
    A: Any,
    x0: Any = None,
    *,
    theta: float = 1e-5,
    rtol: float = 1e-6,
    maxiter: int = 5000,
    time_limit: float | None = None,
    callback: Callable | None = None,
    rng: Any = None,
) -> CoordinateResult:
    r"""Find the direction in which data have the largest fourth moment, one coordinate after another.

    .. math::

       \min_x\ \frac{x^T x}{\lVert A x\rVert_4^2}

    For whitened data this is a direction of extreme kurtosis: an independent component.

    Parameters
    ----------
    A : array, shape (m, n)
        The samples in rows, dense, without columns of zeros.
    x0 : array, shape (n,), optional
        Starting point, not zero. Default: normal deviates.
    theta : float
        Weight of the proximal term that makes each step unique.
    rtol : float
        Stop once no entry of the direction changes by more than `rtol` times the largest one in a sweep.
    maxiter : int
        Largest number of sweeps.
    time_limit : float, optional
        Seconds after which to stop.
    callback : callable, optional
        ``callback(x, change)`` after each sweep; true stops.
    rng : {None, int, Generator}, optional
        The source of `x0`.

    Returns
    -------
    CoordinateResult
        The direction `x`, of length one, the ratio `objective`, and in `residuals` the largest change of an
        entry in the sweep that starts from each iterate, relative to the largest entry.

    Raises
    ------
    ValueError
        A has a column of zeros, ``A @ x0`` is zero, or an argument has a wrong value.
    TypeError
        A is sparse, or an argument is of another wrong type.

    Warns
    -----
    ConvergenceWarning
        The tolerance was missed.

    Notes
    -----
    Fractional coordinate descent [1]_. A step t of a coordinate minimises a quadratic polynomial over the
    root of a quartic one; it is the best of the real roots of a polynomial of degree four. No step raises the
    ratio, and a point that a sweep leaves unchanged is optimal in each coordinate. The problem has many such
    points, and which one is found depends on the start.

    A sweep takes about 14 m n operations, and stores a transposed copy of A.

    References
    ----------
    .. [1] G. Yuan, *Coordinate descent methods for fractional minimization*, ICML 2023, PMLR 202,
       40488-40518, doi:10.48550/arXiv.2201.12691.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.coordinate import kurtosis_direction
    >>> sources = np.random.default_rng(0).laplace(size=(2000, 2)) / np.sqrt(2)
    >>> sources[:, 1] = np.random.default_rng(1).standard_normal(2000)
    >>> x = kurtosis_direction(sources @ np.array([[0.6, 0.8], [-0.8, 0.6]]), rng=0).check().x
    >>> bool(abs(x @ [0.6, 0.8]) > 0.99)
    True
    """
    xp, A = _dense(A, "A", A=A, x0=x0)
    problem = _Kurtosis(A, _validate.positive(theta, "theta"), xp)
    if x0 is None:
        x0 = standard_normal(rng, A.shape[1], dtype=A.dtype, like=library(A) or "numpy")
    x0 = _vector(x0, "x0", A.shape[1], xp, A.dtype)
    return _minimised(problem, x0, rtol, maxiter, time_limit, callback)


class _Ratio:
    """A ratio of two functions of a vector, in units in which the largest number of the matrix is near one.

    Attributes
    ----------
    columns, matrix : array, shape (n, m) and (m, n)
        The matrix, transposed and not; both are views of the same numbers.
    order : array of int
        The coordinates in the order of a sweep.
    unit : float
        What a vector of the method is multiplied with for the caller.
    """

    unit = 1.0

    def __init__(self, matrix, name, xp):
        self.scale = _power_of_two(matrix)
        self.columns = xp.ascontiguousarray(matrix.T / self.scale)
        self.matrix = self.columns.T
        self.kernels = kernels_for(matrix)
        self.squares = (self.columns * self.columns).sum(axis=1)
        empty = int((self.squares == 0).sum())
        if empty:
            raise ValueError(f"{name} has {empty} columns of zeros; leave them out")
        self.order = xp.arange(matrix.shape[1], dtype=np.int32)
        self.xp = xp

    def scaled(self, x) -> Any:
        """Return the starting point, scaled if the ratio does not depend on its scale."""
        return x

    def value(self, x) -> float:
        """Return the ratio for the caller."""
        raise NotImplementedError

    def swept(self, x) -> Any:
        """Return a new vector, the result of a sweep from `x`."""
        raise NotImplementedError


class _SparseRecovery(_Ratio):
    """``(|G x - y|^2 / 2 + lam |x|_1) / (lam |x|_[k])``."""

    def __init__(self, G, y, lam, k, theta, xp):
        super().__init__(G, "G", xp)
        size = _power_of_two(y)
        self.unit = size / self.scale
        self.y, self.lam, self.k = y / size, lam / size / self.scale, k
        if not 0 < self.lam < inf:
            raise ValueError(f"lam is {lam!r}, which is too far from the size of the entries of G.T @ y")
        self.curvature = self.squares + theta * self.squares.sum()

    def start(self):
        """Return the multiple of ``G^T y`` that fits the data best."""
        x = self.columns @ self.y
        image = self.matrix @ x
        if not bool((image != 0).any()):
            raise ValueError("y is orthogonal to all columns of G: no x fits it better than zero")
        return x * ((x @ x) / (image @ image))

    def value(self, x):
        r, sizes = self.matrix @ x - self.y, abs(x)
        above = sizes[self.top(x)].sum()
        return float((r @ r / 2 + self.lam * sizes.sum()) / (self.lam * above))

    def top(self, x) -> Any:
        """Return a mask of the k largest magnitudes."""
        found = self.xp.zeros(len(x), bool)
        found[self.xp.argsort(-abs(x))[: self.k]] = True
        return found

    def swept(self, x):
        x, r = x.copy(), self.matrix @ x - self.y
        self.kernels.ratio_sweep(self.order, self.columns, self.curvature, x, r, self.top(x), self.lam)
        return x


class _Kurtosis(_Ratio):
    """``x^T x / |A x|_4^2``, for vectors of length one."""

    def __init__(self, A, theta, xp):
        super().__init__(A, "A", xp)
        self.theta = theta

    def scaled(self, x):
        x = x / abs(x).max()
        return x / (x @ x) ** 0.5

    def value(self, x):
        root = float(((self.matrix @ x) ** 4).sum() ** 0.5)
        return float(x @ x) / root / self.scale / self.scale

    def swept(self, x):
        x = x.copy()
        self.kernels.kurtosis_sweep(self.order, self.columns, x, self.matrix @ x, self.theta)
        return self.scaled(x)


class _Sweeps:
    """The iteration; ``sweeps(x)`` follows the protocol of the loop.

    The measure of an iterate is how far the sweep from it moves, so that it costs no further work.
    """

    def __init__(self, problem):
        self.problem, self.xp = problem, problem.xp
        self.last: Any = None
        self._next: Any = None

    def __call__(self, x):
        if self.last is not x:
            self.advance(x)
        while True:
            measure = abs(self._next - self.last).max() / abs(self.last).max()
            live = yield self.last, measure**2
            if live is None:
                raise Breakdown("the ratio overflows: scale the data", Status.NONFINITE)
            self.advance(self._next)

    def advance(self, x):
        """Take the sweep from `x`."""
        self.last, self._next = x, self.problem.swept(x)


class _Scaled(Variables):
    """Variables that the caller sees in another unit."""

    def __init__(self, x0, unit):
        super().__init__(x0)
        self._unit = unit

    def shown(self, x):
        """Return a vector in the caller's unit, as a copy that the caller may keep or change."""
        return super().shown(x) * self._unit


def _minimised(problem, x0, rtol, maxiter, time_limit, callback):
    """Return the result of sweeps from a starting point in the units of the problem."""
    rtol, maxiter = _validate.tolerance(rtol, "rtol"), _validate.count(maxiter, "maxiter")
    deadline = _validate.deadline(time_limit)
    if not bool((problem.matrix @ x0 != 0).any()):
        raise ValueError("x0, or its product with the matrix, is zero: the ratio has no value there")
    variables, sweeps = _Scaled(problem.scaled(x0), problem.unit), _Sweeps(problem)
    try:
        result = run(
            sweeps,
            variables,
            first=1.0,
            tol=rtol,
            maxiter=maxiter,
            callback=callback,
            deadline=deadline,
            says=SAYS,
        )
    except Interrupted as error:
        error.result = CoordinateResult(**vars(error.result), objective=problem.value(sweeps.last))
        raise
    return warn_of_miss(CoordinateResult(**vars(result), objective=problem.value(sweeps.last)))


def _dense(matrix, name, **arguments):
    """Return the library, and the matrix as a dense array of finite real numbers."""
    if is_sparse(matrix):
        raise TypeError(f"{name} is sparse; a dense array is needed: pass {name}.toarray()")
    _, xp = _validate.same_library(**arguments)
    matrix = _validate.real(matrix, name, xp)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(f"{name} has shape {matrix.shape}; a matrix with rows and columns is needed")
    return xp, matrix


def _vector(x, name, n, xp, dtype):
    """Return a vector of n finite real numbers of a dtype."""
    x = _validate.real(x, name, xp)
    if x.shape != (n,):
        raise ValueError(f"{name} has shape {x.shape}; ({n},) is needed")
    return x.astype(dtype)


def _power_of_two(x):
    """Return the power of two next below the largest magnitude, 1 for zeros."""
    largest = float(abs(x).max())
    return 2.0 ** (frexp(largest)[1] - 1) if largest > 0 else 1.0
