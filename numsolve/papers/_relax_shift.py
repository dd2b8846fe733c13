"""SOR on Laplacians with a random shift: learning omega from one solve to the next, and the theory."""

from functools import partial
from typing import Any

import numpy as np
from scipy.linalg import solve_triangular

from .. import relaxation
from ..problems import laplacian_shifted

DISTRIBUTIONS = {"high variance": (0.5, 1.5), "low variance": (2.0, 6.0)}
INTERVAL = (-0.15, 0.65)  # as published; contexts end at 0.45, so that the last of five bins stays empty
RTOL, MAXITER = 1e-8, 10_000
FIXED_OMEGAS = (1.0, 1.2, 1.4, 1.6, 1.8)
LEARNERS: dict[str, Any] = {
    "Tsallis-INF": relaxation.TsallisINF,
    "Tsallis-INF-CB": partial(relaxation.TsallisINFCB, None, INTERVAL, bins=5),
    "ChebCB": partial(relaxation.ChebCB, None, INTERVAL, degree=6),
}
ESTIMATES: dict[str, Any] = {
    "Young's estimate": partial(relaxation.EstimatedOmega, RTOL),
    "Young's estimate, contextual": partial(relaxation.EstimatedOmega, RTOL, INTERVAL),
}
BEST_OMEGA = "instance-optimal"


def row(experiment, case, method, x, iterations, *, trial=0, omega=np.nan, seconds=np.nan):
    """Return one row of the table."""
    return {
        "experiment": experiment,
        "case": case,
        "method": method,
        "trial": trial,
        "x": x,
        "omega": omega,
        "iterations": iterations,
        "seconds": seconds,
    }


class Costs:
    """Sweeps of SOR on each of a list of systems; each pair of system and omega is solved once."""

    def __init__(self, systems):
        self.systems, self.known = systems, {}

    def __call__(self, number, omega):
        if (number, omega) not in self.known:
            A, b, _ = self.systems[number]
            self.known[number, omega] = sweeps(A, b, omega)
        return self.known[number, omega]


def sweeps(A, b, omega):
    """Return how many sweeps of SOR solve a system; one that ends at the limit raises an error."""
    return relaxation.sor(A, b, omega=omega, rtol=RTOL, maxiter=MAXITER).check().nit


def jacobi_radius(c, side=10):
    """Return the spectral radius of the Jacobi iteration of the shifted Laplacian."""
    return 4 * np.cos(np.pi / (side + 1)) / (4 + c)


def learn(settings, progress):
    """Yield the cumulative sweeps of each fixed omega, each learner, and the best omega of each system."""
    runs = [
        (law, method)
        for law in DISTRIBUTIONS
        for method in (*FIXED_OMEGAS, *LEARNERS, *ESTIMATES, BEST_OMEGA)
    ]
    costs = {}
    for law, method in progress(runs):
        if law not in costs:
            systems = laplacian_shifted(settings["instances"], beta=DISTRIBUTIONS[law], rng=settings["seed"])
            costs = {law: Costs(list(systems))}
        trials = settings["trials"] if method in LEARNERS else 1
        for trial in range(trials):
            paid = np.cumsum(_sweeps_of_all(costs[law], method, trial))
            name = f"omega {method}" if method in FIXED_OMEGAS else method
            for at in np.unique(np.linspace(0, len(paid), 51).astype(int)):
                yield row("learning", law, name, int(at), int(paid[at - 1]) if at else 0, trial=trial)


def _sweeps_of_all(costs, method, trial):
    """Return the sweeps of each system in turn, with the omegas of a method."""
    systems = costs.systems
    if method in FIXED_OMEGAS:
        return [costs(i, method) for i in range(len(systems))]
    if method == BEST_OMEGA:
        return [costs(i, relaxation.omega_opt(jacobi_radius(s.feature))) for i, s in enumerate(systems)]
    learner = ESTIMATES[method]() if method in ESTIMATES else LEARNERS[method](rng=trial)
    paid = []
    for i, (_, _, c) in enumerate(systems):
        omega = learner.suggest(c)
        paid.append(costs(i, omega))
        learner.observe(omega, paid[-1], c)
    return paid


