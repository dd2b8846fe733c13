"""The paper on faster block coordinate descent: its rows, its claims, and its figures."""

import numpy as np
import pytest

from numsolve.papers import faster_bcd as paper

SMALL = {
    **paper.settings(False),
    "samples": 60,
    "features": 120,
    "softmax": (40, 20, 3),
    "points": 150,
    "labelled points": 15,
    "side": 9,
    "labelled": 9,
    "iterations": 15,
    "block sizes": (5, 20),
    "penalty": 5000.0,
}


@pytest.fixture(scope="module")
def rows():
    """The table of a small run."""
    return paper.run(SMALL, iter)


def test_no_curve_rises_and_none_falls_below_the_optimum(rows):
    ends = [k for k, row in enumerate(rows) if row["iteration"] == 0]
    assert len(ends) == len(paper.runs_of(SMALL))
    for first, last in zip(ends, [*ends[1:], len(rows)], strict=True):
        gaps = np.array([row["gap"] for row in rows[first:last]])
        assert (np.diff(gaps) <= 1e-9 * gaps[0]).all()
        assert gaps[-1] < gaps[0]


def test_orders_that_hold_on_every_problem(rows):
    holds = {claim.text: claim.holds for claim in paper.claims(rows)}
    assert holds["D: greedy trees lowest"]
    assert holds["E: forests below general blocks"]
    assert holds["A, variable blocks, gradient step: greedy rules below the others"]
    assert holds["A, gs, variable blocks: Newton steps below gradient steps"]
    assert not holds["D: the least value with NumPy's legacy generator and seed 1"]  # a smaller lattice


def test_a_wrong_order_is_found(rows):
    other = {"gs": "random", "random": "gs"}
    swapped = [
        {**row, "rule": other.get(row["rule"], row["rule"]) if row["figure"] == "rules" else row["rule"]}
        for row in rows
    ]
    holds = {claim.text: claim.holds for claim in paper.claims(swapped)}
    assert not holds["A, variable blocks, gradient step: greedy rules below the others"]


def test_the_mean_of_a_curve_that_ended_early():
    rows = [{"rule": "a", "iteration": 0, "gap": 1.0}, {"rule": "a", "iteration": 1, "gap": 0.0}]
    assert paper.mean_log(rows, 3, rule="a") == pytest.approx(3 * np.log10(paper.GOAL) / 4)
    with pytest.raises(ValueError, match="no curve has"):
        paper.mean_log(rows, 3, rule="b")


def test_the_optimum_with_nonnegative_coefficients():
    problem = paper.problems_of(SMALL)[paper.NONNEGATIVE]
    options = {"select": "gsq-nn", "partition": "variable", "block_size": 20, "update": "projected-newton"}
    end = paper.follow(problem, 200, options)[-1]
    assert end["reached"]
    assert end["active"] > 0


def test_the_published_lattice():
    settings = {**SMALL, "side": 50, "labelled": 100}
    optimum = paper.problems_of(settings)[paper.LATTICE].optimum
    assert optimum == pytest.approx(paper.LATTICE_OPTIMUM, abs=1e-6)


def test_figures(rows):
    from matplotlib.figure import Figure

    for name, (plot, panels) in paper.FIGURES.items():
        axes = Figure().subplots(1, panels, squeeze=False)[0]
        if name == "nonnegative":
            axes = axes[: len(SMALL["block sizes"])]
        plot(rows, axes)
        assert all(ax.get_lines() and ax.get_title() for ax in axes)
