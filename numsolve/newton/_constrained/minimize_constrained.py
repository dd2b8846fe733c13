"""Minimisation with equality constraints."""

from collections.abc import Callable
from typing import Any

from ..._result import warn_of_miss
from .augmented_lagrangian import Rules
from .result import ConstrainedResult, gradient_argument, minimize


def minimize_constrained(
    fun: Callable[..., Any],
    x0: Any,
    constraints: Any,
    args: tuple | Any = (),
    *,
    grad: Callable[..., Any] | bool | str | None = None,
    jac: Callable[..., Any] | bool | str | None = None,
    hess: Callable[..., Any] | None = None,
    hessp: Callable[..., Any] | None = None,
    hess_sparsity: Any = None,
    multipliers: Any = None,
    linear_solver: str = "direct",
    theta: Callable[[int], float] | float | None = None,
    rtol: float | None = None,
    atol: float = 0.0,
    maxiter: int = 500,
    inner_maxiter: int | None = None,
    block_size: int | None = None,
    M: Callable[..., Any] | str | None = "auto",
    time_limit: float | None = None,
    callback: Callable[..., Any] | None = None,
    rng: Any = None,
) -> ConstrainedResult:
    r"""Minimise :math:`f(x)` subject to :math:`c(x) = 0`, by Newton's method for the optimality conditions.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)`` returns the objective f, a real number. `x` has the shape of `x0`. NaN or infinity
        marks a point outside of the domain: the step to it is shortened.
    x0 : array of any shape
        Starting point of real numbers, in NumPy or CuPy; it decides where the work runs, and in which
        precision. It need not satisfy the constraints. Integers are taken as float64.
    constraints : callable, tuple, dict, NonlinearConstraint, LinearConstraint, or a list of these
        Equations, m in all. Ours: a function ``c(x)``, or a tuple ``(c, jac)`` or ``(c, jac, hess)``, where
        ``jac(x)`` returns the Jacobian, shape (m, n), and ``hess(x, y)`` the sum of the Hessians of the
        components of c, times the entries of y. SciPy's: a dictionary of the type "eq", and constraints with
        equal bounds ``lb == ub``. Jacobians may be dense, sparse, or operators. Without `jac` they are formed
        by central differences.
    args : tuple
        Further arguments of `fun` and its derivatives.
    grad : callable, True or None
        ``grad(x, *args)`` returns the gradient of f. True: `fun` returns a pair, its value and the gradient.
        None: central differences, 2 n evaluations of `fun`.
    jac : callable, True or None
        SciPy's name of `grad`.
    hess : callable, optional
        ``hess(x, *args)`` returns the Hessian of f, shape (n, n): dense, sparse, or an operator.
    hessp : callable, optional
        ``hessp(x, p, *args)`` returns the product of the Hessian of f with p. With "direct" its entries are
        formed by n products.
    hess_sparsity : sparse array, shape (n, n), optional
        Pattern of those second derivatives of the Lagrangian that are not given. They are formed by
        differences of gradients, one evaluation for each colour of the pattern, or n without a pattern.
        "minres" and "gaussian" need only products: one evaluation for each.
    multipliers : array, shape (m,), or "least-squares", optional
        First Lagrange multipliers. "least-squares": those with the smallest gradient of the Lagrangian at
        `x0`. Default: zeros.
    linear_solver : {"direct", "minres", "kaczmarz", "gaussian", "block"}
        How the linear systems are solved. "direct": a symmetric factorisation, which also checks the
        curvature. "minres": MINRES, which needs only products. The others are randomized: rows, Gaussian
        sketches, or blocks of rows.
    theta : float or callable, optional
        Iterative solvers end at a residual below ``theta * accuracy`` times the residual of the optimality
        conditions; the accuracy is adapted. A number, or a function of the iteration. Default: the ratio of
        the residual to the first one, so that convergence is superlinear.
    rtol, atol : float
        Stop once the norm of ``grad f + J^T y`` and c together is at most ``max(rtol * first, atol)``, where
        `first` is its value at the start. Default of `rtol`: the square root of machine epsilon.
    maxiter : int
        Largest number of iterations.
    inner_maxiter : int, optional
        Largest number of steps of an iterative solver for one system. Default: ``20 (n + m) + 100`` for
        "minres", 100,000 for the others.
    block_size : int, optional
        Rows that "block" takes at once, or columns of a Gaussian sketch. Default: the root of ``n + m`` for
        "block", and 1.
    M : "auto", callable or None
        Preconditioner of "minres": ``M(H, J)`` returns a positive definite operator, shape (n + m, n + m).
        "auto": the diagonal of H and the matrix ``J diag(H)^-1 J^T``, if their entries are known.
    time_limit : float, optional
        Seconds after which to stop with a usable iterate. Default: no limit.
    callback : callable, optional
        ``callback(x, residual_norm)`` after each iteration; true stops. A callback of one argument gets `x`,
        and what it returns is ignored.
    rng : int or numpy.random.Generator, optional
        Source of random numbers of the randomized solvers.

    Returns
    -------
    ConstrainedResult
        ``x``, ``status``, ``message``, ``residuals`` of shape ``(nit + 1,)``, ``fun``, ``multipliers``,
        ``constraints``, ``constraints_jac``, ``kkt_residual``, ``penalties``, ``inner_steps``, ``dependent``,
        and the numbers of evaluations. The status is SINGULAR if no step reduces the constraints because rows
        of their Jacobian depend on others: they contradict each other, or `x` is a local minimiser of their
        violation. Rows that depend on others without a contradiction do no harm: the message names them.

    Raises
    ------
    ValueError
        A constraint is an inequality, a shape does not fit, a tolerance is negative, or an option is unknown.
    TypeError
        An argument has the wrong type, `x0` is complex, or "direct" is asked for with CuPy arrays.
    FunctionError
        A function raised an exception after the start; the attribute `result` holds the last iterate.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why and what to try.

    Notes
    -----
    With the Lagrangian :math:`L = f + y^T c`, its Hessian H and the Jacobian J of c, an iteration solves

    .. math:: \begin{pmatrix} H + \sigma I & J^T \\ J & 0 \end{pmatrix} z
        = -\begin{pmatrix} \nabla_x L \\ c \end{pmatrix}

    and moves x and y together along z, until the exact augmented Lagrangian
    :math:`L + \frac{\eta_1}{2} \|c\|^2 + \frac{\eta_2}{2} \|\nabla_x L\|^2` has fallen enough [1]_. The
    penalties and the accuracy of an iterative solver change where this function does not fall along z. The
    shift :math:`\sigma` is zero where H is positive definite on the null space of J. "direct" learns that
    from the signs of the pivots of the whole matrix, the others test the curvature along z. f and c are
    scaled by their first derivatives and the Hessian at the start, so that the units of the caller do not
    matter.

    Cost of an iteration: one evaluation of all functions, one more of f, c and their first derivatives for
    each trial step, and the solution of a system of ``n + m`` equations. Sparse derivatives give a sparse
    system, which SuperLU factorises with pivots from the diagonal. Storage: the factors, or the vectors of
    the iterative solver.

    References
    ----------
    .. [1] I. Hong, S. Na, M. W. Mahoney, M. Kolar, *Constrained optimization via exact augmented Lagrangian
       and randomized iterative sketching*, ICML 2023, :doi:`10.48550/arXiv.2305.18379`.

    Examples
    --------
    The point of the circle of radius 2 with the smallest sum of coordinates:

    >>> import numpy as np
    >>> from numsolve.newton import minimize_constrained
    >>> circle = (lambda x: x @ x - 4, lambda x: 2 * x)
    >>> result = minimize_constrained(np.sum, [-1.0, -2.0], circle, grad=np.ones_like)
    >>> result.check().x.round(6), result.multipliers.round(6)
    (array([-1.414214, -1.414214]), array([0.353553]))
    """
    return warn_of_miss(
        minimize(
            Rules(),
            fun,
            x0,
            constraints,
            args,
            grad=gradient_argument(grad, jac),
            hess=hess,
            hessp=hessp,
            hess_sparsity=hess_sparsity,
            multipliers=multipliers,
            linear_solver=linear_solver,
            theta=theta,
            rtol=rtol,
            atol=atol,
            maxiter=maxiter,
            inner_maxiter=inner_maxiter,
            block_size=block_size,
            M=M,
            time_limit=time_limit,
            callback=callback,
            rng=rng,
        )
    )
