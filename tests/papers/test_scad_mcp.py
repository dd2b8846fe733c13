"""The paper on accelerated gradients for SCAD and MCP, at a small size."""

import numpy as np
import pytest

from numsolve.papers import scad_mcp as paper

CELLS = [(paper.SCAD_LINEAR, 0.5, 200), (paper.SCAD_LOGISTIC, 0.5, 200)]
SMALL = {"cells": CELLS, "data sets": 1, "zeros": 20, "limit": 60}


def test_the_table_and_its_claims():
    rows = paper.run(SMALL, iter)
    assert len(rows) == 6
    counts = paper.medians(rows)[CELLS[0]]
    assert counts[paper.AG].low < counts[paper.PROXIMAL].low
    claims = paper.claims(rows)
    assert len(claims) == 4
    as_published = [row for row in rows if row["problem"] == paper.SCAD_LINEAR]
    for row, count in zip(as_published, paper.PUBLISHED[CELLS[0]], strict=True):
        row.update(iterations=count + 1, reached=True)
    assert paper.claims(as_published)[0].holds
    as_published[0]["iterations"] += 3
    assert not paper.claims(as_published)[0].holds


def test_a_run_that_ends_at_its_limit_gives_a_lower_bound():
    key = {"problem": paper.SCAD_LINEAR, "tau": 0.9, "n": 3000}
    ends = {paper.AG: (430, True), paper.PROXIMAL: (5000, False), paper.ORIGINAL: (660, True)}
    rows = [
        {**key, "data set": 0, "method": method, "iterations": count, "reached": reached}
        for method, (count, reached) in ends.items()
    ]
    assert paper.medians(rows)[paper.SCAD_LINEAR, 0.9, 3000][paper.PROXIMAL].is_bound
    claim = paper.claims(rows)[0]
    assert claim.holds
    assert claim.ours == "430, > 5000, 660"
    assert not paper.claims([{**row, "reached": True} for row in rows])[0].holds


def test_the_confidence_interval_of_a_median(rng):
    assert paper._range_of_median([4, 1, 9]) == (1, 9)
    inside = 0
    for _ in range(200):
        low, high = paper._range_of_median(rng.standard_normal(30).tolist())
        inside += low <= 0 <= high
    assert inside >= 180


@pytest.mark.parametrize("name", [paper.MCP_LINEAR, paper.SCAD_LOGISTIC])
def test_the_design_is_that_of_the_source(name):
    problem = paper.Problem(name, 0.5, 4000, zeros=3, rng=0)
    X = problem.X[:, 1:]
    assert X.shape == (4000, 62)
    np.testing.assert_allclose(X.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(X.std(axis=0), 1)
    wanted = 0.5 ** abs(np.subtract.outer(np.arange(62), np.arange(62)))
    np.testing.assert_allclose(X.T @ X / 4000, wanted, atol=0.1)
    x = np.random.default_rng(0).standard_normal(63) * (np.arange(63) % 3 == 0)
    state = problem.datafit.state(x)
    assert problem.objective(x) == pytest.approx(problem.datafit.value(state, x) + problem.penalty.value(x))
    free = problem.penalty.value(np.r_[5.0, np.zeros(62)])
    assert free == 0
