"""Linear programs with the arguments and results of SciPy's linprog."""

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from ... import _validate
from ..._array import array_module, common_library, is_sparse, sparse_module
from ._lp import LP
from ._result import LPResult
from ._solve_lp import solve_lp


class Sensitivity(NamedTuple):
    """What SciPy returns for each kind of constraint.

    Attributes
    ----------
    residual : array
        The distance to the bound, >= 0 for inequalities up to the tolerance.
    marginals : array
        The derivatives of the objective by the bound.
    """

    residual: Any
    marginals: Any


@dataclass(frozen=True, eq=False, repr=False)
class LinprogResult(LPResult):
    """Result of `linprog`, with the fields of SciPy's.

    Attributes
    ----------
    slack : array
        ``b_ub - A_ub @ x``.
    con : array
        ``b_eq - A_eq @ x``.
    ineqlin, eqlin, lower, upper : Sensitivity
        Residuals and marginals of inequalities, equations, lower and upper bounds.
    """

    slack: Any = None
    con: Any = None
    ineqlin: Sensitivity | None = None
    eqlin: Sensitivity | None = None
    lower: Sensitivity | None = None
    upper: Sensitivity | None = None

    @property
    def fun(self) -> float:
        """Value of the objective at x."""
        return self.kkt.objective


def linprog(
    c,
    A_ub=None,
    b_ub=None,
    A_eq=None,
    b_eq=None,
    bounds=(0, None),
    *,
    x0=None,
    y0=None,
    rtol=1e-4,
    maxiter=None,
    time_limit=None,
    callback=None,
    presolve=True,
) -> LinprogResult:
    """Minimise ``c @ x`` subject to ``A_ub x <= b_ub``, ``A_eq x = b_eq`` and bounds, as SciPy's linprog.

    Parameters
    ----------
    c : array_like, shape (n,)
        Coefficients of the objective, which is minimised.
    A_ub : array_like or sparse matrix, shape (p, n), optional
        Coefficients of the inequalities.
    b_ub : array_like, shape (p,), optional
        Their upper bounds.
    A_eq : array_like or sparse matrix, shape (q, n), optional
        Coefficients of the equations.
    b_eq : array_like, shape (q,), optional
        Their right-hand sides.
    bounds : pair, or sequence of pairs of length 1 or n
        Bounds ``(lower, upper)`` of all variables or of each; None is no bound.
    x0, y0 : array_like, optional
        Starting values of the variables, and of the multipliers of inequalities and then equations.
    rtol : float
        Tolerance for the three relative residuals of `kkt`: less accurate than SciPy's default methods, which
        reach 1e-7 or rounding. Ask for 1e-8 where you need digits.
    maxiter, time_limit, callback, presolve : as there
        As in `solve_lp`.

    Returns
    -------
    LinprogResult
        The result of `solve_lp`, with SciPy's fields ``fun, slack, con, ineqlin, eqlin, lower, upper``.
        `status` is a `Status`: 0 is success in both; MAXITER and TIME_LIMIT are SciPy's 1, INFEASIBLE its 2,
        UNBOUNDED its 3.

    Raises
    ------
    TypeError
        An argument is no array of real numbers, or libraries are mixed.
    ValueError
        Shapes do not match, or an argument has NaN or infinity where that is not allowed.

    Notes
    -----
    Cost of an iteration: one product with all constraints and one with their transpose.

    References
    ----------
    H. Lu, J. Yang, *Restarted Halpern PDHG for linear programming*, :doi:`10.48550/arXiv.2407.16144`.

    Examples
    --------
    >>> from numsolve.monotone import linprog
    >>> bounds = [(None, None), (-3, None)]
    >>> result = linprog([-1, 4], A_ub=[[-3, 1], [1, 2]], b_ub=[6, 4], bounds=bounds, rtol=1e-8)
    >>> round(result.fun, 6), result.x.round(6)
    (-22.0, array([10., -3.]))
    """
    home = common_library(c=c, A_ub=A_ub, b_ub=b_ub, A_eq=A_eq, b_eq=b_eq) or "numpy"
    xp = array_module(home)
    c = _validate.real_array(c, "c", xp)
    c = c.reshape(-1) if c.ndim == 2 and 1 in c.shape else c
    if c.ndim != 1 or not len(c):
        raise ValueError(f"c has shape {c.shape}; a vector of at least one number is needed")
    upper_rows = _constraints(A_ub, b_ub, "ub", len(c), xp, home)
    equations = _constraints(A_eq, b_eq, "eq", len(c), xp, home)
    l, u = _bounds(bounds, len(c), xp)
    sparse = sparse_module(home)
    (A1, b1), (A2, b2) = upper_rows, equations
    A = sparse.vstack([A1, A2]).tocsr()
    lp = LP(
        c,
        A,
        xp.concatenate((xp.full(len(b1), -np.inf), b2)),
        xp.concatenate((b1, b2)),
        l,
        u,
    )
    found = solve_lp(
        lp,
        x0,
        y0,
        rtol=rtol,
        maxiter=maxiter,
        time_limit=time_limit,
        callback=callback,
        presolve=presolve,
    )
    slack, con = b1 - A1 @ found.x, b2 - A2 @ found.x
    p = len(b1)
    return LinprogResult(
        **{field.name: getattr(found, field.name) for field in fields(found)},
        slack=slack,
        con=con,
        ineqlin=Sensitivity(slack, found.y[:p]),
        eqlin=Sensitivity(con, found.y[p:]),
        lower=Sensitivity(found.x - l, xp.maximum(found.s, 0)),
        upper=Sensitivity(u - found.x, xp.minimum(found.s, 0)),
    )


