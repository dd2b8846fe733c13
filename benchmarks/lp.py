"""Linear programs beside HiGHS, OR-tools PDLP and SCS.

    python benchmarks/lp.py PART [--data DIR] [--rtol 1e-4] [--limit SECONDS] [--no-presolve] [--peers a,b]

PART is "files" (the MPS files of a folder, default ``../shared/lp``), "transport", "pagerank", "infeasible".
Each program runs in its own process (OR-tools and HiGHS cannot be loaded into one), with one thread. Small
problems are solved three times, and the fastest counts. The residuals of all answers are computed by
`numsolve.monotone.kkt`; a peer that returns no reduced costs gets ``c - A.T y`` where a bound allows it. A
problem is solved if they are at most `rtol` within the limit.
"""

import argparse
import multiprocessing
import os
import time
import warnings
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from measure import LoadMeter, describe_load

SHIFT = 0.01  # seconds, of the shifted geometric mean
AGAIN = 0.3  # seconds below which a problem is solved three times
INFEASIBLE = {"bgetam", "ex72a", "forest6", "galenet", "klein1", "vol1"}
PEERS = ("numsolve", "ortools", "highs-simplex", "highs-ipx", "highs-pdlp", "scs")


def programs(part, folder):
    """Return a dictionary of functions that make the programs of a part."""
    from functools import partial

    from numsolve import problems
    from numsolve.monotone import read_mps

    if part in ("files", "infeasible"):
        files = sorted(Path(folder).glob("*.mps.gz"))
        names = {file.name[:-7]: file for file in files}
        chosen = [n for n in names if (n in INFEASIBLE) == (part == "infeasible")]
        return {n: partial(read_mps, names[n]) for n in chosen}
    if part == "transport":
        return {
            f"transport 1000 x 1000, {cost}": partial(
                problems.transport_program, 1000, 1000, cost=cost, rng=0
            )
            for cost in ("random", "squared")
        }
    return {f"PageRank {n}": partial(problems.pagerank_program, n, rng=0) for n in (10_000, 100_000)}


def numsolve(lp, rtol, limit, presolve):
    """Solve by numsolve."""
    from numsolve.monotone import solve_lp

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        r = solve_lp(lp, rtol=rtol, time_limit=limit, presolve=presolve)
    return r.x, r.y, r.s, r.status.name


def ortools(lp, rtol, limit, presolve):
    """Solve by OR-tools PDLP."""
    from ortools.pdlp import solvers_pb2
    from ortools.pdlp.python import pdlp

    q = pdlp.QuadraticProgram()
    q.objective_vector, q.objective_offset = lp.c, lp.offset
    q.constraint_matrix = sp.csc_matrix(lp.A)
    q.constraint_lower_bounds, q.constraint_upper_bounds = lp.rl, lp.ru
    q.variable_lower_bounds, q.variable_upper_bounds = lp.l, lp.u
    options = solvers_pb2.PrimalDualHybridGradientParams()
    criteria = options.termination_criteria.simple_optimality_criteria
    criteria.eps_optimal_relative = criteria.eps_optimal_absolute = rtol
    options.termination_criteria.time_sec_limit = limit
    options.num_threads, options.presolve_options.use_glop = 1, presolve
    r = pdlp.primal_dual_hybrid_gradient(q, options)
    reason = str(r.solve_log.termination_reason)
    return r.primal_solution, r.dual_solution, r.reduced_costs, reason


def highs(lp, rtol, limit, presolve, **options):
    """Solve by HiGHS."""
    import highspy

    h, H, A = highspy.Highs(), highspy.HighsLp(), lp.A.tocsc()
    h.setOptionValue("output_flag", False)
    H.num_col_, H.num_row_, H.offset_ = lp.shape[1], lp.shape[0], lp.offset
    H.col_cost_, H.col_lower_, H.col_upper_, H.row_lower_, H.row_upper_ = lp.c, lp.l, lp.u, lp.rl, lp.ru
    H.a_matrix_.start_, H.a_matrix_.index_, H.a_matrix_.value_ = A.indptr, A.indices, A.data
    options |= {"time_limit": float(limit), "threads": 1, "presolve": "on" if presolve else "off"}
    if options["solver"] == "pdlp":
        options["pdlp_optimality_tolerance"] = rtol
    for name, value in options.items():
        h.setOptionValue(name, value)
    h.passModel(H)
    h.run()
    s = h.getSolution()
    return np.array(s.col_value), np.array(s.row_dual), np.array(s.col_dual), h.getModelStatus().name


