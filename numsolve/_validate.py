"""Checks of arguments. Each error names the argument, the value received and the value needed."""

from math import inf, isfinite
from numbers import Integral, Real
from time import monotonic
from typing import Any

import numpy as np

from ._array import array_module, common_library, is_sparse, is_table

DTYPES = tuple(np.dtype(t) for t in ("float32", "float64", "complex64", "complex128"))
ANY_RESIDUAL = 1e30  # relative tolerance that every residual meets, and that does not overflow


class NotFinite(ValueError):
    """An array has NaN or infinite entries."""


def floating(dtype, name) -> np.dtype[Any]:
    """Return the working dtype for `dtype`, in native byte order.

    Integers and long doubles become float64, half precision float32, complex long doubles complex128.
    """
    dtype = np.dtype(np.dtype(dtype).newbyteorder("=").str)  # the dtype object that all arrays share
    if dtype in DTYPES:
        return dtype
    if dtype == np.float16:
        return np.dtype(np.float32)
    if dtype.kind in "biufc":
        return np.dtype(np.complex128 if dtype.kind == "c" else np.float64)
    raise TypeError(
        f"{name} has dtype {dtype}; needed: float32, float64, complex64, complex128 or an integer dtype"
    )


def real_dtype(dtype):
    """Return the real dtype of the same precision."""
    return np.finfo(dtype).dtype


def as_array(x, name, xp: Any = np) -> Any:
    """Return `x`, which may be a list, as an array of the library `xp`; raise if its dtype is not numeric.

    Its bytes are in native order, and long doubles are rounded to double precision.
    """
    if is_sparse(x):
        raise TypeError(f"{name} is sparse; a dense array is needed: pass {name}.toarray()")
    if np.ma.is_masked(x):
        raise ValueError(f"{name} has masked entries; all must be known: pass {name}.filled(value)")
    if not hasattr(x, "dtype") or is_table(x):
        try:
            x = np.asarray(x)
        except ValueError as error:
            raise ValueError(f"{name} is not a rectangular array: {error}") from None
    working = floating(x.dtype, name)
    x = xp.asarray(x)
    if not x.dtype.isnative or (x.dtype.kind in "fc" and x.dtype.itemsize > working.itemsize):
        with np.errstate(over="ignore"):  # infinite entries are refused later
            x = x.astype(working)
    return x


def finite(x, name) -> Any:
    """Raise unless every entry of the array `x` is finite (one pass; a second only on overflow)."""
    with np.errstate(all="ignore"):
        total = abs(x.sum())
        if total < inf or x.size == 0:
            return x
        bad = int((~((x.real - x.real == 0) & (x.imag - x.imag == 0))).sum())
    if bad:
        raise NotFinite(f"{name} has {bad} NaN or infinite entries; all must be finite")
    return x


def shape_of(A):
    """Return the shape of an array, an operator or nested lists."""
    shape = getattr(A, "shape", None)
    return tuple(np.shape(A) if shape is None else shape)


def matrix_shape(A, name="A"):
    """Return m and n of an m-by-n operator; both may be zero, but not one of them."""
    shape = shape_of(A)
    if len(shape) != 2:
        raise ValueError(f"{name} has shape {shape}; a matrix, of two axes, is needed")
    if 0 in shape and any(shape):
        raise ValueError(f"{name} is empty: it has shape {shape}")
    return int(shape[0]), int(shape[1])


def square_shape(A, name="A", *, empty=False):
    """Return n of an n-by-n operator; n = 0 only if it may be `empty`."""
    shape = shape_of(A)
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ValueError(f"{name} has shape {shape}; a square matrix is needed")
    if shape[0] == 0 and not empty:
        raise ValueError(f"{name} is empty: it has shape (0, 0)")
    return int(shape[0])


def preconditioner(M: Any, n):
    """Raise unless `M` is None or an n-by-n operator; a name is not an operator."""
    if isinstance(M, str):
        raise TypeError(f"M is {M!r}; an operator is needed: pass numsolve.precondition.{M}(A)")
    if M is not None and square_shape(M, "M", empty=True) != n:
        raise ValueError(f"M has shape {tuple(M.shape)}, but A needs ({n}, {n})")


