"""Jacobians: given by the caller, by finite differences on a sparsity pattern, or as products only."""

from math import inf, sqrt
from typing import Any

import numpy as np

from .. import _validate
from .._array import is_sparse, namespace, sparse_module, to_host
from .._functions import Function, VectorFunction
from .._linear.system import length
from .._operators.colours import greedy_colouring
from .._operators.operator import Dense, Operator, as_operator
from .._result import Breakdown, Status

DIFFERENCES = ("2-point", "3-point", "cs")  # SciPy's names; for the last one central differences are used
ROUNDING = 8  # units of rounding in a difference of two values that may be rounding error
GROWTH = 1e4  # of a step whose difference is rounding error


class GivenJacobian:
    """The Jacobian that a function of the caller returns: an array, a sparse array or a LinearOperator."""

    def __init__(self, jac, function, variables, args=(), name="jac"):
        self._function = Function(jac, variables, args, name)
        self._of, self._variables = function, variables

    @property
    def calls(self):
        """Evaluations of the caller's function."""
        return self._function.calls

    @property
    def functions(self):
        """The functions of the caller."""
        return (self._function,)

    def at(self, x, f) -> Operator:  # noqa: ARG002 - differences need f
        """Return the Jacobian at the vector `x`, where the function has the value `f`, as an operator."""
        J = self._function(x)
        try:
            return self.checked(J)
        except ValueError as error:
            if self.calls == 1:
                raise
            raise Breakdown(str(error), Status.NONFINITE) from error

    def checked(self, J: Any):
        """Return what the caller's function returned as an operator; raise unless its shape fits.

        Entries are copied, because the caller may write the next Jacobian to the same array.
        """
        m, n, name = self._of.m, self._variables.n, self._function.name
        if is_sparse(J):
            J = J.tocsr(copy=True)
        elif not (hasattr(J, "matvec") or isinstance(J, Operator)):
            J = _validate.as_array(J, f"the value of {name}", self._variables.xp).copy()
            if J.size == m * n:
                J = J.reshape(m, n)
        if tuple(J.shape) != (m, n):
            raise ValueError(f"{name} returned an array of shape {tuple(J.shape)}, but ({m}, {n}) is needed")
        operator = as_operator(J, self._variables.library, name)
        if operator.dtype.kind == "c" and self._variables.dtype.kind != "c":
            raise TypeError(f"{name} returned complex values for real variables: pass a complex x0")
        return operator.astype(self._variables.dtype)


