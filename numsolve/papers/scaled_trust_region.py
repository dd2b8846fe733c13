"""Scalings of a trust region for equations with bounds: five known ones, and their convex combination."""

from typing import Any

import numpy as np

from .. import newton, problems
from .._result import inner_solve
from . import Claim

TITLE = "Systems solved, iterations and values of F for six scalings of a trust region, beside SciPy's trf"
REFERENCE = (
    "A. Ayanzadeh, S. Yazdanian, E. Shahamatnia, A New Class of Scaling Matrices for Scaled Trust Region "
    "Algorithms, 2019, arXiv:1904.09209, doi:10.48550/arXiv.1904.09209"
)
FIGURE = 2
SCALINGS = {
    "none": "none",
    "Coleman-Li": "coleman-li",
    "HUU": "heinkenschloss-ulbrich-ulbrich",
    "Kanzow-Klug": "kanzow-klug",
    "HMZ": "hager-mair-zhang",
    "combination": "convex",
}
OURS, TRF = "default here", "SciPy trf"
METHODS = (*SCALINGS, OURS, TRF)
# Runs solved of 45, iterations and values of F of an independent program, with similar bounds and starts.
INDEPENDENT = {
    "none": (35, 455, 537),
    "Coleman-Li": (36, 441, 529),
    "HUU": (36, 474, 562),
    "Kanzow-Klug": (36, 459, 535),
    "HMZ": (37, 668, 759),
    "combination": (36, 464, 550),
}
COLOURS = dict(zip(METHODS, ("0.6", "C0", "C1", "C2", "C4", "C3", "C5", "k"), strict=True))
BETTER = 0.9  # of the iterations of every other scaling: fewer would be called superior


def settings(full):
    """Return the systems, the tolerance for the norm of F, and the limit of iterations."""
    return {
        "systems": problems.bounded_system_names(),
        "atol": 1e-6,
        "maxiter": 500 if full else 100,
    }


def run(settings, progress):
    """Solve every system from every start with every scaling, and with SciPy's trf."""
    rows = []
    for name in progress(settings["systems"]):
        system = problems.bounded_system(name)
        for number, x0 in enumerate(system.starts(), 1):
            for method in METHODS:
                solve = _by_scipy if method == TRF else _by_region
                with np.errstate(all="ignore"):
                    norm, iterations, values = solve(system, x0, method, settings)
                rows.append(
                    {
                        "system": name,
                        "start": number,
                        "method": method,
                        "solved": bool(norm <= settings["atol"]),
                        "norm of F": norm,
                        "iterations": iterations,
                        "values of F": values,
                    }
                )
    return rows


def _by_region(system, x0, method, settings):
    """Return the norm of F, the iterations and the values of F; as in the source, or by the default here."""
    source: dict[str, Any] = {} if method == OURS else {"scaling": SCALINGS[method], "shorten": "pull-back"}
    with inner_solve():
        result = newton.root_bounded(
            system.fun,
            x0,
            system.bounds,
            jac=system.jac,
            rtol=0,
            atol=settings["atol"],
            maxiter=settings["maxiter"],
            **source,
        )
    return result.residuals[-1], result.nit, result.nfev


def _by_scipy(system, x0, _method, settings):
    """Return the same of SciPy's reflective trust region, with tolerances near rounding."""
    from scipy.optimize import least_squares

    least: dict[str, Any] = {"xtol": 1e-14, "ftol": 1e-14, "gtol": 1e-14}
    result = least_squares(
        system.fun, x0, jac=system.jac, bounds=system.bounds, max_nfev=settings["maxiter"], **least
    )
    return float(np.linalg.norm(result.fun)), result.njev, result.nfev


def plot(rows, axes):
    """Draw the share of runs that a method solves within a factor of the fewest values, and the totals."""
    profile, bars = axes
    runs = sorted({(row["system"], row["start"]) for row in rows})
    values = {method: np.array([_values_of(rows, method, *run) for run in runs]) for method in METHODS}
    fewest = np.min(list(values.values()), axis=0)
    for method, counts in values.items():
        solved = np.isfinite(counts)
        ratios = np.sort(counts[solved] / fewest[solved])
        share = np.arange(1, len(ratios) + 1) / len(runs)
        profile.step(np.append(ratios, 100), np.append(share, share[-1:]), where="post", label=method)
        profile.get_lines()[-1].set(color=COLOURS[method], lw=1.5)
    profile.set(
        title=f"{len(runs)} runs",
        xlabel="values of F, over the fewest of all methods",
        ylabel="share of runs solved",
        xscale="log",
        xlim=(1, 100),
        ylim=(0, 1),
    )
    profile.legend(frameon=False, fontsize=8)
    names = list(values)
    bars.barh(
        names, [totals(rows, name)[1] for name in names], color=[COLOURS[name] for name in names], alpha=0.5
    )
    for place, name in enumerate(names):
        bars.text(0, place, f"  {totals(rows, name)[0]} solved", va="center", fontsize=8)
    bars.invert_yaxis()
    bars.set(title="runs that are solved", xlabel="iterations")
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)


def _values_of(rows, method, system, start):
    """Return the values of F that a method took for a run; infinite if it was not solved."""
    row = next(r for r in rows if (r["method"], r["system"], r["start"]) == (method, system, start))
    return float(row["values of F"]) if row["solved"] else np.inf


def totals(rows, method):
    """Return how many runs a method solved, and the iterations and values of F for these."""
    solved = [row for row in rows if row["method"] == method and row["solved"]]
    return len(solved), *(sum(row[what] for row in solved) for what in ("iterations", "values of F"))


def claims(rows):
    """Check the superiority of the combination, and our counts against those of an independent program."""
    found = {method: totals(rows, method) for method in METHODS}
    solved, iterations, _ = found["combination"]
    others = [found[method] for method in SCALINGS if method != "combination"]
    superior = all(
        solved > other[0] or (solved == other[0] and iterations < BETTER * other[1]) for other in others
    )
    shown = ", ".join(f"{method} {_shown(found[method])}" for method in SCALINGS)
    differences = [abs(found[method][0] - counts[0]) for method, counts in INDEPENDENT.items()]
    return [
        Claim(
            "The convex combination is superior to the scalings that it combines",
            "yes (abstract)",
            f"solved / iterations / values of F: {shown}",
            superior,
            "the scalings differ by a few systems and a few steps, in both directions; no scaling is about "
            "as good, for the pull-back into the interior keeps the bounds by itself",
        ),
        Claim(
            "Solved / iterations / values of F agree with an independent program within three systems",
            ", ".join(f"{method} {_shown(counts)}" for method, counts in INDEPENDENT.items()) + f"; {TRF} 37",
            f"{shown}; {TRF} {_shown(found[TRF])}",
            max(differences) <= 3,
            "the bounds of five systems are chosen here; and F and the variables are measured in units of "
            "their own, which changes HMZ most",
        ),
    ]


def _shown(counts):
    return " / ".join(map(str, counts))
