"""Random numbers, drawn on the host from ``rng=`` (SPEC 7) and then moved; quasi-random numbers."""

from typing import Any

import numpy as np

from ._array import array_module, namespace

# Irrational steps for `scattered`: the fractional parts of the golden ratio and of the square root of two.
GOLDEN, SQRT2 = 0.6180339887498949, 0.4142135623730951


def standard_normal(rng, shape, *, dtype: Any = float, like="numpy"):
    """Draw normal deviates of `shape` and `dtype` (complex: unit variance) in the library `like`."""
    rng = np.random.default_rng(rng)
    dtype = np.dtype(dtype)
    values = rng.standard_normal(shape)
    if dtype.kind == "c":
        values = (values + 1j * rng.standard_normal(shape)) / np.sqrt(2)
    return array_module(like).asarray(values.astype(dtype))


def scattered(places, step=GOLDEN):
    """Return a fixed number in [0, 1) for each entry of `places`: the fractional part of ``places * step``.

    For whole numbers and an irrational `step` they are equidistributed. They are computed in the library of
    `places`, with the same bits on every machine.
    """
    multiples = places * step
    multiples -= namespace(multiples).floor(multiples)
    return multiples


def generator_state(rng):
    """Return the state of a generator as a dictionary of plain numbers and lists."""

    def plain(value):
        if isinstance(value, dict):
            return {key: plain(entry) for key, entry in value.items()}
        return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value

    return plain(rng.bit_generator.state)


def restored_generator(state):
    """Return a generator that continues from a state that `generator_state` returned."""
    bits = getattr(np.random, state["bit_generator"])()
    bits.state = state
    return np.random.Generator(bits)
