"""Relaxation against dense splittings, PyAMG's sweeps and the theory of Young."""

import warnings

import numpy as np
import pyamg
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.splittings import SOLVERS, assert_close, definite, dominant, random, splitting
from support.tiers import DTYPES

import numsolve
from numsolve import ConvergenceWarning, Status
from numsolve.kernels import home, kernels_for
from numsolve.krylov import cg
from numsolve.problems import convection_diffusion, poisson
from numsolve.relaxation import _solve, colouring, gauss_seidel, sor

each_dtype = pytest.mark.parametrize("dtype", DTYPES)
properties = settings(deadline=None, suppress_health_check=list(HealthCheck))


@each_dtype
@pytest.mark.parametrize("method", SOLVERS)
@pytest.mark.parametrize("small", [True, False])
def test_iterates_are_those_of_the_splitting(method, dtype, small, rng, monkeypatch):
    monkeypatch.setattr(_solve, "BATCHED_BELOW", 10**6 if small else 0)
    A, x, x0 = dominant(rng, 31, dtype), random(rng, 31, dtype), random(rng, 31, dtype)
    b, omega = A @ x, 1.0 if method == "gauss_seidel" else 0.8
    T = splitting(A, method, omega)
    with pytest.warns(ConvergenceWarning, match="maxiter"):
        result = SOLVERS[method](A, b, x0, omega=omega, rtol=0, maxiter=4)
    error, norms = (x0 - x).astype(complex), []
    for _ in range(5):
        norms.append(np.linalg.norm(A @ error))
        error = T @ error
    tol = 1e3 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(result.residuals, norms, rtol=tol, atol=tol * norms[0])
    assert_close(result.x, x + np.linalg.matrix_power(T, 4) @ (x0 - x))
    assert result.x.dtype == np.dtype(dtype)


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize("method", [sor, gauss_seidel])
@pytest.mark.parametrize("colours", [None, "greedy"])
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("reverse", [True, False])
def test_orders_are_permuted_splittings(method, colours, symmetric, reverse, small, rng, monkeypatch):
    monkeypatch.setattr(_solve, "BATCHED_BELOW", 10**6 if small else 0)
    A, x = dominant(rng, 40, float, 0.1), rng.standard_normal(40)
    order = np.arange(40) if colours is None else np.argsort(colouring(A), kind="stable")
    if reverse:
        order = order[::-1]
    omega = 1.2 if method is sor else 1.0
    options = {"omega": omega} if method is sor else {}
    with pytest.warns(ConvergenceWarning):
        result = method(
            A, A @ x, colours=colours, symmetric=symmetric, reverse=reverse, rtol=0, maxiter=3, **options
        )
    T = splitting(A, "ssor" if symmetric else "sor", omega, order)
    assert_close(result.x, x - np.linalg.matrix_power(T, 3) @ x)
    assert (result.colours is None) == (colours is None)


@pytest.mark.parametrize("direction", ["forward", "backward", "symmetric"])
def test_sweeps_are_pyamgs(direction, rng):
    A = sp.csr_matrix(convection_diffusion((13, 11), (20.0, 10.0)))
    b, want = rng.standard_normal((2, 143))
    want, x0 = want.copy(), want.copy()
    for sweep in 3 * (["forward", "backward"] if direction == "symmetric" else [direction]):
        pyamg.relaxation.relaxation.sor(A, want, b, 1.3, sweep=sweep)
    with pytest.warns(ConvergenceWarning):
        found = sor(
            A,
            b,
            x0,
            omega=1.3,
            symmetric=direction == "symmetric",
            reverse=direction == "backward",
            maxiter=3,
            rtol=0,
        )
    assert_close(found.x, want, abs(want).max())


def test_natural_order_is_a_section_a_row(rng):
    A = dominant(rng, 50, float)
    scale, b, x, y = rng.standard_normal((4, 50))
    fast, slow = y.copy(), y.copy()
    matrix = np.ones(1, bool), None, A.indptr, A.indices, A.data
    got = kernels_for(b).sor_sweep(*matrix, scale, b, x, fast)
    want = home("reference").sor_sweep(*matrix, scale, b, x, slow)
    np.testing.assert_allclose(got, want, rtol=1e-11)
    assert_close(fast, slow, abs(slow).max())


