"""The paper on lazy Hessians, at a small size."""

import numpy as np
import pytest

from numsolve.papers import _descents, lazy_hessians
from tests.support.tiers import extended

SMALL = {
    "n": 12,
    "terms": 24,
    "instances": 1,
    "lazy": (1, 5, 10),
    "chain": 15,
    "steps": 30,
    "chain lazy": (1, 5),
    "rows": 100,
    "logistic lazy": (1, 5),
}


def test_the_table_and_its_claims(machine):
    machine.slow_down(_descents.newton, "minimize", key=lambda fun, x0, method, **options: (method, len(x0)))
    rows = lazy_hessians.run(SMALL, iter)
    timed = _descents.curve_of(rows, problem="logistic regression")
    assert max(row["seconds"] for row in timed) <= 1  # without the time of the first call
    ends = {(r["problem"], r["method"], r["lazy"]): r for r in rows}
    assert len(ends) == 2 * 3 + 2 + 2 * 2
    assert all(row["reached"] for (name, *_), row in ends.items() if name != "worst instance")
    for kind in ("cubic", "quadratic"):
        for name in ("soft maximum", "logistic regression"):
            assert ends[name, kind, 5]["hessians"] < ends[name, kind, 1]["hessians"]
    for _, curve in _by_curve(rows):
        assert np.all(np.diff([row["gradients"] for row in curve]) >= 0)
        assert np.all(np.diff([row["iteration"] for row in curve]) > 0)
    claims = lazy_hessians.claims(rows)
    assert [claim.timed for claim in claims] == [False] * 7 + [True] * 2
    holding = [claim for claim in claims if "save Hessians" in claim.text]
    assert len(holding) == 2
    assert all(claim.holds for claim in holding)
    for row in rows:
        row["hessians"] *= 100
    assert not any(claim.holds for claim in lazy_hessians.claims(rows) if "save Hessians" in claim.text)


@pytest.mark.parametrize("instances", extended(3))
def test_counts_on_the_soft_maximum(instances):
    settings = {**SMALL, "n": 100, "terms": 200, "instances": instances, "lazy": (1, 5, 10, 25, 100)}
    rows = lazy_hessians.run(settings, iter)
    found = {claim.text: claim.holds for claim in lazy_hessians.claims(rows)}
    assert all(
        holds for text, holds in found.items() if "save Hessians" in text or "lazy Hessians save n" in text
    )


def _by_curve(rows):
    keys = dict.fromkeys((r["problem"], r["method"], r["lazy"], r["instance"]) for r in rows)
    names = "problem", "method", "lazy", "instance"
    return [(key, _descents.curve_of(rows, **dict(zip(names, key, strict=True)))) for key in keys]
