"""Forest-structured blocks: their structure, the exact step, and the rules of `minimize`."""

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as sla
from hypothesis import given, settings
from hypothesis import strategies as st

from numsolve import problems
from numsolve._array import to_host
from numsolve.coordinate import L1, LeastSquares, Quadratic, minimize
from numsolve.coordinate._forests import Graph

EVERY = 10**9  # larger than any number of coefficients


@st.composite
def matrices(draw):
    """Draw a diagonally dominant symmetric sparse matrix with a random pattern."""
    n = draw(st.integers(1, 25))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    A = np.triu(rng.standard_normal((n, n)) * (rng.random((n, n)) < draw(st.floats(0, 0.6))), 1)
    A += A.T
    return sp.csr_array(A + np.diag(abs(A).sum(axis=1) + 0.1 + rng.random(n)))


def is_forest(A):
    """Tell whether the graph of a matrix has no cycle: as many edges as nodes less trees."""
    off = sp.csr_array(A) - sp.diags_array(A.diagonal())
    off.eliminate_zeros()
    return off.nnz // 2 == A.shape[0] - sp.csgraph.connected_components(off, directed=False)[0]


def covers_once(blocks, n):
    """Tell whether blocks cover each of n coefficients once."""
    return np.array_equal(np.sort(np.concatenate(blocks)), np.arange(n))


@settings(max_examples=20, deadline=None)
@given(matrices(), st.integers(0, 2**32))
def test_blocks_of_any_graph(A, seed):
    graph, n = Graph(A), A.shape[0]
    order = np.random.default_rng(seed).permutation(n)
    block = graph.forest(order)
    assert is_forest(A[block][:, block])
    for i in np.setdiff1d(order, block)[:3]:  # no further node fits
        more = np.append(block, i)
        assert not is_forest(A[more][:, more])
    for blocks in (graph.forests(order), graph.independent()):
        assert covers_once(blocks, n)
        assert all(is_forest(A[b][:, b]) for b in blocks)
    for b in graph.independent():
        assert np.count_nonzero(A[b][:, b].toarray()) == len(b)


@settings(max_examples=20, deadline=None)
@given(matrices(), st.integers(0, 2**32))
def test_messages_are_the_direct_solution(A, seed):
    graph, rng = Graph(A), np.random.default_rng(seed)
    block = graph.forest(rng.permutation(A.shape[0]))
    forest, r = graph.rooted(block), rng.standard_normal(len(block))
    expected = np.linalg.solve(A[block][:, block].toarray(), r)
    found, pivots = forest.solve(r)
    assert np.allclose(found, expected, rtol=1e-9, atol=1e-11)
    assert (pivots > 0).all()
    assert np.allclose(forest.believed(r), expected, rtol=1e-9, atol=1e-11)


def test_a_block_with_a_cycle_is_no_forest():
    A = sp.csr_array(np.full((3, 3), -1.0) + 4 * np.eye(3))
    assert Graph(A).rooted(np.arange(3)) is None
    assert Graph(A).rooted(np.array([0, 2])) is not None


def test_an_even_cycle_has_two_colours_and_an_odd_one_three():
    for n, colours in ((8, 2), (9, 3)):
        ring = sp.diags_array([np.ones(n - 1), np.ones(n - 1)], offsets=[-1, 1]).tolil()
        ring[0, n - 1] = ring[n - 1, 0] = 1
        assert len(Graph(ring.tocsr()).independent()) == colours


def test_most_limits_the_size_of_a_forest():
    graph = problems.lattice_labels(6, 6, labelled=1, rng=0)
    order = np.random.default_rng(0).permutation(35)
    assert set(Graph(graph.A).forest(order, 4)) == set(order[:4])  # too few nodes for a cycle of a lattice
    assert Graph(graph.A).forest(order, 0).size == 0


RULES = [
    {"partition": "variable", "select": "gs-tree", "block_size": EVERY},
    {"partition": "variable", "select": "gsd-tree", "block_size": 9},
    {"partition": "variable", "select": "random-tree", "block_size": EVERY},
    {"partition": "trees", "select": "cyclic"},
    {"partition": "trees", "select": "gsq"},
    {"partition": "red-black", "select": "cyclic"},
]


