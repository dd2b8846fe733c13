r"""The Lagrangian ``L(x, y) = f(x) + y^T c(x)`` of a problem with equality constraints, and derivatives."""

from math import inf, isfinite, nan, sqrt
from typing import Any

import numpy as np

from ... import _validate
from ..._functions import Function, ScalarFunction, VectorFunction, WithDerivative
from ..._linear.system import length
from ..._operators.operator import Operator, as_operator
from ..._result import Breakdown, Status
from .._differences import DifferenceGradient, typical_sizes
from .._jacobians import DifferenceJacobian, DirectionalJacobian, asks_for_differences
from .constraints import Constraint
from .matrices import (
    adjoint_product,
    combined,
    formed,
    has_entries,
    matrix_of,
    row_norms,
    scaled_rows,
    stacked,
)

# Variables up to which a Hessian is formed by differences, also where products with it would be enough.
MOST_DIFFERENCES = 50


class Objective:
    """The objective of the caller, its gradient, and what is given of its Hessian.

    Attributes
    ----------
    rounding : float
        Relative error of the gradient.
    """

    def __init__(self, fun, grad, variables, args):
        eps = float(np.finfo(variables.dtype).eps)
        if grad is True:
            pair = WithDerivative(fun)
            fun, grad = pair.value, pair.derivative
        self.value = ScalarFunction(fun, variables, args)
        self.rounding = eps if callable(grad) else eps ** (2 / 3)
        if callable(grad):
            because = f"x0 has the shape {variables.shape}, so it needs"
            self.gradient: Any = VectorFunction(grad, variables, args, "grad", variables.n, because)
        elif asks_for_differences(grad):
            self.gradient = DifferenceGradient(self.value, variables)
        else:
            raise ValueError(f"grad is {grad!r}; needed: a callable, True or None")

    @property
    def functions(self):
        """The functions of the caller."""
        return [self.value, self.gradient] if isinstance(self.gradient, Function) else [self.value]


class Curvature:
    """The Hessian of the Lagrangian: the parts that were given, and differences of gradients for the others.

    Parameters
    ----------
    objective : Objective
        The objective.
    constraints : list of Constraint
        The constraints.
    variables : Variables
        The variables.
    hess, hessp, sparsity : callable, callable, sparse array
        The caller's arguments.
    args : tuple
        Further arguments of the functions of the objective.
    needs_entries : bool
        Whether products with the Hessian are not enough.
    """

    def __init__(self, objective, constraints, variables, hess, hessp, sparsity, args, needs_entries):
        self._objective, self._constraints, self._variables = objective, constraints, variables
        self._needs_entries, self._sparsity = needs_entries, sparsity
        self._hess = None if hess is None else Function(hess, variables, args, "hess")
        self._hessp = None
        if hessp is not None:
            because = f"x0 has the shape {variables.shape}, so it needs"
            self._hessp = VectorFunction(hessp, variables, args, "hessp", variables.n, because)
        self._unknown = [i for i, c in enumerate(constraints) if c.curvature == "differences"]
        self.m = variables.n  # the size of what is differenced
        self._multipliers: Any = None

    @property
    def functions(self):
        """The functions of the caller."""
        return [f for f in (self._hess, self._hessp) if f is not None]

    def at(self, x, multipliers):
        """Return the Hessian at `x`: a matrix, or an operator if products are enough."""
        pieces = [multipliers[part] for part in parts(self._constraints)]
        terms = []
        if self._hess is not None:
            terms.append(self._checked(self._hess(x), "hess"))
        elif self._hessp is not None:
            terms.append(HessianProducts(self._hessp, x))
        for constraint, y in zip(self._constraints, pieces, strict=True):
            if constraint.curvature == "given":
                terms.append(self._checked(constraint.hessian(x, y), f"{constraint.name}.hess"))
        differenced = self._differences(x, pieces)
        terms += [] if differenced is None else [differenced]
        if self._needs_entries:
            terms = [formed(A, self._variables.xp) for A in terms]
        return combined([(1.0, A) for A in terms])

    def _checked(self, H, name):
        """Return a Hessian of the caller as a matrix or an operator; raise unless its shape fits."""
        n, variables = self._variables.n, self._variables
        if not (hasattr(H, "tocsr") or hasattr(H, "matvec")):
            H = _validate.as_array(H, f"the value of {name}", variables.xp)
            H = H.reshape(n, n) if H.size == n * n else H
        if tuple(H.shape) != (n, n):
            raise ValueError(f"{name} returned an array of shape {tuple(H.shape)}, but ({n}, {n}) is needed")
        return matrix_of(as_operator(H, variables.library, name).astype(variables.dtype))

    def _differences(self, x, pieces):
        """Return the Hessian of the terms whose second derivatives were not given, or None."""
        of_objective = self._hess is None and self._hessp is None
        unknown = [i for i in self._unknown if bool((pieces[i] != 0).any())]
        if not of_objective and not unknown:
            return None

        objective = self._objective if of_objective else None
        gradient = UnknownGradient(objective, [(self._constraints[i], pieces[i]) for i in unknown], self.m)
        if not self._needs_entries and self.m > MOST_DIFFERENCES:
            return DirectionalJacobian(gradient, x, gradient(x))
        exact = self._objective.rounding < 1e-12 or not of_objective
        step = None if exact else float(np.finfo(x.dtype).eps) ** 0.25
        sizes = getattr(self._objective.gradient, "sizes", typical_sizes(self._variables))
        differences = DifferenceJacobian(
            gradient, self._variables, self._sparsity, sizes, step=step, enlarges=False
        )
        H = matrix_of(differences.at(x, gradient(x)))
        return (H + H.T) / 2


