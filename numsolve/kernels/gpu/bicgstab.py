"""The vector work of BiCGStab."""

import cupy

from ._launch import blocks, launch, pieces


def bicgstab_half(rho, vs, vv, ss, eps, v, r):
    alpha = cupy.empty(1, r.dtype)
    launch("bicgstab_half", blocks(r.size), rho, vs, vv, ss, eps, v, r, alpha, r.size)
    return alpha


def bicgstab_update(live, alpha, tr, tt, before, eps, y, z, t, s, x, r):
    rho, rr = cupy.empty(blocks(r.size), r.dtype), pieces(r, blocks(r.size))
    launch("bicgstab_update", rr.size, live, alpha, tr, tt, before, eps, y, z, t, s, x, r, rho, rr, r.size)
    return rho, rr


def bicgstab_direction(old, rho, rr, ss, alpha, tr, tt, eps, v, r, s, p):
    rho_out, ss_out = cupy.empty(1, r.dtype), pieces(r, 1)
    scalars = old, rho, rr, ss, alpha, tr, tt, eps
    launch("bicgstab_direction", blocks(r.size), *scalars, v, r, s, p, rho_out, ss_out, r.size)
    return rho_out, ss_out