@pytest.mark.parametrize("update", ["message-passing", "belief-propagation", "newton"])
@pytest.mark.parametrize("rules", RULES, ids=lambda rules: f"{rules['partition']}-{rules['select']}")
def test_descent_with_trees(rules, update):
    graph = problems.lattice_labels(6, 7, labelled=6, weight=1.0, rng=0)
    result = minimize(Quadratic(graph.A, graph.b), None, update=update, rtol=1e-9, rng=0, **rules).check()
    expected = sla.spsolve(graph.A.tocsc(), graph.b)
    assert np.allclose(result.x, expected, atol=1e-6)
    size = abs(result.objectives[-1])
    assert (np.diff(result.objectives) <= 1e-12 * size).all()


@pytest.mark.parametrize("dense", [False, True])
def test_one_step_solves_a_tree(dense):
    n = 30
    A = sp.diags_array([np.full(n - 1, -1.0), np.full(n, 3.0), np.full(n - 1, -1.0)], offsets=[-1, 0, 1])
    A, b = (A.toarray() if dense else A.tocsr()), np.arange(n, dtype=float)
    result = minimize(
        Quadratic(A, b),
        None,
        partition="variable",
        select="gs-tree",
        block_size=n,
        update="message-passing",
        maxiter=1,
        rtol=1e-12,
    ).check()
    assert np.allclose(A @ result.x, b)
    assert result.iterations == 1


def test_a_singular_tree_takes_the_least_step():
    L = np.array([[1.0, -1, 0], [-1, 2, -1], [0, -1, 1]])
    quadratic = Quadratic(L, np.array([1.0, 0, -1]))
    result = minimize(quadratic, None, partition=[[0, 1, 2]], select="cyclic", update="message-passing")
    assert np.allclose(result.check().x, [1, 0, -1])


def test_the_device_path(cupy):
    graph = problems.lattice_labels(6, 7, labelled=6, weight=1.0, rng=0)
    A = cupy.asarray(graph.A.toarray())
    quadratic = Quadratic(A, cupy.asarray(graph.b))
    for rules, update in [
        (RULES[0], "message-passing"),
        (RULES[2], "message-passing"),
        (RULES[3], "belief-propagation"),
        (RULES[5], "message-passing"),
    ]:
        result = minimize(quadratic, None, update=update, rtol=1e-8, rng=0, **rules).check()
        assert type(result.x).__module__.partition(".")[0] != "numpy"
        expected = sla.spsolve(graph.A.tocsc(), graph.b)
        assert np.allclose(to_host(result.x), expected, atol=1e-5)


RING = Quadratic(np.full((3, 3), -1.0) + 4 * np.eye(3), np.ones(3))
SAMPLES = LeastSquares(np.eye(3), np.ones(3))


@pytest.mark.parametrize(
    ("datafit", "penalty", "rules", "error"),
    [
        (SAMPLES, None, {"partition": "trees"}, "partition='trees' needs the graph of a matrix"),
        (SAMPLES, None, {"partition": "red-black"}, "partition='red-black' needs the graph"),
        (SAMPLES, None, {"update": "message-passing"}, "update='message-passing' needs the graph"),
        (SAMPLES, None, {"select": "gs-tree", "partition": "variable"}, "select='gs-tree' needs the graph"),
        (RING, L1(0.1), {"update": "message-passing"}, "without a penalty only: pass update='newton'"),
        (RING, None, {"select": "gs-tree", "block_size": 2}, "pass partition='variable'"),
        (RING, None, {"update": "message-passing", "partition": [[0, 1, 2]]}, "met a block with a cycle"),
    ],
)
def test_refused_combinations(datafit, penalty, rules, error):
    with pytest.raises(ValueError, match=error):
        minimize(datafit, penalty, **{"select": "cyclic", **rules})


def test_a_variable_block_with_a_cycle_is_a_breakdown_with_a_remedy():
    rules = {"partition": "variable", "select": "gs", "block_size": 3, "update": "message-passing"}
    with pytest.warns(match="pass select='gs-tree'"):
        result = minimize(RING, None, **rules)
    assert not result.success
    assert np.isfinite(result.x).all()
