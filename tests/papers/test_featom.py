"""The paper on finite elements for atoms, on a few meshes and atoms."""

import numpy as np

from numsolve import papers, radial


def test_claims_hold_and_are_refuted_by_errors(machine, one_thread):
    paper = papers.load("featom")
    settings = {"degrees": (8, 16, 24), "elements": (4, 7), "atoms": (1, 26, 66, 92), "rounds": 3}
    machine.slow_down(radial, "atom")
    rows = paper.run(settings, iter)
    *accuracy, speed = paper.claims(rows)
    assert all(claim.holds for claim in accuracy)
    assert speed.timed
    assert speed.ours == "1000.0 ms"  # without the time of the first call
    for row in rows:
        if row["experiment"] in ("uranium", "atoms"):
            row["error"] = 1e-6
    assert [claim.holds for claim in paper.claims(rows)[:4]] == [False, False, True, False]
    assert all(np.isfinite(row["error"]) for row in rows if row["error"] != "")
