"""Measure every bar of the project in one run and print the table of docs/benchmarks.md.

    python benchmarks/bars.py [--rounds N] [--only WORD]

Competitors run in turn within each round, so that drift of a shared machine hits all alike; the first round
compiles and is not counted. A ratio is the median over rounds of peer's time over ours. Nothing else should
compute meanwhile: the last line says how busy the machine was.
"""

import argparse
import os
import platform
import subprocess
import sys
import warnings
from datetime import date
from functools import partial
from statistics import median

import numba
import numpy as np
import pyamg
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from learners import learners
from measure import LoadMeter, describe_load, floor_row, in_turn, iterations, ratio
from recycling import deflation, recycling
from relaxation import relaxation
from transport import transport

from numsolve import krylov, radial
from numsolve._operators import sliced
from numsolve._operators.operator import Csr
from numsolve.cli import bandwidth
from numsolve.kernels import kernels_for
from numsolve.precondition import amg, ilu0
from numsolve.precondition._gauss_seidel import RowSweeps
from numsolve.problems import convection_diffusion, irregular, poisson

THREADS = numba.config.NUMBA_NUM_THREADS
PYAMG_LIMIT = 200  # iterations of its multigrid


def threads(count):
    """Set the number of threads of our kernels."""
    numba.set_num_threads(count)


def spmv(rounds):
    """Products with a matrix in CSR against SciPy's, with one thread and with all."""
    problems = {
        "2-D 1000^2": poisson((1000, 1000)),
        "3-D 100^3": poisson((100, 100, 100)),
        "irregular": irregular(1_000_000, rng=0),
    }
    for name, A in problems.items():
        A.indices, A.indptr = A.indices.astype(np.int32), A.indptr.astype(np.int32)
        C, x = Csr(A), np.random.default_rng(0).standard_normal(A.shape[0])
        y = np.empty_like(x)
        csr = C.indptr, C.indices, C.data  # not C.apply, which leaves CSR for sliced diagonals in time
        runs = {
            "numsolve": lambda csr=csr, x=x, y=y: kernels_for(y).spmv(*csr, x, y),
            "SciPy": lambda A=A, x=x: A @ x,
        }
        for count, bar in ((1, 0.95), (THREADS, 1.8)):
            threads(count)
            seconds = in_turn(runs, 4 * rounds)
            rate = (12 * A.nnz + 20 * A.shape[0]) / median(seconds["numsolve"]) / 1e9
            yield (
                f"SpMV {name}, {count} thread(s), against SciPy",
                ratio(seconds, "SciPy"),
                bar,
                f"{rate:.1f} GB/s",
            )
    threads(THREADS)


def formats(rounds):
    """Sliced diagonals against CSR: one product, and 100 iterations of CG including the conversion."""
    stencil = -np.ones((3, 3, 3))
    stencil[1, 1, 1] = 26
    problems = {
        "2-D 1000^2": poisson((1000, 1000)),
        "3-D 100^3": poisson((100, 100, 100)),
        "27 points, 70^3": pyamg.gallery.stencil_grid(stencil, (70, 70, 70), format="csr"),
        "3-D 100^3, float32": poisson((100, 100, 100)).astype(np.float32),
        "3-D 40^3": poisson((40, 40, 40)),
    }
    for name, A in problems.items():
        for count in (1, THREADS):
            threads(count)
            yield from _format_rows(f"sliced diagonals {name}, {count} thread(s)", A, rounds)
    threads(THREADS)


def _format_rows(title, A, rounds):
    """Yield the rows for one matrix and one number of threads."""
    C, x = Csr(A), np.random.default_rng(0).standard_normal(A.shape[0]).astype(A.dtype)
    y, kernels, csr = np.empty_like(x), kernels_for(x), (C.indptr, C.indices, C.data)
    converted = sliced.convert(*csr)
    products = {
        "CSR": lambda: kernels.spmv_dot(*csr, x, y),
        "numsolve": lambda: kernels.sliced_spmv_dot(*converted, x, y),
    }
    solves = {"CSR": lambda: _solve(A, x, False), "numsolve": lambda: _solve(A, x, True)}
    convert = in_turn({"convert": lambda: sliced.convert(*csr)}, rounds)["convert"]
    seconds = in_turn(products, 4 * rounds)
    note = f"conversion: {median(convert) / median(seconds['CSR']):.1f} products in CSR"
    yield f"{title}, product against CSR", ratio(seconds, "CSR"), None, note
    bar = None if A.nnz < 10**6 else 1.1
    yield f"{title}, CG of 100 its against CSR", ratio(in_turn(solves, rounds), "CSR"), bar, ""


