"""Passes over the coefficients of a linear model: one block of threads takes one block after the other."""

from ._launch import launch


def cyclic_dense(
    backward, width, loss, delta, theta, a, A, X, y, s, z, g, base, extra, penalty, old, zeta, p, v, x
):
    arrays = X, y, s, z, g, base, extra, penalty, old, zeta, p, v, x
    launch("cyclic_dense", 1, backward, width, loss, delta, theta, a, A, *arrays, z.size, x.size)


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
    arrays = indptr, indices, data, y, s, z, g, base, extra, penalty, old, zeta, p, v, x
    launch("cyclic_csc", 1, backward, width, loss, delta, theta, a, A, *arrays, x.size)


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
    count, blocks = rows.shape
    numbers = first, steps, width, loss, count, blocks, delta, a, ratio, before
    launch(
        "sampled_dense",
        1,
        *numbers,
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
        v.size,
    )


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
    count, blocks = rows.shape
    numbers = first, steps, width, loss, count, blocks, delta, a, ratio, before
    arrays = indptr, indices, data, y, s, z, base, mu, penalty, center, zeta, v, points, total
    launch("sampled_csr", 1, *numbers, rows, *arrays, v.size)
