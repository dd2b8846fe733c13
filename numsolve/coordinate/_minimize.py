"""Block coordinate descent: the call."""

from typing import Any

from .. import _validate
from .._result import warn_of_miss
from .._variables import Variables
from ._block_descent import Descent
from ._combination import interval_of, iterations_of, patience_of, rules_of, setting_of, start_of
from ._datafits import Datafit
from ._penalties import Penalty
from ._result import CoordinateResult


def minimize(
    datafit: Datafit,
    penalty: Penalty | None,
    *,
    x0: Any = None,
    partition: Any = "order",
    select: str = "gsl",
    block_size: int = 1,
    update: str = "newton",
    rtol: float = 1e-6,
    atol: float = 0.0,
    maxiter: int | None = None,
    time_limit: float | None = None,
    rng: Any = None,
    callback: Any = None,
    measure: str = "auto",
    check_every: int | None = None,
    score_norm: int = 2,
) -> CoordinateResult:
    r"""Minimise a smooth function plus a penalty by block coordinate descent.

    Each iteration selects a block of coefficients and changes only these. Partition, selection and update
    are the building blocks of [1]_, and are combined freely.

    Parameters
    ----------
    datafit : Datafit
        The smooth function: `LeastSquares`, `Logistic`, `Multinomial`, `Huber`, `Poisson`, `Quadratic`,
        `GeneralizedLinear` with a loss of your own, or your own subclass of `Datafit`.
    penalty : Penalty or None
        `NoPenalty`, `L1`, `ElasticNet`, `Box`, `Group`, `SparseGroup`, or your own subclass of `Penalty`.
    x0 : array, shape of the coefficients, optional
        Starting point, in the domain of the penalty; never overwritten. Default: the point of the domain
        that is nearest to zero.
    partition : str or list of arrays
        The blocks. "order": consecutive coefficients; "sort": coefficients with similar curvatures;
        "average": small and large curvatures paired; "variable": chosen anew in each iteration; "groups":
        the groups of the penalty; "trees" and "red-black": blocks of any size that are forests, or have no
        edge, in the graph of a `Quadratic`; or a list of index arrays that cover each coefficient once. The
        last block is shorter where `block_size` does not divide their number.
    select : str
        The rule that selects the block, see the notes.
    block_size : int
        Number of coefficients of a block.
    update : str
        The step that is taken in the block, see the notes.
    rtol, atol : float
        Stop once the measure of convergence is at most ``max(rtol * unit, atol)``. For the duality gap, the
        unit is the objective at zero; for the violation of the optimality conditions, its norm at zero.
    maxiter : int, optional
        Largest number of iterations, each of one block. Default: 1000 times the number of blocks.
    time_limit : float, optional
        Largest time in seconds.
    rng : int, numpy.random.Generator or None
        Source of random choices.
    callback : callable, optional
        ``callback(x, measure)`` or ``callback(x)`` at each check; true stops.
    measure : {"auto", "gap", "violation"}
        What is compared with the tolerance: the duality gap, or the 2-norm of the distances of the negative
        gradient to the subdifferential of the penalty. "auto": the gap where datafit and penalty have a
        known dual.
    check_every : int, optional
        Number of iterations between two checks. Default: 1 for rules that read the full gradient (10 on a
        GPU), else the number of blocks.
    score_norm : {1, 2}
        The norm of a block's scores in "gs", "gsl", "gsd": 2 as in the paper's formulas, 1 as in its code.

    Returns
    -------
    CoordinateResult
        The minimiser, the measure at each check (`residuals`), the objective at each check (`objectives`).

    Raises
    ------
    TypeError, ValueError
        An argument is not valid, or the rules cannot be combined; the message says why and what can.
    Interrupted
        Ctrl-C; the attribute `result` has the last iterate.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met.

    Notes
    -----
    Selections, for the gradient g, the curvature bounds :math:`L_i` of the coefficients, the bound H of the
    Hessian, and :math:`L_b = \lambda_{\max}(H_b)`. With a penalty, the distance of -g to the subdifferential
    takes the place of g:

    - "random", "cyclic", "permuted"; "lipschitz": random with probabilities in proportion to :math:`L_b`.
    - "gs": the largest :math:`\|g_b\|`; "gsl": the largest :math:`\|g_b\|/\sqrt{L_b}`, for fixed blocks;
      "gsd": :math:`|g_i|/\sqrt{L_i}`; "gsdhb": :math:`|g_i|/(\sum_j |H_{ij}|)^{1/2}`, for variable blocks.
    - "gsq": the largest :math:`g_b^T H_b^{+} g_b`, for fixed blocks; "iht": the same for variable blocks, by
      ten steps of iterative hard thresholding; both without a penalty. "gsq-nn": the largest decrease of
      the diagonal model with a separable penalty, as for x >= 0.
    - "gs-tree", "gsd-tree", "random-tree": the coefficients, in the order of "gs" or "gsd" or in a random
      one, that close no cycle in the graph of a `Quadratic`; at most `block_size`, for variable blocks.

    Updates:

    - "gradient": a proximal gradient step of length :math:`1/L_b`; "diagonal": with :math:`L_i`, scaled to
      bound :math:`H_b`; "line-search-gradient": with a local constant that is doubled as needed.
    - "newton": the minimiser of the model with :math:`H_b` and the penalty; "newton-line-search": with the
      true Hessian and a line search.
    - "projected-gradient", "projected-newton", "two-metric": for the penalty `Box`.
    - "message-passing": the exact minimiser on blocks that are forests in the graph of a `Quadratic`, by
      elimination from the leaves to the roots; "belief-propagation": the same by Gaussian belief propagation.

    No update raises the objective. `Poisson` and losses of your own may have no bounds of the second
    derivatives: "newton" is then "newton-line-search", "gsl" and "gsd" use the Hessian at zero, and
    rules that need the bounds are refused.

    Rules that read the full gradient take its cost in each iteration, ``2 m n`` operations for dense X (n for
    `Quadratic`). The others take ``2 m b`` for a block of b coefficients, and check convergence once for as
    many iterations as there are blocks. Storage: a few vectors of length n, and the Hessians of fixed blocks.

    References
    ----------
    .. [1] J. Nutini, I. Laradji, M. Schmidt, *Let's make block coordinate descent converge faster: faster
       greedy rules, message-passing, active-set complexity, and superlinear convergence*, J. Mach. Learn.
       Res. 23, 2022, 1-74, arXiv:1712.08859.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.coordinate import L1, LeastSquares, minimize
    >>> X, y = np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([3.0, 1.0])
    >>> minimize(LeastSquares(X, y), L1(0.5), select="cyclic").check().x.round(6)
    array([2.  , 0.25])
    """
    setting = setting_of(datafit, penalty, partition, block_size, score_norm, rng)
    selection, rule = rules_of(setting, select, update)
    problem = setting.problem
    variables = Variables(start_of(problem, x0), real=True)
    variables.shape = datafit.shape
    rtol, atol = _validate.tolerances(rtol, atol)
    descent = Descent(
        problem,
        selection,
        rule,
        measure=_validate.choice(measure, "measure", ("auto", "gap", "violation")),
        interval=interval_of(setting, selection, check_every),
        maxiter=iterations_of(setting, maxiter),
        patience=patience_of(setting, selection),
    )
    return warn_of_miss(descent.run(variables, rtol, atol, callback, _validate.deadline(time_limit)))
