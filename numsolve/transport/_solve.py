"""From checked problems to their results: the choice of the stages, their loop, and the final message."""

from dataclasses import replace
from functools import partial

import numpy as np

from .. import _validate
from .._array import namespace, to_host
from .._result import Status
from ._newton import Newton
from ._omega import Adaptive, Constant
from ._passes import DENSE, FusedPasses, SparsePasses, with_exponentials
from ._stages import SINGLE_ACCURACY, Fallback, LargerEps, Limits, Main, Progress, SinglePrecision, spread

METHODS = ("auto", "log", "scaling", "newton")
SCALING_RANGE = {"float64": 300.0, "float32": 30.0}  # largest cost over eps: exponentials are normal numbers
SCALING_BYTES = 1 << 28  # largest cost for which "auto" stores exp(-cost / eps) beside it
STEPS_BEFORE_NEWTON = 1000  # iterations after which "auto" changes to Newton's method
NEWTON_ENTRIES = 1 << 24  # largest number of pairs of points for Newton's method
LARGE_SPREAD = 1e4  # spread of the costs over eps from which "auto" begins with larger eps
EPS_FACTOR = 4.0  # ratio of successive eps in "auto"
ROUGH_TOL, ROUGH_MAXITER = 0.05, 50  # limits of a stage with larger eps
WHY = {"scaling": "scaling: exp(-cost / eps) cannot underflow", "log": "logarithms: any eps"}


def solve(
    problems, *, method, omega, rtol, atol, maxiter, deadline, init, eps_scaling, warm_up, context, callback
):
    """Solve checked problems together, stage by stage; return a `TransportResult` for each."""
    tol = np.maximum(rtol * to_host(problems.a.sum(axis=1)), atol / problems.mass)
    limits = Limits(tol, maxiter, deadline, callback)
    controls, learner = _controls(omega, context, problems, init, tol)
    passes = problems.passes()
    _check(method, passes, problems)
    if passes.dtype == np.float32 and tol.min() < SINGLE_ACCURACY:
        passes, warm_up = problems.passes(np.float64), True
    if eps_scaling is None and method == "auto" and init is None:
        eps_scaling = EPS_FACTOR if spread(problems, passes) > LARGE_SPREAD * problems.eps else None
    x = None
    if init is not None:
        x = problems.warm_start(passes, 1 / problems.eps, _potentials(init, problems) / problems.eps)
    progress = Progress(problems, passes, x)
    for stage in _stages(progress, controls, limits, method, eps_scaling, warm_up):
        if not (stage.prepares and progress.is_late):
            stage.advance(progress)
    results = problems.results(passes, progress.results)
    if learner is not None:
        (result,) = results
        learner.observe(result.omega, result.nit if result.success else maxiter, context)
    staged = "" if eps_scaling is None else "; begun with larger eps"
    reasons = [run.why + staged if run.why else "" for run in progress.results]
    return [
        _explained(result, problems.part(p), passes.part(p), tol[p] * problems.mass[p], reasons[p])
        for p, result in enumerate(results)
    ]


def _stages(progress, controls, limits, method, eps_scaling, warm_up):
    """Yield the stages of a solve: larger eps, single precision, the method, and its fallbacks."""
    problems, passes = progress.problems, progress.passes
    if eps_scaling is not None:
        yield from _larger_eps(progress, limits, eps_scaling)
    if warm_up and isinstance(passes, FusedPasses) and passes.dtype == np.float64:
        maxiter = min(limits.maxiter, STEPS_BEFORE_NEWTON)
        yield SinglePrecision(problems, None, controls, limits._replace(maxiter=maxiter, callback=None))
    if method == "newton":
        yield Main(problems, passes, controls, limits, Newton, name=method, one_by_one=True)
        return
    auto = method == "auto"
    if auto:
        method = "scaling" if _can_store_exponentials(problems, passes) else "log"
    used = with_exponentials(passes, 1 / problems.eps) if method == "scaling" else passes
    may_change = auto and _newton_applies(problems, passes)
    first = limits._replace(maxiter=min(limits.maxiter, STEPS_BEFORE_NEWTON)) if may_change else limits
    yield Main(problems, used, controls, first, name=method, why=WHY[method] if auto else "")
    after = partial(Fallback, problems, controls=controls, limits=limits)
    failed = partial(_broke_down, method)
    if may_change:
        yield after(
            passes,
            method=Newton,
            name="newton",
            applies=_reached_maxiter,
            explain=_explain_newton,
            onward=True,
        )
    if auto and used is not passes:
        yield after(passes, name="log", applies=failed, explain=_explain_logarithms)
    elif len(problems) > 1:  # another problem of the batch may have been the cause
        yield after(used, name=method, applies=failed, explain=lambda _: WHY[method] if auto else "")


