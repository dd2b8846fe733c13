"""Rows in an order: incomplete factorisation, triangular solves, Gauss-Seidel.

Rows are taken level by level, level l being ``order[bounds[l]:bounds[l + 1]]``. A row's level lies above
those of the earlier rows, and below those of the later ones, to which an entry of its own or of theirs
couples it: rows of a level do not meet, and the results are those of the rows in their natural order. On the
host `bounds` and `order` may be None: the rows are then taken, and stored, in their natural order.
"""

import numpy as np


def ilu0(bounds, order, indptr, indices, diag, data):  # noqa: ARG001 - levels only let rows run at once
    """Overwrite `data` with the factors ``L U`` of A on its pattern; ``diag[i]`` is the place of (i, i).

    L is unit lower triangular. A pivot that is zero makes later rows infinite or NaN.
    """
    for i in range(diag.size) if order is None else order:
        cols = indices[indptr[i] : indptr[i + 1]]
        for k in range(indptr[i], diag[i]):
            above = slice(diag[indices[k]], indptr[indices[k] + 1])
            data[k] /= data[above.start]
            shared, here, there = np.intersect1d(cols, indices[above], return_indices=True)
            right = shared > indices[k]
            data[indptr[i] + here[right]] -= data[k] * data[above][there[right]]


def ldu_solve(bounds, order, L_indptr, L_indices, L_data, U_indptr, U_indices, U_data, scale, b, z, x):  # noqa: ARG001
    """Write ``U^-1 S L^-1 b`` to `x`: unit triangles stored without their diagonals, ``S = diag(scale)``.

    Triangles and scale are stored level by level, level l being the rows from ``bounds[l]`` to
    ``bounds[l + 1] - 1``; their row i belongs to ``b[order[i]]`` and ``x[order[i]]``. `z` is room for the
    solution in the order of storage, and may be `x` if there are no levels.
    """
    order = np.arange(x.size) if order is None else order
    for i in range(x.size):
        row = slice(L_indptr[i], L_indptr[i + 1])
        z[i] = b[order[i]] - L_data[row] @ z[L_indices[row]]
    for i in range(x.size)[::-1]:
        row = slice(U_indptr[i], U_indptr[i + 1])
        z[i] = scale[i] * z[i] - U_data[row] @ z[U_indices[row]]
    x[order] = z


def relax(bounds, order, reverse, indptr, indices, data, scale, b, x):  # noqa: ARG001
    """Sweep over the rows in place: ``x_i += scale_i (b - A x)_i``, if `reverse` from the last one on."""
    order = np.arange(x.size) if order is None else order
    for i in order[::-1] if reverse else order:
        row = slice(indptr[i], indptr[i + 1])
        x[i] += scale[i] * (b[i] - data[row] @ x[indices[row]])