class DifferenceJacobian:
    """A Jacobian by forward or central differences, sparse on a given pattern or dense.

    Columns without a common row have one colour; a colour takes one evaluation of the function, two for
    central differences. The step of column j is ``step * max(abs(x[j]), scale[j])``, away from a bound that
    it would cross. By default `step` is the square root of `rounding`, for central differences its cube root.
    Here `rounding` is the relative error of the function: by default, machine epsilon. Central differences
    become forward ones where a bound is near.

    Unless `enlarges` is false, a step whose difference is no larger than the rounding errors of the function
    grows once, with central differences, and on where a derivative of one would stay hidden. If that has no
    effect, the variable is taken to have none, and its step does not grow again.

    Curtis, Powell, Reid, On the estimation of sparse Jacobian matrices, IMA J. Appl. Math. 13 (1974) 117-119,
    doi:10.1093/imamat/13.1.117.

    Attributes
    ----------
    colours : int
        Evaluations of the function for a Jacobian.
    """

    functions, calls = (), 0

    def __init__(
        self,
        function,
        variables,
        sparsity=None,
        scale=1.0,
        bounds=None,
        rounding=None,
        central=False,
        step=None,
        enlarges=True,
    ):
        self._function, self._variables = function, variables
        self._enlarges, self._without_effect = enlarges, set()
        self._scale, self._bounds, self._central = scale, bounds, central
        rounding = rounding or np.finfo(variables.dtype).eps
        self._forward_step = float(step or rounding ** (1 / 2))
        self._step = float(step or rounding ** (1 / 3)) if central else self._forward_step
        self.truncation = self._step**2 if central else self._step
        self._pattern: Any = None if sparsity is None else self._checked(sparsity)
        if self._pattern is None:
            self._colour = np.arange(variables.n)
        else:
            self._colour = _colours_of_columns(self._pattern)
            P, xp = self._pattern, variables.xp
            self._rows = xp.asarray(np.repeat(np.arange(P.shape[0]), np.diff(P.indptr)))
            self._columns, self._indptr = xp.asarray(P.indices), xp.asarray(P.indptr)
        self.colours = int(self._colour.max(initial=-1)) + 1

    def at(self, x, f) -> Operator:
        """Return the Jacobian at `x`, where the function has the value `f`."""
        xp, ends = self._variables.xp, self._ends(x, self._central)
        colour = xp.asarray(self._colour)
        differences = xp.empty((self.colours, len(f)), f.dtype)
        for c in range(self.colours):
            differences[c] = self._difference(x, f, colour == c, ends)
            if self._enlarges and c not in self._without_effect and _is_hidden(differences[c], f):
                ends, differences[c] = self._enlarged(x, f, c, ends, differences[c])
        if not bool(xp.isfinite(differences).all()):
            raise Breakdown("fun is not finite near x, where it is differenced: pass jac", Status.NONFINITE)
        h = ends[0] - ends[1]  # the steps that were taken
        h = xp.where(h == 0, 1 + 0 * h, h)  # between equal bounds: the column is zero
        if self._pattern is None:
            return Dense((differences / h[:, None]).T)
        i, j = self._rows, self._columns
        values = differences[colour[j], i] / h[j]
        sparse = sparse_module(self._variables.library)
        J = sparse.csr_matrix((values, j, self._indptr), shape=self._pattern.shape)
        return as_operator(J, self._variables.library, "jac")

    def _difference(self, x, f, chosen, ends):
        """Return the difference of the values at both ends of the steps of the chosen variables."""
        xp, (ahead, behind) = self._variables.xp, ends
        moves_back = bool((behind != x)[chosen].any())
        base = self._function(xp.where(chosen, behind, x)) if moves_back else f
        return self._function(xp.where(chosen, ahead, x)) - base

    def _enlarged(self, x, f, c, ends, difference):
        """Return the ends and the difference of larger steps for a colour whose difference is hidden.

        These are the given ones if no step has an effect.
        """
        xp, chosen = self._variables.xp, self._variables.xp.asarray(self._colour == c)
        size = float((xp.maximum(abs(x), self._scale) * chosen).max())
        hiding = float(np.finfo(f.dtype).eps) ** 0.5 * float(abs(f).max())
        factor, most = 1.0, max(GROWTH, hiding / (self._step * size))
        while factor < most:
            factor = min(GROWTH * factor, most)
            larger = self._ends(x, True, factor)
            found = self._difference(x, f, chosen, larger)
            if not bool(xp.isfinite(found).all()):
                break
            if not _is_hidden(found, f):
                return tuple(xp.where(chosen, new, old) for new, old in zip(larger, ends, strict=True)), found
        self._without_effect.add(c)
        return ends, difference

    def _ends(self, x, central, factor=1.0):
        """Return the points ahead and behind, for all variables; without central differences x is behind."""
        xp, h = self._variables.xp, self.steps(x, factor)
        if not central:
            return x + h, x
        back = h
        if self._bounds is not None:
            lower, upper = self._bounds
            near = (x - h < lower) | (x - h > upper)
            h = xp.where(near, self.steps(x, factor * self._forward_step / self._step), h)
            back = xp.where(near, 0 * h, h)
        return x + h, x - back

    def steps(self, x, factor=1.0):
        """Return the steps at `x`, multiplied by `factor` where no bound is near."""
        xp = self._variables.xp
        h = factor * self._step * xp.maximum(abs(x), self._scale)
        h = xp.where(x.real < 0, -h, h).astype(x.dtype)
        if self._bounds is not None:
            lower, upper = self._bounds
            outside = (x + h > upper) | (x + h < lower)
            h = xp.where(outside, -h, h)
            room = xp.where(upper - x > x - lower, upper - x, lower - x)
            h = xp.where((x + h > upper) | (x + h < lower), room, h)
        return h

    def _checked(self, sparsity):
        """Return the pattern as a sparse array of the host in CSR form."""
        from scipy.sparse import csr_array

        shape, needed = _validate.shape_of(sparsity), (self._function.m, self._variables.n)
        if shape != needed:
            raise ValueError(f"jac_sparsity has shape {shape}, but {needed} is needed")
        pattern: Any = csr_array(to_host(sparsity) if is_sparse(sparsity) else np.asarray(to_host(sparsity)))
        pattern.sum_duplicates()
        pattern.eliminate_zeros()
        return pattern


