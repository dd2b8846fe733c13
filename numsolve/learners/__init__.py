"""Learners that choose a solver parameter from the observed cost.

A learner has ``suggest(context=None)``, which returns a value, and ``observe(omega, cost, context=None)``;
a solver needs no more. ``state()`` and ``from_state`` carry what was learned to another run.
"""

from ._chebcb import ChebCB
from ._estimate import EstimatedOmega
from ._fixed import FixedOmega
from ._tsallis import TsallisINF, TsallisINFCB
from ._young import omega_opt

__all__ = ["ChebCB", "EstimatedOmega", "FixedOmega", "TsallisINF", "TsallisINFCB", "omega_opt"]
