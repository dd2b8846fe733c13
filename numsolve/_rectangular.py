"""Systems that are not square: the least-squares solution, and the shortest one if there are several."""

from typing import Any

import numpy as np

from . import _validate, krylov
from ._linear import direct
from ._linear.system import make_system
from ._operators.operator import Dense
from ._result import Status, inner_solve

METHODS = ("auto", "direct", "lsmr", "lsqr")


def solve(A, b, x0, *, method, M, limits) -> tuple[Any, str, str]:
    """Return the result, the name of the method and the reason; the arguments are those of `numsolve.solve`.

    A dense matrix on the host is solved by LAPACK's singular value decomposition, any other by LSMR, without
    forming the normal equations. With a guess `x0`, the solution closest to it is found.
    """
    m, n = _validate.matrix_shape(A)
    if method not in METHODS:
        raise ValueError(
            f"method is {method!r}, but A has shape ({m}, {n}); needed: one of {', '.join(METHODS)}"
        )
    if M is not None and not (isinstance(M, str) and M == "auto"):
        raise ValueError(
            f"M is given, but A has shape ({m}, {n}): least-squares methods take no preconditioner"
        )
    why = f"{m} equations for {n} unknowns: " + ("least squares" if m > n else "the shortest solution")
    if method in ("auto", "direct"):
        home, xp = _validate.same_library(A=A, b=b, x0=x0)
        checked = _validate.right_hand_side(b, m, xp)
        guess = _validate.starting_guess(x0, (n, *checked.shape[1:]), xp, "A and b need")
        system = make_system(A, checked, guess, None, home, limits["rtol"], limits["atol"], 0)
        if home == "numpy" and isinstance(system.A, Dense):
            return _by_lapack(system), "direct", why
        if method == "direct":
            raise ValueError(f"method is 'direct', but A of shape ({m}, {n}) is not dense: use method='lsmr'")
        method = "lsmr"
    with inner_solve():
        result = getattr(krylov, method)(A, b, x0, **limits)
    return result, method, why


def _by_lapack(system):
    """Return the result for a dense matrix."""
    from scipy.linalg import lstsq

    A, b = system.A.array, system.b
    start = np.zeros((A.shape[1], *b.shape[1:]), b.dtype) if system.x0 is None else system.x0
    step, _, rank, _ = lstsq(A, b - A @ start)  # pyright: ignore
    x = start + step
    norms = [direct.column_norms(A.conj().T @ (b - A @ v)) for v in (start, x)]
    message = f"converged; norm(b - A x) = {float(np.max(direct.column_norms(b - A @ x), initial=0)):.1e}"
    if rank < min(A.shape):
        message += f"; A has rank {rank}, and x is the shortest of its solutions"
    return krylov.LeastSquaresResult(
        x, Status.CONVERGED, message, np.array(norms), direct.column_norms(b - A @ x)
    )
