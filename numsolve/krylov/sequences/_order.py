"""The order in which to solve many systems: neighbours are similar."""

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from ... import _validate
from ..._array import array_module, library, namespace, to_host
from ..._linear.system import unit_near
from ..._operators.operator import as_operator

LARGEST_EXACT_WORK = 1e10  # differences of entries up to which whole features are compared: a few seconds
LEAST_ENTRIES = 16  # smallest number of entries that a feature counts as
FREQUENCIES = 144  # number kept of a field: 12 x 12 of two axes
COMPONENTS = 7  # number of principal components kept
CELL_SIZE = 2048  # systems that are compared with each other; 2^7 cells hold 262,144
STRIP_ENTRIES = 1 << 17  # entries that are compared at a time, in cache
BUCKETS = 61  # length of the sketch of a matrix; a prime, because grids have other periods


def greedy_order(features, *, method="auto"):
    """Return an order in which each system is followed by the most similar of those that are left.

    Parameters
    ----------
    features : array, shape (count, ...)
        One entry per system: its parameters, or the field of a coefficient. Real or complex; CuPy arrays are
        copied to the host.
    method : {"auto", "exact", "grouped"}
        "exact" compares whole features. "grouped" compares their low frequencies within groups, for thousands
        of systems. "auto" chooses "exact" if that takes a few seconds at most.

    Returns
    -------
    numpy.ndarray of int, shape (count,)
        A permutation that begins with 0.

    Raises
    ------
    ValueError
        `features` has no first axis or an entry that is not finite, or `method` is unknown.
    TypeError
        The dtype is not supported.

    Notes ----- From system 0 on, the next system is the nearest in the Frobenius distance; of equally near
    ones that with the lowest number. With p entries per feature, "exact" costs ``count**2 * p`` operations in
    passes over the features. It stores a copy of the features, but no matrix of distances.

    "grouped" follows [1]_. It takes the lowest 144 frequencies of the discrete Fourier transform (12 x 12 of
    a field with two axes) and their 7 principal components, and divides the space of these into up to 128
    cells. The strongest components are halved at their medians, as many as needed for cells of 2048 systems.
    The cells are visited in the order of a Gray code, so each cell is a neighbour of the one before. Inside a
    cell the nearest neighbour comes next, starting from the last system of the cell before. The cost grows
    like count times 2048.

    References
    ----------
    .. [1] H. Wang, Z. Hao, J. Wang, Z. Geng, Z. Wang, B. Li, F. Wu, *Accelerating data generation for neural
       operators via Krylov subspace recycling*, ICLR 2024, :doi:`10.48550/arXiv.2401.09516`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import greedy_order
    >>> greedy_order(np.array([[0.0], [5.0], [1.0], [6.0]]))
    array([0, 2, 1, 3])
    """
    if method not in ("auto", "exact", "grouped"):
        raise ValueError(f"method is {method!r}; needed: 'auto', 'exact' or 'grouped'")
    fields = _validate.finite(_validate.as_array(to_host(features), "features"), "features")
    if fields.ndim == 0:
        raise ValueError("features is a single number; an array with one entry per system is needed")
    count, size = len(fields), prod(fields.shape[1:])
    if count * size == 0:
        return np.arange(count)
    fields = fields.astype(np.result_type(fields.dtype, np.float64), copy=False)
    fields = fields * (1 / unit_near(float(abs(fields).max()), fields.dtype))
    if method == "exact" or (
        method == "auto" and float(count) ** 2 * max(size, LEAST_ENTRIES) <= LARGEST_EXACT_WORK
    ):
        return chained(_flat(fields), 0)
    return _grouped(_components(fields))


def chained(points, first):
    """Return the numbers of all points, in an order from `first` on in which the nearest left comes next."""
    count, here = len(points), first
    order, numbers, left = np.empty(count, np.intp), np.arange(count), np.ones(count, bool)
    for step in range(count):
        order[step], left[here] = numbers[here], False
        point = points[here]
        if 2 * (count - step - 1) < len(left):  # half of the points are used: remove them
            points, numbers, left = points[left], numbers[left], np.ones(count - step - 1, bool)
        if len(left):
            distances = _distances(points, point)
            distances[~left] = np.inf
            here = int(distances.argmin())
    return order


