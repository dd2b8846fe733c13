"""What runs before kernels are compiled: their reference, and one thread in place of several.

Compiling a kernel takes a good part of a second, and more for several threads. A call on few numbers takes
microseconds, whatever runs it. So a kernel of which the disk holds no compiled code first runs as its
reference, and on one thread, until the CPU time spent so is of the order of what compiling costs. The
reference has the same results up to rounding; one thread adds the same sums in the same order as several.

With the environment variable ``NUMSOLVE_COMPILE=always`` each kernel is compiled when it is first called.
"""

import os
from contextlib import contextmanager
from contextvars import ContextVar
from time import thread_time

import numpy as np

REFERENCE_TIME, SERIAL_TIME = 0.1, 1.0  # CPU seconds for each kernel before it is compiled, for threads
# Most numbers in all arrays of a call, so that even one call of a reference takes little time.
MOST, MOST_IN_LOOPS = 1 << 16, 1 << 15
# Files whose references loop over rows.
LOOPS = {
    "block_jacobi",
    "coordinate",
    "cyclic",
    "dirac",
    "forest",
    "fraction",
    "kaczmarz",
    "radial",
    "relaxation",
    "risk_parity",
    "sliced",
    "transport",
    "triangular",
}


_at_once = ContextVar("_at_once", default=False)


@contextmanager
def compile_at_once():
    """Compile all kernels that are called in a context, so that times taken later are those of kernels."""
    token = _at_once.set(True)
    try:
        yield
    finally:
        _at_once.reset(token)


def is_allowed():
    """Tell whether kernels may run without being compiled."""
    return not _at_once.get() and os.environ.get("NUMSOLVE_COMPILE") != "always"


class Budget:
    """Some CPU seconds for calls of a function that is slower than its compiled version."""

    def __init__(self, seconds):
        self._seconds = seconds

    def is_spent(self):
        """Tell whether compiling pays from now on."""
        return self._seconds <= 0 or not is_allowed()

    def spend(self):
        """Let compiling pay from now on."""
        self._seconds = 0

    def run(self, function, args):
        """Call the function, and subtract its time unless the call compiled it."""
        versions = getattr(function, "overloads", ())
        before, start = len(versions), thread_time()
        try:
            return function(*args)
        finally:
            if len(versions) == before:
                self._seconds -= thread_time() - start


class Substitute:
    """A kernel that runs as its reference until compiling it pays; `compile_now` is called once it does."""

    def __init__(self, reference, compiled, most, compile_now):
        self._reference, self._compiled, self._compile_now = reference, compiled, compile_now
        self._most, self._budget = most, Budget(REFERENCE_TIME)

    def __call__(self, *args):
        if self._budget.is_spent():
            self._budget.spend()
            self._compile_now()
            return self._compiled(*args)
        if sum(a.size for a in args if isinstance(a, np.ndarray)) > self._most:
            self._budget.spend()
            return self(*args)
        with np.errstate(all="ignore"):
            returned = self._budget.run(self._reference, [_of_numpy(a) for a in args])
        return tuple(map(_of_python, returned)) if isinstance(returned, tuple) else _of_python(returned)


def substitute(file, reference, compiled, compile_now):
    """Return what runs in place of a compiled kernel of a file."""
    return Substitute(reference, compiled, MOST_IN_LOOPS if file in LOOPS else MOST, compile_now)


def _of_numpy(value):
    """Return a Python number as one of NumPy, whose division by zero is no error; anything else as it is."""
    return np.asarray(value)[()] if isinstance(value, float | complex) else value


def _of_python(value):
    """Return a number of NumPy as one of Python, as compiled kernels do; anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value
