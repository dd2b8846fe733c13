"""The choice of the linear solver of a least-squares step."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import _validate
from ..._operators.operator import Csr, Dense, as_operator, entries
from . import damped_systems as systems
from .schur import Pattern, Schur, eliminated

NAMES = ("auto", "normal", "qr", "dual", "lsmr", "schur")


@dataclass
class Solver:
    """Makes the system of each point; the kind is chosen at the first one, and what is reused is kept.

    Attributes
    ----------
    name : str
        The caller's choice, and after the first point the kind that is used.
    mask : numpy.ndarray of bool, or None
        The variables to eliminate.
    accuracy : callable
        ``accuracy()`` returns the relative accuracy and the seconds that are left for products.
    """

    name: str
    mask: Any
    accuracy: Any
    order: Any = None
    pattern: Any = None

    def __call__(self, J, r):
        """Return the `System` of a point."""
        self._choose(J)
        if self.name == "lsmr":
            system = systems.Products(J, r)
            system.accuracy, system.time_left = self.accuracy()
            return system
        if self.name == "schur":
            J = J if isinstance(J, Csr) else _as_sparse(J)
            if self.pattern is None or not self.pattern.fits(J):
                self.pattern = Pattern(J, self.mask)
            return Schur(J, r, self.pattern)
        if self.name == "dual":
            return systems.Dual(J, r)
        if isinstance(J, Csr):
            return systems.SparseNormal(J, r, self.order)
        return (systems.Orthogonal if self.name == "qr" else systems.Normal)(J, r)

    def _choose(self, J):
        """Replace "auto" by a kind, and raise if the Jacobian has no entries that the kind needs."""
        has_entries = isinstance(J, Dense) or (isinstance(J, Csr) and J.library == "numpy")
        if self.name == "auto":
            self.name = self._best(J) if has_entries else "lsmr"
        if self.name == "lsmr":
            return
        if not has_entries or (self.name == "schur" and J.library != "numpy"):
            raise TypeError(
                f"linear_solver={self.name!r} needs the entries of jac, in a dense array or a sparse "
                "array of the host: return one of these, or use linear_solver='lsmr'"
            )
        if self.name == "qr" and isinstance(J, Csr):
            raise TypeError(
                "linear_solver='qr' needs a dense jac: return a dense array, or use 'normal' or 'lsmr'"
            )

    def _best(self, J):
        m, n = J.shape
        if self.mask is not None:
            return "schur"
        if 2 * m <= n and m <= systems.LARGEST_DUAL:
            return "dual"
        if isinstance(J, Dense):
            return "normal"
        from ..._linear.fill import forecast

        matrix = entries(J)
        lengths = np.diff(matrix.indptr).astype(float)
        if (lengths**2).sum() > 50 * systems.ORDERED_BELOW * 50:
            return "lsmr"
        pattern = (matrix.T @ matrix).tocsr()
        if pattern.nnz < systems.ORDERED_BELOW:
            return "normal"
        found = forecast(pattern, True, systems.MOST_WORK)
        self.order = found.order
        return "lsmr" if found.order is None else "normal"


def _as_sparse(J):
    from scipy.sparse import csr_matrix

    return as_operator(csr_matrix(J.array), J.library, "jac")


def solver(name, eliminate, variables, accuracy):
    """Return the `Solver` for the caller's arguments."""
    _validate.choice(name, "linear_solver", NAMES)
    if eliminate is None:
        if name == "schur":
            raise ValueError("linear_solver='schur' needs eliminate: the variables to eliminate")
        return Solver(name, None, accuracy)
    if name not in ("auto", "schur"):
        raise ValueError(f"eliminate is for linear_solver='schur', not for {name!r}: leave one of them out")
    return Solver("schur", eliminated(eliminate, variables), accuracy)
