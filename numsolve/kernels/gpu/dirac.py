"""Dirac's radial equation: one block a state."""

import cupy

from ._launch import BLOCKS, blocks, launch


def dirac_solve(live, system, rule, lift, Z, shift, c, V, r, h, w, D, points, first, x, y, found):
    count, _, q, E = y.shape
    grid = max(1, min(count, BLOCKS))
    work = cupy.empty((grid, q + 5, q, E), y.dtype)
    which = live, system, rule, lift, Z, shift, c
    launch(
        "dirac_solve", grid, *which, V, r, h, w, D, points, first, x, y, found, work, q, E, count
    )  # fmt: skip


def relativistic_exchange(n, c, e, v):
    launch("relativistic_exchange", blocks(n.size), n, c, e, v, n.size)
