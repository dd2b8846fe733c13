"""A stand-in for CuPy, backed by NumPy and by emulated kernels.

It raises an error for implicit transfers, and counts launches, host syncs and bytes moved. An operation on
arrays counts as one launch, a view as none.
"""

import operator
import sys
from collections import Counter
from types import ModuleType

import numpy as np
import scipy.sparse as sp

counts = Counter()
_emulator = None  # set by `install`
seed = 0


class ndarray:
    """An array that lives on the "device"."""

    __module__ = "cupy"
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, values):
        self._values = values

    # -- without a launch ------------------------------------------------------------------------------
    shape = property(lambda self: self._values.shape)
    dtype = property(lambda self: self._values.dtype)
    size = property(lambda self: self._values.size)
    ndim = property(lambda self: self._values.ndim)
    nbytes = property(lambda self: self._values.nbytes)
    flags = property(lambda self: self._values.flags)
    T = property(lambda self: ndarray(self._values.T))
    real = property(
        lambda self: ndarray(self._values.real), lambda self, value: self.real.__setitem__(..., value)
    )
    imag = property(
        lambda self: ndarray(self._values.imag), lambda self, value: self.imag.__setitem__(..., value)
    )

    def __len__(self):
        return len(self._values)

    def __getitem__(self, key):
        values = self._values[_device(key)]
        counts["launches"] += not (np.shares_memory(values, self._values) or values.size == 0)
        counts["syncs"] += isinstance(key, ndarray) and key.dtype == bool  # how many were picked
        return ndarray(values if isinstance(values, np.ndarray) else np.asarray(values))

    def reshape(self, *shape):
        return ndarray(self._values.reshape(*shape))

    def view(self, dtype):
        return ndarray(self._values.view(dtype))

    def swapaxes(self, one, two):
        return ndarray(self._values.swapaxes(one, two))

    def ravel(self):
        return ndarray(self._values.ravel())

    def diagonal(self):
        return ndarray(self._values.diagonal())

    # -- with a launch ---------------------------------------------------------------------------------------
    def __setitem__(self, key, value):
        counts["launches"] += 1
        self._values[_device(key)] = _device(value)

    def astype(self, dtype, copy=True):
        if not copy and self.dtype == dtype:
            return self
        return _launched(self._values.astype(dtype))

    def copy(self):
        return _launched(self._values.copy())

    def conj(self):
        return _launched(self._values.conj())

    def __abs__(self):
        return _launched(abs(self._values))

    def __neg__(self):
        return _launched(-self._values)

    def __invert__(self):
        return _launched(~self._values)

    # -- waits for the device --------------------------------------------------------------------------
    def get(self):
        counts["syncs"] += 1
        counts["bytes to host"] += self.nbytes
        return self._values.copy()

    def __float__(self):
        return float(self.get())

    def __int__(self):
        return int(self.get())

    def __bool__(self):
        return bool(self.get())

    def __complex__(self):
        return complex(self.get())

    def item(self):
        return self.get().item()

    tolist = item

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    # -- refused by CuPy ------------------------------------------------------------------------------------
    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed: use .get()")

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if method != "__call__" or kwargs:
            raise TypeError(f"{ufunc.__name__}.{method} is not supported on device arrays")
        return _launched(ufunc(*(_device(x) for x in inputs)))

    def __getattr__(self, name):
        if name.startswith("__array"):
            raise AttributeError(name)
        raise AttributeError(f"the stand-in for cupy.ndarray lacks {name!r}: add it if CuPy has it")


def _device(value):
    """Return what a kernel may take, device arrays and numbers; a host array is an error."""
    if isinstance(value, ndarray):
        return value._values
    if isinstance(value, tuple):
        return tuple(_device(v) for v in value)
    if isinstance(value, (np.ndarray, list)) or sp.issparse(value):
        raise TypeError(f"Unsupported type {type(value)}: a host array in a device operation")
    return value


def _launched(values):
    counts["launches"] += 1
    return ndarray(np.asarray(values))


