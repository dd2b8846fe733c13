"""SSOR-CG on a heat equation: learners of omega, compared with fixed omegas, CG and SuperLU."""

from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from scipy.sparse.linalg import splu

from .. import krylov, precondition, relaxation
from ..problems import heat_crank_nicolson
from . import _timing
from ._relax_shift import COLOURS, row

RTOL, MAXITER = 1e-8, 10_000
FIXED_OMEGAS = (1.0, 1.3, 1.5, 1.75, 1.95)
INTERVAL = (0.0, 10.0)
LEARNERS: dict[str, Any] = {
    "Tsallis-INF": relaxation.TsallisINF,
    "Tsallis-INF-CB": partial(relaxation.TsallisINFCB, None, INTERVAL, bins=6),
    "ChebCB": partial(relaxation.ChebCB, None, INTERVAL, degree=6),
}
METHODS = ("CG", *(f"omega {omega}" for omega in FIXED_OMEGAS), *LEARNERS)
DIRECT_METHOD = "SuperLU"
HARDEST_STEP = 750  # the step of largest conductivity, a quarter of a unit of time before the first unit ends
GOLDEN_RATIO = (5**0.5 - 1) / 2


class Simulation:
    """A simulation by one method: CG, preconditioned by SSOR if there is a learner of its omega."""

    def __init__(self, u, learner=None):
        self.u, self.learner, self.M = u, learner, None
        self.omegas, self.iterations, self.seconds = [], [], 0.0

    def step(self, A, rhs, context):
        """Take a time step."""
        b = rhs(self.u)
        begun = _timing.clock()
        if self.learner is not None:
            self.omegas.append(self.learner.suggest(context))
            self.M = ssor(self.M, A, self.omegas[-1])
        result = krylov.cg(A, b, self.u, M=self.M, rtol=RTOL, maxiter=MAXITER).check()
        if self.learner is not None:
            self.learner.observe(self.omegas[-1], result.nit, context)
        self.seconds += _timing.clock() - begun
        self.u = result.x
        self.iterations.append(result.nit)


def ssor(M, A, omega):
    """Return the SSOR operator for a matrix and omega; an existing one is updated."""
    return precondition.ssor(A, omega) if M is None else M.update(A, omega)


def _direct(side, count):
    """Return the mean seconds that SuperLU takes to factorise and solve a step."""
    u, steps = heat_crank_nicolson(count, side)
    total = 0.0
    for A, rhs, _ in steps:
        u, seconds = _timing.time_call(partial(_factorise_and_solve, A.tocsc(), rhs(u)))
        total += seconds
    return total / count


