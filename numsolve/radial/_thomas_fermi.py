"""The start of self-consistency: the Thomas-Fermi potential, in closed form."""

import numpy as np


def screening(Z, charge, r):
    """Return the potential of the electrons, ``(Z - Z_eff(r)) / r``, at radii r; its value at 0 is not used.

    Z_eff is a fit to the solution of the Thomas-Fermi equation (arXiv:physics/0511017, as in dftatom), and at
    least the charge that the outermost electron sees.
    """
    safe = np.where(r > 0, r, 1)
    x = safe * (128 * Z / (9 * np.pi**2)) ** (1 / 3)
    root = np.sqrt(x)
    alpha, beta, gamma = 0.7280642371, -0.5430794693, 0.3612163121
    fit = (1 + alpha * root + beta * x * np.exp(-gamma * root)) ** 2 * np.exp(-2 * alpha * root)
    return np.where(r > 0, (Z - np.maximum(Z * fit, 1 + charge)) / safe, 0)
