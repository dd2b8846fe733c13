"""Entropic optimal transport by Sinkhorn's iteration."""

from dataclasses import replace
from typing import Any

import numpy as np

from .. import _validate
from .._array import namespace
from .._iterate import iterate
from .._linear import announced
from .._result import Status
from ._forms import DENSE, Fused, scaled
from ._newton import Newton
from ._omega import Adaptive, Constant
from ._problem import problem
from ._steps import Sinkhorn

METHODS = ("auto", "log", "scaling", "newton")
RANGE = {
    "float64": 300.0,
    "float32": 30.0,
}  # of the cost over eps: so far its exponentials stay normal numbers
STORED = 1 << 28  # bytes up to which "auto" stores exp(-cost / eps) beside the cost
SINGLE = 3e-5  # of the mass: what the marginals can be brought to in single precision
PATIENCE = 1000  # iterations after which "auto" goes over to Newton's method
SMALL = 1 << 24  # entries up to which it does


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
    init=None,
    tau_a=None,
    tau_b=None,
    eps_scaling=None,
    warm_up=False,
    context=None,
    callback=None,
):
    r"""Solve :math:`\min_P \langle C, P\rangle + \epsilon \sum P \log P` over plans with marginals `a` and `b`.

    Parameters
    ----------
    a, b : array, shapes (n,) and (m,), or (k, n) and (k, m)
        Masses, not negative and of the same sum; they decide where the work runs. Of two axes: `k` problems.
    cost : array (n, m), sparse array, PointCloud or Grid
        What the way from i to j costs. Of a sparse one, what is not stored is forbidden. For `k` problems also
        an array (k, n, m).
    eps : float
        The weight of the entropy, in units of the cost. A hundredth of the median cost is usual.
    method : {"auto", "log", "scaling", "newton"}
        "log" works with logarithms and any `eps`; "scaling" stores :math:`\exp(-C/\epsilon)`, twice as fast
        but for a cost of up to 300 `eps`; "newton" is for costs that make Sinkhorn crawl. "auto" chooses and
        says why in ``result.message``.
    omega : "adaptive", float or learner
        Over-relaxation, between 0 and 2; 1 is Sinkhorn's own iteration. "adaptive" finds it from the rates it
        sees. A learner, of `numsolve.relaxation`, is asked before and told the iterations after.
    rtol, atol : float
        Stop once ``abs(P @ 1 - a).sum() + abs(P.T @ 1 - b).sum() <= max(rtol * a.sum(), atol)``.
    maxiter : int, optional
        Largest number of iterations, passes over the rows and columns. Default: 10000.
    init : TransportResult or array (m,), optional
        A solution to begin with, of another `eps` or neighbouring masses; or potentials `g`.
    tau_a, tau_b : float, optional
        Weight, in units of the cost, of a penalty :math:`\tau \mathrm{KL}(P1 | a)` in place of the marginal,
        :math:`\mathrm{KL}(p|q) = \sum p \log(p/q) - p + q`. The entropy is then :math:`\sum P (\log P - 1)`.
    eps_scaling : float, optional
        Begin with a large `eps` and divide it by this number until it is `eps`, each time from the solution
        before. Default: no such stages.
    warm_up : bool
        Do what single precision can do in it, then finish in double.
    context : optional
        What a learner is told of this problem.
    callback : callable, optional
        ``callback(x, error)`` after each iteration, `x` the potentials (on a GPU: after every tenth); true
        stops.

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
    and then. Storage: besides the cost up to 64 rows, for sums that do not depend on the number of threads.
    Errors are those of the plan that a pass reads; the last one is recomputed in double precision.

    Over-relaxation [1]_ [2]_ goes `omega` times as far as Sinkhorn, at most 8 beyond it in ``f / eps``; its best value is
    :math:`2 / (1 + \sqrt{1 - \rho})` for the rate :math:`\rho` of Sinkhorn's iteration. Windows of iterations
    in which the dual fell are undone.

    Arrays of single precision are worked on in it as far as that goes, 3e-5 of the mass, and finished in double.

    References
    ----------
    .. [1] A. Thibault, L. Chizat, C. Dossal, N. Papadakis, *Overrelaxed Sinkhorn-Knopp algorithm for
       regularized optimal transport*, Algorithms 14, 2021, :doi:`10.3390/a14050143`.
    .. [2] T. Lehmann, M.-K. von Renesse, A. Sambale, A. Uschmajew, *A note on overrelaxation in the Sinkhorn
       algorithm*, Optim. Lett. 16, 2022, :doi:`10.1007/s11590-021-01830-0`.

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
    if getattr(a, "ndim", 1) == 2 and getattr(cost, "axes", None) is None:
        return _batch(a, b, cost, eps, tau_a, tau_b, options)
    return announced(solve(problem(a, b, cost, eps, tau_a, tau_b), **options))


def solve(task, *, method, omega, rtol, atol, maxiter, init, eps_scaling, warm_up, context, callback):
    """Solve a checked problem in stages: larger eps, single precision, and what was asked for."""
    tol = max(rtol, atol / task.mass)
    control, learner = _control(omega, context, task)
    form = task.form()
    method, why = _method(method, form, task)
    single = form.dtype == np.float32
    if single and tol < SINGLE:
        form, warm_up = task.form(np.float64), True
    x = None if init is None else task.warm(form, 1 / task.eps, _potentials(init, task) / task.eps)
    if eps_scaling is not None:
        x = _larger_eps(task, form, x, eps_scaling, maxiter)
    if warm_up and isinstance(form, Fused) and form.dtype == np.float64:
        x = _single(task, x, tol, maxiter, control)
    if x is None:
        x = task.cold(form, 1 / task.eps)
    found, method, why = _run(task, form, x, method, why, control, tol, maxiter, callback)
    result = task.result(found, form, found.x / _unit(task), method, control.omega)
    if learner is not None:
        learner.observe(control.omega, result.nit if result.success else maxiter, context)
    return replace(result, message=f"{result.message} ({why})" if why else result.message)


def _run(task, form, x, method, why, control, tol, maxiter, callback):
    """Run the method; "auto" goes over to Newton's where Sinkhorn crawls."""
    switch = method == "auto"
    log = method in ("auto", "log") and form
    chosen = method
    if switch:
        chosen = "log"
        if (
            isinstance(form, Fused)
            and form.kind == DENSE
            and _range(form) <= RANGE[form.dtype.name] * task.eps
        ):
            if form.C.nbytes <= STORED and namespace(task.a) is np:
                chosen = "scaling"
        why = "scaling: exp(-cost / eps) cannot underflow" if chosen == "scaling" else "logarithms: any eps"
    if chosen == "newton":
        return _loop(Newton, task, form, x, control, tol, maxiter, callback), chosen, why
    used = scaled(form, 1 / task.eps) if chosen == "scaling" else log
    newton = switch and _newton_can(task, form)
    found = _loop(
        Sinkhorn, task, used, x, control, tol, min(maxiter, PATIENCE) if newton else maxiter, callback
    )
    if newton and found.status == Status.MAXITER and found.nit < maxiter:
        why = f"Newton: after {found.nit} iterations of Sinkhorn the error was {found.residuals[-1]:.1e}"
        start = found.x / _unit(task)
        more = _loop(Newton, task, form, start, control, tol, maxiter - found.nit, callback)
        history = np.concatenate([found.residuals, more.residuals[1:]])
        return replace(more, residuals=history), "newton", why
    return found, chosen, why


