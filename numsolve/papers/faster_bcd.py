"""Block coordinate descent: selection rules, block updates, forest-structured blocks and active sets."""

from itertools import pairwise, product
from math import log10

import numpy as np

from .. import coordinate
from .._result import inner_solve
from . import Claim
from ._block_problems import LATTICE, MOONS, NONNEGATIVE, SOFTMAX, SQUARES, problems_of
from ._descents import curve_of, draw, finish, thinned

TITLE = "Block coordinate descent: selection rules, block updates, trees and active sets"
REFERENCE = (
    "J. Nutini, I. Laradji, M. Schmidt, Let's Make Block Coordinate Descent Converge Faster, "
    "J. Mach. Learn. Res. 23, 2022, arXiv:1712.08859, doi:10.48550/arXiv.1712.08859"
)
GOAL = 1e-8  # distance to the optimum at which a curve ends
LATTICE_OPTIMUM = -1045999575.2270696
ACTIVE = 51  # coefficients other than zero in its solution, with the published data
THREE = SQUARES, SOFTMAX, MOONS
EQUAL = 0.02  # difference of mean decimal logarithms of the gap up to which two curves count as equal
ALL = 10**9  # a block size without limit

RANDOM_RULES = ("random", "cyclic", "lipschitz")
RULES = {"variable": (*RANDOM_RULES, "gs", "gsdhb"), "sort": (*RANDOM_RULES, "gs", "gsl")}
GREEDY = {"variable": ("gs", "gsd", "gsdhb", "iht"), "sort": ("gs", "gsd", "gsl", "gsq")}
TREES = {
    "greedy tree": {"partition": "variable", "select": "gs-tree", "block_size": ALL},
    "random tree": {"partition": "variable", "select": "random-tree", "block_size": ALL},
    "tree partition": {"partition": "trees", "select": "cyclic"},
    "red-black": {"partition": "red-black", "select": "cyclic"},
    "general": {"partition": "variable", "select": "gs", "update": "newton"},  # of n^(1/3) coefficients
}
UPDATES = {"PN": "projected-newton", "TMP": "two-metric", "PG": "projected-gradient"}


def settings(full):
    """Return sizes of the problems, the number of iterations, and the sizes of blocks with x >= 0."""
    return {
        "samples": 1000 if full else 200,
        "features": 10000 if full else 1000,
        "softmax": (1000, 1000, 50) if full else (100, 60, 5),
        "points": 2000 if full else 500,
        "labelled points": 100 if full else 40,
        "side": 50,
        "labelled": 100,
        "iterations": 500 if full else 200,
        "block size": 5,
        "block sizes": (5, 50, 100) if full else (5, 20, 50),
        "penalty": 50_000.0 if full else 15_000.0,  # of problem A with x >= 0, in the units of the paper
    }


def runs_of(settings):
    """Return the figure, the problem, the label and the options of `minimize` of each curve."""
    b, runs = settings["block size"], []
    for name, partition in product(THREE, RULES):
        common = {"partition": partition, "block_size": b}
        runs += [("rules", name, s, {**common, "select": s, "update": "gradient"}) for s in RULES[partition]]
        runs += [("updates", name, s, {**common, "select": s, "update": "newton"}) for s in GREEDY[partition]]
    for name, (label, options) in product((LATTICE, MOONS), TREES.items()):
        runs.append(("trees", name, label, {"update": "message-passing", **options}))
    for b, partition, (label, update) in product(
        settings["block sizes"], ("variable", "sort"), UPDATES.items()
    ):
        options = {"partition": partition, "block_size": b, "select": "gsq-nn", "update": update}
        runs.append(("nonnegative", NONNEGATIVE, label, options))
    return runs


def run(settings, progress):
    """Follow each curve; a row is an iteration, `gap` the distance to the optimum."""
    problems, rows = problems_of(settings), []
    for figure, name, label, options in progress(runs_of(settings)):
        problem = problems[name]
        options = {"block_size": int(problem.datafit.n ** (1 / 3)), **options}
        found = follow(problem, settings["iterations"], options)
        key = {
            "figure": figure,
            "problem": name,
            "rule": label,
            "partition": options["partition"],
            "block size": min(options["block_size"], problem.datafit.n),
            "update": options["update"],
            "n": problem.datafit.n,
            "optimum": problem.optimum,
        }
        rows += [{**key, **row} for row in found]
    return rows


