"""Solve many systems, one after the other; each solve uses results of the earlier ones."""

import warnings
from typing import Any

import numpy as np

from ... import _validate
from ..._result import ConvergenceWarning
from .._gcrodr import gcrodr
from ._refresh import Preconditioner
from ._solver import SequenceSolver, failed
from ._systems import check, ordered, stacked


def solve_sequence(
    systems,
    *,
    method: Any = gcrodr,
    sort: Any = "greedy",
    features: Any = None,
    M=None,
    refresh: Any = "auto",
    recycle: Any = None,
    guess=3,
    progress: Any = False,
    **options,
):
    r"""Solve many linear systems :math:`A_i x_i = b_i`; each solve uses results of the earlier ones.

    Parameters
    ----------
    systems : sequence or iterable of (A, b) or (A, b, feature)
        The systems, as tuples or as objects with these attributes. Each may have any size and either library,
        and must suit `method`. From a sequence (an object with a length and an index) one system is taken at
        a time, when it is needed. An iterable is read while it is solved if `sort` is None; otherwise it is
        read to its end first.
    method : callable or str
        A function of this module or its name, or your own function with the same arguments.
    sort : {"greedy", None} or array of int, shape (count,)
        "greedy" orders the systems so that neighbours resemble each other (`greedy_order`), from system 0 on.
        None keeps the order; a permutation gives the order.
    features : array, shape (count, ...), or callable, optional
        The features that `sort` compares: ``features[i]`` or ``features(systems[i])``. Default: the third
        entries of the systems. Without these, random projections are compared: of the matrices, or of the
        right-hand sides if all matrices are equal. For the projections each system is read once more. A
        method that takes `context`, such as those of `numsolve.relaxation`, receives the feature of its
        system.
    M : operator or callable, optional
        A preconditioner for all systems, or a function that makes one from a matrix, such as
        `numsolve.precondition.ilu0`.
    refresh : {"auto", "always", "never"} or int
        When `M` is adapted to a new matrix, by ``M.update(A)`` where that exists. "auto": once the iterations
        lost by the old one have taken as long as an update. "always": for each system. "never": only for the
        first system of each size. A number: after this many systems.
    recycle : RecycledSpace, int or False, optional
        A space to start from; or the number of directions that `cg` and `minres` learn (default: 10; `gcrodr`
        has its own argument `k`); or False to learn nothing. Ignored by methods that do not recycle.
    guess : int
        Number of the last solutions that are combined to a starting guess. No guess is made if it is 0, if
        ``x0`` is given, or while guesses save fewer iterations than they cost products.
    progress : bool or callable
        True shows a bar (needs tqdm); a function is called as ``progress(i, result)`` after each solve.
    **options
        Passed to `method`, such as ``rtol``, ``maxiter`` or ``k``.

    Returns
    -------
    SequenceRun
        An iterator over the results, in the order of `systems`, each of the type `method` returns. A system
        is solved when its result is asked for.

    Raises
    ------
    ValueError
        `method`, `sort` or `refresh` is unknown, an option is out of range, or features do not fit.
    TypeError
        `method` does not take one of the options, or an argument has the wrong type.

    Warns
    -----
    ConvergenceWarning
        At the first system that is not solved; ``run.missed`` lists all.

    Notes ----- A system that cannot be solved does not end the sequence. The message of its result gives the
    reason. If the method raises an error, the status is ``INVALID``, with NaN for `x`. A solve that fails
    with a recycled space or an old preconditioner is repeated once, without the space and with a new
    preconditioner.

    Results come in the order of `systems`. A result that is ready before its turn waits in memory;
    ``run.as_solved()`` yields it at once instead. The results have ``recycle=None``, since a space takes as
    much memory as 2 k solutions; the last space is ``run.recycle``. There is one space, and one
    preconditioner from a callable, for each size, dtype and library of arrays.

    The starting guess is the combination of the last solutions with the smallest residual [2]_, at one
    product each. If it gained less than the same number of iterations, the next 1, 2, 4, ... systems are
    solved without it.

    Ctrl-C raises `Interrupted`, whose result is that of the current system. The run can go on: iterating
    continues with the system that was interrupted, and ``run.waiting`` holds the results that were not yet
    returned. With ``refresh="auto"`` decisions depend on measured times, and so does rounding; the other
    policies are deterministic.

    The idea of ordering by similarity is that of [1]_. How much it gains depends on the problem;
    ``docs/methods/sequence.md`` shows where it is little.

    References
    ----------
    .. [1] H. Wang, Z. Hao, J. Wang, Z. Geng, Z. Wang, B. Li, F. Wu, *Accelerating data generation for neural
       operators via Krylov subspace recycling*, ICLR 2024, :doi:`10.48550/arXiv.2401.09516`.
    .. [2] P. F. Fischer, *Projection techniques for iterative solution of Ax = b with successive right-hand
       sides*, Comput. Methods Appl. Mech. Engrg. 163, 1998, :doi:`10.1016/S0045-7825(98)00012-7`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import solve_sequence
    >>> from numsolve.problems import convection_diffusion
    >>> winds = np.linspace(10, 20, 5)
    >>> systems = [(convection_diffusion((20, 20), (w, 5.0)), np.ones(400)) for w in winds]
    >>> run = solve_sequence(systems, features=winds, rtol=1e-8)
    >>> [result.success for result in run]
    [True, True, True, True, True]
    >>> run.order
    array([0, 1, 2, 3, 4])
    """
    solver = SequenceSolver(method, recycle, Preconditioner(M, refresh), guess, options)
    indexed = hasattr(systems, "__len__") and hasattr(systems, "__getitem__")
    if not (indexed or hasattr(systems, "__iter__")):
        raise TypeError(f"systems is a {type(systems).__name__}; a sequence or an iterable is needed")
    if sort is None or (isinstance(sort, str) and sort == "none"):
        order = np.arange(len(systems)) if indexed else None
        features = features if features is None or callable(features) else stacked(features, order)
    else:
        systems = systems if indexed else list(systems)
        order, features, solver.products = ordered(systems, sort, features)
    return SequenceRun(systems, order, features, solver, _shown(progress, order))


