"""Recycling Krylov subspaces to make training data for neural operators, compared with other methods."""

import warnings
from functools import partial
from typing import Any

import numpy as np
from scipy.sparse.linalg import splu

from .. import krylov, precondition, problems
from .._result import ConvergenceWarning
from . import Claim, _timing
from ._interval import Interval

TITLE = (
    "Iterations and time of GMRES and of recycling on families of equations, beside CG, multigrid and SuperLU"
)
REFERENCE = (
    "H. Wang, Z. Hao, J. Wang, Z. Geng, Z. Wang, B. Li, F. Wu, Accelerating Data Generation for Neural "
    "Operators via Krylov Subspace Recycling, ICLR 2024, arXiv:2401.09516, doi:10.48550/arXiv.2401.09516"
)
FIGURE = 3
TIMED = ("",)
RESTART, KEPT_DIRECTIONS = 40, 20
SAMPLED_METHODS = ("GMRES(40)", "GMRES-DR")
# Iterations of GMRES(40) and SKR, and the ratio of their times: tables 1, 3, 6, 10, 13, 17, 20, 24, 27.
PUBLISHED = {
    ("Darcy, published", "none", 1e-5): (8193, 387, 2.92),
    ("Darcy, published", "none", 1e-8): (9059, 473, 2.70),
    ("Darcy, published", "SOR", 1e-8): (6956, 253, 3.54),
    ("heat", "none", 1e-8): (4996, 211, 5.35),
    ("heat", "SOR", 1e-8): (805, 86, 2.34),
    ("Poisson", "none", 1e-8): (3810, 606, 1.74),
    ("Poisson", "SOR", 1e-8): (1804, 405, 1.35),
}
PRECONDITIONERS = {"none": None, "Jacobi": precondition.jacobi, "SOR": precondition.ssor}
DARCY_LABELS = {
    "Darcy, published": "(i) published",
    "Darcy, corrected": "(ii) corrected",
    "Darcy": "(iii) conservative",
}


def settings(full):
    """Return the families with their sizes, and how many systems are solved."""
    darcy = {
        name: partial(problems.darcy_systems, side=80, matrix=matrix)
        for name, matrix in DARCY_MATRICES.items()
    }
    sides = (0.0118, 0.00374) if full else (0.024, 0.02)  # of triangles
    families = {
        **darcy,
        "Helmholtz": partial(problems.helmholtz_systems, side=100 if full else 50, matrix="published"),
        "heat": partial(_on_mesh, problems.thermal_systems, problems.plate_mesh, sides[0]),
        "Poisson": partial(_on_mesh, problems.poisson_systems, problems.square_mesh, sides[1]),
    }
    return {
        "families": families,
        "count": 100 if full else 12,
        "sampled": 20 if full else 4,  # systems for the methods that solve each one independently
        "rtols": (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8) if full else (1e-5, 1e-8),
        "preconditioners": tuple(PRECONDITIONERS) if full else ("none", "SOR"),
        "cap": 10_000,
        "seed": 0,
    }


DARCY_MATRICES = {"Darcy, published": "published", "Darcy, corrected": "corrected", "Darcy": "finite-volume"}


def _on_mesh(make, mesh, h, count, *, rng):
    return make(count, mesh(h, rng=0), rng=rng)


def run(settings, progress):
    """Solve every family with every method."""
    cases = [
        (family, name, rtol)
        for family in settings["families"]
        for name in settings["preconditioners"]
        for rtol in settings["rtols"]
        if rtol in (min(settings["rtols"]), 1e-5) or (name == "none" and family in DARCY_LABELS)
    ]
    rows, systems, made = [], [], None
    for family, name, rtol in progress(cases):
        if family != made:
            systems = list(settings["families"][family](settings["count"], rng=settings["seed"]))
            made = family
        for method, solve in _methods(systems, name, rtol, settings["cap"]).items():
            several = systems[: settings["sampled"]] if method in SAMPLED_METHODS else systems
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                (iterations, met), seconds = _timing.time_call(partial(solve, several))
            rows.append(
                {
                    "family": family,
                    "n": systems[0].A.shape[0],
                    "preconditioner": name,
                    "rtol": rtol,
                    "method": method,
                    "iterations": Interval.measured(iterations / len(several), met == len(several)),
                    "ms a system": Interval.measured(1e3 * seconds / len(several), met == len(several)),
                    "solved": f"{met} of {len(several)}",
                }
            )
    return rows


def _methods(systems, name, rtol, cap):
    """Return the methods of a case: functions of systems that return all iterations and solved systems."""
    make = PRECONDITIONERS[name]
    options = {"rtol": rtol, "maxiter": cap}
    recycling = partial(krylov.gcrodr, restart=RESTART, k=KEPT_DIRECTIONS, **options)
    methods: dict[str, Any] = {
        "GMRES(40)": partial(_each, partial(krylov.gmres, restart=RESTART, **options), make),
        "GMRES-DR": partial(_each, recycling, make),
        "recycled": partial(_recycled, recycling, make, sort=False),
        "sorted, recycled": partial(_recycled, recycling, make, sort=True),
    }
    A = systems[0].A
    if abs(A - A.T).max() <= 1e-14 * abs(A).max():
        methods["CG"] = partial(_each, partial(krylov.cg, **options), make)
        if name == "none":
            methods["AMG-CG"] = partial(_each, partial(krylov.cg, **options), precondition.amg)
    if name == "none":
        methods["SuperLU"] = _direct
    return methods


