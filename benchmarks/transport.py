"""Bars of transport: nanoseconds an entry and iteration, iterations saved by over-relaxation, and peers."""

import importlib.util
import subprocess
import sys
import warnings
from functools import partial
from statistics import median

import numba
import numpy as np
from measure import in_turn, iterations, ratio

from numsolve.problems import assignment, image_pair, line_pair, point_clouds
from numsolve.transport import sinkhorn
from numsolve.transport._iteration import Sinkhorn
from numsolve.transport._omega import Constant
from numsolve.transport._passes import FusedPasses, with_exponentials

GOALS = {  # nanoseconds an entry, with two threads
    ("logarithms", 1000): 0.30,
    ("logarithms", 4000): 0.35,
    ("points", 1000): 0.27,
    ("points", 4000): 0.27,
    ("scaling", 1000): None,
    ("scaling", 4000): None,
}


def passes(rounds):
    """Yield the time per iteration and entry for each form of the cost, in double precision."""
    threads = numba.config.NUMBA_NUM_THREADS
    for n in (1000, 4000):
        a, b, cloud = point_clouds(n, rng=0)
        dense = cloud.rows(0, n)
        eps = 0.1 * float(np.median(dense))
        log = FusedPasses(dense, float, a[None])
        forms = {
            "logarithms": log,
            "points": FusedPasses(cloud, float, a[None]),
            "scaling": with_exponentials(log, 1 / eps),
        }
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
    state = Sinkhorn(form, inverse, a[None], b[None], (1.0, 1.0), [Constant(1.0)])
    state.set_omega()
    x = np.concatenate(start.least(inverse, np.zeros((1, b.size))), axis=1)[0]
    y, live = np.empty(a.size + b.size), np.ones(1, bool)

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
            counts = [iterations(result.nit, result.success) for result in (plain, fast, newton)]
            note = "{} its, over-relaxed {}, Newton {}".format(*counts)
            note += "" if plain.success else "; the ratio is a lower bound"
            bar = 4.0 if plain.nit > 700 else 1 / 1.1
            gain = plain.nit / fast.check().nit
            yield f"over-relaxation, {name}, eps {fraction:g} of the median, its of Sinkhorn", gain, bar, note


def peers(rounds):
    """Yield times against those of POT, OTT and regOT that are installed: per iteration, and to an error."""
    a, b, cloud = point_clouds(1000, rng=0)
    C = cloud.rows(0, 1000)
    eps = 0.01 * float(np.median(C))
    each, whole, precise = {}, {}, {}
    if importlib.util.find_spec("ot"):
        import ot

        stop = 1e-6 / 1000**0.5  # POT's error is in the 2-norm
        pot = partial(ot.sinkhorn, a, b, C, eps, warn=False)
        each["POT log"] = partial(pot, method="sinkhorn_log", stopThr=0, numItermax=20)
        whole["POT log"] = partial(pot, method="sinkhorn_log", stopThr=stop, numItermax=10**4)
        whole["POT"] = partial(pot, method="sinkhorn", stopThr=stop, numItermax=10**4)
    if importlib.util.find_spec("ott"):
        import jax
        from ott.geometry import geometry
        from ott.solvers import linear

        jax.config.update("jax_enable_x64", True)
        masses = jax.numpy.asarray(a), jax.numpy.asarray(b)
        geom = geometry.Geometry(cost_matrix=jax.numpy.asarray(C), epsilon=eps)

        def ott(threshold, most):
            solve = jax.jit(partial(linear.solve, threshold=threshold, max_iterations=most))
            return lambda: jax.block_until_ready(solve(geom, *masses).f)

        each["OTT"], whole["OTT"] = ott(0.0, 20), ott(1e-6, 10**4)
    if importlib.util.find_spec("regot"):
        import regot

        columns = np.asfortranarray(C)
        precise["regOT's SSNS"] = lambda: regot.sinkhorn_ssns(columns, a, b, eps, tol=1e-9 / 1000**0.5)
    ours = partial(sinkhorn, a, b, C, eps)
    cases = (
        ("20 iterations", each, partial(ours, atol=0, omega=1.0, maxiter=20), {"POT log": 40, "OTT": 4}),
        ("to 1e-6", whole, partial(ours, atol=1e-6), {"POT log": 100, "POT": 3}),
        ("to 1e-9", precise, partial(ours, atol=1e-9), {"regOT's SSNS": 10}),
    )
    for what, others, run, bars in cases:
        if not others:
            yield f"clouds, n = 1000, {what}, against peers", float("nan"), None, "skipped: not installed"
            continue
        seconds = in_turn({"numsolve": run, **others}, rounds)
        for name in others:
            title = f"clouds, n = 1000, eps 0.01 of the median, {what}, against {name}"
            yield title, ratio(seconds, name), bars.get(name), f"{median(seconds['numsolve']) * 1e3:.3g} ms"


