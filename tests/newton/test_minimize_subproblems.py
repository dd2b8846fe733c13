"""What the minimisers solve in each step, against the optimality conditions and dense algebra."""

import numpy as np
import pytest
import scipy.sparse as sp
from support.tiers import extended

from numsolve._operators.operator import as_operator
from numsolve.newton._minimizers.metric import Diagonal, Full, Identity
from numsolve.newton._minimizers.models import Model, model_of
from numsolve.newton._minimizers.polynomial import elementary_of_others
from numsolve.newton._minimizers.secular import in_ball, with_cubic
from numsolve.newton._minimizers.shifted import shifted_step
from numsolve.newton._minimizers.truncated_cg import truncated_cg

SCALES = [1.0, 1e-12, 1e9]


def spectra(rng):
    """Return eigenvalues and coefficients, also of hard cases."""
    yield np.sort(rng.uniform(1, 2, 6)), rng.standard_normal(6)
    yield np.sort(rng.uniform(-1, 1, 6)), rng.standard_normal(6)
    yield np.linspace(-1, 1, 6), np.array([0, 1e-3, 0, 1, 0, 2.0])
    yield np.linspace(-1, 1, 6), np.array([1e-9, 1e-3, 0, 1, 0, 2.0])
    yield np.linspace(-1, 1, 6), np.zeros(6)
    yield np.array([-1.0, -1.0, 2.0]), np.array([0, 0, 1e-3])
    yield np.array([0.0, 1.0, 2.0]), np.array([0, 1.0, 1.0])
    yield np.array([0.0, 1.0, 2.0]), np.array([1.0, 1.0, 1.0])
    yield np.zeros(3), np.array([1.0, 1.0, 1.0])
    yield -np.ones(3), np.array([1.0, 1.0, 1.0])


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("radius", [1e-3, 0.7, 50.0])
def test_the_step_in_a_ball_meets_the_conditions_of_a_global_minimum(rng, scale, radius):
    for values, c in spectra(rng):
        y = in_ball(scale * values, scale * c, radius)
        size = np.linalg.norm(y)
        assert size <= radius * (1 + 1e-9)
        residual = -(c + values * y)  # is shift * y
        shift = (residual @ y) / (y @ y) if size else 0.0
        tol = 1e-6 * (np.linalg.norm(c) + abs(values).max() * radius)
        assert np.linalg.norm(residual - shift * y) <= tol
        assert shift >= max(0.0, -values[0]) - 1e-6
        assert size >= radius * (1 - 1e-6) or abs(shift) <= 1e-6


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("M", [1e-3, 1.0, 1e4])
def test_the_cubic_step_meets_the_conditions_of_a_global_minimum(rng, scale, M):
    for values, c in spectra(rng):
        y = with_cubic(scale * values, scale * c, scale * M)
        shift = M * np.linalg.norm(y) / 2
        tol = 1e-6 * (np.linalg.norm(c) + (abs(values).max() + shift) * np.linalg.norm(y))
        assert np.linalg.norm(c + (values + shift) * y) <= tol
        assert shift >= -values[0] * (1 - 1e-6) - 1e-6


def test_truncated_conjugate_gradients_reach_newtons_step_and_the_sphere(rng):
    n = 30
    A = rng.standard_normal((n, n))
    H, g = A @ A.T + np.eye(n), rng.standard_normal(n)
    newton = -np.linalg.solve(H, g)
    found = truncated_cg(lambda v: H @ v, g, rtol=1e-12, maxiter=200)
    np.testing.assert_allclose(found.step, newton, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found.predicted, -g @ newton / 2, rtol=1e-9)
    np.testing.assert_allclose(found.size, np.linalg.norm(newton), rtol=1e-7)
    radius = np.linalg.norm(newton) / 3
    short = truncated_cg(lambda v: H @ v, g, radius=radius, rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(short.step), radius, rtol=1e-10)
    np.testing.assert_allclose(
        short.predicted, -(g @ short.step + short.step @ H @ short.step / 2), rtol=1e-9
    )


def test_negative_curvature_is_followed_to_the_sphere_or_reported(rng):
    H, g = np.diag([1.0, -2.0, 3.0]), np.array([1.0, 0.1, 1.0])
    found = truncated_cg(lambda v: H @ v, g, radius=2.0, rtol=1e-12)
    assert found.is_curved
    np.testing.assert_allclose(np.linalg.norm(found.step), 2.0)
    assert found.predicted > 0
    assert truncated_cg(lambda v: H @ v, g, rtol=1e-12).is_curved


