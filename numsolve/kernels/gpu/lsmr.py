"""The vector work of LSMR."""

from ._launch import blocks, launch, pieces


def lsmr_update(live, bb, aa, old, new, v, h, g, x):
    rr = pieces(x, 1)
    launch("lsmr_update", blocks(x.size), live, bb, aa, old, new, v, h, g, x, rr, x.size)
    return rr
