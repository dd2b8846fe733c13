"""A linear program with bounds on rows and variables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ... import _validate
from ..._array import array_module, common_library, is_sparse, sparse_module


class Names(NamedTuple):
    """The names of a linear program, as a file has them."""

    problem: str = ""
    objective: str = ""
    rows: Sequence[str] = ()
    columns: Sequence[str] = ()


@dataclass(frozen=True, eq=False, repr=False)
class LP:
    """A linear program: minimise ``c @ x + offset`` subject to ``rl <= A x <= ru`` and ``l <= x <= u``.

    Parameters
    ----------
    c : array_like, shape (n,)
        Coefficients of the objective.
    A : sparse matrix or array_like, shape (m, n)
        Coefficients of the rows. It is kept as a CSR array; entries of the same place are added.
    rl, ru : array_like, shape (m,), or a number
        Bounds of the rows; ``-inf`` and ``inf`` for none. Equal bounds make an equation.
    l, u : array_like, shape (n,), or a number
        Bounds of the variables. Default: 0 and ``inf``.
    offset : float
        Constant of the objective.
    maximize : bool
        Whether the objective is maximised.
    names : Names, optional
        Names of rows and columns.

    Raises
    ------
    TypeError
        Arrays of NumPy and CuPy are mixed, or an argument is not a real number.
    ValueError
        Shapes do not match; c or A has NaN or infinity; a bound is NaN; a lower bound is ``inf`` or an upper
        bound ``-inf``. A lower bound above its upper bound is no error: the program is infeasible.

    Notes
    -----
    All arrays are copies in double precision that cannot be written to.
    """

    c: Any
    A: Any
    rl: Any
    ru: Any
    l: Any = 0.0
    u: Any = np.inf
    offset: float = 0.0
    maximize: bool = False
    names: Names | None = None

    def __post_init__(self):
        home = common_library(c=self.c, A=self.A)
        xp = array_module(home or "numpy")
        c = _validate.finite(_real(self.c, "c", xp), "c")
        if c.ndim != 1:
            raise ValueError(f"c has shape {c.shape}; one axis is needed")
        A = _matrix(self.A, len(c), xp, home or "numpy")
        found = {"c": c, "A": A, "offset": _validate.number(self.offset, "offset")}
        for name, count, empty in (
            ("rl", A.shape[0], np.inf),
            ("ru", A.shape[0], -np.inf),
            ("l", len(c), np.inf),
            ("u", len(c), -np.inf),
        ):
            found[name] = _bounds(getattr(self, name), name, count, empty, xp)
        for name, value in found.items():
            _freeze(value)
            object.__setattr__(self, name, value)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of variables."""
        return self.A.shape

    def __repr__(self):
        m, n = self.shape
        name = f" {self.names.problem!r}" if self.names and self.names.problem else ""
        sense = "maximize" if self.maximize else "minimize"
        return f"LP({sense}{name}, {m} rows, {n} variables, {self.A.nnz} entries)"


def of_checked(c, A, rl, ru, l, u, offset, maximize) -> LP:
    """Return a program of arrays that are checked already and belong to nobody else."""
    lp = object.__new__(LP)
    values = {"c": c, "A": A, "rl": rl, "ru": ru, "l": l, "u": u, "offset": offset, "maximize": maximize}
    for name, value in (values | {"names": None}).items():
        _freeze(value)
        object.__setattr__(lp, name, value)
    return lp


def _real(value, name, xp):
    value = _validate.as_array(value, name, xp)
    if value.dtype.kind == "c":
        raise TypeError(f"{name} is complex; real numbers are needed")
    return value.astype(np.float64)


def _matrix(A, n, xp, home):
    if not is_sparse(A):
        A = _real(A, "A", xp)
        if A.ndim != 2:
            raise ValueError(f"A has shape {A.shape}; two axes are needed")
    elif A.dtype.kind == "c":
        raise TypeError("A is complex; real numbers are needed")
    sparse = sparse_module(home)
    array = getattr(sparse, "csr_array", sparse.csr_matrix)
    A = array(A, dtype=np.float64, copy=True)
    if A.shape[1] != n:
        raise ValueError(f"A has {A.shape[1]} columns, but c has {n} entries")
    A.sum_duplicates()
    _validate.finite(A.data, "A")
    return A


def _bounds(value, name, count, never, xp):
    value = _real(value, name, xp)
    if value.ndim > 1 or (value.ndim == 1 and len(value) != count):
        raise ValueError(f"{name} has shape {value.shape}; ({count},) or a number is needed")
    value = xp.broadcast_to(value, (count,)).copy()
    if bad := int(xp.isnan(value).sum()):
        raise ValueError(f"{name} has {bad} entries that are NaN: use inf or -inf for no bound")
    if bad := int((value == never).sum()):
        raise ValueError(f"{name} has {bad} entries equal to {never}, which no number meets")
    return value


def _freeze(value):
    arrays = (value.data, value.indices, value.indptr) if is_sparse(value) else (value,)
    for array in arrays:
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
