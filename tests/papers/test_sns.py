"""The paper on sparse Newton steps, at a small size."""

import re

import numpy as np
import pytest

from numsolve import papers
from numsolve.papers import sns


def test_the_table_and_its_claims(machine):
    settings = {"n": 60, "side": 6, "points": 60, "eps": 1 / 300, "atol": 1e-9, "maxiter": 3000}
    machine.slow_down(sns, "sinkhorn")
    rows = sns.run(settings, iter)
    assert {r["seconds"] for r in rows} <= {0.0, 1.0}  # every curve without the time of its first call
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
        if row["method"] == "Sinkhorn":
            row["converged"], row["seconds"] = False, 3.5
    for claim in sns.claims(rows)[:3]:
        assert re.match(
            r"\d+ for > \d+, > 3.5 times faster; over-relaxed (> )?\d+, (> )?1.0 times its time", claim.ours
        )
        assert claim.holds
        assert claim.timed
    for row in rows:
        if row["method"] == "sparse Newton":
            row["converged"] = False
    assert not any(claim.holds for claim in sns.claims(rows)[:3])


def test_a_curve_that_ends_at_the_limit_ends_in_an_open_marker():
    figure = pytest.importorskip("matplotlib.figure").Figure()
    settings = {"n": 20, "side": 4, "points": 20, "eps": 1 / 300, "atol": 1e-9, "maxiter": 30}
    rows = sns.run(settings, iter)
    assert not all(row["converged"] for row in rows)
    axes = figure.subplots(1, 3)
    sns.plot(rows, axes)
    for ax, case in zip(axes, sns.CASES, strict=True):
        ends = {r["method"]: r["converged"] for r in rows if r["case"] == case}
        markers = [line for line in ax.get_lines() if line.get_marker() == "o"]
        assert len(markers) == sum(not converged for converged in ends.values())
        assert all(line.get_markerfacecolor() == "white" for line in markers)
        labels = ax.get_legend_handles_labels()[1]
        for label, converged in zip(labels, ends.values(), strict=True):
            assert ("> 30 its" in label) == (not converged)
