"""The arithmetic of the learners: a few microseconds per solve, on the host."""

from math import log, pi, sqrt

import numpy as np

from ..cpu._jit import inline

RANK_TOLERANCE = 1e-14  # relative to the largest eigenvalue of a Gram matrix: below are rounding errors
# Places in `shared` of ChebCB.
ROUND_COUNT, LARGEST_COST, SMALLEST_COST, COST_UNIT = range(4)
SQUARED_PREDICTIONS, PREDICTIONS_TIMES_COSTS, SQUARED_COSTS, ETA = range(4, 8)


@inline
def draw(p, u):
    """Return the arm that the uniform number `u` selects; the last one if rounding leaves sum(p) below u."""
    arm, reached = 0, p[0]
    while u >= reached and arm < p.size - 1:
        arm += 1
        reached += p[arm]
    return arm


@inline
def tsallis_probabilities(losses, scale, eta, p):
    """Write the distribution of Tsallis-INF into `p`; return its multiplier, below all ``losses / scale``.

    Newton from ``-2 / eta`` below the least loss, where the sum of `p` is at least one: the sum is convex
    and increasing, so that the iterates descend to the root and never pass a pole.
    """
    least = losses.min()
    x = -2.0 / eta
    for _ in range(60):
        total, slope = 0.0, 0.0
        for i in range(p.size):
            root = 2.0 / (eta * ((losses[i] - least) / scale - x))
            p[i] = root * root
            total += p[i]
            slope += root * p[i]
        if total - 1.0 < 1e-13:
            break
        x -= (total - 1.0) / (eta * slope)
    for i in range(p.size):
        p[i] /= total
    return x + least / scale


@inline
def chebyshev_features(y, f):
    """Write the Chebyshev polynomials of `y` into `f`."""
    f[0] = 1.0
    for j in range(1, f.size):
        f[j] = y if j == 1 else 2 * y * f[j - 1] - f[j - 2]


@inline
def cheb_draw(theta, eta, y, u, f, p):
    """Draw an arm by inverse gaps of the predicted losses; return it and its prediction."""
    chebyshev_features(y, f)
    q = theta @ f
    best = q.argmin()
    left = 1.0
    for i in range(p.size):
        p[i] = 1.0 / (p.size + eta * (q[i] - q[best]))
        left -= p[i] if i != best else 0.0
    p[best] = left
    arm = draw(p, u)
    return arm, q[arm]


@inline
def cheb_learn(arm, y, prediction, cost, f, shared, sums, gram, right, theta):
    """Add the cost of one round to the sums, then update fits and learning rate.

    For each arm, `gram` holds F'F, `right` holds F'1 and F'l, and `sums` holds the number of rounds, the sum
    of the costs l and the sum of their squares. `shared` holds the quantities of all arms together.
    """
    chebyshev_features(y, f)
    cheb_add(f, cost, sums[arm], gram[arm], right[arm])
    shared[LARGEST_COST] = max(shared[LARGEST_COST], cost) if shared[ROUND_COUNT] else cost
    shared[SMALLEST_COST] = min(shared[SMALLEST_COST], cost) if shared[ROUND_COUNT] else cost
    shared[ROUND_COUNT] += 1
    shared[SQUARED_PREDICTIONS] += prediction * prediction
    shared[PREDICTIONS_TIMES_COSTS] += prediction * cost
    shared[SQUARED_COSTS] += cost * cost

    degree, spread = f.size, shared[LARGEST_COST] - shared[SMALLEST_COST]
    wide = 2 + 4 * spread / shared[LARGEST_COST] * (1 + log(degree))
    unit, before = shared[LARGEST_COST] * wide, shared[COST_UNIT]
    shared[COST_UNIT] = unit
    box = np.empty(degree)
    for j in range(degree):
        box[j] = 2 * spread / (unit * j) if j else 1 / wide
    fitted = 0.0
    for a in range(len(sums)):
        if sums[a, 0] > 0 and (a == arm or unit != before):
            r = (right[a, 1] - right[a, 0]) / unit
            squares = (sums[a, 2] - 2 * sums[a, 1] + sums[a, 0]) / unit**2
            if not fit_in_box(gram[a], r, box, theta[a]):
                fitted = max(squares - 2 * (r @ theta[a]) + theta[a] @ (gram[a] @ theta[a]), 0.0)
    t = shared[ROUND_COUNT]
    alpha = (pi + 2 / pi * log(2 * degree + 1)) * spread / (2 * unit * (degree + 1))
    error = (
        shared[SQUARED_PREDICTIONS]
        - 2 * shared[PREDICTIONS_TIMES_COSTS] / unit
        + shared[SQUARED_COSTS] / unit**2
    )
    shared[ETA] = 2 * t * sqrt(len(sums) * t / max(error - fitted + 2 * alpha**2 * t, 1 / unit**2))


