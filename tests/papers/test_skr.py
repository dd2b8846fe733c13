"""The paper on recycling: our counts against independent ones, and the whole file on small systems."""

from functools import partial

import pytest

import numsolve
from numsolve import krylov, problems
from numsolve.papers import skr
from numsolve.papers._interval import Interval

# Mean products of an independent GCRO-DR(40,20) in NumPy, over 12 other fields.
COUNTS = {"published": (434, 524), "corrected": (196, 272), "finite-volume": (139, 204)}


@pytest.mark.parametrize("matrix", COUNTS)
@pytest.mark.parametrize(("at", "rtol"), [(0, 1e-5), (1, 1e-8)])
def test_counts_of_recycling(matrix, at, rtol):
    systems = list(problems.darcy_systems(8, 80, matrix=matrix, rng=0))
    iterations, met = skr._recycled(partial(krylov.gcrodr, rtol=rtol, maxiter=10_000), None, systems, False)
    assert met == 8
    assert iterations / 8 == pytest.approx(COUNTS[matrix][at], rel=0.2)


def test_gmres_stagnates_on_the_published_matrix():
    A, b, _ = next(problems.darcy_systems(1, 80, matrix="published", rng=1))
    with pytest.warns(numsolve.ConvergenceWarning, match="maxiter"):
        assert not krylov.gmres(A, b, rtol=1e-5, restart=40, maxiter=3000).success
    assert krylov.gcrodr(A, b, rtol=1e-5, restart=40, maxiter=3000).success


def test_a_small_run_gives_every_row_and_every_claim(machine):
    machine.slow_down(krylov, "gmres", "gcrodr", "cg")
    machine.slow_down(skr, "splu")
    settings = skr.settings(False)
    families = {
        name: partial(make, side=10) for name, make in settings["families"].items() if "side" in make.keywords
    }
    families["heat"] = partial(skr._on_mesh, problems.thermal_systems, problems.plate_mesh, 0.1)
    families["Poisson"] = partial(skr._on_mesh, problems.poisson_systems, problems.square_mesh, 0.1)
    rows = skr.run({**settings, "families": families, "count": 3, "sampled": 2}, iter)
    assert {row["family"] for row in rows} == set(families)
    for row in rows:
        assert row["solved"] in ("3 of 3", "2 of 2") or row["method"] == "GMRES(40)"
        assert row["ms a system"].low <= 1000  # every curve without the time of its first call
    claims = skr.claims(rows)
    assert len(claims) == 10
    assert not all(claim.holds for claim in claims)  # 100 unknowns are within three cycles: nothing to gain

    from matplotlib.figure import Figure

    figure = Figure()
    skr.plot(rows, figure.subplots(1, skr.FIGURE))
    assert all(ax.get_title() for ax in figure.axes)


def test_runs_that_end_at_the_limit_are_marked():
    families = {
        name: partial(make, side=10)
        for name, make in skr.settings(False)["families"].items()
        if name in skr.DARCY_LABELS
    }
    settings = {**skr.settings(False), "families": families, "count": 3, "sampled": 2, "cap": 5}
    rows = skr.run({**settings, "preconditioners": ("none",), "rtols": (1e-5, 1e-8)}, iter)
    assert {(row["solved"], str(row["iterations"])) for row in rows if row["method"] == "GMRES(40)"} == {
        ("0 of 2", "> 5.0")
    }
    for row in rows:
        if row["method"] == "recycled":
            row.update(iterations=Interval.measured(2, True), solved="3 of 3")
    for claim in skr._headline(rows):
        assert claim.ours == "> 2.5, from > 5 (0 of 2 solved) to 2"

    from matplotlib.figure import Figure

    bars, lines, _ = Figure().subplots(1, skr.FIGURE)
    skr.plot(rows, (bars, lines, _))
    hatched = [bar for bar in bars.patches if bar.get_hatch() and bar.get_height() > 0]
    drawn = [row for row in rows if row["rtol"] == 1e-8 and row["method"] not in ("AMG-CG", "SuperLU")]
    assert len(hatched) == sum(row["iterations"].is_bound for row in drawn) > 0
    assert any(line.get_markerfacecolor() == "white" for line in lines.get_lines())
