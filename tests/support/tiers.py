"""What the quick tier of the tests runs, and what it leaves to the extended tier."""

import pytest


def extended(*values):
    """Return values of a parameter, or tuples for several, that only the extended tier takes."""
    mark = pytest.mark.extended
    return [pytest.param(*(v if isinstance(v, tuple) else (v,)), marks=mark) for v in values]


DTYPES = ["float64", "complex128", *extended("float32", "complex64")]