def _binary(function, swap=False):
    def method(self, other):
        left, right = self._values, _device(other)
        return _launched(function(right, left) if swap else function(left, right))

    return method


def _in_place(function):
    def method(self, other):
        counts["launches"] += 1
        function(self._values, _device(other))
        return self

    return method


def _reduction(name):
    return lambda self, axis=None, keepdims=False: _launched(
        getattr(self._values, name)(axis=axis, keepdims=keepdims)
    )


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_"):
    _plain = _name.rstrip("_")
    setattr(ndarray, f"__{_plain}__", _binary(getattr(operator, _name)))
    setattr(ndarray, f"__r{_plain}__", _binary(getattr(operator, _name), swap=True))
    if _name != "matmul":
        setattr(ndarray, f"__i{_plain}__", _in_place(getattr(operator, "i" + _plain)))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(ndarray, f"__{_name}__", _binary(getattr(operator, _name)))
for _name in ("sum", "max", "min", "any", "all"):
    setattr(ndarray, _name, _reduction(_name))


class RawModule:
    """Runs the kernels of a ``.cu`` file under emulation."""

    __module__ = "cupy"

    def __init__(self, *, code, options=(), name_expressions=()):
        if "#include" not in code or not any(o.startswith("-I") for o in options):
            raise ValueError("a .cu file includes kernel.h, whose folder must be an option")
        self._expressions = name_expressions

    def get_function(self, expression):
        if expression not in self._expressions:
            raise KeyError(expression)
        name, _, rest = expression.rstrip(">").partition("<")
        types = {"float": "float32", "double": "float64", "int": "int32"}
        dtype, index = ([types.get(t, t) for t in rest.split(", ")] + [None])[:2]

        def launch(grid, block, args):
            counts["launches"] += 1
            _emulator.launch(name, dtype, index, grid[0], block[0], [_device(a) for a in args], seed)

        return launch


def _creator(name):
    def create(*args, **kwargs):
        args = [_device(a) for a in args]
        counts["launches"] += not name.startswith("empty")
        return ndarray(getattr(np, name)(*args, **kwargs))

    return create


def asarray(values, dtype=None, order=None):
    """Move host values to the device, and count the bytes."""
    if isinstance(values, ndarray):
        return values if dtype in (None, values.dtype) else values.astype(dtype)
    values = np.array(values, dtype=dtype, order=order)
    counts["bytes to device"] += values.nbytes
    return ndarray(values)


def array(values, dtype=None, order="K"):
    if isinstance(values, ndarray):
        return _launched(np.array(values._values, dtype=dtype, order=order))
    return asarray(values, dtype, order)


def ascontiguousarray(values, dtype=None):
    host = _device(values)
    result = np.ascontiguousarray(host, dtype=dtype)
    return values if result is host else _launched(result)


def _function(name):
    return lambda *args, **kwargs: _launched(getattr(np, name)(*(_device(a) for a in args), **kwargs))


def _along(name):
    """A function that takes an axis, or all of them."""
    return lambda a, axis=_DEFAULT_AXIS[name]: _launched(getattr(np, name)(_device(a), axis=axis))


_DEFAULT_AXIS = {"cumsum": None, "sort": -1, "argsort": -1}


def _factorisation(name):
    """A function of ``linalg``, which returns an array or a tuple of them."""

    def factorise(a, **options):
        found = getattr(np.linalg, name)(_device(a), **options)
        return tuple(map(_launched, found)) if isinstance(found, tuple) else _launched(found)

    return factorise


def nonzero(a):
    counts["launches"] += 1
    counts["syncs"] += 1  # how many there are
    return tuple(ndarray(index) for index in np.nonzero(_device(a)))


def bincount(x, weights=None, minlength=None):
    counts["syncs"] += 1  # how many bins there are
    return _launched(np.bincount(_device(x), _device(weights), minlength))


