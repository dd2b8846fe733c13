"""A machine on which the first call with given arguments takes long, as one does that compiles."""

import numpy as np
import pytest

from numsolve.papers import _timing


class Machine:
    """A fake clock, which moves only while chosen functions are called.

    A call takes 1 second, and `COMPILE` seconds more if its key is seen for the first time. The key describes
    the arguments: those of an array by type, dtype and shape, those of a number or a text by value.
    """

    COMPILE = 1000.0

    def __init__(self, monkeypatch):
        self.now, self.seen, self.monkeypatch = 0.0, set(), monkeypatch
        monkeypatch.setattr(_timing, "clock", lambda: self.now)

    def slow_down(self, owner, *names, key=None):
        """Let functions of a module or a class take time."""
        for name in names:
            self.monkeypatch.setattr(owner, name, self.slowed(getattr(owner, name), key))

    def slowed(self, function, key=None):
        """Return a function that takes time; ``key(*args, **options)`` describes a call."""

        def call(*args, **options):
            described = (key or describe)(*args, **options)
            first = (function, described) not in self.seen
            self.seen.add((function, described))
            self.now += 1.0 + first * self.COMPILE
            return function(*args, **options)

        return call


def describe(*args, **options):
    """Return what decides which kernels a call needs."""
    return (*map(_kind, args), *((name, _kind(value)) for name, value in sorted(options.items())))


def _kind(value):
    if value is None or isinstance(value, str | int | float):
        return value
    dtype = getattr(value, "dtype", None)
    return type(value).__name__, str(dtype), np.shape(value) if dtype is not None else None


@pytest.fixture
def machine(monkeypatch):
    """A machine with a fake clock."""
    return Machine(monkeypatch)
