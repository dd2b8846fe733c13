"""Sweeps of coordinate descent, by one thread: each step starts from what the one before has changed."""

import numpy as np

from ._jit import inline, paste

ONE = np.uint64(1)


@inline
def gram_sweeps(positive, sweeps, tol, G, l1, l2, c, w):
    n = np.uint64(w.size)
    for _ in range(sweeps):
        decrease = w.dtype.type(0)
        for j in range(n):
            square = G[j, j]
            d = _step(positive, c[j], square, l1[j], l2[j], w[j])
            if d != 0:
                w[j] += d
                for i in range(n):
                    c[i] -= d * G[j, i]
                decrease += d * d * (square + l2[j])
        if not decrease > tol:
            return


@inline
def column_sweeps(
    positive, sweeps, tol, some, indptr, indices, data, h, mean, squares, l1, l2, q, shift, c, w
):
    total, moved = w.dtype.type(0), shift[0]
    for i in range(np.uint64(h.size)):
        total += h[i]
    n = np.uint64(w.size)
    for _ in range(sweeps):
        decrease = w.dtype.type(0)
        for j in range(n):
            k = np.uint64(some[j])
            start, end = np.uint64(indptr[k]), np.uint64(indptr[k + ONE])
            found = moved * total * mean[j]
            for e in range(start, end):
                found += data[e] * q[np.uint64(indices[e])]
            d = _step(positive, found, squares[j], l1[j], l2[j], w[j])
            if d != 0:
                w[j] += d
                for e in range(start, end):
                    i = np.uint64(indices[e])
                    q[i] -= d * h[i] * data[e]
                moved += d * mean[j]
                decrease += d * d * (squares[j] + l2[j])
        if not decrease > tol:
            break
    shift[0] = moved
    for j in range(n):
        k = np.uint64(some[j])
        found = moved * total * mean[j]
        for e in range(np.uint64(indptr[k]), np.uint64(indptr[k + ONE])):
            found += data[e] * q[np.uint64(indices[e])]
        c[j] = found


@inline
def row_sweeps(positive, sweeps, tol, A, h, squares, l1, l2, q, c, w):
    n, m = np.uint64(w.size), np.uint64(q.size)
    for _ in range(sweeps):
        decrease = w.dtype.type(0)
        for j in range(n):
            found = w.dtype.type(0)
            for i in range(m):
                found += A[j, i] * q[i]
            d = _step(positive, found, squares[j], l1[j], l2[j], w[j])
            if d != 0:
                w[j] += d
                for i in range(m):
                    q[i] -= d * h[i] * A[j, i]
                decrease += d * d * (squares[j] + l2[j])
        if not decrease > tol:
            break
    for j in range(n):
        found = w.dtype.type(0)
        for i in range(m):
            found += A[j, i] * q[i]
        c[j] = found


@paste
def _step(positive, c, square, l1, l2, w):
    """Return the change of a coefficient."""
    curvature, value = square + l2, c + square * w
    if not curvature > 0:
        return w - w
    if value > l1:
        return (value - l1) / curvature - w
    if value < -l1 and not positive:
        return (value + l1) / curvature - w
    return -w