def _larger_eps(progress, limits, factor):
    """Yield stages with larger eps, in falling order; each starts from the result of the one before."""
    progress.keep_columns()
    problems, passes = progress.problems, progress.passes
    maxiter = min(limits.maxiter, ROUGH_MAXITER)
    rough = Limits(np.full(len(problems), ROUGH_TOL), maxiter, limits.deadline)
    for k in range(int(np.log(max(spread(problems, passes) / problems.eps, 1)) / np.log(factor)), 0, -1):
        controls = [Adaptive(1.0) for _ in range(len(problems))]
        yield LargerEps(replace(problems, eps=problems.eps * factor**k), passes, controls, rough)


def _reached_maxiter(run):
    """Tell whether a run took all of its iterations."""
    return run.status == Status.MAXITER


def _broke_down(method, run):
    """Tell whether `method` ended with a breakdown."""
    return run.status < 0 and run.method == method


def _explain_newton(run):
    return f"Newton: the error was still {run.residuals[-1]:.1e} after {run.nit} iterations of Sinkhorn"


def _explain_logarithms(_run):
    return "logarithms: exp(-cost / eps) was not enough for so small a mass"


def _explained(result, problems, passes, tol, why):
    """Return the result with its final message: why the method was chosen, or why it missed the tolerance."""
    if result.success and result.marginal_error <= 1.01 * tol:
        return _with_reason(result, why)
    if result.status == Status.TIME_LIMIT:
        return _with_reason(result, why)
    for find in (_single_precision, _infeasible, _overflow, _rounding):
        found = find(result, problems, passes)
        if found is not None:
            status, message = found
            return replace(result, status=status, message=message)
    return _with_reason(result, why)


def _with_reason(result, why):
    return replace(result, message=f"{result.message} ({why})" if why else result.message)


def _single_precision(result, _problems, passes):
    """Explain a tolerance that was met in single precision, but not in double: return status and message."""
    if not (result.success and passes.dtype == np.float32):
        return None
    return Status.STAGNATED, (
        f"single precision stopped at a marginal error of {result.marginal_error:.1e}, found in double: "
        "pass arrays of float64"
    )


def _infeasible(result, problems, passes):
    """Explain a miss where the allowed edges cannot carry the mass."""
    prescribed = isinstance(passes, SparsePasses) and not problems.penalised
    if not prescribed or result.status in (Status.CONVERGED, Status.STOPPED):
        return None
    share = passes.largest_flow(problems.a[0], problems.b[0])
    if share >= 1:
        return None
    return Status.BREAKDOWN, (
        f"infeasible: the allowed edges can carry at most {share:.6g} of the mass; allow further "
        "edges, or penalise the marginals with tau_a and tau_b"
    )


def _overflow(result, problems, _passes):
    """Explain a miss where the plan of a penalised problem overflows."""
    if not (result.status == Status.NONFINITE and problems.penalised):
        return None
    return Status.NONFINITE, (
        "a marginal is not finite: costs far below zero, in units of tau_a and tau_b, let the mass of "
        "the plan overflow; add a constant to the cost, or raise the penalties"
    )


