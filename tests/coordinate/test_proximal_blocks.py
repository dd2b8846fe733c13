"""Block descent with proximal regularisation, and the Wasserstein dictionary on it."""

import pickle

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from numsolve import ConvergenceWarning, Status
from numsolve.coordinate import DictionaryResult, proximal_blocks, wasserstein_dictionary
from numsolve.coordinate._wasserstein import Data, Update, products, to_histograms


def factorisation(A):
    """Return the updates of a nonnegative factorisation ``A = U V^T``: exact minima."""
    from scipy.optimize import nnls

    def one_sided(A, V, old, lam):
        rows = np.vstack([V, np.sqrt(lam) * np.eye(V.shape[1])])
        return np.array(
            [nnls(rows, np.concatenate([a, np.sqrt(lam) * u]))[0] for a, u in zip(A, old, strict=True)]
        )

    return [
        lambda blocks, lam: one_sided(A, blocks[1], blocks[0], lam),
        lambda blocks, lam: one_sided(A.T, blocks[0], blocks[1], lam),
    ]


def test_a_nonnegative_factorisation_decreases_to_a_stationary_point(rng):
    A = rng.random((8, 2)) @ rng.random((2, 6))
    values = []

    def objective(U, V):
        return ((A - U @ V.T) ** 2).sum() / 2

    result = proximal_blocks(
        factorisation(A),
        [rng.random((8, 2)), rng.random((6, 2))],
        lam=0.05,
        rtol=1e-5,
        callback=lambda blocks, _: values.append(objective(*blocks)),
        objective=objective,
    ).check()
    assert (np.diff(values) <= 1e-12).all()
    assert result.objective == pytest.approx(objective(*result.x))
    U, V = result.x
    gradient = (U @ V.T - A) @ V
    stationary = np.where(U > 0, abs(gradient), np.maximum(-gradient, 0))
    assert stationary.max() <= 100 * result.residuals[-1]
    assert result.residuals[-1] <= 1e-5 * result.residuals[0]


def test_limits_callback_and_pickling():
    halve = lambda blocks, lam: 0.5 * blocks[0]  # noqa: E731
    with pytest.warns(ConvergenceWarning, match="maxiter"):
        result = proximal_blocks([halve], [np.ones(3)], lam=2.0, maxiter=4)
    assert (result.status, result.nit) == (Status.MAXITER, 4)
    np.testing.assert_allclose(result.x[0], 1 / 16)
    np.testing.assert_allclose(result.residuals, np.sqrt(3) / 2.0 ** np.arange(5))
    assert "blocks of (3,)" in repr(pickle.loads(pickle.dumps(result)))
    stopped = proximal_blocks([halve], [np.ones(3)], lam=2.0, callback=lambda x, r: True)
    assert (stopped.status, stopped.nit) == (Status.STOPPED, 1)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"lam": 0}, ValueError, "lam is 0"),
        ({"x0": np.ones(3)}, TypeError, "a list of arrays"),
        ({"updates": []}, ValueError, "0 updates"),
        ({"updates": [3]}, TypeError, r"updates\[0\] is a int"),
        ({"updates": [lambda blocks, lam: np.ones(2)]}, ValueError, "returned shape"),
        ({"x0": [np.array([1.0, np.nan, 0.0])]}, ValueError, "NaN"),
    ],
)
def test_bad_input(change, error, match):
    arguments = {"updates": [lambda blocks, lam: blocks[0]], "x0": [np.ones(3)], "lam": 1.0} | change
    with pytest.raises(error, match=match):
        proximal_blocks(arguments.pop("updates"), arguments.pop("x0"), **arguments)


def test_projection_to_histograms(rng):
    v = rng.standard_normal((7, 5))
    h = to_histograms(v)
    np.testing.assert_allclose(h.sum(axis=0), 1)
    assert (h >= 0).all()
    for other in (to_histograms(rng.standard_normal((7, 5))) for _ in range(20)):
        assert (((v - h) * (other - h)).sum(axis=0) <= 1e-12).all()


