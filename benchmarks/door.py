"""How well `numsolve.solve` chooses: its time against SciPy's solvers, and against each of its own methods.

    python benchmarks/door.py [--quick] [--only WORD]

First bar: on 60 systems, `solve` takes at most twice the time of the fastest of SciPy's spsolve, cg, minres,
bicgstab and gmres with spilu that gives a right answer. Second bar: on 40 symmetric systems, with one and ten
right-hand sides, it takes at most 1.3 times the fastest of its own methods in the median, and twice at worst.
Below 10,000 unknowns it takes at most 5 ms more. All times run from nothing to the result, kernels compiled.
An answer is right if its error is at most 100 times that of `solve`, or 1e-5. Each competitor runs in its own
process and is ended when it takes longer than `solve` by half.
"""

import argparse
import multiprocessing
import os
import time
import warnings
from functools import partial
from statistics import median

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spla
import systems as make
from measure import LoadMeter, describe_load

import numsolve

ROUNDS = 3
LONGER = 1.5  # times the time of `solve` after which a competitor is ended
START = {True: 8.0, False: 3.0}  # seconds in which a competitor starts, if it is ours, and SciPy's
LARGEST_ERROR = 1e-5
TOO_LONG = 20  # seconds of a first run, which may compile, after which it is not repeated

STRANGERS = {  # a factor multiplies the number of points along an axis
    "random sparse": lambda f: make.random_sparse(int(10_000 * f**2), 11),
    "random sparse, weak diagonal": lambda f: make.random_sparse(int(10_000 * f**2), 7, 1, dominance=0.6),
    "irregular": lambda f: make.banded_random(int(20_000 * f**2)),
    "Markov": lambda f: make.markov(int(20_000 * f**2)),
    "Stokes": lambda f: make.stokes(int(110 * f)),
    "Stokes, penalty": lambda f: make.stokes(int(80 * f), 1e-10),
    "Stokes, viscosity": lambda f: make.stokes(int(70 * f), viscosity=1e-2),
    "frame": lambda f: make.frame(int(16 * f)),
    "Maxwell": lambda f: make.maxwell(int(19 * f), 0.4),
    "Maxwell, two waves": lambda f: make.maxwell(int(19 * f), 0.8),
    "eddy currents": lambda f: make.eddy(int(14 * f), 1.0),
    "eddy currents, weak": lambda f: make.eddy(int(12 * f), 0.1),
    "power flow": lambda f: make.power_flow(int(12_000 * f**2)),
    "power flow, small": lambda f: make.power_flow(int(3_000 * f**2), 1),
    "convection 2-D": lambda f: make.convection((int(150 * f),) * 2, 40.0),
    "convection 2-D, strong": lambda f: make.convection((int(120 * f),) * 2, 2000.0),
    "convection 3-D": lambda f: make.convection((int(40 * f),) * 3, 40.0),
    "convection 3-D, central": lambda f: make.convection((int(30 * f),) * 3, 20.0, "central"),
    "Helmholtz 2-D": lambda f: make.helmholtz((int(100 * f),) * 2, 0.05),
    "Helmholtz 3-D": lambda f: make.helmholtz((int(30 * f),) * 3, 0.1),
    "Helmholtz, damped": lambda f: make.helmholtz((int(90 * f),) * 2, 0.1, 0.2),
    "hubs": lambda f: make.hubs(int(20_000 * f**2)),
    "graph": lambda f: make.graph(int(20_000 * f**2), 5, far=0.3),
    "graph, near": lambda f: make.graph(int(40_000 * f**2), 5, shift=0.01),
    "elasticity": lambda f: make.elasticity(int(90 * f)),
    "solid": lambda f: make.solid(int(14 * f)),
    "tetrahedra": lambda f: make.tetrahedra(int(20_000 * f**2)),
    "jumping 3-D": lambda f: make.jumping((int(35 * f),) * 3, 4),
    "plate": lambda f: make.plate(int(60 * f)),
    "triangles": lambda f: make.triangles(int(120 * f)),
}
SYMMETRIC = {
    "Poisson 2-D": lambda f: make.grid((int(100 * f),) * 2),
    "Poisson 3-D": lambda f: make.grid((int(22 * f ** (2 / 3)),) * 3),
    "anisotropic 2-D": lambda f: make.anisotropic((int(100 * f),) * 2, 1e-3),
    "anisotropic 3-D": lambda f: make.anisotropic((int(22 * f ** (2 / 3)),) * 3, 1e-2),
    "jumping 2-D": lambda f: make.jumping((int(100 * f),) * 2, 4),
    "jumping 3-D": lambda f: make.jumping((int(22 * f ** (2 / 3)),) * 3, 4),
    "heat": lambda f: make.heat((int(22 * f ** (2 / 3)),) * 3, 10.0),
    "triangles": lambda f: make.triangles(int(100 * f)),
    "tetrahedra": lambda f: make.tetrahedra(int(14_000 * f**2)),
    "elasticity": lambda f: make.elasticity(int(72 * f)),
    "solid": lambda f: make.solid(int(15 * f ** (2 / 3))),
    "frame": lambda f: make.frame(int(12 * f ** (2 / 3))),
    "graph": lambda f: make.graph(int(10_000 * f**2), 5, far=0.1, shift=0.1),
    "hubs": lambda f: make.hubs(int(10_000 * f**2)),
}
OWN = [("direct", None), *(("cg", M) for M in (None, "jacobi", "ssor", "ic0", "chebyshev", "spai", "amg"))]