@pytest.mark.parametrize("callback", [None, lambda x, norm: False])
@pytest.mark.parametrize("colours", [None, "greedy"])
def test_the_count_is_when_the_residual_first_meets_the_tolerance(callback, colours, rng):
    A, b = poisson((10, 10)), rng.standard_normal(100)
    order = np.arange(100) if colours is None else np.argsort(colouring(A), kind="stable")
    for omega in (1.0, 1.56, 1.9):
        T, x, count = splitting(A, "sor", omega, order), np.zeros(100, complex), 0
        solution = np.linalg.solve(A.toarray(), b)
        while np.linalg.norm(b - A @ x) > 1e-8 * np.linalg.norm(b):
            x, count = solution + T @ (x - solution), count + 1
        result = sor(A, b, omega=omega, rtol=1e-8, colours=colours, callback=callback).check()
        assert result.nit == count
        rounding = np.finfo(float).eps * np.linalg.norm(abs(A) @ abs(result.x))
        assert abs(result.residuals[-1] - np.linalg.norm(b - A @ result.x)) < 10 * rounding


def test_threads_change_no_bit(on_threads, rng):
    A, b = poisson((100, 100)), rng.standard_normal(10_000)  # so many that two threads share a colour
    with pytest.warns(ConvergenceWarning):
        one, two = on_threads(lambda: sor(A, b, colours="greedy", maxiter=5, rtol=0))
    assert np.array_equal(one.x, two.x)
    assert np.array_equal(one.residuals, two.residuals)
    order = np.argsort(colouring(A), kind="stable")
    with pytest.warns(ConvergenceWarning):
        natural = sor(sp.csr_array(A[order][:, order]), b[order], maxiter=5, rtol=0)  # row by row
    assert_close(one.x[order], natural.x, abs(natural.x).max())


def test_the_rate_is_the_spectral_radius(rng):
    A, b = poisson((12, 9)), rng.standard_normal(108)
    for method in SOLVERS:
        with warnings.catch_warnings(action="ignore"):
            norms = SOLVERS[method](A, b, omega=1.0, rtol=0, maxiter=100).residuals
        radius = abs(np.linalg.eigvals(splitting(A, method, 1.0))).max()
        assert (norms[100] / norms[60]) ** (1 / 40) == pytest.approx(radius, rel=5e-3)


def test_youngs_optimum_is_the_best():
    A, b = poisson((23, 23)), np.ones(529)
    beta = np.cos(np.pi / 24)
    best = 1 + (beta / (1 + np.sqrt(1 - beta**2))) ** 2
    counts = {omega: sor(A, b, omega=omega, rtol=1e-8).check().nit for omega in (1.5, best, 1.95)}
    assert counts[best] < 0.6 * min(counts[1.5], counts[1.95])
    assert gauss_seidel(A, b, rtol=1e-8).check().nit > 6 * counts[best]
    for omega in (1.0, 1.3, best, 1.8):  # consistently ordered: the same spectrum in both orders
        natural = sor(A, b, omega=omega, rtol=1e-8).check().nit
        assert sor(A, b, omega=omega, rtol=1e-8, colours="greedy").check().nit == pytest.approx(
            natural, rel=0.1
        )


@properties
@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.floats(0.1, 1.9), st.booleans(), st.booleans())
def test_the_energy_of_the_error_falls_in_every_sweep(seed, n, omega, coloured, symmetric):
    rng = np.random.default_rng(seed)
    A, x = definite(rng, n), rng.standard_normal(n)
    energies = [x @ (A @ x)]

    def look(found, norm):
        energies.append((found - x) @ (A @ (found - x)))

    options = {"omega": omega, "symmetric": symmetric, "colours": "greedy" if coloured else None}
    with warnings.catch_warnings(action="ignore"):
        sor(A, A @ x, rtol=1e-6, maxiter=30, callback=look, **options)
    assert (np.diff(energies) <= 1e-12 * energies[0]).all()


def test_sherman1_is_negative_definite(matrix):
    A = matrix("sherman1")
    x = np.ones(A.shape[0])
    result = sor(A, A @ x, omega=1.9, rtol=1e-6, maxiter=20000).check()
    np.testing.assert_allclose(A @ result.x, A @ x, atol=1e-5 * np.linalg.norm(A @ x))
    with pytest.warns(ConvergenceWarning, match="not positive definite"):
        assert cg(A, A @ x, M=numsolve.precondition.ssor(A)).status == Status.BREAKDOWN