def rate(omega, beta):
    """Return the spectral radius of SOR by Young's formula; `beta` is that of the Jacobi iteration."""
    square = (omega * beta) ** 2 - 4 * (omega - 1)
    return np.where(square > 0, ((omega * beta + np.sqrt(np.maximum(square, 0))) / 2) ** 2, omega - 1)


def transient(A, omega, rho, k):
    """Return (r - rho) / (1 - rho), where r is the mean rate of the error in k - 1 sweeps."""
    L = np.tril(A, -1) + np.diag(np.diag(A) / omega)
    C = np.eye(len(A)) - solve_triangular(L.T, A.T).T
    mean = np.linalg.norm(np.linalg.matrix_power(C, k - 1), 2) ** (1 / (k - 1))
    return (mean - rho) / (1 - rho)


def bounds(settings, progress):
    """Yield sweeps and their bound against omega, and beta and tau of the bound against the shift."""
    omegas = np.append(settings["omegas"], relaxation.omega_opt(jacobi_radius(0.0)))
    for law in progress(DISTRIBUTIONS):
        for number, (A, b, c) in enumerate(
            laplacian_shifted(settings["bounded"], beta=DISTRIBUTIONS[law], rng=1)
        ):
            beta, dense = jacobi_radius(c), A.toarray()
            found = [sweeps(A, b, w) for w in omegas]
            rho = rate(omegas, beta)
            tau = max(transient(dense, w, r, k) for w, r, k in zip(omegas, rho, found, strict=True))
            bound = 1 + np.log(RTOL) / np.log(rho + tau * (1 - rho))
            for w, k, u in zip(omegas, found, bound, strict=True):
                yield row("bounds", law, "actual", number, k, omega=w)
                yield row("bounds", law, "bound", number, u, omega=w)
            best = sweeps(A, b, relaxation.omega_opt(beta))
            yield row("bounds", law, BEST_OMEGA, number, best, omega=relaxation.omega_opt(beta))
    (A, b, c), *_ = laplacian_shifted(1, rng=2)
    for shift in progress(settings["shifts"]):
        dense = A.toarray() + (shift - c) * np.eye(len(b))
        beta, most = jacobi_radius(shift), 0.0
        for w in settings["omegas"][settings["omegas"] <= 1.9]:
            k = sweeps(dense, b, w)
            most = max(most, transient(dense, w, float(rate(w, beta)), k))
        yield row("transient", "beta", "beta", shift, beta)
        yield row("transient", "tau", "tau", shift, most)


# Figures --------------------------------------------------------------------------------------------------

COLOURS = {
    "Tsallis-INF": "C3",
    "Tsallis-INF-CB": "C4",
    "ChebCB": "C2",
    "Young's estimate": "C1",
    "Young's estimate, contextual": "C0",
    BEST_OMEGA: "k",
}


def curves(rows, law, method):
    """Return the instances, and the cumulative sweeps of each trial."""
    picked = [r for r in rows if r["experiment"] == "learning" and r["case"] == law and r["method"] == method]
    at = np.unique([r["x"] for r in picked])
    paid = np.array([r["iterations"] for r in picked], float).reshape(-1, len(at))
    return at, paid


def totals(rows, law):
    """Return the mean total of each method."""
    methods = dict.fromkeys(r["method"] for r in rows if r["experiment"] == "learning" and r["case"] == law)
    return {method: float(curves(rows, law, method)[1][:, -1].mean()) for method in methods}


def best_fixed(rows, law):
    """Return the name of the best fixed omega, and its total."""
    found = {name: total for name, total in totals(rows, law).items() if name.startswith("omega")}
    name = min(found, key=lambda name: found[name])
    return name, found[name]