def follow(problem, iterations, options):
    """Return the rows of a curve."""
    with inner_solve():  # a miss is an open end of the curve, not a warning
        result = coordinate.minimize(
            problem.datafit,
            problem.penalty,
            rtol=0.0,
            maxiter=iterations,
            check_every=1,
            measure="violation",
            score_norm=1,
            rng=1,
            **options,
        )
    gaps = np.maximum(problem.scale * np.asarray(result.objectives) - problem.optimum, GOAL / 10)
    met = np.flatnonzero(gaps <= GOAL)
    gaps = gaps[: met[0] + 1] if len(met) else gaps
    active = int((result.x != 0).sum())
    return [
        {**row, "active": active}
        for row in thinned([{"iteration": k, "gap": float(gap)} for k, gap in enumerate(gaps)], GOAL)
    ]


def mean_log(rows, iterations, **key):
    """Return the mean decimal logarithm of the gap over all iterations; an ended curve stays at its end."""
    curve = curve_of(rows, **key)
    if not curve:
        raise ValueError(f"no curve has {key}")
    at = np.arange(iterations + 1)
    gaps = [log10(max(row["gap"], GOAL)) for row in curve]
    return float(np.interp(at, [row["iteration"] for row in curve], gaps).mean())


def plot_rules(rows, axes):
    """Draw the rules with gradient steps."""
    _panels(axes, rows, "rules", THREE)


def plot_updates(rows, axes):
    """Draw the rules with Newton steps."""
    _panels(axes, rows, "updates", THREE)


def plot_trees(rows, axes):
    """Draw the forest-structured blocks."""
    _panels(axes, rows, "trees", (LATTICE, MOONS))


def plot_nonnegative(rows, axes):
    """Draw the updates for x >= 0, one panel a block size."""
    chosen = curve_of(rows, figure="nonnegative")
    for ax, size in zip(axes, sorted({row["block size"] for row in chosen}), strict=True):
        _curves(ax, curve_of(chosen, **{"block size": size}))
        finish(ax, title=f"{NONNEGATIVE}, blocks of {size}", xlabel="iterations", ylabel="f - f*")


def _panels(axes, rows, figure, problems):
    for ax, name in zip(axes, problems, strict=True):
        _curves(ax, curve_of(rows, figure=figure, problem=name), figure == "trees")
        finish(ax, title=f"problem {name}, {figure}", xlabel="iterations", ylabel="f - f*")


def _curves(ax, rows, is_named=False):
    """Draw curves: solid for variable blocks, dashed for fixed ones."""
    for partition, rule in dict.fromkeys((row["partition"], row["rule"]) for row in rows):
        label = rule if is_named else f"{rule}, {partition}"
        style = "-" if partition == "variable" else "--"
        draw(ax, curve_of(rows, partition=partition, rule=rule), "iteration", style, label=label)


FIGURES = {
    "rules": (plot_rules, 3),
    "updates": (plot_updates, 3),
    "trees": (plot_trees, 2),
    "nonnegative": (plot_nonnegative, 3),
}


def claims(rows):
    """Compare the order of the curves, by the mean logarithms of their gaps, with the published figures."""
    last = max(row["iteration"] for row in rows)
    return [
        _optimum_claim(rows),
        *_rule_claims(rows, last),
        *_update_claims(rows, last),
        *_tree_claims(rows, last),
        *_nonnegative_claims(rows, last),
    ]


def _optimum_claim(rows):
    found = curve_of(rows, problem=LATTICE)[0]["optimum"]
    return Claim(
        "D: the least value with NumPy's legacy generator and seed 1",
        f"{LATTICE_OPTIMUM:.7f}",
        f"{found:.7f}",
        abs(found - LATTICE_OPTIMUM) <= 1e-6,
        "" if abs(found - LATTICE_OPTIMUM) <= 1e-6 else "another size of the lattice",
    )


def _ordered(rows, last, text, chain, **key):
    """Return the claim that the curves of a chain of groups of rules lie one below the other."""
    means = [[mean_log(rows, last, rule=rule, **key) for rule in group] for group in chain]
    shown = " <= ".join("/".join(group) for group in chain)
    found = "; ".join(
        f"{rule} {mean:.2f}"
        for group, values in zip(chain, means, strict=True)
        for rule, mean in zip(group, values, strict=True)
    )
    gain = min(min(after) - max(before) for before, after in pairwise(means))
    return Claim(text, shown, f"mean log10 of the gap: {found}", *_verdict(gain))


def _verdict(gain):
    """Return whether curves are in order, from the least difference of their means, and a remark."""
    if gain > EQUAL:
        return True, ""
    if gain >= -EQUAL:
        return True, f"two of them are equal within {EQUAL}"
    return False, "sizes, data (A, E) or random choices that are not those of the source"