def _constraints(A, b, name, n, xp, home):
    """Return a checked matrix by rows and its right-hand side; none if both are None."""
    sparse = sparse_module(home)
    if A is None and b is None:
        return sparse.csr_matrix((0, n)), xp.zeros(0)
    if A is None or b is None:
        given, missing = ("A", "b") if b is None else ("b", "A")
        raise ValueError(f"{given}_{name} is given without {missing}_{name}")
    if not is_sparse(A):
        A = _validate.real_array(A, f"A_{name}", xp)
        A = A[None] if A.ndim == 1 else A
        if A.ndim != 2:
            raise ValueError(f"A_{name} has shape {A.shape}; two axes are needed")
    A = sparse.csr_matrix(A)
    b = xp.atleast_1d(_validate.as_array(b, f"b_{name}", xp)).astype(float)
    b = b.reshape(-1) if b.ndim == 2 and 1 in b.shape else b
    if bool(xp.isnan(b).any()):
        raise ValueError(f"b_{name} has NaN entries")
    if name == "eq":
        _validate.finite(b, "b_eq")
    if A.shape != (len(b), n) or b.ndim != 1:
        raise ValueError(
            f"A_{name} has shape {A.shape} and b_{name} {b.shape}; ({len(b)}, {n}) and ({len(b)},) are needed"
        )
    return A, b


def _bounds(bounds, n, xp):
    """Return lower and upper bounds from what SciPy takes."""
    if bounds is None:
        return xp.zeros(n), xp.full(n, np.inf)
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):  # scipy.optimize.Bounds
        pairs = np.column_stack(np.broadcast_arrays(bounds.lb, bounds.ub, np.zeros(n))[:2])
    else:
        try:
            pairs = np.array([[np.nan if v is None else v for v in pair] for pair in _pairs(bounds)], float)
        except (TypeError, ValueError):
            raise ValueError(
                f"bounds is {bounds!r}; a pair (lower, upper) or one for each variable is needed"
            ) from None
    if pairs.ndim != 2 or pairs.shape[1] != 2 or len(pairs) not in (1, n):
        raise ValueError(f"bounds has shape {pairs.shape}; (2,), (1, 2) or ({n}, 2) is needed")
    lower = np.where(np.isnan(pairs[:, 0]), -np.inf, pairs[:, 0])
    upper = np.where(np.isnan(pairs[:, 1]), np.inf, pairs[:, 1])
    return xp.asarray(np.broadcast_to(lower, n).copy()), xp.asarray(np.broadcast_to(upper, n).copy())


def _pairs(bounds):
    """Return a sequence of pairs; a single pair stands for all variables."""
    bounds = bounds.tolist() if isinstance(bounds, np.ndarray) else list(bounds)
    if not bounds:
        return [(0, None)]
    if len(bounds) == 2 and all(v is None or np.ndim(v) == 0 for v in bounds):
        return [bounds]
    return bounds