class UnknownGradient:
    """The gradient of those terms of the Lagrangian whose second derivatives were not given."""

    def __init__(self, objective, terms, n):
        self._objective, self._terms, self.m = objective, terms, n

    def __call__(self, x):
        g = x * 0 if self._objective is None else self._objective.gradient(x)
        for constraint, y in self._terms:
            g = g + adjoint_product(matrix_of(constraint.jacobian(x, constraint.first)), y)
        return g

    def difference(self, x, g, out):
        """Write the gradient at `x` minus `g` to `out`."""
        out[...] = self(x) - g


class HessianProducts(Operator):
    """Products with a Hessian by the caller's `hessp`."""

    def __init__(self, hessp, x):
        super().__init__((len(x), len(x)), x.dtype, hessp._variables.library)
        self._hessp, self._x = hessp, x.copy()

    def apply(self, x, out):
        out[...] = self._hessp(self._x, self._hessp._variables.shown(x))
        return out


def parts(constraints):
    """Return the slices of the rows of each constraint."""
    ends = np.cumsum([c.m for c in constraints])
    return [slice(int(end) - c.m, int(end)) for end, c in zip(ends, constraints, strict=True)]


class Point:
    """The values at a point, in the units of the method.

    Attributes
    ----------
    v : array, shape (n + m,)
        Variables and multipliers.
    f : float
        The objective. It is infinite or NaN at a point without values, where nothing else is known.
    c : array, shape (m,)
        The constraints.
    J : array, sparse matrix or Operator, shape (m, n)
        Their Jacobian.
    g : array, shape (n,)
        The gradient of the objective.
    residual : array, shape (n + m,)
        The gradient of the Lagrangian, above the constraints.
    """

    def __init__(self, v, n, f, c, J=None, g=None):
        self.v, self.n, self.f, self.c, self.J, self.g = v, n, f, c, J, g
        self.is_finite = False
        if J is not None:
            xp = _validate.same_library(v=v)[1]
            self.residual = xp.concatenate((g + adjoint_product(J, v[n:]), c))
            self.is_finite = isfinite(f) and isfinite(float(abs(self.residual).sum()))

    @property
    def x(self):
        """The variables."""
        return self.v[: self.n]

    @property
    def y(self):
        """The multipliers."""
        return self.v[self.n :]

    @property
    def gradient(self):
        """The gradient of the Lagrangian."""
        return self.residual[: self.n]

    def merit(self, penalty, gradient_penalty):
        """Return the exact augmented Lagrangian."""
        if not self.is_finite:
            return inf
        c, g = self.c, self.gradient
        return self.f + float(self.y @ c) + penalty / 2 * float(c @ c) + gradient_penalty / 2 * float(g @ g)

    def merit_gradient(self, H, penalty, gradient_penalty):
        """Return the gradient of the exact augmented Lagrangian, with the Hessian `H` of the Lagrangian."""
        c, g, J = self.c, self.gradient, self.J
        along_x = g + gradient_penalty * (H @ g) + penalty * adjoint_product(J, c)
        return _validate.same_library(c=c)[1].concatenate((along_x, c + gradient_penalty * (J @ g)))


