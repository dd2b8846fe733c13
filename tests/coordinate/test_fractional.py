"""Fractional minimisation by coordinates: monotone, optimal in each coordinate, and bad input."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from support.tiers import extended

from numsolve import ConvergenceWarning, Status
from numsolve.coordinate import kurtosis_direction, sparse_fraction
from numsolve.kernels import kernels_for

ORDER = np.zeros(1, np.int32)


def ratio(G, y, lam, k, x):
    """Return the ratio of sparse recovery, from its definition."""
    above = np.sort(abs(x))[::-1][:k].sum()
    return (((G @ x - y) ** 2).sum() / 2 + lam * abs(x).sum()) / (lam * above)


def moments(A, x):
    """Return the ratio of a direction, from its definition."""
    return x @ x / np.sqrt(((A @ x) ** 4).sum())


def recovery(rng, m=60, n=40, k=6):
    """Return a matrix of norm one, and observations of a sparse vector with some noise."""
    G = rng.standard_normal((m, n))
    G /= np.linalg.norm(G)
    x = np.zeros(n)
    x[rng.permutation(n)[:k]] = rng.standard_normal(k)
    y = G @ x
    return G, y + 0.1 * np.linalg.norm(y) * rng.standard_normal(m)


@pytest.mark.parametrize(("m", "n"), [(60, 40), (40, 60)])
def test_sparse_recovery_is_monotone_and_optimal_in_each_coordinate(rng, m, n):
    G, y = recovery(rng, m, n)
    lam, k, x0, values = 0.1 / m, 6, 0.1 * rng.standard_normal(n), []
    result = sparse_fraction(
        G,
        y,
        lam,
        k,
        x0,
        rtol=1e-9,
        maxiter=5000,
        callback=lambda x, change: values.append(ratio(G, y, lam, k, x)),
    ).check()
    values = [ratio(G, y, lam, k, x0), *values]
    assert (np.diff(values) <= 1e-12 * values[0]).all()
    assert result.objective == pytest.approx(ratio(G, y, lam, k, result.x))
    theta = 1e-5 * (G**2).sum()
    for i in range(n):
        e = np.eye(n)[i]
        for t in np.concatenate((np.linspace(-3, 3, 41), [-result.x[i]])):
            x = result.x + t * e
            above = np.sort(abs(x))[::-1][:k].sum()
            value = ((G @ x - y) ** 2).sum() / 2 + theta * t * t / 2 + lam * abs(x).sum()
            assert value >= result.objective * lam * above * (1 - 1e-9)


@given(st.integers(0, 10**6), st.integers(1, 5), st.floats(0.05, 3))
def test_a_step_is_the_global_minimiser(seed, k, lam):
    rng = np.random.default_rng(seed)
    G, y, x = rng.standard_normal((4, 5)), rng.standard_normal(4), rng.standard_normal(5).round(1)
    x[3:] *= rng.integers(0, 2)
    if not x.any():
        return
    top = np.zeros(5, bool)
    top[np.argsort(-abs(x))[:k]] = True
    before, theta = ratio(G, y, lam, k, x), 1e-2
    curvature = (G * G).sum(axis=0) + theta

    def model(t):
        u = x + t * np.eye(5)[0]
        above = np.sort(abs(u))[::-1][:k].sum()
        return ((G @ u - y) ** 2).sum() / 2 + theta * t * t / 2 + lam * abs(u).sum() - before * lam * above

    moved, r = x.copy(), G @ x - y
    kernels_for(x).ratio_sweep(ORDER, np.ascontiguousarray(G.T), curvature, moved, r, top, lam)
    least = min(map(model, np.concatenate((np.linspace(-20, 20, 801), [-x[0]]))))
    assert model(moved[0] - x[0]) <= least + 1e-9
    np.testing.assert_allclose(r, G @ moved - y, atol=1e-10)
    assert abs(moved)[top].sum() == pytest.approx(np.sort(abs(moved))[::-1][:k].sum())


@given(st.integers(0, 10**6))
def test_a_step_of_a_direction_is_the_global_minimiser(seed):
    rng = np.random.default_rng(seed)
    A, x = rng.standard_normal((5, 3)), rng.standard_normal(3)
    x /= np.linalg.norm(x)
    moved, z = x.copy(), A @ x
    kernels_for(x).kurtosis_sweep(ORDER, np.ascontiguousarray(A.T), moved, z, 1e-5)
    np.testing.assert_allclose(z, A @ moved, atol=1e-10)

    def model(t):
        root = np.sqrt(((A @ x + np.multiply.outer(t, A[:, 0])) ** 4).sum(axis=-1))
        return (1 + 2 * x[0] * t + (1 + 1e-5) * t * t) / root

    steps = np.concatenate((np.linspace(-30, 30, 6001), [0.0]))
    assert model(moved[0] - x[0]) <= model(steps).min() * (1 + 1e-9)


def test_a_sparse_vector_is_recovered(rng):
    G = rng.standard_normal((80, 150))
    x = np.zeros(150)
    x[[4, 60, 149]] = 1.0, -2.0, 3.0
    found = sparse_fraction(G, G @ x, 1.0, 3).check()
    assert set(np.flatnonzero(found.x)) == {4, 60, 149}
    np.testing.assert_allclose(found.x, x, rtol=1e-2)
    assert found.objective == pytest.approx(1, rel=1e-3)


def test_directions_are_monotone_and_stationary(rng):
    A, x0, values = rng.standard_normal((60, 20)), rng.standard_normal(20), []
    result = kurtosis_direction(
        A, x0, rtol=1e-10, callback=lambda x, change: values.append(moments(A, x))
    ).check()
    values = [moments(A, x0), *values]
    assert (np.diff(values) <= 1e-12 * values[0]).all()
    assert result.x @ result.x == pytest.approx(1)
    assert result.objective == pytest.approx(moments(A, result.x))
    z = A @ result.x
    np.testing.assert_allclose(A.T @ z**3 / (z**4).sum(), result.x, atol=1e-8)  # the gradient is zero


def test_an_independent_component_is_found(rng):
    sources = np.column_stack([rng.laplace(size=4000) / np.sqrt(2), rng.standard_normal((4000, 3))])
    Q = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    best = min(
        (kurtosis_direction(sources @ Q.T, rng=seed).check() for seed in range(4)), key=lambda r: r.objective
    )
    assert abs(best.x @ Q[:, 0]) > 0.99


def test_all_magnitudes_and_ties():
    G, y = np.eye(3), np.array([3.0, 3.0, 3.0])
    every = sparse_fraction(
        G, y, 0.5, 3, rtol=1e-8
    ).check()  # |x|_1 in both: the ratio is least where it fits
    np.testing.assert_allclose(every.x, y, rtol=1e-3)
    one = sparse_fraction(G, y, 0.5, 1, rtol=1e-8).check()
    assert np.isfinite(one.objective)
    single = sparse_fraction(np.array([[2.0]]), np.array([4.0]), 1.0, 1).check()
    np.testing.assert_allclose(single.x, [2.0], rtol=1e-3)
    direction = kurtosis_direction(np.array([[2.0], [1.0]]), rng=0).check()
    np.testing.assert_allclose(abs(direction.x), [1.0])


def test_what_ends_a_run(rng):
    G, y = recovery(rng)
    with pytest.warns(ConvergenceWarning, match="maxiter"):
        result = sparse_fraction(G, y, 1e-3, 6, rtol=1e-12, maxiter=2)
    assert (result.status, result.nit) == (Status.MAXITER, 2)
    stopped = sparse_fraction(G, y, 1e-3, 6, rtol=0, callback=lambda x, change: True)
    assert (stopped.status, stopped.nit) == (Status.STOPPED, 1)
    full = sparse_fraction(G, y, 1e-3, 6, rtol=1e-8).check()
    again = sparse_fraction(G, y, 1e-3, 6, full.x, rtol=1e-7).check()
    assert again.nit == 0
    assert pickle.loads(pickle.dumps(full)).objective == full.objective


@pytest.mark.parametrize("form", [np.asfortranarray, *extended(np.float32), lambda G: (1000 * G).astype(int)])
def test_forms_of_the_matrix(rng, form):
    G, y = recovery(rng)
    G = np.round(G, 3)
    given = form(G)
    scale = 1000 if given.dtype.kind == "i" else 1
    wanted = sparse_fraction(G * scale, y * scale, 1e-3 * scale**2, 6, rtol=1e-3).check()
    found = sparse_fraction(given, y * scale, 1e-3 * scale**2, 6, rtol=1e-3).check()
    assert found.objective == pytest.approx(wanted.objective, rel=1e-2)
    if given.dtype == np.float32:
        assert found.x.dtype == np.float32
        assert kurtosis_direction(given, rng=0, rtol=1e-4).check().x.dtype == np.float32


@pytest.mark.parametrize("power", [-400, 400])
def test_scales_that_are_powers_of_two_change_no_digit(rng, power):
    G, y = recovery(rng)
    x0 = rng.standard_normal(40)
    one = sparse_fraction(G, y, 1e-3, 6, x0)
    scaled = np.ldexp(G, power), np.ldexp(y, 30), np.ldexp(1e-3, power + 30)
    other = sparse_fraction(*scaled, 6, np.ldexp(x0, 30 - power))
    assert (other.x == np.ldexp(one.x, 30 - power)).all()
    assert other.objective == one.objective
    direction, same = kurtosis_direction(G, x0), kurtosis_direction(np.ldexp(G, power), np.ldexp(x0, power))
    assert (direction.x == same.x).all()
    assert same.objective == np.ldexp(direction.objective, -2 * power)


def test_bad_input_is_named(rng):
    G, y = recovery(rng)
    empty = G.copy()
    empty[:, 3] = 0
    for error, match, call in (
        (TypeError, "G is sparse", lambda: sparse_fraction(sp.csr_array(G), y, 1, 2)),
        (TypeError, "A is sparse", lambda: kurtosis_direction(sp.csr_array(G))),
        (ValueError, "columns of zeros", lambda: sparse_fraction(empty, y, 1, 2)),
        (ValueError, "columns of zeros", lambda: kurtosis_direction(empty)),
        (ValueError, "y is zero", lambda: sparse_fraction(G, 0 * y, 1, 2)),
        (ValueError, "orthogonal", lambda: sparse_fraction(np.eye(3)[:, :2], np.eye(3)[2], 1, 2)),
        (ValueError, "y has shape", lambda: sparse_fraction(G, y[:4], 1, 2)),
        (ValueError, "G has", lambda: sparse_fraction(y, y, 1, 2)),
        (ValueError, "lam", lambda: sparse_fraction(G, y, 0, 2)),
        (ValueError, "k is 0", lambda: sparse_fraction(G, y, 1, 0)),
        (ValueError, "only 40 columns", lambda: sparse_fraction(G, y, 1, 41)),
        (ValueError, "x0", lambda: sparse_fraction(G, y, 1, 2, np.zeros(40))),
        (ValueError, "x0", lambda: kurtosis_direction(G, np.zeros(40))),
        (ValueError, "x0 has shape", lambda: kurtosis_direction(G, np.zeros(4))),
        (ValueError, "G", lambda: sparse_fraction(np.nan * G, y, 1, 2)),
        (ValueError, "theta", lambda: kurtosis_direction(G, theta=0)),
        (ValueError, "rtol", lambda: kurtosis_direction(G, rtol=-1)),
    ):
        with pytest.raises(error, match=match):
            call()


def test_arrays_of_cupy_stay_on_the_device(cupy, rng):
    G, y = recovery(rng, 12, 8, 3)
    x0 = rng.standard_normal(8)
    host = sparse_fraction(G, y, 1e-2, 3, x0).check()
    device = sparse_fraction(cupy.asarray(G), cupy.asarray(y), 1e-2, 3, cupy.asarray(x0)).check()
    assert type(device.x).__module__.startswith("cupy")
    np.testing.assert_allclose(device.x.get(), host.x, atol=1e-9)
    assert device.objective == pytest.approx(host.objective)
    host, device = kurtosis_direction(G, rng=3).check(), kurtosis_direction(cupy.asarray(G), rng=3).check()
    np.testing.assert_allclose(device.x.get(), host.x, atol=1e-7)
    with pytest.raises(TypeError, match="x0"):
        kurtosis_direction(cupy.asarray(G), x0)
