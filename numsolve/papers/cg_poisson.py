"""Conjugate gradients against the size of the grid: without preconditioner, with Jacobi, with multigrid."""

from functools import partial

import numpy as np

from .. import krylov, precondition
from .._random import standard_normal
from ..problems import diffusion, poisson
from . import Claim, _timing

TITLE = "Iterations and time of CG, Jacobi-CG and AMG-CG against the number of unknowns"
REFERENCE = (
    "Y. Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., SIAM 2003, doi:10.1137/1.9780898718003"
)
FIGURE = 3
TIMED = ("",)
PRECONDITIONERS = {"CG": None, "Jacobi-CG": precondition.jacobi, "AMG-CG": precondition.amg}
STYLE = {"CG": "o-", "Jacobi-CG": "s--", "AMG-CG": "^-"}


def settings(full):
    """Return grid sizes, tolerance and the contrast of the variable coefficient."""
    sides = (32, 64, 128, 256, 512, 1024) if full else (32, 64, 128, 256)
    return {"sides": sides, "rtol": 1e-8, "contrast": 1e4}


def run(settings, progress):
    """Solve both problems on every grid with every preconditioner."""
    rows = []
    for side in progress(settings["sides"]):
        for problem, A in (("Poisson", poisson((side, side))), ("rough", rough(side, settings["contrast"]))):
            b = standard_normal(side, A.shape[0])
            for name, make in PRECONDITIONERS.items():
                solve = partial(_solve, A, b, make, settings["rtol"])
                result, set_up, solved = _timing.second_call(solve)
                rows.append(
                    {
                        "problem": problem,
                        "n": A.shape[0],
                        "method": name,
                        "iterations": result.nit,
                        "set-up (s)": set_up,
                        "solve (s)": solved,
                        "relative residual": result.residuals[-1] / result.residuals[0],
                    }
                )
    return rows


def _solve(A, b, make, rtol):
    """Return the result, and the seconds of the preconditioner's set-up and of the solve."""
    begun = _timing.clock()
    M = make(A) if make else None
    ready = _timing.clock()
    result = krylov.cg(A, b, M=M, rtol=rtol).check()
    return result, ready - begun, _timing.clock() - ready


def rough(side, contrast):
    """Return a diffusion matrix whose coefficient varies smoothly by a factor `contrast`."""
    x, y = np.meshgrid(*2 * [(np.arange(side) + 0.5) / side], indexing="ij")
    return diffusion(contrast ** (0.5 * np.sin(5 * x + 2) * np.cos(7 * y)))


def plot(rows, axes):
    """Draw iterations for both problems, and time for the first."""
    panels = (("Poisson", "iterations"), ("rough", "iterations"), ("Poisson", "time"))
    for ax, (problem, quantity) in zip(axes, panels, strict=True):
        for name, style in STYLE.items():
            n, y = series(rows, problem, name, quantity)
            ax.loglog(n, y, style, label=name, markersize=5, alpha=0.9)
        if quantity == "iterations":
            n, y = series(rows, problem, "CG", quantity)
            guide = 1.6 * y[0] * np.sqrt(n / n[0])
            ax.loglog(n, guide, ":", color="0.5", label=r"$n^{1/2}$")
        title = {"Poisson": "Poisson, 2-D", "rough": "rough coefficient, 2-D"}[problem]
        ax.set(
            title=title,
            xlabel="unknowns $n$",
            ylabel="time incl. set-up (s)" if quantity == "time" else quantity,
        )
        ax.grid(True, which="major", alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
        if problem == "Poisson":  # the panel between has the same curves, and no room
            ax.legend(frameon=False)


def series(rows, problem, method, quantity):
    """Return n and a quantity of one curve."""
    picked = [r for r in rows if r["problem"] == problem and r["method"] == method]
    n = np.array([r["n"] for r in picked])
    if quantity == "time":
        return n, np.array([r["set-up (s)"] + r["solve (s)"] for r in picked])
    return n, np.array([r[quantity] for r in picked])


def claims(rows):
    """Check what the textbook says of the three curves."""
    n, plain = series(rows, "Poisson", "CG", "iterations")
    jacobi, many = (series(rows, "Poisson", m, "iterations")[1] for m in ("Jacobi-CG", "AMG-CG"))
    rate = np.polyfit(np.log(n), np.log(plain), 1)[0]
    rough_plain, rough_jacobi = (series(rows, "rough", m, "iterations")[1] for m in ("CG", "Jacobi-CG"))
    gain = rough_plain[-1] / rough_jacobi[-1]
    return [
        Claim(
            "CG iterations on the 2-D Poisson problem grow as the root of the condition number, n^(1/2)",
            "exponent 0.50 (section 6.11.3, with a condition number of order n)",
            f"exponent {rate:.2f}",
            abs(rate - 0.5) < 0.06,
        ),
        Claim(
            "Jacobi changes nothing where the diagonal is constant",
            "the same iterates",
            f"{max(abs(plain - jacobi))} iterations apart at most",
            max(abs(plain - jacobi)) <= 1,
        ),
        Claim(
            "Jacobi saves iterations where the diagonal varies",
            "fewer iterations (section 10.2)",
            f"{gain:.1f} times fewer on the largest grid",
            gain > 1.5,
        ),
        Claim(
            "AMG-CG needs a number of iterations almost independent of n",
            "bounded (section 13.6)",
            f"{many.min()} to {many.max()}",
            many.max() <= 1.7 * many.min(),
        ),
    ]
