"""Labels on graphs, and sparse regression problems."""

import numpy as np
import pytest
import scipy.sparse.linalg as sla

from numsolve import problems


def least_value(graph):
    """Return the least value of the quadratic function of a graph."""
    return -graph.b @ sla.spsolve(graph.A.tocsc(), graph.b) / 2


def test_the_published_optimum_of_the_lattice():
    graph = problems.lattice_labels(rng=np.random.RandomState(1))
    assert graph.A.shape == (2400, 2400)
    assert least_value(graph) == pytest.approx(-1045999575.2270696, rel=1e-13)


def test_quadratic_function_of_a_lattice_is_the_sum_over_its_edges():
    graph = problems.lattice_labels(4, 5, labelled=3, weight=2.0, rng=0)
    x = np.random.default_rng(1).standard_normal(17)
    labels, W = graph.filled(x), graph.W.toarray()
    energy = (W * (labels[:, None] - labels) ** 2).sum() / 4
    constant = graph.labels @ (W.sum(axis=0) * graph.labels) / 2 - graph.labels @ W @ graph.labels / 2
    assert energy == pytest.approx(x @ (graph.A @ x) / 2 - graph.b @ x + constant)
    assert np.allclose(W, W.T)
    assert (W > 0).sum() == 2 * (3 * 5 + 4 * 4)  # edges along columns and along rows
    assert (W.sum(axis=0) <= 8).all()


def test_two_moons_is_positive_definite_and_its_labels_are_found():
    graph = problems.two_moons(300, labelled=20, rng=0)
    assert np.linalg.eigvalsh(graph.A.toarray()).min() > 0
    assert (graph.W.sum(axis=0) >= 5).all()
    assert abs(graph.W - graph.W.T).max() == 0
    found = np.sign(graph.filled(sla.spsolve(graph.A.tocsc(), graph.b)))
    assert (found == graph.truth).mean() > 0.95


def test_every_part_of_a_graph_has_a_label():
    graph = problems.two_moons(40, neighbours=1, labelled=1, rng=0)
    assert np.linalg.eigvalsh(graph.A.toarray()).min() > 0


def test_sparse_problems():
    X, y, w = problems.sparse_regression(200, 300, rng=0)
    assert X.nnz / X.shape[0] / X.shape[1] == pytest.approx(10 * np.log(200) / 200, rel=0.1)
    assert np.std(y - X @ w) == pytest.approx(1, rel=0.3)
    assert 0.03 < (w != 0).mean() < 0.2
    X, y, w = problems.sparse_classification(200, 300, rng=0)
    assert set(np.unique(y)) == {-1, 1}
    assert 0.8 < (y == np.sign(X @ w)).mean() < 1
    X, y, W = problems.softmax_data(100, 30, 4, rng=0)
    assert set(np.unique(y)) == set(range(4))
    assert ((X @ W).argmax(axis=1) == y).mean() > 0.8


def test_legacy_draws_are_in_the_published_order():
    rng = np.random.RandomState(1)
    dense, scales = rng.randn(20, 30) + 1, 10 * rng.randn(30)
    expected = dense * scales * (rng.rand(20, 30) < 10 * np.log(20) / 20)
    X, _, w = problems.sparse_classification(20, 30, rng=np.random.RandomState(1))
    assert np.allclose(X.toarray(), expected)
    drawn = rng.randn(30)
    assert np.allclose(w, drawn * (rng.rand(30) < 0.1))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: problems.lattice_labels(3, 3, labelled=9), "labelled is 9"),
        (lambda: problems.lattice_labels(3, 3, labelled=1, weight=-1), "weight"),
        (lambda: problems.two_moons(5, labelled=2), "neighbours is 5"),
        (lambda: problems.sparse_regression(5, 5, support=2), "support is 2"),
        (lambda: problems.sparse_classification(5, 5, flipped=-1), "flipped is -1"),
    ],
)
def test_bad_input(call, error):
    with pytest.raises(ValueError, match=error):
        call()
