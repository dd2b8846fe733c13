"""The paper on accelerated cyclic coordinate methods, at a small size."""

import numpy as np
import pytest

from numsolve.papers import a_coder
from numsolve.papers._categories import categorical_data


def test_the_table_and_its_claims(monkeypatch):
    monkeypatch.setattr(a_coder, "SHARES", (4, 8))
    monkeypatch.setattr(a_coder, "MARKS", (10, 40))
    monkeypatch.setattr(a_coder, "TUNED_AT", 20)
    X, y = categorical_data(80)
    settings = {"passes": 40, "goal": 1e-10, "data": (X[:, :16], y)}
    rows = a_coder.run(settings, iter)
    assert {row["method"] for row in rows} == set(a_coder.METHODS)
    starts = [row["gap"] for row in rows if row["passes"] == 0]
    assert len(starts) == len(a_coder.METHODS)
    assert np.ptp(starts) == 0
    claims = {claim.text: claim for claim in a_coder.claims(rows)}
    assert claims["per pass A-CODER is faster than proximal gradient"].holds
    assert not claims["per pass A-CODER is faster than APCG"].holds
    assert len(claims) == 7
    for row in rows:
        if row["method"] == a_coder.A_CODER:
            row["gap"] = 1.0
    assert not any(claim.holds for claim in a_coder.claims(rows) if "A-CODER is faster" in claim.text)


@pytest.mark.extended
def test_methods_descend_on_dense_data():
    X, y = categorical_data(60)
    problem = a_coder.Regression(X.toarray()[:, :20], np.where(y, 1, -1))
    for name, make in a_coder.METHODS.items():
        points = make(problem)
        gaps = [problem.gap(next(points)[1]) for _ in range(40)]
        assert -1e-9 <= gaps[-1] <= 0.5 * gaps[0] or name == a_coder.GRADIENT, name