class SequenceRun:
    """An iterator over the results of a sequence of systems, each solved when it is asked for.

    Attributes
    ----------
    order : numpy.ndarray of int
        The numbers of the systems in the order in which they are solved; of an iterable, those solved so far.
    features : array, or None
        The features that gave the order, if there were any.
    waiting : dict of int to Result
        Results that are not yet returned, by number.
    missed : list of int
        Systems without a solution so far.
    products : int
        Products with matrices so far, those for the order included; iterations, where `method` does not
        count products.
    iterations, solved, retries : int
        Iterations, systems solved, and solves that were repeated, so far.
    setups, updates : int
        How often a preconditioner was made, and updated to another matrix.
    recycle : RecycledSpace or None
        The space that was learned last.
    """

    def __init__(self, systems, order, features, solver, show):
        self._systems = iter(systems) if order is None else systems
        self._look, self.features = (features, None) if callable(features) else (None, features)
        self._order, self._solver, self._show = order, solver, show
        self._current, self._next, self._handed = None, 0, set()
        self.waiting, self.missed, self.iterations, self.solved = {}, [], 0, 0

    order = property(lambda self: np.arange(self.solved) if self._order is None else self._order)
    products = property(lambda self: self._solver.products)
    retries = property(lambda self: self._solver.retries)
    recycle = property(lambda self: self._solver.last)
    setups = property(lambda self: self._solver.preconditioner.setups)
    updates = property(lambda self: self._solver.preconditioner.updates)

    def __len__(self):
        if self._order is None:
            raise TypeError("a stream of systems has no length")
        return len(self._order)

    def __iter__(self):
        return self

    def __next__(self):
        while self._next in self._handed:
            self._handed.discard(self._next)
            self._next += 1
        while self._next not in self.waiting:
            self._solve_next()
        self._next += 1
        return self.waiting.pop(self._next - 1)

    def as_solved(self):
        """Yield the number of each system and its result, as soon as it is solved."""
        while True:
            try:
                number = min(self.waiting) if self.waiting else self._solve_next()
            except StopIteration:
                return
            self._handed.add(number)
            yield number, self.waiting.pop(number)

    def _solve_next(self):
        """Solve the next system in the order; return its number."""
        if self._current is None:  # else the current system was interrupted
            self._current = (self._fetch(),)
            if self.solved == 0:
                check(self._current[0])
        number = self.solved if self._order is None else int(self._order[self.solved])
        self.waiting[number] = result = self._solver.solve(self._current[0], self._feature(number))
        self._current = None
        self.solved += 1
        self.iterations += result.nit
        if failed(result):
            self.missed.append(number)
            if len(self.missed) == 1:
                warnings.warn(f"system {number}: {result.message}", ConvergenceWarning, stacklevel=3)
        self._show(number, result)
        return number

    def _feature(self, number):
        """Return the feature of the current system from `features`, or None to use its own."""
        current: Any = self._current
        if not self._solver.looks_at_context:
            return None
        if self._look is not None:
            return self._look(current[0])
        if self.features is None:
            return None
        if number >= len(self.features):
            raise ValueError(f"features has {len(self.features)} entries, but there is a system {number}")
        return self.features[number]

    def _fetch(self):
        """Return the next system, or stop."""
        if self._order is None:
            return next(self._systems)
        if self.solved == len(self._order):
            raise StopIteration
        return self._systems[self._order[self.solved]]

    def __repr__(self):
        of = "" if self._order is None else f" of {len(self._order)}"
        return f"SequenceRun({self.solved}{of} solved, {len(self.missed)} missed, {self.products} products)"


def _shown(progress, order):
    """Return the function that is called after each solve."""
    if progress is not True:
        return _validate.function(progress or None, "progress") or (lambda *_: None)
    from tqdm import tqdm

    bar = tqdm(total=None if order is None else len(order), desc="systems")

    def show(number, result):  # noqa: ARG001 - a callback takes both
        bar.set_postfix_str(f"{result.nit} its", refresh=False)
        bar.update()
        if bar.n == bar.total:
            bar.close()

    return show
