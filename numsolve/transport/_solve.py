"""From checked problems to their results: the choice of the stages, their loop, and the final message."""

from dataclasses import replace
from functools import partial

import numpy as np

from .. import _validate
from .._array import namespace, to_host
from .._result import Status
from ._forms import DENSE, Fused, Sparse, scaled
from ._newton import Newton
from ._omega import Adaptive, Constant
from ._stages import SINGLE_ACCURACY, Fallback, Found, LargerEps, Limits, Main, SinglePrecision, spread

METHODS = ("auto", "log", "scaling", "newton")
SCALING_RANGE = {"float64": 300.0, "float32": 30.0}  # of costs over eps: exponentials stay normal numbers
SCALING_BYTES = 1 << 28  # up to which "auto" stores exp(-cost / eps) beside the cost
PATIENCE = 1000  # iterations after which "auto" goes over to Newton's method
NEWTON_ENTRIES = 1 << 24  # pairs of points up to which it does
LARGE_SPREAD = 1e4  # of the costs over eps: from here on "auto" begins with larger eps
EPS_FACTOR = 4.0  # from one larger eps to the next, then
ROUGH_TOL, ROUGH_MAXITER = 0.05, 50  # of a stage of larger eps
WHY = {"scaling": "scaling: exp(-cost / eps) cannot underflow", "log": "logarithms: any eps"}


def solve(
    task, *, method, omega, rtol, atol, maxiter, deadline, init, eps_scaling, warm_up, context, callback
):
    """Solve checked problems together, stage by stage; return a `TransportResult` for each."""
    tol = np.maximum(rtol * to_host(task.a.sum(axis=1)), atol / task.mass)
    limits = Limits(tol, maxiter, deadline, callback)
    controls, learner = _controls(omega, context, task, init, tol)
    form = task.form()
    _check(method, form, task)
    if form.dtype == np.float32 and tol.min() < SINGLE_ACCURACY:
        form, warm_up = task.form(np.float64), True
    if eps_scaling is None and method == "auto" and init is None:
        eps_scaling = EPS_FACTOR if spread(task, form) > LARGE_SPREAD * task.eps else None
    x = None if init is None else task.warm(form, 1 / task.eps, _potentials(init, task) / task.eps)
    found = Found(task, form, x)
    for stage in _stages(found, controls, limits, method, eps_scaling, warm_up):
        if not (stage.prepares and found.is_late):
            stage.advance(found)
    results = task.results(form, found.results)
    if learner is not None:
        (result,) = results
        learner.observe(result.omega, result.nit if result.success else maxiter, context)
    staged = "" if eps_scaling is None else "; begun with larger eps"
    reasons = [run.why + staged if run.why else "" for run in found.results]
    return [
        _explained(result, task.part(p), form.part(p), tol[p] * task.mass[p], reasons[p])
        for p, result in enumerate(results)
    ]


def _stages(found, controls, limits, method, eps_scaling, warm_up):
    """Yield the stages of a solve: larger eps, single precision, the method, and what is tried after it."""
    task, form = found.task, found.form
    if eps_scaling is not None:
        yield from _larger_eps(found, limits, eps_scaling)
    if warm_up and isinstance(form, Fused) and form.dtype == np.float64:
        maxiter = min(limits.maxiter, PATIENCE)
        yield SinglePrecision(task, None, controls, limits._replace(maxiter=maxiter, callback=None))
    if method == "newton":
        yield Main(task, form, controls, limits, Newton, name=method, one_by_one=True)
        return
    auto = method == "auto"
    if auto:
        method = "scaling" if _scaling_pays(task, form) else "log"
    used = scaled(form, 1 / task.eps) if method == "scaling" else form
    crawls = auto and _newton_can(task, form)
    first = limits._replace(maxiter=min(limits.maxiter, PATIENCE)) if crawls else limits
    yield Main(task, used, controls, first, name=method, why=WHY[method] if auto else "")
    after = partial(Fallback, task, controls=controls, limits=limits)
    failed = partial(_broke_down, method)
    if crawls:
        yield after(
            form, method=Newton, name="newton", applies=_crawled, explain=_explain_newton, onward=True
        )
    if auto and used is not form:
        yield after(form, name="log", applies=failed, explain=_explain_logarithms)
    elif len(task) > 1:  # another problem may have been the cause
        yield after(used, name=method, applies=failed, explain=lambda _: WHY[method] if auto else "")


def _larger_eps(found, limits, factor):
    """Yield stages of smaller and smaller eps, each from the solution before, roughly."""
    found.keep_columns()
    task, form = found.task, found.form
    maxiter = min(limits.maxiter, ROUGH_MAXITER)
    rough = Limits(np.full(len(task), ROUGH_TOL), maxiter, limits.deadline)
    for k in range(int(np.log(max(spread(task, form) / task.eps, 1)) / np.log(factor)), 0, -1):
        controls = [Adaptive(1.0) for _ in range(len(task))]
        yield LargerEps(replace(task, eps=task.eps * factor**k), form, controls, rough)


def _crawled(run):
    return run.status == Status.MAXITER


def _broke_down(method, run):
    return run.status < 0 and run.method == method


def _explain_newton(run):
    return f"Newton: the error was still {run.residuals[-1]:.1e} after {run.nit} iterations of Sinkhorn"


def _explain_logarithms(_run):
    return "logarithms: exp(-cost / eps) was not enough for so small a mass"


