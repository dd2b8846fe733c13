"""The solver of a sequence: a method, its recycled spaces, starting guesses and a preconditioner."""

from collections import defaultdict
from dataclasses import replace
from importlib import import_module
from inspect import signature
from typing import Any

import numpy as np

from ... import _validate
from ..._array import library, namespace
from ..._operators.operator import as_operator
from ..._result import Result, Status, inner_solve
from ..recycling.space import RecycledSpace
from . import _refresh
from ._guess import Guess
from ._systems import parts

PACKAGE = "numsolve.krylov"
OWN = PACKAGE, "numsolve.relaxation"  # their methods solve b = 0 at once
DIRECTIONS = 10  # default number of directions for methods that recycle only on request


class SequenceSolver:
    """A method, its recycled spaces, and the preconditioner."""

    def __init__(self, method, recycle, preconditioner, guess, options):
        self.method, self.options, self.preconditioner = _known(method), options, preconditioner
        takes = signature(self.method).parameters
        self.recycles = "recycle" in takes and recycle is not False
        self.looks_at_context = "context" in takes and "context" not in options
        self.spaces, self.last, self.products, self.retries = {}, None, 0, 0
        guess = _validate.count(guess, "guess")
        self.guesses = defaultdict(lambda: Guess(guess if "x0" in takes and "x0" not in options else 0))
        self.is_own = str(getattr(self.method, "__module__", "")).startswith(OWN)
        self.start = None if "k" in takes else DIRECTIONS  # gcrodr always learns k directions
        if isinstance(recycle, RecycledSpace):
            self.spaces[recycle.shape[1], recycle.dtype, recycle.library] = self.last = recycle
        elif recycle is not None and recycle is not False:
            self.start = _validate.count(recycle, "recycle", least=1)
        self._try()

    def _try(self):
        """Raise an error for a wrong option, before any work; later errors become the status of a system."""
        name = getattr(self.method, "__name__", "method")
        given = {**self.options, **({"M": None} if self.preconditioner.given else {})}
        try:
            signature(self.method).bind(None, None, **given)
        except TypeError as error:
            raise TypeError(f"{name}: {error}") from None
        if self.is_own:
            small = {
                key: value
                for key, value in self.options.items()
                if key not in ("x0", "callback", "colours") and not hasattr(value, "suggest")
            }
            self.method(np.eye(2), np.zeros(2), **small)  # b = 0: no iterations

    def solve(self, system, feature=None):
        """Return the result for one system; bad input gives a status. `feature` replaces the system's own."""
        try:
            with inner_solve():
                system = parts(system)
                result = self._solve(system if feature is None else system._replace(feature=feature))
        except (ValueError, TypeError) as error:
            return Result(_nothing(system), Status.INVALID, str(error))
        return replace(result, recycle=None) if hasattr(result, "recycle") else result

    def _solve(self, system):
        kind = system.kind
        M, fits = self.preconditioner.ready(system.A, kind)
        given = system.A
        if self.is_own:  # checked once, for the guess and for the method
            system = system._replace(A=as_operator(system.A, library(system.b) or "numpy"))
        space = self.spaces.get(kind)
        guess = self.guesses[kind]
        before = guess.products
        x0 = guess.first(system.A, system.b)
        self.products += guess.products - before
        result = self._solve_once(system, kind, M, space, x0)
        guess.observe(result)
        if failed(result) and (space is not None or not fits):
            self.retries += 1
            again = self._solve_once(
                system, kind, self.preconditioner.anew(given, kind) if not fits else M, None
            )
            if again.success or not last_norm(result) < last_norm(again):
                return again
        return result

    def _solve_once(self, system, kind, M, space, x0=None):
        """Solve once; keep the recycled space and record the cost."""
        options = dict(self.options)
        if M is not None:
            options["M"] = M
        if x0 is not None:
            options["x0"] = x0
        if self.looks_at_context:
            options["context"] = system.feature
        if self.recycles:
            options["recycle"] = self.start if space is None else space
        begin = _refresh.clock()
        result = self.method(system.A, system.b, **options)
        if not isinstance(result, Result):
            raise RuntimeError(f"method returned a {type(result).__name__}; a numsolve.Result is needed")
        nit = 0 if result.status == Status.STOPPED else result.nit
        self.preconditioner.observe(kind, _refresh.clock() - begin, nit, failed(result))
        self.products += getattr(result, "products", result.nit)
        learned = getattr(result, "recycle", None)
        if learned is not None and (result.success or _finite(learned)):
            self.spaces[kind] = self.last = learned
        return result


def _known(method) -> Any:
    """Return the function for a function or its name."""
    if isinstance(method, str):
        methods = {
            m.name: m.solve for m in import_module(f"{PACKAGE}._registry").METHODS.values() if m.takes_M
        }
        if method not in methods:
            raise ValueError(f"method is {method!r}; needed: a function, or one of {', '.join(methods)}")
        return methods[method]
    if method is None:
        raise TypeError("method is None; a function or its name is needed")
    return _validate.function(method, "method")


def failed(result):
    return not result.success and result.status != Status.STOPPED


def last_norm(result):
    """Return the last residual norm, of columns the largest; infinity if there is none."""
    last = np.ravel(result.residuals[-1:])  # NaN for a column that converged earlier
    return float(np.max(last[~np.isnan(last)], initial=-np.inf)) if not np.isnan(last).all() else np.inf


def _finite(space):
    """Tell whether all entries of a space are finite."""
    return all(float(abs(part).sum()) < np.inf for part in (space.U, space.C, space.P) if part is not None)


def _nothing(system):
    """Return NaN in the shape of the right-hand side; an empty array if there is no right-hand side."""
    try:
        b = parts(system).b
        return namespace(b).zeros(b.shape, _validate.floating(b.dtype, "b")) + np.nan
    except (ValueError, TypeError):
        return np.full(0, np.nan)
