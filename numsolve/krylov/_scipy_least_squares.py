"""Calls of SciPy's `lsqr` and `lsmr`: their arguments, and the tuples that they return."""

from dataclasses import replace
from numbers import Complex, Real
from typing import Any

import numpy as np

from .. import _validate
from .._array import is_sparse, library, namespace, to_host
from .._linear.direct import column_norms
from .._operators.operator import Dense
from . import _scipy

DEFAULT = 1e-6  # of atol and btol
LEAST_CONLIM = 1e8  # the default of conlim; a smaller one asks for an early end
POSITIONAL = {  # the arguments after b, in SciPy's order
    "lsqr": ("damp", "atol", "btol", "conlim", "iter_lim", "show", "calc_var", "x0"),
    "lsmr": ("damp", "atol", "btol", "conlim", "maxiter", "show", "x0"),
}
ENDS = {"STAGNATED": 5, "DOUBTFUL": 3}  # SciPy's codes of some ends without success; for the others, 7


def translate(method, A, b, args, options):
    """Translate a call; the result then unpacks as SciPy's tuple."""
    args = _by_name(method, args, options)
    if "iter_lim" in options and method.__name__ == "lsqr":
        options["maxiter"] = options.pop("iter_lim")
    if "damp" in options and options["damp"] is None:
        options["damp"] = 0.0
    _refuse(method.__name__, options)
    _translate_tolerances(options)
    if isinstance(b, Complex) or getattr(b, "ndim", None) == 0:
        b = namespace(b).asarray(b).reshape(1)
    write = _scipy.logged(options)

    def finish(result):
        result = replace(result, _values=_values(method.__name__, A, b, result, options))
        return result if write is None else write(result)

    return A, b, args, finish


def _by_name(method, args, options):
    """Move positional arguments to the options if they are in SciPy's order; return those that stay.

    Here the third argument is x0, and there is no fourth. In SciPy's order the third is the number `damp`.
    """
    is_damp = len(args) == 1 and isinstance(_validate.scalar(args[0]), Real)
    if not is_damp and len(args) < 2:
        return args
    names = POSITIONAL[method.__name__][: len(args)]
    for name in names:
        if name in options:
            raise TypeError(f"{method.__name__}() got multiple values for argument {name!r}")
    if len(args) > len(names):
        raise TypeError(f"{method.__name__}() takes at most {2 + len(names)} positional arguments")
    options.update(zip(names, args, strict=True))
    return ()


def _refuse(name, options):
    """Raise for arguments without a counterpart; remove them where they ask for what is done anyway."""
    conlim = _validate.scalar(options.pop("conlim", None))
    if conlim is not None and 0 < conlim < LEAST_CONLIM:
        raise TypeError(
            f"{name}() does not stop by an estimate of cond(A), and conlim is {conlim!r}: leave it out; damp "
            "regularises an ill-conditioned problem"
        )
    if name == "lsqr" and options.pop("calc_var", False):
        raise TypeError(
            "lsqr() does not estimate variances: leave calc_var out; they are the diagonal of the inverse of "
            "A^H A + damp^2 I"
        )


def _translate_tolerances(options):
    """Set `rtol` to the smaller one of SciPy's `atol` and `btol`, unless it is given.

    `atol` alone stays an absolute tolerance, but it lowers `rtol` to its value.
    """
    given = {name: options.get(name) for name in ("atol", "btol") if name in options}
    found = [DEFAULT if value is None else _validate.tolerance(value, name) for name, value in given.items()]
    if "btol" in given or given.get("atol", 0) is None:
        options.pop("btol", None)
        options.pop("atol", None)
    elif found == [0]:
        return
    if found:
        options.setdefault("rtol", min(found if len(found) == 2 else [DEFAULT, *found]))


@np.errstate(all="ignore")
def _values(name, A, b, result, options):
    """Return the tuple that SciPy's function of this name returns; NaN stands for what is not known."""
    x, xp = result.x, namespace(result.x)
    damp = float(_validate.scalar(options.get("damp", 0.0)))
    b_norm, x_norm = (_sizes(v, xp) for v in (b, x))
    A_norm, norms, gradients = _frobenius(A, damp), result.residual_norm, _last(result.residuals)
    rtol = float(_validate.scalar(options.get("rtol", DEFAULT)))
    code = _code(result, rtol * (b_norm + np.nan_to_num(A_norm) * x_norm))
    if name == "lsmr":
        return x, code, result.nit, norms, gradients, A_norm, np.nan, x_norm
    damped, variances = np.hypot(norms, damp * x_norm), xp.zeros(x.shape[0], x.real.dtype)
    return x, code, result.nit, norms, damped, A_norm, np.nan, gradients, x_norm, variances


def _sizes(v, xp):
    """Return the norm of a vector as a float, or those of the columns of a block as an array of the host."""
    v = _validate.as_array(v, "b", xp)
    sizes = to_host(column_norms(v, xp)) if len(v) else np.zeros(v.shape[1:])
    return float(sizes) if v.ndim == 1 else sizes


def _last(history):
    """Return the last number of a history, or of each column of it; NaN for a column that was not started."""
    if history.ndim == 1:
        return float(history[-1])
    columns = (column[~np.isnan(column)] for column in history.T)
    return np.array([column[-1] if len(column) else np.nan for column in columns])


def _frobenius(A: Any, damp):
    """Return the Frobenius norm of ``[A; damp I]``, or NaN if the entries of A are not known."""
    if isinstance(A, Dense):
        entries = A.array
    elif hasattr(A, "indptr"):
        entries = A.data
    elif is_sparse(A):
        entries = A.tocsr().data
    elif hasattr(A, "matvec") or (library(A) is None and hasattr(A, "shape")):
        return np.nan
    else:
        entries = _validate.as_array(A, "A", namespace(A))
    size = _sizes(entries.ravel(), namespace(entries))
    return float(np.hypot(size, damp * _validate.shape_of(A)[1] ** 0.5))


def _code(result, consistent):
    """Return SciPy's reason for the end: 1 if the residual is at most `consistent`, 2 for a minimiser."""
    if result.success and result.nit == 0:
        return 0
    if result.success:
        return 1 if np.all(result.residual_norm <= consistent) else 2
    return int(result.status) if result.status < 0 else ENDS.get(result.status.name, 7)