def scipys(A, b):
    """Return SciPy's solvers for a system."""
    tolerances = {"rtol": 1e-8, "atol": 0.0}
    hermitian = abs(A - A.conj().T).max() <= 1e-12 * abs(A).max()

    def with_ilu():
        return spla.gmres(
            A, b, M=spla.LinearOperator(A.shape, spla.spilu(A.tocsc()).solve, dtype=A.dtype), **tolerances
        )

    runs = {
        "spsolve": lambda: spla.spsolve(A.tocsc(), b),
        "bicgstab": lambda: spla.bicgstab(A, b, **tolerances)[0],
        "gmres, spilu": lambda: with_ilu()[0],
    }
    if hermitian:
        runs["cg"] = lambda: spla.cg(A, b, **tolerances)[0]
        if A.dtype.kind == "f":
            runs["minres"] = lambda: spla.minres(A, b, rtol=1e-10)[0]
    return runs


def ours(A, b, method="auto", M="auto"):
    """Solve by one of our methods."""
    return numsolve.solve(A, b, method=method, M=M)


def timed(run, x, rounds):
    """Return the least time, the error and the choice of a run, after one that compiles if it is short."""
    warnings.simplefilter("ignore")
    best, error, choice = np.inf, np.inf, ""
    for counted in range(rounds + 1):
        begun = time.perf_counter()
        found = run()
        spent = time.perf_counter() - begun
        best = min(best, spent) if counted or spent > TOO_LONG else best
        if isinstance(found, numsolve.Result):
            choice, found = f"{found.method} {found.preconditioner or ''}".strip(), found.x
        error = np.linalg.norm(found - x) / np.linalg.norm(x)
        if spent > TOO_LONG:
            break
    return best, error, choice


def in_process(run, x, rounds, limit):
    """Return the same from a process of its own, or None if it fails or is ended after `limit` seconds."""
    receiver, sender = multiprocessing.Pipe(duplex=False)

    def work():
        try:
            sender.send(timed(run, x, rounds))
        except Exception:
            sender.send(None)

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    sender.close()
    try:
        return receiver.recv() if receiver.poll(limit) else None
    except EOFError:
        return None
    finally:
        process.kill()
        process.join()


def measure(A, x, competitors, rounds):
    """Return the time, error and choice of `solve`, and the name and time of the fastest competitor."""
    b = A @ x
    found = in_process(partial(ours, A, b), x, rounds, 300)
    if found is None:
        return None
    seconds, error, choice = found
    rounds = rounds if seconds < 0.3 else 1
    best = ("none", np.inf)
    for name, run in competitors(A, b).items():
        limit = (rounds + 1) * LONGER * seconds + START[competitors is our_methods]
        other = in_process(run, x, rounds, limit)
        if other is not None and other[1] <= max(100 * error, LARGEST_ERROR) and other[0] < best[1]:
            best = (name, other[0])
    return seconds, error, choice, best


