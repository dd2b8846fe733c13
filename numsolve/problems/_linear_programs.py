"""Linear programs that are generated: transport, assignment, PageRank, and a bilinear game."""

import numpy as np
import scipy.sparse as sp

from .. import _validate
from ..monotone import LP


def transport_program(a, b, *, cost="random", rng=None) -> LP:
    """Return the transport problem between two random distributions.

    Parameters
    ----------
    a, b : int
        Numbers of sources and sinks: the program has ``a + b`` equations and ``a * b`` variables.
    cost : {"random", "squared"}
        Costs drawn from [0, 1), or squared distances of random points of the unit square.
    rng : int or numpy.random.Generator, optional
        Source of the random numbers.

    Returns
    -------
    LP
        The program: ``min sum(C * X)`` with the row and column sums of X >= 0 given.

    Examples
    --------
    >>> from numsolve.problems import transport_program
    >>> transport_program(3, 4, rng=0)
    LP(minimize, 7 rows, 12 variables, 24 entries)
    """
    a, b = _validate.count(a, "a", 1), _validate.count(b, "b", 1)
    _validate.choice(cost, "cost", ("random", "squared"))
    rng = np.random.default_rng(rng)
    if cost == "random":
        C = rng.random((a, b))
    else:
        X, Y = rng.random((a, 2)), rng.random((b, 2))
        C = ((X[:, None] - Y[None]) ** 2).sum(axis=2)
    sides = np.concatenate([rng.dirichlet(np.ones(a)), rng.dirichlet(np.ones(b))])
    return LP(C.ravel(), _marginals(a, b), sides, sides)


def assignment_program(n, *, rng=None) -> LP:
    """Return the linear program of an assignment of n tasks to n workers with random costs.

    Its vertices are permutations; the costs are whole numbers from 1 to 100.

    Parameters
    ----------
    n : int
        Number of tasks: the program has ``2 n`` equations and ``n^2`` variables.
    rng : int or numpy.random.Generator, optional
        Source of the random numbers.

    Returns
    -------
    LP
        The program.

    Examples
    --------
    >>> from numsolve.problems import assignment_program
    >>> assignment_program(5, rng=0)
    LP(minimize, 10 rows, 25 variables, 50 entries)
    """
    n = _validate.count(n, "n", 1)
    C = np.random.default_rng(rng).integers(1, 101, n * n).astype(float)
    return LP(C, _marginals(n, n), 1.0, 1.0)


def pagerank_program(n, *, links=3, damping=0.99, rng=None) -> LP:
    """Return a linear program whose solution is the PageRank vector of a random graph.

    The graph grows by preferential attachment: each new node links to earlier ones, which are chosen with
    probabilities that grow with their degrees. The program is ``(damping S - I) x <= -(1 - damping) / n``,
    ``sum(x) = 1``, ``x >= 0``, with S the transition matrix of the graph.

    Parameters
    ----------
    n : int
        Number of nodes: the program has n inequalities, one equation, and n variables.
    links : int
        Links of each new node.
    damping : float
        The damping factor, in (0, 1).
    rng : int or numpy.random.Generator, optional
        Source of the random choices.

    Returns
    -------
    LP
        The program; the objective is zero.

    References
    ----------
    Yu. Nesterov, *Subgradient methods for huge-scale optimization problems*,
    :doi:`10.1007/s10107-013-0686-4`, and D. Applegate et al., *Practical large-scale linear programming using
    primal-dual hybrid gradient*, :doi:`10.48550/arXiv.2106.04756`.

    Examples
    --------
    >>> from numsolve.problems import pagerank_program
    >>> pagerank_program(100, rng=0).shape
    (101, 100)
    """
    n, links = _validate.count(n, "n", 2), _validate.count(links, "links", 1)
    if not 0 < damping < 1:
        raise ValueError(f"damping is {damping}; a number in (0, 1) is needed")
    rng = np.random.default_rng(rng)
    ends = np.empty(2 * links * n, int)  # each node as often as it has links
    ends[:1], filled, pairs = 0, 1, []
    for node in range(1, n):
        chosen = np.unique(ends[rng.integers(0, filled, links)])
        pairs.append((np.full(len(chosen), node), chosen))
        ends[filled : filled + len(chosen)] = chosen
        filled += len(chosen)
        ends[filled : filled + len(chosen)] = node
        filled += len(chosen)
    first, second = (np.concatenate([pair[i] for pair in pairs]) for i in (0, 1))
    graph = sp.coo_array(
        (np.ones(2 * len(first)), (np.append(first, second), np.append(second, first))), (n, n)
    )
    S = graph.tocsr()
    S = S @ sp.diags_array(1 / S.sum(axis=0))
    A = sp.vstack([damping * S - sp.eye_array(n), np.ones((1, n))]).tocsr()
    limit = -(1 - damping) / n
    return LP(np.zeros(n), A, np.append(np.full(n, -np.inf), 1.0), np.append(np.full(n, limit), 1.0))


def _marginals(a, b):
    """Return the matrix of row and column sums of an a by b matrix."""
    rows = sp.kron(sp.eye_array(a), np.ones((1, b)))
    columns = sp.kron(np.ones((1, a)), sp.eye_array(b))
    return sp.vstack([rows, columns]).tocsr()
