"""Equality constraints: SciPy's objects and functions of the caller, as one function of the variables."""

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ... import _validate
from ..._array import is_sparse
from ..._functions import Function, VectorFunction, WithDerivative
from .._differences import typical_sizes
from .._jacobians import DifferenceJacobian, GivenJacobian, asks_for_differences

INEQUALITY = (
    "{} is an inequality; equality constraints alone are supported: use scipy.optimize.minimize with "
    "method='trust-constr', or turn it into an equality with a slack variable"
)
FORMS = (
    "needed: a function c, a tuple (c, jac) or (c, jac, hess), a dict or an object of scipy.optimize, or a "
    "list of these"
)


class Given(NamedTuple):
    """One constraint ``fun(x) = target`` as the caller gave it."""

    name: str
    fun: Any
    jac: Any = None
    hess: Any = None
    args: tuple = ()
    target: Any = 0.0
    sparsity: Any = None


def read(constraints):
    """Return the caller's constraints as a list of `Given`."""
    if constraints is None or (isinstance(constraints, (list, tuple)) and not constraints):
        raise ValueError("constraints is empty: use newton.minimize for a problem without them")
    if _is_one(constraints):
        return [_read_one(constraints, "constraints")]
    if not isinstance(constraints, (list, tuple)):
        raise TypeError(f"constraints is a {type(constraints).__name__}; {FORMS}")
    return [_read_one(each, f"constraints[{i}]") for i, each in enumerate(constraints)]


def _is_one(given):
    """Tell whether an argument is a single constraint."""
    if isinstance(given, tuple):
        return callable(given[0]) and len(given) <= 3 and not any(map(_is_object, given[1:]))
    return callable(given) or _is_object(given)


def _is_object(given):
    return isinstance(given, dict) or hasattr(given, "lb")


def _read_one(given: Any, name):
    if isinstance(given, dict):
        return _read_dict(given, name)
    if hasattr(given, "lb"):
        return _read_object(given, name)
    parts = given if isinstance(given, tuple) else (given,)
    if not (1 <= len(parts) <= 3 and callable(parts[0])):
        raise TypeError(f"{name} is a {type(given).__name__}; {FORMS}")
    return Given(name, *parts)


def _read_dict(given, name):
    kind = str(given.get("type", "")).lower()
    if kind == "ineq":
        raise ValueError(INEQUALITY.format(name))
    if kind != "eq" or "fun" not in given:
        raise ValueError(f"{name} needs the keys 'type', which is 'eq', and 'fun'; it has {sorted(given)}")
    args = given.get("args", ())
    return Given(name, given["fun"], given.get("jac"), args=args if isinstance(args, tuple) else (args,))


def _read_object(given: Any, name):
    lower, upper = np.broadcast_arrays(np.asarray(given.lb, float), np.asarray(given.ub, float))
    if not (hasattr(given, "fun") or hasattr(given, "A")) or (lower != upper).any():
        raise ValueError(INEQUALITY.format(name))
    target = _validate.finite(lower, f"{name}.lb")
    if hasattr(given, "A"):
        A = given.A if is_sparse(given.A) else np.atleast_2d(np.asarray(given.A, float))
        return Given(name, partial(_product, A), partial(_constant, A), "linear", target=target)
    return Given(
        name,
        given.fun,
        given.jac,
        given.hess,
        target=target,
        sparsity=getattr(given, "finite_diff_jac_sparsity", None),
    )


def _product(A, x):
    return A @ x.reshape(-1)


def _constant(A, x):  # noqa: ARG001 - the Jacobian of a linear function
    return A


class Constraint:
    """A constraint of the caller: its values, its Jacobian, and its Hessian times multipliers.

    Attributes
    ----------
    m : int
        Number of its equations.
    curvature : {"zero", "given", "differences"}
        Where its second derivatives come from.
    first : array, shape (m,)
        Its values at the start.
    """

    def __init__(self, given: Given, variables):
        fun, jac, name = given.fun, given.jac, given.name
        self.name = name
        if jac is True:
            pair = WithDerivative(fun)
            fun, jac = pair.value, pair.derivative
        self._value = VectorFunction(fun, variables, given.args, f"{name}.fun")
        value = self._value(variables.start)
        self.m = len(value)
        if self.m == 0:
            raise ValueError(f"{name}.fun returned no values; at least one is needed")
        try:
            target = np.asarray(given.target, value.dtype)
            target = np.broadcast_to(target, self._value.shape or ()).reshape(-1)
        except ValueError:
            raise ValueError(
                f"{name}.lb has shape {np.shape(given.target)}, but fun returned {self._value.shape}"
            ) from None
        self._target = variables.xp.asarray(target)
        self.first = value - self._target
        self._jacobian = _jacobian(given, jac, self._value, variables)
        self._hess: Any = None
        self.curvature = "zero" if given.hess == "linear" else "differences"
        if callable(given.hess):
            self.curvature = "given"
            self._hess = Function(given.hess, variables, given.args, f"{name}.hess")

    @property
    def functions(self):
        """The functions of the caller."""
        found: list = [self._value, *self._jacobian.functions]
        return found if self._hess is None else [*found, self._hess]

    def __call__(self, x):
        """Return the values at the vector `x`: zero where the constraint holds."""
        return self._value(x) - self._target

    def jacobian(self, x, c):
        """Return the Jacobian at the vector `x`, where the values are `c`, as an operator."""
        return self._jacobian.at(x, c + self._target)

    def difference_error(self, x, size):
        """Return the rounding errors of ``J^T y`` by differences, of which ``y^T c`` has terms of `size`."""
        if not isinstance(self._jacobian, DifferenceJacobian):
            return 0 * x
        return float(np.finfo(x.dtype).eps) * size / abs(self._jacobian.steps(x))

    def hessian(self, x, multipliers):
        """Return the sum of the Hessians times the multipliers, as the caller's function gives it."""
        return self._hess(x, multipliers)


def _jacobian(given, jac, function, variables):
    """Return the Jacobian of a constraint: the caller's, or central differences."""
    if callable(jac):
        return GivenJacobian(jac, function, variables, given.args, f"{given.name}.jac")
    if not asks_for_differences(jac):
        raise ValueError(f"{given.name}.jac is {jac!r}; needed: a callable, True, '2-point' or None")
    return DifferenceJacobian(function, variables, given.sparsity, typical_sizes(variables), central=True)
