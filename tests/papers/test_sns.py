"""The paper on sparse Newton steps, at a small size."""

import numpy as np

from numsolve import papers
from numsolve.papers import sns


def test_the_table_and_its_claims():
    settings = {"n": 60, "side": 6, "points": 60, "eps": 1 / 300, "atol": 1e-9, "maxiter": 3000}
    rows = sns.run(settings, iter)
    ends = {(r["case"], r["method"]): r for r in rows}
    assert len(ends) == 15
    for case in sns.CASES:
        assert ends[case, "sparse Newton"]["converged"]
        assert ends[case, "sparse Newton"]["error"] <= 1e-9
        assert ends[case, "sparse Newton"]["iteration"] < ends[case, "Sinkhorn"]["iteration"]
    for case, method in ends:
        errors, seconds = zip(
            *[(r["error"], r["seconds"]) for r in rows if (r["case"], r["method"]) == (case, method)],
            strict=True,
        )
        assert np.all(np.diff(seconds) >= 0)
        assert errors[-1] == min(errors) or not ends[case, method]["converged"]
    claims = papers.load("sns").claims(rows)
    assert len(claims) == 5
    assert all(claim.holds for claim in claims[3:])
    for row in rows:
        if row["method"] == "sparse Newton":
            row["converged"] = False
    assert not any(claim.holds for claim in sns.claims(rows)[:3])
