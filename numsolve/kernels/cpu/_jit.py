"""Compilation of CPU kernels: for one thread and, for calls with many items, for all threads."""

from types import FunctionType
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from . import _team

GRAIN = 1 << 13  # items below which a second thread costs more than it saves
FASTMATH = {"reassoc", "contract"}  # vector sums and FMA; NaN and infinity keep their meaning


def inline(function):
    """Compile a helper that kernels call."""
    return njit(cache=True, nogil=True, fastmath=FASTMATH, error_model="numpy")(function)


def paste(function):
    """Compile a helper that Numba inlines into its caller: for bodies of inner loops."""
    return njit(cache=True, nogil=True, fastmath=FASTMATH, error_model="numpy", inline="always")(function)


def _prefetch(typing_context, array, index):  # noqa: ARG001 - Numba's interface
    """Prefetch the cache line of ``array[index]``, which may lie outside the array."""

    def generate(context, builder, signature, arguments):
        address = builder.gep(
            context.make_array(signature.args[0])(context, builder, arguments[0]).data, [arguments[1]]
        )
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        function = builder.module.declare_intrinsic(
            "llvm.prefetch", [byte], ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        )
        read, keep, data = flag(0), flag(3), flag(1)
        builder.call(function, [builder.bitcast(address, byte), read, keep, data])
        return context.get_dummy_value()

    return types.void(array, index), generate


prefetch: Any = intrinsic(_prefetch)  # called as prefetch(array, index)


def last_axis(*args):
    """Return the number of items of most kernels."""
    return args[-1].shape[-1]


def kernel(function=None, *, items=last_axis):
    """Compile `function`, whose ``prange`` runs over fixed chunks, once serial and once threaded.

    The chunks depend on the size alone and their sums are added in order, so that results do not depend on
    the number of threads. The threaded one is called if there are GRAIN items, ``items(*args)``, or more.
    """
    if function is None:
        return lambda function: kernel(function, items=items)
    serial = inline(function)
    threads = None

    def call(*args):
        nonlocal threads
        if items(*args) < GRAIN or _team.is_lost():
            return serial(*args)
        if threads is None:
            threads = njit(cache=True, nogil=True, parallel=True, fastmath=FASTMATH, error_model="numpy")(
                _twin(function)
            )
        return _team.run(threads, args)

    call.__name__, call.__doc__ = function.__name__, function.__doc__
    return call


def _twin(function):
    """Return a copy under another name: Numba's disk cache identifies functions by name and line only."""
    twin = FunctionType(function.__code__, function.__globals__, function.__name__ + "_threads")
    twin.__qualname__ = twin.__name__
    twin.__module__ = function.__module__
    return twin
