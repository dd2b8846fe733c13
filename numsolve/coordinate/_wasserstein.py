"""Dictionaries of histograms in the Wasserstein metric, as products of one factor for each axis."""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from .. import _validate
from ._proximal_blocks import ProximalBlocksResult, proximal_blocks

LARGEST_RATIO = 300.0  # of the largest cost to eps: exponentials of smaller numbers may be zero
INNER_TOLERANCE = 1e-9  # of the dual of an update, relative to the mass of all samples
INNER_STEPS = 500


@dataclass(frozen=True, eq=False, repr=False)
class DictionaryResult(ProximalBlocksResult):
    """Result of `wasserstein_dictionary`.

    Attributes
    ----------
    x : tuple of arrays
        The factors, of shape (n_k, rank) for axis k, then the codes, of shape (rank, samples). Their columns
        are histograms.
    objective : float
        The sum of the entropic transport costs between the samples and their approximations.
    """

    @property
    def factors(self) -> tuple:
        """The factors of the atoms."""
        return self.x[:-1]

    @property
    def codes(self) -> Any:
        """The weights of the atoms in each sample."""
        return self.x[-1]

    @property
    def atoms(self) -> Any:
        """The atoms, of shape (n_1, ..., n_d, rank)."""
        return products(self.factors)

    @property
    def approximation(self) -> Any:
        """The approximated samples, of shape (n_1, ..., n_d, samples)."""
        return self.atoms @ self.codes


def wasserstein_dictionary(
    samples: Any,
    rank: int,
    costs: Any,
    eps: float,
    *,
    lam: float = 0.1,
    rtol: float = 1e-3,
    atol: float = 0.0,
    maxiter: int = 100,
    time_limit: float | None = None,
    callback: Any = None,
    rng: Any = None,
) -> DictionaryResult:
    r"""Approximate histograms on a grid by mixtures of few atoms, in the Wasserstein metric.

    Minimise :math:`\sum_j W_\varepsilon(p_j, \sum_r h_{rj} \, u^1_r \otimes \dots \otimes u^d_r)` over the
    factors :math:`u^k_r` and the codes h, whose columns are histograms. An atom is the product of one
    histogram for each axis: a CP decomposition. With one axis the dictionary has no further structure.

    Parameters
    ----------
    samples : array, shape (n_1, ..., n_d, N)
        N histograms >= 0 on a grid of d axes; each is divided by its sum.
    rank : int
        Number of atoms.
    costs : array or sequence of arrays
        The cost of moving mass along each axis, shape (n_k, n_k); the cost between two points is the sum of
        those of all axes.
    eps : float
        The regularisation of the transport by entropy.
    lam : float
        The factor of the proximal regularisation of each update.
    rtol, atol : float
        Tolerances of `proximal_blocks`.
    maxiter : int
        Largest number of cycles; a cycle updates each factor and the codes.
    time_limit : float, optional
        Seconds after which to stop.
    callback : callable, optional
        ``callback(blocks, residual)`` after each cycle; true stops.
    rng : int or numpy.random.Generator, optional
        Seed or generator of the starting point.

    Returns
    -------
    DictionaryResult
        The factors and codes, with the `atoms` and the `approximation`.

    Raises
    ------
    TypeError, ValueError
        An argument does not fit, a sample has no mass, or `eps` is too small for the costs.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met.

    Notes
    -----
    :math:`W_\varepsilon(p, q) = \min_T \langle T, C \rangle + \varepsilon \langle T, \log T - 1 \rangle` over
    plans with the marginals p and q. The approximation is linear in each block, :math:`q = L \theta`, so the
    update of a block has the dual problem

    .. math::
        \min_g \; \varepsilon \langle p, \log(K e^{g / \varepsilon}) \rangle
        - \langle g, L \theta \rangle - \tfrac{\lambda}{2} |\theta - \theta^{old}|^2 ,\qquad
        \theta = \Pi(\theta^{old} - L^T g / \lambda),

    with :math:`K = e^{-C / \varepsilon}` and the projection of columns to histograms; at the minimum :math:`L
    \theta` is the marginal of the plan. It is solved by L-BFGS. An evaluation applies K along each axis:
    :math:`2 N \prod_k n_k \sum_k n_k` flops, twice. Storage: some twenty arrays of the size of the samples.

    An approximation is sharper than its sample, because the transport with entropy blurs it.

    A. Rolet, M. Cuturi, G. Peyre, *Fast dictionary learning with a smoothed Wasserstein loss*, AISTATS 2016.
    The update is its dual with proximal regularisation, for products of factors.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.coordinate import wasserstein_dictionary
    >>> grid = np.linspace(0, 1, 20)
    >>> bump = lambda centre: np.exp(-((grid - centre) ** 2) / 0.01)
    >>> samples = np.stack([bump(0.2) + t * bump(0.8) for t in (0.2, 0.5, 1.0, 2.0)], axis=1)
    >>> cost = (grid[:, None] - grid) ** 2
    >>> result = wasserstein_dictionary(samples, 2, cost, 0.01, rng=0)
    >>> result.approximation.shape
    (20, 4)
    """
    data = Data(samples, costs, eps)
    rank = _validate.count(rank, "rank", 1)
    rng = np.random.default_rng(rng)
    start = [rng.dirichlet(np.full(n, 5.0), rank).T for n in data.shape]
    start.append(rng.dirichlet(np.full(rank, 5.0), data.p.shape[-1]).T)
    updates = [Update(data, i) for i in range(len(start))]
    found = proximal_blocks(
        updates,
        start,
        lam=lam,
        rtol=rtol,
        atol=atol,
        maxiter=maxiter,
        time_limit=time_limit,
        callback=callback,
        objective=data.cost,
    )
    return DictionaryResult(**vars(found))