def _rule_claims(rows, last):
    found = []
    for name, partition in product(THREE, RULES):
        key = {"figure": "rules", "problem": name, "partition": partition}
        greedy = RULES[partition][3:]
        text = f"{name}, {partition} blocks, gradient step"
        found += [
            _ordered(rows, last, f"{text}: greedy rules below the others", [greedy, RANDOM_RULES], **key),
            _ordered(rows, last, f"{text}: Lipschitz constants help", [greedy[::-1][:1], ["gs"]], **key),
            _ordered(rows, last, f"{text}: sampling by them too", [["lipschitz"], ["random"]], **key),
        ]
    found += [_variable_claim(rows, last, "rules", name, "gs") for name in THREE]
    return found


def _variable_claim(rows, last, figure, name, rule, **key):
    """Return the claim that variable blocks are below fixed ones."""
    means = {
        partition: mean_log(rows, last, figure=figure, problem=name, rule=rule, partition=partition, **key)
        for partition in ("variable", "sort")
    }
    size = f", blocks of {key['block size']}" if key else ""
    return Claim(
        f"{name}, {figure}, {rule}{size}: variable blocks below fixed ones",
        "variable <= sort",
        "mean log10 of the gap: " + "; ".join(f"{name} {mean:.2f}" for name, mean in means.items()),
        *_verdict(means["sort"] - means["variable"]),
    )


def _update_claims(rows, last):
    found = []
    for name in THREE:
        key = {"figure": "updates", "problem": name}
        fixed, variable = {**key, "partition": "sort"}, {**key, "partition": "variable"}
        text = f"{name}, Newton step"
        found += [
            _ordered(rows, last, f"{text}, fixed blocks", [["gsq"], ["gsl", "gsd"], ["gs"]], **fixed),
            _ordered(rows, last, f"{text}, variable blocks", [["iht"], ["gsd", "gsdhb"], ["gs"]], **variable),
            _variable_claim(rows, last, "updates", name, "gs"),
        ]
        for partition in RULES:
            means = {
                figure: mean_log(rows, last, figure=figure, problem=name, rule="gs", partition=partition)
                for figure in ("updates", "rules")
            }
            found.append(
                Claim(
                    f"{name}, gs, {partition} blocks: Newton steps below gradient steps",
                    "newton <= gradient",
                    f"mean log10 of the gap: newton {means['updates']:.2f}; gradient {means['rules']:.2f}",
                    *_verdict(means["rules"] - means["updates"]),
                )
            )
    return found


def _tree_claims(rows, last):
    greedy, random, partition, colours, general = TREES
    found = []
    for name in (LATTICE, MOONS):
        key = {"figure": "trees", "problem": name}
        found += [
            _ordered(
                rows, last, f"{name}: greedy trees lowest", [[greedy], [random, partition, colours]], **key
            ),
            _ordered(rows, last, f"{name}: trees below red-black blocks", [[partition], [colours]], **key),
            _ordered(
                rows,
                last,
                f"{name}: forests below general blocks",
                [[greedy, random, partition], [general]],
                **key,
            ),
        ]
    return found


def _nonnegative_claims(rows, last):
    chosen = curve_of(rows, figure="nonnegative")
    sizes = sorted({row["block size"] for row in chosen})
    found = []
    for size, partition in product(sizes, ("variable", "sort")):
        key = {"figure": "nonnegative", "partition": partition, "block size": size}
        text = f"{NONNEGATIVE}, {partition} blocks of {size}"
        found.append(_ordered(rows, last, text, [["PN", "TMP"], ["PG"]], **key))
    found += [
        _variable_claim(rows, last, "nonnegative", NONNEGATIVE, "PN", **{"block size": size})
        for size in sizes
    ]
    ends = [row for row in chosen if row["rule"] == "PN" and row["partition"] == "variable"]
    met = {row["block size"]: row for row in ends if row["reached"]}
    counts = {size: row["iteration"] for size, row in met.items()}
    active = {row["active"] for row in met.values()}
    found.append(
        Claim(
            f"{NONNEGATIVE}, PN, variable blocks: the optimum in finitely many steps, larger blocks fewer",
            f"{ACTIVE} active coefficients, with other data",
            f"{', '.join(map(str, sorted(active))) or 'no run'} active; iterations "
            + (", ".join(f"{count} ({size})" for size, count in sorted(counts.items())) or "none"),
            len(active) == 1 and list(counts.values()) == sorted(counts.values(), reverse=True),
            "the published data are not available; the number of active coefficients is that of ours",
        )
    )
    return found