def _draw(ax, rows, law, methods):
    """Draw the systems left against the sweeps so far, with two standard deviations over the trials."""
    for method in methods:
        at, paid = curves(rows, law, method)
        left, paid = at[-1] - at, paid / 1e3
        fixed = method.startswith("omega")
        shade = 0.75 - 0.6 * (float(method.split()[-1]) - 1) / 0.8 if fixed else 0
        color = str(shade) if fixed else COLOURS[method]
        style = ":" if method == BEST_OMEGA else "--" if fixed else "-"
        label = method.replace("omega", r"$\omega$ =")
        ax.plot(paid.mean(axis=0), left, style, color=color, label=label, lw=1.7)
        if len(paid) > 1:
            spread = 2 * paid.std(axis=0)
            ax.fill_betweenx(left, paid.mean(0) - spread, paid.mean(0) + spread, color=color, alpha=0.2, lw=0)
    ax.set(title=law, xlabel="cumulative sweeps (thousands)", ylabel="systems left")
    ax.set_ylim(0, None)
    _tidy(ax)


def _tidy(ax):
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, alpha=0.3)
    ax.legend(frameon=False, fontsize=8)


def plot_learning(rows, axes):
    """Draw five fixed omegas and a learner without context."""
    for ax, law in zip(axes, DISTRIBUTIONS, strict=True):
        _draw(ax, rows, law, [*(f"omega {w}" for w in FIXED_OMEGAS), "Tsallis-INF"])
        ax.set_xlim(0, 1.9e-3 * totals(rows, law)["omega 1.4"])


def plot_contextual(rows, axes):
    """Draw the learners with contexts, the best fixed omega and the best omega of each system."""
    for ax, law in zip(axes, DISTRIBUTIONS, strict=True):
        _draw(ax, rows, law, [best_fixed(rows, law)[0], *LEARNERS, *ESTIMATES, BEST_OMEGA])
        ax.set_xlim(0, None)


def plot_bounds(rows, axes):
    """Draw sweeps and their bound against omega, and beta and tau against the shift."""
    for ax, law in zip(axes, DISTRIBUTIONS, strict=False):
        picked = [r for r in rows if r["experiment"] == "bounds" and r["case"] == law]
        for method, color in (("actual", "C0"), ("bound", "C1")):
            points = [(r["omega"], r["iterations"]) for r in picked if r["method"] == method]
            omegas = np.unique([w for w, _ in points])
            costs = np.array([[k for w, k in points if w == omega] for omega in omegas])
            ax.semilogy(omegas, costs.mean(axis=1), color=color, label=f"{method}, mean")
            ax.fill_between(omegas, costs.min(axis=1), costs.max(axis=1), color=color, alpha=0.2, lw=0)
        best = np.mean([r["iterations"] for r in picked if r["method"] == BEST_OMEGA])
        ax.axhline(best, color="k", ls="--", lw=1, label=BEST_OMEGA)
        ax.set(title=f"{law}: mean and range", xlabel=r"$\omega$", ylabel="sweeps")
        _tidy(ax)
    ax = axes[-1]
    for case, label, color in (("beta", r"$\beta$", "C0"), ("tau", r"$\tau$", "C3")):
        picked = [r for r in rows if r["experiment"] == "transient" and r["case"] == case]
        found = [(r["x"], r["iterations"]) for r in picked]
        ax.plot(*zip(*found, strict=True), color=color, label=label)
    for height, label in ((4 * (1 - np.exp(-2)) / np.e**2, r"$4(1-e^{-2})/e^2$"), (np.exp(-2), r"$1/e^2$")):
        ax.axhline(height, color="0.5", ls=":", lw=1.2)
        ax.annotate(label, (0.45, height), ha="right", va="bottom", fontsize=8, color="0.35")
    ax.set(title="quantities of the bound", xlabel="shift $c$", ylim=(0, 1.05))
    _tidy(ax)
