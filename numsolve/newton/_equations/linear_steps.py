"""Newton steps: the linear systems with Jacobians, by Krylov methods or by factorisation."""

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ... import _validate
from ..._array import array_module, namespace
from ..._iterate import iterate
from ..._linear import direct
from ..._linear.system import System, length, unit_near
from ..._operators.hermitian import check_hermitian
from ..._operators.operator import Csr, Dense, Operator, Scaled, Shifted, absolute, as_operator, entries
from ..._result import Breakdown, Status
from ...krylov import _bicgstab, _cg, _fgmres, _gcrodr, _idrs, _minres
from ...krylov.recycling import minres as recycled_minres
from ...krylov.recycling.cg import CgLearner
from ...krylov.recycling.learn import DirectionLearner
from ...krylov.sequences import _refresh

SYMMETRIC = ("cg", "minres")
DEFLATED = ("gmres", "gcrodr")
SOLVERS = (*DEFLATED, "fgmres", "bicgstab", "idrs", *SYMMETRIC, "direct")
DIRECTIONS = 10  # that gcrodr keeps by default
RESTARTS, BASIS_BYTES = (40, 100), 20_000_000  # default size of a Krylov space, and of its basis
PAYS = 3  # iterations of a solve for each direction from which on directions are kept unasked
LEAST_GAIN = 1e-3  # relative reduction of the residual below which an inner solve has failed
KIND = "jacobian"  # all Jacobians of a run share a preconditioner


class Step(NamedTuple):
    """A solution of ``J s = -f``, and the norm of ``f + J s``."""

    s: Any
    linear: float


