"""Random numbers: drawn on the host from ``rng=`` (SPEC 7), then moved to where they are used."""

from typing import Any

import numpy as np

from ._array import array_module


def standard_normal(rng, shape, *, dtype: Any = float, like="numpy"):
    """Draw normal deviates of `shape` and `dtype` (complex: unit variance) in the library `like`."""
    rng = np.random.default_rng(rng)
    dtype = np.dtype(dtype)
    values = rng.standard_normal(shape)
    if dtype.kind == "c":
        values = (values + 1j * rng.standard_normal(shape)) / np.sqrt(2)
    return array_module(like).asarray(values.astype(dtype))


def generator_state(rng):
    """Return the state of a generator as a dictionary of plain numbers and lists."""

    def plain(value):
        if isinstance(value, dict):
            return {key: plain(entry) for key, entry in value.items()}
        return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value

    return plain(rng.bit_generator.state)


def restored_generator(state):
    """Return a generator that goes on from what `generator_state` returned."""
    bits = getattr(np.random, state["bit_generator"])()
    bits.state = state
    return np.random.Generator(bits)
