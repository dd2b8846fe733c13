"""Relaxation: methods that set one row after the other right."""

from ._colouring import colouring
from ._gauss_seidel import gauss_seidel
from ._jacobi import jacobi
from ._run import RelaxationResult
from ._sor import sor
from ._ssor import ssor

__all__ = ["RelaxationResult", "colouring", "gauss_seidel", "jacobi", "sor", "ssor"]
