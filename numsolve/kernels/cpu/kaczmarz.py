"""Row actions, by one thread: each starts from what the one before has changed."""

import numpy as np

from ._jit import inline

ONE = np.uint64(1)


@inline
def kaczmarz_dense(rows, A, norms, b, x):
    for step in range(rows.size):
        i = np.uint64(rows[step])
        if norms[i] > 0:
            value = b[i]
            for j in range(np.uint64(x.size)):
                value -= A[i, j] * x[j]
            value /= norms[i]
            for j in range(np.uint64(x.size)):
                x[j] += value * np.conj(A[i, j])


@inline
def kaczmarz_csr(rows, indptr, indices, data, norms, b, x):
    for step in range(rows.size):
        i = np.uint64(rows[step])
        if norms[i] > 0:
            start, end = np.uint64(indptr[i]), np.uint64(indptr[i + ONE])
            value = b[i]
            for k in range(start, end):
                value -= data[k] * x[np.uint64(indices[k])]
            value /= norms[i]
            for k in range(start, end):
                x[np.uint64(indices[k])] += value * np.conj(data[k])


@inline
def project_dense(rows, K, G, z, r):
    norms = np.empty(r.size, r.real.dtype)
    for i in range(np.uint64(r.size)):
        norms[i] = G[i, i].real
    for step in range(rows.size):
        i = np.uint64(rows[step]) if rows[step] >= 0 else _farthest(norms, r)
        if norms[i] > 0:
            w = r[i] / norms[i]
            for j in range(np.uint64(z.size)):
                z[j] -= w * np.conj(K[i, j])
            for j in range(np.uint64(r.size)):
                r[j] -= w * np.conj(G[i, j])


@inline
def project_blocks(rows, inverses, K, G, z, r):
    q = np.uint64(rows.shape[1])
    y = np.empty(rows.shape[1], r.dtype)
    for step in range(np.uint64(rows.shape[0])):
        for a in range(q):
            y[a] = 0
            for c in range(q):
                y[a] += inverses[step, a, c] * r[np.uint64(rows[step, c])]
        for a in range(q):
            i, w = np.uint64(rows[step, a]), y[a]
            for j in range(np.uint64(z.size)):
                z[j] -= w * np.conj(K[i, j])
            for j in range(np.uint64(r.size)):
                r[j] -= w * np.conj(G[i, j])


@inline
def project_csr(rows, indptr, indices, data, starts, numbers, values, norms, z, r):
    for step in range(rows.size):
        i = np.uint64(rows[step]) if rows[step] >= 0 else _farthest(norms, r)
        if norms[i] > 0:
            w = r[i] / norms[i]
            for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + ONE])):
                j = np.uint64(indices[k])
                move = w * np.conj(data[k])
                z[j] -= move
                for l in range(np.uint64(starts[j]), np.uint64(starts[j + ONE])):
                    r[np.uint64(numbers[l])] -= move * np.conj(values[l])


@inline
def project_along(S, Y, W, z, r):
    for step in range(np.uint64(S.shape[0])):
        size, product = z.real.dtype.type(0), z.dtype.type(0)
        for j in range(np.uint64(z.size)):
            size += Y[step, j].real * Y[step, j].real + Y[step, j].imag * Y[step, j].imag
        if size > 0:
            for j in range(np.uint64(r.size)):
                product += np.conj(S[step, j]) * r[j]
            product /= size
            for j in range(np.uint64(z.size)):
                z[j] -= product * Y[step, j]
            for j in range(np.uint64(r.size)):
                r[j] -= product * W[step, j]


@inline
def _farthest(norms, r):
    """Return the row with the largest ``|r_i|^2 / norms_i``."""
    best, largest = np.uint64(0), norms.dtype.type(-1)
    for i in range(np.uint64(r.size)):
        if norms[i] > 0:
            distance = (r[i].real * r[i].real + r[i].imag * r[i].imag) / norms[i]
            if distance > largest:
                best, largest = i, distance
    return best
