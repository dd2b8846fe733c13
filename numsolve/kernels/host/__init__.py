"""Loops that exist on the CPU alone: set-ups, learners and sweeps that run before or between kernels."""
