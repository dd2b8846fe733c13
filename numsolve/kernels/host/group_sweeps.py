"""Block coordinate descent for a quadratic function plus the norms of groups: loops on the host.

The function of the coefficients w is, with the derivatives q at w and changes u,

    sum_j q_j u_j + u^T H u / 2 + sum_g kink_g |w_g + u_g|.

A group takes several proximal steps at a time, with the largest eigenvalue L_g of its block of H. Passes over
all groups alternate with passes over those that are not zero.
"""

import numpy as np

from ..cpu._jit import inline

ONE = np.uint64(1)
STEPS = 10  # at most, of a group of several coefficients in one pass
SMALL = 0.1  # the steps of a group end when one is less than this fraction of the first


@inline
def _proximal_step(first, last, q, w, L, kink, positive):
    """Take one proximal step of a group; write the new coefficients to `w` and their changes to `q`.

    Return the norm of the changes.
    """
    norm = 0.0
    for j in range(first, last):
        v = w[j] - q[j] / L
        if v > 0 or not positive:
            norm += v * v
    norm = np.sqrt(norm)
    scale = 1 - kink / (L * norm) if L * norm > kink else 0.0
    size = 0.0
    for j in range(first, last):
        v = w[j] - q[j] / L
        new = scale * v if v > 0 or not positive else 0.0
        q[j] = new - w[j]
        w[j] = new
        size += q[j] * q[j]
    return np.sqrt(size)


@inline
def _size(first, last, w):
    """Return the sum of the absolute values of a group."""
    found = 0.0
    for j in range(first, last):
        found += abs(w[j])
    return found


@inline
def _settle(first, last, H, q, w, L, kink, positive, start, change):
    """Take proximal steps of one group, and return the norm of the first one; `q` stays as it is."""
    size = 0.0
    for j in range(first, last):
        start[j] = q[j]
    for step in range(STEPS if last - first > ONE else 1):
        for j in range(first, last):
            change[j] = q[j]
        moved = _proximal_step(first, last, change, w, L, kink, positive)
        size = moved if step == 0 else size
        if moved <= SMALL * size:
            break
        for i in range(first, last):
            for j in range(first, last):
                q[i] += H[i, j] * change[j]
    for j in range(first, last):
        q[j] = start[j]
    return size


@inline
def sweep_groups(begin, H, q, w, L, kink, positive, tol, most):
    """Pass over the groups until the largest step met in a pass over all, times L_g, is at most `tol`.

    ``begin[g]`` is the first coefficient of group g. `q` and `w` are updated. Return the number of passes, at
    most `most`.
    """
    old, start, change = np.empty(w.size), np.empty(w.size), np.empty(w.size)
    everything = True
    for done in range(most):
        largest = 0.0
        for g in range(np.uint64(L.size)):
            first, last = np.uint64(begin[g]), np.uint64(begin[g + ONE])
            if L[g] <= 0 or (not everything and _size(first, last, w) == 0):
                continue
            for j in range(first, last):
                old[j] = w[j]
            size = _settle(first, last, H, q, w, L[g], kink[g], positive, start, change)
            largest = max(largest, L[g] * size)
            for j in range(first, last):
                moved = w[j] - old[j]
                if moved != 0:
                    for i in range(np.uint64(w.size)):
                        q[i] += moved * H[j, i]
        if largest <= tol and everything:
            return done + 1
        everything = largest <= tol
    return most


@inline
def sweep_group_columns(begin, indptr, indices, data, s, means, r, w, L, kink, positive, tol, most):
    """Do the same with the features in compressed sparse columns, one step of a group at a time.

    `r` holds the residuals, and `s` the weights of the samples. `means` is subtracted from the features, and
    the weighted mean of r is zero up to what the subtraction adds; both are updated.
    """
    change = np.empty(w.size)
    shift = 0.0
    everything = True
    for done in range(most):
        largest = 0.0
        for g in range(np.uint64(L.size)):
            first, last = np.uint64(begin[g]), np.uint64(begin[g + ONE])
            if L[g] <= 0 or (not everything and _size(first, last, w) == 0):
                continue
            for j in range(first, last):
                product = 0.0
                for k in range(np.uint64(indptr[j]), np.uint64(indptr[j + ONE])):
                    i = np.uint64(indices[k])
                    product += data[k] * s[i] * r[i]
                change[j] = shift * means[j] - product
            largest = max(largest, L[g] * _proximal_step(first, last, change, w, L[g], kink[g], positive))
            for j in range(first, last):
                if change[j] != 0:
                    shift -= change[j] * means[j]
                    for k in range(np.uint64(indptr[j]), np.uint64(indptr[j + ONE])):
                        r[np.uint64(indices[k])] -= change[j] * data[k]
        if largest <= tol and everything:
            return done + 1
        everything = largest <= tol
    return most
