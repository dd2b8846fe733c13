"""pytest-benchmark tables, one group a problem: ``pytest benchmarks --benchmark-group-by=group``."""

from functools import partial

import numpy as np
import pyamg
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from bars import petsc

from numsolve import krylov
from numsolve._operators.operator import Csr
from numsolve.precondition import amg
from numsolve.problems import irregular, poisson

PROBLEMS = {
    "2-D Poisson 500^2": lambda: poisson((500, 500)),
    "3-D Poisson 60^3": lambda: poisson((60, 60, 60)),
    "irregular 200k": lambda: irregular(200_000, rng=0),
}
STEPS = 60
pytestmark = pytest.mark.filterwarnings("ignore")


def right_side(A):
    """Return a fixed random right-hand side."""
    return np.random.default_rng(0).standard_normal(A.shape[0])


@pytest.mark.parametrize("problem", PROBLEMS)
def test_spmv(benchmark, problem, peer):
    A = PROBLEMS[problem]()
    x = right_side(A)
    benchmark.group = f"SpMV, {problem}"
    # The 25 products of the warm-up convert the format.
    options = {"rounds": 20, "iterations": 5, "warmup_rounds": 5}
    if peer == "numsolve":
        C, y = Csr(A), np.empty_like(x)
        benchmark.pedantic(C.apply, (x, y), **options)
    elif peer == "SciPy":
        benchmark.pedantic(lambda: A @ x, **options)
    else:
        pytest.skip("multiplies as SciPy does")


@pytest.mark.parametrize("problem", list(PROBLEMS)[:2])
def test_cg(benchmark, problem, peer):
    A = PROBLEMS[problem]()
    b = right_side(A)
    benchmark.group = f"CG, {STEPS} iterations, {problem}"
    runs = {
        "numsolve": lambda: krylov.cg(A, b, rtol=1e-30, maxiter=STEPS),
        "SciPy": lambda: spla.cg(A, b, rtol=1e-30, maxiter=STEPS),
        "PyAMG": lambda: pyamg.krylov.cg(A, b, tol=1e-30, maxiter=STEPS),
        "PETSc": partial(petsc(A, b, "cg") or print, STEPS),
    }
    benchmark.pedantic(runs[peer], rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_gmres(benchmark, problem, peer):
    A = PROBLEMS[problem]()
    b = right_side(A)
    benchmark.group = f"GMRES(30), {STEPS} iterations, {problem}"
    runs = {
        "numsolve": lambda: krylov.gmres(A, b, rtol=1e-30, maxiter=STEPS),
        "SciPy": lambda: spla.gmres(A, b, rtol=1e-30, restart=30, maxiter=STEPS // 30),
        "PyAMG": lambda: pyamg.krylov.gmres(A, b, tol=1e-30, restart=30, maxiter=STEPS // 30),
        "PETSc": partial(petsc(A, b, "gmres", 30) or print, STEPS),
    }
    benchmark.pedantic(runs[peer], rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("problem", list(PROBLEMS)[:2])
def test_multigrid(benchmark, problem, peer):
    A = sp.csr_matrix(PROBLEMS[problem]())
    b = right_side(A)
    benchmark.group = f"AMG-CG to 1e-8, solve phase, {problem}"
    hierarchy = pyamg.smoothed_aggregation_solver(A)
    M = amg(A, method=hierarchy)
    runs = {
        "numsolve": lambda: krylov.cg(A, b, M=M, rtol=1e-8),
        "PyAMG": lambda: hierarchy.solve(b, tol=1e-8, accel="cg"),
    }
    if peer not in runs:
        pytest.skip("has no multigrid in this comparison")
    benchmark.pedantic(runs[peer], rounds=5, warmup_rounds=1)
