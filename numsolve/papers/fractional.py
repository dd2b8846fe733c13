"""Coordinate descent for ratios: sparse recovery and independent components, beside gradient methods."""

from functools import partial

import numpy as np

from .. import coordinate
from .._result import inner_solve
from . import Claim

TITLE = "Ratios minimised by coordinates, by proximal gradients and by the power method"
REFERENCE = (
    "G. Yuan, Coordinate Descent Methods for Fractional Minimization, ICML 2023, PMLR 202, 40488-40518, "
    "doi:10.48550/arXiv.2201.12691"
)
RECOVERY, COMPONENT = "sparse recovery", "independent component"
PCD, PGSA, DPA, FCD, POWER = "PCD", "PGSA", "Dinkelbach", "FCD", "power method"
PCD_AFTER, PGSA_AFTER = "PCD after PGSA", "PGSA after PCD"
GAUSSIAN, SPARSE = "Gaussian", "sparse"
INNER = 10  # proximal gradient steps in one step of Dinkelbach's method
NONZERO = 100  # of the vector to recover, and k
EQUAL = 1e-3  # relative difference below which two ratios count as equal
MOST_ROWS = 60  # of a curve


def settings(full):
    """Return the sizes, the kinds of data, the number of instances, and the limit of passes."""
    return {
        "sizes": [(2048, 1024), (1024, 1024), (1024, 2048)] if full else [(512, 256), (256, 512)],
        "data": [GAUSSIAN, SPARSE],
        "instances": 8 if full else 3,
        "passes": 8000 if full else 3000,
    }


def run(settings, progress):
    """Follow each method from the same start; a row is a point of a curve."""
    cases = [(kind, m, n) for kind in settings["data"] for m, n in settings["sizes"]]
    rows = []
    for kind, m, n in progress(cases):
        for instance in range(settings["instances"]):
            rng = np.random.default_rng(instance)
            G = data_matrix(kind, m, n, rng)
            recovery, component = Recovery(G, rng), Component(G, rng)
            curves = {
                (RECOVERY, name): recovery.follow(name, settings["passes"]) for name in (PCD, PGSA, DPA)
            }
            for name, first, second in ((PCD_AFTER, PGSA, PCD), (PGSA_AFTER, PCD, PGSA)):
                start = curves[RECOVERY, first][1]
                curves[RECOVERY, name] = recovery.follow(second, settings["passes"], start)
            curves |= {(COMPONENT, name): component.follow(name, settings["passes"]) for name in (FCD, POWER)}
            for (problem, method), (curve, _) in curves.items():
                key = {"problem": problem, "data": kind, "m": m, "n": n, "instance": instance}
                rows += [{**key, "method": method, **point} for point in _thinned(curve)]
    return rows


def data_matrix(kind, m, n, rng):
    """Return a matrix of Frobenius norm one.

    The source takes blocks of sparse matrices of texts, plus noise of size 1e-5. In their place there are
    matrices of normal deviates, and sparse ones, 2 % of whose entries are log-normal, with the same noise.
    """
    G = rng.standard_normal((m, n))
    if kind == SPARSE:
        G = np.where(rng.random((m, n)) < 0.02, np.exp(G), 1e-5 * rng.standard_normal((m, n)))
    return G / np.linalg.norm(G)


