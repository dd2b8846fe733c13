"""The vector work of GMRES, with delayed reorthogonalisation."""

import numpy as np


def gmres_project(j, V):
    """Return ``V[:j+1]^H [u, w]`` as an array (2, j + 1), where u is ``V[j]`` and w is ``V[j+1]``."""
    return V[j : j + 2] @ V[: j + 1].conj().T


def gmres_advance(j, ST, V):
    """Finish basis vector j, orthogonalise its successor once; return the latter's squared norm.

    ``v_j = (u - V s) / nu`` and ``u_next = (w - V t - gamma v_j) / nu``, in place in ``V[j]`` and
    ``V[j+1]``; NaN when nothing of u is left after its second orthogonalisation.
    """
    nu, gamma = _scales(j, ST)
    if not nu > 0:
        return nu
    V[j] = (V[j] - ST[0, :j] @ V[:j]) / nu
    V[j + 1] = (V[j + 1] - ST[1, :j] @ V[:j] - gamma * V[j]) / nu
    return np.vdot(V[j + 1], V[j + 1]).real


def gmres_residual(live, kept, linear, j, ST, uu, H, R, G, rot):
    """Correct column j - 1 of the Hessenberg matrix, add column j, return the squared residual.

    Row i of `H` and of `R` holds column i of the Hessenberg matrix and of its triangular factor, `rot`
    the Givens rotations, ``G[1]`` the rotated right-hand side and ``G[0]`` what each rotation found. If
    `linear`, w came from u before its second orthogonalisation, which is made up for: ``A V`` is known.
    The first `kept` basis vectors are images of others, of which the first columns of `H` and `R` tell.
    """
    nu, gamma = _scales(j, ST)
    if not (live[0] and nu > 0):
        return nu * np.nan
    s, t = ST[0, :j], ST[1, :j]
    if j == kept:
        G[1, :j] += s
        G[0, j] = nu
    else:
        H[j - 1, :j] += s
        H[j - 1, j] = nu
        _rotate(j - 1, H, R, G, rot)
    H[j, : j + 1] = np.append(t, gamma)
    if linear:
        H[j, : j + 1] -= s[kept:] @ H[kept:j, : j + 1]
    H[j, : j + 1] /= nu
    H[j, j + 1] = np.sqrt(uu)
    return _rotate(j, H, R, G, rot)


def _scales(j, ST):
    """Return nu, the norm of u after its second orthogonalisation, and gamma = v_j^H w."""
    alpha = ST[0, j].real
    nu2 = alpha - np.vdot(ST[0, :j], ST[0, :j]).real
    if not nu2 > 0.25 * alpha:  # u was rounding error: the Krylov space is exhausted
        return alpha * np.nan, alpha * np.nan
    nu = np.sqrt(nu2)
    return nu, (ST[1, j] - np.vdot(ST[0, :j], ST[1, :j])) / nu


def _rotate(j, H, R, G, rot):
    """Bring column j to triangular form, return the squared residual."""
    column = H[j, : j + 2].copy()
    for k in range(j):
        c, s = rot[:, k]
        column[k], column[k + 1] = (
            c * column[k] + s * column[k + 1],
            c * column[k + 1] - np.conj(s) * column[k],
        )
    a, b = column[j], column[j + 1].real
    size = abs(a)
    rho = np.hypot(size, b)
    if not rho > 0:  # A maps the newest direction into the old ones: singular
        return rho * np.nan
    phase = a / size if size > 0 else 1
    c, s = size / rho, phase * b / rho
    rot[:, j] = c, s
    R[j, :j] = column[:j]
    R[j, j] = phase * rho
    G[1, j] = c * G[0, j]
    G[0, j + 1] = -np.conj(s) * G[0, j]
    return abs(G[0, j + 1]) ** 2
