"""Colourings and rows in another order."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.tiers import extended

from numsolve.problems import poisson
from numsolve.relaxation import colouring, sor

properties = settings(deadline=None, suppress_health_check=list(HealthCheck))


@properties
@given(st.integers(0, 2**32 - 1), st.integers(1, 90), st.floats(0, 1))
def test_colourings_are_valid_whichever_row_holds_the_entry(seed, n, density):
    rng = np.random.default_rng(seed)
    A = sp.csr_array(np.triu(rng.random((n, n)) < density) | np.eye(n, dtype=bool))
    order = rng.permutation(n)
    A = sp.csr_array(A[order][:, order].astype(float))
    colours, coo = colouring(A), A.tocoo()
    assert (colours[coo.row] != colours[coo.col])[coo.row != coo.col].all()
    graph = (A.toarray() != 0) | (A.toarray() != 0).T
    assert colours.max() < graph.sum(axis=1).max()  # a diagonal entry each: at most one more than neighbours
    for row in range(n):  # greedy: every lower colour is taken by an earlier row
        assert set(colours[:row][graph[row, :row]]) >= set(range(colours[row]))


@pytest.mark.parametrize("shape", [(7,), (6, 9), (4, 3, 5)])
def test_grids_have_two_colours(shape):
    assert colouring(poisson(shape)).tolist() == (np.indices(shape).sum(axis=0) % 2).ravel().tolist()


@pytest.mark.parametrize("index", [np.int32, *extended(np.int64)])
def test_a_pattern_in_another_order_is_scipys(index, rng):
    from numsolve.kernels.host.colours import permuted

    A = sp.csr_array(sp.random_array((300, 300), density=0.02, rng=rng) + sp.eye_array(300))
    A = sp.csr_array(A + sp.csr_array((np.ones(300), (np.full(300, 7), np.arange(300))), (300, 300)))
    order = rng.permutation(300)
    want = sp.csr_array(A[order][:, order])
    want.sort_indices()
    indptr, indices, places = permuted(A.indptr.astype(index), A.indices.astype(index), order)
    assert np.array_equal(indptr, want.indptr)
    assert np.array_equal(indices, want.indices)
    assert np.array_equal(A.data[places], want.data)


def test_a_full_matrix_has_a_colour_a_row():
    assert colouring(np.ones((150, 150))).tolist() == list(range(150))


def test_colours_may_have_any_numbers_and_are_reused(rng):
    A, b = poisson((10, 10)), rng.standard_normal(100)
    first = sor(A, b, colours="greedy", rtol=1e-8).check()
    again = sor(A, b, colours=first.colours, rtol=1e-8).check()
    assert np.array_equal(first.x, again.x)
    for names in ((7, 70), (-3, 10**9)):
        named = sor(A, b, colours=[names[c] for c in first.colours], rtol=1e-8).check()
        assert np.array_equal(first.x, named.x)
