"""From checked problems to their results: the choice of the method, stages before the last, and the loop."""

from dataclasses import dataclass, replace

import numpy as np

from .. import _validate
from .._array import namespace, to_host
from .._iterate import iterate
from .._linear.columns import columns_of
from .._result import Result, Status
from ._forms import DENSE, Fused, Sparse, scaled
from ._iteration import Sinkhorn
from ._newton import Newton
from ._omega import Adaptive, Constant

METHODS = ("auto", "log", "scaling", "newton")
RANGE = {"float64": 300.0, "float32": 30.0}  # of costs over eps: their exponentials stay normal numbers
STORED = 1 << 28  # bytes up to which "auto" stores exp(-cost / eps) beside the cost
SINGLE = 3e-5  # of the mass: what the marginals can be brought to in single precision
PATIENCE = 1000  # iterations after which "auto" goes over to Newton's method
SMALL = 1 << 24  # entries up to which it does
FINE, FACTOR = (
    1e4,
    4.0,
)  # spread of the costs over eps from which on "auto" begins with larger eps; their ratio
WHY = {"scaling": "scaling: exp(-cost / eps) cannot underflow", "log": "logarithms: any eps"}
SAYS = {
    Status.MAXITER: "maxiter reached: raise it, loosen atol, take a larger eps, or method='newton'",
    Status.STAGNATED: "the error of the marginals stopped falling above the tolerance: loosen atol",
    Status.NONFINITE: "a marginal is not finite: use method='log', or a larger eps",
}


@dataclass(frozen=True, repr=False)
class Run(Result):
    """What the loop left of one problem: `x` are its potentials F and then G, in units of the cost."""

    method: str = ""
    omega: float = 1.0
    why: str = ""


def solve(task, *, method, omega, rtol, atol, maxiter, init, eps_scaling, warm_up, context, callback):
    """Solve checked problems together, in stages: larger eps, single precision, and what was asked for."""
    tol = np.maximum(rtol * to_host(task.a.sum(axis=1)), atol / task.mass)
    controls, learner = _controls(omega, context, task, init, tol)
    form = task.form()
    _check(method, form, task)
    if form.dtype == np.float32 and tol.min() < SINGLE:
        form, warm_up = task.form(np.float64), True
    x = None
    if init is not None:
        x = task.warm(form, 1 / task.eps, _potentials(init, task) / task.eps)
    if eps_scaling is None and method == "auto" and x is None and _spread(task, form) > FINE * task.eps:
        eps_scaling = FACTOR
    if eps_scaling is not None:
        x = _larger_eps(task, form, x, eps_scaling, maxiter)
    if warm_up and isinstance(form, Fused) and form.dtype == np.float64:
        x = _single(task, x, tol, maxiter, controls)
    if x is None:
        x = task.cold(form, 1 / task.eps)
    task.check_start(x)
    runs = _run(task, form, x, method, controls, tol, maxiter, callback)
    results = task.results(form, runs)
    if learner is not None:
        (found,) = results
        learner.observe(runs[0].omega, found.nit if found.success else maxiter, context)
    limits, staged = (tol * task.mass).tolist(), "" if eps_scaling is None else "; begun with larger eps"
    return [
        _explained(result, task.part(p), form.part(p), limits[p], runs[p].why + staged * bool(runs[p].why))
        for p, result in enumerate(results)
    ]


def _explained(result, task, form, tol, why):
    """Return the result with what is known at the end: why the method, or why it missed."""
    missed = result.marginal_error > 1.01 * tol
    if result.success and not missed:
        return replace(result, message=f"{result.message} ({why})" if why else result.message)
    if result.success and form.dtype == np.float32:
        message = (
            f"single precision stopped at a marginal error of {result.marginal_error:.1e}, found in double: "
            "pass arrays of float64"
        )
        return replace(result, status=Status.STAGNATED, message=message)
    prescribed = isinstance(form, Sparse) and not task.penalised
    if prescribed and result.status not in (Status.CONVERGED, Status.STOPPED):
        share = form.carried(task.a[0], task.b[0])
        if share < 1:
            message = (
                f"infeasible: the allowed edges can carry {share:.6g} of the mass and no more; allow further "
                "edges, or penalise the marginals with tau_a and tau_b"
            )
            return replace(result, status=Status.BREAKDOWN, message=message)
    if result.status == Status.NONFINITE and task.penalised:
        message = (
            "a marginal is not finite: costs far below zero, in units of tau_a and tau_b, let the mass of "
            "the plan overflow; add a constant to the cost, or raise the penalties"
        )
        return replace(result, message=message)
    x = to_host(result.x)
    largest = abs(x[np.isfinite(x)]).max(initial=0.0)
    mass = float((result.plan @ (0 * result.b + 1)).sum()) if task.penalised else float(task.mass[0])
    rounding = 4 * np.finfo(float).eps * largest / task.eps * mass
    if result.success or result.marginal_error <= rounding:
        error = max(rounding, result.marginal_error)
        message = f"the error of the marginals is at rounding errors, about {error:.1e}: loosen atol"
        return replace(result, status=Status.STAGNATED, message=message)
    return replace(result, message=f"{result.message} ({why})" if why else result.message)


