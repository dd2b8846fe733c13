"""Rows of a block of vectors in vector registers: the arithmetic of kernels for blocks.

A `Row` is k numbers side by side. Numba knows k because it is the length of a tuple, `width`, and compiles
one version of a kernel for each k: loops over an unknown number of columns would not be vectorised.
"""

from functools import partial
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.datamodel import models
from numba.core.datamodel.registry import register_default
from numba.extending import intrinsic

from ._jit import inline, kernel, paste

TILE = 16  # rows whose products are added up while the cache holds them


class Row(types.Type):
    """k numbers of a dtype in registers; complex ones as pairs of reals."""

    def __init__(self, dtype, k):
        self.dtype, self.k = dtype, k
        super().__init__(f"Row({dtype}, {k})")


def _vector(row):
    """Return LLVM's type of a `Row`."""
    real = getattr(row.dtype, "underlying_float", row.dtype)
    pairs = 2 if isinstance(row.dtype, types.Complex) else 1
    return ir.VectorType(ir.FloatType() if real == types.float32 else ir.DoubleType(), pairs * row.k)


@register_default(Row)
class _RowModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, _vector(fe_type))


def _address(context, builder, kind, array, index, row):
    """Return the address of row `index` of a C-contiguous block, and its guaranteed alignment."""
    vector = _vector(row)
    data = context.make_array(kind)(context, builder, array).data
    pointer = builder.gep(data, [builder.mul(index, ir.Constant(index.type, row.k))])
    return builder.bitcast(pointer, vector.as_pointer()), 4 if vector.element == ir.FloatType() else 8


def _zero_row(typing_context, array, width):
    """Return a row of zeros of the dtype of `array`."""
    row = Row(array.dtype, len(width))

    def generate(context, builder, signature, arguments):
        return ir.Constant(_vector(row), None)

    return row(array, width), generate


def _load_row(typing_context, array, index, width):
    """Return row `index` of a block."""
    row = Row(array.dtype, len(width))

    def generate(context, builder, signature, arguments):
        pointer, align = _address(context, builder, array, arguments[0], arguments[1], row)
        return builder.load(pointer, align=align)

    return row(array, index, width), generate


def _store_row(typing_context, array, index, row):
    """Write a row to a block."""

    def generate(context, builder, signature, arguments):
        pointer, align = _address(context, builder, array, arguments[0], arguments[1], row)
        builder.store(arguments[2], pointer, align=align)
        return context.get_dummy_value()

    return types.void(array, index, row), generate


def _add_scaled(typing_context, row, factor, other):
    """Return ``row + factor * other``; the factor is a number of the rows' dtype."""

    def generate(context, builder, signature, arguments):
        vector, (to, by, what) = _vector(row), arguments
        flags = ("contract", "reassoc")

        def spread(number):
            nothing, first = ir.Constant(vector, ir.Undefined), ir.Constant(ir.IntType(32), 0)
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), None)
            return builder.shuffle_vector(builder.insert_element(nothing, number, first), nothing, zeros)

        def fused(to, by, what):
            return builder.fadd(to, builder.fmul(by, what, flags=flags), flags=flags)

        if not isinstance(row.dtype, types.Complex):
            return fused(to, spread(by), what)
        number = context.make_complex(builder, row.dtype, value=by)
        swapped = ir.Constant(
            ir.VectorType(ir.IntType(32), vector.count), [i ^ 1 for i in range(vector.count)]
        )
        signs = ir.Constant(vector, [-1.0, 1.0] * row.k)
        turned = builder.shuffle_vector(what, ir.Constant(vector, ir.Undefined), swapped)
        to = fused(to, spread(number.real), what)
        return fused(to, builder.fmul(spread(number.imag), signs, flags=flags), turned)

    return row(row, row.dtype, row), generate


zero_row: Any = intrinsic(_zero_row)  # zero_row(array, width)
load_row: Any = intrinsic(_load_row)  # load_row(array, index, width)
store_row: Any = intrinsic(_store_row)  # store_row(array, index, row)
add_scaled: Any = intrinsic(_add_scaled)  # add_scaled(row, factor, other)


def width(block):
    """Return a tuple as long as the rows of a block: the last argument of a kernel for blocks."""
    return (0,) * block.shape[1]


block_kernel: Any = partial(kernel, items=lambda *args: args[-2].size)  # its last but one is a block


@paste
def add_to_gram(gram, first, last, A, B, width):
    """Add to `gram` the products of the columns of A, conjugated, with those of B, over some rows.

    Four columns of A at a time, so that the rows of B are read less often.
    """
    if len(width) % 2:
        j = np.uint64(len(width) - 1)
        row = load_row(gram, j, width)
        for i in range(first, last):
            row = add_scaled(row, np.conj(A[i, j]), load_row(B, i, width))
        store_row(gram, j, row)
    for four in range(np.uint64(len(width) // 4)):
        j = np.uint64(4) * four
        j1, j2, j3 = j + np.uint64(1), j + np.uint64(2), j + np.uint64(3)
        row, row1 = load_row(gram, j, width), load_row(gram, j1, width)
        row2, row3 = load_row(gram, j2, width), load_row(gram, j3, width)
        for i in range(first, last):
            b = load_row(B, i, width)
            row, row1 = add_scaled(row, np.conj(A[i, j]), b), add_scaled(row1, np.conj(A[i, j1]), b)
            row2, row3 = add_scaled(row2, np.conj(A[i, j2]), b), add_scaled(row3, np.conj(A[i, j3]), b)
        store_row(gram, j, row)
        store_row(gram, j1, row1)
        store_row(gram, j2, row2)
        store_row(gram, j3, row3)
    for pair in range(np.uint64(len(width) % 4 // 2)):
        j = np.uint64(len(width) // 4 * 4) + pair
        j1 = j + np.uint64(1)
        row, row1 = load_row(gram, j, width), load_row(gram, j1, width)
        for i in range(first, last):
            b = load_row(B, i, width)
            row = add_scaled(row, np.conj(A[i, j]), b)
            row1 = add_scaled(row1, np.conj(A[i, j1]), b)
        store_row(gram, j, row)
        store_row(gram, j1, row1)


@inline
def sum_grams(grams):
    """Return the sum over the chunks, in order."""
    result = np.zeros(grams.shape[1:], grams.dtype)
    for c in range(grams.shape[0]):
        result += grams[c]
    return result