class Recovery:
    """An instance of sparse recovery: the ratio of ``|G x - y|^2 / 2 + lam |x|_1`` to ``lam |x|_[k]``."""

    def __init__(self, G, rng):
        m, n = G.shape
        self.k = min(NONZERO, n // 2)
        x = np.zeros(n)
        x[rng.permutation(n)[: self.k]] = rng.standard_normal(self.k)
        y = G @ x
        self.G, self.y = G, y + 0.1 * np.linalg.norm(y) * rng.standard_normal(m)
        self.lam, self.start = 0.1 / m, 0.1 * rng.standard_normal(n)
        self.lipschitz = np.linalg.norm(G, 2) ** 2

    def follow(self, method, passes, start=None):
        """Return the curve of a method, points of passes and ratio, and where it ends."""
        start = self.start if start is None else start
        if method == PCD:
            solve = partial(coordinate.sparse_fraction, self.G, self.y, self.lam, self.k, start)
            return _sweeps(solve, self.ratio, start, passes)
        x, curve, inner = start, [_point(0, self.ratio(start))], INNER if method == DPA else 1
        for done in range(2 * inner, passes + 1, 2 * inner):
            ratio, top = curve[-1]["ratio"], self.top(x)
            above = self.lam * ratio * np.where(top, np.sign(x), 0)
            for _ in range(inner):
                v = x - (self.G.T @ (self.G @ x - self.y) - above) / self.lipschitz
                x = np.sign(v) * np.maximum(abs(v) - self.lam / self.lipschitz, 0)
            curve.append(_point(done, self.ratio(x)))
            if abs(curve[-1]["ratio"] - ratio) <= 1e-10 * ratio:
                break
        return curve, x

    def ratio(self, x):
        """Return the ratio at x."""
        r, above = self.G @ x - self.y, abs(x)[self.top(x)].sum()
        return float((r @ r / 2 + self.lam * abs(x).sum()) / (self.lam * above))

    def top(self, x):
        """Return a mask of the k largest magnitudes."""
        mask = np.zeros(len(x), bool)
        mask[np.argpartition(-abs(x), self.k - 1)[: self.k]] = True
        return mask


class Component:
    """An instance of the search for an independent component: the ratio of ``x^T x`` to ``|A x|_4^2``."""

    def __init__(self, A, rng):
        self.A, self.start = A, rng.standard_normal(A.shape[1])

    def follow(self, method, passes):
        """Return the curve of a method, points of passes and ratio, and where it ends."""
        if method == FCD:
            solve = partial(coordinate.kurtosis_direction, self.A, self.start)
            return _sweeps(solve, self.ratio, self.start, passes)
        x = self.start / np.linalg.norm(self.start)
        curve = [_point(0, self.ratio(x))]
        for done in range(2, passes + 1, 2):
            x = self.A.T @ (self.A @ x) ** 3
            x /= np.linalg.norm(x)
            curve.append(_point(done, self.ratio(x)))
            if abs(curve[-1]["ratio"] - curve[-2]["ratio"]) <= 1e-10 * curve[-1]["ratio"]:
                break
        return curve, x

    def ratio(self, x):
        """Return the ratio at x."""
        return float(x @ x / np.sqrt(((self.A @ x) ** 4).sum()))


def _sweeps(solve, ratio, start, passes):
    """Return the curve of coordinate descent; a sweep is two passes over the matrix."""
    curve = [_point(0, ratio(start))]

    def note(x, change):  # noqa: ARG001 - the protocol
        curve.append(_point(2 * len(curve), ratio(x)))

    with inner_solve():
        x = solve(rtol=1e-6, maxiter=passes // 2, callback=note).x
    return curve, x


def _point(passes, ratio):
    return {"passes": passes, "ratio": ratio}


def _thinned(curve):
    """Return at most MOST_ROWS points of a curve, the first and the last among them."""
    last = len(curve) - 1
    return [
        curve[k] for k in sorted({*np.unique(np.geomspace(1, last + 1, MOST_ROWS).astype(int)) - 1, last})
    ]


def ends(rows):
    """Return the last ratio of each method: a dictionary from problem, data, sizes and instance."""
    found = {}
    for row in rows:
        key = row["problem"], row["data"], row["m"], row["n"], row["instance"]
        found.setdefault(key, {})[row["method"]] = row["ratio"]
    return found


def plot(rows, axes):
    """Draw the ratio over the best one that was found, for the first instance of each case."""
    cases = dict.fromkeys((r["problem"], r["data"], r["m"], r["n"]) for r in rows if r["data"] == GAUSSIAN)
    chosen = [case for case in cases if case[0] == RECOVERY][:2] + [c for c in cases if c[0] == COMPONENT][:1]
    names = "problem", "data", "m", "n"
    for ax, case in zip(axes, chosen, strict=False):
        picked = [r for r in rows if r["instance"] == 0 and tuple(r[name] for name in names) == case]
        best = min(row["ratio"] for row in picked)
        for method in dict.fromkeys(row["method"] for row in picked):
            curve = [row for row in picked if row["method"] == method]
            if method not in (PCD_AFTER, PGSA_AFTER):
                x = [max(row["passes"], 1) for row in curve]
                ax.loglog(x, [row["ratio"] / best for row in curve], label=method)
        ax.set(title=f"{case[0]}, {case[2]} x {case[3]}", xlabel="passes over the matrix")
        ax.set_ylabel("ratio / smallest ratio found")
        ax.legend(frameon=False, fontsize=8)
        ax.grid(True, which="major", alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)


FIGURE = 3


def claims(rows):
    """Compare where the methods end, and whether each can lower the ratio from where another ended."""
    found = ends(rows)
    recovery = {key: e for key, e in found.items() if key[0] == RECOVERY}
    tall = [e for key, e in recovery.items() if key[2] >= key[3]]
    wide = [e for key, e in recovery.items() if key[2] < key[3]]
    component = [e for key, e in found.items() if key[0] == COMPONENT]
    return [
        _lowest("sparse recovery, no more columns than rows: PCD ends lowest", tall, PCD, (PGSA, DPA)),
        _lowest("sparse recovery, more columns than rows: PCD ends lowest", wide, PCD, (PGSA, DPA)),
        _lowest("independent component: FCD ends lowest", component, FCD, (POWER,)),
        _further("PCD can lower the ratio from where PGSA ended", recovery, PCD_AFTER, PGSA, lowers=True),
        _further("PGSA cannot lower the ratio from where PCD ended", recovery, PGSA_AFTER, PCD, lowers=False),
    ]


def _lowest(text, ended, ours, rivals):
    """Count the cases in which a method ends below or equal to its rivals."""
    gaps = [e[ours] / min(e[rival] for rival in rivals) - 1 for e in ended]
    below, equal = sum(gap < -EQUAL for gap in gaps), sum(abs(gap) <= EQUAL for gap in gaps)
    span = f"{100 * min(gaps):+.1f} % to {100 * max(gaps):+.1f} %"
    return Claim(
        text,
        "on all data",
        f"lower in {below}, equal in {equal} of {len(gaps)}; {span} relative to the best rival",
        below + equal == len(gaps),
        "generated matrices, not the texts of the source; passes in place of 60 seconds",
    )


def _further(text, ended, after, before, *, lowers):
    """Count the cases in which a second method lowers the ratio."""
    drops = [1 - e[after] / e[before] for e in ended.values()]
    count = sum(drop > EQUAL for drop in drops)
    return Claim(
        text,
        "a point that is optimal in each coordinate is critical, but not the other way around",
        f"lower in {count} of {len(drops)}, by up to {100 * max(max(drops), 0):.2f} %",
        count > 0 if lowers else count == 0,
    )
