"""Variance-reduced Halpern, accelerated primal-dual, competitive gradient."""

import numpy as np
import pytest
import scipy.sparse as sp

from numsolve import ConvergenceWarning, FunctionError, Status, to_device, to_host
from numsolve.monotone import (
    Box,
    Quadratic,
    accelerated_primal_dual,
    competitive_gradient,
    halpern,
    variance_reduced_halpern,
)


class Sum:
    """A mean of components ``A_i A_i^T z - b_i``, which are cocoercive on average; it counts reads."""

    def __init__(self, rng, n, d):
        self.A, self.b = rng.standard_normal((n, d)) / np.sqrt(d), 0.1 * rng.standard_normal((n, d))
        self.n, self.read = n, 0
        self.L = float((abs(self.A) ** 2).sum(axis=1).max())
        self.mean = self.A.T @ self.A / n

    def __call__(self, z, index=None):
        A, b = (self.A, self.b) if index is None else (self.A[index], self.b[index])
        self.read += len(A)
        return A.T @ (A @ z) / len(A) - b.mean(axis=0)


def test_sums_have_the_solution_of_the_linear_system(rng):
    F = Sum(rng, 400, 5)
    options = {"lipschitz": F.L, "step": 1 / F.L, "rtol": 3e-3, "rng": 0}
    result = variance_reduced_halpern(F, np.zeros(5), 400, **options).check()
    np.testing.assert_allclose(result.x, np.linalg.solve(F.mean, F.b.mean(axis=0)), atol=1e-2)
    assert result.passes == pytest.approx(F.read / F.n)  # all that was read is counted
    again = variance_reduced_halpern(F, np.zeros(5), 400, **options)
    np.testing.assert_array_equal(again.x, result.x)


def test_batches_save_passes(rng):
    F = Sum(rng, 10_000, 3)
    target = 2e-2
    result = variance_reduced_halpern(F, np.zeros(3), F.n, lipschitz=F.L, step=1 / F.L, rtol=target, rng=1)
    step = 1 / F.L
    plain = halpern(lambda z: z - step * F(z), np.zeros(3), rtol=target)
    assert result.passes < plain.nfev


def test_projection_and_full_batches(rng):
    F = Sum(rng, 30, 4)
    result = variance_reduced_halpern(
        F, np.zeros(4), 30, lipschitz=F.L, batch=30, project=Box(-0.1, 0.1), rtol=1e-2, rng=0, maxiter=20_000
    ).check()
    assert (abs(result.x) <= 0.1).all()
    residual = result.x - np.clip(result.x - F(result.x), -0.1, 0.1)
    assert np.linalg.norm(residual) == pytest.approx(result.residuals[-1], abs=1e-12)


def saddle(rng, m=6, n=5, mu=0.5):
    """Return A, b, the function of the gradient, L, and the saddle point of a quadratic problem."""
    A, b = rng.standard_normal((m, n)), rng.standard_normal(n)
    H = np.diag(np.linspace(0.1, 20, n))
    x = np.linalg.solve(H + A.T @ A / mu, b)
    return A, lambda x: H @ x - b, 20.0, x, A @ x / mu


@pytest.mark.parametrize("accelerated", [True, False])
def test_saddle_points_are_those_of_the_linear_system(accelerated, rng):
    A, gradient, L, x, y = saddle(rng)
    for matrix in (A, sp.csr_array(A)):
        result = accelerated_primal_dual(
            gradient,
            matrix,
            Quadratic(0.5),
            np.zeros(5),
            lipschitz=L,
            convexity=0.5,
            accelerated=accelerated,
            rtol=1e-4,
            maxiter=50_000,
        ).check()
        np.testing.assert_allclose(result.x[0], x, atol=1e-3)
        np.testing.assert_allclose(result.x[1], y, atol=1e-2)


def test_the_accelerated_method_is_of_second_order(rng):
    """The gap falls like 1/k^2, and so does the objective, which the plain method does only like 1/k."""
    n = 40
    A, b = rng.standard_normal((30, n)) * 0.1, rng.standard_normal(n)
    H = np.diag(np.linspace(1e-3, 100, n))
    x = np.linalg.solve(H + A.T @ A, b)

    def objective(x):
        return x @ H @ x / 2 - b @ x + (A @ x) @ (A @ x) / 2

    gaps = []
    for k in (50, 400):
        with pytest.warns(ConvergenceWarning):
            result = accelerated_primal_dual(
                lambda x: H @ x - b,
                A,
                Quadratic(1.0),
                np.zeros(n),
                lipschitz=100.0,
                convexity=1.0,
                rtol=0,
                maxiter=k,
            )
        gaps.append(objective(result.x[0]) - objective(x))
    assert np.log(gaps[0] / gaps[1]) / np.log(8) > 1.6