def _run(task, form, x, method, controls, tol, maxiter, callback):
    """Return the run of each problem; "auto" turns to Newton where Sinkhorn crawls."""
    if method == "newton":
        runs = []
        for p, start in enumerate(task.apart(x)):
            arguments = task.part(p), form.part(p), start, controls[p : p + 1], tol[p : p + 1]
            runs += _loop(Newton, *arguments, maxiter, callback)
        return [replace(run, method=method) for run in runs]
    auto = method == "auto"
    if auto:
        method = "scaling" if _scaling_pays(task, form) else "log"
    used = scaled(form, 1 / task.eps) if method == "scaling" else form
    switch = auto and _newton_can(task, form)
    first = min(maxiter, PATIENCE) if switch else maxiter
    runs = _loop(Sinkhorn, task, used, x, controls, tol, first, callback)
    for p, run in enumerate(runs):
        kind, rest, start, name, why = Sinkhorn, used, task.apart(x)[p], method, WHY[method] if auto else ""
        runs[p] = replace(run, method=name, why=why)
        if run.success or run.nit >= maxiter:
            continue
        if switch and run.status == Status.MAXITER:
            error = run.residuals[-1]
            why = f"Newton: the error was still {error:.1e} after {run.nit} iterations of Sinkhorn"
            kind, rest, start, name = Newton, form, run.x / task.eps, "newton"
        elif run.status < 0 and auto and used is not form:
            rest, name, why = form, "log", "logarithms: exp(-cost / eps) was not enough for so small a mass"
        elif run.status >= 0 or len(runs) == 1:  # else another problem may have been the cause
            continue
        arguments = task.part(p), rest.part(p), start, controls[p : p + 1], tol[p : p + 1]
        (more,) = _loop(kind, *arguments, maxiter - run.nit, callback)
        residuals = np.append(run.residuals, more.residuals[1:])
        runs[p] = replace(more, residuals=residuals, method=name, why=why)
    return runs


def _loop(kind, task, form, x, controls, tol, maxiter, callback):
    """Hand a method to the loop, with a tolerance for each problem; return the run of each."""
    state, one = task.state(form, controls, kind), len(task) == 1
    found = iterate(
        state.start,
        x.astype(form.dtype),
        tol=float(tol[0]) if one else tol,
        maxiter=maxiter,
        callback=callback if one or callback is None else _by_problem(callback, task),
        scale=(task.eps, float(task.mass[0]) if one else task.mass),
        fresh=True,
    )
    found = replace(found, message=SAYS.get(found.status, found.message))
    apart = [found] if one else columns_of(replace(found, x=task.apart(found.x).T), tol * task.mass)
    return [Run(**vars(each), omega=control.chosen) for each, control in zip(apart, controls, strict=True)]


def _by_problem(callback, task):
    """Return a callback that sees the potentials of k problems as (k, n + m)."""

    def call(x, errors):
        return callback(None if x is None else task.apart(x), errors)

    call.wants_x = getattr(callback, "wants_x", True)
    return call


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
        most, limit = _range(form.C), RANGE[form.dtype.name]
        if most > limit * task.eps:
            raise ValueError(
                f"eps is {task.eps:.3g}, too small for method='scaling' in {form.dtype}: costs of up to "
                f"{most:.3g} need eps >= {most / limit:.3g}, or use method='log'"
            )
    if method == "newton" and not _newton_can(task, form):
        raise ValueError(
            f"method='newton' needs double precision, prescribed marginals and at most {SMALL} pairs of "
            "points: use 'log'"
        )


def _scaling_pays(task, form):
    if task.penalised or not isinstance(form, Fused) or form.kind != DENSE or namespace(task.a) is not np:
        return False
    limit = RANGE[form.dtype.name] * task.eps
    if form.C.nbytes > STORED or _range(form.C[:, 0]) > limit:  # a row often settles it
        return False
    return _range(form.C) <= limit


def _newton_can(task, form):
    return form.dtype == np.float64 and not task.penalised and form.shape[0] * form.shape[1] <= SMALL


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


def _larger_eps(task, form, x, factor, maxiter):
    """Return potentials to start from, found roughly with one smaller eps after the other."""
    x = task.cold(form, 1 / task.eps) if x is None else x
    task.check_start(x)
    steps = int(np.log(max(_spread(task, form) / task.eps, 1)) / np.log(factor))
    g = task.apart(x)[:, task.a.shape[1] :] * task.eps
    for k in range(steps, 0, -1):
        stage = replace(task, eps=task.eps * factor**k)
        x = stage.warm(form, 1 / stage.eps, g / stage.eps)
        controls = [Adaptive(1.0) for _ in range(len(task))]
        rough = np.full(len(task), 0.05)
        runs = _loop(Sinkhorn, stage, form, x, controls, rough, min(maxiter, 50), None)
        g = namespace(x).stack([run.x for run in runs])[:, task.a.shape[1] :]
    return task.warm(form, 1 / task.eps, g / task.eps)


def _spread(task, form):
    """Return about the difference of the largest and the smallest cost, from three rows of each problem."""
    spread, parts = 0.0, len(task) if getattr(task.cost, "ndim", 2) == 3 else 1
    for part in map(form.part, range(parts)):
        rows = [to_host(part.block(i, i + 1)) for i in {0, form.shape[0] // 2, form.shape[0] - 1}]
        finite = np.concatenate([row[np.isfinite(row)] for row in rows])
        spread = max(spread, float(np.ptp(finite)) if finite.size else 0.0)
    return spread


def _single(task, x, tol, maxiter, controls):
    """Return potentials to start from, found in single precision: so far as its rounding errors allow."""
    form = task.form(np.float32)
    start = task.cold(form, 1 / task.eps) if x is None else x
    rounding = 4 * float(np.finfo(np.float32).eps) * _spread(task, form) / task.eps
    rough = np.maximum(tol, max(SINGLE, rounding))
    runs = _loop(Sinkhorn, task, form, start, controls, rough, min(maxiter, PATIENCE), None)
    if any(run.status < 0 for run in runs):  # its range is too small
        return x
    return task.together(namespace(start).stack([run.x for run in runs]).astype(np.float64) / task.eps)


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