def _rounding(result, problems, _passes):
    """Explain a miss where rounding errors alone leave such an error."""
    x = to_host(result.x)
    largest = abs(x[np.isfinite(x)]).max(initial=0.0)
    mass = float((result.plan @ (0 * result.b + 1)).sum()) if problems.penalised else float(problems.mass[0])
    rounding = 4 * np.finfo(float).eps * largest / problems.eps * mass
    if not (result.success or result.marginal_error <= rounding):
        return None
    error = max(rounding, result.marginal_error)
    return Status.STAGNATED, (
        f"the error of the marginals is at rounding errors, about {error:.1e}: loosen atol"
    )


def _check(method, passes, problems):
    """Raise unless a method suits the problem."""
    if method == "scaling":
        if problems.penalised:
            raise ValueError(
                "method='scaling' needs prescribed marginals, because with penalties exponentials may "
                "overflow: use 'log'"
            )
        if not (isinstance(passes, FusedPasses) and passes.kind == DENSE):
            raise ValueError(
                "method='scaling' stores a dense matrix: the cost must be an array, or use 'log'"
            )
        most, limit = _largest(passes.C), SCALING_RANGE[passes.dtype.name]
        if most > limit * problems.eps:
            raise ValueError(
                f"eps is {problems.eps:.3g}, too small for method='scaling' in {passes.dtype}: costs of up "
                f"to {most:.3g} need eps >= {most / limit:.3g}, or use method='log'"
            )
    if method == "newton" and not _newton_applies(problems, passes):
        raise ValueError(
            "method='newton' needs double precision, prescribed marginals and at most "
            f"{NEWTON_ENTRIES} pairs of points: use 'log'"
        )


def _can_store_exponentials(problems, passes):
    """Tell whether "auto" takes the method "scaling"."""
    if (
        problems.penalised
        or not isinstance(passes, FusedPasses)
        or passes.kind != DENSE
        or namespace(problems.a) is not np
    ):
        return False
    limit = SCALING_RANGE[passes.dtype.name] * problems.eps
    if passes.C.nbytes > SCALING_BYTES or _largest(passes.C[:, 0]) > limit:  # one row is often enough to tell
        return False
    return _largest(passes.C) <= limit


def _newton_applies(problems, passes):
    """Tell whether Newton's method can solve the problems."""
    return (
        passes.dtype == np.float64
        and not problems.penalised
        and passes.shape[0] * passes.shape[1] <= NEWTON_ENTRIES
    )


def _largest(C):
    """Return the largest absolute value."""
    return max(float(C.max()), -float(C.min()))


def _controls(omega, context, problems, init, tol):
    """Return the rule of omega of each problem, and the learner that chose omega, or None."""
    if isinstance(omega, str):
        _validate.choice(omega, "omega", ("adaptive",))
        masses, tols = to_host(problems.a.sum(axis=1)).tolist(), tol.tolist()
        starts = [getattr(start, "omega", 1.0) for start in init or [None] * len(problems)]
        return [Adaptive(*each) for each in zip(masses, starts, tols, strict=True)], None
    if learns(omega):
        value = _validate.relaxation(omega.suggest(context), "what omega.suggest(context) returned")
        return [Constant(value)], omega
    value = _validate.relaxation(omega)
    return [Constant(value) for _ in range(len(problems))], None


def learns(omega):
    """Tell whether `omega` is a learner: it has ``suggest`` and ``observe``."""
    return hasattr(omega, "suggest") and hasattr(omega, "observe")


def _potentials(init, problems):
    """Return the potentials of the columns, shape (k, m), that the caller gave as a start."""
    _, xp = _validate.same_library(a=problems.a, init=getattr(init[0], "g", init[0]))
    found = []
    for start in init:
        g = _validate.as_array(getattr(start, "g", start), "init", xp)
        if g.shape != problems.b.shape[1:]:
            raise ValueError(f"init has potentials of shape {g.shape}, but b needs {problems.b.shape[1:]}")
        if bool(xp.isnan(g).any()):
            raise ValueError("init has NaN entries")
        found.append(g)
    return xp.stack(found)
