"""How everything here is measured: a warm-up by the same call, competitors in turn, ratios of one run."""

import os
from statistics import median
from time import perf_counter

from numsolve.papers._timing import LoadMeter, describe_load

os.environ.setdefault("NUMSOLVE_COMPILE", "always")  # the first call compiles all kernels of the later ones

__all__ = ["LoadMeter", "describe_load", "floor_row", "in_turn", "iterations", "ratio"]


def in_turn(runs, rounds):
    """Return the seconds of each run in each round, after one round that compiles and is not counted."""
    seconds = {name: [] for name in runs}
    for counted in range(rounds + 1):
        for name, run in runs.items():
            begun = perf_counter()
            run()
            if counted:
                seconds[name].append(perf_counter() - begun)
    return seconds


def iterations(count, converged):
    """Return a count as text: a lower bound if the run ended at its limit."""
    return f"{count}" if converged else f"> {count}"


def ratio(seconds, peer, ours="numsolve"):
    """Return the median ratio of a peer's time to ours."""
    return median(p / o for p, o in zip(seconds[peer], seconds[ours], strict=True))


def floor_row(name, seconds, steps, moved, speeds, bar):
    """Return the row of a byte floor: bytes over the triad's bandwidth of the same round, over our time."""
    each = [s / steps for s in seconds["numsolve"]]
    fraction = median(moved / 1e9 / speed / time for speed, time in zip(speeds, each, strict=True))
    note = f"{median(each) * 1e3:.2f} ms for {moved / 1e6:.0f} MB, triad {median(speeds):.1f} GB/s"
    return f"{name}, fraction of the byte floor", fraction, bar, note