def right_hand_side(b, n, xp) -> Any:
    """Return `b` as a finite array of shape (n,) or (n, k)."""
    b = as_array(b, "b", xp)
    if b.ndim not in (1, 2) or b.shape[0] != n:
        raise ValueError(f"b has shape {b.shape}, but A needs ({n},) or ({n}, k)")
    return finite(b, "b")


def starting_guess(x0, shape, xp, needing="b needs"):
    """Return `x0` as a finite array of `shape`, or None; a single column may have one axis or two."""
    if x0 is None:
        return None
    if isinstance(x0, str):
        raise ValueError(f"x0 is {x0!r}; an array is needed, or 'Mb' in a method that takes M")
    x0 = as_array(x0, "x0", xp)
    if x0.shape != shape and {x0.shape, shape} == {shape[:1], (*shape[:1], 1)}:
        x0 = x0.reshape(shape)
    if x0.shape != shape:
        raise ValueError(f"x0 has shape {x0.shape}, but {needing} {shape}")
    return finite(x0, "x0")


def same_library(**arguments):
    """Return the name and the module of the library of the arguments."""
    name = common_library(**arguments)
    return name, array_module(name)


def scalar(value: Any) -> Any:
    """Return an array without axes as the number in it, and any other value as it is."""
    return value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value


def tolerance(value: Any, name):
    """Return a tolerance as a float >= 0."""
    value = scalar(value)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is {value!r}; a real number >= 0 is needed")
    if not 0 <= float(value) < inf:
        raise ValueError(f"{name} is {value!r}; a finite number >= 0 is needed")
    return float(value)


def tolerances(rtol, atol):
    """Return a relative and an absolute tolerance as finite floats >= 0; both may be given as infinite."""
    rtol, atol = scalar(rtol), scalar(atol)
    if inf in (rtol, atol):
        rtol, atol = ANY_RESIDUAL, 0.0
    return tolerance(rtol, "rtol"), tolerance(atol, "atol")


def deadline(time_limit: Any):
    """Return the time of ``time.monotonic()`` at which `time_limit` seconds are over; infinite for None."""
    return inf if time_limit is None else monotonic() + positive(time_limit, "time_limit")


def count(value: Any, name, least=0):
    """Return a whole number that is at least `least`."""
    value = scalar(value)
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} is {value!r}; a whole number >= {least} is needed")
    if value < least:
        raise ValueError(f"{name} is {value!r}; a whole number >= {least} is needed")
    return int(value)


def number(value: Any, name):
    """Return a finite real number as a float."""
    value = scalar(value)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is {value!r}; a real number is needed")
    if not isfinite(value):
        raise ValueError(f"{name} is {value!r}; a finite number is needed")
    return float(value)


def positive(value, name):
    """Return a finite float > 0."""
    value = tolerance(value, name)
    if not value > 0 or not isfinite(value):
        raise ValueError(f"{name} is {value!r}; a number > 0 is needed")
    return value


def relaxation(value, name="omega"):
    """Return a relaxation factor: a float strictly between 0 and 2."""
    value = number(value, name)
    if not 0 < value < 2:
        raise ValueError(f"{name} is {value!r}; a number between 0 and 2 is needed: sweeps diverge elsewhere")
    return value


def interval(value: Any, name):
    """Return two numbers ``0 < low <= high``."""
    try:
        low, high = value
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {value!r}; a pair of numbers is needed") from None
    low, high = positive(low, f"{name}[0]"), positive(high, f"{name}[1]")
    if low > high:
        raise ValueError(f"{name} is {value!r}; the smaller number comes first")
    return low, high


def span(value: Any, name):
    """Return two numbers ``low < high``."""
    try:
        low, high = value
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {value!r}; a pair of numbers is needed") from None
    low, high = number(low, f"{name}[0]"), number(high, f"{name}[1]")
    if low >= high:
        raise ValueError(f"{name} is {value!r}; the smaller number comes first, and they must differ")
    return low, high


