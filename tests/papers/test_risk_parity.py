"""The paper on risk parity, at a small size."""

from numsolve.papers import risk_parity
from numsolve.papers.risk_parity import IMPROVED, NEWTON, ORIGINAL


def test_the_table_and_its_claims():
    rows = risk_parity.run({"sizes": (25,), "matrices": 3}, iter)
    assert len(rows) == 10
    assert all(0 < row[NEWTON] <= row[IMPROVED] < row[ORIGINAL] + 5 for row in rows)
    assert all(row[f"error, {name}"] <= 1e-6 for row in rows for name in (IMPROVED, ORIGINAL, NEWTON))
    claims = risk_parity.claims(rows)
    assert claims[0].holds
    for row in rows:
        row[IMPROVED] = row[ORIGINAL]
    assert not any(claim.holds for claim in risk_parity.claims(rows)[:4])