def batches(rounds):
    """Yield times of many small problems at once, against one by one and installed peers."""
    for k, n in ((100, 32), (30, 100), (10, 300)):
        rng = np.random.default_rng(0)
        a, x, y = np.full((k, n), 1 / n), rng.random((k, n, 2)), rng.random((k, n, 2))
        C = ((x[:, :, None] - y[:, None]) ** 2).sum(axis=-1)
        eps = 0.05 * float(np.median(C))
        runs = {
            "numsolve": lambda a=a, C=C, eps=eps: [one.check() for one in sinkhorn(a, a, C, eps, atol=1e-6)],
            "one after the other": lambda a=a, C=C, eps=eps: [
                sinkhorn(p, p, cost, eps, atol=1e-6).check() for p, cost in zip(a, C, strict=True)
            ],
        }
        if importlib.util.find_spec("ot"):
            from ot.batch import solve_batch

            solve = partial(solve_batch, C, eps, a, a, max_iter=10**4, method="log_sinkhorn")
            runs["POT's solve_batch"] = partial(solve, tol=1e-6 / n)
        if importlib.util.find_spec("ott"):
            runs["OTT under vmap"] = _ott_batch(a, C, eps)
        seconds = in_turn(runs, rounds)
        for name in list(runs)[1:]:
            title = f"{k} problems of {n} points, eps 0.05 of the median, to 1e-6, against {name}"
            yield title, ratio(seconds, name), 1.0, f"{median(seconds['numsolve']) * 1e3:.3g} ms"


def _ott_batch(a, C, eps):
    """Return a call that solves all problems by OTT."""
    import jax
    from ott.geometry import geometry
    from ott.solvers import linear

    jax.config.update("jax_enable_x64", True)

    def one(a, C):
        geom = geometry.Geometry(cost_matrix=C, epsilon=eps)
        return linear.solve(geom, a, a, threshold=1e-6, max_iterations=10**4).f

    solve, masses, costs = jax.jit(jax.vmap(one)), jax.numpy.asarray(a), jax.numpy.asarray(C)
    return lambda: jax.block_until_ready(solve(masses, costs))


def memory(rounds):  # noqa: ARG001 - once is enough
    """Yield the memory that a cloud of 10,000 points takes, in a process of its own."""
    code = (
        "import resource, numpy as np; from numsolve.problems import point_clouds;"
        "from numsolve.transport import sinkhorn; a, b, cloud = point_clouds(10_000, rng=0);"
        "eps = 0.01 * float(np.median(cloud.rows(0, 500)));"
        "found = sinkhorn(a, b, cloud, eps, atol=1e-6).check();"
        "print(found.nit, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    count, size = output.split()
    yield "cloud, n = 10,000, eps 0.01 of the median, to 1e-6, GiB", float(size), -1.0, f"{count} its"


def transport(rounds):
    """Run every group of transport."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield from passes(rounds)
        yield from relaxed(rounds)
        yield from peers(rounds)
        yield from batches(rounds)
        yield from memory(rounds)
