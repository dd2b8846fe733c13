"""Algebraic multigrid: PyAMG builds the hierarchy, our kernels run the cycle on the device of the matrix."""

from copy import copy
from functools import partial
from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module, to_host
from .._operators.entries import diagonal, sparse_of, with_pattern_of
from .._operators.hermitian import is_hermitian
from .._operators.operator import Operator, entries
from ..kernels import kernels_for
from ._hierarchy import build_hierarchy, coarsest_solver, galerkin_product, grids_of, rounding_of_product
from ._smooth import SMOOTHERS

CYCLES = {"V": 1, "W": 2}  # visits to the grid below


def amg(A, *, method="smoothed_aggregation", smoother=None, sweeps=1, cycle="V", **options):
    r"""Return one cycle of algebraic multigrid as an operator.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Matrix with a nonzero diagonal, of NumPy/SciPy or CuPy. The cycle is Hermitian positive definite,
        as `cg` needs it, when `A` is.
    method : {"smoothed_aggregation", "ruge_stuben", "air"} or pyamg.multilevel.MultilevelSolver
        How PyAMG builds the hierarchy, on the host; "air" is for nonsymmetric matrices. Instead, an existing
        hierarchy can be passed, whose matrices are then used.
    smoother : {"jacobi", "chebyshev", "gauss_seidel", "multicolour", "fc_jacobi"}, optional
        "jacobi" (default): damped Jacobi sweeps. "chebyshev": the Chebyshev polynomial of the fourth kind
        [3]_ of degree `sweeps`, which differs from damped Jacobi from degree 2 on. "gauss_seidel": sweeps
        forward before the correction and backward after it, on one thread, or on a GPU in many launches.
        "multicolour": the same colour by colour, on all threads and in few launches. "fc_jacobi" (default for
        "air"): undamped Jacobi after the correction only, two sweeps over the points that the grid below
        lacks (fine points) and then one over the others [4]_; the cycle is not Hermitian, and smoothed
        aggregation has no such points.
    sweeps : int
        Sweeps before, and after, the correction from the grid below.
    cycle : {"V", "W"}
        "V" visits each grid once per cycle. "W" visits each grid, except the coarsest, twice as often as the
        grid above it.
    **options
        Passed to PyAMG's constructor, such as ``strength``, ``max_coarse`` or near-null-space vectors ``B``.

    Returns
    -------
    Operator
        ``M @ r`` runs the cycle; ``M.levels``, ``M.operator_complexity`` describe the hierarchy.
        ``M.update(A)`` returns the operator for other values in the same pattern. It keeps the prolongators
        and computes the coarse matrices and smoothers anew, at a fraction of the cost of a set-up.

    Raises
    ------
    ValueError
        `A` is not square, not finite or has a zero on its diagonal; a name is unknown; `sweeps` is less than
        1; PyAMG cannot build a hierarchy; or `update` is given another pattern.
    TypeError
        `A` is a LinearOperator, which has no entries, its dtype is not supported, or `sweeps` is not a whole
        number.

    Notes
    -----
    With Jacobi or Chebyshev, a V-cycle costs ``2 * sweeps`` products on each grid but the coarsest (about
    ``operator_complexity`` times that many products with `A` in all), each fused with its sweep or residual,
    one with each prolongator and one with its transpose; on a GPU ``2 * sweeps + 3`` launches per grid and
    one for the coarsest (fc_jacobi: ``3 * sweeps`` products, and one vector more). Storage: the hierarchy and
    a vector per grid; a solve needs three vectors per grid (one on the finest). The coarsest system is solved
    by a dense (pseudo-)inverse, on the host above 1500 unknowns by sparse LU. Smoothed aggregation is that of
    [1]_, with the damping of its equation 3.8; the set-up is PyAMG's [2]_. PyAMG draws from NumPy's global
    random state, which is restored; set-ups in several threads run one after the other.

    References
    ----------
    .. [1] P. Vanek, J. Mandel, M. Brezina, *Algebraic multigrid by smoothed aggregation for second and
       fourth order elliptic problems*, Computing 56, 1996, :doi:`10.1007/BF02238511`.
    .. [2] N. Bell, L. N. Olson, J. Schroder, B. Southworth, *PyAMG: algebraic multigrid solvers in Python*,
       J. Open Source Softw. 8(87), 2023, :doi:`10.21105/joss.05495`.
    .. [3] J. Lottes, *Optimal polynomial smoothers for multigrid V-cycles*, Numer. Linear Algebra Appl. 30,
       2023, :doi:`10.1002/nla.2518`.
    .. [4] T. A. Manteuffel, J. Ruge, B. S. Southworth, *Nonsymmetric algebraic multigrid based on local
       approximate ideal restriction (lAIR)*, SIAM J. Sci. Comput. 40, 2018, :doi:`10.1137/17M1144350`.

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
    if smoother is None:
        smoother = "fc_jacobi" if isinstance(method, str) and method == "air" else "jacobi"
    for value, names, argument in ((smoother, SMOOTHERS, "smoother"), (cycle, CYCLES, "cycle")):
        if value not in names:
            raise ValueError(f"{argument} is {value!r}; needed: one of {', '.join(names)}")
    matrix = sparse_of(A, "amg")
    diagonal(matrix, "amg")
    hierarchy = build_hierarchy(to_host(entries(matrix)), matrix.dtype, method, options)
    smooth = partial(SMOOTHERS[smoother], sweeps)
    return Multigrid(grids_of(hierarchy, matrix, copy=hierarchy is method), smooth, CYCLES[cycle])


class Multigrid(Operator):
    """A cycle over a hierarchy of grids."""

    _work: Any = None
    _not_pickled = ("_work",)

    def __init__(self, levels, smooth, visits):
        fine = levels[0].A
        super().__init__(fine.shape, fine.dtype, fine.library)
        self._smooth, self._visits = smooth, visits
        self._set_matrices(levels, [level.A for level in levels])

    @property
    def levels(self):
        """Number of grids."""
        return len(self._levels)

    @property
    def operator_complexity(self):
        """Entries of the matrices on all grids, over those of the finest."""
        return sum(level.A.nnz for level in self._levels) / self._levels[0].A.nnz

    def with_workspace(self):
        twin = copy(self)
        twin._levels = tuple(level.with_workspace() for level in self._levels)
        twin._coarsest = self._coarsest.with_workspace()
        twin._work = [level.work_vectors() for level in self._levels]
        return twin

    def apply(self, x, out):
        if self._work is None:
            return self.with_workspace().apply(x, out)
        self._cycle(0, x, out, fresh=True)
        return out

    def astype(self, dtype):
        if self.dtype == dtype:
            return self
        twin = copy(self)
        twin.dtype = np.dtype(dtype)
        twin._levels = tuple(level.astype(dtype) for level in self._levels)
        twin._coarsest = self._coarsest.astype(dtype)
        return twin

    def update(self, A):
        """Return the operator for another matrix of the same pattern.

        The prolongators P and restrictions R stay. The coarse matrices R A P, the smoothers and the coarsest
        solver are computed anew.
        """
        matrices = [with_pattern_of(self._levels[0].A, A, "amg")]
        diagonal(matrices[0], "amg")
        for level in self._levels[:-1]:
            matrices.append(galerkin_product(level, matrices[-1]))
        twin = copy(self)
        twin._set_matrices(self._levels, matrices)
        return twin

    def _set_matrices(self, levels, matrices):
        """Set the grids with other matrices, and compute smoothers and the coarsest solver."""
        hermitian = is_hermitian(matrices[0])
        noise = array_module(self.library).zeros(self.shape[0], matrices[0].data.real.dtype)
        smoothers: list[Any] = []
        for level, A in zip(levels[:-1], matrices[:-1], strict=True):
            smoothers.append(self._smooth(A, noise, hermitian, level.coarse))
            noise = rounding_of_product(level, A)
        self._coarsest = coarsest_solver(matrices[-1], float(noise.max()), hermitian)
        changed = zip(levels, matrices, [*smoothers, None], strict=True)
        self._levels = tuple(level.with_matrix(A, smoother) for level, A, smoother in changed)

    def _cycle(self, depth, b, x, fresh):
        """Improve the solution `x` of ``A x = b`` on a grid by one cycle; if `fresh`, it starts from zero."""
        level, work = self._levels[depth], self._work
        if depth + 1 == len(self._levels):
            self._coarsest.apply(b, x)
            return
        y, r = level.smoother.before(b, x, work[depth].spare, fresh)
        below = work[depth + 1]
        level.R.apply(r, below.b)
        for visit in range(self._visits if depth + 2 < len(self._levels) else 1):
            self._cycle(depth + 1, below.b, below.x, fresh=visit == 0)
        P = level.P
        kernels_for(b).correct(P.indptr, P.indices, P.data, below.x, y)
        level.smoother.after(b, y, r)
