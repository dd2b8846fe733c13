"""Cases of ``triangular``."""

import numpy as np
import scipy.sparse as sp

from numsolve.kernels.host.levels import levels

from .sparse import csr
from .vector import vectors


def dominant(rng, n, dtype, index):
    """Return a random matrix with a large diagonal, and an order of its rows."""
    A = sp.csr_array(csr(rng, n, dtype, np.int32)[::-1], shape=(n, n))
    A = sp.csr_array(A + sp.diags_array((5 + abs(A).sum(axis=1)).astype(dtype)))
    level = levels(A.indptr, A.indices)
    bounds = np.r_[0, np.cumsum(np.bincount(level))] if n else np.zeros(1)
    return A, bounds.astype(index), np.argsort(level, kind="stable").astype(index)


def arrays(A, dtype, index):
    """Return the arrays of a matrix."""
    A = sp.csr_array(A)
    return A.indptr.astype(index), A.indices.astype(index), A.data.astype(dtype)


def factorisation(rng, n, dtype, index):
    """Return the arguments of ilu0."""
    A, bounds, order = dominant(rng, n, dtype, index)
    indptr, indices, data = arrays(A, dtype, index)
    diag = np.flatnonzero(indices == np.repeat(np.arange(n), np.diff(indptr)))
    return bounds, order, indptr, indices, diag.astype(index), data


def triangles(rng, n, dtype, index):
    """Return the arguments of ldu_solve."""
    A, bounds, order = dominant(rng, n, dtype, index)
    scale, b, z, x = vectors(rng, 4, n, dtype)
    A = sp.csr_array(sp.diags_array(1 / A.diagonal()) @ A)[order][:, order]
    return (
        bounds,
        order,
        *arrays(sp.tril(A, -1), dtype, index),
        *arrays(sp.triu(A, 1), dtype, index),
        scale,
        b,
        z,
        x,
    )


def sweep(rng, n, dtype, index):
    """Return the arguments of relax."""
    A, bounds, order = dominant(rng, n, dtype, index)
    scale, b, x = vectors(rng, 3, n, dtype)
    return bounds, order, n % 2 == 1, *arrays(A, dtype, index), scale / A.diagonal().astype(dtype), b, x


def natural_triangles(*given):
    """Return the arguments of ldu_solve without levels: the result itself is the room that is needed."""
    _, _, *others, _, x = triangles(*given)
    return None, None, *others, x, x


CASES = {"ilu0": factorisation, "ldu_solve": triangles, "relax": sweep}
HOST_CASES = {
    "ilu0": lambda *given: (None, None, *factorisation(*given)[2:]),
    "ldu_solve": natural_triangles,
    "relax": lambda *given: (None, None, *sweep(*given)[2:]),
}
RETURNS_SUM = set()
