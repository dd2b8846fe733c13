"""Random matrices."""

from typing import Any

import numpy as np
import scipy.sparse as sp

from .. import _validate


def irregular(n, *, mean_entries=11, reach=2000, far=0.2, rng=None) -> Any:
    """Return a random matrix whose products access memory irregularly: rows differ in length and bandwidth.

    Parameters
    ----------
    n : int
        Rows and columns.
    mean_entries : int
        Mean of the Poisson distribution from which the number of entries of a row is drawn.
    reach : int
        Largest distance to the diagonal of all entries but those of `far`.
    far : float
        Share of the entries whose column is uniform over the whole row; from 0 to 1.
    rng : int or numpy.random.Generator, optional
        Seed or generator.

    Returns
    -------
    scipy.sparse.csr_array, shape (n, n)
        Nonsymmetric, strictly diagonally dominant, float64.

    Raises
    ------
    TypeError, ValueError
        If `n` is not a positive integer.
    """
    n = _validate.count(n, "n", least=1)
    rng = np.random.default_rng(rng)
    rows = np.repeat(np.arange(n), rng.poisson(mean_entries, n))
    near = np.clip(rows + rng.integers(-reach, reach + 1, rows.size), 0, n - 1)
    cols = np.where(rng.random(rows.size) < far, rng.integers(0, n, rows.size), near)
    A = sp.csr_array(sp.coo_array((rng.standard_normal(rows.size), (rows, cols)), shape=(n, n)))
    return sp.csr_array(A + sp.diags_array(1 + abs(A).sum(axis=1)))
