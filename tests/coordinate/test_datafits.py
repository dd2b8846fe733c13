"""Datafits: derivatives against differences, block forms against the full ones, duals, and bad input."""

import pickle

import numpy as np
import pytest
import scipy.optimize as so
import scipy.sparse as sp

from numsolve.coordinate import (
    L1,
    Datafit,
    GeneralizedLinear,
    Huber,
    LeastSquares,
    Logistic,
    Loss,
    Multinomial,
    Poisson,
    Quadratic,
    minimize,
)
from numsolve.coordinate._columns import square_block

KINDS = ("least squares", "logistic", "huber", "poisson", "quadratic", "multinomial")


def datafit(kind, rng, *, sparse=False, weights=None, m=20, n=6):
    """Return a datafit of some kind."""
    X = rng.standard_normal((m, n)) * (rng.random((m, n)) < 0.7)
    y = X @ rng.standard_normal(n) + rng.standard_normal(m)
    convert = sp.csr_array if sparse else np.asarray
    options = {"sample_weight": weights}
    if kind == "quadratic":
        return Quadratic(convert(X.T @ X + np.eye(n)), y[:n])
    make = {
        "least squares": lambda: LeastSquares(convert(X), y, **options),
        "logistic": lambda: Logistic(convert(X), np.where(y > 0, 1, -1), **options),
        "huber": lambda: Huber(convert(X), y, delta=0.8, **options),
        "poisson": lambda: Poisson(convert(X), np.round(abs(y)), **options),
        "multinomial": lambda: Multinomial(convert(X), rng.permutation(np.arange(m) % 3), **options),
    }
    return make[kind]()


def value(f, x):
    return f.value(f.state(x), x)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_derivatives(kind, sparse, rng):
    f = datafit(kind, rng, sparse=sparse, weights=rng.uniform(0.5, 2, 20))
    x, h = rng.standard_normal(f.n) * 0.3, 1e-5
    g = f.gradient(f.state(x), x)
    steps = np.eye(f.n) * h
    differences = [(value(f, x + e) - value(f, x - e)) / (2 * h) for e in steps]
    np.testing.assert_allclose(g, differences, atol=1e-8)
    block = rng.permutation(f.n)[:4]
    np.testing.assert_allclose(f.block_gradient(f.state(x), x, block), g[block], atol=1e-12)
    H = f.block_hessian(block, f.state(x))
    if kind != "huber":  # whose gradient has kinks
        columns = [
            (f.gradient(f.state(x + e), x + e) - f.gradient(f.state(x - e), x - e))[block] / (2 * h)
            for e in steps[block]
        ]
        np.testing.assert_allclose(H, columns, atol=1e-7)
    if kind != "poisson":
        bound = f.block_hessian(block)
        assert np.linalg.eigvalsh(bound - H)[0] >= -1e-10
        assert (f.curvatures()[block] >= np.diag(H) - 1e-12).all()
    change = rng.standard_normal(4)
    moved = x.copy()
    moved[block] += change
    np.testing.assert_allclose(f.moved(f.state(x), block, change), f.state(moved), atol=1e-12)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "poisson"])
def test_bound_of_all_coefficients(kind, sparse, rng):
    f = datafit(kind, rng, sparse=sparse)
    H = f.block_hessian(np.arange(f.n))
    d = rng.standard_normal(f.n)
    np.testing.assert_allclose(f.hessian_product(d), H @ d, atol=1e-11)
    np.testing.assert_allclose(f.hessian_row_sums(), abs(H).sum(axis=1), atol=1e-11)


def test_square_block_of_a_sparse_matrix(rng):
    A = sp.random_array((90, 90), density=0.2, rng=rng, format="csc")
    f = Quadratic(A + A.T)
    for block in (np.array([5, 2, 80]), rng.permutation(90)[:70]):
        np.testing.assert_array_equal(square_block(f.features, block), (A + A.T).toarray()[block][:, block])


