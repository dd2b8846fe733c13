"""The paper on fractional minimisation by coordinates, at a small size."""

import numpy as np
import pytest

from numsolve.papers import fractional as paper

SMALL = {"sizes": [(40, 20), (20, 40)], "data": [paper.GAUSSIAN, paper.SPARSE], "instances": 1, "passes": 200}


def test_the_table_and_its_claims():
    rows = paper.run(SMALL, iter)
    found = paper.ends(rows)
    assert len(found) == 8
    claims = paper.claims(rows)
    assert len(claims) == 5
    for row in rows:
        if row["method"] == paper.PCD:
            row["ratio"] = 0.5
    assert all(claim.holds for claim in paper.claims(rows)[:2])
    for row in rows:
        if row["method"] == paper.DPA:
            row["ratio"] = 0.4
    assert not any(claim.holds for claim in paper.claims(rows)[:2])


@pytest.mark.parametrize("kind", [paper.GAUSSIAN, paper.SPARSE])
def test_no_method_raises_the_ratio(kind, rng):
    G = paper.data_matrix(kind, 30, 20, rng)
    assert np.linalg.norm(G) == pytest.approx(1)
    recovery, component = paper.Recovery(G, rng), paper.Component(G, rng)
    for problem, methods in ((recovery, (paper.PCD, paper.PGSA)), (component, (paper.FCD, paper.POWER))):
        for method in methods:
            curve, x = problem.follow(method, 100)
            ratios = [point["ratio"] for point in curve]
            assert (np.diff(ratios) <= 1e-9 * ratios[0]).all()
            assert problem.ratio(x) == pytest.approx(ratios[-1])
            assert curve[1]["passes"] == 2


def test_proximal_gradients_leave_a_point_that_is_optimal_in_each_coordinate(rng):
    recovery = paper.Recovery(paper.data_matrix(paper.GAUSSIAN, 30, 20, rng), rng)
    end = recovery.follow(paper.PCD, 4000)[1]
    curve = recovery.follow(paper.PGSA, 400, end)[0]
    assert curve[-1]["ratio"] == pytest.approx(curve[0]["ratio"], rel=1e-5)
