"""Bratu's problem and the driven cavity: Jacobians, orders, published values."""

import numpy as np
import pytest
import scipy.sparse as sp
from support.tiers import extended

from numsolve import newton
from numsolve.problems import bratu, driven_cavity


def solved(problem):
    options = {"jac": problem.jac, "linear_solver": "direct", "rtol": 1e-10}
    return newton.root(problem.fun, problem.x0, **options).check().x.reshape(problem.shape)


@pytest.mark.parametrize("problem", [bratu(6), bratu(5, lam=-2.0), driven_cavity(6, 50.0)])
def test_jacobian(problem, rng):
    x = rng.standard_normal(problem.x0.shape)
    newton.check_derivative(problem.fun, x, problem.jac, rng=0).check()
    J = problem.jac(x)
    assert isinstance(J, sp.csr_array)
    np.testing.assert_array_equal(problem.fun(x.reshape(problem.shape)), problem.fun(x))


def test_bratu_is_symmetric_and_of_second_order():
    """Richardson's extrapolation of the value at the centre agrees from two pairs of grids."""
    J = bratu(5).jac(np.ones(25))
    assert abs(J - J.T).max() == 0
    centre = [solved(bratu(n))[n // 2, n // 2] for n in (15, 31, 63)]
    assert (centre[1] - centre[0]) / (centre[2] - centre[1]) == pytest.approx(4, rel=0.05)


def test_bratu_has_no_solution_beyond_the_turning_point():
    problem = bratu(15, lam=7.5)
    with pytest.warns(UserWarning, match="no root"):
        assert not newton.root(problem.fun, problem.x0, jac=problem.jac, linear_solver="direct").success


@pytest.mark.parametrize(
    ("n", "reynolds", "least", "tolerance"),
    [(31, 100.0, -0.1034, 0.004), *extended((127, 100.0, -0.1034, 0.0005), (127, 400.0, -0.1139, 0.002))],
)
def test_cavity_has_the_published_vortex(n, reynolds, least, tolerance):
    """U. Ghia, K. N. Ghia, C. T. Shin, J. Comput. Phys. 48, 1982, table III."""
    psi = solved(driven_cavity(n, reynolds))
    assert psi.min() == pytest.approx(least, abs=tolerance)
    i, j = np.unravel_index(psi.argmin(), psi.shape)
    where = {100.0: (0.6172, 0.7344), 400.0: (0.5547, 0.6055)}[reynolds]
    assert np.hypot((i + 1) / (n + 1) - where[0], (j + 1) / (n + 1) - where[1]) < 0.04


def test_bad_input():
    with pytest.raises(ValueError, match="n is 2"):
        driven_cavity(2)
    with pytest.raises(ValueError, match="lam is nan"):
        bratu(3, lam=np.nan)
