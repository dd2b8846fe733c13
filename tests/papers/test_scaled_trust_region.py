"""The paper on scalings of a trust region: its rows, its claims, and its figure."""

import numpy as np

from numsolve.papers import scaled_trust_region as paper

FEW = ("Floudas 14.1.1", "Floudas 14.1.4", "Rosenbrock")


def test_a_small_run_gives_every_row_every_claim_and_the_figure():
    rows = paper.run({**paper.settings(False), "systems": FEW}, iter)
    assert len(rows) == len(FEW) * 3 * 8
    for row in rows:
        assert row["solved"] == (row["norm of F"] <= 1e-6)
    for method in paper.SCALINGS:
        solved, iterations, values = paper.totals(rows, method)
        assert solved == 9
        assert iterations < values < 3 * iterations
    superiority, independent = paper.claims(rows)
    assert not superiority.holds
    assert not independent.holds  # nine runs are not 45

    from matplotlib.figure import Figure

    figure = Figure()
    paper.plot(rows, figure.subplots(1, paper.FIGURE))
    assert all(ax.get_title() for ax in figure.axes)
    assert len(figure.axes[0].get_lines()) == 8


def test_a_superior_combination_would_be_found():
    rows = [
        {
            "method": method,
            "solved": True,
            "iterations": 10 - 5 * (method == "combination"),
            "values of F": 12,
        }
        for method in paper.METHODS
    ]
    assert paper.claims(rows)[0].holds


def test_scipy_gives_the_norm_and_the_counts():
    system, settings = paper.problems.bounded_system("Rosenbrock"), paper.settings(False)
    norm, iterations, values = paper._by_scipy(system, system.starts()[0], None, settings)
    assert norm <= 1e-6
    assert np.isclose(iterations, values, atol=20)
