"""Directions as the lists of pairs that SciPy's `lgmres` and `gcrotmk` take and fill."""

import numpy as np

from ... import _validate
from ..._operators.operator import as_operator
from .space import orthonormal


def space_of(A, b, pairs):
    """Return the recycled space of pairs ``(u, A u)``, or None without any; an image may be None.

    Directions that depend on others are left out.
    """
    if not pairs:
        return None
    home, xp = _validate.same_library(A=A, b=b)
    A = as_operator(A, home)
    parts = [part for pair in pairs for part in pair if part is not None]
    dtype = np.result_type(A.dtype, *(_validate.as_array(part, "a direction", xp) for part in parts))
    U = xp.stack([xp.asarray(u, dtype).reshape(-1) for u, _ in pairs])
    if U.shape[1] != A.shape[0]:
        raise ValueError(f"a direction has length {U.shape[1]}, but A needs {A.shape[0]}")
    C = xp.empty_like(U)
    A = A.astype(dtype)
    for row, (_, image) in enumerate(pairs):
        C[row] = A @ U[row] if image is None else xp.asarray(image, dtype).reshape(-1)
    space = orthonormal(U, C, None)
    return space if space.k else None


def pairs_of(space, *, images):
    """Return the pairs ``(u, A u)`` of a recycled space, or ``(u, None)`` without `images`."""
    if space is None:
        return []
    return [(u, c if images else None) for u, c in zip(space.U, space.C, strict=True)]
