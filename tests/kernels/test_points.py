"""The kernels of transport with every kind of cost, for points of few and many coordinates."""

import numpy as np
import pytest
from support.cases import CASES
from support.parity import Expected

from numsolve import kernels

KINDS = {"dense": 0, "squared": 1, "euclidean": 2, "scaled": 3, "cityblock": 4}


def expected(name, n, kind, d):
    """Return a case with points of d coordinates."""
    return Expected(name, n, "float64", case=lambda *given: CASES[name](*given, KINDS[kind], d))


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["transport_rows", "transport_columns", "transport_least"])
def test_numba_twin_of_each_kind(name, kind, d):
    for n in (1, 2, 30, 257, 1100, 4_000):  # one problem, or three that share their points or have their own
        expected(name, n, kind, d).check(getattr(kernels.home("cpu"), name))


@pytest.mark.parametrize("d", [1, 4])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["transport_rows", "transport_columns", "transport_least"])
def test_emulated_twin_of_each_kind(name, kind, d, cupy):
    kernel = getattr(kernels.kernels_for(cupy.zeros(1)), name)
    for n in (2, 257):
        expected(name, n, kind, d).check(kernel, cupy.asarray, lambda a: a.get() if hasattr(a, "get") else a)


@pytest.mark.parametrize("kind", ["squared", "euclidean", "cityblock"])
def test_more_columns_than_are_near(kind):
    def case(rng, n, dtype, index):
        X, Y = rng.random((1, 7, 6)), rng.random((1, 7, n))
        F, G, a = rng.random((1, 6)), rng.random((1, n)), np.full((1, 6), 0.2)
        F[0, 2], a[0, 3] = -900, 0  # a row that underflows, and one without mass
        given = np.ones(1, bool), np.ones(1), 1.0, 2.0, KINDS[kind], np.zeros((1, 0, 0)), X, Y, a, F, G
        return *given, np.zeros((1, 6)), np.zeros((1, 6)), np.zeros((1, 2, n))

    Expected("transport_rows", 1100, "float64", case=case).check(kernels.home("cpu").transport_rows)
