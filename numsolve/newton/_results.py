"""The results of the methods of this family."""

from dataclasses import dataclass
from typing import Any

from .._result import Result


@dataclass(frozen=True, eq=False, repr=False)
class NewtonResult(Result):
    """Result of an iteration with derivatives.

    Attributes
    ----------
    x : array, shape of x0
        The best point found.
    residuals : numpy.ndarray of floats, shape (nit + 1,)
        The norm that is compared with the tolerance, at the start and after each iteration.
    fun : array or float
        The value of the function at `x`.
    jac : array, sparse array, operator or None
        The last derivative that was computed, or None if there was none.
    nfev, njev, nhev : int
        Evaluations of the function, its first and its second derivative. Evaluations for finite differences
        and for products with derivatives count too.
    """

    fun: Any = None
    jac: Any = None
    nfev: int = 0
    njev: int = 0
    nhev: int = 0
