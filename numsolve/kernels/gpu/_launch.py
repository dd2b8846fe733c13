"""Launch the kernels of the table through CuPy, after a check of the dtypes and strides of their arrays."""

from functools import cache
from pathlib import Path

import cupy
import numpy as np

from ..table import TABLE, expression

HOME = Path(__file__).parent
BLOCK = 256  # as in kernel.h
TILE = 32  # rows of a block of vectors that a block of threads takes at a time, as in kernel.h
BLOCKS = 1024  # of the largest grid: the most pieces that a later kernel has to add


def blocks(items, threads=1):
    """Return the size of the grid for so many items of so many threads each."""
    return max(1, min(-(-items * threads // BLOCK), BLOCKS))


def pieces(like, count):
    """Return room for the partial sums of `count` blocks."""
    return cupy.empty(count, real(like.dtype))


def gram_pieces(block):
    """Return room for the partial sums of the products of columns, whose `row_sums` are the products."""
    n, k = block.shape
    return cupy.empty((k * k, max(1, min(-(-n // TILE), BLOCKS))), block.dtype)


def real(dtype):
    """Return the real dtype of the same precision."""
    return np.finfo(dtype).dtype


def launch(name, grid, *args):
    """Launch kernel `name` on `grid` blocks; the arguments are those of its line in the table."""
    _, _, index_dtypes, signature, _ = TABLE[name]
    kinds = [field.partition(":")[2] for field in signature.split()]
    values = dict(zip(kinds, args, strict=True))
    dtype = next(values[kind].dtype for kind in ("T*", "R+", "R*") if kind in values)
    dtypes = {"T*": dtype, "T+": dtype, "R*": real(dtype), "R+": real(dtype), "bool*": np.dtype(bool)}
    if index_dtypes:
        dtypes["I*"] = values["I*"].dtype
    passed = []
    for field, kind, value in zip(signature.split(), kinds, args, strict=True):
        if kind in dtypes:
            if value.dtype != dtypes[kind] or not value.flags.c_contiguous:
                raise TypeError(f"{name}: {field} is {value.dtype}, contiguous {dtypes[kind]} is needed")
            passed += [value, np.int64(value.size)] if kind.endswith("+") else [value]
        else:
            passed.append(np.int64(value) if kind == "int64" else real(dtype).type(value))
    index = dtypes["I*"].name if index_dtypes else None
    _load(name, dtype.name, index, cupy.cuda.runtime.getDevice())((grid,), (BLOCK,), tuple(passed))


@cache
def _load(name, dtype, index, device):  # noqa: ARG001 - a loaded function belongs to its device
    module = cupy.RawModule(
        code=(HOME / f"{TABLE[name][0]}.cu").read_text(),
        options=("--std=c++17", f"-I{HOME}"),
        name_expressions=[expression(name, dtype, index)],
    )
    return module.get_function(expression(name, dtype, index))
