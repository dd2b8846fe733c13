"""The paper on step lengths of Newton's method, at a small size."""

from numsolve.papers import damped_newton
from numsolve.papers.damped_newton import BARRIER, LOGISTIC, METHODS, POLYTOPE, ROSENBROCK


def test_the_table_and_its_claims(monkeypatch):
    monkeypatch.setattr(damped_newton, "CONSTANTS", (0.01, 1.0))
    sizes = {BARRIER: (5, 14), LOGISTIC: (5, 40), ROSENBROCK: (6, 6), POLYTOPE: (10, 20)}
    settings = {"sizes": sizes, "instances": 1, "goal": 1e-8, "maxiter": 200}
    rows = damped_newton.run(settings, iter)
    ends = {(r["problem"], r["method"]): r for r in rows}
    assert set(ends) == {(name, method) for name, methods in METHODS.items() for method in methods}
    missed = [key for key, row in ends.items() if not row["reached"]]
    assert not [name for name, _ in missed if name != POLYTOPE], missed
    assert ends[BARRIER, "AICN"]["iteration"] < ends[BARRIER, "RN"]["iteration"]
    assert ends[BARRIER, "RN, tuned"]["iteration"] < ends[BARRIER, "RN"]["iteration"]
    assert abs(ends[BARRIER, "GRLS"]["iteration"] - ends[BARRIER, "GN"]["iteration"]) <= 1
    claims = damped_newton.claims(rows)
    assert len(claims) == 7
    for row in rows:
        row["reached"] = row["reached"] and row["method"] != "UN"
    assert not any(claim.holds for claim in damped_newton.claims(rows)[:4])
