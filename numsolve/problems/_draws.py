"""Generators of the problems that published programs drew from NumPy's legacy generator."""

from typing import Any

import numpy as np


def generator(rng) -> Any:
    """Return a generator; a `numpy.random.RandomState`, whose streams older programs used, as it is."""
    return rng if isinstance(rng, np.random.RandomState) else np.random.default_rng(rng)