def scs(lp, rtol, limit, presolve):  # noqa: ARG001 - SCS has no presolve
    """Solve by SCS, rows and bounds as a cone of boxes and equations."""
    import scs as solver

    m, n = lp.shape
    M = sp.vstack([lp.A, sp.eye_array(n)]).tocsr()
    lower, upper = np.append(lp.rl, lp.l), np.append(lp.ru, lp.u)
    same = lower == upper
    above, below = np.isfinite(upper) & ~same, np.isfinite(lower) & ~same
    A = sp.vstack([M[same], M[above], -M[below]]).tocsc()
    b = np.concatenate([lower[same], upper[above], -lower[below]])
    data = {"A": sp.csc_matrix(A), "b": b, "c": lp.c}
    cone = {"z": int(same.sum()), "l": int(above.sum() + below.sum())}
    r = solver.solve(data, cone, eps_abs=rtol / 10, eps_rel=rtol / 10, time_limit_secs=limit, verbose=False)
    v = np.zeros(m + n)
    first, second = same.sum(), same.sum() + above.sum()
    v[same], v[above] = -r["y"][:first], -r["y"][first:second]
    v[below] += r["y"][second:]
    return r["x"], v[:m], None, r["info"]["status"]


SOLVERS = {
    "numsolve": numsolve,
    "ortools": ortools,
    "highs-simplex": lambda *a: highs(*a, solver="simplex"),
    "highs-ipx": lambda *a: highs(*a, solver="ipm", run_crossover="off"),
    "highs-pdlp": lambda *a: highs(*a, solver="pdlp"),
    "scs": scs,
}


def work(peer, part, folder, rtol, limit, presolve, queue):
    """Solve all programs by one peer, in its own process; put a line for each on the queue."""
    from numsolve.monotone import LP
    from numsolve.monotone._linear_programs._kkt import admissible, kkt

    solve = SOLVERS[peer]
    tiny = LP([1.0, 1.0], [[1.0, 2.0]], 1.0, np.inf)
    solve(tiny, rtol, limit, presolve)  # what is loaded or compiled
    for name, make in programs(part, folder).items():
        lp, best = make(), np.inf
        for _ in range(3):
            begun = time.perf_counter()
            x, y, s, status = solve(lp, rtol, limit, presolve)
            seconds = time.perf_counter() - begun
            best = min(best, seconds)
            if seconds > AGAIN:
                break
        worst = np.inf
        if np.size(x) == lp.shape[1] and np.size(y) == lp.shape[0] and np.isfinite(x).all():
            x, y = np.clip(x, lp.l, lp.u), admissible(np.asarray(y), lp.rl, lp.ru)
            tries = [None] if s is None else [None, admissible(np.asarray(s), lp.l, lp.u)]
            worst = min(kkt(lp, x, y, other).worst for other in tries)
        queue.put((peer, name, best, worst, str(status)))
    queue.put(None)


def main():
    """Run the peers one after the other, and print tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=("files", "transport", "pagerank", "infeasible"))
    parser.add_argument("--data", default=Path(__file__).parents[2] / "shared" / "lp")
    parser.add_argument("--rtol", type=float, default=1e-4)
    parser.add_argument("--limit", type=float, default=1.5)
    parser.add_argument("--no-presolve", action="store_true")
    parser.add_argument("--peers", default="numsolve,ortools")
    options = parser.parse_args()
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"
    meter, found = LoadMeter(), {}
    context = multiprocessing.get_context("spawn")
    for peer in options.peers.split(","):
        queue = context.Queue()
        arguments = (
            peer,
            options.part,
            options.data,
            options.rtol,
            options.limit,
            not options.no_presolve,
            queue,
        )
        process = context.Process(target=work, args=arguments)
        process.start()
        while (line := queue.get()) is not None:
            found[line[0], line[1]] = line[2:]
        process.join()
    show(options, found)
    print(describe_load(meter.cores()))


def show(options, found):
    """Print a line for each program, the counts, and the ratios of numsolve's time to each peer's."""
    peers = options.peers.split(",")
    names = list(dict.fromkeys(name for _, name in found))
    print(f"| program | {' | '.join(peers)} |")
    print("|" + "---|" * (len(peers) + 1))
    for name in names:
        cells = [found[peer, name] for peer in peers]
        print(f"| {name} | {' | '.join(f'{1e3 * t:.1f} ms, {w:.1e}, {s}' for t, w, s in cells)} |")
    solved = {
        peer: {
            n
            for n in names
            if found[peer, n][1] <= options.rtol and found[peer, n][0] <= 1.05 * options.limit
        }
        for peer in peers
    }
    for peer in peers:
        common = solved[peer] & solved["numsolve"]
        times = {p: np.array([found[p, n][0] for n in common]) for p in ("numsolve", peer)}
        ratio = np.exp(np.mean(np.log(times["numsolve"] / times[peer]))) if common else np.nan
        shifted = [np.exp(np.mean(np.log(t + SHIFT))) - SHIFT for t in times.values() if len(t)]
        print(
            f"{peer}: solved {len(solved[peer])} of {len(names)}; numsolve's time over its own, geometric "
            f"mean of {len(common)}: {ratio:.2f}; "
            f"shifted means {', '.join(f'{1e3 * s:.1f} ms' for s in shifted)}"
        )


if __name__ == "__main__":
    main()
