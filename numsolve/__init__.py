"""Classical numerical methods at the bandwidth limit, on NumPy and CuPy arrays.

Names are loaded on first use (SPEC 1), so that ``import numsolve`` costs milliseconds.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from . import coordinate as coordinate
    from . import krylov as krylov
    from . import learners as learners
    from . import monotone as monotone
    from . import newton as newton
    from . import precondition as precondition
    from . import problems as problems
    from . import radial as radial
    from . import relaxation as relaxation
    from . import sketch as sketch
    from . import transport as transport
    from ._array import to_device as to_device
    from ._array import to_host as to_host
    from ._operators.hermitian import hermitian as hermitian
    from ._operators.singular import singular as singular
    from ._progress import Progress as Progress
    from ._result import ConvergenceError as ConvergenceError
    from ._result import ConvergenceWarning as ConvergenceWarning
    from ._result import FunctionError as FunctionError
    from ._result import Interrupted as Interrupted
    from ._result import LinearResult as LinearResult
    from ._result import Result as Result
    from ._result import Status as Status
    from ._solve import solve as solve

_HOME = {
    "ConvergenceError": "_result",
    "ConvergenceWarning": "_result",
    "FunctionError": "_result",
    "Interrupted": "_result",
    "LinearResult": "_result",
    "Progress": "_progress",
    "Result": "_result",
    "Status": "_result",
    "coordinate": None,
    "hermitian": "_operators.hermitian",
    "krylov": None,
    "learners": None,
    "monotone": None,
    "newton": None,
    "precondition": None,
    "problems": None,
    "radial": None,
    "relaxation": None,
    "sketch": None,
    "singular": "_operators.singular",
    "solve": "_solve",
    "to_device": "_array",
    "to_host": "_array",
    "transport": None,
}

__all__ = [
    "ConvergenceError",
    "ConvergenceWarning",
    "FunctionError",
    "Interrupted",
    "LinearResult",
    "Progress",
    "Result",
    "Status",
    "coordinate",
    "hermitian",
    "krylov",
    "learners",
    "monotone",
    "newton",
    "precondition",
    "problems",
    "radial",
    "relaxation",
    "singular",
    "sketch",
    "solve",
    "to_device",
    "to_host",
    "transport",
]


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'numsolve' has no attribute {name!r}")
    home = _HOME[name]
    if home is None:
        return import_module(f"numsolve.{name}")
    value = getattr(import_module(f"numsolve.{home}"), name)
    globals()[name] = value
    return value


def __dir__():
    return [*__all__, "__version__"]
