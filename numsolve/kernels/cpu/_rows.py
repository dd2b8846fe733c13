"""Rows of a block of vectors in vector registers: the arithmetic of kernels for blocks.

A `Row` has a number of lanes that Numba knows, because it is the length of a tuple, `width`: a kernel is
compiled for each length. Lengths are 1, 2, 4 and 8: rows of three numbers have four lanes, rows of five to
seven numbers have eight. Rows lie k apart in memory, where k is the number of columns. Only the first k lanes
are loaded and stored, and the others enter no result.
"""

from functools import partial
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core.datamodel import models
from numba.core.datamodel.registry import register_default
from numba.extending import intrinsic

from ._jit import FASTMATH, compiled, inline, kernel, paste

SHARED = 8  # up to so many lanes, only powers of two: other numbers of columns share the next one
TILE = 16  # rows whose sums of products are added in one go, while the cache holds them


class Row(types.Type):
    """k lanes for numbers of a dtype in registers; complex ones as pairs of reals."""

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


def _counts(lanes):
    """Return the numbers of columns that are held in so many lanes, the largest first."""
    return range(lanes, lanes // 2 if lanes <= SHARED else lanes - 1, -1)


def _place(context, builder, array, arguments, width):
    """Return where a row of a C-contiguous block begins; `arguments` are the block and the row's index."""
    block, index = arguments
    data = context.make_array(array)(context, builder, block).data
    if len(_counts(len(width.type.elements))) > 1:
        columns = builder.extract_value(width, 0)
    else:
        columns = ir.Constant(index.type, len(width.type.elements))
    real = ir.FloatType() if array.dtype in (types.float32, types.complex64) else ir.DoubleType()
    return builder.bitcast(builder.gep(data, [builder.mul(index, columns)]), real.as_pointer())


def _for_each_count(builder, width, lanes, generate):
    """Generate code for each number of columns that so many lanes may hold, and a switch between the codes.

    Return the value of each with the basic block it ends in. Where `versions` made the number a constant,
    LLVM keeps only the code of that number.
    """
    counts, after = _counts(lanes), builder.append_basic_block("after")
    cases = [builder.append_basic_block(f"columns{k}") for k in counts]
    switch, found = builder.switch(builder.extract_value(width, 0), cases[0]), []
    for k, case in zip(counts, cases, strict=True):
        if k < lanes:
            switch.add_case(k, case)
        builder.position_at_end(case)
        found.append((generate(k), builder.block))
        builder.branch(after)
    builder.position_at_end(after)
    return found


def _parts(builder, pointer, count):
    """Yield a row in parts of a power of two of reals, the largest first: first real, length, address."""
    start = 0
    while start < count:
        size = 1 << (count - start).bit_length() - 1
        address = builder.gep(pointer, [ir.Constant(ir.IntType(64), start)])
        vector = ir.VectorType(pointer.type.pointee, size)
        yield start, size, builder.bitcast(address, vector.as_pointer())
        start += size


def _shuffle(builder, first, second, lanes):
    """Return a vector of the `lanes` of two vectors, counted through both."""
    return builder.shuffle_vector(
        first, second, ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)
    )


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
        vector, width = _vector(row), arguments[2]
        pointer = _place(context, builder, array, arguments[:2], width)
        align, lanes = 4 if vector.element == ir.FloatType() else 8, range(vector.count)

        def load(k):
            result = ir.Constant(vector, ir.Undefined)
            for start, size, address in _parts(builder, pointer, vector.count // row.k * k):
                part = builder.load(address, align=align)
                nothing = ir.Constant(part.type, ir.Undefined)
                part = _shuffle(builder, part, nothing, [min(i, size) for i in lanes])
                chosen = [vector.count + i - start if 0 <= i - start < size else i for i in lanes]
                result = _shuffle(builder, result, part, chosen)
            return result

        found = _for_each_count(builder, width, row.k, load)
        result = builder.phi(vector)
        for value, block in found:
            result.add_incoming(value, block)
        return result

    return row(array, index, width), generate


def _store_row(typing_context, array, index, row, width):
    """Write a row to a block."""

    def generate(context, builder, signature, arguments):
        vector, whole, width = _vector(row), arguments[2], arguments[3]
        pointer = _place(context, builder, array, arguments[:2], width)
        align, nothing = 4 if vector.element == ir.FloatType() else 8, ir.Constant(vector, ir.Undefined)

        def store(k):
            for start, size, address in _parts(builder, pointer, vector.count // row.k * k):
                part = _shuffle(builder, whole, nothing, list(range(start, start + size)))
                builder.store(part, address, align=align)

        _for_each_count(builder, width, row.k, store)
        return context.get_dummy_value()

    return types.void(array, index, row, width), generate


def _fixed(typing_context, width, less):
    """Return a width of `less` columns fewer than it has lanes; LLVM sees a constant."""

    def generate(context, builder, signature, arguments):
        value = ir.Constant(context.get_value_type(width), None)
        k = ir.Constant(ir.IntType(64), len(width) - less.literal_value)
        return builder.insert_value(value, k, 0)

    return width(width, less), generate


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
store_row: Any = intrinsic(_store_row)  # store_row(array, index, row, width)
fixed: Any = intrinsic(prefer_literal=True)(_fixed)  # fixed(width, less)
add_scaled: Any = intrinsic(_add_scaled)  # add_scaled(row, factor, other)


def width(block):
    """Return the last argument of a kernel for blocks: a tuple whose length is the number of lanes of a row.

    Its first item is the number of columns, k. Up to eight columns have the next power of two of lanes, more
    have k. Methods take eight columns at a time, so kernels are compiled for 1, 2, 4 and 8 lanes.
    """
    k = block.shape[1]
    return (k,) + (0,) * ((1 << (k - 1).bit_length() if k <= SHARED else k) - 1)


@paste
def columns(width):
    """Return the number of columns that a width stands for."""
    return np.uint64(width[0]) if len(width) == 4 or len(width) == SHARED else np.uint64(len(width))


def versions(function):
    """Compile a helper whose last argument is a width; LLVM copies it for each number of columns.

    Numba compiles `function` once for each number of lanes. In a copy the number of columns is a constant.
    """
    body = compiled(function, forceinline=True)

    @njit(
        nogil=True, fastmath=FASTMATH, error_model="numpy", forceinline=True
    )  # not cached: Numba's key to a closure over a compiled function differs in each process
    def call(*args):
        width = args[-1]
        if (len(width) != 4 and len(width) != SHARED) or width[0] == len(width):
            body(*args[:-1], fixed(width, 0))
        elif len(width) == 4 or width[0] == len(width) - 1:
            body(*args[:-1], fixed(width, 1))
        elif width[0] == len(width) - 2:
            body(*args[:-1], fixed(width, 2))
        else:
            body(*args[:-1], fixed(width, 3))

    return call


block_kernel: Any = partial(kernel, items=lambda *args: args[-2].size)  # its last but one is a block


@paste
def add_to_gram(gram, first, last, A, B, width):
    """Add to `gram` the products of the columns of A, conjugated, with those of B, over some rows.

    Four columns of A at a time, so that the rows of B are read less often.
    """
    k = columns(width)
    if k % np.uint64(2):
        j = k - np.uint64(1)
        row = load_row(gram, j, width)
        for i in range(first, last):
            row = add_scaled(row, np.conj(A[i, j]), load_row(B, i, width))
        store_row(gram, j, row, width)
    for four in range(k // np.uint64(4)):
        j = np.uint64(4) * four
        j1, j2, j3 = j + np.uint64(1), j + np.uint64(2), j + np.uint64(3)
        row, row1 = load_row(gram, j, width), load_row(gram, j1, width)
        row2, row3 = load_row(gram, j2, width), load_row(gram, j3, width)
        for i in range(first, last):
            b = load_row(B, i, width)
            row, row1 = add_scaled(row, np.conj(A[i, j]), b), add_scaled(row1, np.conj(A[i, j1]), b)
            row2, row3 = add_scaled(row2, np.conj(A[i, j2]), b), add_scaled(row3, np.conj(A[i, j3]), b)
        store_row(gram, j, row, width)
        store_row(gram, j1, row1, width)
        store_row(gram, j2, row2, width)
        store_row(gram, j3, row3, width)
    for pair in range(k % np.uint64(4) // np.uint64(2)):
        j = k // np.uint64(4) * np.uint64(4) + pair
        j1 = j + np.uint64(1)
        row, row1 = load_row(gram, j, width), load_row(gram, j1, width)
        for i in range(first, last):
            b = load_row(B, i, width)
            row = add_scaled(row, np.conj(A[i, j]), b)
            row1 = add_scaled(row1, np.conj(A[i, j1]), b)
        store_row(gram, j, row, width)
        store_row(gram, j1, row1, width)


@inline
def sum_grams(grams):
    """Return the sum over the chunks, in order."""
    result = np.zeros(grams.shape[1:], grams.dtype)
    for c in range(grams.shape[0]):
        result += grams[c]
    return result
