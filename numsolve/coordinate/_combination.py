"""The arguments of block coordinate descent: whether datafit, penalty, partition and rules fit together."""

from math import inf
from typing import Any

import numpy as np

from .. import _validate
from .._array import common_library, library, read_every
from ._datafits import Datafit
from ._forest_rules import TREE_SELECTIONS, TREE_UPDATES
from ._iterates import Problem
from ._partitions import PARTITIONS, given
from ._penalties import NoPenalty, Penalty
from ._selections import SELECTIONS
from ._setting import Setting
from ._updates import UPDATES

SWEEPS = 1000  # the default of maxiter, in steps that change each coefficient once
PATIENCE = 20  # sweeps without a change of x, after which a random rule counts as stagnated


def setting_of(datafit, penalty, partition, block_size, score_norm, rng) -> Setting:
    """Return the setting of a run; raise for arguments that are not valid."""
    if not isinstance(datafit, Datafit):
        raise TypeError(f"datafit is a {type(datafit).__name__}; a numsolve.coordinate.Datafit is needed")
    penalty = NoPenalty() if penalty is None else penalty
    if not isinstance(penalty, Penalty):
        raise TypeError(f"penalty is a {type(penalty).__name__}; a numsolve.coordinate.Penalty is needed")
    problem = Problem(datafit, penalty)
    check_sizes(problem)
    block_size = min(_validate.count(block_size, "block_size", least=1), problem.n)
    rng = np.random.default_rng(rng)
    blocks = blocks_of(problem, partition, block_size, rng)
    if blocks is not None:
        block_size = max(map(len, blocks))
    if penalty.groups is not None:
        check_groups(penalty.groups, blocks)
    _validate.choice(score_norm, "score_norm", (1, 2))
    return Setting(problem, blocks, block_size, rng, score_norm)


def check_sizes(problem):
    """Raise unless the arrays of the penalty fit the coefficients of the datafit."""
    for name in ("weights", "lower", "upper"):
        value: Any = getattr(problem.penalty, name, None)
        if np.ndim(value) > 0 and problem.penalty.groups is None:
            common_library(**{"datafit": problem.xp.zeros(0), f"the {name} of penalty": value})
            if np.shape(value) != (problem.n,):
                raise ValueError(
                    f"the {name} of penalty has shape {np.shape(value)}; ({problem.n},) is needed: "
                    "one number for each coefficient"
                )


def blocks_of(problem, partition, block_size, rng) -> list[Any] | None:
    """Return the blocks of a partition by name, or of the caller."""
    if not isinstance(partition, str):
        return given(partition, problem.n)
    _validate.choice(partition, "partition", PARTITIONS)
    return PARTITIONS[partition](problem, block_size, rng)


def check_groups(groups, blocks):
    """Raise unless each block has all coefficients of a group or none."""
    if blocks is None:
        raise ValueError("the penalty has groups, which variable blocks would split: pass partition='groups'")
    owner = np.empty(sum(map(len, blocks)), int)
    for b, block in enumerate(blocks):
        owner[block] = b
    if any((owner[group] != owner[group[0]]).any() for group in groups):
        raise ValueError("a block of the partition splits a group of the penalty: pass partition='groups'")


def rules_of(setting, select, update):
    """Return the selection and the update; raise a ValueError that says why they do not fit the setting."""
    selections, updates = SELECTIONS | TREE_SELECTIONS, UPDATES | TREE_UPDATES
    _validate.choice(select, "select", selections)
    _validate.choice(update, "update", updates)
    if update == "newton" and not setting.problem.has_bounds():
        update = "newton-line-search"
    for name, value, rule in (("select", select, selections[select]), ("update", update, updates[update])):
        refusal = rule.refusal(setting)
        if refusal:
            raise ValueError(f"{name}={value!r} {refusal}")
    return selections[select](setting), updates[update](setting)


def start_of(problem, x0) -> Any:
    """Return a starting point in the domain of the penalty, a vector."""
    datafit, penalty = problem.datafit, problem.penalty
    if x0 is None:
        return penalty.prox(problem.xp.zeros(problem.n, datafit.dtype), 1.0)
    common_library(datafit=problem.xp.zeros(0), x0=x0 if library(x0) else None)
    start: Any = _validate.starting_guess(x0, datafit.shape, problem.xp, "datafit needs")
    if start.dtype.kind == "c":
        raise TypeError("x0 is complex; real coefficients are needed")
    start = start.astype(datafit.dtype).reshape(-1)
    if not penalty.value(start) < inf:
        raise ValueError("x0 is outside the domain of the penalty: clip it to the bounds first")
    return start


def interval_of(setting, selection, check_every):
    """Return the number of iterations between two checks."""
    if check_every is not None:
        return _validate.count(check_every, "check_every", least=1)
    if selection.reads_gradient:
        return read_every(setting.problem.xp.zeros(0))
    return number_of_blocks(setting)


def patience_of(setting, selection):
    """Return the number of iterations without a change of x after which the run counts as stagnated."""
    if selection.reads_gradient:
        return 1
    return number_of_blocks(setting) * (PATIENCE if selection.is_random else 2)


def iterations_of(setting, maxiter):
    """Return the largest number of iterations."""
    if maxiter is None:
        return SWEEPS * number_of_blocks(setting)
    return _validate.count(maxiter, "maxiter")


def number_of_blocks(setting):
    """Return the number of blocks, or of variable blocks that it takes to change each coefficient once."""
    if setting.blocks is not None:
        return len(setting.blocks)
    return -(-setting.problem.n // setting.block_size)