def test_the_ball_of_a_preconditioner_is_that_of_its_inverse(rng):
    d = np.linspace(1, 100, 20)
    H, g, M = np.diag(d) + 0.1, rng.standard_normal(20), as_operator(np.diag(1 / d), "numpy")
    found = truncated_cg(lambda v: H @ v, g, radius=0.01, rtol=1e-12, M=M)
    np.testing.assert_allclose(np.sqrt(found.step @ (d * found.step)), 0.01, rtol=1e-9)
    np.testing.assert_allclose(found.size, 0.01)


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("lowest", [1.0, 0.0, -0.5])
@pytest.mark.parametrize("radius", [1e-3, 1.0, 1e3])
def test_steps_by_factorisations_are_near_the_exact_ones(rng, kind, lowest, radius):
    n = 40
    beside = np.full(n - 1, 0.1)
    H = np.diag(rng.uniform(lowest, 2, n)) + np.diag(beside, 1) + np.diag(beside, -1)
    g = rng.standard_normal(n)
    model = model_of(as_operator(kind(H), "numpy"), Identity())
    found = shifted_step(model, g, radius)
    exact = model.minimised(g, lambda values, c: in_ball(values, c, radius))
    best = -(g @ exact + exact @ H @ exact / 2)
    assert np.linalg.norm(found.step) <= 1.1 * radius * (1 + 1e-12)
    np.testing.assert_allclose(found.predicted, -(g @ found.step + found.step @ H @ found.step / 2))
    assert 0.8 * best <= found.predicted <= 1.25 * best


def metrics(rng, n):
    B = rng.standard_normal((n, n))
    B = B @ B.T + np.eye(n)
    return [(Identity(), np.eye(n)), (Diagonal(np.diag(B).copy()), np.diag(np.diag(B))), (Full(B), B)]


def test_norms_of_a_metric(rng):
    for metric, B in metrics(rng, 5):
        h = rng.standard_normal(5)
        np.testing.assert_allclose(metric.norm(h), np.sqrt(h @ B @ h))
        np.testing.assert_allclose(metric.dual(h), np.sqrt(h @ np.linalg.solve(B, h)))
        np.testing.assert_allclose(metric.apply(h), B @ h)
        np.testing.assert_allclose(metric.back(metric.into(h)), np.linalg.solve(B, h))


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
def test_models_solve_shifted_systems_and_know_definiteness(rng, kind):
    n = 12
    H = np.diag(rng.uniform(-1, 1, n)) + np.diag(np.full(n - 1, 0.3), 1) + np.diag(np.full(n - 1, 0.3), -1)
    for metric, B in metrics(rng, n):
        model = model_of(as_operator(kind(H), "numpy"), metric)
        lowest = np.linalg.eigvalsh(
            np.linalg.solve(np.linalg.cholesky(B), np.linalg.solve(np.linalg.cholesky(B), H).T)
        )[0]
        assert model.factored(0.9 * -lowest) is None
        b = rng.standard_normal(n)
        np.testing.assert_allclose(model.factored(1.5 * -lowest)(b), np.linalg.solve(H - 1.5 * lowest * B, b))
        spectrum = model.spectrum
        np.testing.assert_allclose(spectrum.vectors.T @ B @ spectrum.vectors, np.eye(n), atol=1e-10)
        np.testing.assert_allclose(spectrum.values[0], lowest, rtol=1e-9)


def test_a_model_of_products_agrees_with_that_of_the_matrix(rng):
    n = 25
    H = np.diag(np.linspace(-1, 3, n))
    for metric, _ in metrics(rng, n):
        by_products, by_matrix = (
            Model(as_operator(H, "numpy"), metric),
            model_of(as_operator(H, "numpy"), metric),
        )
        g = rng.standard_normal(n)
        steps = [
            model.minimised(g, lambda values, c: with_cubic(values, c, 2.0))
            for model in (by_products, by_matrix)
        ]
        np.testing.assert_allclose(*steps, rtol=1e-3, atol=1e-3)
        b = by_products.factored(5.0)(g)
        np.testing.assert_allclose(b, by_matrix.factored(5.0)(g), rtol=0, atol=2e-2 * abs(b).max())
        assert by_products.factored(0.0)(g) is None  # negative curvature


def test_a_sparse_matrix_without_pivots_is_not_definite():
    H = sp.csr_array(np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert model_of(as_operator(H, "numpy"), Identity()).factored(0.0) is None
    assert model_of(as_operator(H, "numpy"), Identity()).factored(1.5) is not None


@pytest.mark.parametrize("degree", [0, 1, 2, *extended(5)])
def test_eigenvalues_of_the_symmetric_polynomial(rng, degree):
    values = rng.uniform(0.1, 2, 7)
    expected, B = np.eye(7), np.diag(values)
    for t in range(1, degree + 1):  # P_t = e_t I - B P_{t-1}, with e_t of all values
        e = abs(np.poly(values)[t])
        expected = e * np.eye(7) - B @ expected
    np.testing.assert_allclose(elementary_of_others(values, degree), np.diag(expected), rtol=1e-9)
