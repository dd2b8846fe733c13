"""The shifted Laplacian and the heat equation: distributions, definitions, accuracy of the time steps."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.sparse.linalg import spsolve

from numsolve.problems import heat_crank_nicolson, laplacian_shifted, poisson
from numsolve.problems._relaxing import conductivity


def test_shifts_and_right_hand_sides_follow_their_distributions():
    for beta, spread in (((0.5, 1.5), 0.25), ((2, 6), 0.1443)):
        systems = list(laplacian_shifted(2000, 4, beta=beta, rng=0))
        shifts = np.array([c for _, _, c in systems])
        assert -0.15 <= shifts.min() <= shifts.max() <= 0.45
        assert shifts.mean() == pytest.approx(0, abs=0.01)
        assert shifts.std() == pytest.approx(0.6 * spread, rel=0.05)  # of the beta distribution
        norms = np.array([np.linalg.norm(b) for _, b, _ in systems])
        assert 3.9 < norms.max() <= 4
        A, _, c = systems[0]
        np.testing.assert_allclose((A - poisson((4, 4))).toarray(), c * np.eye(16), atol=1e-15)


def test_the_jacobi_radius_of_a_shift():
    A, _, c = next(laplacian_shifted(1, 7, rng=1))
    jacobi = np.eye(49) - A.toarray() / (4 + c)
    assert abs(np.linalg.eigvalsh(jacobi)).max() == pytest.approx(4 * np.cos(np.pi / 8) / (4 + c))


def test_a_step_is_that_of_crank_nicolson():
    u, steps = heat_crank_nicolson(700, 6)
    A, rhs, feature = list(steps)[612]
    kappa = 0.5e-3 * conductivity(0.6125)
    L = -36 * poisson((5, 5)).toarray()
    np.testing.assert_allclose(A.toarray(), np.eye(25) - kappa * L, atol=1e-15)
    np.testing.assert_allclose(rhs(u) - rhs(0 * u), u + kappa * L @ u, atol=1e-15)
    assert feature == conductivity(0.612) > 0.5
    assert rhs(0 * u).min() == 0
    assert 1e-3 < rhs(0 * u).max() <= 32e-3


def test_bumps():
    u, steps = heat_crank_nicolson(1, 20)
    assert u.reshape(19, 19)[9, 9] == 1
    assert np.count_nonzero(u) < 81  # inside a quarter of the middle
    source = next(steps).rhs(0 * u).reshape(19, 19)
    x, y = np.unravel_index(source.argmax(), source.shape)
    assert ((x + 1) / 20, (y + 1) / 20) == (0.75, 0.5)  # where its circle begins


def test_the_conductivity_over_two_periods():
    times = np.linspace(0, 2, 2001)
    values = np.array([conductivity(t) for t in times])
    assert values.min() >= 0
    assert values.max() == pytest.approx(10)
    assert values[times % 1 < 0.5].max() == pytest.approx(0.1)


def test_steps_are_of_second_order():
    """Against the ordinary differential equation of the same grid."""
    side, end = 8, 0.0202
    L = -(side**2) * poisson((side - 1, side - 1)).toarray()

    def march(dt):
        u, steps = heat_crank_nicolson(round(end / dt), side, dt=dt)
        for A, rhs, _ in steps:
            u = spsolve(A.tocsc(), rhs(u))
        return u

    def slope(t, u):
        return conductivity(t) * (L @ u) + _source(side, t)

    u, _ = heat_crank_nicolson(0, side)
    exact = solve_ivp(slope, (0, end), u, rtol=1e-11, atol=1e-12).y[:, -1]
    errors = [np.linalg.norm(march(dt) - exact) for dt in (2e-4, 1e-4)]
    assert errors[1] < 1e-4 * np.linalg.norm(exact)
    assert 3.5 < errors[0] / errors[1] < 4.5


def _source(side, t):
    x, y = np.meshgrid(*2 * [np.arange(1, side) / side], indexing="ij")
    angle = 16 * np.pi * t
    square = 64 * ((x - 0.5 - np.cos(angle) / 4) ** 2 + (y - 0.5 - np.sin(angle) / 4) ** 2)
    with np.errstate(divide="ignore"):
        return 32 * np.exp(1 - 1 / (1 - np.minimum(1, square))).ravel()


@pytest.mark.parametrize(
    ("call", "error", "what"),
    [
        (lambda: laplacian_shifted(-1), ValueError, "count is -1"),
        (lambda: laplacian_shifted(1, 1), ValueError, "side is 1"),
        (lambda: laplacian_shifted(1, interval=(1, 0)), ValueError, "interval is"),
        (lambda: laplacian_shifted(1, beta=(0.5, 0)), ValueError, "beta has 1 entries <= 0"),
        (lambda: laplacian_shifted(1, beta=2.0), ValueError, "beta has shape"),
        (lambda: heat_crank_nicolson(1.5, 5), TypeError, "count is 1.5"),
        (lambda: heat_crank_nicolson(1, 1), ValueError, "side is 1"),
        (lambda: heat_crank_nicolson(1, 5, dt=0), ValueError, "dt is 0"),
    ],
)
def test_bad_input_is_refused_before_the_first_system(call, error, what):
    with pytest.raises(error, match=what):
        call()
