"""Bars of transport: nanoseconds an entry and iteration, iterations saved by over-relaxation, and peers."""

import importlib.util
import warnings
from functools import partial
from statistics import median

import numba
import numpy as np
from measure import in_turn, ratio

from numsolve.problems import assignment, image_pair, line_pair, point_clouds
from numsolve.transport import sinkhorn
from numsolve.transport._forms import Fused, scaled
from numsolve.transport._omega import Constant
from numsolve.transport._steps import Sinkhorn

GOALS = {  # nanoseconds an entry, with two threads
    ("logarithms", 1000): 0.30,
    ("logarithms", 4000): 0.35,
    ("points", 1000): 0.27,
    ("points", 4000): 0.27,
    ("scaling", 1000): None,
    ("scaling", 4000): None,
}


def passes(rounds):
    """Yield the time of an iteration an entry, of each form of the cost, in double precision."""
    threads = numba.config.NUMBA_NUM_THREADS
    for n in (1000, 4000):
        a, b, cloud = point_clouds(n, rng=0)
        dense = cloud.rows(0, n)
        eps = 0.1 * float(np.median(dense))
        log = Fused(dense, float, a)
        forms = {"logarithms": log, "points": Fused(cloud, float, a), "scaling": scaled(log, 1 / eps)}
        runs = {name: _steps(form, 1 / eps, a, b, log) for name, form in forms.items()}
        for count in (1, threads):
            numba.set_num_threads(count)
            seconds = in_turn(runs, 4 * rounds)
            for name, times in seconds.items():
                goal = GOALS[name, n] if count == 2 else None
                title = f"Sinkhorn, {name}, n = {n}, {count} thread(s), ns an entry and iteration"
                yield title, median(times) / 10 / n**2 * 1e9, goal and -goal, ""
    numba.set_num_threads(threads)


def _steps(form, inverse, a, b, start):
    """Return a function that takes ten iterations."""
    state = Sinkhorn(form, inverse, a, b, (1.0, 1.0), Constant(1.0))
    F, G = start.least(inverse, np.zeros_like(b))
    x, y, live = np.concatenate([F, G]), np.empty(a.size + b.size), np.ones(1, bool)

    def run():
        for _ in range(5):
            state.sweep(live, x, y)
            state.sweep(live, y, x)

    return run


def relaxed(rounds):  # noqa: ARG001 - counts do not vary
    """Yield how many times fewer iterations over-relaxation takes, at least 4 where Sinkhorn needs 700."""
    problems = {
        "clouds": point_clouds(500, rng=0),
        "images": image_pair(22, rng=3),
        "line": line_pair(500),
        "assignment": assignment(500, rng=1),
    }
    for name, (a, b, cost) in problems.items():
        C = cost if isinstance(cost, np.ndarray) else cost.rows(0, len(a))
        for fraction in (0.1, 0.01, 0.002):
            eps = fraction * float(np.median(C))
            plain, fast, newton = (
                sinkhorn(a, b, C, eps, atol=1e-8, maxiter=20_000, **options)
                for options in ({"method": "log", "omega": 1.0}, {"method": "log"}, {"method": "newton"})
            )
            many = "" if plain.success else "more than "
            note = f"{many}{plain.nit} its, over-relaxed {fast.nit}, Newton {newton.nit}"
            bar = 4.0 if plain.nit > 700 else 1 / 1.1
            yield (
                f"over-relaxation, {name}, eps {fraction:g} of the median, its of Sinkhorn",
                (plain.nit / fast.nit),
                bar,
                note,
            )


def peers(rounds):
    """Yield the time to a marginal error of 1e-6 against what is installed of POT and OTT."""
    a, b, cloud = point_clouds(1000, rng=0)
    C = cloud.rows(0, 1000)
    eps = 0.01 * float(np.median(C))
    runs = {"numsolve": partial(sinkhorn, a, b, C, eps, atol=1e-6)}
    if importlib.util.find_spec("ot"):
        import ot

        stop = 1e-6 / 1000**0.5  # POT's error is in the 2-norm
        runs["POT log"] = partial(
            ot.sinkhorn, a, b, C, eps, method="sinkhorn_log", stopThr=stop, numItermax=10**4
        )
        runs["POT"] = partial(ot.sinkhorn, a, b, C, eps, method="sinkhorn", stopThr=stop, numItermax=10**4)
    if importlib.util.find_spec("ott"):
        import jax
        from ott.geometry import geometry
        from ott.solvers import linear

        jax.config.update("jax_enable_x64", True)
        geom = geometry.Geometry(cost_matrix=jax.numpy.asarray(C), epsilon=eps)
        solve = jax.jit(partial(linear.solve, threshold=1e-6, max_iterations=10**4))
        runs["OTT"] = lambda: jax.block_until_ready(solve(geom, jax.numpy.asarray(a), jax.numpy.asarray(b)).f)
    if len(runs) == 1:
        yield "Sinkhorn against POT and OTT", float("nan"), None, "skipped: neither is installed"
        return
    seconds = in_turn(runs, rounds)
    for name in list(runs)[1:]:
        bar = {"POT log": 100.0, "POT": None, "OTT": 4.0}[name]
        yield (
            f"clouds, n = 1000, eps 0.01 of the median, to 1e-6, against {name}",
            ratio(seconds, name),
            bar,
            "",
        )


def transport(rounds):
    """All of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield from passes(rounds)
        yield from relaxed(rounds)
        yield from peers(rounds)
