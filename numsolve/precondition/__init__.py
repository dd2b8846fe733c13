"""Preconditioners: operators that approximate the inverse of a matrix, in its library."""

from ._amg import amg
from ._block_jacobi import block_jacobi
from ._chebyshev import chebyshev
from ._ic0 import ic0
from ._ilu0 import ilu0
from ._iluk import iluk
from ._ilut import ilut
from ._jacobi import jacobi
from ._nystrom import nystrom
from ._spai import spai
from ._ssor import ssor

__all__ = [
    "amg",
    "block_jacobi",
    "chebyshev",
    "ic0",
    "ilu0",
    "iluk",
    "ilut",
    "jacobi",
    "nystrom",
    "spai",
    "ssor",
]