@pytest.mark.parametrize("kind", ["least squares", "logistic", "huber", "poisson"])
def test_conjugates(kind, rng):
    f = datafit(kind, rng)
    u = f.loss.derivative(rng.standard_normal(20), f.y) * 0.7
    found = f.loss.conjugate(u, f.y)
    for i in range(0, 20, 4):
        y = f.y[i : i + 1]
        least = so.minimize_scalar(lambda z, i=i, y=y: f.loss.value(np.array([z]), y)[0] - u[i] * z)
        np.testing.assert_allclose(found[i], -least.fun, atol=1e-7)


@pytest.mark.parametrize("kind", ["least squares", "logistic", "huber", "poisson", "multinomial"])
def test_gap_is_an_upper_bound_and_closes(kind, rng):
    f = datafit(kind, rng)
    best = minimize(f, L1(0.05), block_size=3, rtol=1e-10).check()
    assert best.gap <= 1e-9
    x = rng.standard_normal(f.n) * 0.2
    state = f.state(x)
    gap = f.gap(state, x, f.gradient(state, x), L1(0.05))
    assert gap >= f.value(state, x) + L1(0.05).value(x) - best.objective - 1e-10


def test_multinomial_of_two_classes_is_logistic(rng):
    X = rng.standard_normal((30, 4))
    classes = rng.integers(0, 2, 30)
    two, one = Multinomial(X, classes), Logistic(X, 2 * classes - 1)
    W = rng.standard_normal((4, 2))
    w = W[:, 1] - W[:, 0]
    np.testing.assert_allclose(value(two, W.reshape(-1)), value(one, w))
    result = minimize(two, None, block_size=4, rtol=1e-8).check()
    expected = minimize(one, None, block_size=4, rtol=1e-9).check()
    assert result.x.shape == (4, 2)
    np.testing.assert_allclose(result.x[:, 1] - result.x[:, 0], expected.x, atol=1e-4)


def test_sample_weights_are_repetitions(rng):
    X, y, times = rng.standard_normal((12, 3)), rng.standard_normal(12), rng.integers(1, 4, 12)
    one = LeastSquares(X, y, sample_weight=times)
    two = LeastSquares(np.repeat(X, times, axis=0), np.repeat(y, times))
    x = rng.standard_normal(3)
    np.testing.assert_allclose(value(one, x), value(two, x))
    np.testing.assert_allclose(one.curvatures(), two.curvatures())


class Quartic(Loss):
    """The loss ``(z - y)**4 / 4 + (z - y)**2 / 2``."""

    def value(self, z, y):
        return (z - y) ** 4 / 4 + (z - y) ** 2 / 2

    def derivative(self, z, y):
        return (z - y) ** 3 + z - y

    def second(self, z, y):
        return 3 * (z - y) ** 2 + 1


class Distance(Datafit):
    """The function ``|x - c|^2 / 2``."""

    def __init__(self, c):
        self.c, self.n, self.shape, self.dtype, self.library = c, len(c), (len(c),), c.dtype, "numpy"

    def state(self, x):
        return x.copy()

    def moved(self, state, block, d):
        state[block] += d
        return state

    def value(self, state, x):
        return float((x - self.c) @ (x - self.c)) / 2

    def gradient(self, state, x):
        return x - self.c

    def block_gradient(self, state, x, block):
        return (x - self.c)[block]

    def curvatures(self):
        return np.ones(self.n)

    def block_hessian(self, block, state=None):
        return np.eye(len(block))


