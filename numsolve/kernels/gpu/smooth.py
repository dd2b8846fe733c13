"""The work of a multigrid cycle on each grid."""

from ._launch import blocks, launch
from .sparse import _lanes


def residual(indptr, indices, data, x, b, r):
    lanes = _lanes(data.size, r.size)
    launch("residual", blocks(r.size, lanes), indptr, indices, data, x, b, r, lanes, r.size)


def correct(indptr, indices, data, e, x):
    lanes = _lanes(data.size, x.size)
    launch("correct", blocks(x.size, lanes), indptr, indices, data, e, x, lanes, x.size)


def jacobi_sweep(omega, inverse, indptr, indices, data, b, x, y):
    lanes = _lanes(data.size, y.size)
    grid = blocks(y.size, lanes)
    launch("jacobi_sweep", grid, omega, inverse, indptr, indices, data, b, x, y, lanes, y.size)