def _solve(A, b, convert):
    """Take 100 iterations of CG, with or without the conversion to sliced diagonals."""
    before = sliced.CONVERT_AFTER
    sliced.CONVERT_AFTER = before if convert else 0
    krylov.cg(A, b, rtol=1e-30, maxiter=100)
    sliced.CONVERT_AFTER = before


def petsc(A, b, kind, restart=None):
    """Return a function that takes a number of iterations of PETSc's solver, or None without PETSc."""
    try:
        from petsc4py import PETSc
    except ImportError:
        return None
    matrix = PETSc.Mat().createAIJ(A.shape, csr=(A.indptr, A.indices, A.data))
    solver = PETSc.KSP().create()
    solver.setOperators(matrix)
    solver.setType(kind)
    solver.getPC().setType("none")
    if restart:
        solver.setGMRESRestart(restart)
    right, x = PETSc.Vec().createWithArray(b), matrix.createVecRight()

    def run(iterations):
        solver.setTolerances(rtol=1e-30, atol=0, max_it=iterations)
        solver.solve(right, x)

    return run


def cg(rounds):
    """CG on 100^3 Poisson to 1e-8, per iteration, against SciPy, PyAMG, PETSc and the byte floor."""
    A = poisson((100, 100, 100))
    b = np.random.default_rng(0).standard_normal(A.shape[0])
    steps = krylov.cg(A, b, rtol=1e-8).check().nit
    runs = {
        "numsolve": lambda: krylov.cg(A, b, rtol=1e-8),
        "SciPy": lambda: spla.cg(A, b, rtol=1e-8),
        "PyAMG": lambda: pyamg.krylov.cg(A, b, tol=1e-8, maxiter=steps),
    }
    other = petsc(A, b, "cg")
    if other:
        runs["PETSc"] = lambda: other(steps)
    speeds = []
    runs["triad"] = lambda: speeds.append(bandwidth())
    seconds = in_turn(runs, rounds)
    for peer in list(runs)[1:-1]:
        yield (
            f"CG 100^3 to 1e-8 ({steps} its), against {peer}",
            ratio(seconds, peer),
            2.2 if peer != "PETSc" else 1.9,
            "",
        )
    yield floor_row("CG 100^3", seconds, steps, 12 * A.nnz + 92 * A.shape[0], speeds[1:], 0.8)


def gmres(rounds):
    """GMRES(30) on 100^3 Poisson, 300 iterations, against SciPy and the byte floor."""
    A = poisson((100, 100, 100))
    b = np.random.default_rng(0).standard_normal(A.shape[0])
    runs = {
        "numsolve": lambda: krylov.gmres(A, b, rtol=1e-30, maxiter=300),
        "SciPy": lambda: spla.gmres(A, b, rtol=1e-30, restart=30, maxiter=10),
    }
    other = petsc(A, b, "gmres", 30)
    if other:
        runs["PETSc"] = lambda: other(300)
    speeds = []
    runs["triad"] = lambda: speeds.append(bandwidth())
    seconds = in_turn(runs, rounds)
    for peer in list(runs)[1:-1]:
        yield (
            f"GMRES(30) 100^3, 300 its, against {peer}",
            ratio(seconds, peer),
            2.0 if peer == "SciPy" else None,
            "",
        )
    for passes, bar in ((2, 0.8), (1, None)):  # over the basis an iteration: of single steps, and of ours
        moved = 12 * A.nnz + 44 * A.shape[0] + passes * 8 * A.shape[0] * 31 / 2
        name = f"GMRES(30) 100^3, basis read {'twice' if passes == 2 else 'once'} an iteration"
        yield floor_row(name, seconds, 300, moved, speeds[1:], bar)