def _factorise_and_solve(A, b):
    return splu(A, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve(b)


def learners(method, trials):
    """Return the learners of omega of a method, one a trial; None for CG without preconditioner."""
    if method in LEARNERS:
        return [LEARNERS[method](rng=trial) for trial in range(trials)]
    return [None if method == "CG" else relaxation.FixedOmega(float(method.split()[1]))]


@_timing.compile_at_once()
def warm_up(side, count):
    """Take the first two steps and the hardest one by every method, untimed; the second one updates M."""
    u, steps = heat_crank_nicolson(count, side)
    hardest = min(HARDEST_STEP, count - 1)
    picked = [step for number, step in enumerate(islice(steps, hardest + 1)) if number in (0, 1, hardest)]
    for method in METHODS:
        simulation = Simulation(u, *learners(method, 1))
        for step in picked:
            simulation.step(*step)


def heat(settings, progress):
    """Yield mean iterations and seconds a step of every method on every grid, and the omegas chosen on one.

    All methods take one step before any takes the next, so that other programs disturb all alike.
    """
    for side, count in progress(settings["steps"].items()):
        warm_up(side, count)
        u, steps = heat_crank_nicolson(count, side)
        simulations = {
            (method, trial): Simulation(u, learner)
            for method in METHODS
            for trial, learner in enumerate(learners(method, settings["heat trials"]))
        }
        for step in steps:
            for simulation in simulations.values():
                simulation.step(*step)
        for (name, trial), simulation in simulations.items():
            mean, seconds = float(np.mean(simulation.iterations)), simulation.seconds / count
            yield row("heat", side, name, count, mean, trial=trial, seconds=seconds)
            if side == settings["contour"]["side"] and trial == 0 and name in ("Tsallis-INF", "ChebCB"):
                for number, (omega, k) in enumerate(
                    zip(simulation.omegas, simulation.iterations, strict=True)
                ):
                    yield row("action", side, name, number, k, omega=omega)
        if side <= 200:
            yield row("heat", side, DIRECT_METHOD, count, 0, seconds=_direct(side, min(count, 20)))


def contour(settings, progress):
    """Yield iterations at twelve omegas in some steps: five fixed ones, then a golden-section search."""
    options = settings["contour"]
    u, steps = heat_crank_nicolson(settings["steps"][options["side"]], options["side"])
    M = None
    for number, (A, rhs, _) in enumerate(progress(steps)):
        b = rhs(u)
        if number % options["every"] == 0:
            found = {}
            for omega in _candidates(found):
                M = ssor(M, A, omega)
                found[omega] = krylov.cg(A, b, u, M=M, rtol=RTOL, maxiter=MAXITER).check().nit
            for omega, k in sorted(found.items()):
                yield row("contour", options["side"], "SSOR-CG", number, k, omega=omega)
        u = krylov.cg(A, b, u, rtol=RTOL, maxiter=MAXITER).check().x


def _candidates(found):
    """Yield omegas to try; the caller adds the iterations of each to the dictionary `found`."""
    yield from FIXED_OMEGAS
    at = FIXED_OMEGAS.index(min(FIXED_OMEGAS, key=lambda omega: found[omega]))
    low, high = FIXED_OMEGAS[max(at - 1, 0)], FIXED_OMEGAS[min(at + 1, len(FIXED_OMEGAS) - 1)]
    left, right = high - GOLDEN_RATIO * (high - low), low + GOLDEN_RATIO * (high - low)
    yield from (left, right)
    for _ in range(5):
        if found[left] <= found[right]:
            high, right = right, left
            left = high - GOLDEN_RATIO * (high - low)
            yield left
        else:
            low, left = left, right
            right = low + GOLDEN_RATIO * (high - low)
            yield right


# Figures --------------------------------------------------------------------------------------------------


def mean_of(rows, side, method, quantity="iterations"):
    """Return the mean over trials, or NaN."""
    found = [
        r[quantity] for r in rows if r["experiment"] == "heat" and r["case"] == side and r["method"] == method
    ]
    return float(np.mean(found)) if found else np.nan


def sides(rows):
    """Return the grids of the table."""
    return sorted({r["case"] for r in rows if r["experiment"] == "heat"})


def grid_of_costs(rows, omegas):
    """Return the steps of the contour plot, and their iterations interpolated to the given omegas."""
    points = [r for r in rows if r["experiment"] == "contour"]
    steps = sorted({r["x"] for r in points})
    costs = []
    for step in steps:
        known, found = np.array(sorted((r["omega"], r["iterations"]) for r in points if r["x"] == step)).T
        costs.append(np.interp(omegas, known, found))
    return np.array(steps), np.array(costs)


def plot_heat(rows, axes):
    """Draw the iterations over step and omega, and iterations and time over the number of unknowns."""
    from matplotlib.ticker import LogLocator, NullFormatter

    _landscape(rows, axes[0])
    grids = sides(rows)
    n = [(side - 1) ** 2 for side in grids]
    for at, method in enumerate((*METHODS, DIRECT_METHOD)):
        style = {"CG": "o-", DIRECT_METHOD: "x-"}.get(method, "s-" if method in LEARNERS else ".--")
        color = {"CG": "C0", DIRECT_METHOD: "C5", **COLOURS}.get(method, str(0.15 + 0.13 * at))
        label = method.replace("omega", r"$\omega$ =")
        if method != DIRECT_METHOD:
            found = [mean_of(rows, side, method) for side in grids]
            axes[1].loglog(n, found, style, color=color, label=label, markersize=5)
        seconds = [
            mean_of(rows, side, method, "seconds") / mean_of(rows, side, "CG", "seconds") for side in grids
        ]
        axes[2].semilogx(n, seconds, style, color=color, label=label, markersize=5)
    axes[1].set(title="iterations a step", xlabel="unknowns $n$", ylabel="mean iterations")
    axes[1].set_ylim(None, 2.5 * axes[1].get_ylim()[1])
    axes[1].legend(frameon=False, fontsize=7, ncols=3, loc="upper left")
    axes[2].set(title="time over that of CG", xlabel="unknowns $n$", ylabel="wall-clock / wall-clock of CG")
    axes[2].set_yscale("log")
    axes[2].legend(*([found[-1]] for found in axes[2].get_legend_handles_labels()), frameon=False, fontsize=7)
    for ax in axes[1:]:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(True, which="major", alpha=0.3)
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter(NullFormatter())


def _landscape(rows, ax):
    omegas = np.linspace(1, 1.95, 96)
    steps, costs = grid_of_costs(rows, omegas)
    picture = ax.contourf(steps, omegas, costs.T, levels=14, cmap="Blues")
    ax.get_figure().colorbar(picture, ax=ax, label="iterations", pad=0.02)
    best = omegas[costs.argmin(axis=1)]
    ax.plot(steps, best, ".", color="k", markersize=2.5, label="instance-optimal")
    ax.axhline(omegas[costs.mean(axis=0).argmin()], color="k", ls="--", lw=1, label="best fixed")
    for method in ("Tsallis-INF", "ChebCB"):
        chosen = np.array([r["omega"] for r in rows if r["experiment"] == "action" and r["method"] == method])
        window = np.lib.stride_tricks.sliding_window_view(chosen, 25)
        at, mean, spread = np.arange(len(window)) + 12, window.mean(axis=1), window.std(axis=1)
        ax.plot(at, mean, color=COLOURS[method], lw=1.3, label=f"{method}, mean of 25")
        ax.fill_between(at, mean - spread, mean + spread, color=COLOURS[method], alpha=0.25, lw=0)
    side = next(r["case"] for r in rows if r["experiment"] == "contour")
    ax.set(title=f"SSOR-CG, {side} by {side} cells", xlabel="time step", ylabel=r"$\omega$", ylim=(1, 1.95))
    ax.legend(fontsize=7, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.17), frameon=False)
