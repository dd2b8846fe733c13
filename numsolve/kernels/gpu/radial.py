"""Radial atoms: one block a state, or a system."""

import cupy

from ._launch import BLOCKS, blocks, launch

DEEPEST = 16  # differences that Anderson mixing takes at most, as in radial.cu


def radial_solve(live, system, l, shift, V, c, w, h, K, x, y, found):
    count, q, E = y.shape
    grid = max(1, min(count, BLOCKS))
    work = cupy.empty((grid, q * q + 2 * q, E), y.dtype)
    launch(
        "radial_solve", grid, live, system, l, shift, V, c, w, h, K, x, y, found, work, q, E, count
    )  # fmt: skip


def radial_density(live, starts, f, r, h, D, J, y, u, n, V):
    systems, q, E = u.shape
    work = cupy.empty((systems, 3, q, E), u.dtype)
    launch("radial_density", max(1, systems), live, starts, f, r, h, D, J, y, u, n, V, work, q, E, systems)


def lda_vwn(n, e, v):
    launch("lda_vwn", blocks(n.size), n, e, v, n.size)


def anderson(live, step, beta, w, u, f, V, dF, dV, new, norms):
    systems, depth, q, E = dF.shape
    if depth > DEEPEST:
        raise ValueError(f"depth is {depth}; on a GPU at most {DEEPEST} differences are kept")
    args = (live, step, beta, w, u, f, V, dF, dV, new, norms, depth, q * E, systems)
    launch("anderson", max(1, systems), *args)
