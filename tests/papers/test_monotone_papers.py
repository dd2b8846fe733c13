"""The papers on operators, at small sizes: their claims hold, and wrong tables refute them."""

import pytest

from numsolve.papers import accelerated_games, extragradient, halpern, infeasibility, lp

SMALL = {
    infeasibility: {"iterations": 1500, "rows": 10, "columns": 15},
    extragradient: {"iterations": 300, "grid": 13, "noisy": 6000, "runs": 3},
    halpern: {"n": 10_000, "d": 4, "passes": 30, "runs": 1},
    lp: {"sizes": (8, 12), "maxiter": 200_000},
    accelerated_games: {"iterations": 8000, "dimension": 60, "grid": 13},
}
VALUES = {
    lp: "objective",
    infeasibility: "error",
    extragradient: "y",
    halpern: "residual",
    accelerated_games: "y",
}


@pytest.mark.parametrize(
    "paper", [p if p is not accelerated_games else pytest.param(p, marks=pytest.mark.extended) for p in SMALL]
)
def test_claims_hold_and_are_refuted_by_a_table_of_ones(paper):
    rows = paper.run(SMALL[paper], iter)
    claims = paper.claims(rows)
    assert all(claim.holds for claim in claims), [c.text for c in claims if not c.holds]
    wrong = paper.claims([row | {VALUES[paper]: 0.99 + 1e-9 * i} for i, row in enumerate(rows)])
    assert not all(claim.holds for claim in wrong)
    assert set(paper.settings(False)) == set(SMALL[paper]) == set(paper.settings(True))
