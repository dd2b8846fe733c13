"""Algebraic multigrid: PyAMG builds the hierarchy, our kernels run the cycle where the matrix lives."""

import warnings
from copy import copy
from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module, to_device, to_host
from .._operator import Csr, Dense, Operator, absolute, asymmetry, entries
from ..kernels import kernels_for
from ._jacobi import diagonal
from ._matrix import sparse_of, successor
from ._smooth import SMOOTHERS

DENSE = 1500  # unknowns of the coarsest grid up to which its inverse is kept as a dense matrix
DENSE_DEVICE = 6000  # the same on a GPU, which has no sparse factorisation to offer instead
CYCLES = {"V": 1, "W": 2}  # visits to the next grid


def amg(A, *, method="smoothed_aggregation", smoother="jacobi", sweeps=1, cycle="V", **options):
    r"""Return one cycle of algebraic multigrid as an operator.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Matrix with a nonzero diagonal, of NumPy/SciPy or CuPy. The cycle is Hermitian positive definite,
        as `cg` needs it, when `A` is.
    method : {"smoothed_aggregation", "ruge_stuben", "air"} or pyamg.multilevel.MultilevelSolver
        How PyAMG builds the hierarchy, on the host; "air" is for nonsymmetric matrices. A hierarchy
        built before can be passed instead, and then it is its matrices that are used.
    smoother : {"jacobi", "chebyshev"}
        Sweeps of damped Jacobi, or those of the Chebyshev polynomial of the fourth kind [3]_ of degree
        `sweeps`, which differ from `sweeps` = 2 on.
    sweeps : int
        Sweeps before, and after, the correction from the grid below.
    cycle : {"V", "W"}
        How often each grid but the coarsest two is visited: once, or twice as often as the one above it.
    **options
        Passed on to PyAMG's constructor, as ``strength``, ``max_coarse`` or near-null-space vectors ``B``.

    Returns
    -------
    Operator
        ``M @ r`` runs the cycle; ``M.levels``, ``M.operator_complexity`` describe the hierarchy.
        ``M.update(A)`` takes other values in the same pattern and returns M: the prolongators stay, and
        everything that follows from the values is computed anew, at a fraction of the cost of a set-up.

    Raises
    ------
    ValueError
        `A` is not square, not finite or has a zero on its diagonal; a name is unknown; PyAMG cannot build a
        hierarchy; or `update` is given another pattern.
    TypeError
        `A` is a LinearOperator, or `sweeps` is no whole number.

    Notes
    -----
    A V-cycle costs ``2 * sweeps`` products on each grid but the coarsest (about ``operator_complexity`` times
    that many products with `A` in all), each fused with its sweep or residual, one with each prolongator and
    one with its transpose; on a GPU ``2 * sweeps + 3`` launches a grid and one for the coarsest. Storage: the
    hierarchy and four vectors a grid. The coarsest system is solved by a dense (pseudo-)inverse, on the host
    beyond 1500 unknowns by sparse LU. Smoothed aggregation is that of [1]_, the damping of its equation 3.8;
    the set-up is PyAMG's [2]_.

    References
    ----------
    .. [1] P. Vanek, J. Mandel, M. Brezina, *Algebraic multigrid by smoothed aggregation for second and
       fourth order elliptic problems*, Computing 56, 1996, :doi:`10.1007/BF02238511`.
    .. [2] N. Bell, L. N. Olson, J. Schroder, B. Southworth, *PyAMG: algebraic multigrid solvers in Python*,
       J. Open Source Softw. 8(87), 2023, :doi:`10.21105/joss.05495`.
    .. [3] J. Lottes, *Optimal polynomial smoothers for multigrid V-cycles*, Numer. Linear Algebra Appl. 30,
       2023, :doi:`10.1002/nla.2518`.

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
    for value, names, argument in ((smoother, SMOOTHERS, "smoother"), (cycle, CYCLES, "cycle")):
        if value not in names:
            raise ValueError(f"{argument} is {value!r}; needed: one of {', '.join(names)}")
    matrix = sparse_of(A, "amg")
    diagonal(A, "amg")
    levels = _levels(_hierarchy(to_host(entries(matrix)), matrix.dtype, method, options), matrix)

    def smooth(A, hermitian):
        return SMOOTHERS[smoother](A, sweeps, hermitian)

    return Multigrid(levels, smooth, CYCLES[cycle])


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
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", sp.SparseEfficiencyWarning)
            return builders[method](A, **options)
    except (ArithmeticError, ValueError, RuntimeError, IndexError, np.linalg.LinAlgError) as error:
        others = [name for name in builders if name != method]
        raise ValueError(
            f"PyAMG's {method} cannot build a hierarchy for A ({error}): change its options, try method="
            f"{others[0]!r} or {others[1]!r}, or use jacobi, block_jacobi or spai"
        ) from error
    finally:
        np.random.set_state(state)  # noqa: NPY002


def _levels(hierarchy, matrix):
    """Return the grids of PyAMG's hierarchy, where `matrix` lives and in its dtype."""

    def move(A):
        A = A.tocsr()
        return Csr(to_device(A) if matrix.library == "cupy" else A, matrix.dtype, "a matrix of the hierarchy")

    levels = [_Level(move(level.A)) for level in hierarchy.levels]
    for level, built in zip(levels[:-1], hierarchy.levels[:-1], strict=True):
        level.P, level.R = move(built.P), move(built.R)
    return levels


class _Level:
    """One grid: its matrix, the ways down and up (but for the coarsest), and room for its vectors."""

    P: Csr
    R: Csr
    smoother: Any

    def __init__(self, A):
        self.A = A
        self.b, self.x, self.spare = array_module(A.library).empty((3, A.shape[0]), A.dtype)

    def astype(self, dtype):
        """Return the grid in another dtype."""
        level = _Level(self.A.astype(dtype))
        if hasattr(self, "P"):
            level.P, level.R = self.P.astype(dtype), self.R.astype(dtype)
            level.smoother = self.smoother.astype(level.A)
        return level


