"""Hot loops. Each exists three times, with the same file, name and arguments: reference, cpu, gpu."""

from functools import cache
from importlib import import_module
from typing import Any

from .._array import library
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
        function = getattr(import_module(f"{__name__}.{self._name}.{TABLE[kernel][0]}"), kernel)
        setattr(self, kernel, function)
        return function


def kernels_for(x) -> Any:
    """Return the kernels that live where the array `x` lives."""
    return home(_HOME.get(library(x) or "", "reference"))


@cache
def home(name) -> Any:
    """Return the kernels of one kind: "reference", "cpu" or "gpu"."""
    return Home(name)
