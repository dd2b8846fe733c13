"""Learners by name, a cost for them, and rounds of it."""

from functools import partial

import numpy as np

from numsolve.learners import ChebCB, TsallisINF, TsallisINFCB

UNIT = (0.0, 1.0)
LEARNERS = {
    "TsallisINF": TsallisINF,
    "TsallisINFCB": partial(TsallisINFCB, None, UNIT),
    "ChebCB": partial(ChebCB, None, UNIT),
}


def valley(omega, context):
    """Return a cost whose best omega rises with the context from 1.2 to 1.8."""
    return 20 + 300 * abs(omega - 1.2 - 0.6 * context)


def play(learner, contexts, cost=valley):
    """Return the costs of one round for each context."""
    costs = []
    for context in contexts:
        omega = learner.suggest(context)
        costs.append(cost(omega, context))
        learner.observe(omega, costs[-1], context)
    return np.array(costs)
