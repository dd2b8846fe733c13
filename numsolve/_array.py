"""The libraries of arrays, NumPy and CuPy: only this module and ``kernels/gpu`` import CuPy."""

import os
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

READ_EVERY = {"numpy": 1, "cupy": 10}  # steps between two reads of the residual norms
_LIBRARY = {"numpy": "numpy", "scipy": "numpy", "cupy": "cupy", "cupyx": "cupy"}
_TABLES = {"pandas", "xarray", "polars"}  # on the host; `numpy.asarray` returns their numbers
_FOREIGN = {"torch", "jax", "jaxlib", "tensorflow", "dask", "sparse", "numba"}


def library(x):
    """Return "numpy", "cupy", or None for objects of neither library (a list, a number, a user's operator).

    The root module of the type decides, or that of a base class. Nothing is imported or copied.
    """
    if type(x) is np.ndarray:  # by far the most frequent
        return "numpy"
    for base in type(x).__mro__:
        root = base.__module__.partition(".")[0]
        if root == "numsolve":
            return getattr(x, "library", None)
        if root in _LIBRARY:
            # SciPy's LinearOperator wraps any matvec, and it is a base of many users' classes.
            return None if base.__name__ == "LinearOperator" and root == "scipy" else _LIBRARY[root]
        if root in _TABLES:
            return "numpy"
        if root in _FOREIGN:
            raise TypeError(f"{root} arrays are not supported: convert to NumPy, SciPy or CuPy first")
    return None


def common_library(**arguments):
    """Return the library of the named arguments; if two differ, raise a TypeError that names them."""
    found = {name: library(x) for name, x in arguments.items() if x is not None}
    homes = {}
    for name, home in found.items():
        if home is not None:
            homes.setdefault(home, name)
    if len(homes) > 1:
        raise TypeError(
            f"{homes['cupy']} is on the GPU (CuPy), {homes['numpy']} is on the host (NumPy): "
            "move one with numsolve.to_device or numsolve.to_host"
        )
    return next(iter(homes), "numpy")


def namespace(x) -> Any:
    """Return the module of array functions for `x`: numpy or cupy."""
    return array_module(library(x) or "numpy")


def array_module(name) -> Any:
    """Return numpy or cupy by name."""
    return np if name == "numpy" else _cupy()


def sparse_module(name) -> Any:
    """Return ``scipy.sparse`` or ``cupyx.scipy.sparse`` by the name of the array library."""
    if name == "cupy":
        _cupy()
    return import_module("scipy.sparse" if name == "numpy" else "cupyx.scipy.sparse")


def read_every(x):
    """Return the number of steps between two reads of the residual norms, for the library of `x`."""
    return READ_EVERY[library(x) or "numpy"]


def is_table(x):
    """Tell whether `x` is an array with labels, of pandas, xarray or polars."""
    return any(base.__module__.partition(".")[0] in _TABLES for base in type(x).__mro__)


def is_sparse(x):
    """Tell whether `x` is a SciPy or CuPy sparse matrix or array."""
    return hasattr(x, "tocsr") and hasattr(x, "nnz")


def to_device(*things) -> Any:
    """Copy NumPy arrays and SciPy sparse matrices to the current CUDA device.

    Parameters
    ----------
    *things : array or sparse matrix
        CuPy arrays and None are returned unchanged.

    Returns
    -------
    array or tuple
        The CuPy array or matrix of each argument; for one argument not a tuple.

    Raises
    ------
    RuntimeError
        CuPy is not installed, is switched off by ``NUMSOLVE_CUPY=0``, or finds no device.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve import to_device
    >>> b = to_device(np.ones(3))  # doctest: +SKIP
    """
    cupy = _cupy()
    if not cupy.is_available():
        raise RuntimeError("CuPy is installed but sees no CUDA device: check the driver with nvidia-smi")
    return _each(things, _to_device)


def to_host(*things) -> Any:
    """Copy CuPy arrays and sparse matrices to the host.

    Parameters
    ----------
    *things : array or sparse matrix
        NumPy arrays, SciPy matrices and None are returned unchanged.

    Returns
    -------
    array or tuple
        The NumPy array or SciPy matrix of each argument; for one argument not a tuple.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve import to_host
    >>> to_host(np.ones(3))
    array([1., 1., 1.])
    """
    return _each(things, lambda x: x.get() if library(x) == "cupy" else x)


def read_sum(pieces):
    """Return the sum that a kernel returned, on a GPU as partial sums, as a float on the host."""
    return float(np.sum(to_host(pieces)))


def _to_device(x):
    if x is None or library(x) == "cupy":
        return x
    if is_sparse(x):
        x = x.tocsr()
        x = x.astype(np.float64) if x.dtype.kind in "iu" else x  # CuPy's sparse matrices hold no integers
        return sparse_module("cupy").csr_matrix(x)
    if hasattr(x, "matvec"):
        raise TypeError("a LinearOperator cannot be moved: build it from CuPy arrays")
    return _cupy().asarray(x)


def _each(things, move):
    moved = tuple(move(x) for x in things)
    return moved[0] if len(moved) == 1 else moved


@cache
def _cupy():
    if os.environ.get("NUMSOLVE_CUPY") == "0":
        raise RuntimeError("CuPy is switched off by the environment variable NUMSOLVE_CUPY=0")
    try:
        return import_module("cupy")
    except ImportError as error:
        raise RuntimeError(
            "CuPy is not installed: pip install 'numsolve-kernels[cuda13]' (or cuda12; see nvidia-smi)"
        ) from error
