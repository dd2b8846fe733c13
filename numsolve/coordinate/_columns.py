"""Products with few columns of a feature matrix, as block steps need them.

Slicing a sparse matrix takes longer than a product with few of its columns, so these are read one by one.
"""

from typing import Any

import numpy as np

FEW = 64  # columns that are read one by one


def add_columns(features, block, d, out) -> Any:
    """Add ``X[:, block] @ d`` to a vector in place, and return it."""
    if not _are_few(features, block):
        out += features.columns(block) @ d
        return out
    starts, rows, values = features.arrays
    for j, change in zip(block.tolist(), d.tolist(), strict=True):
        if change:
            part = slice(starts[j], starts[j + 1])
            out[rows[part]] += change * values[part]
    return out


def correlate_columns(features, block, r) -> Any:
    """Return ``X[:, block].T @ r``."""
    if not _are_few(features, block):
        return features.columns(block).T @ r
    starts, rows, values = features.arrays
    parts = [slice(starts[j], starts[j + 1]) for j in block.tolist()]
    return np.array([values[part] @ r[rows[part]] for part in parts], dtype=features.dtype)


def square_block(features, block) -> Any:
    """Return the dense entries of rows and columns `block` of a square matrix."""
    if not features.is_sparse:
        return features.matrix[block][:, block]
    if not _are_few(features, block):
        return features.columns(block).tocsr()[block].toarray()
    starts, rows, values = features.arrays
    found = np.zeros((len(block), len(block)), features.dtype)
    order = np.argsort(block)
    ordered = block[order]
    for column, j in enumerate(block.tolist()):
        part = slice(starts[j], starts[j + 1])
        places = np.searchsorted(ordered, rows[part])
        places[places == len(block)] = 0
        inside = ordered[places] == rows[part]
        found[order[places[inside]], column] = values[part][inside]
    return found


def _are_few(features, block):
    return features.is_sparse and isinstance(block, np.ndarray) and len(block) <= FEW
