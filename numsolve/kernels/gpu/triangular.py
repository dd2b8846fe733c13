"""Rows in an order: one launch a level."""

from ._launch import blocks, launch


def ilu0(bounds, order, indptr, indices, diag, data):
    for level in range(bounds.size - 1):
        launch("ilu0", _grid(bounds, order), bounds, order, indptr, indices, diag, data, level)


def ldu_solve(bounds, order, L_indptr, L_indices, L_data, U_indptr, U_indices, U_data, scale, b, z, x):
    grid, levels = _grid(bounds, order), range(bounds.size - 1)
    L, U = (L_indptr, L_indices, L_data), (U_indptr, U_indices, U_data)
    for level in levels:
        launch("ldu_solve", grid, bounds, order, *L, scale, b, z, x, False, level)
    for level in reversed(levels):
        launch("ldu_solve", grid, bounds, order, *U, scale, b, z, x, True, level)


def relax(bounds, order, reverse, indptr, indices, data, scale, b, x):
    levels = range(bounds.size - 1)
    for level in reversed(levels) if reverse else levels:
        launch("relax", _grid(bounds, order), bounds, order, indptr, indices, data, scale, b, x, level)


def _grid(bounds, order):
    """Return a grid for twice the mean level: the sizes of the levels are on the device."""
    return blocks(2 * order.size // max(bounds.size - 1, 1))
