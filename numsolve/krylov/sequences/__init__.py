"""Sequences of systems: their order, the data carried between solves, and data sets of solutions."""

from ._dataset import write_dataset
from ._order import greedy_order
from ._sequence import SequenceRun, solve_sequence

__all__ = ["SequenceRun", "greedy_order", "solve_sequence", "write_dataset"]
