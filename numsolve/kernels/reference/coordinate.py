"""Sweeps of coordinate descent over the features of a working set, for a quadratic function plus a penalty.

The function is ``sum_i h_i (z_i - x_i . w)^2 / 2 + sum_j l1[j] |w_j| + l2[j] w_j^2 / 2``, over ``w >= 0``
if `positive`. The correlations are ``c_j = sum_i h_i x_ij (z_i - x_i . w)``. A sweep minimises in one
coefficient after the other; coefficients without curvature are left out. The sweeps end once one of them has
decreased the function by about ``tol / 2``, or less.
"""


def gram_sweeps(positive, sweeps, tol, G, l1, l2, c, w):
    """Sweep over `w`, and keep `c`, with ``X^T diag(h) X`` in the first rows and columns of G."""
    n = w.size
    for _ in range(sweeps):
        decrease = 0.0
        for j in range(n):
            curvature = G[j, j] + l2[j]
            if not curvature > 0:
                continue
            d = _shrunk(positive, c[j] + G[j, j] * w[j], l1[j]) / curvature - w[j]
            if d != 0:
                w[j] += d
                c -= d * G[j, :n]
                decrease += d * d * curvature
        if not decrease > tol:
            return


def column_sweeps(
    positive, sweeps, tol, some, indptr, indices, data, h, mean, squares, l1, l2, q, shift, c, w
):
    """Sweep over `w`, the coefficients of some columns of X in compressed sparse columns.

    Column j is centred: ``mean[j]`` is subtracted from each of its entries, and ``squares[j]`` is the sum
    of the squares of what remains, with the factors h. The residuals are ``q_i / h_i + shift``, and their sum
    with the factors h is zero unless all means are zero. `q` and `shift` are kept; `c` is computed at the
    end.
    """
    total = h.sum()
    column = [slice(indptr[k], indptr[k + 1]) for k in some]

    def correlation(j):
        part = column[j]
        return data[part] @ q[indices[part]] + shift[0] * total * mean[j]

    for _ in range(sweeps):
        decrease = 0.0
        for j in range(w.size):
            curvature = squares[j] + l2[j]
            if not curvature > 0:
                continue
            d = _shrunk(positive, correlation(j) + squares[j] * w[j], l1[j]) / curvature - w[j]
            if d != 0:
                rows = indices[column[j]]
                w[j] += d
                q[rows] -= d * h[rows] * data[column[j]]
                shift[0] += d * mean[j]
                decrease += d * d * curvature
        if not decrease > tol:
            break
    for j in range(w.size):
        c[j] = correlation(j)


def row_sweeps(positive, sweeps, tol, A, h, squares, l1, l2, q, c, w):
    """Sweep over `w`, the coefficients of the rows of a dense matrix A, which are columns of X.

    `q` holds the residuals times h, and is kept; `c` is computed at the end.
    """
    for _ in range(sweeps):
        decrease = 0.0
        for j in range(w.size):
            curvature = squares[j] + l2[j]
            if not curvature > 0:
                continue
            d = _shrunk(positive, A[j] @ q + squares[j] * w[j], l1[j]) / curvature - w[j]
            if d != 0:
                w[j] += d
                q -= d * h * A[j]
                decrease += d * d * curvature
        if not decrease > tol:
            break
    c[:] = A @ q


def _shrunk(positive, value, l1):
    """Return the value moved towards zero by `l1`, zero beyond, and where it is negative if `positive`."""
    size = max((value if positive else abs(value)) - l1, 0)
    return size if value > 0 else -size
