"""Kaczmarz's method."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import aslinearoperator
from support.tiers import extended

from numsolve import ConvergenceWarning, Status, to_device
from numsolve.sketch import kaczmarz

RULES = [("uniform", 1), ("norm", 1), ("greedy", 1), ("uniform", 5), ("norm", 5), ("greedy", 5)]


def consistent(rng, m=60, n=20, dtype=float, uneven=1.0):
    """Return a matrix whose rows have norms that differ by a factor of `uneven`, b, and the solution."""
    A = rng.standard_normal((m, n)) * np.geomspace(1, uneven, m)[:, None]
    x = rng.standard_normal(n)
    if np.dtype(dtype).kind == "c":
        A, x = A + 1j * rng.standard_normal((m, n)), x + 1j * rng.standard_normal(n)
    A, x = A.astype(dtype), x.astype(dtype)
    return A, A @ x, x


@pytest.mark.parametrize("dtype", ["float64", *extended("float32", "complex64", "complex128")])
@pytest.mark.parametrize(("select", "block_size"), RULES)
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_it_finds_the_solution(select, block_size, form, dtype, rng):
    A, b, x = consistent(rng, dtype=dtype)
    rtol = 1e-4 if np.finfo(dtype).eps > 1e-10 else 1e-9
    result = kaczmarz(form(A), b, select=select, block_size=block_size, rtol=rtol, rng=1).check()
    assert result.x.dtype == dtype
    assert np.linalg.norm(b - A @ result.x) <= 1.01 * rtol * np.linalg.norm(b)
    np.testing.assert_allclose(result.x, x, rtol=0, atol=30 * rtol)
    assert result.residuals[-1] == pytest.approx(np.linalg.norm(b - A @ result.x), rel=1e-2)


@pytest.mark.parametrize("select", ["norm", "uniform"])
def test_the_expected_rate(select, rng):
    A, b, x = consistent(rng, m=40, n=20, uneven=4.0)
    scaled = A if select == "norm" else A / np.linalg.norm(A, axis=1)[:, None]
    values = np.linalg.svd(scaled, compute_uv=False)
    rate = 1 - values[-1] ** 2 / (values**2).sum()
    sweeps, squares = 4, []
    for seed in range(100):
        errors = []
        with pytest.warns(ConvergenceWarning):
            kaczmarz(
                *(A, b),
                select=select,
                rtol=0,
                maxiter=sweeps,
                rng=seed,
                callback=lambda x_k, norm, kept=errors: kept.append(np.linalg.norm(x_k - x) ** 2),
            )
        squares.append(errors)
    for sweep, mean in enumerate(np.mean(squares, axis=0), start=1):
        assert mean <= 1.2 * rate ** (40 * sweep) * np.linalg.norm(x) ** 2


@pytest.mark.parametrize(("select", "block_size"), RULES)
def test_the_solution_nearest_to_the_start(select, block_size, rng):
    A, x0 = rng.standard_normal((12, 40)), rng.standard_normal(40)
    b = A @ rng.standard_normal(40)
    found = kaczmarz(A, b, x0, select=select, block_size=block_size, rtol=1e-11, rng=2).check().x
    np.testing.assert_allclose(found, x0 + np.linalg.pinv(A) @ (b - A @ x0), atol=1e-8)
    zero = kaczmarz(A, 0 * b, x0, select=select, block_size=block_size, rtol=1e-11, rng=2).check().x
    np.testing.assert_allclose(zero, x0 - np.linalg.pinv(A) @ (A @ x0), atol=1e-8)


def test_the_greedy_rule_takes_the_farthest_equation(rng):
    A, b, _ = consistent(rng, m=12, n=6, uneven=100.0)
    for form in (np.asarray, sp.csr_array):
        x = np.zeros(6)
        for _ in range(12):
            r = b - A @ x
            i = np.argmax(abs(r) / np.linalg.norm(A, axis=1))
            x += r[i] / (A[i] @ A[i]) * A[i]
        with pytest.warns(ConvergenceWarning, match="maxiter reached"):
            found = kaczmarz(form(A), b, select="greedy", rtol=0, maxiter=1).x
        np.testing.assert_allclose(found, x, atol=1e-12)


def test_one_block_of_all_equations_solves_at_once(rng):
    A, b, x = consistent(rng)
    for form in (np.asarray, sp.csr_array):
        for select in ("uniform", "greedy"):
            result = kaczmarz(form(A), b, select=select, block_size=99, rtol=1e-10, rng=0).check()
            assert result.nit == 1
            np.testing.assert_allclose(result.x, x, atol=1e-9)


def test_rows_of_zeros_and_dependent_rows(rng):
    A, b, x = consistent(rng)
    A[3], b[3], A[7], b[7] = 0, 0, A[6], b[6]
    for select, block_size in RULES:
        for form in (np.asarray, sp.csr_array):
            result = kaczmarz(form(A), b, select=select, block_size=block_size, rtol=1e-9, rng=3).check()
            np.testing.assert_allclose(result.x, x, atol=1e-7)


def test_a_system_without_solution_is_not_called_converged(rng):
    A, b, _ = consistent(rng, m=30, n=5)
    b += rng.standard_normal(30)
    with pytest.warns(ConvergenceWarning, match=r"least-squares solution.*lsqr"):
        result = kaczmarz(A, b, rng=4)
    assert result.status == Status.STAGNATED
    assert result.residuals[-1] <= result.residuals[0]
    A[2] = 0
    with pytest.warns(ConvergenceWarning, match=r"row 2 of A is zero, but b\[2\] is not"):
        kaczmarz(A, b, rng=4)


def test_a_tolerance_below_rounding(rng):
    A, b, x = consistent(rng)
    with pytest.warns(ConvergenceWarning, match="rounding errors"):
        result = kaczmarz(A, b, rtol=0, rng=5)
    assert result.status == Status.STAGNATED
    np.testing.assert_allclose(result.x, x, rtol=1e-12)


def test_limits_and_the_callback(rng):
    A, b, _ = consistent(rng, m=30, n=30)
    with pytest.warns(ConvergenceWarning, match=r"maxiter reached.*block_size"):
        result = kaczmarz(A, b, rtol=1e-12, maxiter=3, rng=0)
    assert result.nit == 3
    assert result.residuals.shape == (4,)
    stopped = kaczmarz(A, b, rtol=1e-12, rng=0, callback=lambda x, norm: norm < 0.5 * result.residuals[0])
    assert stopped.status == Status.STOPPED
    with pytest.warns(ConvergenceWarning, match="time limit reached"):
        kaczmarz(A, b, rtol=1e-12, rng=0, time_limit=1e-9)


def test_several_right_hand_sides(rng):
    A, X = consistent(rng)[0], rng.standard_normal((20, 3))
    result = kaczmarz(A, A @ X, rtol=1e-9, rng=6).check()
    np.testing.assert_allclose(result.x, X, atol=1e-7)
    assert result.residuals.shape == (result.nit + 1, 3)


@pytest.mark.parametrize("power", [-200, 200])
def test_units_do_not_matter(power, rng):
    A, b, x = consistent(rng)
    found = kaczmarz(np.ldexp(A, power), np.ldexp(b, power), rtol=1e-9, rng=7).check()
    np.testing.assert_allclose(found.x, x, atol=1e-7)
    want = kaczmarz(A, b, rtol=1e-9, rng=7)
    np.testing.assert_allclose(found.x, want.x, atol=1e-8)


def test_the_same_seed_gives_the_same_iterates_and_the_start_is_kept(rng):
    A, b, _ = consistent(rng)
    x0 = rng.standard_normal(20)
    kept = x0.copy()
    one, two = (kaczmarz(A, b, x0, rng=8) for _ in range(2))
    np.testing.assert_array_equal(one.x, two.x)
    np.testing.assert_array_equal(x0, kept)


def test_bad_input_is_named():
    A, b = np.eye(3), np.ones(3)
    with pytest.raises(ValueError, match="select is 'cyclic'; one of"):
        kaczmarz(A, b, select="cyclic")
    with pytest.raises(ValueError, match="block_size is 0"):
        kaczmarz(A, b, block_size=0)
    with pytest.raises(ValueError, match=r"b has shape \(2,\)"):
        kaczmarz(A, np.ones(2))
    with pytest.raises(ValueError, match=r"x0 has shape \(2,\)"):
        kaczmarz(A, b, np.ones(2))
    with pytest.raises(ValueError, match="NaN or infinite"):
        kaczmarz(A * np.nan, b)
    with pytest.raises(TypeError, match="rows of A"):
        kaczmarz(aslinearoperator(A), b)


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_on_the_device(form, cupy, rng):
    A, b, x = consistent(rng, m=30, n=8)
    for select in ("norm", "greedy"):
        host = kaczmarz(A, b, select=select, rtol=1e-8, rng=9).check()
        moved = to_device(A if form == "dense" else sp.csr_matrix(A), b)
        device = kaczmarz(*moved, select=select, rtol=1e-8, rng=9).check()
        assert device.nit == host.nit
        np.testing.assert_allclose(device.x.get(), x, atol=1e-6)