class Data:
    """The samples, and the kernel of the transport along each axis.

    Attributes
    ----------
    p : array, shape (n_1, ..., n_d, N)
        The samples, each of mass one.
    shape : tuple of int
        The lengths of the axes.
    """

    def __init__(self, samples, costs, eps):
        p = _validate.real_array(samples, "samples")
        if p.ndim < 2 or 0 in p.shape:
            raise ValueError(
                f"samples has shape {p.shape}; at least one axis and that of the samples are needed"
            )
        if bad := int((p < 0).sum()):
            raise ValueError(f"samples has {bad} entries < 0; all must be >= 0")
        self.shape = p.shape[:-1]
        mass = p.sum(axis=tuple(range(p.ndim - 1)))
        if not mass.all():
            raise ValueError(f"sample {int(np.argmin(mass))} has no mass")
        self.p, self.eps = p / mass, _validate.positive(eps, "eps")
        costs = [costs] if getattr(costs, "ndim", 0) == 2 else list(costs)
        if len(costs) != len(self.shape):
            raise ValueError(f"costs has {len(costs)} matrices, but samples has {len(self.shape)} axes")
        self._kernels = [self._kernel(cost, k) for k, cost in enumerate(costs)]

    def _kernel(self, cost, k):
        name, n = f"costs[{k}]", self.shape[k]
        cost = _validate.real_array(cost, name)
        if cost.shape != (n, n):
            raise ValueError(f"{name} has shape {cost.shape}; ({n}, {n}) is needed for this axis")
        least = (cost.max() - cost.min()) / LARGEST_RATIO
        if self.eps < least:
            raise ValueError(f"eps is {self.eps:.3g}, too small for {name}: at least {least:.3g} is needed")
        return np.exp(-cost / self.eps)

    def smoothed(self, v, transposed=False) -> Any:
        """Return ``K v`` along all axes, or ``K^T v``."""
        for k, K in enumerate(self._kernels):
            v = np.moveaxis(np.tensordot(K.T if transposed else K, v, (1, k)), 0, k)
        return v

    def dual(self, g):
        """Return the first term of the dual, and its gradient: the marginals of the plans."""
        axes = tuple(range(g.ndim - 1))
        top = g.max(axis=axes, keepdims=True)
        scaled = np.exp((g - top) / self.eps)
        sums = self.smoothed(scaled)
        value = self.eps * float((self.p * np.log(sums)).sum()) + float(top.sum())
        return value, scaled * self.smoothed(self.p / sums, transposed=True)

    def cost(self, *blocks) -> float:
        """Return the sum of the transport costs between the samples and their approximation."""
        q = products(blocks[:-1]) @ blocks[-1]

        def negative(g):
            value, marginal = self.dual(g.reshape(q.shape))
            return value - float(g @ q.reshape(-1)), (marginal - q).reshape(-1)

        count = self.p.shape[-1]
        least, _ = _minimised(negative, np.zeros(q.size), count)
        entropy = float((self.p * np.log(np.where(self.p > 0, self.p, 1))).sum())
        return self.eps * (entropy - count) - least