def searchsorted(a, v, side="left", sorter=None):
    if not (isinstance(a, ndarray) and isinstance(v, ndarray)) or sorter is not None:
        raise NotImplementedError("only device arrays are searched, for device arrays")
    return _launched(np.searchsorted(a._values, v._values, side))


def _writer(name):
    def write(a, b, out):
        counts["launches"] += 1
        getattr(np, name)(_device(a), _device(b), out=_device(out))
        return out

    return write


class csr_matrix:
    """The part of ``cupyx.scipy.sparse.csr_matrix`` that numsolve uses."""

    __module__ = "cupyx.scipy.sparse"

    def __init__(self, source, shape=None, dtype=None, copy=False):
        if isinstance(source, csr_matrix):
            source = source.copy() if copy else source
            data = source.data if dtype is None else source.data.astype(dtype)
            source, shape = (data, source.indices, source.indptr), source.shape
        if isinstance(source, tuple):
            self.data, self.indices, self.indptr = source
            self.shape = shape
        else:
            self.data, self.indices, self.indptr = (
                asarray(getattr(source, k)) for k in ("data", "indices", "indptr")
            )
            self.shape = source.shape
        self.has_canonical_format = None

    dtype = property(lambda self: self.data.dtype)
    nnz = property(lambda self: int(self.data.size))
    ndim = 2

    @property
    def has_canonical_format(self):
        if self._canonical is None:
            counts["syncs"] += 1
            self._canonical = bool(self._host().has_canonical_format)
        return self._canonical

    @has_canonical_format.setter
    def has_canonical_format(self, value):
        self._canonical = value

    def _host(self):
        parts = (self.data._values, self.indices._values, self.indptr._values)
        return sp.csr_matrix(parts, shape=self.shape)

    def tocsr(self, copy=False):
        return self.copy() if copy else self

    def tocsc(self):
        host = self._host().tocsc()
        counts["launches"] += 3
        return csc_matrix((ndarray(host.data), ndarray(host.indices), ndarray(host.indptr)), self.shape)

    def copy(self):
        return csr_matrix((self.data.copy(), self.indices.copy(), self.indptr.copy()), shape=self.shape)

    def sum_duplicates(self):
        host = self._host()
        host.sum_duplicates()
        counts["launches"] += 3
        self.data, self.indices, self.indptr = ndarray(host.data), ndarray(host.indices), ndarray(host.indptr)
        self._canonical = True

    def diagonal(self):
        return _launched(self._host().diagonal())

    @property
    def T(self):
        return csc_matrix((self.data, self.indices, self.indptr), shape=self.shape[::-1])

    def conj(self):
        return csr_matrix((self.data.conj(), self.indices.copy(), self.indptr.copy()), shape=self.shape)

    def toarray(self):
        return _launched(self._host().toarray())

    def get(self):
        counts["syncs"] += 3
        return self._host().copy()

    def __matmul__(self, x):
        if isinstance(x, csr_matrix):
            counts["launches"] += 3
            host = self._host() @ x._host()
            parts = (ndarray(part) for part in (host.data, host.indices, host.indptr))
            return csr_matrix(tuple(parts), shape=host.shape)
        return _launched(self._host() @ _device(x))

    def astype(self, dtype):
        return csr_matrix((self.data.astype(dtype), self.indices, self.indptr), shape=self.shape)


class csc_matrix:
    """The transpose of a `csr_matrix`: the same arrays, read as columns."""

    __module__ = "cupyx.scipy.sparse"

    def __init__(self, source, shape):
        self.data, self.indices, self.indptr = source
        self.shape = shape

    dtype = property(lambda self: self.data.dtype)
    nnz = property(lambda self: int(self.data.size))

    def _host(self):
        parts = (self.data._values, self.indices._values, self.indptr._values)
        return sp.csc_matrix(parts, shape=self.shape)

    @property
    def has_canonical_format(self):
        counts["syncs"] += 1
        return bool(self._host().has_canonical_format)

    @property
    def T(self):
        return csr_matrix((self.data, self.indices, self.indptr), shape=self.shape[::-1])

    def tocsc(self):
        return self

    def __getitem__(self, key):
        rows, columns = key
        host = self._host()[rows, _device(columns)]
        counts["launches"] += 3
        return csc_matrix((ndarray(host.data), ndarray(host.indices), ndarray(host.indptr)), host.shape)

    def toarray(self):
        return _launched(self._host().toarray())

    def __matmul__(self, x):
        return _launched(self._host() @ _device(x))

    def tocsr(self):
        host = self._host().tocsr()
        counts["launches"] += 3
        return csr_matrix((ndarray(host.data), ndarray(host.indices), ndarray(host.indptr)), shape=self.shape)


