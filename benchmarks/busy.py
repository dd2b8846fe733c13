"""Compare all threads with one thread, alone and beside programs that keep processors busy.

    python benchmarks/busy.py [--rounds N]

The table has a row for each method: its time on all threads over its time on one thread, medians of runs in
turn, alone and beside one and two programs that never wait. Below 1, threads help. The bar beside others is
1.5. Nothing else should compute meanwhile.
"""

import argparse
import subprocess
import sys
import warnings
from contextlib import contextmanager
from statistics import median

import numba
import numpy as np
from measure import in_turn

import numsolve
from numsolve import krylov, precondition, radial, relaxation, transport
from numsolve.problems import poisson

OTHERS = (0, 1, 2)
THREADS = numba.config.NUMBA_NUM_THREADS


def methods():
    """Return the calls to measure, by name."""
    rng = np.random.default_rng(0)
    plane, space = poisson((150, 150)), poisson((40, 40, 40))
    b, b3, B = np.ones(plane.shape[0]), np.ones(space.shape[0]), rng.standard_normal((plane.shape[0], 8))
    ilu0, amg = precondition.ilu0(plane), precondition.amg(space)
    masses, costs, points = np.full(1000, 1e-3), rng.random((1000, 1000)), rng.standard_normal((2, 1500, 2))
    cloud, weights = transport.PointCloud(*points), np.full(1500, 1 / 1500)
    return {
        "cg, 150^2": lambda: krylov.cg(plane, b, rtol=1e-8),
        "cg, 150^2, 8 columns": lambda: krylov.cg(plane, B, rtol=1e-8),
        "cg with amg, 40^3": lambda: krylov.cg(space, b3, M=amg, rtol=1e-8),
        "minres, 150^2": lambda: krylov.minres(plane, b, rtol=1e-8),
        "gmres with ilu0, 150^2": lambda: krylov.gmres(plane, b, M=ilu0, rtol=1e-8),
        "gcrodr, 150^2": lambda: krylov.gcrodr(plane, b, rtol=1e-6),
        "bicgstab, 150^2": lambda: krylov.bicgstab(plane, b, rtol=1e-8),
        "idrs, 150^2": lambda: krylov.idrs(plane, b, rtol=1e-8),
        "lsqr, 150^2, 200 its": lambda: krylov.lsqr(plane, b, maxiter=200),
        "sor by colours, 150^2": lambda: relaxation.sor(plane, b, omega=1.9, colours="greedy", maxiter=200),
        "set-up of amg, 40^3": lambda: precondition.amg(space),
        "set-up of spai, 40^3": lambda: precondition.spai(space, power=2),
        "solve, 40^3": lambda: numsolve.solve(space, b3),
        "sinkhorn, 1000 x 1000": lambda: transport.sinkhorn(masses, masses, costs, 0.05),
        "sinkhorn, 1500 points": lambda: transport.sinkhorn(weights, weights, cloud, 0.5, maxiter=40),
        "atom(92)": lambda: radial.atom(92),
    }


@contextmanager
def beside(others):
    """Keep so many processors busy."""
    programs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(others)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


def on(threads, call):
    """Return the call on a number of threads."""

    def run():
        numba.set_num_threads(threads)
        try:
            call()
        finally:
            numba.set_num_threads(THREADS)

    return run


def main():
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    warnings.simplefilter("ignore")
    calls = methods()
    rows = {name: [] for name in calls}
    for others in OTHERS:
        with beside(others):
            for name, call in calls.items():
                seconds = in_turn({"all": on(THREADS, call), "one": on(1, call)}, rounds)
                rows[name] += [median(seconds["one"]) * 1e3, median(seconds["all"]) / median(seconds["one"])]
    print("| method | one thread alone, ms | all / one, alone | beside one program | beside two |")
    print("|---|---|---|---|---|")
    for name, row in rows.items():
        print(f"| {name} | {row[0]:.3g} | {row[1]:.2f} | {row[3]:.2f} | {row[5]:.2f} |")


if __name__ == "__main__":
    main()
