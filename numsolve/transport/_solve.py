"""From a checked problem to its result: the choice of the method, stages before the last, and the loop."""

from dataclasses import replace

import numpy as np

from .. import _validate
from .._array import namespace, to_host
from .._iterate import iterate
from .._result import Status
from ._forms import DENSE, Fused, Sparse, scaled
from ._newton import Newton
from ._omega import Adaptive, Constant
from ._steps import Sinkhorn

METHODS = ("auto", "log", "scaling", "newton")
RANGE = {"float64": 300.0, "float32": 30.0}  # of costs over eps: their exponentials stay normal numbers
STORED = 1 << 28  # bytes up to which "auto" stores exp(-cost / eps) beside the cost
SINGLE = 3e-5  # of the mass: what the marginals can be brought to in single precision
PATIENCE = 1000  # iterations after which "auto" goes over to Newton's method
SMALL = 1 << 24  # entries up to which it does
SAYS = {
    Status.MAXITER: "maxiter reached: raise it, loosen atol, take a larger eps, or method='newton'",
    Status.STAGNATED: "the error of the marginals stopped falling above the tolerance: loosen atol",
    Status.NONFINITE: "a marginal is not finite: the costs overflow in units of eps",
}


def solve(task, *, method, omega, rtol, atol, maxiter, init, eps_scaling, warm_up, context, callback):
    """Solve a checked problem in stages: larger eps, single precision, and what was asked for."""
    tol = max(rtol, atol / task.mass)
    control, learner = _control(omega, context, task, getattr(init, "omega", 1.0))
    form = task.form()
    _check(method, form, task)
    if form.dtype == np.float32 and tol < SINGLE:
        form, warm_up = task.form(np.float64), True
    x = None
    if init is not None:
        x = task.warm(form, 1 / task.eps, _potentials(init, task) / task.eps)
    if eps_scaling is not None:
        x = _larger_eps(task, form, x, eps_scaling, maxiter)
    if warm_up and isinstance(form, Fused) and form.dtype == np.float64:
        x = _single(task, x, tol, maxiter, control)
    if x is None:
        x = task.cold(form, 1 / task.eps)
    task.check_start(x)
    found, method, why = _run(task, form, x, method, control, tol, maxiter, callback)
    result = task.result(found, form, found.x / task.eps, method, control.omega)
    if learner is not None:
        learner.observe(control.omega, result.nit if result.success else maxiter, context)
    return _explained(result, task, form, tol * task.mass, why)


def _explained(result, task, form, tol, why):
    """Return the result with what is known at the end: why the method, or why it missed."""
    if result.success and result.marginal_error > 1.01 * tol:
        message = (
            f"single precision stopped at a marginal error of {result.marginal_error:.1e}, found in double: "
            "pass arrays of float64"
        )
        return replace(result, status=Status.STAGNATED, message=message)
    if isinstance(form, Sparse) and result.status in (Status.MAXITER, Status.STAGNATED):
        share = form.carried(task.a, task.b)
        if share < 1:
            message = (
                f"infeasible: the allowed edges can carry {share:.6g} of the mass and no more; allow further "
                "edges, or penalise the marginals with tau_a and tau_b"
            )
            return replace(result, status=Status.BREAKDOWN, message=message)
    x = to_host(result.x)
    largest = abs(x[np.isfinite(x)]).max(initial=0.0)
    rounding = 4 * np.finfo(float).eps * largest / task.eps * task.mass
    if not result.success and result.marginal_error <= rounding:
        message = f"the error of the marginals is at rounding errors, about {rounding:.1e}: loosen atol"
        return replace(result, status=Status.STAGNATED, message=message)
    return replace(result, message=f"{result.message} ({why})" if why else result.message)


def _run(task, form, x, method, control, tol, maxiter, callback):
    """Return the run of the method, its name and a reason; "auto" turns to Newton where that crawls."""
    if method == "newton":
        return _loop(Newton, task, form, x, control, tol, maxiter, callback), method, ""
    switch, why = method == "auto" and _newton_can(task, form), ""
    if method == "auto":
        method = "scaling" if _scaling_pays(task, form) else "log"
        why = {"scaling": "scaling: exp(-cost / eps) cannot underflow", "log": "logarithms: any eps"}[method]
    used = scaled(form, 1 / task.eps) if method == "scaling" else form
    first = min(maxiter, PATIENCE) if switch else maxiter
    found = _loop(Sinkhorn, task, used, x, control, tol, first, callback)
    if not switch or found.status != Status.MAXITER or found.nit >= maxiter:
        return found, method, why
    why = f"Newton: the error was still {found.residuals[-1]:.1e} after {found.nit} iterations of Sinkhorn"
    more = _loop(Newton, task, form, found.x / task.eps, control, tol, maxiter - found.nit, callback)
    return replace(more, residuals=np.append(found.residuals, more.residuals[1:])), "newton", why


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
        scale=(task.eps, task.mass),
    )
    return replace(found, message=SAYS.get(found.status, found.message))


