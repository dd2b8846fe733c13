"""Coordinate descent on the quadratic models of a proximal Newton method: loops on the host.

A model of the coefficients w of some features is

    sum_j q_j u_j + u^T H u / 2 + sum_j kink_j |w_j + u_j|,

with the changes u, and H the Gram matrix of the features with the weights d of the samples. One pass takes
each coefficient to its minimiser, in turn. Passes over all coefficients alternate with passes over those that
are not zero.
"""

import numpy as np

from ..cpu._jit import inline

ONE = np.uint64(1)
LEAST = 1e-14  # curvature without the mean, as a fraction of that with it: below is rounding error


@inline
def _minimiser(w, q, h, kink, positive):
    """Return the minimiser in one coefficient, whose derivative is q and whose curvature is h.

    A feature without curvature is left as it is, unless it is penalised.
    """
    if h <= 0:
        return 0.0 if kink > 0 else w
    v = h * w - q
    if v > kink:
        return (v - kink) / h
    if v < -kink and not positive:
        return (v + kink) / h
    return 0.0


@inline
def sweep_gram(H, q, w, kink, positive, tol, most):
    """Pass over the model until the largest violation met in a pass over all features is at most `tol`.

    `q` and `w` are updated. Return the number of passes, at most `most`.
    """
    n = np.uint64(w.size)
    everything = True
    for done in range(most):
        largest = 0.0
        for j in range(n):
            if w[j] == 0 and not everything:
                continue
            change = _minimiser(w[j], q[j], H[j, j], kink[j], positive) - w[j]
            if change != 0:
                w[j] += change
                largest = max(largest, H[j, j] * abs(change))
                for i in range(n):
                    q[i] += change * H[j, i]
        if largest <= tol and everything:
            return done + 1
        everything = largest <= tol
    return most


@inline
def sweep_columns(indptr, indices, data, d, t, means, total, w, kink, ridge, positive, tol, most):
    """Do the same with the features themselves, in compressed sparse columns.

    `t` holds the derivatives of the model in the predictions and is updated, and so is `w`. If `total` is
    positive, it is the sum of d, `means` holds the products of the features with d, and the intercept takes
    its best value after each change; it is not added to `t`. `ridge` is added to the diagonal of H. Return
    the number of passes.
    """
    n = np.uint64(w.size)
    shift, rate = 0.0, 0.0
    if total > 0:
        rate = 1 / total
        for i in range(np.uint64(t.size)):
            shift += t[i]
    h = np.empty(w.size)
    for j in range(n):
        square = 0.0
        for k in range(np.uint64(indptr[j]), np.uint64(indptr[j + ONE])):
            square += data[k] * data[k] * d[np.uint64(indices[k])]
        h[j] = max(square - means[j] * means[j] * rate, LEAST * square) + ridge[j]
    everything = True
    for done in range(most):
        largest = 0.0
        for j in range(n):
            if w[j] == 0 and not everything:
                continue
            start, end = np.uint64(indptr[j]), np.uint64(indptr[j + ONE])
            q = ridge[j] * w[j] - means[j] * (shift * rate)
            for k in range(start, end):
                q += data[k] * t[np.uint64(indices[k])]
            change = _minimiser(w[j], q, h[j], kink[j], positive) - w[j]
            if change != 0:
                w[j] += change
                largest = max(largest, h[j] * abs(change))
                shift += change * means[j]
                for k in range(start, end):
                    i = np.uint64(indices[k])
                    t[i] += change * data[k] * d[i]
        if largest <= tol and everything:
            return done + 1
        everything = largest <= tol
    return most


@inline
def add_weighted_gram(indptr, indices, data, d, H):
    """Add the Gram matrix of the columns of a matrix in compressed sparse rows, whose rows have weights d."""
    for row in range(np.uint64(d.size)):
        start, end = np.uint64(indptr[row]), np.uint64(indptr[row + ONE])
        for k in range(start, end):
            value, i = data[k] * d[row], np.uint64(indices[k])
            for l in range(start, k + ONE):
                H[i, np.uint64(indices[l])] += value * data[l]
    for i in range(np.uint64(H.shape[0])):
        for j in range(i):
            total = H[i, j] + H[j, i]
            H[i, j] = H[j, i] = total
