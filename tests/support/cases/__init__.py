"""Arguments to try each kernel with: one file of cases for each file of kernels.

``CASES[name](rng, n, dtype, index)`` returns the arguments of a call of about n items in the order of the
reference, and so does ``HOST_CASES[name]``, for arguments that only the kernels of the host take: rows in
their natural order. ``RETURNS_SUM`` names the kernels that return a number or a tuple of them, on a GPU in
pieces.
"""

from importlib import import_module

from numsolve.kernels.table import FILES

_MODULES = [import_module(f"{__name__}.{file}") for file in FILES]
CASES = {name: case for module in _MODULES for name, case in module.CASES.items()}
HOST_CASES = {name: case for module in _MODULES for name, case in getattr(module, "HOST_CASES", {}).items()}
RETURNS_SUM = {name for module in _MODULES for name in module.RETURNS_SUM}
