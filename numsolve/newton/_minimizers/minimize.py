"""Minimise a function without constraints."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import _validate
from ..._functions import ScalarFunction, WithDerivative
from ..._result import warn_of_miss
from ..._variables import Variables
from .._differences import in_doubt
from .._results import NewtonResult
from . import METHODS
from .driver import drive, not_a_minimum, with_options
from .hessians import gradient_of, hessians_of
from .metric import metric_of
from .objective import Objective


@dataclass(frozen=True, eq=False, repr=False)
class MinimizeResult(NewtonResult):
    """Result of `minimize`.

    Attributes
    ----------
    x : array, shape of x0
        The best point found.
    residuals : numpy.ndarray of floats, shape (nit + 1,)
        Norm of the gradient at the start and after each iteration; the last one is that at `x`.
    fun : float
        Value of the function at `x`.
    jac : array, shape of x0
        Gradient at `x`.
    nfev, njev, nhev : int
        Evaluations of the function, the gradient, and the Hessian or products with it.
    method : str
        The method that was used.
    """

    method: str = ""


def minimize(
    fun: Callable[..., Any],
    x0: Any,
    args: tuple | Any = (),
    *,
    grad: Callable[..., Any] | bool | str | None = None,
    jac: Callable[..., Any] | bool | str | None = None,
    hess: Callable[..., Any] | str | None = None,
    hessp: Callable[..., Any] | None = None,
    method: str = "auto",
    rtol: float | None = None,
    atol: float = 0.0,
    maxiter: int = 1000,
    time_limit: float | None = None,
    callback: Callable[..., Any] | None = None,
    rng: Any = None,
    metric: Any = None,
    hess_sparsity: Any = None,
    **options: Any,
) -> MinimizeResult:
    r"""Minimise a function of many variables without constraints, by a second-order method.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)`` returns a real number. `x` has the shape of `x0`. NaN or infinity marks a point
        outside of the domain: the step to it is shortened.
    x0 : array of any shape
        Starting point of real numbers, in NumPy or CuPy; it decides where the work runs, and in which
        precision. Integers are taken as float64.
    args : tuple
        Further arguments of `fun` and its derivatives.
    grad : callable, bool, "2-point" or "3-point", optional
        ``grad(x, *args)`` returns the gradient, with as many entries as `x`. True: `fun` returns the pair of
        value and gradient. Otherwise: central differences of `fun`, with 2 n values for a gradient and a
        relative error near the 2/3 power of machine epsilon, 4e-11; a gradient much smaller than that, in
        units of the values of `fun`, cannot be reached.
    jac : callable, bool, "2-point" or "3-point", optional
        SciPy's name for `grad`.
    hess : callable, "2-point", "3-point" or "diagonal", optional
        ``hess(x, *args)`` returns the Hessian, or an approximation: an array of n x n entries, a sparse array
        or a LinearOperator. "2-point" or "3-point": by central differences of the gradient, or on
        `hess_sparsity` by forward ones. "diagonal": a diagonal matrix of the absolute values of the diagonal,
        estimated from ten products with random vectors (Hutchinson's estimator). `gauss_newton` and `fisher`
        make others.
    hessp : callable, optional
        ``hessp(x, p, *args)`` returns the product of the Hessian with `p`, in place of `hess`. Without both,
        the Hessian is formed by central differences, 2 n gradients, for at most 50 variables. For more, a
        product takes one gradient.
    method : str
        "auto" is "trust-region". The other methods are "cubic-lazy", "quadratic-lazy", "cubic",
        "gradient-normalized", "super-universal", "universal", "greedy", "root", "aicn", "damped",
        "saddle-free", "accelerated" and "polynomial": see the notes.
    rtol, atol : float
        Stop once ``norm(grad(x)) <= max(rtol * norm(grad(x0)), atol)``, in the 2-norm. Default of `rtol`: the
        root of machine epsilon.
    maxiter : int
        Largest number of accepted steps.
    time_limit : float, optional
        Seconds after which to stop with a usable point. Default: no limit.
    callback : callable, optional
        ``callback(x, gradient_norm)`` after each accepted step; true stops. A callback of one argument gets a
        copy of `x`, and what it returns is ignored.
    rng : numpy.random.Generator or int, optional
        Random numbers for ``hess="diagonal"``.
    metric : array, shape (n,) or (n, n), optional
        Matrix B of the norm ``sqrt(h @ B @ h)`` of steps, symmetric positive definite, or its diagonal.
        Default: the identity.
    hess_sparsity : sparse array, shape (n, n), optional
        Pattern of the Hessian for finite differences.
    **options
        Options of the method, by name: see the notes.

    Returns
    -------
    MinimizeResult
        ``x``, ``fun``, ``jac`` (the gradient), ``residuals`` (norms of the gradient), ``status``,
        ``message``, ``nit``, ``nfev``, ``njev``, ``nhev``, ``method``.

    Raises
    ------
    ValueError
        A shape does not fit, an entry of `x0` is not finite, a tolerance is negative, `metric` is not
        positive definite, or two arguments exclude each other.
    TypeError
        A dtype is not supported, `fun` does not return one real number, or the method has no such option.
    FunctionError
        A function raised an exception after the first point. Its `result` is the last good point.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met, or the point is no minimum; ``result.message`` says why and what to try.

    Notes
    -----
    The methods, their options with defaults, and where they come from:

    - "trust-region" (``radius=None, M=None``): the model is minimised in a ball exactly, by the eigenvectors
      of a matrix of at most 500 rows, or to a tenth of the radius by factorisations of a larger one [1]_,
      dense of at most 3000 rows or sparse with little fill. Otherwise it is minimised by conjugate gradients
      [2]_, with the preconditioner M, an approximation of the inverse Hessian or a function of x that
      returns one.
    - "cubic-lazy", "quadratic-lazy" (``lazy=min(n, 10), M=None, M0=1.0``): a Hessian is used for `lazy`
      steps, with one decomposition and O(n**2) operations for each step [3]_; "cubic" (``M=None, M0=1.0``)
      takes a new one for each. The regularisation M is adapted, starting with M0, or fixed.
    - "damped", "aicn" (``L=2.0``), "root" (``M=1.0, q=3.0``), "universal" (``sigma0=1.0, rho=2.0,
      beta=0.5``), "greedy": a step along Newton's direction of positive definite Hessians, whose length is a
      formula of the local norm of the gradient, is tested, or is found by a line search [4]_.
    - "gradient-normalized" (``gamma0=1.0, floor=1e-9``) [5]_, "super-universal" (``alpha=1.0, H0=1.0,
      floor=1e-5, H=None``) [6]_: a regularisation in proportion to the gradient's norm or a power of it,
      adapted; suited to approximate Hessians.
    - "saddle-free" (``gamma0=1.0``): the same with the absolute values of the eigenvalues [7]_.
    - "accelerated" (``M=None, M0=1.0, delta=0.0``): estimating sequences, for convex functions [8]_.
    - "polynomial" (``degree=2, krylov=True, B=None, M0=1.0``): a gradient method with a polynomial of a fixed
      matrix B as preconditioner; by default B is the Hessian at x0 [9]_.

    A step takes one gradient, and one Hessian with its decomposition: about ``n**3 / 3`` operations for a
    Cholesky factorisation, ``9 n**3`` for eigenvectors. Conjugate gradients take one product with the Hessian
    per iteration and store 6 vectors.

    Where the values of `fun` agree to rounding error, the decrease is computed from the gradients. A start
    at which the gradient is rounding error is converged. If the gradient stops falling above the tolerance,
    the status is STAGNATED. "trust-region" and "saddle-free" compute the Hessian at the last point. If it is
    a matrix that can be decomposed or factorised, and has a negative eigenvalue, the status is DOUBTFUL.

    References
    ----------
    .. [1] J. J. Moré, D. C. Sorensen, *Computing a trust region step*, SIAM J. Sci. Stat. Comput. 4, 1983,
       :doi:`10.1137/0904038`.
    .. [2] T. Steihaug, *The conjugate gradient method and trust regions in large scale optimization*, SIAM J.
       Numer. Anal. 20, 1983, :doi:`10.1137/0720042`.
    .. [3] N. Doikov, E. M. Chayti, M. Jaggi, *Second-order optimization with lazy Hessians*, ICML 2023,
       arXiv:2212.00781.
    .. [4] S. Hanzely, F. Abdukhakimov, M. Takáč, *Newton method revisited*, arXiv:2405.18926.
    .. [5] A. Semenov, M. Jaggi, N. Doikov, *Gradient-normalized smoothness for optimization with approximate
       Hessians*, arXiv:2506.13710.
    .. [6] N. Doikov, K. Mishchenko, Y. Nesterov, *Super-universal regularized Newton method*, SIAM J. Optim.
       34, 2024, :doi:`10.1137/22M1519444`.
    .. [7] Y. N. Dauphin et al., *Identifying and attacking the saddle point problem in high-dimensional
       non-convex optimization*, NeurIPS 2014, arXiv:1406.2572.
    .. [8] A. Agafonov et al., *Advancing the lower bounds: an accelerated, stochastic, second-order method
       with optimal adaptation to inexactness*, ICLR 2024, arXiv:2309.01570.
    .. [9] N. Doikov, A. Rodomanov, *Polynomial preconditioning for gradient methods*, ICML 2023,
       arXiv:2301.13194.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.newton import minimize
    >>> def rosenbrock(x):
    ...     return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
    >>> minimize(rosenbrock, [-1.2, 1.0]).check().x.round(4)
    array([1., 1.])
    """
    variables = Variables(x0, real=True)
    if not variables.n:
        raise ValueError("x0 is empty; at least one variable is needed")
    eps = float(np.finfo(variables.dtype).eps)
    rtol, atol = _validate.tolerances(eps**0.5 if rtol is None else rtol, atol)
    maxiter, deadline = _validate.count(maxiter, "maxiter"), _validate.deadline(time_limit)
    name = "trust-region" if method == "auto" else _validate.choice(method, "method", ("auto", *METHODS))
    make = with_options(METHODS[name], name, options)
    if grad is not None and jac is not None:
        raise ValueError("both grad and jac are given: they are two names of the gradient")
    grad = jac if grad is None else grad
    if grad is True:
        pair = WithDerivative(fun)
        fun, grad = pair.value, pair.derivative
    value = ScalarFunction(fun, variables, args)
    gradient = gradient_of(grad, value, variables, args)
    hessians = hessians_of(hess, hessp, gradient, variables, args, sparsity=hess_sparsity, rng=rng)
    objective = Objective(value, gradient, hessians, metric_of(metric, variables))
    functions = (value, gradient, *hessians.functions)
    for function in functions:
        function.deadline = deadline

    def report(result, point):
        if METHODS[name].checks_curvature:
            result = not_a_minimum(result, point, hessians, callable(hess))
        if result.success:
            result = in_doubt(result, gradient, point.x, point.value, objective.tol)
        return MinimizeResult(
            **vars(result),
            fun=point.known("value"),
            jac=None if point.known("gradient") is None else variables.shown(point.gradient),
            nfev=value.calls,
            njev=gradient.calls,
            nhev=hessians.calls,
            method=name,
        )

    found = drive(
        make,
        objective,
        variables,
        report,
        rtol=rtol,
        atol=atol,
        maxiter=maxiter,
        callback=callback,
        deadline=deadline,
        functions=functions,
    )
    return warn_of_miss(found)
