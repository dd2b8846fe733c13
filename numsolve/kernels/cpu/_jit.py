"""How a CPU kernel is compiled: once for one thread and, where it is large enough to pay, once for all."""

import os
from threading import Lock
from types import FunctionType
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

GRAIN = 1 << 13  # items below which waking a second thread costs more than it saves
FASTMATH = {"reassoc", "contract"}  # vector sums and FMA; NaN and infinity keep their meaning
_ONE_TEAM = Lock()  # Numba's work queue aborts the process when two Python threads enter it
_team = {"called": False, "forked": False}  # GNU OpenMP aborts a forked child that enters a parent's team


def _after_fork():
    _team["forked"] = _team["forked"] or _team["called"]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def inline(function):
    """Compile a helper that kernels call."""
    return njit(cache=True, nogil=True, fastmath=FASTMATH, error_model="numpy")(function)


def paste(function):
    """Compile a helper whose text is put in its caller's place: for bodies of inner loops."""
    return njit(cache=True, nogil=True, fastmath=FASTMATH, error_model="numpy", inline="always")(function)


def _prefetch(typing_context, array, index):  # noqa: ARG001 - Numba's interface
    """Ask for the cache line of ``array[index]``, which need not exist, without waiting for it."""

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


def _length(args):
    """Return the length of the last argument's last axis."""
    return args[-1].shape[-1]


def kernel(function, items=_length):
    """Compile `function`, whose ``prange`` runs over fixed chunks, serially and threaded.

    The chunks depend on the size alone and their sums are added in order, so that the number of threads
    changes no bit. The number of ``items(args)`` chooses between the two.
    """
    serial = inline(function)
    threads = None

    def call(*args):
        nonlocal threads
        if items(args) < GRAIN or _team["forked"]:
            return serial(*args)
        if threads is None:
            threads = njit(cache=True, nogil=True, parallel=True, fastmath=FASTMATH, error_model="numpy")(
                _twin(function)
            )
        with _ONE_TEAM:
            _team["called"] = True
            return threads(*args)

    call.__name__, call.__doc__ = function.__name__, function.__doc__
    return call


def _twin(function):
    """Return a copy under another name: Numba's disk cache knows functions by name and line only."""
    twin = FunctionType(function.__code__, function.__globals__, function.__name__ + "_threads")
    twin.__qualname__ = twin.__name__
    twin.__module__ = function.__module__
    return twin