def _explained(result, task, form, tol, why):
    """Return the result with what is known at the end: why the method, or why it missed."""
    if result.success and result.marginal_error <= 1.01 * tol:
        return _with_reason(result, why)
    if result.status == Status.TIME_LIMIT:
        return _with_reason(result, why)
    for find in (_single_precision, _infeasible, _overflow, _rounding):
        found = find(result, task, form)
        if found is not None:
            status, message = found
            return replace(result, status=status, message=message)
    return _with_reason(result, why)


def _with_reason(result, why):
    return replace(result, message=f"{result.message} ({why})" if why else result.message)


def _single_precision(result, _task, form):
    """Return status and message of a solve that met its tolerance in single precision, but not in double."""
    if not (result.success and form.dtype == np.float32):
        return None
    return Status.STAGNATED, (
        f"single precision stopped at a marginal error of {result.marginal_error:.1e}, found in double: "
        "pass arrays of float64"
    )


def _infeasible(result, task, form):
    """Return status and message of a problem whose allowed edges cannot carry the mass."""
    prescribed = isinstance(form, Sparse) and not task.penalised
    if not prescribed or result.status in (Status.CONVERGED, Status.STOPPED):
        return None
    share = form.carried(task.a[0], task.b[0])
    if share >= 1:
        return None
    return Status.BREAKDOWN, (
        f"infeasible: the allowed edges can carry {share:.6g} of the mass and no more; allow further "
        "edges, or penalise the marginals with tau_a and tau_b"
    )


def _overflow(result, task, _form):
    """Return status and message of a penalised problem whose plan overflows."""
    if not (result.status == Status.NONFINITE and task.penalised):
        return None
    return Status.NONFINITE, (
        "a marginal is not finite: costs far below zero, in units of tau_a and tau_b, let the mass of "
        "the plan overflow; add a constant to the cost, or raise the penalties"
    )


def _rounding(result, task, _form):
    """Return status and message of a solve that was brought to rounding errors."""
    x = to_host(result.x)
    largest = abs(x[np.isfinite(x)]).max(initial=0.0)
    mass = float((result.plan @ (0 * result.b + 1)).sum()) if task.penalised else float(task.mass[0])
    rounding = 4 * np.finfo(float).eps * largest / task.eps * mass
    if not (result.success or result.marginal_error <= rounding):
        return None
    error = max(rounding, result.marginal_error)
    return Status.STAGNATED, (
        f"the error of the marginals is at rounding errors, about {error:.1e}: loosen atol"
    )


def _check(method, form, task):
    """Raise unless a method suits the problem."""
    if method == "scaling":
        if task.penalised:
            raise ValueError(
                "method='scaling' needs prescribed marginals, for exponentials of others overflow: use 'log'"
            )
        if not (isinstance(form, Fused) and form.kind == DENSE):
            raise ValueError(
                "method='scaling' stores a dense matrix: the cost must be an array, or use 'log'"
            )
        most, limit = _range(form.C), SCALING_RANGE[form.dtype.name]
        if most > limit * task.eps:
            raise ValueError(
                f"eps is {task.eps:.3g}, too small for method='scaling' in {form.dtype}: costs of up to "
                f"{most:.3g} need eps >= {most / limit:.3g}, or use method='log'"
            )
    if method == "newton" and not _newton_can(task, form):
        raise ValueError(
            "method='newton' needs double precision, prescribed marginals and at most "
            f"{NEWTON_ENTRIES} pairs of points: use 'log'"
        )


def _scaling_pays(task, form):
    if task.penalised or not isinstance(form, Fused) or form.kind != DENSE or namespace(task.a) is not np:
        return False
    limit = SCALING_RANGE[form.dtype.name] * task.eps
    if form.C.nbytes > SCALING_BYTES or _range(form.C[:, 0]) > limit:  # a row often settles it
        return False
    return _range(form.C) <= limit


def _newton_can(task, form):
    return form.dtype == np.float64 and not task.penalised and form.shape[0] * form.shape[1] <= NEWTON_ENTRIES


def _range(C):
    return max(float(C.max()), -float(C.min()))


def _controls(omega, context, task, init, tol):
    """Return the rule of omega for each problem, and the learner behind it, if any."""
    if isinstance(omega, str):
        _validate.choice(omega, "omega", ("adaptive",))
        masses, tols = to_host(task.a.sum(axis=1)).tolist(), tol.tolist()
        starts = [getattr(start, "omega", 1.0) for start in init or [None] * len(task)]
        return [Adaptive(*each) for each in zip(masses, starts, tols, strict=True)], None
    if learns(omega):
        value = _validate.relaxation(omega.suggest(context), "what omega.suggest(context) returned")
        return [Constant(value)], omega
    value = _validate.relaxation(omega)
    return [Constant(value) for _ in range(len(task))], None


def learns(omega):
    """Tell whether `omega` is a learner."""
    return hasattr(omega, "suggest") and hasattr(omega, "observe")


def _potentials(init, task):
    """Return the potentials of the columns, (k, m), that the caller starts from."""
    _, xp = _validate.same_library(a=task.a, init=getattr(init[0], "g", init[0]))
    found = []
    for start in init:
        g = _validate.as_array(getattr(start, "g", start), "init", xp)
        if g.shape != task.b.shape[1:]:
            raise ValueError(f"init has potentials of shape {g.shape}, but b needs {task.b.shape[1:]}")
        if bool(xp.isnan(g).any()):
            raise ValueError("init has NaN entries")
        found.append(g)
    return xp.stack(found)
