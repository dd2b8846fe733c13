"""Numba twins: serial below a grain, threaded above it, the same bits for any number of threads."""
