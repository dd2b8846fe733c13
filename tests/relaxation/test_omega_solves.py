"""Learners in SOR, in sequences of systems and with a preconditioner."""

from itertools import islice

import numpy as np
import pytest

from numsolve import krylov
from numsolve._result import ConvergenceWarning
from numsolve.krylov import solve_sequence
from numsolve.learners import ChebCB, EstimatedOmega, FixedOmega, TsallisINF, omega_opt
from numsolve.papers._relax_shift import jacobi_radius
from numsolve.precondition import ssor
from numsolve.problems import heat_crank_nicolson, laplacian_shifted, poisson
from numsolve.relaxation import sor


def test_young_s_omega_is_found_in_a_few_solves(rng):
    """One matrix and several right-hand sides: from Gauss-Seidel to nearly the sweeps of the best omega."""
    A, learner = poisson((20, 20)), EstimatedOmega(rtol=1e-8)
    results = [sor(A, rng.standard_normal(400), omega=learner, rtol=1e-8).check() for _ in range(10)]
    best = omega_opt(np.cos(np.pi / 21))
    assert results[0].omega == 1
    assert 2 - results[-1].omega == pytest.approx(2 - best, rel=0.15)
    wanted = sor(A, rng.standard_normal(400), omega=best, rtol=1e-8).nit
    assert results[0].nit > 7 * wanted
    assert np.mean([r.nit for r in results[5:]]) < 1.25 * wanted


def test_young_s_omega_of_a_context():
    """For 300 systems, at most 1.5 times the sweeps of the best omega of each system."""
    systems = list(laplacian_shifted(300, rng=3))

    def sweeps(omega):
        options = {"rtol": 1e-8, "maxiter": 10_000}
        return sum(sor(A, b, omega=omega(c), context=c, **options).check().nit for A, b, c in systems)

    contextual, plain = EstimatedOmega(1e-8, (-0.15, 0.65)), EstimatedOmega(1e-8)
    best = sweeps(lambda c: omega_opt(jacobi_radius(c)))
    found = sweeps(lambda c: contextual)
    assert found < 1.5 * best
    assert found < 0.75 * sweeps(lambda c: plain)


def test_a_learner_gets_the_cost_of_each_solve_and_failure(rng):
    A, learner = poisson((6, 6)), TsallisINF([1.2], rng=0)
    nit = sor(A, rng.standard_normal(36), omega=learner, rtol=1e-8).check().nit
    assert learner._losses[0, 0] == nit - 1
    with pytest.warns(ConvergenceWarning):
        sor(A, rng.standard_normal(36), omega=learner, rtol=1e-8, maxiter=3)
    assert learner._losses[0, 0] == nit + 1
    assert not learner._waiting


def test_a_sequence_passes_contexts_to_the_learner():
    """Later systems take fewer sweeps than with any fixed omega of the grid."""
    systems = list(laplacian_shifted(1200, 6, rng=0))
    learner = ChebCB(np.linspace(1, 1.9, 10), (-0.15, 0.45), rng=0)
    options = {"method": sor, "rtol": 1e-6, "sort": None, "guess": 0}
    run = solve_sequence(systems, omega=learner, **options)
    found = np.array([(r.check().omega, r.nit) for r in run])
    assert learner._shared[0] == 1200
    best = [omega_opt(jacobi_radius(s.feature, 6)) for s in systems]
    assert np.corrcoef(found[600:, 0], best[600:])[0, 1] > 0.6
    runs = (solve_sequence(systems[600:], omega=FixedOmega(w), **options) for w in (1.2, 1.3, 1.4))
    fixed = [sum(r.nit for r in run) for run in runs]
    assert found[600:, 1].sum() < min(fixed)


def test_omega_of_a_preconditioner():
    """A loop of a user: SSOR-CG whose omega and matrix change from step to step."""
    grid = np.linspace(1, 1.9, 4)

    def march(learner):
        u, steps = heat_crank_nicolson(950, 16)
        M, costs = None, []
        for A, rhs, conductivity in islice(steps, 550, None):  # where the conductivity is large
            omega = learner.suggest(conductivity)
            M = ssor(A, omega) if M is None else M.update(A, omega)
            result = krylov.cg(A, rhs(u), u, M=M, rtol=1e-8).check()
            learner.observe(omega, result.nit, conductivity)
            costs.append(result.nit)
            u = result.x
        np.testing.assert_allclose(M @ u, ssor(A, omega) @ u, rtol=1e-13)
        return np.mean(costs[200:])

    fixed = [march(FixedOmega(omega)) for omega in grid]
    assert march(ChebCB(grid, (0, 10), rng=0)) < 1.03 * min(fixed) < 0.9 * np.mean(fixed)


@pytest.mark.parametrize("omega", [2.0, 0.0, -1.0])
def test_what_a_learner_suggests_is_checked(omega):
    with pytest.raises(ValueError, match=r"suggest\(context\) returned"):
        sor(np.eye(2), np.ones(2), omega=FixedOmega(omega))
