"""Generated linear programs: their optima from other programs."""

import numpy as np
import pytest
import scipy.optimize
from support.linear_programs import scipys

from numsolve.monotone import solve_lp
from numsolve.problems import assignment_program, pagerank_program, transport_program


def test_an_assignment_is_that_of_the_hungarian_method():
    lp = assignment_program(12, rng=0)
    cost = lp.c.reshape(12, 12)
    rows, columns = scipy.optimize.linear_sum_assignment(cost)
    assert solve_lp(lp, rtol=1e-8).check().objective == pytest.approx(cost[rows, columns].sum(), rel=1e-6)


def test_pagerank_is_that_of_the_linear_system():
    lp = pagerank_program(60, damping=0.85, rng=1)
    S = (lp.A[:60].toarray() + np.eye(60)) / 0.85
    np.testing.assert_allclose(S.sum(axis=0), 1)
    expected = np.linalg.solve(np.eye(60) - 0.85 * S, np.full(60, 0.15 / 60))
    np.testing.assert_allclose(solve_lp(lp, rtol=1e-8).check().x, expected, atol=1e-6)


@pytest.mark.parametrize("cost", ["random", "squared"])
def test_transport(cost):
    lp = transport_program(7, 5, cost=cost, rng=2)
    assert lp.rl[:7].sum() == pytest.approx(lp.rl[7:].sum())
    assert solve_lp(lp, rtol=1e-8).check().objective == pytest.approx(scipys(lp).fun, rel=1e-6)


def test_bad_arguments():
    with pytest.raises(ValueError, match="cost is 'x'"):
        transport_program(2, 2, cost="x")
    with pytest.raises(ValueError, match="damping is 1"):
        pagerank_program(5, damping=1)
    with pytest.raises(ValueError, match="n is 0"):
        assignment_program(0)
