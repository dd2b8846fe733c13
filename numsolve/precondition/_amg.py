"""Algebraic multigrid: PyAMG builds the hierarchy, our kernels run the cycle where the matrix lives."""

import warnings
from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module, to_device, to_host
from .._operator import Csr, Operator, as_operator, entries
from .._random import standard_normal
from ._jacobi import diagonal

OMEGA = 4 / 3  # of damped Jacobi, over the spectral radius of D^-1 A: what smoothed aggregation assumes


def amg(A, *, method="smoothed_aggregation", sweeps=1, **options):
    r"""Return one V-cycle of algebraic multigrid as an operator.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Matrix with a nonzero diagonal, of NumPy/SciPy or CuPy. The cycle is Hermitian positive definite,
        as `cg` needs it, when `A` is.
    method : {"smoothed_aggregation", "ruge_stuben", "air"} or pyamg.multilevel.MultilevelSolver
        How PyAMG builds the hierarchy, on the host; "air" is for nonsymmetric matrices. A hierarchy
        built before can be passed instead.
    sweeps : int
        Damped Jacobi sweeps before and after the coarse-grid correction.
    **options
        Passed on to PyAMG's constructor, as ``strength``, ``max_coarse`` or near-null-space vectors ``B``.

    Returns
    -------
    Operator
        ``M @ r`` runs the cycle; ``M.levels``, ``M.operator_complexity`` describe the hierarchy.

    Raises
    ------
    ValueError
        `A` is not square, not finite, has a zero on its diagonal, or `method` is unknown.
    TypeError
        `A` is a LinearOperator, or `sweeps` is no whole number.

    Notes
    -----
    A cycle costs ``2 * sweeps + 1`` products on each level but the last (about ``operator_complexity`` times
    that many products with `A` in all), two with each prolongator, and a small dense product. Storage: the
    hierarchy and three vectors a level. Smoothed aggregation is that of [1]_, the damping of its
    equation 3.8; the set-up is PyAMG's [2]_.

    References
    ----------
    .. [1] P. Vanek, J. Mandel, M. Brezina, *Algebraic multigrid by smoothed aggregation for second and
       fourth order elliptic problems*, Computing 56, 1996, :doi:`10.1007/BF02238511`.
    .. [2] N. Bell, L. N. Olson, J. Schroder, B. Southworth, *PyAMG: algebraic multigrid solvers in Python*,
       J. Open Source Softw. 8(87), 2023, :doi:`10.21105/joss.05495`.

    Examples
    --------
    >>> import numpy as np
    >>> import pyamg
    >>> from numsolve.krylov import cg
    >>> from numsolve.precondition import amg
    >>> A = pyamg.gallery.poisson((50, 50), format="csr")
    >>> cg(A, np.ones(2500), M=amg(A), rtol=1e-8).check().nit < 20
    True
    """
    _validate.count(sweeps, "sweeps", least=1)
    _validate.square_shape(A)
    matrix = as_operator(A, "numpy")
    diagonal(matrix, "amg")
    hierarchy = _hierarchy(to_host(entries(matrix)), matrix.dtype, method, options)
    return VCycle(hierarchy, matrix.library, matrix.dtype, sweeps)


def _hierarchy(A, dtype, method, options):
    """Return PyAMG's hierarchy for the host matrix `A`, built in double precision."""
    import pyamg
    import scipy.sparse as sp

    builders = {
        "smoothed_aggregation": pyamg.smoothed_aggregation_solver,
        "ruge_stuben": pyamg.ruge_stuben_solver,
        "air": pyamg.air_solver,
    }
    if hasattr(method, "levels"):
        if method.levels[0].A.shape != A.shape:
            raise ValueError(
                f"method is a hierarchy for {method.levels[0].A.shape}, but A has shape {A.shape}"
            )
        return method
    if method not in builders:
        raise ValueError(f"method is {method!r}; needed: one of {', '.join(builders)}, or a PyAMG hierarchy")
    A = sp.csr_matrix(A).astype(np.complex128 if dtype.kind == "c" else np.float64)
    if method == "smoothed_aggregation" and "symmetry" not in options:
        skew = abs(A - A.T.conj()).max()
        options = {"symmetry": "hermitian" if skew <= 1e-12 * abs(A).max() else "nonsymmetric", **options}
    state = np.random.get_state()  # noqa: NPY002 - PyAMG draws from the global state, which is the caller's
    np.random.seed(0)  # noqa: NPY002
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sp.SparseEfficiencyWarning)
            return builders[method](A, **options)
    finally:
        np.random.set_state(state)  # noqa: NPY002


