"""Labels on graphs: a quadratic function whose Hessian is a part of the graph's Laplacian."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from .. import _validate
from ._draws import generator


@dataclass(frozen=True, eq=False)
class LabelledGraph:
    """A weighted graph of which some nodes have a label.

    The labels of the other nodes minimise ``sum_ij W_ij (x_i - x_j)^2 / 4``, which is ``x^T A x / 2 - b^T x``
    plus a constant.

    Attributes
    ----------
    W : scipy.sparse.csr_array, shape (n, n)
        The symmetric matrix of weights >= 0, with zeros on its diagonal.
    labels : numpy.ndarray of float64, shape (n,)
        The known labels; zero at the other nodes.
    known : numpy.ndarray of bool, shape (n,)
        The nodes whose label is known.
    points : numpy.ndarray of float64, shape (n, 2)
        A place in the plane for each node.
    truth : numpy.ndarray of float64, shape (n,), or None
        The labels of all nodes, where there are any.
    """

    W: Any
    labels: np.ndarray
    known: np.ndarray
    points: np.ndarray
    truth: np.ndarray | None = None

    @cached_property
    def unknown(self):
        """The nodes whose label is not known, in increasing order."""
        return np.flatnonzero(~self.known)

    @cached_property
    def A(self) -> Any:
        """The part of the Laplacian that belongs to the unknown labels: sparse, positive definite."""
        L = (sp.diags_array(np.asarray(self.W.sum(axis=0)).ravel()) - self.W).tocsr()
        return L[self.unknown][:, self.unknown]

    @cached_property
    def b(self):
        """The weighted sums of the known labels beside each unknown one."""
        return (self.W @ self.labels)[self.unknown]

    def filled(self, x):
        """Return the labels of all nodes.

        Parameters
        ----------
        x : array_like, shape (n - known,)
            The labels of the unknown nodes.

        Returns
        -------
        numpy.ndarray of float64, shape (n,)
            Known and unknown labels.
        """
        labels = self.labels.copy()
        labels[self.unknown] = x
        return labels


def lattice_labels(rows=50, columns=50, *, labelled=100, weight=1e5, rng=None):
    """Return a lattice of equal weights with normal labels at some nodes.

    Parameters
    ----------
    rows, columns : int
        Size of the lattice. Its nodes are numbered column by column.
    labelled : int
        Number of labels, which are normal with standard deviation 10.
    weight : float
        Weight of each edge.
    rng : int, numpy.random.Generator or numpy.random.RandomState, optional
        Seed or generator. ``numpy.random.RandomState(1)`` with the default sizes gives the lattice of [1]_,
        whose least value is -1045999575.2270696.

    Returns
    -------
    LabelledGraph
        Weights, labels, and the quadratic function of the unknown labels.

    Raises
    ------
    TypeError, ValueError
        If a size is not a positive integer, the weight is not positive, or `labelled` is more than the
        number of nodes less one.

    References
    ----------
    .. [1] J. Nutini, I. Laradji, M. Schmidt, *Let's Make Block Coordinate Descent Converge Faster*,
       J. Mach. Learn. Res. 23, 2022, problem D, arXiv:1712.08859.

    Examples
    --------
    >>> from numsolve.problems import lattice_labels
    >>> lattice_labels(8, 8, labelled=4, rng=0).A.shape
    (60, 60)
    """
    rows, columns = _validate.count(rows, "rows", least=1), _validate.count(columns, "columns", least=1)
    weight = _validate.positive(weight, "weight")
    n = rows * columns
    labelled, rng = _labelled(labelled, n), generator(rng)
    node = np.arange(n)
    down, right = node[node % rows < rows - 1], node[: n - rows]
    ends = np.concatenate([down, right]), np.concatenate([down + 1, right + rows])
    W: Any = sp.coo_array((np.full(len(ends[0]), weight), ends), shape=(n, n)).tocsr()
    known, labels = np.zeros(n, bool), np.zeros(n)
    chosen = rng.choice(n, labelled, replace=False)
    known[chosen], labels[chosen] = True, 10 * rng.standard_normal(labelled)
    points = np.column_stack([node // rows, rows - 1 - node % rows]).astype(float)
    return LabelledGraph(W + W.T, labels, known, points)


def two_moons(n=2000, *, neighbours=5, labelled=100, noise=0.1, rng=None):
    """Return points on two half circles, joined to their nearest neighbours, with labels at some of them.

    Parameters
    ----------
    n : int
        Number of points.
    neighbours : int
        Number of nearest points to which each point is joined by an edge of weight one.
    labelled : int
        Number of labels: -1 on one half circle, 1 on the other. A connected part of the graph that would
        have none gets one more.
    noise : float
        Standard deviation of the distances of the points to the half circles, whose radius is one.
    rng : int, numpy.random.Generator or numpy.random.RandomState, optional
        Seed or generator.

    Returns
    -------
    LabelledGraph
        Weights, labels, and the quadratic function of the unknown labels; `truth` has all labels.

    Raises
    ------
    TypeError, ValueError
        If a count is not a positive integer, `neighbours` or `labelled` is not less than `n`, or `noise` is
        negative.

    Notes
    -----
    This is problem E of [1]_. The published points and labels are not available, so that the published least
    value, -717.708822011346, is not that of any seed.

    References
    ----------
    .. [1] J. Nutini, I. Laradji, M. Schmidt, *Let's Make Block Coordinate Descent Converge Faster*,
       J. Mach. Learn. Res. 23, 2022, problem E, arXiv:1712.08859.

    Examples
    --------
    >>> from numsolve.problems import two_moons
    >>> two_moons(100, labelled=4, rng=0).A.shape
    (96, 96)
    """
    from scipy.spatial import KDTree

    n = _validate.count(n, "n", least=2)
    neighbours = _validate.count(neighbours, "neighbours", least=1)
    if neighbours >= n:
        raise ValueError(f"neighbours is {neighbours}; a number below n = {n} is needed")
    labelled, rng = _labelled(labelled, n), generator(rng)
    noise = _validate.tolerance(noise, "noise")
    angle = np.pi * rng.random(n)
    truth = np.where(np.arange(n) < n // 2, -1.0, 1.0)
    points = np.column_stack([np.cos(angle), np.sin(angle)])
    points[n // 2 :] = (1.0, 0.5) - points[n // 2 :]
    points += noise * rng.standard_normal((n, 2))
    nearest = KDTree(points).query(points, neighbours + 1)[1]
    starts = np.repeat(np.arange(n), neighbours + 1)
    joined: Any = sp.coo_array((np.ones(nearest.size), (starts, nearest.ravel())), shape=(n, n)).tocsr()
    W = joined.maximum(joined.T)
    W.setdiag(0)
    W.eliminate_zeros()
    known = np.zeros(n, bool)
    known[rng.choice(n, labelled, replace=False)] = True
    parts = sp.csgraph.connected_components(W, directed=False)[1]
    known[np.unique(parts, return_index=True)[1][np.bincount(parts, known) == 0]] = True
    return LabelledGraph(W, np.where(known, truth, 0.0), known, points, truth)


def _labelled(labelled, n):
    labelled = _validate.count(labelled, "labelled", least=1)
    if labelled >= n:
        raise ValueError(f"labelled is {labelled}; a number below that of the {n} nodes is needed")
    return labelled
