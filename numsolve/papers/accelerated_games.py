"""Accelerated methods for games: anchored, two timescales, primal-dual, competitive."""

import numpy as np

from .._result import inner_solve
from ..monotone import (
    Quadratic,
    accelerated_optimistic_gradient,
    accelerated_primal_dual,
    competitive_gradient,
    extragradient,
    optimistic_gradient,
)
from . import Claim

TITLE = "Accelerated and competitive methods for games"
REFERENCE = (
    "Y. Cai, W. Zheng, Doubly optimal no-regret learning in monotone games, ICML 2023, "
    "doi:10.48550/arXiv.2301.13120"
)
FIGURE = 4
AOG, TWO, ALPD, CGO = "anchored", "two timescales", "primal-dual", "competitive"
PLACES = (50, 200, 1000, 4000)
COUPLINGS = (0.3, 0.6)  # a of the local minimax problem


def settings(full):
    """Return numbers of iterations and points of grids."""
    return {"iterations": 30_000 if full else 10_000, "dimension": 100, "grid": 25 if full else 11}


def run(settings, progress):
    """Run the four experiments."""
    rows = []
    for part in progress((AOG, TWO, ALPD, CGO)):
        if part == AOG:
            rows += hard_game(settings["dimension"], settings["iterations"])
        elif part == TWO:
            rows += degenerate_minimax(settings["grid"])
        elif part == ALPD:
            rows += primal_dual()
        else:
            rows += competitive(settings["grid"])
    return rows


def hard_game(d, count):
    """Return residuals on the worst convex-concave quadratic game, in a box of size 200."""
    A = (np.fliplr(np.eye(d)) - np.fliplr(np.eye(d, k=1))) / 4
    H, h, b = 2 * A.T @ A, np.eye(d)[-1] / 4, np.full(d, 0.25)
    L = np.linalg.norm(np.block([[H, -A.T], [A, np.zeros((d, d))]]), 2)

    def F(x, y):
        return H @ x - h - A.T @ y, A @ x - b

    methods = {
        "extragradient": (extragradient, 0.99),
        "optimistic": (optimistic_gradient, 0.49),
        "anchored optimistic": (accelerated_optimistic_gradient, 1 / np.sqrt(6)),
    }
    rows = []
    for name, (method, factor) in methods.items():
        with inner_solve():
            found = method(
                F,
                (np.zeros(d), np.zeros(d)),
                project=((-200.0, 200.0), (-200.0, 200.0)),
                step=factor / L,
                rtol=0,
                maxiter=count,
            )
        kept = np.unique(np.geomspace(1, count, 200).astype(int))
        rows += [{"part": AOG, "curve": name, "x": int(k), "y": float(found.residuals[k])} for k in kept]
    return rows


def degenerate_minimax(grid):
    """Return residuals at a local minimax point with a zero second derivative, over the step."""
    rows = []
    for a in COUPLINGS:
        for step in np.linspace(0.05, 1.2, grid):
            with inner_solve():
                result = extragradient(
                    lambda x, y, a=a: (-a * x + y, -x),
                    ([1.0], [0.5]),
                    step=step,
                    timescale=100.0,
                    rtol=0,
                    maxiter=5000,
                )
            peaks = [part.max() for part in np.array_split(result.residuals, 4)[1::2]]
            factor = (peaks[1] / peaks[0]) ** (200 / len(result.residuals))
            rows.append({"part": TWO, "curve": f"a = {a}", "x": float(step), "y": float(factor)})
    return rows


def primal_dual():
    """Return gaps of the objective of the accelerated and the plain primal-dual method."""
    rng, n, m, L, mu = np.random.default_rng(0), 60, 40, 1000.0, 0.1
    A, b = rng.standard_normal((m, n)), rng.standard_normal(n)
    A /= np.linalg.norm(A, 2)
    H = np.diag(np.geomspace(1e-3, L, n))
    best = np.linalg.solve(H + A.T @ A / mu, b)

    def objective(x):
        return x @ H @ x / 2 - b @ x + (A @ x) @ (A @ x) / (2 * mu)

    rows = []
    for name, accelerated in (("accelerated", True), ("plain", False)):
        seen = []
        with inner_solve():
            accelerated_primal_dual(
                lambda x: H @ x - b,
                A,
                Quadratic(mu),
                np.zeros(n),
                lipschitz=L,
                convexity=mu,
                norm=1.0,
                accelerated=accelerated,
                rtol=0,
                maxiter=PLACES[-1],
                callback=lambda z, _, seen=seen: seen.append(objective(z[0]) - objective(best)),
            )
        kept = np.unique(np.concatenate([np.geomspace(5, PLACES[-1], 60).astype(int), PLACES]))
        rows += [{"part": ALPD, "curve": name, "x": int(k), "y": float(seen[k - 1])} for k in kept]
    return rows


