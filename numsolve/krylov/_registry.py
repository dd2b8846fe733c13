"""The registry of the Krylov methods, for `solve`, the command line, the docs and the tests."""

from collections.abc import Callable
from typing import Any, NamedTuple

from . import (
    _bicgstab,
    _block_cg,
    _block_gmres,
    _cg,
    _chebyshev,
    _fgmres,
    _gcrodr,
    _gmres,
    _idrs,
    _lsmr,
    _lsqr,
    _minres,
    _refine,
)


class Method(NamedTuple):
    """A Krylov method.

    Attributes
    ----------
    solve : callable
        The public function.
    suits : str
        The systems for which it is suitable, in a few words.
    vectors, products : str
        Vectors stored without a preconditioner, and products with the matrix per iteration.
    page : str
        Its page in ``docs/methods``.
    for_system : callable or None
        ``for_system(system)`` returns the method for a checked `System`, as `solve_system` takes it. None if
        `numsolve.solve` does not offer it.
    block : callable or None
        The method for several right-hand sides at once, if there is one.
    hermitian : bool
        Whether it needs a Hermitian matrix.
    takes_M : bool
        Whether it takes a preconditioner.
    """

    solve: Callable
    suits: str
    vectors: str
    products: str
    page: str
    for_system: Any = None
    block: Callable | None = None
    hermitian: bool = False
    takes_M: bool = True

    @property
    def name(self):
        """The name of the public function."""
        return self.solve.__name__


_ANY = "any nonsingular matrix"
_ALL = (
    Method(
        *(_cg.cg, "Hermitian positive definite", "5", "1", "cg"),
        for_system=_cg.for_system,
        block=_block_cg.steps,
        hermitian=True,
    ),
    Method(
        *(_minres.minres, "Hermitian, also indefinite or singular", "7", "1", "minres"),
        for_system=_minres.for_system,
        hermitian=True,
    ),
    Method(_gmres.gmres, _ANY, "restart + 2", "1", "gmres", _gmres.for_system),
    Method(
        *(_fgmres.fgmres, f"{_ANY}; M may change from step to step", "2 restart + 2", "1", "fgmres"),
        for_system=_fgmres.for_system,
    ),
    Method(_bicgstab.bicgstab, f"{_ANY}, with little memory", "7", "2", "bicgstab", _bicgstab.for_system),
    Method(_idrs.idrs, f"{_ANY}, with little memory", "3 s + 4", "1", "idrs", _idrs.for_system),
    Method(_gcrodr.gcrodr, "sequences of systems, with recycling", "restart + k + 6", "1", "gcrodr"),
    Method(
        *(_block_gmres.block_gmres, f"{_ANY}, several right-hand sides", "restart + 2 per column", "1"),
        page="block",
    ),
    Method(
        *(_chebyshev.chebyshev, "positive definite, without inner products", "5", "1", "chebyshev"),
        hermitian=True,
    ),
    Method(_refine.refine, "condition well below 1e7: single inside double precision", "2", "1", "refine"),
    Method(_lsqr.lsqr, "least squares", "4", "1, and 1 with the adjoint", "lsqr", takes_M=False),
    Method(
        *(_lsmr.lsmr, "least squares, monotone gradient", "5", "1, and 1 with the adjoint", "lsqr"),
        takes_M=False,
    ),
)
METHODS = {method.name: method for method in _ALL}
