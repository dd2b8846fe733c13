"""The kernels of transport with every kind of cost, for points of few and many coordinates."""

import numpy as np
import pytest
from support.cases import CASES

from numsolve import kernels

reference = kernels.home("reference")
KINDS = {"dense": 0, "squared": 1, "euclidean": 2, "scaled": 3, "cityblock": 4}


def check(name, args, kernel, move, back):
    """Compare what a kernel writes with what the reference does."""
    passed = [move(a.copy()) if isinstance(a, np.ndarray) else a for a in args]
    kernel(*passed)
    getattr(reference, name)(*args)
    for got, want in zip(passed, args, strict=True):
        np.testing.assert_allclose(back(got), want, rtol=1e-10, atol=1e-10 * np.max(abs(want), initial=1))


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["transport_rows", "transport_columns", "transport_least"])
def test_numba_twin_of_each_kind(name, kind, d, rng):
    kernel = getattr(kernels.kernels_for(np.zeros(1)), name)
    for n in (1, 2, 30, 257, 1100, 4_000):  # one problem, or three that share their points or have their own
        args = CASES[name](rng, n, np.float64, np.int32, KINDS[kind], d)
        check(name, args, kernel, np.asarray, np.asarray)


@pytest.mark.parametrize("d", [1, 4])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["transport_rows", "transport_columns", "transport_least"])
def test_emulated_twin_of_each_kind(name, kind, d, rng, cupy):
    kernel = getattr(kernels.kernels_for(cupy.zeros(1)), name)
    for n in (2, 257):
        args = CASES[name](rng, n, np.float64, np.int32, KINDS[kind], d)
        check(name, args, kernel, cupy.asarray, lambda a: a.get() if hasattr(a, "get") else a)


@pytest.mark.parametrize("kind", ["squared", "euclidean", "cityblock"])
def test_more_columns_than_are_near(kind, rng):
    X, Y = rng.random((1, 7, 6)), rng.random((1, 7, 1100))
    F, G, a = rng.random((1, 6)), rng.random((1, 1100)), np.full((1, 6), 0.2)
    F[0, 2], a[0, 3] = -900, 0  # a row that underflows, and one without mass
    given = np.ones(1, bool), np.ones(1), 1.0, 2.0, KINDS[kind], np.zeros((1, 0, 0)), X, Y, a, F, G
    args = *given, np.zeros((1, 6)), np.zeros((1, 6)), np.zeros((1, 2, 1100))
    check("transport_rows", args, kernels.kernels_for(X).transport_rows, np.asarray, np.asarray)