def _each(solve, make, systems):
    """Solve each system alone; a preconditioner is made once for each matrix."""
    iterations = met = 0
    M = before = None
    for A, b, _ in systems:
        M, before = (M if A is before else make and make(A)), A
        result = solve(A, b, M=M)
        iterations, met = iterations + result.nit, met + result.success
    return iterations, met


def _recycled(solve, make, systems, sort):
    """Solve one after the other with the recycled space, whose products with a new matrix are counted too."""
    if sort:
        systems = [systems[i] for i in krylov.greedy_order(np.array([s.feature for s in systems]))]
    iterations = met = 0
    recycle = M = before = None
    for A, b, _ in systems:
        iterations += recycle.k if recycle is not None and A is not before else 0
        M, before = (M if A is before else make and make(A)), A
        result = solve(A, b, M=M, recycle=recycle)
        recycle = result.recycle
        iterations, met = iterations + result.nit, met + result.success
    return iterations, met


def _direct(systems):
    """Factorise each matrix once."""
    factors: Any = None
    before = None
    for A, b, _ in systems:
        factors, before = (factors if A is before else splu(A.tocsc())), A
        factors.solve(b)
    return 0, len(systems)


def value(rows, quantity, method, family, preconditioner="none", rtol=1e-8):
    """Return one entry of the table."""
    key = (family, preconditioner, rtol, method)
    names = ("family", "preconditioner", "rtol", "method")
    return next(r[quantity] for r in rows if tuple(r[name] for name in names) == key)


def plot(rows, axes):
    """Draw the iterations on the three Darcy matrices, against the tolerance, and the time."""
    first, second, third = axes
    methods = ("GMRES(40)", "GMRES-DR", "recycled", "sorted, recycled", "CG")
    places = np.arange(len(DARCY_LABELS))
    for at, method in enumerate(methods):
        found = [_or_nan(rows, "iterations", method, family) for family in DARCY_LABELS]
        _bars(first, places + 0.16 * (at - 2), found, 0.15, label=method, color=f"C{at}")
    paper = PUBLISHED["Darcy, published", "none", 1e-8]
    first.plot([-0.32, 0], paper[:2], "k_", markersize=11, markeredgewidth=2, label="published")
    first.set(title=r"iterations, rtol $10^{-8}$", yscale="log", ylabel="mean iterations a system")
    first.set_xticks(places, DARCY_LABELS.values())
    first.set_ylim(60, 300_000)
    first.legend(frameon=False, ncols=2, fontsize=8)

    rtols = sorted({r["rtol"] for r in rows})
    for family, style in (("Darcy, published", "-"), ("Darcy", "--")):
        for method, mark in (("GMRES(40)", "o"), ("GMRES-DR", "s"), ("recycled", "^")):
            found = [_or_nan(rows, "iterations", method, family, rtol=rtol) for rtol in rtols]
            color = f"C{methods.index(method)}"
            label = f"{method}, {DARCY_LABELS[family].partition(' ')[0]}"
            second.loglog(rtols, [n.low for n in found], style + mark, label=label, color=color, markersize=5)
            bounds = [(rtol, n.low) for rtol, n in zip(rtols, found, strict=True) if n.is_bound]
            if bounds:  # open markers
                second.plot(
                    *zip(*bounds, strict=True), mark, color=color, markersize=5, markerfacecolor="white"
                )
    second.set(title="against the tolerance", xlabel="rtol", ylabel="mean iterations a system")
    second.invert_xaxis()
    second.set_ylim(10, 100_000)
    second.legend(frameon=False, fontsize=8, ncols=2, handlelength=3)

    timed = (*methods[:1], *methods[1:3], "CG", "AMG-CG", "SuperLU")
    for at, method in enumerate(timed):
        found = [_or_nan(rows, "ms a system", method, family) for family in DARCY_LABELS]
        color = f"C{methods.index(method)}" if method in methods else f"C{at + 2}"
        _bars(third, places + 0.13 * (at - 2.5), found, 0.12, label=method, color=color)
    third.set(title=r"time, rtol $10^{-8}$", yscale="log", ylabel="ms a system")
    third.set_xticks(places, DARCY_LABELS.values())
    third.set_ylim(1, 50 * third.get_ylim()[1])
    third.legend(frameon=False, ncols=2, fontsize=8)
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(True, axis="y", which="major", alpha=0.3)
        ax.set_axisbelow(True)