class DirectionalJacobian(Operator):
    """Products with the Jacobian by forward differences of the function: no matrix is stored.

    The step along v has the length ``sqrt(eps * (1 + norm(x))) / norm(v)``.

    Knoll, Keyes, Jacobian-free Newton-Krylov methods, J. Comput. Phys. 193 (2004) 357-397, section 3,
    doi:10.1016/j.jcp.2003.08.010.
    """

    def __init__(self, function, x, f):
        super().__init__((len(f), len(x)), x.dtype, _library(x))
        self._function, self._x, self._f = function, x.copy(), f.copy()
        self._step = sqrt(np.finfo(x.dtype).eps * (1 + length(x)))

    @property
    def rounding(self):
        """The relative error of a product."""
        return sqrt(np.finfo(self.dtype).eps)

    def apply(self, x, out):
        size = length(x)
        if not 0 < size < inf:
            out[...] = x[:1] * 0 if size == 0 else x[:1] * np.nan
            return out
        h = self._step / size
        moved = x * h
        moved += self._x
        if isinstance(self._function, VectorFunction):
            self._function.difference(moved, self._f, out)
        else:
            out[...] = self._function(moved) - self._f
        out *= 1 / h
        return out


class ProductsOnly:
    """A Jacobian of which only products are formed, by differences of the function."""

    functions, calls = (), 0

    def __init__(self, function):
        self._function = function

    def at(self, x, f) -> Operator:
        """Return the products with the Jacobian at `x`, where the function has the value `f`."""
        return DirectionalJacobian(self._function, x, f)


def jacobian(jac, function: VectorFunction, variables, args=(), sparsity=None, matrix=False, **options):
    """Return the Jacobian for the caller's arguments.

    Parameters
    ----------
    jac : callable, one of `DIFFERENCES`, False or None
        The caller's argument; False is None. (`WithDerivative` splits a `fun` that returns both.)
    function : VectorFunction
        The function, evaluated once before: its number of values is known.
    variables : Variables
        The variables.
    args : tuple
        Further arguments of `jac`.
    sparsity : sparse array, shape (m, n), optional
        Pattern of the Jacobian for finite differences.
    matrix : bool
        Whether entries are needed; without `jac` and `sparsity`, products alone are formed otherwise.
    **options
        ``scale``, ``bounds`` and ``step`` of `DifferenceJacobian`.

    Returns
    -------
    GivenJacobian, DifferenceJacobian or ProductsOnly
        Its ``at(x, f)`` returns an `Operator`; `calls` counts evaluations of `jac`.
    """
    if callable(jac):
        if sparsity is not None:
            raise ValueError("jac_sparsity is for finite differences: leave it out, or leave jac out")
        return GivenJacobian(jac, function, variables, args)
    if not asks_for_differences(jac):
        raise ValueError(f"jac is {jac!r}; needed: a callable, True, '2-point', '3-point' or None")
    if sparsity is None and not jac and not matrix:
        return ProductsOnly(function)
    return DifferenceJacobian(function, variables, sparsity, central=jac in ("3-point", "cs"), **options)


def asks_for_differences(derivative):
    """Tell whether the caller's argument for a derivative means finite differences."""
    if isinstance(derivative, str):
        return derivative in DIFFERENCES
    return derivative is None or derivative is False


def _is_hidden(difference, f):
    """Tell whether a difference of values near `f` is no larger than their rounding errors."""
    error = ROUNDING * np.finfo(f.dtype).eps * abs(f)
    return bool((abs(difference) <= error).all())


def _colours_of_columns(pattern):
    """Return a colour for each column; columns of one colour have no row in common."""
    P = (pattern != 0).astype(np.int32)
    together = (P.T @ P).tocsr()
    together.sort_indices()
    return greedy_colouring(together.indptr.astype(np.int32), together.indices.astype(np.int32))


def _library(x):
    return namespace(x).__name__
