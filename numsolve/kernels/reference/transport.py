"""The passes of Sinkhorn's iteration over rows and columns of k problems, in scaled potentials F and G.

The plan is ``exp(F_i + G_j - inverse * cost_ij)``. Arrays have a first axis of problems; where it has length
one, all problems share the array. `kind` says what holds the cost:

- 0, dense: `C` (k, n, m) is the cost;
- 1, squared distances, 2, distances, 4, sums of absolute differences: of the points `X` (k, d, n) and `Y`
  (k, d, m);
- 3, scaled: ``C = exp(-cost / eps)``, so that the plan is a product.

Rows are taken in blocks, whose sums are added in order, so that no bit depends on the number of threads. A
problem that is not `live` is not changed.
"""

import numpy as np

DENSE, SQUARED, EUCLIDEAN, SCALED, CITYBLOCK = range(5)
TINY, FAR, EXTRA = 1e-37, 80.0, 8.0


def transport_rows(live, omega, kappa, inverse, kind, C, X, Y, a, F, G, F_new, r, sums):
    """Write the row sums of the plans to `r`, new potentials of the rows to `F_new`, and add up columns.

    `sums` (k, blocks, m) gets, for each block of rows, the column sums of the plan with the new potentials.
    Where `omega` (k,) is 0 the potentials stay, and `r` and `sums` belong to the given plan. The step is
    `omega` times that which gives the row its mass `a` (times `kappa`, for a penalty), but at most 8 longer.
    If the sum is too large or too small for that, and `kind` is not 3, the row is computed relative to its
    largest term, with omega 1. Rows of mass zero are left out.
    """
    _, blocks, _ = sums.shape
    n = a.shape[1]
    for p in np.flatnonzero(live):
        for q in range(blocks):
            sums[p, q] = 0
            for i in range(q * n // blocks, (q + 1) * n // blocks):
                r[p, i], F_new[p, i] = 0, F[p, i]
                if a[p, i] == 0:
                    continue
                exponents = G[p] - _scaled_cost(i, inverse, kind, *_of(p, C, X, Y))
                e = np.exp(F[p, i] + exponents)
                r[p, i] = e.sum()
                moved = _step(omega[p], kappa, F[p, i], a[p, i], r[p, i])
                if kind == SCALED or _sound(r[p, i], moved - F[p, i]):
                    sums[p, q] += np.exp(moved - F[p, i]) * e
                else:
                    most = exponents.max()
                    e = np.exp(exponents - most)
                    found = e.sum()
                    r[p, i] = np.exp(F[p, i] + most) * found
                    moved = F[p, i] if omega[p] == 0 else kappa * (np.log(a[p, i]) - most - np.log(found))
                    sums[p, q] += np.exp(moved + most) * e
                F_new[p, i] = moved


def transport_columns(live, omega, kappa, inverse, kind, C, X, Y, F, b, G, sums, G_new, c):
    """Write the new potentials of the columns to `G_new`, and to `c` the sums that they will have.

    `sums` comes from `transport_rows`, `F` are the new potentials of the rows. As there, a column whose sum
    is too large or too small is computed relative to its largest term.
    """
    for p in np.flatnonzero(live):
        for j, t in enumerate(sums[p].sum(axis=0)):
            G_new[p, j], c[p, j] = G[p, j], t
            if b[p, j] == 0:
                c[p, j] = 0
            elif omega[p] != 0:
                moved = _step(omega[p], kappa, G[p, j], b[p, j], t)
                if _sound(t, moved - G[p, j]):
                    G_new[p, j], c[p, j] = moved, t * np.exp(moved - G[p, j])
                elif kind == SCALED:
                    G_new[p, j] = c[p, j] = np.nan
                else:
                    own = _of(p, C, X, Y)
                    exponents = F[p] - _scaled_cost(j, inverse, kind, own[0].T, own[2], own[1])
                    most = exponents.max()
                    found = np.exp(exponents - most).sum()
                    G_new[p, j] = kappa * (np.log(b[p, j]) - most - np.log(found))
                    c[p, j] = np.exp(G_new[p, j] + most) * found


def transport_judge(kappa_a, kappa_b, a, b, r, c, F, G):
    """Return the squared errors of the marginals in the 1-norm, and the duals over eps, up to a constant.

    Both are of shape (k,). The sums should be `a` and `b`, or those to which the penalties lead at these
    potentials.
    """
    error, dual = 0, -r.sum(axis=1)
    for kappa, mass, found, potential in ((kappa_a, a, r, F), (kappa_b, b, c, G)):
        value = np.where(mass > 0, potential, 0)
        wanted = mass if kappa == 1 else mass * np.exp(-value * (1 - kappa) / kappa)
        error = error + abs(found - wanted).sum(axis=1)
        if kappa == 1:
            dual = dual + (mass * value).sum(axis=1)
        else:
            reach = kappa / (1 - kappa)
            dual = dual - reach * (mass * np.expm1(-value / reach)).sum(axis=1)
    return (error * error).astype(F.dtype), dual.astype(F.dtype)


def transport_least(inverse, kind, C, X, Y, G, F_new, sums):
    """Write ``min_j (cost_ij - G_j)`` to `F_new`, and of each block ``min_i (cost_ij - F_new_i)`` to `sums`.

    The pair is feasible: no sum of potentials exceeds the (scaled) cost. The `kind` 3 is not allowed.
    """
    (k, n), blocks = F_new.shape, sums.shape[1]
    for p in range(k):
        for q in range(blocks):
            sums[p, q] = np.inf
            for i in range(q * n // blocks, (q + 1) * n // blocks):
                cost = _scaled_cost(i, inverse, kind, *_of(p, C, X, Y))
                F_new[p, i] = (cost - G[p]).min()
                sums[p, q] = np.minimum(sums[p, q], cost - F_new[p, i])


def transport_edges(hard, inverse, indptr, indices, data, G, found):
    """Write to `found` (k, n) the logarithms of the rows' sums of ``exp(G_j - inverse * data)``.

    Or, if `hard`, only the largest of these exponents. That of a row without entries, or whose potentials are
    all minus infinity, is minus infinity.
    """
    for i in range(found.shape[1]):
        row = slice(indptr[i], indptr[i + 1])
        values = G[:, indices[row]] - inverse * data[row]
        found[:, i] = most = values.max(axis=1, initial=-np.inf)
        if not hard:
            top = np.where(most > -np.inf, most, 0)
            with np.errstate(divide="ignore"):
                found[:, i] = top + np.log(np.exp(values - top[:, None]).sum(axis=1))


def transport_axis(hard, inverse, cost, values, sums, found):
    """Write to `found` (p, n, q) the logarithms of sums over j of ``exp(values_j - inverse * cost_ij)``.

    Or, if `hard`, only the largest of these exponents. An entry of `found` is kept if that of `sums`, of the
    same shape, is 1e-37 or more: it is accurate already.
    """
    for i in range(len(cost)):
        exponents = values - inverse * cost[i, :, None]
        most = exponents.max(axis=1, initial=-np.inf)
        if hard:
            found[:, i] = most
            continue
        top = np.where(most > -np.inf, most, 0)
        with np.errstate(divide="ignore"):
            anew = top + np.log(np.exp(exponents - top[:, None]).sum(axis=1))
        found[:, i] = np.where(sums[:, i] < TINY, anew, found[:, i])


def _of(p, *arrays):
    """Return the parts that belong to problem `p` of arrays that may be shared by all."""
    return tuple(x[p if len(x) > 1 else 0] for x in arrays)


def _scaled_cost(i, inverse, kind, C, X, Y):
    if kind == DENSE:
        return inverse * C[i]
    if kind == SCALED:
        return -np.log(C[i])
    difference = X[:, i, None] - Y
    total = (abs(difference) if kind == CITYBLOCK else difference**2).sum(axis=0)
    return inverse * (np.sqrt(total) if kind == EUCLIDEAN else total)


def _step(omega, kappa, potential, mass, found):
    if omega == 0:
        return potential
    with np.errstate(divide="ignore"):
        change = kappa * (potential + np.log(mass / found)) - potential
    return potential + change + (omega - 1) * min(max(change, -EXTRA), EXTRA)


def _sound(found, change):
    return TINY < found < np.inf and abs(change) < FAR