def samples_on_a_grid(rng, shape=(6, 5), count=3):
    return rng.random((*shape, count)) + 0.05, [
        (np.subtract.outer(np.arange(n), np.arange(n)) / n) ** 2 for n in shape
    ]


def test_the_dual_has_the_gradient_that_it_states(rng):
    data = Data(*samples_on_a_grid(rng), 0.05)
    g = 0.1 * rng.standard_normal(data.p.shape)
    gradient = data.dual(g)[1].reshape(-1)
    numerical = approx_fprime(g.reshape(-1), lambda v: data.dual(v.reshape(g.shape))[0], 1e-6)
    np.testing.assert_allclose(gradient, numerical, atol=1e-6)


def test_the_cost_is_that_of_the_entropic_transport(rng):
    samples, costs = samples_on_a_grid(rng, (6,), 2)
    data, eps = Data(samples, costs[0], 0.05), 0.05
    q = to_histograms(rng.random((6, 2)))
    expected = 0.0
    for p, other in zip(data.p.T, q.T, strict=True):
        K, u = np.exp(-costs[0] / eps), np.ones(6)
        for _ in range(5000):
            u = p / (K @ (other / (K.T @ u)))
        T = u[:, None] * K * (other / (K.T @ u))
        expected += (T * costs[0]).sum() + eps * (T * (np.log(np.where(T > 0, T, 1)) - 1)).sum()
    assert data.cost(q, np.eye(2)) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("block", [0, 1, 2])
def test_an_update_is_optimal(block, rng):
    data, lam = Data(*samples_on_a_grid(rng), 0.05), 0.3
    blocks = [to_histograms(rng.random((n, 2))) for n in (6, 5)] + [to_histograms(rng.random((2, 3)))]
    new = Update(data, block)(tuple(blocks), lam)

    def value(candidate):
        changed = [*blocks[:block], candidate, *blocks[block + 1 :]]
        return data.cost(*changed) + lam / 2 * ((candidate - blocks[block]) ** 2).sum()

    best = value(new)
    assert best < value(blocks[block])
    for _ in range(5):
        other = to_histograms(rng.random(new.shape))
        assert best <= value(new + 1e-3 * (other - new)) + 1e-9


def test_a_dictionary_costs_less_than_the_one_that_made_the_samples(rng):
    grid = np.linspace(0, 1, 20)
    atoms = np.exp(-((grid[:, None] - [0.2, 0.75]) ** 2) / 0.02)
    atoms, codes = atoms / atoms.sum(axis=0), rng.dirichlet([1.0, 1.0], 6).T
    cost = (grid[:, None] - grid) ** 2
    result = wasserstein_dictionary(atoms @ codes, 2, cost, 0.01, rng=1, rtol=1e-3).check()
    assert isinstance(result, DictionaryResult)
    data = Data(atoms @ codes, cost, 0.01)
    assert result.objective <= data.cost(atoms, codes) + 1e-6
    assert result.objective < data.cost(to_histograms(rng.random((20, 2))), codes)
    np.testing.assert_allclose(grid @ result.approximation, grid @ atoms @ codes, atol=0.02)
    np.testing.assert_allclose(result.codes.sum(axis=0), 1)


def test_products_of_factors(rng):
    U, V = rng.random((4, 2)), rng.random((3, 2))
    np.testing.assert_allclose(products((U, V)), np.einsum("ir,jr->ijr", U, V))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"samples": np.ones(4)}, "at least one axis"),
        ({"samples": -np.ones((4, 2))}, "entries < 0"),
        ({"samples": np.zeros((4, 2))}, "sample 0 has no mass"),
        ({"costs": [np.ones((4, 4))] * 2}, "2 matrices"),
        ({"costs": np.ones((3, 3))}, r"\(4, 4\) is needed"),
        ({"eps": 1e-9, "costs": np.eye(4)}, "too small"),
        ({"rank": 0}, "rank"),
    ],
)
def test_bad_samples(change, match):
    arguments = {"samples": np.ones((4, 2)), "rank": 1, "costs": np.ones((4, 4)), "eps": 0.1} | change
    with pytest.raises(ValueError, match=match):
        wasserstein_dictionary(**arguments)