def _distances(points, point):
    """Return squared distances, strip by strip, from differences, which are accurate for near points."""
    found, strip = np.empty(len(points)), max(1, STRIP_ENTRIES // points.shape[1])
    for first in range(0, len(points), strip):
        difference = points[first : first + strip] - point
        found[first : first + strip] = np.einsum("ij,ij->i", difference, difference)
    return found


def _flat(fields):
    """Return fields as rows of real numbers."""
    rows: Any = np.ascontiguousarray(fields.reshape(len(fields), -1))
    return rows.view(rows.real.dtype)


def _components(fields):
    """Return the principal components of the low frequencies of fields, the strongest first."""
    rows = _flat(_low(fields)) if prod(fields.shape[1:]) > 2 * FREQUENCIES else _flat(fields)
    rows = rows - rows.mean(axis=0)
    return rows @ np.linalg.eigh(rows.T @ rows)[1][:, : -COMPONENTS - 1 : -1]


def _low(fields):
    """Return the lowest frequencies of fields, about `FREQUENCIES` of each."""
    axes = fields.shape[1:]
    side = max(2, round(FREQUENCIES ** (1 / len(axes))))
    chosen = np.ix_(*((np.arange(min(side, m)) - min(side, m) // 2) % m for m in axes))
    strip = max(1, STRIP_ENTRIES // prod(axes))
    parts = (fields[first : first + strip] for first in range(0, len(fields), strip))
    over = tuple(range(1, fields.ndim))
    return np.concatenate([np.fft.fftn(part, axes=over)[(slice(None), *chosen)] for part in parts])


def _grouped(points):
    """Return an order that leads from cell to cell; cells are bounded by the medians of the components."""
    halvings = min(points.shape[1], max(0, int(np.ceil(np.log2(len(points) / CELL_SIZE)))))
    upper = points[:, :halvings] > np.median(points[:, :halvings], axis=0)
    cells = upper @ (1 << np.arange(halvings)[::-1])  # the strongest component changes least often
    order = np.empty(0, np.intp)
    for i in range(1 << halvings):
        members = np.flatnonzero(cells == (i ^ i >> 1 ^ int(cells[0])))
        if len(members):
            last = points[order[-1]] if len(order) else points[0]
            first = int(_distances(points[members], last).argmin()) if len(order) else 0
            order = np.append(order, members[chained(points[members], first)])
    return order


def order_without_features(systems):
    """Return an order of systems ``(A, b)`` by their sketches.

    Systems of one size are consecutive. If their matrices are equal, they are ordered by their right-hand
    sides. A system without a finite sketch comes last among those of its size.
    """
    groups = {}
    for number, (A, b) in enumerate(systems):
        size, found = sketch(A, b)
        groups.setdefault(size, []).append((number, *found))
    order = []
    for members in groups.values():
        numbers, of_A, of_b = (np.array(column) for column in zip(*members, strict=True))
        sound = np.isfinite(of_A).all(axis=1) & np.isfinite(of_b).all(axis=1)
        chosen, numbers_sound = of_A[sound], numbers[sound]
        if len(chosen) and (chosen == chosen[0]).all():
            chosen = of_b[sound]
        order += [*numbers_sound[greedy_order(chosen)], *numbers[~sound]]
    return np.array(order, np.intp)


def sketch(A, b):
    """Return the size of a system, and short vectors whose distances are about those of A and of b.

    It takes one product: `A` times a vector of random signs. The entries, with random signs, are summed in
    `BUCKETS`. The mean square of the sketch is the square of the Frobenius norm. The sketch of an invalid
    system is NaN.
    """
    nothing = np.full(2 * BUCKETS, np.nan)
    try:
        b = b if hasattr(b, "dtype") else np.asarray(b)
        n, home = len(b), library(b) or "numpy"
        signs = array_module(home).asarray(_signs(n))
        found = _bucketed(as_operator(A, home) @ signs), _bucketed(b.reshape(n, -1).sum(axis=1))
        return n, found
    except (ValueError, TypeError):
        return None, (nothing, nothing)


def _bucketed(y):
    """Return the entries of a vector, with fixed random signs, summed in buckets, on the host."""
    xp, rows = namespace(y), -(-len(y) // BUCKETS)
    padded = xp.zeros(rows * BUCKETS, y.dtype)
    padded[: len(y)] = y * xp.asarray(_signs(len(y), 1))
    sums = to_host(padded.reshape(rows, BUCKETS).sum(axis=0))
    return np.ascontiguousarray(np.append(sums.real, sums.imag), np.float64)


@lru_cache(maxsize=4)
def _signs(n, seed=0):
    return np.random.default_rng(seed).choice([-1.0, 1.0], n)
