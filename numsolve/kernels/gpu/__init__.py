"""CUDA kernels: the ``.cu`` files, and functions that launch them through CuPy."""
