"""Cases of ``relaxation``."""

import numpy as np
import scipy.sparse as sp

from numsolve.kernels.host.colours import greedy_colours, permuted

from .triangular import arrays, dominant
from .vector import vectors


def coloured(rng, n, dtype, index):
    """Return a random matrix with its rows ordered by colour, and where each colour begins."""
    A = sp.csr_array(dominant(rng, n, dtype, index)[0])
    colours = greedy_colours(A.indptr, A.indices)
    order = np.argsort(colours, kind="stable")
    indptr, indices, places = permuted(*arrays(A, dtype, index)[:2], order)
    bounds = np.append(0, np.cumsum(np.bincount(colours))).astype(index)
    diagonal = A.diagonal()[order].astype(dtype)
    return bounds, indptr, indices, A.data[places].astype(dtype), diagonal


def fused(rng, n, dtype, index):
    """Return the arguments of sor_sweep: for small sizes of a sweep of Jacobi, which is one section."""
    bounds, *matrix, diagonal = coloured(rng, n, dtype, index)
    bounds = np.array([0, n], index) if n < 32 else bounds
    scale, b, x, y = vectors(rng, 4, n, dtype)
    return np.array([n != 2]), bounds, *matrix, scale / diagonal, b, x, y


def in_blocks(rng, n, dtype, index):
    """Return the arguments of block_sweep: two sections of blocks of three rows, the last perhaps smaller."""
    starts = np.append(np.arange(0, n, 3), n).astype(index) if n else np.zeros(1, index)
    count = starts.size - 1
    bounds = np.array([0, count // 2, count], index)
    inverses = vectors(rng, count * 3, 3, dtype).reshape(count, 3, 3)
    matrix = arrays(dominant(rng, n, dtype, index)[0], dtype, index)
    return np.array([n != 2]), bounds, starts, *matrix, inverses, *vectors(rng, 4, n, dtype)


def in_place(rng, n, dtype, index):
    """Return the arguments of colour_sweep."""
    bounds, *matrix, diagonal = coloured(rng, n, dtype, index)
    scale, b, x = vectors(rng, 3, n, dtype)
    return np.array([n != 2]), bounds, n % 2 == 1, *matrix, scale / diagonal, b, x


def natural(case):
    """Return a case of the same sweep over the rows one after the other."""

    def without_bounds(*given):
        live, _, *others = case(*given)
        return live, None, *others

    return without_bounds


CASES = {"sor_sweep": fused, "block_sweep": in_blocks, "colour_sweep": in_place}
HOST_CASES = {name: natural(case) for name, case in CASES.items()}
RETURNS_SUM = {"sor_sweep", "block_sweep"}