def _bars(ax, places, values, width, color, label):
    """Draw bars; those of lower bounds are hatched."""
    ax.bar(places, [np.nan if v.is_bound else v.low for v in values], width, color=color, label=label)
    if any(v.is_bound for v in values):
        lower = [v.low if v.is_bound else np.nan for v in values]
        style = {"facecolor": "white", "edgecolor": color, "hatch": "/////"}
        ax.bar(places, lower, width, label="limit reached: lower bound", **style)


def _or_nan(*arguments, **options):
    """Return the entry, or NaN where the method does not apply."""
    try:
        return value(*arguments, **options)
    except StopIteration:
        return Interval(np.nan, np.nan)


def claims(rows):
    """Check what the paper says on each matrix, and compare with methods that it leaves out."""
    return [
        *_headline(rows),
        *_other_families(rows),
        _recycling(rows),
        _sorting(rows),
        _baselines(rows),
    ]


def _gain(rows, family, preconditioner="none", over="GMRES(40)"):
    """Return how many times fewer iterations recycling takes than another method."""
    pick = partial(value, rows, "iterations", family=family, preconditioner=preconditioner)
    return pick(over) / pick("recycled")


def _counts(rows, family, preconditioner="none"):
    """Return the iterations of GMRES(40) and of recycling as text, and how many systems each solved."""
    parts = []
    for method in ("GMRES(40)", "recycled"):
        its, solved = (value(rows, what, method, family, preconditioner) for what in ("iterations", "solved"))
        parts.append(f"{its:.0f}" + (f" ({solved} solved)" if its.is_bound else ""))
    return " to ".join(parts)


def _headline(rows):
    """Yield the claim on the published gain in iterations, for each of the three matrices."""
    gmres, skr, _ = PUBLISHED["Darcy, published", "none", 1e-8]
    text = "Darcy, n = 6400, no preconditioner, 1e-8: times fewer iterations than GMRES(40)"
    reasons = {
        "Darcy, published": "",
        "Darcy, corrected": "the published matrix reads the northern entries two cells too early, which "
        "gives small eigenvalues of both signs, on which GMRES(40) stagnates; the gain without that error",
        "Darcy": "the conservative matrix is symmetric positive definite",
    }
    for family, why in reasons.items():
        gain = _gain(rows, family)
        yield Claim(
            f"{text}, matrix {DARCY_LABELS[family]}",
            f"{gmres / skr:.1f}, from {gmres} to {skr}",
            f"{gain:.1f}, from {_counts(rows, family)}",
            gain.low > 0.75 * gmres / skr,
            why,
        )


def _other_families(rows):
    """Yield the claims on the published gains where only b changes."""
    for family in ("heat", "Poisson"):
        for preconditioner in ("none", "SOR"):
            gmres, skr, _ = PUBLISHED[family, preconditioner, 1e-8]
            gain = _gain(rows, family, preconditioner)
            cg = value(rows, "iterations", "CG", family, preconditioner)
            yield Claim(
                f"{family}, preconditioner {preconditioner}, 1e-8: times fewer iterations than GMRES(40)",
                f"{gmres / skr:.1f}, from {gmres} to {skr}",
                f"{gain:.1f}, from {_counts(rows, family, preconditioner)}",
                gain.low > 0.75 * gmres / skr,
                f"other meshes; one matrix, positive definite: CG needs {cg:.0f} iterations, and one "
                "factorisation serves all",
            )


def _recycling(rows):
    """Return the claim on recycling from system to system, compared with deflated restarts."""
    gains = [_gain(rows, family, over="GMRES-DR") for family in DARCY_LABELS]
    found = ", ".join(f"{gain:.1f}" for gain in gains)
    return Claim(
        "The gain is due to recycling from system to system",
        "all of it",
        f"{found} times on (i), (ii), (iii), against GMRES-DR without carry-over",
        min(gain.low for gain in gains) > 2,
        "most of it is due to deflated restarts inside one system",
    )


def _sorting(rows):
    """Return the claim on sorting."""
    pick = partial(value, rows, "iterations")
    found = [1 - pick("sorted, recycled", family) / pick("recycled", family) for family in DARCY_LABELS]
    return Claim(
        "Sorting the systems saves iterations (table 2: Darcy, n = 10,000, SOR)",
        f"{1 - 183.9 / 202.5:.0%}",
        ", ".join(f"{f:.0%}" for f in found) + " on (i), (ii), (iii) without preconditioner",
        min(f.low for f in found) > 0.05,
        "all fields of a random family have about the same distance from each other",
    )


def _baselines(rows):
    """Return the claim on time, compared with methods that the paper leaves out."""
    milliseconds = {
        m: value(rows, "ms a system", m, "Darcy") for m in ("recycled", "CG", "AMG-CG", "SuperLU")
    }
    return Claim(
        "Recycling is the fastest way to make the data (the paper compares with GMRES alone)",
        "yes",
        ", ".join(f"{m} {t:.1f} ms" for m, t in milliseconds.items()) + " on (iii)",
        milliseconds["recycled"].high <= min(t.low for t in milliseconds.values()),
        "at these sizes, in two dimensions, a direct solver or CG is faster",
        timed=True,
    )
