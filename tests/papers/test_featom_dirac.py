"""The paper on finite elements for atoms, its relativistic half, on a few meshes and atoms."""

import numpy as np

from numsolve import papers, radial


def test_claims_hold_or_not_and_are_refuted_by_errors(machine, one_thread):
    paper = papers.load("featom_dirac")
    settings = {"degrees": (8, 12, 16), "elements": (7, 24), "atoms": (1, 25, 92), "rounds": 2}
    machine.slow_down(radial, "atom")
    rows = paper.run(settings, iter)
    claims = paper.claims(rows)
    assert [claim.holds for claim in claims] == [True, True, True, False, True, False, False, False]
    assert claims[-1].ours == "1000 ms"  # without the time of the first call
    for row in rows:
        if row["experiment"] in ("uranium", "atoms", "hydrogenic"):
            row["error"] = 1e-6
    assert not any(claim.holds for claim in paper.claims(rows))
    assert all(np.isfinite(row["error"]) for row in rows if row["error"] != "")

    from matplotlib.figure import Figure

    figure = Figure()
    paper.plot(rows, figure.subplots(1, paper.FIGURE))
    assert all(ax.get_title() for ax in figure.axes)
