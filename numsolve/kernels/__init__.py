"""Hot loops. Each exists three times, with the same file, name and arguments: reference, cpu, gpu."""

from functools import cache, partial
from importlib import import_module
from typing import Any

from .._array import library
from . import cold
from .table import TABLE

_HOME = {"numpy": "cpu", "cupy": "gpu"}


class Home:
    """The kernels of one kind as attributes; a file is imported when its first kernel is used."""

    def __init__(self, name):
        self._name = name

    def __reduce__(self):
        return home, (self._name,)

    def __getattr__(self, kernel):
        if kernel not in TABLE:
            raise AttributeError(f"there is no kernel {kernel!r}")
        file = TABLE[kernel][0]
        function = getattr(import_module(f"{__name__}.{self._name}.{file}"), kernel)
        if self._name == "cpu" and cold.is_allowed() and not _has_compiled(file):
            reference, keep = getattr(home("reference"), kernel), partial(setattr, self, kernel, function)
            function = cold.substitute(file, reference, function, keep)
        setattr(self, kernel, function)
        return function


def _has_compiled(file):
    """Tell whether the disk holds compiled kernels of a file."""
    return import_module(f"{__name__}.cpu._jit").is_stored(f"{file}.")


def kernels_for(x) -> Any:
    """Return the kernels that live where the array `x` lives."""
    return home(_HOME.get(library(x) or "", "reference"))


@cache
def home(name) -> Any:
    """Return the kernels of one kind: "reference", "cpu" or "gpu"."""
    return Home(name)
