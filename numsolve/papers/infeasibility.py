"""Infeasible problems: how fast fixed-point iterations find the smallest displacement."""

import numpy as np
from scipy.optimize import nnls

from .._result import inner_solve
from ..monotone import halpern, picard
from . import Claim

TITLE = "Errors of the smallest displacement of maps without a fixed point"
REFERENCE = (
    "J. Park, E. K. Ryu, Accelerated infeasibility detection of constrained optimization and fixed-point "
    "iterations, ICML 2023, doi:10.48550/arXiv.2303.15876"
)
FIGURE = 3
PROGRAM, CONE, TURN = "infeasible linear program", "infeasible cone program", "rotation and shift"
PICARD, HALPERN = "Picard", "Halpern"
RESIDUAL, NORMALISED = "x - T x", "normalised iterate"
STYLE = {
    (PICARD, RESIDUAL): ("C0", "-"),
    (PICARD, NORMALISED): ("C0", "--"),
    (HALPERN, RESIDUAL): ("C1", "-"),
    (HALPERN, NORMALISED): ("C1", "--"),
}


def settings(full):
    """Return the number of iterations, and the sizes of the program."""
    return {"iterations": 20_000 if full else 3000, "rows": 20, "columns": 30}


def run(settings, progress):
    """Run both methods on three maps; record squared errors at logarithmic places."""
    rng, rows = np.random.default_rng(0), []
    maps = {
        PROGRAM: program(rng, settings["rows"], settings["columns"]),
        CONE: cone(),
        TURN: turn(),
    }
    for name in progress(maps):
        T, start, v = maps[name]
        for method, solve in ((PICARD, picard), (HALPERN, halpern)):
            rows += errors(name, method, solve, T, start, v, settings["iterations"])
    return rows


def errors(name, method, solve, T, start, v, count):
    """Return rows of the squared errors of one run."""
    wanted = set(np.unique(np.geomspace(1, count, 60).astype(int)).tolist())
    rows, k = [], 0
    factor = 2 if solve is halpern else 1

    def record(x, _):
        nonlocal k
        k += 1
        if k in wanted:
            steps = k + 1 if solve is halpern else k
            found = {RESIDUAL: x - T(x), NORMALISED: factor * (start - x) / steps}
            for estimate, value in found.items():
                error = float(((value - v) ** 2).sum())
                rows.append({"map": name, "method": method, "estimate": estimate, "k": k, "error": error})

    with inner_solve():
        solve(T, start, rtol=0, maxiter=count, callback=record)
    return rows


def splitting(P, Q):
    """Return the map of the Douglas-Rachford method for two projections."""

    def T(z):
        x = P(z)
        return z + Q(2 * x - z) - x

    return T


def program(rng, m, n):
    """Return the map for ``A x = b, x >= 0`` without a solution, a start, and the smallest displacement."""
    A = np.abs(rng.standard_normal((m, n)))
    b = A @ rng.random(n)
    b[0] = -1.0  # a sum of nonnegative numbers that should be negative
    gram = A @ A.T

    def affine(z):
        return z - A.T @ np.linalg.solve(gram, A @ z - b)

    factor = np.linalg.cholesky(gram)
    x, _ = nnls(np.linalg.solve(factor, A), np.linalg.solve(factor, b), maxiter=10_000)
    gap = A.T @ np.linalg.solve(gram, b - A @ x)  # from the orthant to the plane
    return splitting(lambda z: np.maximum(z, 0), affine), np.zeros(n), -gap


def cone():
    """Return the map for a second-order cone and a line that only comes near to it."""

    def to_cone(z):
        size = np.hypot(z[1], z[2])
        if size <= z[0]:
            return z
        if size <= -z[0]:
            return 0 * z
        t = (z[0] + size) / 2
        return np.array([t, t * z[1] / size, t * z[2] / size])

    def to_line(z):  # the points (s, s, 1) lie outside of the cone and tend to it
        s = (z[0] + z[1]) / 2
        return np.array([s, s, 1.0])

    return splitting(to_cone, to_line), np.array([1.0, 0.0, 0.0]), np.zeros(3)


def turn():
    """Return a rotation of a plane and a shift along its axis."""
    c, s = np.cos(1.0), np.sin(1.0)
    M, v = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]), np.array([0.0, 0.0, -0.5])
    return lambda x: M @ x - v, np.array([10.0, 0.0, 0.0]), v


def plot(rows, axes):
    """Draw the squared errors."""
    for ax, name in zip(axes, (PROGRAM, CONE, TURN), strict=True):
        for (method, estimate), (color, line) in STYLE.items():
            k, error = curve(rows, name, method, estimate)
            ax.loglog(k, np.maximum(error, 1e-30), line, color=color, label=f"{method}, {estimate}")
        k = np.array([10.0, float(k[-1])])
        ax.loglog(k, 10 / k, ":", color="0.5", lw=1, label="1/k and 1/k²")
        ax.loglog(k, 10 / k**2, ":", color="0.5", lw=1)
        ax.set(title=name, xlabel="iterations", ylabel="squared error of the displacement")
        ax.grid(True, which="major", alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].legend(frameon=False, fontsize=8)


def curve(rows, name, method, estimate):
    """Return iterations and errors of one curve."""
    chosen = [r for r in rows if (r["map"], r["method"], r["estimate"]) == (name, method, estimate)]
    return np.array([r["k"] for r in chosen]), np.array([r["error"] for r in chosen])


def slope(rows, name, method, estimate):
    """Return the order of the decay: minus the slope of the upper envelope over the last factor of 30."""
    k, error = curve(rows, name, method, estimate)
    envelope = np.maximum.accumulate(error[::-1])[::-1]
    last = k >= k[-1] / 30
    return -float(np.polyfit(np.log(k[last]), np.log(np.maximum(envelope[last], 1e-32)), 1)[0])


def claims(rows):
    """Check the published rates."""
    found = {key: slope(rows, TURN, *key) for key in STYLE}
    linear = {key: slope(rows, PROGRAM, *key) for key in STYLE}
    return [
        Claim(
            "The normalised iterate of Picard: squared error of the order 1/k^2",
            "2",
            f"{found[PICARD, NORMALISED]:.2f} (rotation), {linear[PICARD, NORMALISED]:.2f} (program)",
            found[PICARD, NORMALISED] > 1.8 and linear[PICARD, NORMALISED] > 1.8,
        ),
        Claim(
            "Both estimates of Halpern: squared error of the order 1/k^2, up to a logarithm",
            "2",
            f"{found[HALPERN, RESIDUAL]:.2f} and {found[HALPERN, NORMALISED]:.2f} (rotation)",
            min(found[HALPERN, RESIDUAL], found[HALPERN, NORMALISED]) > 1.6,
        ),
        Claim(
            "The residual of Picard converges like 1/k",
            "1",
            f"{found[PICARD, RESIDUAL]:.2f} (rotation), "
            f"{slope(rows, CONE, PICARD, RESIDUAL):.2f} (cone program)",
            slope(rows, CONE, PICARD, RESIDUAL) > 0.9 and abs(found[PICARD, RESIDUAL]) < 0.1,
            "this needs an averaged map, as that of the cone program; that of a rotation does not fall",
        ),
        Claim(
            "Splittings of linear programs identify the displacement after finitely many steps",
            "not stated",
            f"squared error {curve(rows, PROGRAM, PICARD, RESIDUAL)[1][-1]:.0e} with Picard",
            curve(rows, PROGRAM, PICARD, RESIDUAL)[1][-1] < 1e-12,
            "the residual of Picard is then exact, and better than Halpern's",
        ),
    ]
