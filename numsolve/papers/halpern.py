"""Variance-reduced Halpern iteration against methods that read all components."""

import numpy as np

from .._result import inner_solve
from ..monotone import extragradient, halpern, variance_reduced_halpern
from . import Claim

TITLE = "Residual against passes over the data, for sums of many components"
REFERENCE = (
    "X. Cai, A. Alacaoglu, J. Diakonikolas, Variance reduced Halpern iteration for finite-sum monotone "
    "inclusions, ICLR 2024, doi:10.48550/arXiv.2310.02987"
)
FIGURE = 2
SIMILAR, DIFFERENT = "similar components", "different components"
VR, VR_LONG, HALPERN, EG = "VR-Halpern, step 1/(4L)", "VR-Halpern, step 1/L", "Halpern", "extragradient"
STYLE = {VR: "C0-", VR_LONG: "C0--", HALPERN: "C1-", EG: "C2-"}


def settings(full):
    """Return the number of components, the dimension, and the passes."""
    return {"n": 40_000 if full else 10_000, "d": 20, "passes": 60, "runs": 5 if full else 2}


class Game:
    """A quadratic game: the mean of components ``M_i z - b_i`` with a skew part.

    Attributes
    ----------
    L : float
        The constant on average: ``mean |M_i|^2`` over the smallest cocoercivity.
    L_mean : float
        The constant of the mean.
    """

    def __init__(self, rng, n, d, spread):
        half = d // 2
        skew = np.linalg.qr(rng.standard_normal((half, half)))[0]
        base = np.block([[np.eye(half), 0.5 * skew], [-0.5 * skew.T, np.eye(half)]])
        weights = 1 + spread * rng.standard_normal(n)
        self.weights = weights / weights.mean()
        self.base, self.b = base, rng.standard_normal((n, d)) * 0.1
        self.b -= self.b.mean(axis=0) - 1.0
        self.n, self.read = n, 0
        # |base z|^2 = 1.25 |z|^2 and z . base z = |z|^2, so the mean is cocoercive with 1 / 1.25
        self.L_mean = 1.25
        self.L = 1.25 * float((self.weights**2).mean())

    def __call__(self, z, index=None):
        """Return the mean of some components, or of all."""
        weights, b = (self.weights, self.b) if index is None else (self.weights[index], self.b[index])
        self.read += len(weights)
        return weights.mean() * (self.base @ z) - b.mean(axis=0)


def run(settings, progress):
    """Run each method on both games, with the median of some runs."""
    rows = []
    for kind, spread in progress(((SIMILAR, 0.2), (DIFFERENT, 4.5))):
        for seed in range(settings["runs"]):
            game = Game(np.random.default_rng(seed), settings["n"], settings["d"], spread)
            for method in STYLE:
                rows += [
                    {"game": kind, "method": method, "seed": seed, "passes": passes, "residual": residual}
                    for passes, residual in curve_of(game, method, settings["passes"], seed)
                ]
    return rows


def curve_of(game, method, most, seed):
    """Return passes and relative residuals of one run."""
    d = len(game.base)
    start, points = np.zeros(d), []
    first = np.linalg.norm(game(start))
    game.read = 0
    checks = 0

    def record(z, _):
        nonlocal checks
        checks += 1
        own = checks if method in (VR, VR_LONG) else 0  # the residual of a check is not counted
        before = game.read
        points.append((before / game.n - own, np.linalg.norm(game(z)) / first))
        game.read = before
        return points[-1][0] >= most

    options = {"rtol": 0, "maxiter": 100_000, "callback": record}
    with inner_solve():
        if method in (VR, VR_LONG):
            step = 1 / (4 * game.L) if method == VR else 1 / game.L
            variance_reduced_halpern(
                game, start, game.n, lipschitz=game.L, step=step, check=25, rng=seed, **options
            )
        elif method == HALPERN:
            step = 1 / game.L_mean
            halpern(lambda z: z - step * game(z), start, **options)
        else:
            extragradient(game, start, step=0.8 / np.sqrt(1.25), **options)
    return points


def at(rows, kind, method, passes):
    """Return the median residual after some passes."""
    found = []
    for seed in sorted({row["seed"] for row in rows}):
        chosen = [r for r in rows if (r["game"], r["method"], r["seed"]) == (kind, method, seed)]
        found.append(np.interp(passes, [r["passes"] for r in chosen], [r["residual"] for r in chosen]))
    return float(np.median(found))


def plot(rows, axes):
    """Draw the residual of the first run against the passes."""
    for ax, kind in zip(axes, (SIMILAR, DIFFERENT), strict=True):
        for method, style in STYLE.items():
            chosen = [r for r in rows if (r["game"], r["method"], r["seed"]) == (kind, method, 0)]
            ax.semilogy([r["passes"] for r in chosen], [r["residual"] for r in chosen], style, label=method)
        ax.set(
            title=kind, xlabel="passes over all components", ylabel="residual over the first", xlim=(0, 60)
        )
        ax.grid(True, which="major", alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].legend(frameon=False, fontsize=8)


def claims(rows):
    """Check the published ordering, and where it does not hold."""
    similar = {method: at(rows, SIMILAR, method, 20) for method in STYLE}
    different = {method: at(rows, DIFFERENT, method, 20) for method in STYLE}
    return [
        Claim(
            "Variance reduction needs fewer passes than Halpern's iteration",
            "fewer",
            f"after 20 passes {similar[VR]:.2g} with the step of the proof, {similar[VR_LONG]:.2g} with 1/L; "
            f"Halpern {similar[HALPERN]:.2g}",
            similar[VR_LONG] < similar[HALPERN],
            "components are similar here: the constant on average is 1.04 times that of the mean",
        ),
        Claim(
            "Where components differ, Halpern's iteration needs fewer",
            "not discussed",
            f"after 20 passes {different[VR]:.2g} and {different[VR_LONG]:.2g}, "
            f"Halpern {different[HALPERN]:.2g}",
            different[HALPERN] < min(different[VR], different[VR_LONG]),
            "the step follows the constant on average, which is 21 times that of the mean here",
        ),
    ]