class Update:
    """The update of one block: a factor, or the codes. It keeps the dual point for the next cycle."""

    def __init__(self, data, i):
        self._data, self._i = data, i
        self._g = np.zeros(data.p.size)

    def __call__(self, blocks, lam):
        data, old = self._data, blocks[self._i]
        apply, adjoint = self._maps(blocks)

        def negative(g):
            g = g.reshape(data.p.shape)
            value, marginal = data.dual(g)
            block = to_histograms(old - adjoint(g) / lam)
            image = apply(block)
            value -= float((g * image).sum()) + lam / 2 * float(((block - old) ** 2).sum())
            return value, (marginal - image).reshape(-1)

        _, self._g = _minimised(negative, self._g, data.p.shape[-1])
        return to_histograms(old - adjoint(self._g.reshape(data.p.shape)) / lam)

    def _maps(self, blocks):
        """Return the approximation as a linear map of the block, and its adjoint."""
        i, d = self._i, len(blocks) - 1
        if i == d:
            atoms = products(blocks[:-1])
            rows = atoms.reshape(-1, atoms.shape[-1])
            shape = self._data.p.shape
            return lambda h: (rows @ h).reshape(shape), lambda g: rows.T @ g.reshape(len(rows), -1)
        rank, others = blocks[-1].shape[0], [block for k, block in enumerate(blocks[:-1]) if k != i]
        rest = products(others).reshape(-1, rank) if others else np.ones((1, rank))
        rest = (rest[:, :, None] * blocks[-1]).transpose(0, 2, 1).reshape(-1, rank)
        shape = self._data.p.shape
        moved = (shape[i], *shape[:i], *shape[i + 1 :])
        return (
            lambda u: np.moveaxis((u @ rest.T).reshape(moved), 0, i),
            lambda g: np.moveaxis(g, i, 0).reshape(shape[i], -1) @ rest,
        )


def products(factors) -> Any:
    """Return the products of the columns of all factors, shape (n_1, ..., n_d, rank)."""
    found = factors[0]
    for factor in factors[1:]:
        found = found[..., None, :] * factor
    return found


def to_histograms(v) -> Any:
    """Return the nearest columns that are >= 0 with the sum one."""
    ordered = -np.sort(-v, axis=0)
    excess = np.cumsum(ordered, axis=0) - 1
    count = np.arange(1, len(v) + 1)[:, None]
    last = (ordered * count > excess).sum(axis=0) - 1
    shift = excess[last, np.arange(v.shape[1])] / (last + 1)
    return np.maximum(v - shift, 0)


def _minimised(function, start, mass):
    """Return the minimum of a convex function, and where it is."""
    from scipy.optimize import minimize

    options: Any = {
        "maxiter": INNER_STEPS,
        "gtol": INNER_TOLERANCE * mass / prod(start.shape) ** 0.5,
        "ftol": 0.0,
    }
    found = minimize(function, start, jac=True, method="L-BFGS-B", options=options)
    return float(found.fun), found.x