def our_methods(A, b):
    """Return our own methods for a system."""
    return {f"{method} {M or ''}".strip(): partial(ours, A, b, method, M) for method, M in OWN}


def table(title, problems, competitors, columns, rounds):
    """Measure all problems of a list; print a line for each, and return the ratios by name."""
    print(
        f"\n{title}\n\n| system | n | choice | ms | error | fastest other | ms | ratio |\n" + "|---" * 8 + "|"
    )
    ratios = {}
    for name, build in problems.items():
        A = sp.csr_matrix(build())
        shape = (A.shape[0],) if columns == 1 else (A.shape[0], columns)
        x = np.random.default_rng(0).standard_normal(shape).astype(A.dtype)
        found = measure(A, x, competitors, rounds)
        if found is None:
            print(f"| {name} | {A.shape[0]} | no answer in time |", flush=True)
            ratios[name] = (np.inf, A.shape[0], np.inf)
            continue
        seconds, error, choice, (other, least) = found
        ratios[name] = (seconds / least, A.shape[0], seconds - least)
        cells = [name, A.shape[0], choice, f"{1e3 * seconds:.1f}", f"{error:.0e}", other]
        print(
            "|",
            " | ".join(map(str, [*cells, f"{1e3 * least:.1f}", f"{seconds / least:.2f}"])),
            "|",
            flush=True,
        )
    return ratios


def summary(title, ratios, bars):
    """Print the median, the worst cases, and whether the bars are met."""
    values = sorted(((ratio, name) for name, (ratio, _, _) in ratios.items()), reverse=True)
    print(f"\n{title}: median {median(v for v, _ in values):.2f}, worst", end=" ")
    print(", ".join(f"{name} {value:.2f}" for value, name in values[:4]), end="; ")
    print("; ".join(f"{bar}: {'met' if met else 'NOT met'}" for bar, met in bars.items()))


def scaled(problems, factors):
    """Return the problems in several sizes, by name and factor."""
    return {f"{name} x {f:g}": partial(build, f) for name, build in problems.items() for f in factors}


def main():
    """Measure both bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small systems, one round")
    parser.add_argument("--only", default="", help="systems whose name contains this word")
    options = parser.parse_args()
    meter, rounds = LoadMeter(), 1 if options.quick else ROUNDS
    strangers = scaled(STRANGERS, (0.5,) if options.quick else (0.5, 1.0))
    symmetric = scaled(SYMMETRIC, (1.0,) if options.quick else (1.0, 2.2, 4.5))
    if not options.quick:
        symmetric |= scaled({name: SYMMETRIC[name] for name in ("Poisson 2-D", "Poisson 3-D")}, (10.0,))
    strangers, symmetric = (
        {name: build for name, build in each.items() if options.only in name}
        for each in (strangers, symmetric)
    )
    if strangers:
        found = table("Against SciPy", strangers, scipys, 1, rounds)
        summary("Against SciPy", found, {"at most 2": max(r for r, _, _ in found.values()) <= 2})
    for columns in (1, 10) if symmetric else ():
        title = f"Against our own methods, {columns} right-hand side(s)"
        found = table(title, symmetric, our_methods, columns, rounds)
        large = [ratio for ratio, n, _ in found.values() if n >= 10_000]
        bars = {"5 ms more below 10,000": all(d <= 5e-3 for _, n, d in found.values() if n < 10_000)}
        if large:
            bars |= {"median at most 1.3": median(large) <= 1.3, "worst at most 2": max(large) <= 2}
        summary(title, found, bars)
    print(
        f"\nMeanwhile {describe_load(meter.cores())}; {os.environ.get('NUMBA_NUM_THREADS', 'all')} threads."
    )


if __name__ == "__main__":
    main()
