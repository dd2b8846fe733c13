"""Combinations written over the rows that they are made of: parity alone copies, and cannot see it."""

import numpy as np
import pytest

from numsolve import kernels


def check(xp, dtype, sizes, rng):
    for k, p in (1, 1), (3, 7), (5, 5), (9, 13):
        for n in sizes:
            T, X = (rng.standard_normal(shape).astype(dtype) for shape in ((k, p), (p, n)))
            if dtype == np.complex128:
                X *= 1j
            want = T @ X
            tol = 16 * np.finfo(dtype).eps * p**0.5 * abs(T).max() * abs(X).max()
            T, X = xp.asarray(T), xp.asarray(X.copy())
            kernels.kernels_for(X).rows_combine(True, T, X, X[p - k :])
            found = X[p - k :] if xp is np else X[p - k :].get()
            np.testing.assert_allclose(found, want, rtol=0, atol=tol, err_msg=f"k = {k}, p = {p}, n = {n}")


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_combinations_may_replace_their_own_rows(dtype, rng, cupy):
    for xp in np, cupy:
        check(xp, dtype, (1, 257, 5_003), rng)


@pytest.mark.extended
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_combinations_may_replace_their_own_rows_on_all_threads(dtype, rng, cupy):
    for xp in np, cupy:
        check(xp, dtype, (20_003,), rng)
