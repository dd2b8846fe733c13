"""Steps of the Halpern iteration for linear programs."""

from ._launch import blocks, launch
from .sparse import _lanes


def lp_primal(tau, keep, indptr, indices, data, y, c, l, u, anchor, x, ahead):
    lanes = _lanes(data.size, x.size)
    launch(
        "lp_primal",
        blocks(x.size, lanes),
        *(tau, keep, indptr, indices, data, y, c, l, u, anchor, x, ahead),
        *(lanes, x.size),
    )


def lp_dual(sigma, keep, indptr, indices, data, ahead, rl, ru, anchor, y):
    lanes = _lanes(data.size, y.size)
    launch(
        "lp_dual",
        blocks(y.size, lanes),
        *(sigma, keep, indptr, indices, data, ahead, rl, ru, anchor, y),
        *(lanes, y.size),
    )
