"""Extragradient methods: the threshold of comonotonicity, limits of the step, and noise."""

import numpy as np

from .._result import inner_solve
from ..monotone import (
    SeparatedSteps,
    extragradient,
    optimistic_gradient,
    past_extragradient,
    reflected_gradient,
)
from . import Claim

TITLE = "Where extragradient methods converge: comonotonicity, steps, noise"
REFERENCE = (
    "E. Gorbunov, A. Taylor, S. Horvath, G. Gidel, Convergence of proximal point and extragradient-based "
    "methods beyond monotonicity, ICML 2023, doi:10.48550/arXiv.2210.13831"
)
FIGURE = 3
COMONOTONE, STEP, NOISE = "comonotonicity", "step", "noise"
METHODS = {
    "extragradient": extragradient,
    "past extragradient": past_extragradient,
    "optimistic": optimistic_gradient,
    "reflected": reflected_gradient,
}
EQUAL, SEPARATED = "equal steps 0.3", "separated steps"
TURN = np.array([[0.0, 1.0], [-1.0, 0.0]])


def settings(full):
    """Return numbers of iterations and points of the grids."""
    return {
        "iterations": 2000 if full else 400,
        "grid": 41 if full else 21,
        "noisy": 200_000 if full else 20_000,
        "runs": 20 if full else 4,
    }


def run(settings, progress):
    """Run the three experiments."""
    rows, count = [], settings["iterations"]
    for part in progress((COMONOTONE, STEP, NOISE)):
        if part == COMONOTONE:
            for rho in np.linspace(0, 0.6, settings["grid"]):
                rows.append({"part": part, "x": rho, "curve": "extragradient", "y": best_decay(rho, count)})
        elif part == STEP:
            for name, method in METHODS.items():
                for step in np.linspace(0.1, 1.1, settings["grid"]):
                    rows.append({"part": part, "x": step, "curve": name, "y": factor(method, step, count)})
        else:
            rows += noisy(settings["noisy"], settings["runs"])
    return rows


def comonotone(rho):
    """Return the matrix with norm 1 that is -rho-comonotone and no better."""
    return np.array([[-rho, np.sqrt(1 - rho**2)], [-np.sqrt(1 - rho**2), -rho]])


def best_decay(rho, count):
    """Return the smallest factor of the residual over all steps, after a number of iterations."""
    M, found = comonotone(rho), []
    for step in np.linspace(0.02, 0.999, 60):
        less = 2 * rho if step > 2 * rho else 0.0
        found.append(decay(extragradient, M, count, step=step, comonotonicity=less / 2))
    return min(found)


def decay(method, M, count, **options):
    """Return the last residual over the first."""
    with inner_solve():
        residuals = method(lambda z: M @ z, [1.0, 0.0], rtol=1e-12, maxiter=count, **options).residuals
    return float(residuals[-1] / residuals[0])


def factor(method, step, count):
    """Return the mean factor of the residual in an iteration on the rotation."""
    with inner_solve():
        residuals = method(lambda z: TURN @ z, [1.0, 0.0], step=step, rtol=1e-12, maxiter=count).residuals
    half = len(residuals) // 2
    return float((residuals[-1] / residuals[half]) ** (1 / max(len(residuals) - 1 - half, 1)))


def noisy(count, runs):
    """Return the mean squared distance to the solution under noise of size 0.3."""
    wanted = set(np.unique(np.geomspace(10, count, 40).astype(int)).tolist())
    rows = []
    for name, step in (
        (EQUAL, lambda _: (0.3, 0.3)),
        (SEPARATED, SeparatedSteps(0.5, 1.0, gamma_power=0.0, eta_power=1.0, offset=10)),
    ):
        sums = dict.fromkeys(sorted(wanted), 0.0)
        for seed in range(runs):
            one_run(np.random.default_rng(seed), step, count, sums)
        rows += [{"part": NOISE, "x": t, "curve": name, "y": total / runs} for t, total in sums.items()]
    return rows


def one_run(rng, step, count, sums):
    """Add the squared distances of one run."""
    t = 0

    def record(z, _):
        nonlocal t
        t += 1
        if t in sums:
            sums[t] += float(z @ z)

    def F(z):
        return TURN @ z + 0.3 * rng.standard_normal(2)

    with inner_solve():
        past_extragradient(F, [1.0, 1.0], step=step, rtol=0, maxiter=count, callback=record)


def curve(rows, part, name):
    """Return the points of a curve."""
    chosen = [row for row in rows if (row["part"], row["curve"]) == (part, name)]
    return np.array([row["x"] for row in chosen]), np.array([row["y"] for row in chosen])


def plot(rows, axes):
    """Draw the threshold, the limits of the step, and the runs under noise."""
    x, y = curve(rows, COMONOTONE, "extragradient")
    axes[0].semilogy(x, np.maximum(y, 1e-12), "o-", ms=4)
    axes[0].axvline(0.5, color="0.6", ls="--", lw=1, label="1/(2 L)")
    axes[0].set(xlabel="comonotonicity rho, L = 1", ylabel="residual, best step, over the first")
    for name in METHODS:
        x, y = curve(rows, STEP, name)
        axes[1].plot(x, np.minimum(y, 1.3), label=name)
    axes[1].axhline(1, color="0.6", lw=1)
    axes[1].set(xlabel="step, L = 1", ylabel="factor of the residual an iteration", ylim=(0.6, 1.25))
    for name in (EQUAL, SEPARATED):
        axes[2].loglog(*curve(rows, NOISE, name), label=name)
    axes[2].set(xlabel="iterations", ylabel="mean squared distance, noisy operator")
    for ax in axes:
        ax.grid(True, which="major", alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, fontsize=8)


def limit(rows, name):
    """Return the largest step of the grid with a falling residual."""
    x, y = curve(rows, STEP, name)
    return float(x[y < 1].max())


def claims(rows):
    """Check the published thresholds."""
    x, y = curve(rows, COMONOTONE, "extragradient")
    below, above = y[x < 0.48].max(), y[x > 0.52].min()
    limits = {name: limit(rows, name) for name in METHODS}
    spacing = float(np.diff(curve(rows, STEP, "extragradient")[0])[0])
    last = {name: float(curve(rows, NOISE, name)[1][-5:].mean()) for name in (EQUAL, SEPARATED)}
    return [
        Claim(
            "Extragradient converges for rho < 1/(2L) and may fail from there on",
            "threshold 0.5",
            f"best factor {below:.2g} below, {above:.2f} above",
            below < 1 and above > 0.99,
        ),
        Claim(
            "Extragradient is stable up to the step 1/L",
            "1",
            f"{limits['extragradient']:.2f}",
            1 - spacing <= limits["extragradient"] <= 1,
        ),
        Claim(
            "Methods with one evaluation need a step below 1/(2L)",
            "0.5",
            ", ".join(f"{limits[name]:.2f}" for name in METHODS if name != "extragradient"),
            all(0.57 - spacing <= limits[n] <= 0.58 for n in METHODS if n != "extragradient"),
            "1/2 is what the proofs need; without a set the exact limit is 1/sqrt(3) = 0.577",
        ),
        Claim(
            "Under noise, separated steps converge, and equal ones do not (Hsieh et al. 2020)",
            "converge",
            f"squared distance {last[SEPARATED]:.2g} against {last[EQUAL]:.2g}",
            last[SEPARATED] < 0.3 * last[EQUAL],
        ),
    ]