def _check(method, form, task):
    """Raise unless a method suits the problem."""
    if method == "scaling":
        if not (isinstance(form, Fused) and form.kind == DENSE):
            raise ValueError(
                "method='scaling' stores a dense matrix: the cost must be an array, or use 'log'"
            )
        most, limit = _range(form), RANGE[form.dtype.name]
        if most > limit * task.eps:
            raise ValueError(
                f"eps is {task.eps:.3g}, too small for method='scaling' in {form.dtype}: costs of up to "
                f"{most:.3g} need eps >= {most / limit:.3g}, or use method='log'"
            )
    if method == "newton" and not _newton_can(task, form):
        raise ValueError(
            "method='newton' needs prescribed marginals and a dense cost or PointCloud, of at most "
            f"{SMALL} entries: use 'log'"
        )


def _scaling_pays(task, form):
    if not isinstance(form, Fused) or form.kind != DENSE or namespace(task.a) is not np:
        return False
    return form.C.nbytes <= STORED and _range(form) <= RANGE[form.dtype.name] * task.eps


def _newton_can(task, form):
    dense = isinstance(form, Fused) and form.dtype == np.float64
    return dense and not task.penalised and form.shape[0] * form.shape[1] <= SMALL


def _range(form):
    return float(abs(form.C).max())


def _control(omega, context, task, start):
    """Return the rule of omega, and the learner behind it, if any."""
    if isinstance(omega, str):
        _validate.choice(omega, "omega", ("adaptive",))
        return Adaptive(float(task.a.sum()), start), None
    if hasattr(omega, "suggest") and hasattr(omega, "observe"):
        value = _validate.relaxation(omega.suggest(context), "what omega.suggest(context) returned")
        return Constant(value), omega
    return Constant(_validate.relaxation(omega)), None


def _larger_eps(task, form, x, factor, maxiter):
    """Return potentials to start from, found roughly with one smaller eps after the other."""
    n = task.a.size
    x = task.cold(form, 1 / task.eps) if x is None else x
    steps = int(np.log(max(_spread(form) / task.eps, 1)) / np.log(factor))
    g = x[n:] * task.eps
    for k in range(steps, 0, -1):
        stage = replace(task, eps=task.eps * factor**k)
        x = stage.warm(form, 1 / stage.eps, g / stage.eps)
        g = _loop(Sinkhorn, stage, form, x, Adaptive(1.0), 0.05, min(maxiter, 50), None).x[n:]
    return task.warm(form, 1 / task.eps, g / task.eps)


def _spread(form):
    """Return about the difference of the largest and the smallest cost, from three rows."""
    found = [to_host(form.block(i, i + 1)) for i in {0, form.shape[0] // 2, form.shape[0] - 1}]
    finite = np.concatenate([row[np.isfinite(row)] for row in found])
    return float(np.ptp(finite)) if finite.size else 0.0


def _single(task, x, tol, maxiter, control):
    """Return potentials to start from, found in single precision: so far as its rounding errors allow."""
    form = task.form(np.float32)
    x = task.cold(form, 1 / task.eps) if x is None else x
    rounding = 4 * float(np.finfo(np.float32).eps) * _spread(form) / task.eps
    found = _loop(Sinkhorn, task, form, x, control, max(tol, SINGLE, rounding), min(maxiter, PATIENCE), None)
    return found.x.astype(np.float64) / task.eps


def _potentials(init, task):
    """Return the potentials of the columns that the caller starts from."""
    g = getattr(init, "g", init)
    _, xp = _validate.same_library(a=task.a, init=g)
    g = _validate.as_array(g, "init", xp)
    if g.shape != task.b.shape:
        raise ValueError(f"init has potentials of shape {g.shape}, but b needs {task.b.shape}")
    if bool(xp.isnan(g).any()):
        raise ValueError("init has NaN entries")
    return g
