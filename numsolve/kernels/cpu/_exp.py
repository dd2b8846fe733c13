"""An exponential that the compiler can vectorise: Numba's own calls the C library for each entry."""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

# exp(r) - 1 - r over r * r for abs(r) <= log(2) / 2, by Chebyshev interpolation in extended precision: its
# relative error in exp is 1.6e-17 (1.0e-8 in single precision).
_LOG2_E = 1 / math.log(2)
_LN2 = (
    0.6931471803691238,
    1.9082149292705877e-10,
)  # 32 bits of log(2), so that k times them is exact, and the rest
_LN2_SINGLE = np.float32(0.693359375), np.float32(-2.12194440e-4)
_DOUBLE = (
    0.5000000000000001,
    0.16666666666666669,
    0.041666666666624115,
    0.008333333333329954,
    0.0013888888917217034,
    0.00019841269863347865,
    2.4801521292068924e-05,
    2.7557268157156206e-06,
    2.762008998965241e-07,
    2.510049064275714e-08,
)
_SINGLE = tuple(np.float32(c) for c in (0.5, 0.16666577, 0.041666556, 0.0083631791, 0.0013926184))
_SHIFT, _SHIFT_SINGLE = 1.5 * 2.0**52, np.float32(1.5 * 2**23)  # whole numbers near it are one unit apart
# Below the first the result would be subnormal: it is zero. Above the second it would be infinite.
_RANGE = -708.0, 709.0
_RANGE_SINGLE = np.float32(-87), np.float32(88)


def _scaled(typing_context, value, shifted):  # noqa: ARG001 - Numba's interface
    """Return ``value * 2**k``, where the number `shifted` is k plus 1.5 times a power of two, see `_SHIFT`.

    The last bits of `shifted` are then those of k; they are added to the exponent of `value`.
    """
    wide = value == types.float64

    def generate(context, builder, signature, arguments):
        integer, shift = (ir.IntType(64), 52) if wide else (ir.IntType(32), 23)
        bits, k = (builder.bitcast(argument, integer) for argument in arguments)
        moved = builder.add(bits, builder.shl(k, integer(shift)))
        return builder.bitcast(moved, context.get_value_type(signature.return_type))

    return value(value, shifted), generate


scaled: Any = intrinsic(_scaled)


def fast_exp(x):
    """Return exp(x), within 1.7e-16 of it (9.1e-8 in single precision); zero below the normal numbers."""
    raise NotImplementedError  # Numba sees the overload


# Without "reassoc", which would add the two parts of log(2) and cancel the shift.
@overload(fast_exp, jit_options={"fastmath": {"contract"}, "error_model": "numpy"}, inline="never")
def _fast_exp(x):
    if x == types.float32:
        one, log2_e, zero, shift = np.float32(1), np.float32(_LOG2_E), np.float32(0), _SHIFT_SINGLE
        least, most = _RANGE_SINGLE
        high, low = _LN2_SINGLE
        c0, c1, c2, c3, c4 = _SINGLE

        def single(x):
            x = most if x > most else x
            shifted = x * log2_e + shift
            whole = shifted - shift
            r = (x - whole * high) - whole * low
            p = c0 + r * (c1 + r * (c2 + r * (c3 + r * c4)))
            return zero if x < least else scaled(one + r * (one + r * p), shifted)

        return single
    if x != types.float64:
        return None
    log2_e, shift = _LOG2_E, _SHIFT
    least, most = _RANGE
    high, low = _LN2
    c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 = _DOUBLE

    def double(x):
        x = most if x > most else x
        shifted = x * log2_e + shift
        whole = shifted - shift
        r = (x - whole * high) - whole * low
        p = c5 + r * (c6 + r * (c7 + r * (c8 + r * c9)))
        p = c0 + r * (c1 + r * (c2 + r * (c3 + r * (c4 + r * p))))
        return 0.0 if x < least else scaled(1.0 + r * (1.0 + r * p), shifted)

    return double
