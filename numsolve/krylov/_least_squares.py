"""The parts that LSQR and LSMR share: checks, damping, bidiagonalisation, and the result."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .. import _callbacks, _validate
from .._array import namespace
from .._iterate import iterate
from .._linear.column import out_of_digits
from .._linear.columns import ENDS_ALL, join_columns
from .._linear.system import largest, make_system, norm, unit_near
from .._operators.operator import Csr, Operator
from .._result import Breakdown, Interrupted, Result, Status
from ..kernels import kernels_for
from ._column_scaling import ScaledColumns

_REMEDY = "scale the columns of a LinearOperator to norms of one size, or regularise with damp"
_SAYS = {
    Status.MAXITER: f"maxiter reached: raise it, {_REMEDY}",
    Status.STAGNATED: f"the gradient stopped falling: loosen rtol, use a higher precision, {_REMEDY}",
    Status.NONFINITE: "the gradient is not finite: A or its adjoint overflows or returns NaN",
}


@dataclass(frozen=True, eq=False, repr=False)
class LeastSquaresResult(Result):
    """Solution and history of a least-squares solve.

    It unpacks, indexes and slices as the tuple of SciPy's function of the same name: ten values for `lsqr`,
    eight for `lsmr`. The condition number in it is NaN, and so is the norm of a LinearOperator.

    Attributes
    ----------
    x : array, shape (n,) or (n, k)
        The last iterate, in the library of the right-hand side.
    status : Status
        Why the iteration ended.
    message : str
        The same in words, with a remedy and with the norms of the gradient and the residual.
    residuals : numpy.ndarray of floats, shape (nit + 1,) or (nit + 1, k)
        Norm of the gradient ``A^H (b - A x) - damp^2 x`` at the start and after each iteration. The last
        one is recomputed from `x`. Where the columns were scaled, it is that of the scaled gradient ``D g``.
    residual_norm : float or numpy.ndarray of floats, shape (k,)
        ``norm(b - A x)``, computed from `x`.
    """

    residual_norm: Any = np.nan
    _values: tuple = ()

    def _as_tuple(self):
        """Return the tuple of SciPy's function of the same name."""
        return self._values or super()._as_tuple()

    def plot(self, ax=None, **style):
        """Draw the history of the gradient norm.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            The axes to draw on. Default: a new figure.
        **style
            Passed to ``ax.semilogy``, such as ``color`` or ``label``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        ax = super().plot(ax, **style)
        ax.set_ylabel("gradient norm / first gradient norm")
        return ax


class Damped(Operator):
    """The matrix ``[A; damp I]``, or ``[A; diag(damp)]`` if `damp` is a vector."""

    def __init__(self, A, damp):
        super().__init__((sum(A.shape), A.shape[1]), A.dtype, A.library)
        self.A, self.damp = A, damp

    def adjoint(self):
        return _DampedAdjoint(self)

    def apply(self, x, out):
        m = self.A.shape[0]
        self.A.apply(x, out[:m])
        namespace(out).multiply(x, self.damp, out=out[m:])
        return out


class _DampedAdjoint(Operator):
    """The matrix ``[A^H, damp I]``."""

    def __init__(self, damped):
        super().__init__(damped.shape[::-1], damped.dtype, damped.library)
        self._adjoint, self._damp = damped.A.adjoint(), damped.damp

    def apply(self, x, out):
        m = self._adjoint.shape[1]
        self._adjoint.apply(x[:m], out)
        out += x[m:] * self._damp
        return out


@np.errstate(all="ignore")
def solve(steps, A, b, x0, *, damp, rtol, atol, maxiter, callback, time_limit):
    """Check the input, run ``steps(A, b, x)`` for each column of b, return the `LeastSquaresResult`."""
    damp = _validate.tolerance(damp, "damp")
    system = _prepare(A, b, x0, damp, rtol, atol, maxiter, time_limit)
    callback = _callbacks.checked(callback)
    if system.A.shape[1] == 0:
        x, message = namespace(system.b).zeros_like(system.b), "converged: there are no unknowns"
        norms = np.zeros(x.shape[1:]) if x.ndim == 2 else 0.0
        return LeastSquaresResult(x, Status.CONVERGED, message, np.zeros((1, *x.shape[1:])), norms)
    scaled = ScaledColumns(system.scaled()[0], damp / system.A_unit)
    if system.b.ndim == 1:
        return _solve_one(steps, system, scaled, system.b, system.x0, callback)
    return _solve_columns(steps, system, scaled, callback)


def _prepare(A, b, x0, damp, rtol, atol, maxiter, time_limit):
    """Check a rectangular system and convert it to one dtype."""
    m, n = _validate.matrix_shape(A)
    home, xp = _validate.same_library(A=A, b=b, x0=x0)
    b = _validate.right_hand_side(b, m, xp)
    x0 = _validate.starting_guess(x0, (n, *b.shape[1:]), xp, "A and b need")
    maxiter = 10 * min(m, n) if maxiter is None else maxiter
    system = make_system(A, b, x0, None, home, rtol, atol, maxiter, time_limit)
    return system._replace(A_unit=unit_near(max(system.A.magnitude(), damp), system.b.dtype))


def _solve_one(steps, system, scaled, b, x0, callback):
    """Solve for one column, in the units of the method and in scaled unknowns."""
    xp, A, dtype = namespace(b), scaled.A, b.dtype
    b_unit = unit_near(largest(b), dtype)
    x_unit, gradient_unit = scaled.to_caller(b_unit / system.A_unit), system.A_unit * b_unit
    b = xp.ascontiguousarray(b if b_unit == 1 else b * b.real.dtype.type(1 / b_unit))
    x = xp.zeros(A.shape[1], dtype) if x0 is None else (xp.array(x0, dtype=dtype) / x_unit).astype(dtype)
    try:
        scale = norm(A.adjoint().apply(b, xp.empty_like(x)))
    except KeyboardInterrupt:
        message = "interrupted before the first iteration"
        result = LeastSquaresResult(x * x_unit, Status.INTERRUPTED, message, np.full(1, np.nan))
        raise Interrupted(result) from None
    if scale == 0:
        message = "converged: b is orthogonal to the columns of A (or zero), and x is zero"
        return LeastSquaresResult(xp.zeros_like(x), Status.CONVERGED, message, np.zeros(1), norm(b) * b_unit)
    wide, tall = A, b
    if scaled.is_damped:
        wide, tall = Damped(A, scaled.damp), xp.concatenate((b, xp.zeros_like(x)))
    tol = max(system.rtol * scale, system.atol / gradient_unit)

    def finish(result):
        return _reported(scaled, result, b, tol, scale, (x_unit, b_unit, gradient_unit))

    try:
        result = iterate(
            lambda x: steps(wide, tall, x),
            x,
            tol=tol,
            maxiter=system.maxiter,
            callback=callback,
            deadline=system.deadline,
            scale=(x_unit, gradient_unit),
        )
    except Interrupted as caught:
        raise Interrupted(finish(caught.result)) from None
    return finish(result)


def _reported(scaled, result, b, tol, scale, units):
    """Return the result with the norms of the gradient and the residual, and the backward error, in words."""
    (x_unit, b_unit, gradient_unit), A = units, scaled.A
    y = (result.x / x_unit).astype(b.dtype)
    r, gradient = A.residual(b, y), result.residuals[-1] / gradient_unit
    message = _SAYS.get(result.status) or result.message
    if result.success and bool((abs(result.x) < np.finfo(b.dtype).tiny).any()):
        gradient = norm(A.adjoint().apply(r, namespace(y).empty_like(y)) - scaled.damp**2 * y)
        if gradient > tol:
            result = out_of_digits(result, gradient * gradient_unit)
            message = result.message
    left = gradient / scale, norm(r) / norm(b)
    message += "; the gradient is {:.1e} of norm(A^H b), the residual {:.1e} of norm(b)".format(*left)
    if scaled.size is not None:
        error = scaled.backward_error(norm(y), norm(b), norm(r), gradient)
        message += f", the normwise backward error {error:.1e}"
    if scaled.D is not None:
        message += " (columns scaled to norms of one size)"
    return LeastSquaresResult(result.x, result.status, message, result.residuals, norm(r) * b_unit)


def _solve_columns(steps, system, scaled, callback):
    """Solve column by column; the worst status is that of the result."""
    xp, n, k = namespace(system.b), system.A.shape[1], system.b.shape[1]
    x = xp.zeros((n, k), system.b.dtype)
    if system.x0 is not None:
        x[...] = system.x0
    results = []
    for column in range(k):
        try:
            results.append(_solve_one(steps, system, scaled, system.b[:, column], x[:, column], callback))
        except Interrupted as caught:
            results.append(caught.result)
        if results[-1].status in ENDS_ALL:
            break
    if not results:
        message = "converged: b has no columns"
        return LeastSquaresResult(x, Status.CONVERGED, message, np.zeros((1, 0)), np.zeros(0))
    norms = np.full(k, np.nan)
    norms[: len(results)] = [result.residual_norm for result in results]
    return join_columns(results, x, residual_norm=norms)


def golub_kahan(A, b, x):
    """Yield beta^2, alpha^2 (on a GPU partial sums) and ``alpha v`` of the bidiagonalisation of ``b - A x``.

    ``A v_k = alpha_k u_k + beta_{k+1} u_{k+1}`` and ``A^H u_{k+1} = beta_{k+1} v_k + alpha_{k+1} v_{k+1}``.
    """
    onward, back = _half_step(A, b), _half_step(A.adjoint(), x)
    u, v = A.residual(b, x), namespace(b).zeros_like(x)
    bb = kernels_for(b).dot(u, u)
    aa = back(bb, bb, u, v)
    while True:
        yield bb, aa, v
        bb = onward(aa, bb, v, u)
        aa = back(bb, aa, u, v)


def _half_step(A, like):
    """Return the kernel ``(xx, yy, x, y)`` for A; for a sparse matrix it takes one pass over y."""
    kernels = kernels_for(like)
    if isinstance(A, Csr):
        return partial(kernels.bidiagonal_csr, A.indptr, A.indices, A.data)
    w = namespace(like).empty_like(like)
    return lambda xx, yy, x, y: kernels.bidiagonal(xx, yy, A.apply(x, w), y)


def first_norms(bb, aa):
    """Return the first beta and alpha as numbers, and the squared norm of the first gradient."""
    xp = namespace(bb)
    bb, aa = xp.sum(bb), xp.sum(aa)
    return bb**0.5, aa**0.5, aa * bb


def not_finite():
    """Return the exception of a bidiagonalisation; a zero alpha or beta is not a fault but a solution."""
    return Breakdown(_SAYS[Status.NONFINITE], Status.NONFINITE)
