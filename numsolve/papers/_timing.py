"""How papers measure times: every curve is warmed up with its own arguments, and the load is measured."""

import os
from pathlib import Path
from time import perf_counter

from ..kernels.cold import compile_at_once

clock = perf_counter  # every time of a paper is read from here
BUSY = 0.1  # share of the processors used by other programs above which the machine counts as busy
ROUNDING = 0.1  # processors by which a load may come out negative, for the system counts in ticks


def second_call(call):
    """Call a function twice and return what the second call returns.

    The first call compiles every kernel that these very arguments need, and loads them into memory.

    Parameters
    ----------
    call : callable
        Takes no argument; both calls must do the same.

    Returns
    -------
    object
        The value of the second call.
    """
    with compile_at_once():
        call()
    return call()


def time_call(call):
    """Call a function twice and return what the second call returns, and its seconds."""
    with compile_at_once():
        call()
    begun = clock()
    value = call()
    return value, clock() - begun


def least_time(call, rounds):
    """Return the least seconds of so many calls, after one that is not timed."""
    with compile_at_once():
        call()
    seconds = []
    for _ in range(rounds):
        begun = clock()
        call()
        seconds.append(clock() - begun)
    return min(seconds)


class LoadMeter:
    """Measures how many processors other programs use, from when the meter is made.

    Where the system does not count the processor time of all programs (there is no ``/proc/stat``), the load
    is unknown.
    """

    def __init__(self):
        self._begun, self._before = clock(), _seconds_of_others()

    def cores(self):
        """Return the mean number of processors that other programs have used so far, or None if unknown."""
        elapsed, now = clock() - self._begun, _seconds_of_others()
        if now is None or self._before is None or elapsed <= 0:
            return None
        used = (now - self._before) / elapsed
        if used < -ROUNDING:  # this process used more than the system says all did: a counter is not kept
            return None
        return max(used, 0.0)


def is_busy(cores):
    """Tell whether a load disturbs times; one that is unknown may."""
    return cores is None or cores > BUSY * (os.cpu_count() or 1)


def describe_load(cores):
    """Return a phrase on the load that a `LoadMeter` found."""
    if cores is None:
        return "load by other programs unknown"
    return f"other programs used {cores:.2f} of {os.cpu_count()} cores"


def _seconds_of_others():
    """Return the processor time of all programs but this process and its ended children, or None."""
    try:
        kind, *ticks = Path("/proc/stat").read_text().split("\n", 1)[0].split()
        user, nice, system, _, _, irq, softirq, steal = map(int, ticks[:8])
    except (OSError, ValueError):
        return None
    if kind != "cpu" or not user + system:
        return None
    own = os.times()
    busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    return busy - (own.user + own.system + own.children_user + own.children_system)