def test_own_loss_and_own_datafit(rng):
    X, y = rng.standard_normal((30, 5)), rng.standard_normal(30)
    result = minimize(
        GeneralizedLinear(X, y, Quartic()), None, select="gs", update="newton-line-search", rtol=1e-9
    ).check()

    def loss(x):
        return Quartic().value(X @ x, y).mean()

    np.testing.assert_allclose(result.objective, so.minimize(loss, np.zeros(5), tol=1e-12).fun, rtol=1e-9)
    by_default = minimize(GeneralizedLinear(X, y, Quartic()), None, block_size=2, rtol=1e-9).check()
    np.testing.assert_allclose(by_default.objective, result.objective, rtol=1e-9)
    with pytest.raises(ValueError, match="needs bounds of the second derivatives"):
        minimize(GeneralizedLinear(X, y, Quartic()), None, update="gradient")
    own = Distance(np.array([3.0, -0.5, 1.0]))
    for options in ({}, {"block_size": 2}, {"select": "cyclic"}):
        np.testing.assert_allclose(minimize(own, L1(1.0), **options).check().x, [2, 0, 0], atol=1e-8)
    with pytest.raises(ValueError, match="hessian_product, which Distance does not have"):
        minimize(own, None, partition="variable", select="iht", block_size=2)


def test_later_changes_of_the_callers_arrays_have_no_effect(rng):
    X, y = rng.standard_normal((10, 3)), rng.standard_normal(10)
    for convert in (np.asarray, np.asfortranarray, sp.csc_array):
        A, b = convert(X.copy()), y.copy()
        f = LeastSquares(A, b)
        before = value(f, np.ones(3))
        (A.data if sp.issparse(A) else A)[...] = 7
        b[...] = 7
        assert value(f, np.ones(3)) == before


@pytest.mark.parametrize("kind", KINDS)
def test_datafits_pickle(kind, rng):
    f = datafit(kind, rng)
    copy = pickle.loads(pickle.dumps(f))
    x = rng.standard_normal(f.n)
    assert value(copy, x) == value(f, x)
    assert type(f).__name__ in repr(f)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda X, y: LeastSquares(X * np.nan, y), "X has .* NaN"),
        (lambda X, y: LeastSquares(X, y * np.inf), "y has .* infinite"),
        (lambda X, y: LeastSquares(X, y[:3]), "y has shape"),
        (lambda X, y: LeastSquares(X, y, sample_weight=-(y**2)), "sample_weight has negative"),
        (lambda X, y: LeastSquares(X, y, sample_weight=y[:2]), "sample_weight has shape"),
        (lambda X, y: Logistic(X, y > 0), "labels other than -1 and 1"),
        (lambda X, y: Multinomial(X, y), "labels other than 0, 1, 2"),
        (lambda X, y: Multinomial(X, np.zeros(8, int)), "one class only"),
        (lambda X, y: Multinomial(X, np.arange(8) * 3), "8 rows"),
        (lambda X, y: Poisson(X, -abs(y)), "counts are needed"),
        (lambda X, y: Huber(X, y, delta=0), "delta"),
        (lambda X, y: Quadratic(X[:3]), "not symmetric"),
        (lambda X, y: Quadratic(X), "square matrix"),
        (lambda X, y: LeastSquares(X[:, :0], y), "X is empty"),
    ],
)
def test_bad_input_is_named(make, words, rng):
    with pytest.raises(ValueError, match=words):
        make(rng.standard_normal((8, 3)), rng.standard_normal(8))


def test_wrong_types_are_named(rng):
    X, y = rng.standard_normal((8, 3)), rng.standard_normal(8)
    with pytest.raises(TypeError, match=r"loss is a str"):
        GeneralizedLinear(X, y, "squared")
    with pytest.raises(TypeError, match="real numbers"):
        LeastSquares(X * 1j, y)


@pytest.mark.parametrize("make", [sp.csr_matrix, sp.csc_array, sp.coo_array])
def test_sparse_forms_agree(make, rng):
    X, y = rng.standard_normal((10, 3)), rng.standard_normal(10)
    S = sp.coo_array((np.r_[X.ravel() / 2, X.ravel() / 2], np.tile(np.indices(X.shape).reshape(2, -1), 2)))
    f = LeastSquares(make(S), y)  # coo: with duplicated entries
    x = np.ones(3)
    np.testing.assert_allclose(value(f, x), value(LeastSquares(X, y), x))
