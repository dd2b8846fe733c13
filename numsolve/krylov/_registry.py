"""Every Krylov method, and what the front door, the command line, the docs and the tests know of it."""

from collections.abc import Callable
from typing import NamedTuple

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
        The matrices that it is for, in a few words.
    for_system : callable or None
        ``for_system(system)`` returns the method for a checked `System`, as `solve_system` takes it. None if
        the front door does not offer it.
    block : callable or None
        The same for several right-hand sides at once, where it has such a form.
    hermitian : bool
        Whether it needs a Hermitian matrix.
    takes_M : bool
        Whether it takes a preconditioner.
    """

    solve: Callable
    suits: str
    for_system: Callable | None = None
    block: Callable | None = None
    hermitian: bool = False
    takes_M: bool = True

    @property
    def name(self):
        """The name of the public function."""
        return self.solve.__name__


_ALL = (
    Method(_cg.cg, "Hermitian positive definite", _cg.for_system, _block_cg.steps, hermitian=True),
    Method(_minres.minres, "Hermitian, indefinite or singular too", _minres.for_system, hermitian=True),
    Method(_gmres.gmres, "any nonsingular matrix", _gmres.for_system),
    Method(_fgmres.fgmres, "any, M changes from step to step", _fgmres.for_system),
    Method(_bicgstab.bicgstab, "any nonsingular matrix, in eight vectors", _bicgstab.for_system),
    Method(_idrs.idrs, "any nonsingular matrix, in fewer products", _idrs.for_system),
    Method(_gcrodr.gcrodr, "sequences of systems, with recycling"),
    Method(_block_gmres.block_gmres, "several right-hand sides in one Krylov space"),
    Method(_chebyshev.chebyshev, "positive definite, without inner products", hermitian=True),
    Method(_refine.refine, "any of these, in single precision inside double"),
    Method(_lsqr.lsqr, "least squares of any shape and rank", takes_M=False),
    Method(_lsmr.lsmr, "least squares, the gradient falls steadily", takes_M=False),
)
METHODS = {method.name: method for method in _ALL}
