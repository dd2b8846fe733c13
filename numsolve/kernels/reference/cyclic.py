"""Passes over the coefficients of a linear model, block by block, each from what those before have changed.

The loss of sample i is a function of its prediction z_i and its observation y_i. `loss` is its number:
0 squared, 1 logistic, 2 Huber up to `delta`, 3 Poisson. Number 4 is a quadratic function
``w^T X w / 2 - y^T w`` of the coefficients. The rows of `penalty` are ``kinks, ridges, lower, upper`` of the
function ``sum_j kinks_j |w_j| + ridges_j w_j^2 / 2`` for ``lower <= w <= upper``.
"""

from typing import Any

import numpy as np

SQUARED, LOGISTIC, HUBER, POISSON, QUADRATIC = range(5)


def cyclic_dense(
    backward, width, loss, delta, theta, a, A, X, y, s, z, g, base, extra, penalty, old, zeta, p, v, x
):
    """Take one step of dual averaging for each block of `width` coefficients, backward from the last or not.

    Row j of X holds feature j. With ``z = X^T x`` and slopes ``g = s loss'(z)``, a block gets the gradient
    ``p = X_b g``, ``zeta += a (p + extra)``, ``v = prox(base - zeta)`` of A times the penalty, and
    ``x = (1 - theta) old + theta v``; then z and g follow the change of x. All are overwritten in place.
    """
    for b in _blocks(len(x), width, backward):
        p[b] = z[b] - y[b] if loss == QUADRATIC else X[b] @ g
        d = _step(b, theta, a, A, base, extra, penalty, old, zeta, p, v, x)
        z += d @ X[b]
        if loss != QUADRATIC:
            g[:] = s * _slope(loss, delta, z, y)


def cyclic_csc(
    backward,
    width,
    loss,
    delta,
    theta,
    a,
    A,
    indptr,
    indices,
    data,
    y,
    s,
    z,
    g,
    base,
    extra,
    penalty,
    old,
    zeta,
    p,
    v,
    x,
):
    """Do the same for a matrix in compressed sparse columns."""
    for b in _blocks(len(x), width, backward):
        columns = [slice(indptr[j], indptr[j + 1]) for j in range(b.start, b.stop)]
        p[b] = z[b] - y[b] if loss == QUADRATIC else [data[c] @ g[indices[c]] for c in columns]
        d = _step(b, theta, a, A, base, extra, penalty, old, zeta, p, v, x)
        for change, c in zip(d, columns, strict=True):
            rows = indices[c]
            z[rows] += change * data[c]
            if loss != QUADRATIC:
                g[rows] = s[rows] * _slope(loss, delta, z[rows], y[rows])


def sampled_dense(
    first,
    steps,
    width,
    loss,
    delta,
    a,
    ratio,
    before,
    rows,
    X,
    y,
    s,
    z,
    base,
    mu,
    penalty,
    center,
    zeta,
    v,
    points,
    total,
):
    """Take some of the `steps` steps of an epoch of dual averaging, with gradients of single samples.

    Row i of X is a sample. The `center` has the predictions z and the gradient `mu` of the mean. Step k, from
    `first`, takes the sample ``rows[k - first, b]`` for block b, the last block first. The gradient of the
    sample at the partly updated point is corrected by ``mu`` minus its gradient at the center, and by `ratio`
    (1 after step 0) times the same difference as an extrapolation of the step before. `points` holds the
    extrapolated point of the last step, the point at which it ended, and room for three. `zeta` is the sum
    of gradients times `a`, and `total` sums the points of all steps.
    """
    theta = a / (before + a)
    for k, chosen in enumerate(rows, first):
        points[3] = points[4] = (1 - theta) * center + theta * v
        points[2] = points[0]
        for b in _blocks(len(v), width, True):
            i = chosen[b.start // width]
            c = _correction(loss, delta, 1 if k else ratio, points @ X[i], y[i], s[i], z[i])
            zeta[b] += a * (mu[b] + c * X[i, b])
            _end_block(b, theta, steps, before + a * (k + 1) / steps, base, penalty, center, zeta, v, points)
        points[:2] = points[3:]
        total += points[1]


def sampled_csr(
    first,
    steps,
    width,
    loss,
    delta,
    a,
    ratio,
    before,
    rows,
    indptr,
    indices,
    data,
    y,
    s,
    z,
    base,
    mu,
    penalty,
    center,
    zeta,
    v,
    points,
    total,
):
    """Do the same for samples in compressed sparse rows."""
    theta = a / (before + a)
    for k, chosen in enumerate(rows, first):
        points[3] = points[4] = (1 - theta) * center + theta * v
        points[2] = points[0]
        for b in _blocks(len(v), width, True):
            i = chosen[b.start // width]
            columns, values = indices[indptr[i] : indptr[i + 1]], data[indptr[i] : indptr[i + 1]]
            c = _correction(loss, delta, 1 if k else ratio, points[:, columns] @ values, y[i], s[i], z[i])
            zeta[b] += a * mu[b]
            inside = (columns >= b.start) & (columns < b.stop)
            zeta[columns[inside]] += a * c * values[inside]
            _end_block(b, theta, steps, before + a * (k + 1) / steps, base, penalty, center, zeta, v, points)
        points[:2] = points[3:]
        total += points[1]


def _slope(loss: Any, delta, z, y) -> Any:
    """Return the derivative of the loss in the prediction; here `loss` may be a function that returns it."""
    if callable(loss):
        return loss(z, y)
    if loss == SQUARED:
        return z - y
    if loss == LOGISTIC:
        return -y / (1 + np.exp(y * z))
    if loss == HUBER:
        return np.clip(z - y, -delta, delta)
    return np.exp(z) - y


def _blocks(n, width, backward):
    starts = range(0, n, width)
    return [slice(start, min(start + width, n)) for start in (reversed(starts) if backward else starts)]


def _step(b, theta, a, A, base, extra, penalty, old, zeta, p, v, x):
    """Move the coefficients of a block and return their change."""
    zeta[b] += a * (p[b] + extra[b])
    v[b] = _prox(base[b] - zeta[b], A, penalty[:, b])
    new = np.clip((1 - theta) * old[b] + theta * v[b], *penalty[2:, b])
    d = new - x[b]
    x[b] = new
    return d


def _prox(t, A, penalty):
    kinks, ridges, lower, upper = penalty
    moved = np.where(abs(t) <= A * kinks, 0, t - np.copysign(A * kinks, t))
    return np.clip(moved / (1 + A * ridges), lower, upper)


def _correction(loss, delta, ratio, products, y, s, z):
    """Return the factor of the sample in the corrected gradient, from its products with the points."""
    slopes = _slope(loss, delta, products, y)
    return s * (slopes[4] - _slope(loss, delta, z, y) + ratio * (slopes[0] - slopes[2]))


def _end_block(b, theta, steps, A, base, penalty, center, zeta, v, points):
    """Move the coefficients of a block, and those of the point that repeats the step before."""
    v[b] = _prox(base[b] - zeta[b] / steps, A, penalty[:, b])
    points[4, b] = (1 - theta) * center[b] + theta * v[b]
    points[2, b] = points[1, b]
