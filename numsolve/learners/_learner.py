"""What learners share: one lock, suggestions that await their cost, and a state that is a value."""

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

    A subclass passes what it was made from to this constructor, and names in `_learned` the attributes,
    numbers or arrays, that hold what it has learned.
    """

    _learned: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **arguments):
        self._arguments = arguments
        self._lock = Lock()

    def state(self):
        """Return all that is known, generator included, as a value.

        Returns
        -------
        dict
            Of strings, numbers and lists, fit for JSON. ``from_state(state)`` goes on from it, bit for bit.
        """
        with self._lock:
            return {"learner": type(self).__name__, "arguments": self._arguments, **self._save()}

    @classmethod
    def from_state(cls, state):
        """Return a learner that goes on where another stood.

        Parameters
        ----------
        state : dict
            What ``state()`` of a learner of this class returned.

        Returns
        -------
        learner
            As if nothing had come between.
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
    """A learner that draws from a grid, and learns of each draw by its probability."""

    def __init__(self, grid, rng, **arguments):
        self.grid: Any = np.linspace(1, 1.95, 20) if grid is None else _validate.distinct(grid, "grid")
        self.grid.flags.writeable = False
        super().__init__(grid=self.grid.tolist(), **arguments)
        self._rng = np.random.default_rng(rng)
        self._omegas = self.grid.tolist()
        self._arms = {omega: arm for arm, omega in enumerate(self._omegas)}
        self._waiting = {}  # of each arm and context: what is needed to learn from them, oldest first
        self._worst = None

    def suggest(self, context: Any = None):
        """Choose an omega for the next solve.

        Parameters
        ----------
        context : float, optional
            What is known of the system.

        Returns
        -------
        float
            One of the grid. Each awaits one `observe`; one that is never answered costs some bytes.
        """
        with self._lock:
            context = self._placed(context)
            arm, *ticket = self._choose(context, self._rng.random())
            self._waiting.setdefault((arm, context), deque()).append(ticket)
            return self._omegas[arm]

    def observe(self, omega, cost, context: Any = None):
        """Learn what a solve cost.

        Parameters
        ----------
        omega : float
            As it was suggested.
        cost : float
            Say, iterations. Less than 1 counts as 1. NaN or infinite is a failure, and counts as the worst
            cost so far; before there is any, it is dropped.
        context : float, optional
            As it was given to `suggest`.

        Raises
        ------
        ValueError
            No suggestion of this omega in this context is waiting.
        TypeError
            `cost` is no number.
        """
        if not isinstance(cost, Real):
            raise TypeError(f"cost is {cost!r}; a real number is needed")
        with self._lock:
            context = self._placed(context)
            key = self._arms.get(_validate.number(omega, "omega")), context
            if key not in self._waiting:
                place = "" if context is None else f" in context {context!r}"
                raise ValueError(
                    f"omega is {omega!r}, but no suggestion of it{place} awaits its cost: each suggest() is "
                    "answered by one observe(), with the same omega and context"
                )
            tickets = self._waiting[key]
            ticket = tickets.popleft()
            if not tickets:
                del self._waiting[key]
            if isfinite(cost):
                cost = max(float(cost), 1.0)
                self._worst = cost if self._worst is None else max(cost, self._worst)
            if self._worst is not None:
                self._learn(key[0], context, cost if isfinite(cost) else self._worst, *ticket)

    def _placed(self, context: Any):  # noqa: ARG002 - others have one
        """Return the context as a key."""
        return

    def _choose(self, context, u) -> Any:
        """Return an arm, drawn by the uniform number `u`, and what `_learn` needs to know of the draw."""
        raise NotImplementedError

    def _learn(self, arm, context, cost, *ticket) -> None:
        """Take the cost of an arm."""
        raise NotImplementedError

    def _save(self):
        waiting = [[*key, *ticket] for key, tickets in self._waiting.items() for ticket in tickets]
        return {
            **super()._save(),
            "rng": generator_state(self._rng),
            "worst": self._worst,
            "waiting": waiting,
        }

    def _load(self, state):
        super()._load(state)
        self._rng, self._worst = restored_generator(state["rng"]), state["worst"]
        for arm, context, *ticket in state["waiting"]:
            self._waiting.setdefault((arm, context), deque()).append(ticket)


class Contextual(Bandit):
    """A bandit whose context is a number in an interval."""

    def __init__(self, grid, interval, rng, **arguments):
        self.interval = _validate.span(interval, "interval")
        super().__init__(grid, rng, interval=list(self.interval), **arguments)

    def _placed(self, context: Any):
        return placed(context, self.interval, type(self).__name__)


def placed(context: Any, interval, learner):
    """Return a context as a number in the interval."""
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
