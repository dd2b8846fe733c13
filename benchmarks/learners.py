"""The time that a learner of omega takes per solve."""

from functools import partial
from statistics import median
from time import perf_counter

import numpy as np

from numsolve import relaxation

LEARNERS = {
    "Tsallis-INF": relaxation.TsallisINF,
    "Tsallis-INF-CB": partial(relaxation.TsallisINFCB, None, (0.0, 1.0)),
    "ChebCB": partial(relaxation.ChebCB, None, (0.0, 1.0)),
    "Young's estimate": lambda rng: relaxation.EstimatedOmega(1e-8),  # noqa: ARG005 - it draws nothing
}


def learners(rounds):
    """Yield the mean microseconds of a suggestion and an observation, over 5000 solves."""
    rng = np.random.default_rng(0)
    contexts, noise = rng.random(5000), rng.exponential(10, 5000)
    for name, make in LEARNERS.items():
        means = [_microseconds(make(rng=seed), contexts, noise) for seed in range(rounds + 1)]
        yield f"learner {name}, microseconds a solve", median(means[1:]), -20.0, "5000 solves, mean"


def _microseconds(learner, contexts, noise):
    begun = perf_counter()
    for context, more in zip(contexts.tolist(), noise.tolist(), strict=True):
        omega = learner.suggest(context)
        learner.observe(omega, 20 + 300 * abs(omega - 1.2 - 0.6 * context) + more, context)
    return 1e6 * (perf_counter() - begun) / len(contexts)
