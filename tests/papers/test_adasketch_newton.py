"""The paper on sketched solvers in Newton's method: its counts, thresholds, claims and figure."""

import pytest

from numsolve import problems
from numsolve.papers import adasketch_newton as paper


@pytest.mark.parametrize("solver", ["kaczmarz", "gaussian", "direct"])
def test_outer_counts(solver):
    settings = paper.settings(False) | {"inner_maxiter": 100_000}
    for name, count in paper.COUNTS.items():
        row = paper._row(problems.constrained_problem(name), solver, paper.PaperRules(), "", settings)
        assert row["status"] == "CONVERGED"
        assert abs(row["outer"] - count) <= 1
        assert row["KKT residual"] <= 1e-4


def test_the_absolute_threshold_calls_singular_what_is_only_small():
    for name in paper.SINGULAR:
        problem = problems.constrained_problem(name)
        row = paper._row(problem, "direct", paper.PaperRules(), "", paper.settings(False))
        assert row["status"] == "SINGULAR"


@pytest.mark.extended
def test_a_small_run_gives_every_claim_and_the_figure():
    rows = paper.run(paper.settings(False) | {"problems": ("HS6", "HS40")}, iter)
    found = paper.claims(rows)
    assert [claim.holds for claim in found[:3]] == [True] * 3
    assert not found[3].holds  # sketches save no time

    from matplotlib.figure import Figure

    figure = Figure()
    paper.plot(rows, figure.subplots(1, paper.FIGURE))
    assert len(figure.axes[0].get_lines()) == 6
