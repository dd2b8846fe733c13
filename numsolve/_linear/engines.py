"""Sparse factorisations of other packages, used where they are installed: PARDISO, CHOLMOD and UMFPACK.

Each function takes the scaled matrix in compressed rows and returns two functions, which solve with the
matrix and with its adjoint for a vector or columns. It raises a RuntimeError if it cannot factorise.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np

LARGE = 5_000  # unknowns from which "direct" uses an installed package


def _pardiso(matrix):
    from pypardiso import PyPardisoSolver  # pyright: ignore

    solver = PyPardisoSolver(mtype=11)  # real and nonsymmetric
    transposed = matrix.T  # compressed columns, which share the arrays, so that the factors serve for both
    try:
        solver.factorize(matrix)
    except Exception as error:  # its own class of errors
        raise RuntimeError(f"PARDISO: {error}") from error
    return lambda v: solver.solve(matrix, v), lambda v: solver.solve(transposed, v)


def _cholmod(matrix):
    from sksparse import cholmod  # pyright: ignore

    try:
        factor = cholmod.cholesky(matrix.tocsc())
    except cholmod.CholmodError as error:
        raise RuntimeError(f"CHOLMOD: {error}") from error
    return factor, factor


def _umfpack(matrix):
    from scikits import umfpack  # pyright: ignore

    columns = matrix.tocsc()
    factors = umfpack.splu(columns)

    def adjoint(v):
        each = [factors.umf.solve(umfpack.UMFPACK_At, columns, w) for w in np.atleast_2d(v.T)]
        return np.stack(each, axis=-1).reshape(v.shape)

    return factors.solve, adjoint


class Engine(NamedTuple):
    """A package: its name for users, its module, the dtypes it takes, whether the matrix must be definite."""

    title: str
    module: str
    factorise: Callable
    dtypes: str
    definite: bool = False


ENGINES = {
    "cholmod": Engine("CHOLMOD", "sksparse", _cholmod, "dD", definite=True),
    "pardiso": Engine("PARDISO", "pypardiso", _pardiso, "d"),
    "umfpack": Engine("UMFPACK", "scikits.umfpack", _umfpack, "dD"),
}
PACKAGES = {"cholmod": "scikit-sparse", "pardiso": "pypardiso", "umfpack": "scikit-umfpack"}


def named(name, dtype):
    """Return the engine that a caller asks for; raise if it is not installed or does not take the dtype."""
    engine = ENGINES[name]
    if not _is_installed(engine):
        raise ImportError(f"method={name!r} needs the package {PACKAGES[name]}, or use method='direct'")
    if np.dtype(dtype).char not in engine.dtypes:
        raise TypeError(f"{engine.title} does not take {np.dtype(dtype)}: use method='direct'")
    return engine


def installed(dtype, n, maybe_definite):
    """Return the installed engines that suit a matrix, the most suitable first."""
    if n < LARGE:
        return []
    return [
        engine
        for engine in ENGINES.values()
        if (maybe_definite or not engine.definite)
        and np.dtype(dtype).char in engine.dtypes
        and _is_installed(engine)
    ]


def _is_installed(engine):
    """Tell whether the module of an engine can be found; it is not imported."""
    try:
        return find_spec(engine.module) is not None
    except (ImportError, ValueError):  # its parent package is missing, or a stand-in without a specification
        return False