def _loop(kind, task, form, x, control, tol, maxiter, callback):
    """Hand a method to the loop."""
    dtype = form.dtype
    state = kind(form, 1 / task.eps, task.a.astype(dtype), task.b.astype(dtype), task.kappas, control)
    found = iterate(
        state.start,
        x.astype(dtype),
        tol=tol,
        maxiter=maxiter,
        callback=callback,
        scale=(_unit(task), task.mass),
    )
    if found.status in _SAYS:
        found = replace(found, message=_SAYS[found.status])
    return found


_SAYS = {
    Status.MAXITER: "maxiter reached: raise it, loosen atol, take a larger eps, or method='newton'",
    Status.STAGNATED: "the error of the marginals stopped falling above the tolerance: loosen atol",
    Status.NONFINITE: "a marginal is not finite: the masses or costs overflow in units of eps",
}


def _unit(task):
    """Return what scaled potentials are multiplied by when they are handed out."""
    return float(task.eps)


def _method(method, form, task):
    """Check that a method suits the problem."""
    if method == "scaling":
        if not (isinstance(form, Fused) and form.kind == DENSE):
            raise ValueError(
                "method='scaling' stores a dense matrix: the cost must be an array, or use 'log'"
            )
        most, limit = _range(form), RANGE[form.dtype.name]
        if most > limit * task.eps:
            raise ValueError(
                f"eps is {task.eps:.3g}, too small for method='scaling' in {form.dtype}: costs of up to {most:.3g} "
                f"need eps >= {most / limit:.3g}, or use method='log'"
            )
    if method == "newton" and not _newton_can(task, form):
        raise ValueError(
            "method='newton' is for prescribed marginals and a cost that is a NumPy array or a PointCloud: use 'log'"
        )
    return method, ""


