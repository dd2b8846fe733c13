"""An exponential that vectorises: Numba's calls the C library, an entry at a time."""

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
# Below the first the result would be subnormal: it is zero. Above the second it would be infinite.
_RANGE = -708.0, 709.0
_RANGE_SINGLE = np.float32(-87), np.float32(88)


def _power(typing_context, k):  # noqa: ARG001 - Numba's interface
    """Return 2**k for a whole number `k` of the normal range: its bits are the exponent's."""
    wide = k == types.int64
    real, integer = (types.float64, ir.IntType(64)) if wide else (types.float32, ir.IntType(32))

    def generate(context, builder, signature, arguments):
        bias, shift = (1023, 52) if wide else (127, 23)
        bits = builder.shl(builder.add(arguments[0], integer(bias)), integer(shift))
        return builder.bitcast(bits, context.get_value_type(signature.return_type))

    return real(k), generate


power: Any = intrinsic(_power)


def fast_exp(x):
    """Return exp(x), within 1.7e-16 of it (9.1e-8 in single precision); zero below the normal numbers."""
    raise NotImplementedError  # Numba sees the overload


# Without "reassoc", which would add up the two parts of log(2).
@overload(fast_exp, jit_options={"fastmath": {"contract"}, "error_model": "numpy"}, inline="never")
def _fast_exp(x):
    if x == types.float32:
        one, half, log2_e, zero = np.float32(1), np.float32(0.5), np.float32(_LOG2_E), np.float32(0)
        least, most = _RANGE_SINGLE
        high, low = _LN2_SINGLE
        c0, c1, c2, c3, c4 = _SINGLE

        def single(x):
            x = most if x > most else x
            whole = np.floor(x * log2_e + half)
            r = (x - whole * high) - whole * low
            p = c0 + r * (c1 + r * (c2 + r * (c3 + r * c4)))
            return zero if x < least else (one + (r + r * r * p)) * power(np.int32(whole))

        return single
    if x != types.float64:
        return None
    log2_e = _LOG2_E
    least, most = _RANGE
    high, low = _LN2
    c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 = _DOUBLE

    def double(x):
        x = most if x > most else x
        whole = np.floor(x * log2_e + 0.5)
        r = (x - whole * high) - whole * low
        p = c5 + r * (c6 + r * (c7 + r * (c8 + r * c9)))
        p = c0 + r * (c1 + r * (c2 + r * (c3 + r * (c4 + r * p))))
        return 0.0 if x < least else (1.0 + (r + r * r * p)) * power(np.int64(whole))

    return double
