"""Roots of nonlinear systems beside scipy.optimize: ``benchmarks/newton.py [--quick] [--rounds N]``."""

import argparse
from statistics import median

import numpy as np
import scipy.optimize as spo
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from measure import LoadMeter, describe_load, in_turn, ratio

from numsolve import newton, problems

GOAL = 1e-8  # for the largest entry of F


class Counted:
    """A function and its evaluations."""

    def __init__(self, fun):
        self.fun, self.calls = fun, 0

    def __call__(self, x):
        self.calls += 1
        return self.fun(x)


def bratu(side, scaled, rounds):
    """Yield rows for Bratu's problem, Jacobian-free: F as it is, or times h^2.

    Both stop by the largest entry of F. Our `atol` is the largest value, of a few, that reaches it.
    """
    problem = problems.bratu(side)
    unit = 1 / (side + 1) ** 2 if scaled else 1.0
    M = factors(problem.jac(problem.x0) * unit)

    def fun(u):
        return problem.fun(u) * unit

    runs = {
        "SciPy newton_krylov": lambda f: spo.newton_krylov(f, problem.x0, f_tol=GOAL),
        "SciPy newton_krylov, LU": lambda f: spo.newton_krylov(f, problem.x0, f_tol=GOAL, inner_M=M),
    }
    ours = {
        "default": {},
        "minres": {"linear_solver": "minres", "recycle": 6},
        "cg": {"linear_solver": "cg", "recycle": 6},
        "default, LU": {"M": M},
    }
    for name, options in ours.items():
        atol = sufficient(fun, problem.x0, side, options)
        runs[name] = lambda f, atol=atol, options=options: (
            newton.root(f, problem.x0, rtol=0, atol=atol, **options).x
        )
    counts, largest = {}, {}

    def counting(name, run):
        f = Counted(fun)
        x = run(f)
        counts[name], largest[name] = f.calls, abs(fun(x)).max()

    timed = {name: lambda name=name, run=run: counting(name, run) for name, run in runs.items()}
    seconds = in_turn(timed, rounds)
    what = f"Bratu {side}^2{', times h^2' if scaled else ''}"
    for name in ours:
        peer = "SciPy newton_krylov" + (", LU" if "LU" in name else "")
        note = f"evaluations {counts[name]} against {counts[peer]}; max|F| {largest[name]:.1e} and "
        note += f"{largest[peer]:.1e}; {median(seconds[name]):.3f} and {median(seconds[peer]):.3f} s"
        yield f"{what}, {name}, against {peer}", ratio(seconds, peer, name), note


def factors(J):
    """Return the inverse of a matrix as an operator."""
    lu = spla.splu(sp.csc_array(J))
    return spla.LinearOperator(J.shape, lu.solve, dtype=float)


def sufficient(fun, x0, side, options):
    """Return a tolerance for the 2-norm with which the largest entry of F reaches the goal."""
    for factor in (1.0, 0.5, 0.25, 0.1):
        atol = factor * GOAL * side
        if abs(fun(newton.root(fun, x0, rtol=0, atol=atol, **options).x)).max() <= GOAL:
            return atol
    return GOAL


def drift(side, count):
    """Yield evaluations with and without recycling, for implicit Euler steps of u' = Laplace(u) + 6 e^u."""
    problem = problems.bratu(side)
    runs = {
        "GMRES(40)": {"linear_solver": "fgmres", "restart": 40},
        "GMRES(200)": {"linear_solver": "fgmres", "restart": 200},
        "recycled from step to step": {"linear_solver": "gcrodr"},
        "recycled, also to the next time": {"linear_solver": "gcrodr"},
    }
    products = {}
    for name, options in runs.items():
        u, total, space = problem.x0, 0, None
        for k in range(count):
            dt = 0.02 * 1.2**k

            def fun(v, u=u, dt=dt):
                return (v - u) / dt + problem.fun(v)

            more = {"recycle": space} if space is not None and "next" in name else {}
            result = newton.root(fun, u, rtol=1e-8, **options, **more).check()
            u, total, space = result.x, total + result.nfev, result.recycle
        products[name] = total
    for name, total in products.items():
        saved = 1 - total / products["GMRES(200)"]
        yield f"heat with reaction {side}^2, {count} time steps, {name}", total, f"saves {saved:.0%}"


def arguments():
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small problems, one round")
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def main():
    """Print a table."""
    options = arguments()
    side, rounds = (48, 1) if options.quick else (256, options.rounds)
    print("| problem | value | note |\n|---|---|---|")
    load = LoadMeter()
    for scaled in (False, True):
        for name, value, note in bratu(side, scaled, rounds):
            print(f"| {name} | {value:.2f} | {note} |", flush=True)
    for name, value, note in drift(24 if options.quick else 64, 4 if options.quick else 10):
        print(f"| {name} | {value} evaluations | {note} |", flush=True)
    print(describe_load(load.cores()))


if __name__ == "__main__":
    np.seterr(over="ignore")
    main()
