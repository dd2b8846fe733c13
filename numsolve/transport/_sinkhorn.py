"""Entropic optimal transport by Sinkhorn's iteration."""

from typing import Any

from .. import _validate
from .._result import warn_of_miss, warn_of_misses
from ._problem import checked_problems
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
        Masses, not negative and of the same sum up to rounding in their dtype. Their library decides where
        the work runs. With an axis of length `k` they are those of `k` problems. For a `Grid` also images,
        (n_1, n_2, ...) or (k, n_1, n_2, ...).
    cost : array (n, m) or (k, n, m), sparse array (n, m), PointCloud or Grid
        Cost of moving a unit of mass from i to j. In a sparse array, entries that are not stored are
        forbidden. For `k` problems one cost for all, or an array (k, n, m), or a `PointCloud` of k clouds.
    eps : float
        Weight of the entropy, in units of the cost. A hundredth of the median cost is usual.
    method : {"auto", "log", "scaling", "newton"}
        "log" works with logarithms and any `eps`. "scaling" stores :math:`\exp(-C/\epsilon)`; it is twice as
        fast, for costs of up to 300 `eps`. "newton" is for problems where Sinkhorn's iteration is slow.
        "auto" chooses, and gives the reason in ``result.message``.
    omega : "adaptive", float or learner
        Over-relaxation, between 0 and 2; 1 is Sinkhorn's own iteration. "adaptive" finds it from the observed
        rates of convergence. A number is kept, except that omega is 1 for some iterations after the dual
        fell, as it may far from the solution. A learner of `numsolve.learners` suggests omega before the
        solve, and is told the number of iterations after it.
    rtol, atol : float
        Stop once ``abs(P @ 1 - a).sum() + abs(P.T @ 1 - b).sum() <= max(rtol * a.sum(), atol)``.
    maxiter : int, optional
        Largest number of iterations; each is one pass over the rows and columns. Default: 10000.
    time_limit : float, optional
        Seconds after which to stop, all stages and problems together. Default: no limit.
    init : TransportResult or array (m,), optional
        Where to start: a result for another `eps` or for similar masses or costs, or potentials `g` in units
        of the cost. For `k` problems one for all, or a list of k, or an array (k, m).
    tau_a, tau_b : float, optional
        Weight, in units of the cost, of a penalty :math:`\tau \mathrm{KL}(P1 | a)` in place of the prescribed
        marginal, with :math:`\mathrm{KL}(p|q) = \sum p \log(p/q) - p + q`. The entropy is then
        :math:`\sum P (\log P - 1)`.
    eps_scaling : float, optional
        Start with a large `eps` and divide it by this number until it is `eps`. Each stage starts from the
        rough solution of the one before. ``residuals`` are those of the last stage. Default: no such stages,
        except that "auto" uses 4 where the costs differ by more than 10,000 `eps`.
    warm_up : bool
        Iterate in single precision first, as far as its rounding errors allow, then in double precision.
    context : optional
        Passed on to the learner of omega.
    callback : callable, optional
        ``callback(x, error)`` after each iteration (on a GPU: after every tenth), with the potentials `x`;
        true stops. For `k` problems `x` has the shape (k, n + m) and `error` (k,), except in Newton's method,
        where problems come one after the other.

    Returns
    -------
    TransportResult or list of TransportResult
        Potentials, the plan (formed where it is used), costs, bounds and gradients. For `k` problems a list.

    Raises
    ------
    ValueError
        A shape does not fit, a mass is negative, the sums differ, a cost is not finite, an option is out of
        range, `eps` is too small for "scaling" or for the costs, the method does not suit the cost, or a row
        or column with mass has no allowed edge (the message names it).
    TypeError
        A dtype is not real, an option has a wrong type, or NumPy and CuPy arrays are mixed.
    Interrupted
        Ctrl-C; the exception holds the last iterate.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why.

    Notes
    -----
    An iteration takes one exponential and one read of the cost per entry, for rows and columns together: when
    the new potential of a row is known, its entries are still in cache, and are added to the column sums.
    Storage besides the cost: up to 64 rows (on a GPU 512), so that sums do not depend on the number of
    threads. Many problems are iterated together, each with its own omega until it has met its tolerance, so
    that small problems keep all threads busy. With a learner they are solved one after the other. Errors are
    those of the plan before each step; the last one is recomputed in double precision.

    Over-relaxation [1]_ [2]_ multiplies the step of Sinkhorn's iteration by `omega`, but adds at most 8 to
    ``f / eps``. The best omega is :math:`2 / (1 + \sqrt{1 - \rho})` for the rate :math:`\rho` of Sinkhorn's
    iteration. Windows of iterations in which the dual fell are undone. "newton" is sparse Newton [3]_ with
    safeguards [4]_, started by Sinkhorn's iteration. With penalties, each iteration adds a constant to `f`
    and subtracts it from `g`, so that the dual is largest [5]_.

    Arrays of single precision are solved in single precision down to an error of 3e-5 of the mass; smaller
    tolerances are then met in double precision. Potentials are returned in double precision.

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
    problems, batch = checked_problems(a, b, cost, eps, tau_a, tau_b)
    starts = _starts(options.pop("init"), len(problems), batch)
    if learns(omega) and batch:  # the learner learns from each problem for the next
        parts = [(problems.part(p), starts and starts[p : p + 1]) for p in range(len(problems))]
        results = [solve(part, init=start, **options)[0] for part, start in parts]
    else:
        results = solve(problems, init=starts, **options)
    return warn_of_misses(results) if batch else warn_of_miss(results[0])


def _factor(value):
    """Return `eps_scaling` as a number > 1, or None."""
    if value is None:
        return None
    value = _validate.number(value, "eps_scaling")
    if value <= 1:
        raise ValueError(f"eps_scaling is {value!r}; a number > 1 is needed, because eps is divided by it")
    return value


def _starts(init, k, batch):
    """Return a list with the start of each problem, or None."""
    if init is None:
        return None
    many = batch and (isinstance(init, list) or getattr(init, "ndim", 1) == 2)
    starts = [init[p] for p in range(len(init))] if many else [init] * k
    if len(starts) != k:
        raise ValueError(f"init is for {len(starts)} problems, but there are {k}")
    return starts
