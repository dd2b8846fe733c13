"""Entropic optimal transport by Sinkhorn's iteration."""

from typing import Any

from .. import _validate
from .._result import warn_of_miss, warn_of_misses
from ._problem import problem
from ._solve import METHODS, learns, solve


def sinkhorn(
    a,
    b,
    cost,
    eps,
    *,
    method="auto",
    omega="adaptive",
    rtol=0.0,
    atol=1e-9,
    maxiter=None,
    time_limit=None,
    init=None,
    tau_a=None,
    tau_b=None,
    eps_scaling=None,
    warm_up=False,
    context=None,
    callback=None,
) -> Any:
    r"""Solve :math:`\min_P \langle C, P\rangle + \epsilon \sum P \log P`, P having marginals `a` and `b`.

    Parameters
    ----------
    a, b : array, shapes (n,) and (m,), or (k, n) and (k, m)
        Masses, not negative and of the same sum up to rounding in their dtype; they decide where the work
        runs. Of two axes: `k` problems, each with its own. Of a `Grid` also images, (n_1, n_2, ...) or
        (k, n_1, n_2, ...).
    cost : array (n, m), sparse array, PointCloud or Grid
        What the way from i to j costs. Of a sparse one, what is not stored is forbidden. For `k` problems
        one for all, or an array (k, n, m), or a `PointCloud` of k clouds.
    eps : float
        The weight of the entropy, in units of the cost. A hundredth of the median cost is usual.
    method : {"auto", "log", "scaling", "newton"}
        "log" works with logarithms and any `eps`; "scaling" stores :math:`\exp(-C/\epsilon)`, twice as fast
        but for a cost of up to 300 `eps`; "newton" is for costs that make Sinkhorn crawl. "auto" chooses and
        says why in ``result.message``.
    omega : "adaptive", float or learner
        Over-relaxation, between 0 and 2; 1 is Sinkhorn's own iteration. "adaptive" finds it from the rates it
        sees. A number is kept, but where the dual falls, far from the solution, omega is 1 for a while. A
        learner, of `numsolve.relaxation`, is asked before and told the iterations after.
    rtol, atol : float
        Stop once ``abs(P @ 1 - a).sum() + abs(P.T @ 1 - b).sum() <= max(rtol * a.sum(), atol)``.
    maxiter : int, optional
        Largest number of iterations, passes over the rows and columns. Default: 10000.
    time_limit : float, optional
        Seconds after which to stop, all stages and problems together. Default: no limit.
    init : TransportResult or array (m,), optional
        A solution to begin with, of another `eps` or neighbouring masses; or potentials `g`. For `k` problems
        one for all, or a list, or an array (k, m).
    tau_a, tau_b : float, optional
        Weight, in units of the cost, of a penalty :math:`\tau \mathrm{KL}(P1 | a)` in place of the marginal,
        :math:`\mathrm{KL}(p|q) = \sum p \log(p/q) - p + q`. The entropy is then :math:`\sum P (\log P - 1)`.
    eps_scaling : float, optional
        Begin with a large `eps` and divide it by this number until it is `eps`, each time from the solution
        before, roughly. ``residuals`` are those of the last stage. Default: no such stages, but that "auto"
        takes 4 where the costs differ by more than 10,000 `eps`.
    warm_up : bool
        Do what single precision can do in it, then finish in double.
    context : optional
        What a learner is told of this problem.
    callback : callable, optional
        ``callback(x, error)`` after each iteration, `x` the potentials (on a GPU: after every tenth); true
        stops. Of `k` problems `x` has the shape (k, n + m), `error` (k,), but of one in Newton's steps.

    Returns
    -------
    TransportResult
        Potentials, a plan that is formed where it is asked for, costs, bounds, gradients; of `k` problems a
        list of them.

    Raises
    ------
    ValueError
        A mass is negative, the sums differ, a cost is not finite, `eps` is not positive or too small for
        "scaling", or a row or column has no allowed edge (it is named).
    TypeError
        A dtype is not real, or NumPy and CuPy arrays are mixed.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why.

    Notes
    -----
    An iteration takes one exponential and one read of the cost an entry, for rows and columns together: the
    entries of a row are still in cache when its new potential is known, and are added up to column sums there
    and then. Storage: besides the cost up to 64 rows (on a GPU 512), so that sums do not depend on threads.
    Many problems are iterated together, a pass over all at a time, each with its own omega until it has met
    its tolerance: small ones then keep all threads busy. With a learner they are solved one after the other.
    Errors are those of the plan that a pass reads; the last one is recomputed in double precision.

    Over-relaxation [1]_ [2]_ goes `omega` times as far as Sinkhorn, at most 8 beyond it in ``f / eps``; its
    best value is :math:`2 / (1 + \sqrt{1 - \rho})` for the rate :math:`\rho` of Sinkhorn's iteration.
    Windows of iterations in which the dual fell are undone. "newton" is sparse Newton [3]_ with safeguards
    [4]_, begun by Sinkhorn. With penalties the potentials are shifted against each other, for the best dual,
    in each iteration [5]_.

    Arrays of single precision are worked on in it as far as that goes, 3e-5 of the mass, and finished in
    double, in which the potentials are returned.

    References
    ----------
    .. [1] A. Thibault, L. Chizat, C. Dossal, N. Papadakis, *Overrelaxed Sinkhorn-Knopp algorithm for
       regularized optimal transport*, Algorithms 14, 2021, :doi:`10.3390/a14050143`.
    .. [2] T. Lehmann, M.-K. von Renesse, A. Sambale, A. Uschmajew, *A note on overrelaxation in the Sinkhorn
       algorithm*, Optim. Lett. 16, 2022, :doi:`10.1007/s11590-021-01830-0`.
    .. [3] X. Tang, M. Shavlovsky, H. Rahmanian, E. Tardini, K. K. Thekumparampil, T. Xiao, L. Ying,
       *Accelerating Sinkhorn algorithm with sparse Newton iterations*, ICLR 2024, `arXiv:2401.12253
       <https://arxiv.org/abs/2401.12253>`_.
    .. [4] Z. Tang, Y. Qiu, *Safe and sparse Newton method for entropic-regularized optimal transport*,
       NeurIPS 2024.
    .. [5] T. Séjourné, F.-X. Vialard, G. Peyré, *Faster unbalanced optimal transport: translation invariant
       Sinkhorn and 1-D Frank-Wolfe*, AISTATS 2022, `arXiv:2201.00730 <https://arxiv.org/abs/2201.00730>`_.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.transport import sinkhorn
    >>> x = np.linspace(0, 1, 50)
    >>> a, b = np.full(50, 0.02), np.full(50, 0.02)
    >>> result = sinkhorn(a, b, (x[:, None] - x) ** 2, 0.01).check()
    >>> result.plan.to_dense().shape
    (50, 50)
    """
    options: dict[str, Any] = {
        "deadline": _validate.deadline(time_limit),
        "method": _validate.choice(method, "method", METHODS),
        "omega": omega,
        "rtol": _validate.tolerance(rtol, "rtol"),
        "atol": _validate.tolerance(atol, "atol"),
        "maxiter": 10_000 if maxiter is None else _validate.count(maxiter, "maxiter"),
        "init": init,
        "eps_scaling": _factor(eps_scaling),
        "warm_up": warm_up,
        "context": context,
        "callback": _validate.function(callback, "callback"),
    }
    task, batch = problem(a, b, cost, eps, tau_a, tau_b)
    starts = _starts(options.pop("init"), len(task), batch)
    if learns(omega) and batch:  # it learns from one problem to the next
        parts = [(task.part(p), starts and starts[p : p + 1]) for p in range(len(task))]
        results = [solve(part, init=start, **options)[0] for part, start in parts]
    else:
        results = solve(task, init=starts, **options)
    return warn_of_misses(results) if batch else warn_of_miss(results[0])


def _factor(value):
    if value is None:
        return None
    value = _validate.number(value, "eps_scaling")
    if value <= 1:
        raise ValueError(f"eps_scaling is {value!r}; a number > 1 is needed: eps is divided by it")
    return value


def _starts(init, k, batch):
    """Return what each problem starts from, or None."""
    if init is None:
        return None
    many = batch and (isinstance(init, list) or getattr(init, "ndim", 1) == 2)
    starts = [init[p] for p in range(len(init))] if many else [init] * k
    if len(starts) != k:
        raise ValueError(f"init is for {len(starts)} problems, but there are {k}")
    return starts
