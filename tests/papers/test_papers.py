"""Every paper keeps the protocol."""

import pytest

from numsolve import papers


@pytest.mark.parametrize("name", papers.names())
def test_protocol(name):
    paper = papers.load(name)
    assert "doi" in paper.REFERENCE
    assert paper.TITLE
    assert repr(paper.settings(True)) != repr(paper.settings(False))
    assert callable(paper.run)
    assert papers.figures(paper)
    assert all(callable(plot) and panels >= 1 for plot, panels in papers.figures(paper).values())


def test_unknown_names_are_listed():
    with pytest.raises(ValueError, match="cg_poisson"):
        papers.load("nothing")


def test_a_claim_that_fails_is_found():
    paper = papers.load("cg_poisson")
    rows = paper.run({"sides": (16, 24, 32), "rtol": 1e-8, "contrast": 1e4}, iter)
    assert all(claim.holds for claim in paper.claims(rows))
    for row in rows:
        if row["method"] == "AMG-CG":
            row["iterations"] = row["n"]
    assert not all(claim.holds for claim in paper.claims(rows))