def columns(rounds):
    """CG for eight right-hand sides at once against eight solves, to 1e-8."""
    for name, A in {"100^3": poisson((100, 100, 100)), "irregular": irregular(500_000, rng=0)}.items():
        A = A if name == "100^3" else sp.csr_matrix(A @ A.T + sp.eye_array(A.shape[0]))
        B = np.random.default_rng(0).standard_normal((A.shape[0], 8))
        found = {}

        def together(A=A, B=B, found=found):
            found["block"] = krylov.cg(A, B, rtol=1e-8).check().nit

        def apart(A=A, B=B, found=found):
            found["one"] = max(krylov.cg(A, b.copy(), rtol=1e-8).check().nit for b in B.T)

        seconds = in_turn({"numsolve": together, "eight": apart}, max(2, rounds // 2))
        note = f"{found['block']} block iterations, {found['one']} of the slowest column alone"
        yield f"CG {name}, 8 columns, against eight solves", ratio(seconds, "eight"), 2.5, note


def gmres_columns(rounds):
    """GMRES for eight right-hand sides at once against eight solves, to 1e-8."""
    R = irregular(500_000, rng=0)
    R = sp.diags_array(0.95 / abs(R).sum(axis=1)) @ R
    problems = {
        "100^3": (convection_diffusion((100, 100, 100), (20.0, 5.0, 5.0)), 50),
        "irregular": (sp.csr_matrix(sp.eye_array(R.shape[0]) - R), 30),
    }
    for name, (A, restart) in problems.items():
        B = np.random.default_rng(0).standard_normal((A.shape[0], 8))
        solve = partial(krylov.block_gmres, A, rtol=1e-8, restart=restart)
        found = {}

        def together(B=B, solve=solve, found=found):
            found["block"] = solve(B).check().nit

        def apart(B=B, solve=solve, found=found):
            found["one"] = max(solve(b.copy()).check().nit for b in B.T)

        seconds = in_turn({"numsolve": together, "eight": apart}, max(2, rounds // 2))
        note = f"{found['block']} block iterations, {found['one']} of the slowest column alone"
        title = f"GMRES({restart}) {name}, 8 columns, against eight solves"
        yield title, ratio(seconds, "eight"), 1.2 if name == "irregular" else 1.0, note


def multigrid(rounds):
    """AMG-CG on one hierarchy to the same residual, with the default and the same smoothers; and updates."""
    stencil = pyamg.gallery.diffusion_stencil_2d(epsilon=0.01, theta=np.pi / 6)
    problems = {
        "64^3": poisson((64, 64, 64)),
        "anisotropic 400^2": pyamg.gallery.stencil_grid(stencil, (400, 400), format="csr"),
    }
    smoothers = {
        "jacobi": ("jacobi", {"omega": 4 / 3}),
        "gauss_seidel": (("gauss_seidel", {"sweep": "forward"}), ("gauss_seidel", {"sweep": "backward"})),
    }
    for name, A in problems.items():
        A = sp.csr_matrix(A)
        b = np.random.default_rng(0).standard_normal(A.shape[0])
        hierarchy = pyamg.smoothed_aggregation_solver(A)
        for smoother in ("default", *smoothers):
            M = amg(A, method=hierarchy, **({} if smoother == "default" else {"smoother": smoother}))
            if smoother != "default":
                both = smoothers[smoother]
                pair = (both, both) if isinstance(both[0], str) else both
                pyamg.relaxation.smoothing.change_smoothers(hierarchy, *pair)
            norms = []
            hierarchy.solve(b, tol=1e-8, maxiter=PYAMG_LIMIT, accel="cg", residuals=norms)
            theirs = iterations(len(norms) - 1, len(norms) - 1 < PYAMG_LIMIT)
            runs = {
                "numsolve": partial(krylov.cg, A, b, M=M, rtol=1e-8),
                "PyAMG": partial(hierarchy.solve, b, tol=1e-8, maxiter=PYAMG_LIMIT, accel="cg"),
            }
            yield (
                f"AMG-CG {name} to 1e-8, solve phase, {smoother} smoother, against PyAMG",
                ratio(in_turn(runs, rounds), "PyAMG"),
                2,
                f"{runs['numsolve']().check().nit} its, PyAMG {theirs}",
            )
        M = amg(A)
        seconds = in_turn({"numsolve": partial(M.update, A), "set-up": partial(amg, A)}, rounds)
        note = f"{median(seconds['numsolve']) * 1e3:.0f} ms"
        yield f"AMG {name}, M.update(A), against a set-up", ratio(seconds, "set-up"), 2, note


def incomplete(rounds):
    """Applying ILU(0), against SuperLU's incomplete factors of similar size; Gauss-Seidel sweeps."""
    problems = {
        "2-D 1000^2": poisson((1000, 1000)),
        "2-D 300^2": poisson((300, 300)),
        "3-D 64^3": poisson((64, 64, 64)),
        "irregular": irregular(20_000, mean_entries=5, rng=0),
    }
    for name, A in problems.items():
        A = sp.csr_matrix(A)
        b = np.random.default_rng(0).standard_normal(A.shape[0])
        M, out, n = ilu0(A), np.empty_like(b), A.shape[0]
        peer = spla.spilu(A.tocsc(), drop_tol=1e-2, fill_factor=1.2)
        fill = (peer.L.nnz + peer.U.nnz - n) / A.nnz
        seconds = in_turn({"numsolve": partial(M.apply, b, out), "SciPy": partial(peer.solve, b)}, 4 * rounds)
        yield (
            f"ILU(0) {name} applied, per entry, against SciPy's spilu",
            ratio(seconds, "SciPy") / fill,
            1.5,
            f"{median(seconds['numsolve']) * 1e3:.2f} ms; spilu holds {fill:.2f} times the entries",
        )
        sweeps, x, y = RowSweeps(A), np.zeros(n), np.zeros(n)
        for direction in ("forward", "backward"):
            runs = {
                "numsolve": partial(getattr(sweeps, direction), b, x),
                "PyAMG": partial(pyamg.relaxation.relaxation.gauss_seidel, A, y, b, sweep=direction),
            }
            yield (
                f"Gauss-Seidel {name}, {direction}, against PyAMG",
                ratio(in_turn(runs, 4 * rounds), "PyAMG"),
                1,
                "",
            )


def levels(rounds):
    """Triangular solves by levels on all threads, against solves row by row."""
    grid = poisson((100, 100, 100))
    black = np.argsort(np.indices((100, 100, 100)).sum(axis=0).ravel() % 2, kind="stable")
    for name, A, bar in (
        ("every neighbour far", irregular(400_000, mean_entries=5, far=1.0, rng=0), 1.3),
        ("3-D 100^3, red before black", sp.csr_array(grid[black][:, black]), 1.3),
        ("3-D 100^3, natural: not chosen", grid, None),
    ):
        b = np.random.default_rng(0).standard_normal(A.shape[0])
        M = {solves: ilu0(A, solves=solves) for solves in ("levels", "exact")}
        out = np.empty_like(b)
        runs = {solves: partial(operator.apply, b, out) for solves, operator in M.items()}
        seconds = in_turn(runs, 4 * rounds)
        count = len(M["levels"].rows.bounds) - 1
        gain = median(seconds["exact"]) / median(seconds["levels"])
        yield f"ILU(0) {name}, by {count} levels against row by row", gain, bar, f"takes {ilu0(A).solves}"


def radial_atoms(rounds):
    """Times of atoms on one thread; the notes compare them with featom and dftatom on another machine."""
    threads(1)
    published = {  # ms: featom, dftatom, to 1e-8
        "uranium, LDA": (20.8, 779),
        "92 atoms, LDA": (1860, 14100),
        "uranium, RLDA": (3966, 901),
        "92 atoms, RLDA": (142e3, 24.9e3),
    }
    runs = {
        "uranium, LDA": partial(radial.atom, 92),
        "92 atoms, LDA": partial(radial.atoms, range(1, 93)),
        "uranium, RLDA": partial(radial.atom, 92, relativistic=True),
        "92 atoms, RLDA": partial(radial.atoms, range(1, 93), relativistic=True),
        "hydrogenic": partial(radial.schroedinger, lambda r: -92 / r, l=range(7), states=7),
        "Dirac": partial(radial.dirac, lambda r: -92 / r, kappa=(*range(-7, 0), *range(1, 7)), states=4),
    }
    often = {"92 atoms, RLDA": 2}  # which take seconds; the others milliseconds
    seconds = {name: in_turn({name: run}, often.get(name, 10) * rounds)[name] for name, run in runs.items()}
    bars = {"uranium, LDA": -5, "92 atoms, LDA": -400, "uranium, RLDA": -100, "92 atoms, RLDA": -4000}
    for name, bar in bars.items():
        each, (featom, dftatom) = 1e3 * median(seconds[name]), published[name]
        note = (
            f"featom {featom} ms, {featom / each:.1f} times; dftatom {dftatom} ms, {dftatom / each:.0f} times"
        )
        yield f"radial, {name} to 1e-8, one thread, ms", each, bar, note
    for name, others in (("92 atoms, LDA", "featom: 4"), ("92 atoms, RLDA", "")):
        yield f"radial, {name}, failures", sum(not atom.success for atom in runs[name]()), -0.5, others
    for name, what in (("hydrogenic", "Schroedinger, 49 states"), ("Dirac", "Dirac, 52 states")):
        each = 1e3 * median(seconds[name])
        yield f"radial, {what} of Z = 92 to 1e-10, mesh found, one thread, ms", each, None, ""
    threads(THREADS)


def start_up(rounds):
    """Times of the import, and of the first solve of a process with cached kernels."""
    import_only = [sys.executable, "-c", "import numsolve"]
    nothing = [sys.executable, "-c", "pass"]
    solve = (
        "from time import perf_counter; t = perf_counter(); import numpy as np, scipy.sparse as sp, numsolve;"
        "n = 10000; e = np.ones(n - 1); d = 2.1 * np.ones(n);"
        "A = sp.diags_array([-e, d, -e], offsets=[-1, 0, 1]).tocsr();"
        "numsolve.solve(A, np.ones(n), method='{}').check(); print(perf_counter() - t)"
    )
    seconds = in_turn(
        {"numsolve": lambda: subprocess.run(import_only), "bare": lambda: subprocess.run(nothing)}, rounds
    )
    extra = median(a - b for a, b in zip(seconds["numsolve"], seconds["bare"], strict=True))
    yield "import numsolve, seconds", extra, -0.15, ""
    for method in ("direct", "cg"):
        command = [sys.executable, "-c", solve.format(method)]
        waits = [float(subprocess.check_output(command, text=True)) for _ in range(rounds + 1)][1:]
        yield f"first solve of a process ({method}), imports included, seconds", median(waits), -1.0, ""


GROUPS = (
    spmv,
    formats,
    cg,
    gmres,
    columns,
    gmres_columns,
    multigrid,
    incomplete,
    levels,
    relaxation,
    deflation,
    recycling,
    radial_atoms,
    learners,
    transport,
    start_up,
)


def main():
    """Run the groups and print one row a bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", str(THREADS))
    print(f"{date.today()}, {_processor()}, {THREADS} threads, Python {platform.python_version()}, ", end="")
    print(f"NumPy {np.__version__}, Numba {numba.__version__}, triad {bandwidth():.1f} GB/s\n")
    print("| bar | measured | must reach | met | note |\n|---|---|---|---|---|")
    meter = LoadMeter()
    for group in GROUPS:
        if options.only in group.__name__:
            for name, value, bar, note in group(options.rounds):
                goal = "" if bar is None else f"<= {-bar:g}" if bar < 0 else f">= {bar:g}"
                met = "" if bar is None else "yes" if (value <= -bar if bar < 0 else value >= bar) else "NO"
                print(f"| {name} | {value:.3g} | {goal} | {met} | {note} |", flush=True)
    print(f"\nMeanwhile {describe_load(meter.cores())}.")


def _processor():
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
