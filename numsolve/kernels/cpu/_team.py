"""The threads that kernels share: one call at a time, and fewer threads while other programs compute.

The threads of a call wait for each other at its end. If another program keeps a processor busy, one thread
loses its turn and the others wait for it: a call on two threads was measured to take up to ten times as long
as on one. So the number of programs that compute is looked up every few milliseconds, and the threads are
limited to the processors that are left. Results do not depend on the number of threads.
"""

import os
from threading import Lock
from time import perf_counter

import numba

INTERVAL = 0.02  # seconds between two looks at the load
LOAD = "/proc/loadavg"  # Linux: its fourth field counts the threads of the machine that run or could run

MOST = numba.config.NUMBA_NUM_THREADS  # pyright: ignore

_one_call = Lock()  # Numba's work queue aborts the process when two Python threads enter it
_state = {"called": False, "forked": False, "limit": os.cpu_count() or 1, "others": 0, "due": 0.0}


def _after_fork():
    _state["forked"] = _state["forked"] or _state["called"]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def is_lost():
    """Tell whether this process lost its threads: GNU OpenMP aborts a forked child that uses its parent's."""
    return _state["forked"]


def run(function, args):
    """Call a compiled function that uses threads."""
    with _one_call:
        _state["called"] = True
        try:
            return function(*args) if _state["limit"] >= MOST else _run_on_few(function, args)
        finally:
            if perf_counter() >= _state["due"]:
                _look()


def _run_on_few(function, args):
    """Call a function on at most as many threads as the limit, and restore the caller's number of threads."""
    allowed = numba.get_num_threads()
    numba.set_num_threads(min(allowed, _state["limit"]))
    try:
        return function(*args)
    finally:
        numba.set_num_threads(allowed)


def _look():
    """Limit the threads to the processors that no other program needs, if two looks in turn agree on it."""
    others = _count_others()
    busy, _state["others"] = min(others, _state["others"]), others
    _state["limit"] = max((os.cpu_count() or 1) - busy, 1)
    _state["due"] = perf_counter() + INTERVAL


def _count_others():
    """Return how many threads of other programs compute; 0 where the system does not tell.

    Just after a call the threads of this process still count: those that wait for the next call spin.
    """
    try:
        with open(LOAD, "rb") as file:
            running = int(file.read().split()[3].split(b"/")[0])
    except (OSError, ValueError, IndexError):
        return 0
    return max(running - min(_state["limit"], MOST), 0)
