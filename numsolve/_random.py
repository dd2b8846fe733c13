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
