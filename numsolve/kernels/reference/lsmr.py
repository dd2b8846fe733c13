"""The vector work of LSMR after a step of the bidiagonalisation."""

import numpy as np


def lsmr_update(live, bb, aa, old, new, v, h, g, x):
    """Rotate twice, step `x`, turn `g` and `h` into the next directions; return the squared gradient norm.

    `bb` and `aa` are the squares of the new beta and alpha; `v` has the norm alpha, `g` is the article's
    h-bar. `old` holds alpha-bar, zeta-bar, c-bar, s-bar and ``rho * rho-bar``, `new` those after the step.
    NaN, and nothing is changed, once `live` is false or a norm is NaN.
    """
    alpha, beta = np.sqrt(aa), np.sqrt(bb)
    alpha_bar, zeta_bar, c_bar, s_bar, product = old
    rho = np.hypot(alpha_bar, beta)
    theta = beta / rho * alpha
    rho_bar = np.hypot(c_bar * rho, theta)
    if not (live[0] and rho_bar > 0):
        return rho_bar * np.nan
    c, s = c_bar * rho / rho_bar, theta / rho_bar
    new[:] = alpha_bar / rho * alpha, -s * zeta_bar, c, s, rho * rho_bar
    g *= -s_bar * rho * rho / product
    g += h
    x += (c * zeta_bar / (rho * rho_bar)) * g
    h *= -theta / rho
    if alpha > 0:
        h += v / alpha
    return new[1] ** 2