def test_competitive_gradient_on_a_bilinear_game():
    """The spectral radius of an iteration is sqrt((1 + a^2 - e a)^2 + e^2) / (1 + a^2)."""
    for step, alpha in ((0.5, 0.5), (0.5, 1.0), (0.2, 0.15)):
        with pytest.warns(ConvergenceWarning):
            result = competitive_gradient(
                lambda x, y: (y, -x), ([1.0], [0.5]), step=step, alpha=alpha, rtol=0, maxiter=60
            )
        radius = np.hypot(1 + alpha**2 - step * alpha, step) / (1 + alpha**2)
        assert (result.residuals[-1] / result.residuals[0]) ** (1 / 60) == pytest.approx(radius, rel=1e-6)
    with pytest.warns(ConvergenceWarning):  # unstable for step > 2 alpha
        result = competitive_gradient(lambda x, y: (y, -x), ([1.0], [1.0]), step=0.5, alpha=0.2, maxiter=100)
    assert result.residuals[-1] > result.residuals[0]
    with pytest.warns(ConvergenceWarning):
        optimistic = competitive_gradient(
            lambda x, y: (y, -x), ([1.0], [1.0]), step=0.5, alpha=1.0, optimistic=True, rtol=0, maxiter=80
        )
    ratio = (optimistic.residuals[80] / optimistic.residuals[40]) ** (1 / 40)
    assert ratio == pytest.approx(0.775, abs=0.002)


def test_competitive_gradient_is_the_newton_like_step(rng):
    """An iteration of CGD against the dense formula, with given and with differenced products."""
    B, C, D = rng.standard_normal((3, 4)), np.eye(3) * 0.5, np.eye(4) * 0.5

    def F(x, y):
        return C @ x + B @ y, D @ y - B.T @ x

    def mixed(x, y, v, transposed=False):
        return B.T @ v if transposed else B @ v

    x, y, eta = rng.standard_normal(3), rng.standard_normal(4), 0.3
    M = np.block([[np.eye(3), eta * B], [-eta * B.T, np.eye(4)]])
    expected = np.concatenate([x, y]) - eta * np.linalg.solve(M, np.concatenate(F(x, y)))
    for products in (mixed, None):
        seen = []
        with pytest.warns(ConvergenceWarning):
            competitive_gradient(
                F,
                (x, y),
                step=eta,
                mixed=products,
                rtol=0,
                maxiter=1,
                callback=lambda z, r, seen=seen: seen.append(z),
            )
        np.testing.assert_allclose(np.concatenate(seen[0]), expected, rtol=1e-6)
    assert competitive_gradient(F, (x, y), step=0.05, alpha=0.0, rtol=1e-6).success


def test_on_the_device_as_on_the_host(cupy, rng):
    A, b = rng.standard_normal((3, 3)), rng.standard_normal(3)
    options = {"lipschitz": 1.0, "convexity": 1.0, "rtol": 1e-2}
    here = accelerated_primal_dual(lambda x: x - b, A, Quadratic(), np.zeros(3), **options)
    there_b = to_device(b)
    found = accelerated_primal_dual(
        lambda x: x - there_b, to_device(A), lambda v, step: v / (1 + step), to_device(np.zeros(3)), **options
    )
    assert isinstance(found.x[0], cupy.ndarray)
    np.testing.assert_allclose(to_host(found.x[0]), here.x[0], atol=1e-8)


def test_faults(rng):
    A, gradient, L, *_ = saddle(rng)
    with pytest.raises(ValueError, match="convexity is 0"):
        accelerated_primal_dual(gradient, A, Quadratic(), np.zeros(5), lipschitz=L)
    with pytest.raises(ValueError, match="x0 and y0 have"):
        accelerated_primal_dual(gradient, A, Quadratic(), np.zeros(4), lipschitz=L, convexity=1.0)
    with pytest.raises(TypeError, match="grad is a int"):
        accelerated_primal_dual(3, A, Quadratic(), np.zeros(5), lipschitz=L, convexity=1.0)
    with pytest.warns(ConvergenceWarning, match="without bound"):
        result = accelerated_primal_dual(
            gradient, A, Quadratic(), np.zeros(5), lipschitz=0.01, norm=0.01, convexity=1.0, accelerated=False
        )
    assert result.status == Status.BREAKDOWN
    with pytest.raises(TypeError, match="a tuple of two arrays"):
        competitive_gradient(gradient, np.zeros(5), step=0.1)
    with pytest.raises(ValueError, match="step"):
        competitive_gradient(lambda x, y: (y, -x), ([1.0], [1.0]), step=0)
    with pytest.raises(ValueError, match="n is 0"):
        variance_reduced_halpern(lambda z, i: z, [1.0], 0, lipschitz=1.0)
    with pytest.raises(ValueError, match="lipschitz"):
        variance_reduced_halpern(lambda z, i: z, [1.0], 3, lipschitz=0.0)

    def fails(z, index):
        if index is not None:
            raise RuntimeError("no part")
        return z

    with pytest.raises(FunctionError) as caught:
        variance_reduced_halpern(fails, [1.0], 100, lipschitz=1.0, rtol=1e-9)
    assert isinstance(caught.value.__cause__, RuntimeError)
