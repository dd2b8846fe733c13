"""Sweeps over the rows of a matrix: one launch a section."""

from ._launch import blocks, launch, pieces


def sor_sweep(live, bounds, indptr, indices, data, scale, b, x, y):
    sections, grid = bounds.size - 1, _grid(bounds, x)
    rr = pieces(x, sections * grid)
    for section in range(sections):
        launch("sor_sweep", grid, live, bounds, indptr, indices, data, scale, b, x, y, rr, section)
    return rr


def block_sweep(live, bounds, starts, indptr, indices, data, inverses, b, x, y, r):
    sections, grid, m = bounds.size - 1, _grid(bounds, starts), inverses.shape[1]
    rr = pieces(x, sections * grid)
    matrix = bounds, starts, indptr, indices, data, inverses
    for section in range(sections):
        launch("block_sweep", grid, live, *matrix, b, x, y, r, rr, m, section)
    return rr


def colour_sweep(live, bounds, reverse, indptr, indices, data, scale, b, x):
    sections = range(bounds.size - 1)
    for section in reversed(sections) if reverse else sections:
        launch("colour_sweep", _grid(bounds, x), live, bounds, indptr, indices, data, scale, b, x, section)


def _grid(bounds, items):
    """Return a grid for twice the mean section: the sizes of the sections are on the device."""
    return blocks(2 * items.size // max(bounds.size - 1, 1))
