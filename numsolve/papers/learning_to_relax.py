"""Learning the relaxation parameter from one solve to the next: SOR on Laplacians, SSOR-CG in time."""

import numpy as np

from . import Claim, _relax_heat, _relax_shift
from ._relax_shift import BEST_OMEGA, DISTRIBUTIONS, best_fixed, totals

TITLE = "Iterations of SOR and SSOR-CG whose omega is learned from one system to the next"
REFERENCE = (
    "M. Khodak, E. Chow, M.-F. Balcan, A. Talwalkar, Learning to Relax: Setting Solver Parameters Across a "
    "Sequence of Linear System Instances, ICLR 2024, arXiv:2310.02246, doi:10.48550/arXiv.2310.02246"
)
FIGURES = {
    "learning": (_relax_shift.plot_learning, 2),
    "contextual": (_relax_shift.plot_contextual, 2),
    "bounds": (_relax_shift.plot_bounds, 3),
    "heat": (_relax_heat.plot_heat, 3),
}
TIMED = ("heat",)
# The paper prints no totals. These were measured once, by other programs, for 5000 systems: sweeps in
# thousands, ratios to the sweeps of the best fixed omega, and iterations a step of SSOR-CG.
SWEEPS = {
    "high variance": {1.0: 3080, 1.2: 2050, 1.4: 1300, 1.6: 766, 1.8: 521, BEST_OMEGA: 282},
    "low variance": {1.0: 1360, 1.2: 896, 1.4: 553, 1.6: 316, 1.8: 430, BEST_OMEGA: 209},
}
RATIOS = {
    "high variance": {"Tsallis-INF": 1.16, "Tsallis-INF-CB": 1.01, "ChebCB": 0.64},
    "low variance": {"Tsallis-INF": 1.06, "Tsallis-INF-CB": 1.01, "ChebCB": 0.74},
}
LARGEST_RATIOS = {"Tsallis-INF": (1.2, 1.2), "Tsallis-INF-CB": (1.1, 1.1), "ChebCB": (0.68, 0.78)}
HEAT = {
    25: dict(zip(_relax_heat.METHODS, (17.1, 6.56, 5.95, 6.46, 8.97, 12.6, 6.15, 5.95, 5.0), strict=True)),
    50: dict(zip(_relax_heat.METHODS, (32.9, 12.15, 9.95, 8.80, 10.2, 17.8, 9.45, 8.8, 7.2), strict=True)),
    100: dict(zip(_relax_heat.METHODS, (65.0, 23.5, 18.1, 15.5, 12.8, 22.5, 13.9, 13.4, 10.35), strict=True)),
}


def settings(full):
    """Return the numbers of systems and trials, the omegas and shifts, and the time steps on each grid."""
    return {
        "instances": 5000,
        "trials": 40 if full else 3,
        "bounded": 40 if full else 8,
        "omegas": np.arange(1, 1.995, 0.01 if full else 0.03),
        "shifts": np.linspace(-0.15, 0.45, 97 if full else 13),
        "steps": dict.fromkeys((25, 50, 100, 200, 400), 5000) if full else {25: 5000, 50: 5000, 100: 2000},
        "heat trials": 3,
        "contour": {"side": 100, "every": 5 if full else 25},
        "seed": 0,
    }


def run(settings, progress):
    """Learn on the shifted Laplacians and in the heat equation."""
    parts = (_relax_shift.learn, _relax_shift.bounds, _relax_heat.heat, _relax_heat.contour)
    return [row for part in parts for row in part(settings, progress)]


def claims(rows):
    """Check the statements of the paper, and compare the counts with those of other programs."""
    return [*_shift(rows), *_theory(rows), *_heat(rows), _time(rows)]


def _shift(rows):
    """Yield the claims on the shifted Laplacians."""
    for at, law in enumerate(DISTRIBUTIONS):
        found, (name, best) = totals(rows, law), best_fixed(rows, law)
        solved = max(r["x"] for r in rows if r["experiment"] == "learning" and r["case"] == law)
        scale = 5.0 / solved
        for method, reference in SWEEPS[law].items():
            ours = scale * found[f"omega {method}" if method != BEST_OMEGA else method]
            which = method if method == BEST_OMEGA else f"omega = {method}"
            yield Claim(
                f"SOR, {law}, {which}: thousands of sweeps for 5000 systems",
                f"{reference} (measured reference)",
                f"{ours:.0f}",
                abs(ours / reference - 1) < (0.02 if method == BEST_OMEGA else 0.03),
            )
        for method, reference in RATIOS[law].items():
            ratio = found[method] / best
            yield Claim(
                f"SOR, {law}, {method}: sweeps over those of the best fixed omega",
                f"{reference} (measured reference)",
                f"{ratio:.2f}; the best is {name}",
                ratio <= LARGEST_RATIOS[method][at],
                "" if solved == 5000 else f"{solved} systems leave less time to learn than 5000",
            )


def _theory(rows):
    """Yield the claims on the bound of the number of sweeps, the basis of the paper's analysis."""
    actual, bound = (
        np.array([r["iterations"] for r in rows if r["experiment"] == "bounds" and r["method"] == method])
        for method in ("actual", "bound")
    )
    share = np.mean(actual <= bound + 1)
    yield Claim(
        "The number of sweeps is at most 1 + ln(eps) / ln(rho + tau (1 - rho))",
        "always",
        f"in {share:.1%} of the cases, actual over bound {np.median(actual / bound):.2f} in the median",
        bool(share > 0.99),
    )
    beta, tau = (
        np.array([r["iterations"] for r in rows if r["experiment"] == "transient" and r["case"] == case])
        for case in ("beta", "tau")
    )
    limit = 4 * (1 - np.exp(-2)) / np.e**2
    yield Claim(
        "The bound is well-behaved: beta^2 exceeds 4 (1 - e^-2) / e^2, and tau 1 / e^2 for most shifts",
        f"{limit:.2f} and {np.exp(-2):.2f}",
        f"beta^2 from {beta.min() ** 2:.2f}, tau {tau.min():.2f} to {tau.max():.2f}",
        bool(beta.min() ** 2 > limit and np.median(tau) > np.exp(-2)),
        "" if tau.min() > np.exp(-2) else "tau is smaller where the matrix is nearly singular",
    )


def _heat(rows):
    """Yield the claims on iterations in the heat equation, for grids on which all 5000 steps were taken."""
    for side in _relax_heat.sides(rows):
        if max(r["x"] for r in rows if r["experiment"] == "heat" and r["case"] == side) < 5000:
            continue
        for method, reference in HEAT.get(side, {}).items():
            ours = _relax_heat.mean_of(rows, side, method)
            learned = method in _relax_heat.LEARNERS
            yield Claim(
                f"heat, {side} by {side} cells, {method}: iterations a step",
                f"{reference} (measured reference)",
                f"{ours:.2f}",
                ours <= 1.05 * reference if learned else abs(ours - reference) <= 0.1,
            )


def _time(rows):
    """Return the claim on time, with the times of CG and of a direct solver."""
    side = max(_relax_heat.sides(rows))
    seconds = {
        m: 1e3 * _relax_heat.mean_of(rows, side, m, "seconds")
        for m in ("CG", "ChebCB", _relax_heat.DIRECT_METHOD)
    }
    return Claim(
        f"heat, {side} by {side} cells: ChebCB saves time against CG without a preconditioner",
        "yes",
        ", ".join(f"{m} {t:.2f} ms a step" for m, t in seconds.items()),
        seconds["ChebCB"] < seconds["CG"],
        "an SSOR-CG iteration adds two triangular sweeps, which one thread runs row after row",
        timed=True,
    )
