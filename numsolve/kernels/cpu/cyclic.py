"""Passes over the coefficients of a linear model, by one thread: each block needs those before."""

from math import copysign, exp

import numpy as np

from ._jit import inline

ONE = np.uint64(1)
SQUARED, LOGISTIC, HUBER, POISSON, QUADRATIC = range(5)


@inline
def cyclic_dense(
    backward, width, loss, delta, theta, a, A, X, y, s, z, g, base, extra, penalty, old, zeta, p, v, x
):
    blocks = (x.size + width - 1) // width
    for block in range(blocks):
        start = (blocks - 1 - block if backward else block) * width
        end = min(start + width, x.size)
        for j in range(np.uint64(start), np.uint64(end)):
            value = x.dtype.type(0)
            if loss == QUADRATIC:
                value += z[j] - y[j]
            else:
                for i in range(np.uint64(z.size)):
                    value += X[j, i] * g[i]
            p[j] = value
            zeta[j] += a * (value + extra[j])
            v[j] = _prox(base[j] - zeta[j], A, penalty, j)
        moved = False
        for j in range(np.uint64(start), np.uint64(end)):
            new = _averaged(theta, old, v, penalty, j)
            d = new - x[j]
            x[j] = new
            if d != 0:
                moved = True
                for i in range(np.uint64(z.size)):
                    z[i] += d * X[j, i]
        if moved and loss != QUADRATIC:
            for i in range(np.uint64(z.size)):
                g[i] = s[i] * _slope(loss, delta, z[i], y[i])


@inline
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
    blocks = (x.size + width - 1) // width
    for block in range(blocks):
        start = (blocks - 1 - block if backward else block) * width
        end = min(start + width, x.size)
        for j in range(np.uint64(start), np.uint64(end)):
            value = x.dtype.type(0)
            if loss == QUADRATIC:
                value += z[j] - y[j]
            else:
                for k in range(np.uint64(indptr[j]), np.uint64(indptr[j + ONE])):
                    value += data[k] * g[np.uint64(indices[k])]
            p[j] = value
            zeta[j] += a * (value + extra[j])
            v[j] = _prox(base[j] - zeta[j], A, penalty, j)
        for j in range(np.uint64(start), np.uint64(end)):
            new = _averaged(theta, old, v, penalty, j)
            d = new - x[j]
            x[j] = new
            if d != 0:
                for k in range(np.uint64(indptr[j]), np.uint64(indptr[j + ONE])):
                    i = np.uint64(indices[k])
                    z[i] += d * data[k]
                    if loss != QUADRATIC:
                        g[i] = s[i] * _slope(loss, delta, z[i], y[i])


@inline
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
    n = np.uint64(v.size)
    for step in range(rows.shape[0]):
        _begin(a, before, center, v, points)
        for block in range(rows.shape[1] - 1, -1, -1):
            i = np.uint64(rows[step, block])
            last = now = repeated = v.dtype.type(0)
            for j in range(n):
                value = X[i, j]
                last += value * points[0, j]
                repeated += value * points[2, j]
                now += value * points[4, j]
            c = _correction(first + step, loss, delta, ratio, last, repeated, now, y[i], s[i], z[i])
            start, end = np.uint64(block * width), np.uint64(min(block * width + width, v.size))
            for j in range(start, end):
                zeta[j] += a * (mu[j] + c * X[i, j])
            _end_block(start, end, first + step, steps, a, before, base, penalty, center, zeta, v, points)
        _end(points, total)


@inline
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
    for step in range(rows.shape[0]):
        _begin(a, before, center, v, points)
        for block in range(rows.shape[1] - 1, -1, -1):
            i = np.uint64(rows[step, block])
            start, end = np.uint64(block * width), np.uint64(min(block * width + width, v.size))
            last = now = repeated = v.dtype.type(0)
            for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + ONE])):
                j = np.uint64(indices[k])
                last += data[k] * points[0, j]
                repeated += data[k] * points[2, j]
                now += data[k] * points[4, j]
            c = _correction(first + step, loss, delta, ratio, last, repeated, now, y[i], s[i], z[i])
            for j in range(start, end):
                zeta[j] += a * mu[j]
            for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + ONE])):
                j = np.uint64(indices[k])
                if start <= j < end:
                    zeta[j] += a * c * data[k]
            _end_block(start, end, first + step, steps, a, before, base, penalty, center, zeta, v, points)
        _end(points, total)


@inline
def _slope(loss, delta, z, y):
    """Return the derivative of the loss in the prediction."""
    if loss == LOGISTIC:
        return -y / (1 + exp(y * z))
    if loss == POISSON:
        return exp(z) - y
    r = z - y
    if loss == HUBER:
        r = -delta if r < -delta else r
        r = delta if r > delta else r
    return r


@inline
def _prox(t, A, penalty, j):
    """Return the proximal map of A times the penalty; NaN stays NaN."""
    kink = A * penalty[0, j]
    if abs(t) <= kink:
        t = t - t
    else:
        t -= copysign(kink, t)
    t /= 1 + A * penalty[1, j]
    t = penalty[2, j] if t < penalty[2, j] else t
    return penalty[3, j] if t > penalty[3, j] else t


@inline
def _averaged(theta, old, v, penalty, j):
    t = (1 - theta) * old[j] + theta * v[j]
    t = penalty[2, j] if t < penalty[2, j] else t
    return penalty[3, j] if t > penalty[3, j] else t


@inline
def _begin(a, before, center, v, points):
    theta = a / (before + a)
    for j in range(np.uint64(v.size)):
        points[2, j] = points[0, j]
        points[3, j] = (1 - theta) * center[j] + theta * v[j]
        points[4, j] = points[3, j]


@inline
def _correction(step, loss, delta, ratio, last, repeated, now, y, s, z):
    extra = _slope(loss, delta, last, y) - _slope(loss, delta, repeated, y)
    if step == 0:
        extra *= ratio
    return s * (_slope(loss, delta, now, y) - _slope(loss, delta, z, y) + extra)


@inline
def _end_block(start, end, step, steps, a, before, base, penalty, center, zeta, v, points):
    theta, A = a / (before + a), before + a * (step + 1) / steps
    for j in range(start, end):
        v[j] = _prox(base[j] - zeta[j] / steps, A, penalty, j)
        points[4, j] = (1 - theta) * center[j] + theta * v[j]
        points[2, j] = points[1, j]


@inline
def _end(points, total):
    for j in range(np.uint64(total.size)):
        points[0, j] = points[3, j]
        points[1, j] = points[4, j]
        total[j] += points[4, j]
