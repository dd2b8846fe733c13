"""Cases of ``forest``."""

import numpy as np

from .vector import vectors


def forest(rng, n, dtype, index):
    """Return a random forest of at most n nodes, with weak couplings."""
    parents, bounds = [], [0]
    size = min(n, int(rng.integers(1, 4))) if n else 0
    count = size
    while size:
        bounds.append(count)
        size = min(n - count, int(rng.integers(size, 2 * size + 1)))
        parents.append(np.sort(rng.integers(bounds[-2], bounds[-1], size)))
        count += size
    parents = np.concatenate([np.zeros(0, int), *parents]).astype(int)
    roots = bounds[1] if n else 0
    starts = roots + np.concatenate([[0], np.cumsum(np.bincount(parents, minlength=count))])
    coupling, r = vectors(rng, 2, count, dtype)
    coupling[:roots] = 0
    diagonal = 1 + abs(coupling)
    np.add.at(diagonal, parents, abs(coupling[roots:]))
    return np.array(bounds, index), starts.astype(index), coupling, diagonal, r


CASES = {"forest_solve": forest}
RETURNS_SUM = set()
