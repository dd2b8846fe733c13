"""Combinations written over the rows that they are made of: parity alone copies, and cannot see it."""

import numpy as np
import pytest

from numsolve import kernels


@pytest.mark.parametrize("home", ["cpu", "emulated"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
@pytest.mark.parametrize(("k", "p"), [(1, 1), (3, 7), (5, 5), (9, 13)])
@pytest.mark.parametrize("n", [1, 257, 20_003])
def test_combinations_may_replace_their_own_rows(home, dtype, k, p, n, rng, request):
    T, X = (rng.standard_normal(shape).astype(dtype) for shape in ((k, p), (p, n)))
    if dtype == np.complex128:
        X *= 1j
    want = T @ X
    xp = np if home == "cpu" else request.getfixturevalue("cupy")
    T, X = xp.asarray(T), xp.asarray(X.copy())
    kernels.kernels_for(X).rows_combine(True, T, X, X[p - k :])
    found = X[p - k :] if home == "cpu" else X[p - k :].get()
    np.testing.assert_allclose(found, want, rtol=0, atol=50 * np.finfo(dtype).eps * abs(want).max())