@inline
def cheb_add(f, cost, sums, gram, right):
    """Add a round to the sums of its arm, which suffice for a fit."""
    sums[0] += 1
    sums[1] += cost
    sums[2] += cost * cost
    for j in range(f.size):
        right[0, j] += f[j]
        right[1, j] += f[j] * cost
        for k in range(f.size):
            gram[j, k] += f[j] * f[k]


@inline
def fit_in_box(G, r, box, theta):
    """Minimise ``theta' G theta / 2 - r' theta`` in a box; write the result to `theta`.

    The shortest minimiser without the box is taken if it is inside; return whether it was.
    """
    free = np.ones(r.size, np.bool_)
    set_to(theta, minimiser(G, -r, free))
    if (np.abs(theta) <= box).all():
        return True
    for j in range(r.size):
        theta[j] = min(max(theta[j], -box[j]), box[j])
        free[j] = abs(theta[j]) < box[j]
    small = 1e-14 * np.abs(r).max()
    for _ in range(12 * r.size):
        step = minimiser(G, G @ theta - r, free)
        length, hit = 1.0, -1
        for j in range(r.size):
            if free[j] and abs(theta[j] + step[j]) > box[j]:
                room = (box[j] - abs(theta[j])) if step[j] * theta[j] > 0 else (box[j] + abs(theta[j]))
                if room < length * abs(step[j]):
                    length, hit = room / abs(step[j]), j
        for j in range(r.size):
            theta[j] += length * step[j]
        if hit >= 0:
            theta[hit] = box[hit] if step[hit] > 0 else -box[hit]
            free[hit] = False
            continue
        g = G @ theta - r  # at the minimum on this face: free the bound with the largest gain
        most, out = small, -1
        for j in range(r.size):
            if not free[j] and box[j] > 0 and g[j] * np.sign(theta[j]) > most:
                most, out = g[j] * np.sign(theta[j]), j
        if out < 0:
            break
        free[out] = True
    return False


@inline
def set_to(theta, values):
    """Write `values` to `theta`: for ``theta[:] = values`` Numba compiles the texts of its errors too."""
    for j in range(theta.size):
        theta[j] = values[j]


@inline
def minimiser(G, g, free):
    """Return the shortest minimiser d of ``d'Gd / 2 + g'd`` in which only the entries `free` are not zero.

    By a Cholesky factorisation, or by eigenvectors where G is singular (few rounds, or equal contexts).
    """
    at = np.flatnonzero(free)
    k = at.size
    d, H, v = np.zeros(g.size), np.empty((k, k)), np.empty(k)
    for i in range(k):
        v[i] = -g[at[i]]
        for j in range(k):
            H[i, j] = G[at[i], at[j]]
    L = H.copy()
    if cholesky_in_place(L):
        for i in range(k):
            for j in range(i):
                v[i] -= L[i, j] * v[j]
            v[i] /= L[i, i]
        for i in range(k - 1, -1, -1):
            for j in range(i + 1, k):
                v[i] -= L[j, i] * v[j]
            v[i] /= L[i, i]
    else:
        w, V = np.linalg.eigh(H)
        c = V.T @ v
        for i in range(k):
            c[i] = c[i] / w[i] if w[i] > RANK_TOLERANCE * w[-1] else 0.0
        v = V @ c
    for i in range(k):
        d[at[i]] = v[i]
    return d


@inline
def cholesky_in_place(L):
    """Overwrite a matrix with its Cholesky factor; return False as soon as it is nearly singular."""
    largest = 0.0
    for j in range(len(L)):
        largest = max(largest, L[j, j])
    for j in range(len(L)):
        for i in range(j, len(L)):
            for l in range(j):
                L[i, j] -= L[i, l] * L[j, l]
            if i > j:
                L[i, j] /= L[j, j]
            elif L[j, j] > 1e3 * RANK_TOLERANCE * largest:
                L[j, j] = sqrt(L[j, j])
            else:
                return False
    return True
