"""MCP and SCAD against brute-force minimisation of one variable."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numsolve.coordinate import L1, MCP, SCAD

KINDS = [MCP(0.7, 3.0), MCP(1.3, 1.5), SCAD(0.7), SCAD(1.1, 2.2)]
FREE = {MCP: lambda p: p.gamma, SCAD: lambda p: p.a}


def by_definition(penalty, u):
    """Return the penalty of each u by the integral of its published derivative."""
    lam = penalty.lam
    t = np.linspace(0, 1, 4001)[:, None] * abs(u)
    if isinstance(penalty, MCP):
        slope = np.maximum(lam - t / penalty.gamma, 0)
    else:
        slope = np.where(t <= lam, lam, np.maximum(penalty.a * lam - t, 0) / (penalty.a - 1))
    return np.trapezoid(slope, t, axis=0)


@pytest.mark.parametrize("penalty", KINDS, ids=repr)
def test_the_value_is_the_integral_of_the_published_derivative(penalty):
    u = np.array([-9.0, -2.1, -0.3, 0.0, 0.2, 0.7, 1.4, 2.0, 2.6, 5.0])
    np.testing.assert_allclose(penalty._sizes(abs(u)), by_definition(penalty, u), rtol=1e-6, atol=1e-9)
    assert penalty.value(u) == pytest.approx(by_definition(penalty, u).sum(), rel=1e-6)
    weights = np.arange(10.0)
    weighted = type(penalty)(penalty.lam, FREE[type(penalty)](penalty), weights)
    assert weighted.value(u) == pytest.approx(weights @ by_definition(penalty, u), rel=1e-6)


@given(
    st.sampled_from(KINDS),
    st.floats(-12, 12),
    st.floats(0.01, 20),
    st.sampled_from([0.0, 0.4, 1.0, 3.0]),
)
def test_the_proximal_map_is_the_global_minimiser_for_every_step(penalty, v, step, weight):
    penalty = type(penalty)(penalty.lam, FREE[type(penalty)](penalty), np.array([weight]))

    def objective(u):
        return weight * penalty._sizes(abs(u)) + (u - v) ** 2 / (2 * step)

    found = penalty.prox(np.array([v]), step)
    grid = np.concatenate([np.linspace(-abs(v), abs(v), 20001), [0.0, v]])
    assert objective(found)[0] <= objective(grid).min() + 1e-12 * (1 + v * v / step)
    assert abs(found[0]) <= abs(v)


@pytest.mark.parametrize("penalty", KINDS, ids=repr)
def test_steps_at_and_near_the_limit_of_convexity(penalty):
    limit = 1 / penalty._bend
    v = np.linspace(-8, 8, 801)
    grid = np.linspace(-8, 8, 6401)
    for step in (limit * (1 - 1e-15), limit, limit * (1 + 1e-12), limit + 2, limit + 2.1):
        found = penalty.prox(v, step)
        values = penalty._sizes(abs(found)) + (found - v) ** 2 / (2 * step)
        table = penalty._sizes(abs(grid)) + (grid - v[:, None]) ** 2 / (2 * step)
        assert (values <= table.min(axis=1) + 1e-12 * (1 + v * v)).all()
        assert (penalty.prox(-v, step) == -found).all()


@pytest.mark.parametrize("penalty", KINDS, ids=repr)
def test_a_fixed_point_of_the_proximal_map_has_no_violation(penalty, rng):
    x = np.array([0.0, 0.0, 0.3, -0.6, 0.7, 1.0, -1.8, 2.1, 3.0, 9.0])
    gradient = -penalty._slopes(abs(x)) * np.where(x == 0, 0.9, np.sign(x))
    step = 0.5 / penalty._bend
    np.testing.assert_allclose(penalty.violation(x, gradient), 0, atol=1e-15)
    np.testing.assert_allclose(penalty.prox(x - step * gradient, step), x, atol=1e-14)
    moved = gradient + rng.standard_normal(10)
    block = np.array([1, 4, 8])
    violations = penalty.violation(x, moved)
    np.testing.assert_allclose(penalty.violation(x[block], moved[block], block), violations[block])
    at_zero = abs(moved[:2]) - penalty.lam
    np.testing.assert_allclose(violations[:2], np.maximum(at_zero, 0))
    np.testing.assert_allclose(violations[2:], abs(moved - gradient)[2:], atol=1e-14)


@pytest.mark.parametrize("penalty", KINDS, ids=repr)
def test_curvature_makes_the_penalty_convex_and_no_less_does(penalty):
    weighted = type(penalty)(penalty.lam, FREE[type(penalty)](penalty), np.array([0.5, 2.0]))
    assert weighted.curvature == pytest.approx(2 * penalty.curvature)
    assert not penalty.is_convex
    u = np.linspace(0, 5, 2001)
    for share, is_convex in ((1.0, True), (0.99, False)):
        values = penalty._sizes(u) + share * penalty.curvature * u * u / 2
        assert (np.diff(values, 2).min() > -1e-12) == is_convex


@pytest.mark.parametrize("penalty", KINDS, ids=repr)
def test_the_smooth_part_is_the_penalty_less_its_kink(penalty):
    x, h = np.array([-4.0, -1.0, -0.2, 0.1, 0.9, 1.9, 7.0]), 1e-6

    def smooth(u):
        return penalty._sizes(abs(u)) - penalty.lam * abs(u)

    slopes = (smooth(x + h) - smooth(x - h)) / (2 * h)
    np.testing.assert_allclose(penalty.smooth_gradient(x), slopes, atol=1e-8)


def test_limits_of_the_parameters():
    v = np.linspace(-4, 4, 33)
    for penalty in (MCP(0.6, 1e9), SCAD(0.6, 1e9)):  # L1
        np.testing.assert_allclose(penalty.prox(v, 0.8), L1(0.6).prox(v, 0.8), atol=1e-8)
        assert penalty.value(v) == pytest.approx(L1(0.6).value(v))
    for penalty in (MCP(0.0), SCAD(0.0)):
        assert (penalty.prox(v, 50.0) == v).all()
        assert penalty.value(v) == 0


@pytest.mark.parametrize("penalty", KINDS, ids=repr)
def test_single_precision_stays_and_objects_pickle(penalty):
    v, steps = np.linspace(-3, 3, 7, dtype=np.float32), np.linspace(0.1, 9, 7)
    assert penalty.prox(v, np.float64(2.0)).dtype == np.float32
    assert penalty.prox(v, steps).dtype == np.float32
    np.testing.assert_allclose(penalty.prox(v, steps), penalty.prox(v.astype(float), steps), rtol=1e-5)
    again = pickle.loads(pickle.dumps(penalty))
    assert (again.prox(v, 1.0) == penalty.prox(v, 1.0)).all()


def test_bad_parameters_are_named():
    for make, name in (
        (lambda: MCP(-1.0), "lam"),
        (lambda: MCP(1.0, 0.0), "gamma"),
        (lambda: SCAD(np.nan), "lam"),
        (lambda: SCAD(1.0, 1.0), "a is"),
        (lambda: SCAD(1.0, weights=-1.0), "weights"),
        (lambda: MCP(1.0, weights=[1.0, -2.0]), "weights"),
        (lambda: MCP(1.0, weights=[1.0, np.nan]), "weights"),
    ):
        with pytest.raises(ValueError, match=name):
            make()


def test_arrays_of_cupy_stay_on_the_device(cupy):
    weights = np.array([1.0, 0.0, 2.0])
    v, gradient = np.array([0.4, -2.0, 3.0]), np.array([0.1, -0.4, 0.0])
    for kind in (MCP, SCAD):
        host, device = kind(0.5, weights=weights), kind(0.5, weights=cupy.asarray(weights))
        for step in (0.5, 40.0):
            found = device.prox(cupy.asarray(v), step)
            assert type(found).__module__.startswith("cupy")
            np.testing.assert_allclose(found.get(), host.prox(v, step))
        found = device.violation(cupy.asarray(v), cupy.asarray(gradient))
        np.testing.assert_allclose(found.get(), host.violation(v, gradient))
        assert device.value(cupy.asarray(v)) == pytest.approx(host.value(v))
        assert device.curvature == host.curvature
