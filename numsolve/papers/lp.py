"""Generated linear programs: iterations to four and eight digits, and the simplex method beside them."""

import numpy as np
from scipy.optimize import linprog

from .._result import inner_solve
from ..monotone import solve_lp
from ..problems import assignment_program, pagerank_program, transport_program
from . import Claim

TITLE = "Relative residuals of transport, assignment and PageRank programs"
REFERENCE = (
    "H. Lu, Z. Peng, J. Yang, cuPDLPx: a further enhanced GPU-based first-order solver for linear "
    "programming, 2025, doi:10.48550/arXiv.2507.14051"
)
FIGURE = 2
TRANSPORT, SQUARED, ASSIGNMENT, PAGERANK = "transport", "transport, squared", "assignment", "PageRank"
KINDS = (TRANSPORT, SQUARED, ASSIGNMENT, PAGERANK)
LOW, HIGH = 1e-4, 1e-8


def settings(full):
    """Return the sizes of the programs: of each side, or the nodes of the graph over 40."""
    return {"sizes": (20, 40, 80, 160, 320) if full else (20, 40, 80), "maxiter": 1_000_000}


def run(settings, progress):
    """Solve each program to eight digits; the rows of the largest ones have the history."""
    rows = []
    for size in progress(settings["sizes"]):
        for kind in KINDS:
            lp = program(kind, size)
            with inner_solve():
                low = solve_lp(lp, rtol=LOW, maxiter=settings["maxiter"])
                high = solve_lp(lp, rtol=HIGH, maxiter=settings["maxiter"])
            base = {"kind": kind, "size": size, "variables": lp.shape[1], "exact": simplex(lp)}
            for rtol, result in ((LOW, low), (HIGH, high)):
                rows.append(
                    base
                    | {
                        "rtol": rtol,
                        "iterations": result.nit,
                        "worst": result.kkt.worst,
                        "objective": result.objective,
                        "solved": bool(result.success),
                        "history": " ".join(f"{r:.3e}" for r in thinned(result.residuals)),
                    }
                )
    return rows


def program(kind, size):
    """Return a program of a kind."""
    if kind == ASSIGNMENT:
        return assignment_program(size, rng=0)
    if kind == PAGERANK:
        return pagerank_program(40 * size, rng=0)
    return transport_program(size, size, cost="random" if kind == TRANSPORT else "squared", rng=0)


def simplex(lp):
    """Return the optimal objective by HiGHS; 0 for PageRank, whose objective is zero."""
    if not lp.c.any():
        return 0.0
    return float(linprog(lp.c, A_eq=lp.A, b_eq=lp.rl, method="highs-ds").fun)


def thinned(residuals):
    """Return about 60 entries of a history."""
    return residuals[np.unique(np.linspace(0, len(residuals) - 1, 60).astype(int))]


def plot(rows, axes):
    """Draw the histories of the largest programs, and the iterations against the size."""
    largest = max(row["size"] for row in rows)
    for i, kind in enumerate(KINDS):
        row = next(r for r in rows if (r["kind"], r["size"], r["rtol"]) == (kind, largest, HIGH))
        history = np.array([float(v) for v in row["history"].split()])
        axes[0].semilogy(np.linspace(0, row["iterations"], len(history)), history, color=f"C{i}", label=kind)
        for rtol, style in ((LOW, "o-"), (HIGH, "s--")):
            chosen = [r for r in rows if (r["kind"], r["rtol"]) == (kind, rtol)]
            sizes, counts = ([r[key] for r in chosen] for key in ("variables", "iterations"))
            axes[1].loglog(sizes, counts, style, color=f"C{i}", label=kind if rtol == LOW else None)
    axes[0].set(xlabel="iterations", ylabel="largest relative residual", title=f"size {largest}")
    axes[0].set_xscale("symlog", linthresh=64)
    axes[1].set(xlabel="variables", ylabel="iterations", title="to 1e-4 (solid) and 1e-8 (dashed)")
    axes[1].xaxis.set_minor_formatter(lambda *_: "")
    for ax in axes:
        ax.grid(True, which="major", alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].legend(frameon=False, fontsize=8)


def claims(rows):
    """Check what is claimed of the answers."""
    errors = {
        rtol: max(abs(r["objective"] - r["exact"]) / (1 + abs(r["exact"])) for r in rows if r["rtol"] == rtol)
        for rtol in (LOW, HIGH)
    }
    solved = {rtol: sum(r["solved"] for r in rows if r["rtol"] == rtol) for rtol in (LOW, HIGH)}
    count = len(rows) // 2
    more = [
        b["iterations"] / a["iterations"]
        for a, b in zip(rows[::2], rows[1::2], strict=True)
        if a["kind"] in (TRANSPORT, ASSIGNMENT)
    ]
    return [
        Claim(
            "All programs are solved to four and to eight digits",
            f"{count} and {count}",
            f"{solved[LOW]} and {solved[HIGH]}",
            solved[LOW] == solved[HIGH] == count,
        ),
        Claim(
            "The reported residuals meet the tolerance in the original space",
            "always",
            f"largest {max(r['worst'] / r['rtol'] for r in rows if r['solved']):.2f} of the tolerance",
            all(r["worst"] <= r["rtol"] for r in rows if r["solved"]),
        ),
        Claim(
            "The objective agrees with the simplex method",
            "to the tolerance",
            f"largest differences {errors[LOW]:.1e} and {errors[HIGH]:.1e}, over one plus the value",
            errors[LOW] <= 20 * LOW and errors[HIGH] <= 20 * HIGH,
        ),
        Claim(
            "Restarts make it linear: eight digits take a few times the iterations of four",
            "linear convergence",
            f"{np.median(more):.1f} times in the median (transport, assignment)",
            float(np.median(more)) < 20,
        ),
    ]