class Multigrid(Operator):
    """A cycle over a hierarchy of grids."""

    def __init__(self, levels, smooth, visits):
        fine = levels[0].A
        super().__init__(fine.shape, fine.dtype, fine.library)
        self._levels, self._smooth, self._visits = levels, smooth, visits
        self._prepare()

    @property
    def levels(self):
        """Number of grids."""
        return len(self._levels)

    @property
    def operator_complexity(self):
        """Entries of the matrices on all grids, over those of the finest."""
        return sum(level.A.nnz for level in self._levels) / self._levels[0].A.nnz

    def apply(self, x, out):
        self._cycle(0, x, out, fresh=True)
        return out

    def astype(self, dtype):
        if self.dtype == dtype:
            return self
        twin = copy(self)
        twin.dtype = np.dtype(dtype)
        twin._levels = [level.astype(dtype) for level in self._levels]
        twin._coarsest = self._coarsest.astype(dtype)
        return twin

    def update(self, A):
        """Take the values of another matrix of the same pattern; return the operator itself.

        The prolongators P and restrictions R stay; the coarse matrices R A P, the smoothers and the inverse
        on the coarsest grid follow the values.
        """
        matrices = [successor(self._levels[0].A, A, "amg")]
        diagonal(A, "amg")
        for level in self._levels[:-1]:
            matrices.append(_galerkin(level, matrices[-1]))
        for level, matrix in zip(self._levels, matrices, strict=True):
            level.A = matrix
        self._prepare()
        return self

    def _prepare(self):
        """Make what follows from the matrices: smoothers, and the solver of the coarsest grid."""
        hermitian = asymmetry(self._levels[0].A) <= np.finfo(self.dtype).eps ** 0.5
        for level in self._levels[:-1]:
            level.smoother = self._smooth(level.A, hermitian)
        last = self._levels[-1].A
        self._coarsest = _solver(last, _rounding(self._levels), hermitian)

    def _cycle(self, depth, b, x, fresh):
        """Improve the solution `x` of ``A x = b`` on a grid by one cycle; if `fresh`, it starts from zero."""
        level = self._levels[depth]
        if depth + 1 == len(self._levels):
            self._coarsest.apply(b, x)
            return
        y, r = level.smoother.before(b, x, level.spare, fresh)
        below = self._levels[depth + 1]
        level.R.apply(r, below.b)
        for visit in range(self._visits if depth + 2 < len(self._levels) else 1):
            self._cycle(depth + 1, below.b, below.x, fresh=visit == 0)
        P = level.P
        kernels_for(b).correct(P.indptr, P.indices, P.data, below.x, y)
        level.smoother.after(b, y, r)


def _galerkin(level, A):
    """Return ``R A P``, computed in double precision."""
    double = np.result_type(A.dtype, np.float64)
    P, R, A = (entries(X).astype(double) for X in (level.P, level.R, A))
    return Csr(R @ (A @ P), level.A.dtype, "a coarse matrix")


def _rounding(levels):
    """Return the size of rounding errors in the coarsest matrix: what is below them in it is zero."""
    A = levels[-1].A
    xp = array_module(A.library)
    rows = absolute(A) @ xp.ones(A.shape[0], A.dtype)
    if len(levels) > 1:  # the entries may be what is left of much larger ones
        up = levels[-2]
        rows = absolute(up.R) @ (absolute(up.A) @ (absolute(up.P) @ xp.ones(A.shape[0], A.dtype)))
    eps = max(1e3 * np.finfo(np.float64).eps, 4 * float(np.finfo(A.dtype).eps))
    return eps * float(abs(rows).max())


def _solver(A, rounding, hermitian):
    """Return the (pseudo-)inverse of the coarsest matrix as an operator."""
    n, on_host = A.shape[0], A.library == "numpy"
    if n > DENSE and on_host:
        return _Factors(A)
    if n > DENSE_DEVICE:
        raise ValueError(
            f"the coarsest grid still has {n} unknowns, more than the {DENSE_DEVICE} of a dense inverse "
            "on a GPU: raise max_levels, change strength, or use jacobi or spai"
        )
    inverse = _pseudoinverse(to_host(entries(A)).toarray(), rounding, hermitian).astype(A.dtype)
    return Dense(array_module(A.library).asarray(inverse))


class _Factors(Operator):
    """The inverse of a large coarsest matrix, by SciPy's sparse LU."""

    def __init__(self, A):
        from scipy.sparse.linalg import splu

        super().__init__(A.shape, A.dtype, A.library)
        self._double = np.result_type(A.dtype, np.float64)
        try:
            self._factors = splu(entries(A).astype(self._double).tocsc())
        except RuntimeError as error:
            raise ValueError(
                f"the coarsest grid has {A.shape[0]} unknowns and is singular: choose max_coarse <= {DENSE}, "
                "where a pseudo-inverse serves, or change strength"
            ) from error

    def apply(self, x, out):
        out[...] = self._factors.solve(x.astype(self._double))
        return out


def _pseudoinverse(A, rounding, hermitian):
    """Return the inverse of a dense matrix on all but what rounding errors cannot tell from its null space."""
    A = A.astype(np.result_type(A.dtype, np.float64))
    if hermitian:
        values, right = np.linalg.eigh((A + A.conj().T) / 2)
        left = right
    else:
        left, values, rows = np.linalg.svd(A)
        right = rows.conj().T
    kept = abs(values) > rounding
    return (right[:, kept] / values[kept]) @ left[:, kept].conj().T
