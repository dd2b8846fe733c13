"""What the learners share: a lock, the suggestions whose cost is not known yet, and a state to save."""

from collections import deque
from functools import cache
from importlib import import_module
from math import isfinite
from numbers import Real
from threading import Lock
from typing import Any, ClassVar

import numpy as np

from .. import _validate
from .._random import generator_state, restored_generator


class Learner:
    """Something with ``suggest(context=None)`` and ``observe(omega, cost, context=None)``.

    A subclass passes its own arguments to this constructor, and names in `_learned` the attributes, numbers
    or arrays, that hold what it has learned.
    """

    _learned: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **arguments):
        self._arguments = arguments
        self._lock = Lock()

    def state(self):
        """Return everything that was learned, and the state of the random generator.

        Returns
        -------
        dict
            Strings, numbers and lists, which JSON can store. ``from_state(state)`` continues from it with
            the same bits.
        """
        with self._lock:
            return {"learner": type(self).__name__, "arguments": self._arguments, **self._save()}

    @classmethod
    def from_state(cls, state):
        """Return a learner that continues from a saved state.

        Parameters
        ----------
        state : dict
            The value of ``state()`` of a learner of this class.

        Returns
        -------
        learner
            It suggests what the saved learner would have suggested next.

        Raises
        ------
        ValueError
            `state` is not the state of a learner of this class.
        """
        if not isinstance(state, dict) or state.get("learner") != cls.__name__:
            kind = state.get("learner") if isinstance(state, dict) else type(state).__name__
            raise ValueError(f"state is that of {kind!r}; one of {cls.__name__!r} is needed")
        learner = cls(**state["arguments"])
        learner._load(state)
        return learner

    def _save(self):
        found = {name: getattr(self, "_" + name) for name in self._learned}
        return {"learned": {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in found.items()}}

    def _load(self, state):
        for name, value in state["learned"].items():
            setattr(self, "_" + name, np.array(value, float) if isinstance(value, list) else value)

    def __reduce__(self):
        return type(self).from_state, (self.state(),)


class Bandit(Learner):
    """A learner that draws from a grid, and weights the cost of each draw by its probability."""

    def __init__(self, grid, rng, **arguments):
        self.grid: Any = np.linspace(1, 1.95, 20) if grid is None else _validate.distinct(grid, "grid")
        self.grid.flags.writeable = False
        super().__init__(grid=self.grid.tolist(), **arguments)
        self._rng = np.random.default_rng(rng)
        self._omegas = self.grid.tolist()
        self._arms = {omega: arm for arm, omega in enumerate(self._omegas)}
        self._waiting = {}  # for each arm and context: what `_learn` needs of each draw, oldest first
        self._worst = None

    def suggest(self, context: Any = None):
        """Choose an omega for the next solve.

        Parameters
        ----------
        context : float, optional
            A number that describes the system. Ignored by learners without an `interval`, needed by others.

        Returns
        -------
        float
            An omega of the grid. Report its cost by one call of `observe`; a suggestion without a cost does
            no harm, and keeps some bytes.

        Raises
        ------
        ValueError
            `context` is not finite, or an array of more than one number.
        TypeError
            The learner has an `interval`, and `context` is missing or not a number.
        """
        with self._lock:
            context = self._context_key(context)
            arm, *draw = self._choose(context, self._rng.random())
            self._waiting.setdefault((arm, context), deque()).append(draw)
            return self._omegas[arm]

    def observe(self, omega, cost, context: Any = None):
        """Learn the cost of a solve.

        Parameters
        ----------
        omega : float
            The omega that was suggested.
        cost : float
            For example the number of iterations. A cost below 1 counts as 1. NaN or infinity (a failure)
            counts as the worst cost so far; before any other cost it is ignored.
        context : float, optional
            The context that was given to `suggest`.

        Raises
        ------
        ValueError
            No suggestion of this omega in this context awaits its cost.
        TypeError
            `cost` or `omega` is not a number, or the `context` that is needed is not.
        """
        if not isinstance(cost, Real):
            raise TypeError(f"cost is {cost!r}; a real number is needed")
        with self._lock:
            context = self._context_key(context)
            key = self._arms.get(_validate.number(omega, "omega")), context
            if key not in self._waiting:
                place = "" if context is None else f" in context {context!r}"
                raise ValueError(
                    f"omega is {omega!r}, but no suggestion of it{place} awaits its cost: each suggest() is "
                    "answered by one observe(), with the same omega and context"
                )
            draws = self._waiting[key]
            draw = draws.popleft()
            if not draws:
                del self._waiting[key]
            if isfinite(cost):
                cost = max(float(cost), 1.0)
                self._worst = cost if self._worst is None else max(cost, self._worst)
            if self._worst is not None:
                self._learn(key[0], context, cost if isfinite(cost) else self._worst, *draw)

    def _context_key(self, context: Any):  # noqa: ARG002 - others have one
        """Return the context as a key of `_waiting`; None for a learner without contexts."""
        return

    def _choose(self, context, u) -> Any:
        """Return an arm, drawn by the uniform number `u`, and what `_learn` needs of the draw."""
        raise NotImplementedError

    def _learn(self, arm, context, cost, *draw) -> None:
        """Take the cost of an arm."""
        raise NotImplementedError

    def _save(self):
        waiting = [[*key, *draw] for key, draws in self._waiting.items() for draw in draws]
        return {
            **super()._save(),
            "rng": generator_state(self._rng),
            "worst": self._worst,
            "waiting": waiting,
        }

    def _load(self, state):
        super()._load(state)
        self._rng, self._worst = restored_generator(state["rng"]), state["worst"]
        for arm, context, *draw in state["waiting"]:
            self._waiting.setdefault((arm, context), deque()).append(draw)


class Contextual(Bandit):
    """A bandit whose context is a number in an interval."""

    def __init__(self, grid, interval, rng, **arguments):
        self.interval = _validate.span(interval, "interval")
        super().__init__(grid, rng, interval=list(self.interval), **arguments)

    def _context_key(self, context: Any):
        return clipped_context(context, self.interval, type(self).__name__)


def clipped_context(context: Any, interval, learner):
    """Return a context as a number; one outside the interval becomes its nearest end."""
    if context is None:
        raise TypeError(f"context is None; {learner} needs a number for each system")
    if getattr(context, "size", 1) != 1:
        raise ValueError(f"context has shape {context.shape}; one number is needed")
    context = context.item() if hasattr(context, "item") else context
    return min(max(_validate.number(context, "context"), interval[0]), interval[1])


@cache
def arithmetic():
    """Return the compiled arithmetic, imported with the first draw."""
    return import_module("numsolve.kernels.host.learners")