class Device:
    """The only device."""

    def synchronize(self):
        counts["syncs"] += 1


def install(monkeypatch, emulator):
    """Make ``import cupy`` find the stand-in until the test ends; return its module."""
    global _emulator
    _emulator = emulator
    counts.clear()
    cupy = ModuleType("cupy")
    plain = "ndarray RawModule asarray array ascontiguousarray bincount counts nonzero searchsorted"
    for name in plain.split():
        setattr(cupy, name, globals()[name])
    for name in ("empty", "zeros", "ones", "full", "empty_like", "zeros_like", "ones_like", "arange", "eye"):
        setattr(cupy, name, _creator(name))
    cupy.argpartition = lambda a, kth: _launched(np.argpartition(_device(a), kth))
    cupy.array_equal = lambda a, b: _launched(np.array_equal(_device(a), _device(b)))
    cupy.stack = lambda arrays, axis=0: _launched(np.stack([_device(a) for a in arrays], axis=axis))
    cupy.broadcast_to = lambda a, shape: ndarray(np.broadcast_to(_device(a), shape))
    for name in ("matmul", "multiply"):
        setattr(cupy, name, _writer(name))
    functions = "vdot exp expm1 log sqrt isfinite isnan where conj concatenate argmax floor sum clip diff "
    functions += "logaddexp maximum minimum nextafter sign einsum isinf take_along_axis trace"
    for name in functions.split():
        setattr(cupy, name, _function(name))
    cupy.maximum.at = lambda a, places, values: np.maximum.at(_device(a), _device(places), _device(values))
    for name in _DEFAULT_AXIS:
        setattr(cupy, name, _along(name))
    cupy.linalg = ModuleType("cupy.linalg")
    for name in ("inv", "qr", "svd", "eigh", "eigvalsh"):
        setattr(cupy.linalg, name, _factorisation(name))
    cupy.linalg.solve = lambda a, b: _launched(np.linalg.solve(_device(a), _device(b)))
    cupy.is_available = lambda: True
    cupy.float64, cupy.newaxis = np.float64, None
    cupy.cuda = ModuleType("cupy.cuda")
    cupy.cuda.runtime = ModuleType("cupy.cuda.runtime")
    cupy.cuda.runtime.getDevice = lambda: 0
    cupy.cuda.Device = Device
    cupyx = ModuleType("cupyx")
    cupyx.scipy = ModuleType("cupyx.scipy")
    cupyx.scipy.sparse = ModuleType("cupyx.scipy.sparse")
    cupyx.scipy.sparse.csr_matrix, cupyx.scipy.sparse.csc_matrix = csr_matrix, csc_matrix
    modules = {
        "cupy": cupy,
        "cupyx": cupyx,
        "cupyx.scipy": cupyx.scipy,
        "cupyx.scipy.sparse": cupyx.scipy.sparse,
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    _forget(monkeypatch)
    return cupy


def _forget(monkeypatch):
    """Make numsolve look for CuPy again, now and when the test has ended."""
    from numsolve import _array, kernels

    for name in [n for n in sys.modules if n.startswith("numsolve.kernels.gpu")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(_array, "_cupy", lambda: sys.modules["cupy"])
    monkeypatch.setattr(kernels, "home", kernels.home.__wrapped__)
    monkeypatch.delattr(kernels, "gpu", raising=False)
