"""The passes of Sinkhorn's iteration over rows and columns, in scaled potentials F and G.

The plan is ``exp(F_i + G_j - inverse * cost_ij)``. What holds the cost depends on its `kind`: 0, dense: `C`
(n, m); 1, squared distances, and 2, distances: the points `X` (d, n) and `Y` (d, m); 3, scaled: ``C =
exp(-cost / eps)``, with which the plan is a product. Rows are taken in ``len(sums)`` blocks, whose sums are
added in order, so that no bit depends on the number of threads.
"""

import numpy as np

DENSE, SQUARED, EUCLIDEAN, SCALED = range(4)
TINY, FAR, EXTRA = 1e-37, 80.0, 8.0


def transport_rows(live, omega, kappa, inverse, kind, C, X, Y, a, F, G, F_new, r, sums):
    """Write the row sums of the plan to `r`, the new potentials of the rows to `F_new`, and add up columns.

    `sums` gets, for each block of rows, the column sums of the plan with the new potentials. With `omega` 0
    nothing moves, and `r` and `sums` belong to the plan that came. The step is `omega` times that which gives
    the row its mass `a` (times `kappa`, for a penalty), but goes at most 8 beyond it. Where the sum is too
    large or small for that, and `kind` is not 3, the row is taken by its largest term, with omega 1. Rows of
    mass zero are left out. If `live` is false, nothing is written.
    """
    if not live[0]:
        return
    blocks, n = len(sums), len(a)
    for q in range(blocks):
        sums[q] = 0
        for i in range(q * n // blocks, (q + 1) * n // blocks):
            r[i], F_new[i] = 0, F[i]
            if a[i] == 0:
                continue
            exponents = G - _scaled_cost(i, inverse, kind, C, X, Y)
            e = np.exp(F[i] + exponents)
            r[i] = e.sum()
            F_new[i] = _step(omega, kappa, F[i], a[i], r[i])
            if kind != SCALED and not _sound(r[i], F_new[i] - F[i]):
                most = exponents.max()
                e = np.exp(exponents - most)
                found = e.sum()
                r[i] = np.exp(F[i] + most) * found
                F_new[i] = F[i] if omega == 0 else kappa * (np.log(a[i]) - most - np.log(found))
                sums[q] += np.exp(F_new[i] + most) * e
            else:
                sums[q] += np.exp(F_new[i] - F[i]) * e


def transport_columns(live, omega, kappa, inverse, kind, C, X, Y, F, b, G, sums, G_new, c):
    """Write the new potentials of the columns to `G_new`, and to `c` the sums that they will have.

    `sums` is what `transport_rows` left, `F` the new potentials of the rows. As there, a column whose sum is
    no sound number is taken by its largest term. If `live` is false, nothing is written.
    """
    if not live[0]:
        return
    for j, t in enumerate(sums.sum(axis=0)):
        G_new[j], c[j] = G[j], t
        if b[j] == 0:
            c[j] = 0
        elif omega != 0:
            moved = _step(omega, kappa, G[j], b[j], t)
            if _sound(t, moved - G[j]):
                G_new[j], c[j] = moved, t * np.exp(moved - G[j])
            elif kind == SCALED:
                G_new[j] = c[j] = np.nan
            else:
                exponents = F - _scaled_cost(j, inverse, kind, C.T, Y, X)
                most = exponents.max()
                found = np.exp(exponents - most).sum()
                G_new[j] = kappa * (np.log(b[j]) - most - np.log(found))
                c[j] = np.exp(G_new[j] + most) * found


def transport_judge(kappa_a, kappa_b, a, b, r, c, F, G):
    """Return the squared error of the marginals in the 1-norm, and the dual over eps, up to a constant.

    The wanted sums are `a` and `b`, or what the penalties make of them at these potentials.
    """
    error, dual = F.dtype.type(0), -r.sum()
    for kappa, mass, found, potential in ((kappa_a, a, r, F), (kappa_b, b, c, G)):
        some = mass > 0
        mass, value = mass[some], potential[some]
        wanted = mass if kappa == 1 else mass * np.exp(-value * (1 - kappa) / kappa)
        error += abs(found[some] - wanted).sum() + found[~some].sum()
        if kappa == 1:
            dual += mass @ value
        else:
            reach = kappa / (1 - kappa)
            dual -= reach * (mass @ np.expm1(-value / reach))
    return F.dtype.type(error * error), F.dtype.type(dual)


def transport_least(inverse, kind, C, X, Y, G, F_new, sums):
    """Write ``min_j (cost_ij - G_j)`` to `F_new`, and of each block ``min_i (cost_ij - F_new_i)`` to `sums`.

    The pair is feasible: no sum of potentials exceeds the (scaled) cost. A `kind` of 3 has no cost to take.
    """
    blocks, n = len(sums), len(F_new)
    for q in range(blocks):
        sums[q] = np.inf
        for i in range(q * n // blocks, (q + 1) * n // blocks):
            cost = _scaled_cost(i, inverse, kind, C, X, Y)
            F_new[i] = (cost - G).min()
            sums[q] = np.minimum(sums[q], cost - F_new[i])


def transport_edges(inverse, indptr, indices, data, G, found):
    """Write to `found` the logarithms of the rows' sums of ``exp(G_j - inverse * data)`` over the entries.

    That of a row without entries, or whose potentials are all minus infinity, is minus infinity.
    """
    for i in range(len(found)):
        row = slice(indptr[i], indptr[i + 1])
        values = G[indices[row]] - inverse * data[row]
        most = values.max(initial=-np.inf)
        found[i] = most if most == -np.inf else most + np.log(np.exp(values - most).sum())


def _scaled_cost(i, inverse, kind, C, X, Y):
    if kind == DENSE:
        return inverse * C[i]
    if kind == SCALED:
        return -np.log(C[i])
    square = ((X[:, i, None] - Y) ** 2).sum(axis=0)
    return inverse * (square if kind == SQUARED else np.sqrt(square))


def _step(omega, kappa, potential, mass, found):
    if omega == 0:
        return potential
    with np.errstate(divide="ignore"):
        change = kappa * (potential + np.log(mass / found)) - potential
    return potential + change + (omega - 1) * min(max(change, -EXTRA), EXTRA)


def _sound(found, change):
    return TINY < found < np.inf and abs(change) < FAR
