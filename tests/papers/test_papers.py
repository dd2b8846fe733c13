"""Every paper has the documented names; claims that fail are found."""

from types import SimpleNamespace

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


def test_a_paper_of_several_figures(monkeypatch, tmp_path):
    pytest.importorskip("matplotlib")
    paper = SimpleNamespace(
        settings=lambda full: {"full": full},
        run=lambda settings, progress: [{"x": x, "full": settings["full"]} for x in progress(range(3))],
        claims=lambda rows: [],
        FIGURES={
            "one": (lambda rows, axes: axes[0].plot([r["x"] for r in rows]), 1),
            "two": (lambda rows, axes: axes[1].plot([r["x"] for r in rows]), 2),
        },
    )
    monkeypatch.setattr(papers, "load", lambda name: paper)
    rows, claims, files = papers.reproduce("any", folder=tmp_path / "new")
    assert (len(rows), claims) == (3, [])
    assert [file.name for file in files] == ["any.csv", "any_one.png", "any_two.png"]
    assert all(file.stat().st_size for file in files)