class _Level:
    """One grid: its matrix, its smoother, and the ways down and up."""

    def __init__(self, level, move, dtype):
        self.A = move(level.A)
        xp = array_module(self.A.library)
        n = self.A.shape[0]
        if hasattr(level, "P"):
            self.P, self.R = move(level.P), move(level.R)
            self.smoother = xp.asarray(_damped_inverse(level.A).astype(dtype))
            self.x, self.r, self.b = (xp.empty(n, dtype) for _ in range(3))
        else:
            self.b = xp.empty(n, dtype)
            self.inverse = xp.asarray(np.linalg.pinv(level.A.toarray(), rcond=1e-13).astype(dtype))


def _damped_inverse(A):
    """Return omega D^-1, the smoother of a level; PyAMG estimates the spectral radius of D^-1 A."""
    from pyamg.util.linalg import approximate_spectral_radius

    if not A.diagonal().all():
        raise ValueError("a coarse matrix has a zero on its diagonal: multigrid does not suit A")
    inverse = 1 / A.diagonal()
    scaled = A.tocsr(copy=True)
    scaled.data *= np.repeat(inverse, np.diff(scaled.indptr))
    start = standard_normal(0, (len(inverse), 1), dtype=A.dtype)
    radius: Any = approximate_spectral_radius(scaled, 0.1, maxiter=10, restart=1, initial_guess=start)
    return OMEGA / radius * inverse


class VCycle(Operator):
    """A V(sweeps, sweeps) cycle over a PyAMG hierarchy."""

    def __init__(self, hierarchy, library, dtype, sweeps):
        super().__init__(hierarchy.levels[0].A.shape, dtype, library)
        self._hierarchy, self._sweeps = hierarchy, sweeps

        def move(matrix):
            matrix = matrix.tocsr()
            return Csr(to_device(matrix) if library == "cupy" else matrix, dtype)

        self._levels = [_Level(level, move, self.dtype) for level in hierarchy.levels]

    @property
    def levels(self):
        """Number of grids."""
        return len(self._levels)

    @property
    def operator_complexity(self):
        """Entries of the matrices on all grids, over those of the finest."""
        return sum(level.A.nnz for level in self._levels) / self._levels[0].A.nnz

    def apply(self, x, out):
        self._cycle(0, x, out)
        return out

    def astype(self, dtype):
        return self if self.dtype == dtype else VCycle(self._hierarchy, self.library, dtype, self._sweeps)

    def _cycle(self, depth, b, x):
        """Write one cycle's approximation of the solution of ``A x = b`` on a grid to `x`."""
        level = self._levels[depth]
        if depth + 1 == len(self._levels):
            x[...] = level.inverse @ b
            return
        x[...] = level.smoother * b
        for _ in range(self._sweeps - 1):
            self._smooth(level, b, x)
        below = self._levels[depth + 1]
        coarse = below.x if depth + 2 < len(self._levels) else array_module(self.library).empty_like(below.b)
        level.R.apply(level.A.residual(b, x), below.b)
        self._cycle(depth + 1, below.b, coarse)
        x += level.P.apply(coarse, level.r)
        for _ in range(self._sweeps):
            self._smooth(level, b, x)

    def _smooth(self, level, b, x):
        """One damped Jacobi sweep: ``x += omega D^-1 (b - A x)``."""
        r = level.A.residual(b, x)
        r *= level.smoother
        x += r
