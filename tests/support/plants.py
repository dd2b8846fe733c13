"""Matrices of the kind of chemical plants: no symmetry, a diagonal of zeros, entries over many orders."""

import numpy as np
import scipy.sparse as sp


def plant(n, rng, orders=6.0, dtype=float):
    """Return a nonsingular matrix whose rows are in an arbitrary order and whose rows and columns are scaled.

    With its rows in the right order and scaled, a unit diagonal dominates about three other entries of a row.
    """
    A = sp.random_array(
        (n, n), density=3 / n, rng=rng, data_sampler=lambda size: rng.uniform(-0.3, 0.3, size)
    )
    if np.dtype(dtype).kind == "c":
        A = A * (1 + 1j)
    A = sp.lil_array(A.astype(dtype))
    A.setdiag(1.0)
    rows, columns = (sp.diags_array(10.0 ** rng.uniform(-orders, orders, n)) for _ in range(2))
    return sp.csr_array((rows @ A @ columns).tocsr()[rng.permutation(n)])
