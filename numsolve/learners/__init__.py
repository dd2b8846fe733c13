"""Learners that choose a solver parameter from the observed cost.

A learner has ``suggest(context=None)``, which returns a value, and ``observe(omega, cost, context=None)``,
which takes the cost of a solve with that value. Solvers call no other methods. ``state()`` and
``from_state(state)`` save a learner and restore it.
"""

from ._chebcb import ChebCB
from ._estimate import EstimatedOmega
from ._fixed import FixedOmega
from ._tsallis import TsallisINF, TsallisINFCB
from ._young import omega_opt

__all__ = ["ChebCB", "EstimatedOmega", "FixedOmega", "TsallisINF", "TsallisINFCB", "omega_opt"]
