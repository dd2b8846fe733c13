"""CUDA twins: launchers of the ``.cu`` files beside them, through CuPy."""