def _newton_can(task, form):
    return (
        isinstance(form, Fused)
        and namespace(task.a) is np
        and not task.penalised
        and np.prod(form.shape) <= SMALL
    )


def _range(form):
    return float(abs(form.C).max())


def _control(omega, context, task):
    """Return the rule of omega, and the learner behind it, if any."""
    if isinstance(omega, str):
        _validate.choice(omega, "omega", ("adaptive",))
        return Adaptive(float(task.a.sum())), None
    if hasattr(omega, "suggest") and hasattr(omega, "observe"):
        value = _validate.relaxation(omega.suggest(context), "what omega.suggest(context) returned")
        return Constant(value), omega
    return Constant(_validate.relaxation(omega)), None


def _larger_eps(task, form, x, factor, maxiter):
    """Return potentials to start from, found with ever smaller eps; each is solved roughly."""
    n, eps = task.a.size, task.eps
    x = task.cold(form, 1 / eps) if x is None else x
    spread = eps * float(np.ptp(np.asarray(_finite_part(x[:n]))))
    steps = max(int(np.log(max(spread / eps, 1)) / np.log(factor)), 0)
    for k in range(steps, 0, -1):
        stage = replace(task, eps=eps * factor**k)
        x = task.warm(form, 1 / stage.eps, x[n:] * (eps / stage.eps)) if k == steps else x
        found = _loop(Sinkhorn, stage, form, x, Adaptive(1.0), 0.05, min(maxiter, 50), None)
        g = found.x[n:]
        following = eps * factor ** (k - 1)
        x = replace(task, eps=following).warm(form, 1 / following, g / following)
    return x


def _finite_part(x):
    from .._array import to_host

    x = to_host(x)
    return x[np.isfinite(x)]


def _single(task, x, tol, maxiter, control):
    """Return potentials to start from, found in single precision."""
    form = task.form(np.float32)
    x = task.cold(form, 1 / task.eps) if x is None else x
    found = _loop(Sinkhorn, task, form, x, control, max(tol, SINGLE), maxiter, None)
    return found.x.astype(np.float64) / _unit(task)


def _potentials(init, task):
    """Return the potentials of the columns that the caller starts from."""
    g = getattr(init, "g", init)
    xp = namespace(task.a)
    _validate.same_library(a=task.a, init=g)
    g = _validate.as_array(g, "init", xp)
    if g.shape != task.b.shape:
        raise ValueError(f"init has potentials of shape {g.shape}, but b needs {task.b.shape}")
    if bool(xp.isnan(g).any()):
        raise ValueError("init has NaN entries")
    return g


def _factor(value):
    if value is None:
        return None
    value = _validate.number(value, "eps_scaling")
    if value <= 1:
        raise ValueError(f"eps_scaling is {value!r}; a number > 1 is needed: eps is divided by it")
    return value


def _batch(a, b, cost, eps, tau_a, tau_b, options):
    """Solve many problems; each has its row of masses, and its cost or one for all."""
    if b.ndim != 2 or len(b) != len(a):
        raise ValueError(f"a has shape {a.shape}, b {b.shape}; (k, n) and (k, m) are needed")
    many = getattr(cost, "ndim", 2) == 3
    if many and len(cost) != len(a):
        raise ValueError(f"cost has shape {cost.shape}; ({len(a)}, n, m), a cost for each problem, is needed")
    costs = cost if many else [cost] * len(a)
    tasks = [problem(*each, eps, tau_a, tau_b) for each in zip(a, b, costs, strict=True)]
    return [announced(solve(task, **options)) for task in tasks]