def choice(value, name, allowed):
    """Return `value` if it is one of the names `allowed`."""
    if value not in tuple(allowed):
        raise ValueError(f"{name} is {value!r}; one of {', '.join(map(repr, allowed))} is needed")
    return value


def real(x, name, xp: Any = np) -> Any:
    """Return `x` as an array of finite real numbers of a floating dtype."""
    x = finite(as_array(x, name, xp), name)
    if x.dtype.kind == "c":
        raise TypeError(f"{name} has dtype {x.dtype}; real numbers are needed")
    return x.astype(floating(x.dtype, name), copy=False)


def real_array(x, name, xp: Any = np) -> Any:
    """Return `x` as an array of finite float64."""
    return real(x, name, xp).astype(float)


def positive_array(x, name) -> Any:
    """Return `x` as an array of positive, finite float64."""
    x = real_array(x, name)
    if bad := int((x <= 0).sum()):
        raise ValueError(f"{name} has {bad} entries <= 0; all must be positive")
    return x


def distinct(x, name) -> Any:
    """Return `x` as a vector of finite float64, at least one, no two equal."""
    x = real_array(x, name)
    if x.ndim != 1 or x.size == 0:
        raise ValueError(f"{name} has shape {x.shape}; a vector of at least one number is needed")
    if len(np.unique(x)) < x.size:
        raise ValueError(f"{name} holds a number twice; all must differ")
    return x


def permutation(value: Any, count, name):
    """Return a permutation of ``range(count)`` as an array."""
    order = as_array(value, name)
    if order.dtype.kind not in "iu" and order.size:
        raise TypeError(f"{name} has dtype {order.dtype}; whole numbers are needed")
    if order.shape != (count,) or (np.sort(order) != np.arange(count)).any():
        raise ValueError(f"{name} of shape {order.shape} is no permutation of the numbers 0 to {count - 1}")
    return order.astype(np.intp)


def function(value, name):
    """Return `value` if it is callable or None."""
    if value is not None and not callable(value):
        raise TypeError(f"{name} is a {type(value).__name__}; a callable or None is needed")
    return value


def recycled(space: Any, n, dtype):
    """Return `space` if it is None or a recycled space for vectors of length `n` and `dtype`."""
    if space is None:
        return None
    if not (hasattr(space, "U") and hasattr(space, "C")):
        raise TypeError(f"recycle is a {type(space).__name__}; the attribute recycle of a result is needed")
    if space.shape[1] != n:
        raise ValueError(f"recycle holds vectors of length {space.shape[1]}, but A needs {n}")
    if space.dtype.kind == "c" and dtype.kind != "c":
        raise TypeError(f"recycle is complex, but A and b are {dtype}: solve without it")
    return space


def directions(recycle: Any, n, dtype):
    """Return the number of directions to learn, and the recycled space to start with, or None."""
    if hasattr(recycle, "U"):
        space: Any = recycled(recycle, n, dtype)
        return space.k, space
    if isinstance(recycle, bool) or not isinstance(recycle, Integral):
        raise TypeError(
            f"recycle is {recycle!r}; the attribute recycle of a result, or a number of directions, is needed"
        )
    return count(recycle, "recycle", least=1), None


def csr_arrays(indptr, indices, shape, nnz, name="A"):
    """Raise unless the three CSR arrays describe a matrix; else kernels would read outside of them."""
    n_rows, n_cols = shape
    if indptr.shape[0] != n_rows + 1 or int(indptr[0]) != 0 or int(indptr[-1]) != nnz:
        raise ValueError(f"{name} is not a valid CSR matrix: indptr does not run from 0 to nnz={nnz}")
    if n_rows and bool((indptr[1:] < indptr[:-1]).any()):
        raise ValueError(f"{name} is not a valid CSR matrix: indptr decreases")
    if nnz and (int(indices.min()) < 0 or int(indices.max()) >= n_cols):
        raise ValueError(f"{name} is not a valid CSR matrix: a column index is outside 0..{n_cols - 1}")