class Lagrangian:
    """A problem with equality constraints, in units in which its derivatives are near one at the start.

    The objective is divided by the size of the Hessian, and each constraint by the norm of its row of the
    Jacobian. Then both have units of length, and no step depends on the units of the caller.

    Attributes
    ----------
    n, m : int
        Number of variables and of equations.
    objective_unit : float
        The objective in the caller's units over that of the method.
    row_units : array, shape (m,)
        The same for the constraints.
    """

    def __init__(self, objective: Objective, constraints: list[Constraint], curvature: Curvature, variables):
        self.objective, self.constraints, self.curvature = objective, constraints, curvature
        self.n, self.m = variables.n, sum(c.m for c in constraints)
        self.variables, self.xp = variables, variables.xp
        self.objective_unit, self.row_units = 1.0, self.xp.ones(self.m, variables.dtype)
        self._last: Any = None
        self._hessian: Any = None

    @property
    def functions(self):
        """The functions of the caller."""
        found = [*self.objective.functions, *self.curvature.functions]
        return [*found, *(f for c in self.constraints for f in c.functions)]

    def point(self, v):
        """Return the values at `v`, or those that are known to be infinite; the last ones are kept."""
        last = self._last
        if last is not None and (last.v is v or bool((last.v == v).all())):
            return last
        x = v[: self.n]
        f = self.objective.value(x) / self.objective_unit
        c = self.xp.concatenate(tuple(constraint(x) for constraint in self.constraints))
        point = Point(v, self.n, f if isfinite(float(abs(c).sum())) else nan, c / self.row_units)
        if isfinite(point.f):
            try:
                g = self.objective.gradient(x) / self.objective_unit
                point = Point(v, self.n, f, point.c, self._jacobian(x, c), g)
            except Breakdown as error:
                if error.status is not Status.NONFINITE:
                    raise
        return point

    def _jacobian(self, x, c):
        """Return the Jacobian of all constraints, whose values are `c` in the caller's units."""
        rows = zip(self.constraints, parts(self.constraints), strict=True)
        J = stacked([matrix_of(constraint.jacobian(x, c[part])) for constraint, part in rows])
        return J if self._has_units_of_one() else scaled_rows(J, 1 / self.row_units)

    def with_multipliers(self, point, y):
        """Return the point with other multipliers."""
        v = self.xp.concatenate((point.x, y))
        return Point(v, self.n, point.f, point.c, point.J, point.g)

    def keep(self, point):
        """Keep a point, so that `point` returns it without evaluations."""
        self._last = point

    def hessian(self, point):
        """Return the Hessian of the Lagrangian at a point; the last one is kept."""
        if self._hessian is None or self._hessian[0] is not point:
            H = self.curvature.at(point.x, self.given_multipliers(point.y))
            self._hessian = point, H if self.objective_unit == 1 else combined([(1 / self.objective_unit, H)])
        return self._hessian[1]

    def given_multipliers(self, y):
        """Return the multipliers in the caller's units."""
        return y * (self.objective_unit / self.row_units)

    def own_multipliers(self, y):
        """Return the multipliers in the units of the method."""
        return y * (self.row_units / self.objective_unit)

    def given_residual(self, point):
        """Return the residual of the conditions for an optimum in the caller's units."""
        g = point.gradient * self.objective_unit
        return self.xp.concatenate((g, point.c * self.row_units))

    def rounding(self, point):
        """Return the norm of the rounding errors of the residual, in the caller's units."""
        eps = float(np.finfo(point.v.dtype).eps)
        J, y = point.J, point.y
        if has_entries(J):
            J = abs(J)
            terms, rows = adjoint_product(J, abs(y)), J @ abs(point.x)
        else:
            terms, rows = adjoint_product(J, y), J @ point.x
        g = self.objective.rounding * (abs(point.g) + abs(terms))
        for constraint, part in zip(self.constraints, parts(self.constraints), strict=True):
            g = g + constraint.difference_error(point.x, float((abs(y) * abs(rows))[part].sum()))
        g = g * self.objective_unit
        return sqrt(length(g) ** 2 + length(eps * (abs(rows) + abs(point.c)) * self.row_units) ** 2)

    def choose_units(self, start):
        """Choose the units at the start, the values of which are in the caller's units."""
        H = self.hessian(start)
        rows = self._row_norms(start)
        largest = float(rows.max()) or 1.0
        rows = self.xp.where(rows > 0, rows, largest)
        size = hessian_size(H, start)
        reach = max(length(start.x), length(start.c / rows)) or 1.0
        unit = max(size, length(start.g) / reach) or 1.0
        self.row_units = rows
        self.objective_unit = unit
        v = start.v.copy()
        v[self.n :] = self.own_multipliers(v[self.n :])
        self._hessian = None
        J = scaled_rows(start.J, 1 / rows)
        point = Point(v, self.n, start.f / unit, start.c / rows, J, start.g / unit)
        self._hessian = point, combined([(1 / unit, H)])
        self.keep(point)
        return point

    def _row_norms(self, start):
        if has_entries(start.J):
            return row_norms(start.J)
        size = length(start.J @ start.gradient) / (length(start.gradient) or 1.0)
        return self.xp.full(self.m, size, start.v.dtype)

    def _has_units_of_one(self):
        return bool((self.row_units == 1).all())


def hessian_size(H, point):
    """Return about the 2-norm of a Hessian: the largest sum of a row, or that of a product."""
    if has_entries(H):
        return float((abs(H) @ (abs(point.x) * 0 + 1)).max())
    direction = point.gradient
    if not bool((direction != 0).any()):
        direction = direction + 1
    return length(H @ direction) / length(direction)
