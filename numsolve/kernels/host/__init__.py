"""Loops that exist on the CPU alone: set-ups, learners, and sweeps over small matrices."""
