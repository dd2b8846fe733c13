"""Minimisation with equality constraints: time on the control problem, and steps on the textbook problems.

Run ``python benchmarks/constrained.py``, or with ``--quick`` for a smaller control problem.
"""

import sys
import warnings
from statistics import median

import numpy as np
from measure import LoadMeter, describe_load, in_turn, ratio
from scipy.sparse import bmat
from scipy.sparse.linalg import splu

from numsolve import newton, problems

BAR = 3.0  # times the time of one factorisation of the KKT matrix


def solve(problem, **options):
    """Solve a problem."""
    constraints = (problem.constraints, problem.jac, problem.constraint_hess)
    return newton.minimize_constrained(
        problem.fun, problem.x0, constraints, grad=problem.grad, hess=problem.hess, **options
    )


def control(side, rounds):
    """Print the time of the control problem over that of one factorisation, for two orders of elimination."""
    problem = problems.pde_control(side)
    J, found = problem.jac(problem.x0), solve(problem).check()
    K = bmat([[problem.hess(problem.x0), J.T], [J, None]], format="csc")
    symmetric = {"permc_spec": "MMD_AT_PLUS_A", "diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}
    runs = {
        "numsolve": lambda: solve(problem),
        "splu": lambda: splu(K),
        "splu, symmetric order": lambda: splu(K, **symmetric),
    }
    seconds = in_turn(runs, rounds)
    error = np.linalg.norm(found.x - problem.solution) / np.linalg.norm(problem.solution)
    print(f"control problem, {K.shape[0]} unknowns: {found.nit} step, relative error {error:.1e}")
    for name in runs:
        share = 1 / ratio(seconds, name)
        print(f"  {name}: {median(seconds[name]):.3f} s; ours over it {share:.2f} (bar {BAR})")


def textbook():
    """Print the steps and the residuals on the textbook problems."""
    for name in problems.constrained_problem_names():
        problem = problems.constrained_problem(name)
        cells = []
        for solver in ("direct", "minres"):
            found = solve(problem, linear_solver=solver, rtol=0, atol=1e-8)
            cells.append(f"{solver}: {found.nit:3d} steps, {found.kkt_residual:.0e}, {found.status.name}")
        print(f"{name:10s} {'; '.join(cells)}")


if __name__ == "__main__":
    quick = "--quick" in sys.argv
    warnings.simplefilter("ignore")
    meter = LoadMeter()
    control(*((32, 3) if quick else (128, 7)))
    textbook()
    print(describe_load(meter.cores()))
