"""The two forms of a callback: of an iterate and its residual norm, or of the iterate alone."""

from inspect import Parameter, signature
from typing import Any

from . import _validate

BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


class OfIterate:
    """A callback of the iterate alone, as SciPy's solvers call it, in the form that the loop calls.

    It gets a copy, because the loop overwrites the iterate. What it returns does not stop the solve.
    """

    def __init__(self, callback):
        self._callback = callback

    def __call__(self, x, residual_norm):  # noqa: ARG002 - a callback takes both
        """Call the callback."""
        self._callback(x.copy())


def takes_one(callback: Any):
    """Tell whether a callable requires one argument, or does not tell its arguments, as some builtins."""
    try:
        parameters = list(signature(callback).parameters.values())
    except (TypeError, ValueError):
        return True
    if any(p.kind is Parameter.VAR_POSITIONAL for p in parameters):
        return False
    by_position = [p for p in parameters if p.kind in BY_POSITION]
    required = sum(p.default is Parameter.empty for p in by_position)
    if required > 2 or not by_position:
        raise TypeError(
            f"callback takes {required} arguments; it is called as callback(x, residual_norm) or callback(x)"
        )
    return required == 1 or len(by_position) == 1


def checked(callback: Any) -> Any:
    """Return the callback as a function of an iterate and its residual norm; None stays None."""
    if _validate.function(callback, "callback") is None:
        return None
    return OfIterate(callback) if takes_one(callback) else callback