class LinearSolver:
    """Solves with the Jacobians of a run, one after the other.

    Attributes
    ----------
    products : int
        Products with Jacobians in Krylov methods.
    space : RecycledSpace or None
        The directions for the next solve. Unless the caller asked for them, they are kept only after a solve
        of many iterations: each new Jacobian costs a product for each direction.
    """

    def __init__(
        self,
        name,
        M: Any = None,
        refresh: Any = "auto",
        recycle: Any = None,
        restart: Any = None,
        maxiter=1000,
        deadline=np.inf,
    ):
        self.name = _validate.choice(name, "linear_solver", SOLVERS)
        if recycle is not None and name not in (*DEFLATED, *SYMMETRIC):
            names = ", ".join((*DEFLATED, *SYMMETRIC))
            raise ValueError(f"recycle needs one of the linear solvers {names}, not {name}")
        if M is not None and name == "direct":
            raise ValueError("M preconditions Krylov methods: leave it out with linear_solver='direct'")
        self.restart: Any = None if restart is None else _validate.count(restart, "restart", least=2)
        self.maxiter, self.deadline = _validate.count(maxiter, "inner_maxiter", least=1), deadline
        self._M, self._recycle = _refresh.Preconditioner(M, refresh), recycle
        self.products, self.space, self.k = 0, None, 0

    def prepare(self, n, dtype, home):
        """Check what depends on the variables."""
        self.home = home
        if self.restart is None:
            least, most = RESTARTS
            self.restart = max(least, min(most, BASIS_BYTES // max(n * np.dtype(dtype).itemsize, 1)))
        restarts = self.name == "gmres" and not self._M.given and n > PAYS * DIRECTIONS
        if self._recycle is not None or self.name == "gcrodr" or restarts:
            given = DIRECTIONS if self._recycle is None else self._recycle
            self.k, self.space = _validate.directions(given, n, dtype)
        if self._M.fixed is not None:
            _validate.preconditioner(self._M.fixed, n)
            _validate.same_library(x0=array_module(home).empty(0), M=self._M.fixed)

    def solve(self, J: Operator, f, eta):
        """Return the step for the Jacobian `J`, with a relative residual of at most `eta` if it succeeds.

        Raises `Breakdown` if no step reduces the residual.
        """
        if self.name == "direct":
            return _solve_directly(J, f)
        M, fits = self._preconditioner(J)
        try:
            return self._solve_iteratively(J, f, eta, M)
        except Breakdown as error:
            if fits or error.status is Status.TIME_LIMIT:
                raise
        return self._solve_iteratively(J, f, eta, self._converted(self._M.anew(_given(J), KIND), J))

    def _solve_iteratively(self, J, f, eta, M):
        size, n = length(f), len(f)
        unit = unit_near(size, f.dtype)  # of F: squares must not overflow
        b = f * f.dtype.type(-1 / unit)
        A = (J if unit == 1 else Scaled(J, 1 / unit)).with_workspace()
        M = M if M is None or unit == 1 else Scaled(M, unit)
        if self.name in SYMMETRIC and isinstance(J, (Csr, Dense)):
            check_hermitian(J, "the Jacobian")
        system = System(A, b, None, M, eta, 0.0, self.maxiter, self.deadline)
        method = self._method(system, unit)
        begin = _refresh.clock()
        result = iterate(
            lambda x: method(A, b, M, x),
            namespace(b).zeros_like(b),
            tol=eta * size / unit,
            maxiter=min(self.maxiter, 10 * n + 10),
            deadline=self.deadline,
            trusting=True,
        )
        self.products += getattr(method, "products", result.nit)
        if self.k:
            pays = self._recycle is not None or self.name == "gcrodr" or result.nit >= PAYS * self.k
            space = method.space() if pays else None
            self.space = None if space is None else space.scaled(1 / unit)
        linear = float(result.residuals[-1]) * unit
        failed = not linear <= (1 - LEAST_GAIN) * size
        self._M.observe(KIND, _refresh.clock() - begin, result.nit, failed)
        if failed:
            if result.status in (Status.SINGULAR, Status.TIME_LIMIT, Status.NONFINITE):
                raise Breakdown(result.message, result.status)
            raise Breakdown(
                f"{self.name} hardly reduced the residual of the Newton step: the Jacobian may be singular, "
                "or a preconditioner M or a larger restart is needed"
            )
        return Step(result.x, linear)

    def _method(self, system, unit) -> Any:
        """Return the Krylov method for a system, whose matrix is the Jacobian over `unit`."""
        space = None if self.space is None else self.space.scaled(unit)
        if self.k and self.name in DEFLATED:
            return _gcrodr.Cycles(system, self.restart, min(self.k, self.restart - 1), space)
        if self.k:
            known = self.k if space is None else space
            if self.name == "cg":
                return CgLearner(_cg.steps, known, system)
            recycled = partial(recycled_minres.steps, _minres.rotations(system))
            return DirectionLearner(recycled, known, system, energy=False)
        if self.name in ("gmres", "fgmres"):
            return _fgmres.for_system(system, self.restart)
        return {"cg": _cg, "minres": _minres, "bicgstab": _bicgstab, "idrs": _idrs}[self.name].for_system(
            system
        )

    def _preconditioner(self, J):
        """Return the preconditioner as an operator, and whether it was made for this Jacobian."""
        M, fits = self._M.ready(_given(J), KIND)
        return self._converted(M, J), fits

    def _converted(self, M, J):
        if M is None:
            return None
        _validate.preconditioner(M, J.shape[0])
        return as_operator(M, self.home, "M").astype(J.dtype).with_workspace()


def shifted(J, shift):
    """Return ``J + shift * I``, with entries if those of `J` are known."""
    if isinstance(J, Dense):
        return Dense(J.array + shift * array_module(J.library).asarray(np.eye(J.shape[0], dtype=J.dtype)))
    if isinstance(J, Csr) and J.library == "numpy":
        from scipy.sparse import diags_array

        return Csr(J.to_sparse() + diags_array(np.full(J.shape[0], shift, J.dtype)))
    return Shifted(J, -shift)


def _given(J):
    """Return the Jacobian as a preconditioner is made from it: its entries, if they are known."""
    return entries(J) if isinstance(J, (Csr, Dense)) else J


def _solve_directly(J, f):
    """Return the step by factorisation of the Jacobian."""
    if not isinstance(J, (Csr, Dense)):
        raise TypeError("linear_solver='direct' needs the entries of the Jacobian: let jac return an array")
    if J.library != "numpy":
        if isinstance(J, Csr):
            raise TypeError("linear_solver='direct' takes dense Jacobians on a GPU: use 'gmres' with an M")
        s = namespace(f).linalg.solve(J.array, -f)
        return _checked(J, f, s)
    for factorise in direct.factorisations(J, direct.Plan(J, absolute(J))):
        try:
            with np.errstate(all="ignore"):
                s = factorise().solve(-f)
        except MemoryError as error:
            raise Breakdown(f"the factors of the Jacobian do not fit into memory ({error})") from None
        except (RuntimeError, np.linalg.LinAlgError):
            continue
        if np.isfinite(s).all():
            return _checked(J, f, s)
    raise Breakdown("a pivot of its factorisation is zero", Status.SINGULAR)


def _checked(J, f, s):
    """Return the step with its residual norm; raise if it is no solution."""
    linear = length(f + J @ s)
    if not linear <= (1 - LEAST_GAIN) * length(f):
        raise Breakdown("its factorisation does not solve for the Newton step", Status.SINGULAR)
    return Step(s, linear)
