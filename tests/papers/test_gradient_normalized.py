"""The paper on gradient-normalised smoothness, at a small size."""

import numpy as np

from numsolve.papers import gradient_normalized as paper
from numsolve.papers._descents import curve_of

SMALL = {
    paper.FISHER: (200, 100),
    paper.SUM_EXP: (30, 30),
    paper.ROSENBROCK: (2, 2),
    paper.FIFTH: (2, 2),
    paper.CHEBYSHEV: (10, 10),
    paper.SOFT: (15, 30),
    paper.POLYTOPE: (20, 40),
    paper.WORST: (20, 20),
    "gradient steps": 300,
}


def test_the_table_and_its_claims():
    rows = paper.run(SMALL, iter)
    ends = {(r["problem"], r["method"]): r for r in rows}
    counts = {method: ends[paper.FISHER, method]["iteration"] for method in paper.PUBLISHED[paper.FISHER][1]}
    for method, published in paper.PUBLISHED[paper.FISHER][1].items():  # the data of the paper's figure
        assert abs(counts[method] - published) <= 2
    assert ends[paper.WORST, "adaptive"]["reached"]
    assert not ends[paper.ROSENBROCK, paper.GRADIENT]["reached"]
    claims = paper.claims(rows)
    assert claims[0].holds
    assert "only the order" in claims[1].why
    for row in curve_of(rows, problem=paper.FISHER, method="Fisher term"):
        row["iteration"] *= 2
    assert not paper.claims(rows)[0].holds


def test_the_random_data_are_those_of_the_old_generator():
    problem, _, _, _ = paper.CASES[paper.SOFT](6, 9)
    old = np.random.RandomState(paper.SEED)
    A, b = old.rand(6, 9) * 2 - 1, old.rand(9) * 2 - 1
    weights = np.exp(-b / problem.mu) / np.exp(-b / problem.mu).sum()
    np.testing.assert_allclose(problem.b, b)
    np.testing.assert_allclose(problem.A, (A - (A @ weights)[:, None]).T, atol=1e-12)


def test_the_gradient_method_in_a_metric_minimises_a_quadratic_in_few_steps():
    problem = paper.norm_power(8, 12, power=2.0, rng=0)
    curve = paper.gradient_descend(problem, goal=1e-10, maxiter=30, metric=problem.metric)
    assert curve[-1]["reached"]
    assert curve[-1]["iteration"] <= 5
    plain = paper.gradient_descend(problem, goal=1e-10, maxiter=5)
    assert not plain[-1]["reached"]
