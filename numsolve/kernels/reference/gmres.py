"""The vector work of GMRES, one or two steps at a time, with delayed reorthogonalisation.

Before a block of steps, rows ``V[:j]`` of the basis are final. Then come `p` pending rows, which were
orthogonalised once, and one row a step, from the last pending row u: ``A u``, or the two rows
``w = A u - sigma u`` and ``A w``. Together they are `count` rows.
"""

import numpy as np


def gmres_shift(uw, uu, sigma, u, w):
    """Subtract ``sigma u`` from w, where sigma is ``u^H w / u^H u``, its real part."""
    sigma[0] = uw / uu if uu > 0 else 0
    w -= sigma[0] * u


def gmres_project(j, count, V):
    """Return the products of ``V[:j+count]`` with each of its last rows, as an array (count, j + count)."""
    return V[j : j + count] @ V[: j + count].conj().T


def gmres_factor(live, p, j, ST, sigma):
    """Return the coordinates of the last rows in an orthonormal basis, an array (count + 1, j + count).

    Row a holds those of ``V[j+a]`` along ``V[:j]`` and, a triangle, along what is new in the rows from j on;
    the last row those of ``A u``. All is NaN if nothing of a pending row remains after its second
    orthogonalisation; the last row of the triangle ends with NaN if w is nearly a sum of earlier rows.
    """
    count, eps = len(ST), np.finfo(ST.dtype).eps
    F = np.zeros((count + 1, j + count), ST.dtype)
    F[:count, :j] = ST[:, :j]
    for a in range(count):
        for b in range(a):
            F[a, j + b] = (ST[a, j + b] - np.vdot(F[b, : j + b], F[a, : j + b])) / F[b, j + b]
        size = ST[a, j + a].real
        left = size - np.vdot(F[a, : j + a], F[a, : j + a]).real
        if not live[0] or (
            a < p and not left > 0.25 * size
        ):  # the row was rounding error: the space is exhausted
            F[...] = np.nan
            return F
        if a > p and not F[p, j + p].real ** 2 > eps**0.5 * ST[p, j + p].real:
            left = np.nan
        F[a, j + a] = np.sqrt(np.maximum(left, 8 * eps * size))
    F[count] = F[p]
    if count - p == 2:
        F[count] += sigma[0] * F[p - 1]
    return F


def gmres_advance(j, F, V):
    """Replace the last rows of `V` by what is new in them, of norm one if its norm is known well.

    Returns the squared norms they have. A row whose coordinates are not numbers stays as it is.
    """
    count = len(F) - 1
    squares = np.zeros(count, V.real.dtype)
    for a in range(count):
        if not F[a, j + a].real >= 0:
            squares[a] = np.nan
            continue
        inverse = 1 / F[a, j + a].real if F[a, j + a] != 0 else 0
        V[j + a] = (V[j + a] - F[a, : j + a] @ V[: j + a]) * inverse
        squares[a] = np.vdot(V[j + a], V[j + a]).real
    return squares


def gmres_residual(live, kept, p, j, step, F, uu, H, R, Y, G, rot):
    """Add the column of a step to the Hessenberg matrix, return the squared residual.

    Row i of `Y` holds the coordinates of direction i. Row i of `H` holds those of its product with A, and row
    i of `R` those of the triangular factor of H. `rot` holds the Givens rotations. ``G[1]`` is the rotated
    right-hand side, ``G[0]`` its entries before each rotation, and ``G[2]`` the lengths by which the
    directions were divided. The first step corrects the columns that refer to pending rows. `uu` is the
    squared norm of the newest row of the basis. The first `kept` basis vectors are images of known
    directions; the first columns of `H` and `R` belong to these.
    """
    if not (live[0] and F[p + step, j + p + step].real >= 0):
        return np.nan * uu
    i, count = j + p - 1 + step, len(F) - 1
    if step == 0:
        if j == kept:
            G[1, :j] += F[0, :j]
            G[0, j] = F[0, j]
        else:
            for column in range(j - 1, j + p - 1):
                for X in (H, Y):
                    pending = X[column, j : j + p].copy()
                    X[column, j : j + p] = 0
                    X[column, : j + p] += pending @ F[:p, : j + p]
                _rotate(column, 1, H, R, G, rot)
    length = F[i - j, i].real
    Y[i, : i + 1] = F[i - j, : i + 1] / length
    H[i, : i + 2] = F[count if step == 0 else p + 1, : i + 2] / length
    G[2, i] = length
    return _rotate(i, np.sqrt(uu), H, R, G, rot)


def _rotate(j, norm, H, R, G, rot):
    """Bring column j, whose last basis vector has a norm, to triangular form; return the squared residual."""
    column = H[j, : j + 2].copy()
    column[j + 1] *= norm
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
