"""Numba kernels: serial for few items, threaded for many; results do not depend on the number of threads."""