def competitive(grid):
    """Return the factor of an iteration on ``x y``, over the strength of the coupling."""
    rows = []
    for name, optimistic in (("competitive", False), ("optimistic", True)):
        for alpha in np.linspace(0.05, 1.5, grid):
            with inner_solve():
                residuals = competitive_gradient(
                    lambda x, y: (y, -x),
                    ([1.0], [0.5]),
                    step=0.5,
                    alpha=alpha,
                    optimistic=optimistic,
                    rtol=0,
                    maxiter=60,
                ).residuals
            factor = (residuals[-1] / residuals[20]) ** (1 / (len(residuals) - 21))
            rows.append({"part": CGO, "curve": name, "x": float(alpha), "y": float(factor)})
    return rows


def curve(rows, part, name):
    """Return the points of a curve."""
    chosen = [row for row in rows if (row["part"], row["curve"]) == (part, name)]
    return np.array([row["x"] for row in chosen]), np.array([row["y"] for row in chosen])


def plot(rows, axes):
    """Draw the four experiments."""
    labels = {
        AOG: ("iterations", "residual, hard game", "loglog"),
        TWO: ("step", "factor in 100 iterations", "plot"),
        ALPD: ("iterations", "gap of the objective", "loglog"),
        CGO: ("coupling alpha, step 0.5", "factor of an iteration on x y", "plot"),
    }
    for ax, (part, (xlabel, ylabel, scale)) in zip(axes, labels.items(), strict=True):
        for name in dict.fromkeys(row["curve"] for row in rows if row["part"] == part):
            x, y = curve(rows, part, name)
            getattr(ax, scale)(x, np.minimum(y, 1.3) if scale == "plot" else y, label=name)
        if scale == "plot":
            ax.axhline(1, color="0.6", lw=1)
        ax.set(title=part, xlabel=xlabel, ylabel=ylabel)
        ax.grid(True, which="major", alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, fontsize=8)


def claims(rows):
    """Check the published orderings and the derived limits."""
    last = {
        name: float(curve(rows, AOG, name)[1][-1])
        for name in ("extragradient", "optimistic", "anchored optimistic")
    }
    lowest, spacing = {}, 0.0
    for a in COUPLINGS:
        x, y = curve(rows, TWO, f"a = {a}")
        lowest[a], spacing = float(x[y < 1].min()), float(x[1] - x[0])
    gaps = {name: dict(zip(*curve(rows, ALPD, name), strict=True)) for name in ("accelerated", "plain")}
    shown = {name: ", ".join(f"{found[k]:.1e}" for k in PLACES) for name, found in gaps.items()}
    x, y = curve(rows, CGO, "competitive")
    exact = np.hypot(1 + x**2 - 0.5 * x, 0.5) / (1 + x**2)
    return [
        Claim(
            "The anchored optimistic method has the smallest residual on the hard game",
            "O(1/T) against O(1/sqrt T)",
            ", ".join(f"{name} {value:.2g}" for name, value in last.items()),
            last["anchored optimistic"] < 0.5 * min(last["extragradient"], last["optimistic"]),
        ),
        Claim(
            "Two timescales find a local minimax point with a zero second derivative for steps above a",
            "a < step < 1/L",
            ", ".join(f"from {step:.2f} for a = {a}" for a, step in lowest.items()),
            all(a - 1e-9 <= step <= a + spacing for a, step in lowest.items()),
            "derived for f = -a x^2/2 + x y; the upper bound is that of the proof, longer steps are stable",
        ),
        Claim(
            "The accelerated primal-dual method has the order 1/k^2",
            "2",
            f"gaps {shown['accelerated']} at {PLACES}, plain {shown['plain']}",
            gaps["accelerated"][4000] < gaps["accelerated"][200] / 200
            and gaps["accelerated"][4000] < gaps["plain"][4000],
        ),
        Claim(
            "Competitive gradients converge on x y if the step is below twice the coupling",
            "step < 2 alpha",
            f"factors equal to the formula within {abs(y - exact).max():.0e}",
            bool(abs(y - exact).max() < 1e-6 and ((y < 1) == (x > 0.25)).all()),
        ),
    ]
