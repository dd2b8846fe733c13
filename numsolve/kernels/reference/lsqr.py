"""The vector work of LSQR after a step of the bidiagonalisation."""

import numpy as np


def lsqr_update(live, bb, aa, old, new, v, w, x):
    """Rotate, step `x` along `w`, turn `w` into the next direction; return the squared gradient norm.

    `bb` and `aa` are the squares of the new beta and alpha; `v` has the norm alpha. `old` holds rho-bar and
    phi-bar, `new` those after the step. NaN, and nothing is changed, once `live` is false or a norm is NaN.
    """
    alpha, beta = np.sqrt(aa), np.sqrt(bb)
    rho = np.hypot(old[0], beta)
    if not (live[0] and rho > 0 and alpha >= 0):
        return rho * np.nan
    c, s = old[0] / rho, beta / rho
    phi = c * old[1]
    new[:] = -c * alpha, s * old[1]
    x += (phi / rho) * w
    w *= -s * alpha / rho
    if alpha > 0:
        w += v / alpha
    return (new[0] * new[1]) ** 2
