"""The vector work of Chebyshev iterations."""

from ._launch import blocks, launch, pieces


def chebyshev_step(live, keep, gain, q, d, x, r):
    rr = pieces(r, blocks(r.size))
    launch("chebyshev_step", rr.size, live, keep, gain, q, d, x, r, rr, r.size)
    return rr


def chebyshev_update(live, q, d, x, r):
    rr = pieces(r, blocks(r.size))
    launch("chebyshev_update", rr.size, live, q, d, x, r, rr, r.size)
    return rr


def chebyshev_direction(live, keep, gain, z, d):
    launch("chebyshev_direction", blocks(d.size), live, keep, gain, z, d, d.size)


def chebyshev_start(gain, scale, b, d, x):
    launch("chebyshev_start", blocks(x.size), gain, scale, b, d, x, x.size)


def chebyshev_smooth(keep, gain, scale, q, b, r, d, x):
    launch("chebyshev_smooth", blocks(x.size), keep, gain, scale, q, b, r, d, x, x.size)
