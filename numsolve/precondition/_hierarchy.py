"""The grids of multigrid: PyAMG's hierarchy, moved to the device of the matrix, and the coarsest solver."""

import os
import warnings
from contextlib import contextmanager
from copy import copy as copied
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from .._array import array_module, to_device, to_host
from .._operators.operator import Csr, Dense, Operator, absolute, entries
from .._operators.readonly import ReadOnly

DENSE_ON_HOST = 1500  # largest number of unknowns for which the coarsest inverse is a dense matrix
_GLOBAL_STATE = [Lock()]  # of the set-up by PyAMG
DENSE_ON_DEVICE = 6000  # the same on a GPU, where no sparse factorisation is available


def build_hierarchy(A, dtype, method, options):
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
    try:
        with _global_state_kept(), np.errstate(all="ignore"):
            return builders[method](A, **options)
    except (ArithmeticError, ValueError, RuntimeError, IndexError, np.linalg.LinAlgError) as error:
        others = [name for name in builders if name != method]
        raise ValueError(
            f"PyAMG's {method} cannot build a hierarchy for A ({error}): change its options, try method="
            f"{others[0]!r} or {others[1]!r}, or use jacobi, block_jacobi or spai"
        ) from error


@contextmanager
def _global_state_kept():
    """Give PyAMG a fixed random state and no warnings of SciPy, and restore what the caller had.

    Both are global to the process, so one thread at a time may change them.
    """
    import scipy.sparse as sp

    with _GLOBAL_STATE[0]:
        state = np.random.get_state()  # noqa: NPY002 - PyAMG draws from the global state
        np.random.seed(0)  # noqa: NPY002
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", sp.SparseEfficiencyWarning)
                yield
        finally:
            np.random.set_state(state)  # noqa: NPY002


def _renew_lock():
    """Replace the lock in a forked process, where the thread that holds it does not run."""
    _GLOBAL_STATE[0] = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def grids_of(hierarchy, matrix, *, copy):
    """Return the grids of PyAMG's hierarchy, on the device of `matrix` and in its dtype.

    With `copy` they do not share arrays with the hierarchy.
    """

    def move(A):
        A = A.tocsr(copy=copy)
        return Csr(to_device(A) if matrix.library == "cupy" else A, matrix.dtype, "a matrix of the hierarchy")

    levels = []
    for level in hierarchy.levels:
        transfers = (move(level.P), move(level.R)) if level is not hierarchy.levels[-1] else ()
        levels.append(Level(move(level.A), *transfers, finest=not levels))
        if getattr(level, "splitting", None) is not None:
            levels[-1].coarse = array_module(matrix.library).asarray(np.asarray(level.splitting) == 1)
    return levels


class WorkVectors(NamedTuple):
    """The vectors that a cycle needs on a grid; the finest uses the caller's for the last two."""

    spare: Any
    b: Any = None
    x: Any = None


class Level(ReadOnly):
    """One grid: its matrix, prolongator P and restriction R (except the coarsest), and its smoother."""

    P: Any = None
    R: Any = None
    smoother: Any = None
    coarse: Any = None  # which points are also on the grid below; None for smoothed aggregation

    def __init__(self, A, P=None, R=None, *, finest):
        self.A, self.P, self.R, self.finest = A, P, R, finest

    def with_matrix(self, A, smoother):
        """Return the grid with another matrix and smoother."""
        level = copied(self)
        level.A, level.smoother = A, smoother
        return level

    def work_vectors(self):
        """Return the work vectors of a solve."""
        return WorkVectors(
            *array_module(self.A.library).empty((1 if self.finest else 3, self.A.shape[0]), self.A.dtype)
        )

    def with_workspace(self):
        """Return the grid for one solve."""
        level = copied(self)
        level.R = self.R and self.R.with_workspace()
        return level

    def astype(self, dtype):
        """Return the grid in another dtype."""
        A, P, R = (None if X is None else X.astype(dtype) for X in (self.A, self.P, self.R))
        level = Level(A, P, R, finest=self.finest)
        level.smoother, level.coarse = self.smoother and self.smoother.astype(A), self.coarse
        return level


def galerkin_product(level, A):
    """Return ``R A P``, computed in double precision."""
    double = np.result_type(A.dtype, np.float64)
    P, R, A = (entries(X).astype(double) for X in (level.P, level.R, A))
    return Csr(R @ (A @ P), level.A.dtype, "a coarse matrix")


def rounding_of_product(level, A):
    """Return for each row of ``R A P`` the size of its rounding errors: smaller entries count as zero."""
    eps = max(1e3 * np.finfo(np.float64).eps, 4 * float(np.finfo(A.dtype).eps))
    R, A, P = (absolute(X) for X in (level.R, A, level.P))
    return eps * (R @ (A @ (P @ array_module(A.library).ones(P.shape[1], A.dtype)))).real


def coarsest_solver(A, noise, hermitian):
    """Return the (pseudo-)inverse of the coarsest matrix; `noise` bounds the errors of its entries."""
    n, on_host = A.shape[0], A.library == "numpy"
    if n > DENSE_ON_HOST and on_host:
        return _Factors(A)
    if n > DENSE_ON_DEVICE:
        raise ValueError(
            f"the coarsest grid still has {n} unknowns, more than the {DENSE_ON_DEVICE} of a dense inverse "
            "on a GPU: raise max_levels, change strength, or use jacobi or spai"
        )
    inverse = _pseudoinverse(to_host(entries(A)).toarray(), noise, hermitian).astype(A.dtype)
    return Dense(array_module(A.library).asarray(inverse))


class _Factors(Operator):
    """The inverse of a large coarsest matrix, by SciPy's sparse LU."""

    def __init__(self, A):
        from scipy.sparse.linalg import splu

        super().__init__(A.shape, A.dtype, A.library)
        self._A, self._double = A, np.result_type(A.dtype, np.float64)
        try:
            self._factors = splu(entries(A).astype(self._double).tocsc())
        except RuntimeError as error:
            raise ValueError(
                f"the coarsest grid has {A.shape[0]} unknowns and is singular: choose max_coarse <= "
                f"{DENSE_ON_HOST}, for which a pseudo-inverse is used, or change strength"
            ) from error

    def __reduce__(self):
        return _Factors, (self._A,)

    def apply(self, x, out):
        out[...] = self._factors.solve(x.astype(self._double))
        return out


def _pseudoinverse(A, noise, hermitian):
    """Return the pseudo-inverse of a dense matrix; singular values up to `noise` count as zero."""
    A = A.astype(np.result_type(A.dtype, np.float64))
    if hermitian:
        values, right = np.linalg.eigh((A + A.conj().T) / 2)
        left = right
    else:
        left, values, rows = np.linalg.svd(A)
        right = rows.conj().T
    kept = abs(values) > max(noise, len(A) * np.finfo(np.float64).eps * abs(values).max())
    return (right[:, kept] / values[kept]) @ left[:, kept].conj().T
