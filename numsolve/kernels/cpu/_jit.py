"""Compilation of CPU kernels: for one thread and, for calls with many items, for all threads."""

from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core.cpu_options import ParallelOptions
from numba.extending import intrinsic

from .. import cold
from . import _team

GRAIN = 1 << 13  # items below which a second thread costs more than it saves
MANY = 1 << 16  # items from which on threads gain so much that they are compiled at once
FASTMATH = {"reassoc", "contract"}  # vector sums and FMA; NaN and infinity keep their meaning
# Loops over chunks alone run in parallel: others would cost time to compile and gain none.
OTHER_LOOPS = ("comprehension", "reduction", "inplace_binop", "setitem", "numpy", "stencil", "fusion")
PARALLEL = ParallelOptions(dict.fromkeys(OTHER_LOOPS, False))


def compiled(function, **options):
    """Compile a function; its code on the disk is valid as long as no file of kernels has changed.

    Numba looks at the file of the function alone, but the code contains that of its helpers too.
    """
    dispatcher: Any = njit(cache=True, nogil=True, fastmath=FASTMATH, error_model="numpy", **options)(
        function
    )
    dispatcher._cache._cache_file._source_stamp = _sources()
    return dispatcher


@cache
def _sources():
    """Return the times and the sizes of all files with kernels for the CPU."""
    here = Path(__file__).parent
    files = sorted([*here.glob("*.py"), *here.parent.glob("host/*.py")])
    return tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files)


def inline(function):
    """Compile a helper that kernels call."""
    return compiled(function)


def paste(function):
    """Compile a helper that Numba inlines into its caller: for bodies of inner loops."""
    return compiled(function, inline="always")


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
    the number of threads. The threaded one is called if there are GRAIN items, ``items(*args)``, or more. It
    is compiled if there are MANY, or if the serial one has taken so long that this pays.
    """
    if function is None:
        return lambda function: kernel(function, items=items)
    serial, twin, budget = inline(function), _twin(function), cold.Budget(cold.SERIAL_TIME)
    threads = None

    def call(*args):
        nonlocal threads
        if items(*args) < GRAIN or _team.is_lost():
            return serial(*args)
        if threads is None:
            if items(*args) < MANY and not budget.is_spent() and not is_stored(_name(twin)):
                return budget.run(serial, args)
            threads = compiled(twin, parallel=PARALLEL)
        return _team.run(threads, args)

    call.__name__, call.__doc__ = function.__name__, function.__doc__
    return call


def _name(function):
    """Return the name of a function in `is_stored`."""
    return f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}-"


def is_stored(start):
    """Tell whether the disk holds compiled code of a function whose name, ``file.name-``, starts so."""
    return any(name.startswith(start) for name in _stored_names())


@cache
def _stored_names():
    """Return the names in Numba's cache, as they are when this process first asks."""
    return [path.name for path in Path(inline(last_axis).stats.cache_path).glob("*.nbi")]


def _twin(function):
    """Return a copy under another name: Numba's disk cache identifies functions by name and line only."""
    twin = FunctionType(function.__code__, function.__globals__, function.__name__ + "_threads")
    twin.__qualname__ = twin.__name__
    twin.__module__ = function.__module__
    return twin
