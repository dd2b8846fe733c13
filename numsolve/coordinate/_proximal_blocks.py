"""Block descent with proximal regularisation: one block after the other, each kept near its last value."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import nan, prod
from typing import Any

from .. import _validate
from .._array import namespace
from .._result import Result, Status, warn_of_miss
from .._run import run

SAYS = {
    Status.MAXITER: "maxiter reached: raise it, or choose a smaller lam",
    Status.TIME_LIMIT: "time limit reached: raise it, or choose a smaller lam",
    Status.NONFINITE: "an update is not finite: choose a larger lam, or another x0",
}


@dataclass(frozen=True, eq=False, repr=False)
class ProximalBlocksResult(Result):
    """Result of `proximal_blocks`.

    Attributes
    ----------
    x : tuple of arrays
        The blocks.
    residuals : numpy.ndarray of floats, shape (nit + 1,)
        `lam` times the distance by which the next cycle would move the blocks, at the start and after each
        cycle.
    objective : float
        What `objective` returned for `x`; NaN without it.
    """

    objective: float = nan

    def __repr__(self):
        shapes = ", ".join(str(block.shape) for block in self.x)
        return (
            f"{type(self).__name__}({self.status.name}: {self.message}; nit={self.nit}, blocks of {shapes})"
        )


def proximal_blocks(
    updates: Sequence[Callable],
    x0: Sequence[Any],
    *,
    lam: float,
    rtol: float = 1e-6,
    atol: float = 0.0,
    maxiter: int = 1000,
    time_limit: float | None = None,
    callback: Callable | None = None,
    objective: Callable | None = None,
) -> ProximalBlocksResult:
    r"""Minimise a function of several blocks of variables by one block after the other.

    In each cycle, block i becomes a minimiser of :math:`f + \frac{\lambda}{2} |x_i - x_i^{old}|^2` for fixed
    other blocks, over its own constraints. f may be nonconvex, as in factorisations of matrices and tensors.

    Parameters
    ----------
    updates : sequence of callables
        ``updates[i](blocks, lam)`` returns the new block i, given the tuple of all blocks: a minimiser, or an
        approximation of one. It must not change the blocks that it gets.
    x0 : sequence of arrays
        The blocks to start from; each has real numbers.
    lam : float
        The factor of the regularisation, > 0. Any will do if f is convex in each block; else it has to exceed
        the Lipschitz constant of the gradient in each block.
    rtol, atol : float
        Stop once `lam` times the movement by the next cycle is at most ``max(rtol * first, atol)``, where
        `first` is that by the first cycle.
    maxiter : int
        Largest number of cycles.
    time_limit : float, optional
        Seconds after which to stop with a usable iterate.
    callback : callable, optional
        ``callback(blocks, residual)`` after each cycle; true stops.
    objective : callable, optional
        ``objective(*blocks)`` returns f, for the result alone.

    Returns
    -------
    ProximalBlocksResult
        The blocks as `x`.

    Raises
    ------
    TypeError, ValueError
        An argument does not fit, or an update returns a block of another shape.

    Notes
    -----
    After an exact update, ``lam`` times the movement of a block is the norm of a subgradient of f in this
    block, with the later blocks not yet updated. So the residual measures how far `x` is from stationary, and
    every limit point is stationary. A cycle calls each update once. The last cycle only measures the
    residual. Storage: the blocks twice.

    L. Grippo, M. Sciandrone, *On the convergence of the block nonlinear Gauss-Seidel method under convex
    constraints*, Oper. Res. Lett. 26 (2000) 127, section 7, :doi:`10.1016/S0167-6377(99)00074-7`.

    Examples
    --------
    The best approximation of a matrix by a product of two vectors:

    >>> import numpy as np
    >>> from numsolve.coordinate import proximal_blocks
    >>> A = np.outer([1.0, 2.0], [3.0, 1.0])
    >>> left = lambda blocks, lam: (A @ blocks[1] + lam * blocks[0]) / (blocks[1] @ blocks[1] + lam)
    >>> right = lambda blocks, lam: (blocks[0] @ A + lam * blocks[1]) / (blocks[0] @ blocks[0] + lam)
    >>> u, v = proximal_blocks([left, right], [np.ones(2), np.ones(2)], lam=0.1).check().x
    >>> np.outer(u, v).round(4)
    array([[3., 1.],
           [6., 2.]])
    """
    lam = _validate.positive(lam, "lam")
    rtol, atol = _validate.tolerances(rtol, atol)
    blocks = Blocks(x0)
    if len(updates) != len(blocks.shapes):
        raise ValueError(f"there are {len(updates)} updates, but x0 has {len(blocks.shapes)} blocks")
    for i, update in enumerate(updates):
        if not callable(update):
            raise TypeError(f"updates[{i}] is a {type(update).__name__}; a callable is needed")
    cycles = Cycles(updates, blocks, lam)
    first = cycles.residual(blocks.start)
    found = run(
        cycles.steps,
        blocks,
        first=first,
        tol=max(rtol * first, atol),
        maxiter=_validate.count(maxiter, "maxiter"),
        callback=callback,
        deadline=_validate.deadline(time_limit),
        says=SAYS,
    )
    value = nan if objective is None else float(objective(*found.x))
    return warn_of_miss(ProximalBlocksResult(**vars(found), objective=value))


class Blocks:
    """The caller's blocks as one vector.

    Attributes
    ----------
    shapes : list of tuple
        Their shapes.
    start : array
        A copy of the blocks to start from.
    """

    def __init__(self, x0):
        if not isinstance(x0, (list, tuple)) or not x0:
            raise TypeError(f"x0 is a {type(x0).__name__}; a list of arrays is needed, one for each block")
        _, xp = _validate.same_library(**{f"x0[{i}]": block for i, block in enumerate(x0)})
        blocks = [_validate.real(block, f"x0[{i}]", xp) for i, block in enumerate(x0)]
        self.shapes = [block.shape for block in blocks]
        self.start = xp.concatenate([block.reshape(-1) for block in blocks])

    def shown(self, x):
        """Return the blocks of a vector, as new arrays."""
        found, end = [], 0
        for shape in self.shapes:
            begin, end = end, end + prod(shape)
            found.append(x[begin:end].reshape(shape).copy())
        return tuple(found)


class Cycles:
    """The cycles of updates; the residual of an iterate is `lam` times the movement by the next one."""

    def __init__(self, updates, blocks, lam):
        self._updates, self._blocks, self._lam = updates, blocks, lam
        self._x: Any = None
        self._next: Any = None

    def after(self, x) -> Any:
        """Return the vector after one cycle from `x`."""
        if self._x is not None and bool((self._x == x).all()):
            return self._next
        blocks = list(self._blocks.shown(x))
        xp, shapes = namespace(x), self._blocks.shapes
        for i, update in enumerate(self._updates):
            new = _validate.as_array(update(tuple(blocks), self._lam), f"the value of updates[{i}]", xp)
            if new.shape != shapes[i]:
                raise ValueError(f"updates[{i}] returned shape {new.shape}; {shapes[i]} is needed")
            blocks[i] = new
        self._x = x
        self._next = xp.concatenate([block.reshape(-1) for block in blocks]).astype(x.dtype)
        return self._next

    def residual(self, x) -> float:
        """Return `lam` times the norm of the movement by the next cycle."""
        moved = self.after(x) - x
        return self._lam * float(moved @ moved) ** 0.5

    def steps(self, x):
        """Iterate from `x`; see `numsolve._iterate.iterate`."""
        unit = self._first
        yield x, (self.residual(x) / unit) ** 2
        while True:
            x = self.after(x)
            yield x, (self.residual(x) / unit) ** 2

    @cached_property
    def _first(self):
        return self.residual(self._blocks.start) or 1.0
