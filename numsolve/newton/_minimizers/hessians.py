"""Gradients and Hessians: given by the caller, by differences, as products, or their diagonal alone."""

from math import sqrt
from typing import Any

import numpy as np

from ... import _validate
from ..._array import is_sparse, namespace, sparse_module
from ..._functions import Function, VectorFunction
from ..._linear.system import length
from ..._operators.operator import Csr, Dense, Operator
from ..._result import Breakdown, Status
from .._differences import DifferenceGradient, typical_sizes
from .._jacobians import DifferenceJacobian, GivenJacobian, asks_for_differences

MOST_DIFFERENCES = 50  # variables up to which a Hessian is formed by differences, without one from the caller
ASYMMETRY = 1e-3  # relative asymmetry above which a matrix is no Hessian
PROBES = 10  # random vectors for the diagonal of a Hessian


class GivenHessian:
    """The Hessian that a function of the caller returns."""

    is_exact = True

    def __init__(self, hess, grad, variables, args=()):
        self._given = GivenJacobian(hess, grad, variables, args, name="hess")
        self.functions = self._given.functions

    @property
    def calls(self):
        """Evaluations of the caller's function."""
        return self._given.calls

    def at(self, point) -> Operator:
        """Return the Hessian at a point as an operator."""
        H = self.functions[0](point.x)
        if not is_sparse(H) and not hasattr(H, "matvec"):
            H = _validate.as_array(H, "the value of hess", namespace(point.x))
        entries = H.data if is_sparse(H) else H
        if hasattr(entries, "sum") and not bool(abs(entries.sum()) < np.inf):
            raise Breakdown("hess returned NaN or infinite entries at the last point", Status.NONFINITE)
        operator = self._given.checked(H)
        if isinstance(operator, Dense) and self.calls == 1:
            A = operator.array
            if A.size and float(abs(A - A.T).max()) > ASYMMETRY * float(abs(A).max()):
                raise ValueError(
                    "hess returned a matrix that is not symmetric: check it with check_derivative"
                )
        return operator


class DifferenceHessian:
    """The Hessian by differences of the gradient: central ones, or forward ones on a sparsity pattern.

    Central differences take 2 n gradients. Their step for component j is the cube root of the gradient's
    relative error times ``max(abs(x[j]), s[j])``; s is that of `typical_sizes`.
    """

    is_exact, calls, functions = True, 0, ()

    def __init__(self, grad, variables, sparsity=None):
        self._jacobian = DifferenceJacobian(
            grad,
            variables,
            sparsity,
            scale=getattr(grad, "sizes", typical_sizes(variables)),
            rounding=getattr(grad, "rounding", None),
            central=sparsity is None,
            enlarges=False,
        )

    def at(self, point) -> Operator:
        """Return the Hessian at a point as an operator."""
        try:
            return self._jacobian.at(point.x, point.gradient)
        except Breakdown as error:
            if error.status != Status.NONFINITE:
                raise
            message = "grad is not finite near x, where it is differenced: pass hess"
            raise Breakdown(message, Status.NONFINITE) from error


class HessianProducts:
    """Products with the Hessian, by a function of the caller, or by differences of the gradient."""

    is_exact = True

    def __init__(self, hessp, grad, variables, args=()):
        self._grad, self._variables = grad, variables
        self._function = None if hessp is None else Function(hessp, variables, args, "hessp")
        self.functions = () if self._function is None else (self._function,)

    @property
    def calls(self):
        """Evaluations of the caller's function."""
        return 0 if self._function is None else self._function.calls

    def at(self, point) -> Operator:
        """Return the Hessian at a point as an operator."""
        return _Products(self, point)

    def product(self, point, v):
        """Return the product with `v`."""
        if self._function is None:
            return self._by_differences(point, v)
        product = self._function(point.x, self._variables.shown(v))
        product = _validate.as_array(product, "the value of hessp", self._variables.xp)
        if product.size != len(v):
            raise ValueError(
                f"hessp returned an array of shape {product.shape}; {self._variables.shape} is needed"
            )
        return product.reshape(-1).astype(v.dtype)

    def _by_differences(self, point, v):
        """Return a forward difference of the gradient, with a step of the size of x."""
        size, x = length(v), point.x
        if size == 0:
            return 0 * v
        rounding = getattr(self._grad, "rounding", float(np.finfo(x.dtype).eps))
        h = sqrt(rounding) * (length(x) or 1.0) / size
        return (self._grad(x + h * v) - point.gradient) / h


class _Products(Operator):
    """The Hessian at a point as an operator."""

    def __init__(self, products, point):
        super().__init__((len(point.x),) * 2, point.x.dtype, namespace(point.x).__name__)
        self._products, self._point = products, point

    def apply(self, x, out):
        out[...] = self._products.product(self._point, x)
        if not bool(abs(out.sum()) < np.inf):
            raise Breakdown("the product with the Hessian is NaN or infinite", Status.NONFINITE)
        return out


class DiagonalHessian:
    """An approximation of the Hessian by the absolute values of its diagonal, as a diagonal matrix.

    The diagonal of H is the mean of ``v * (H @ v)`` over vectors v of random signs.

    C. Bekas, E. Kokiopoulou, Y. Saad, An estimator for the diagonal of a matrix, Appl. Numer. Math. 57 (2007)
    1214-1229, doi:10.1016/j.apnum.2007.01.003.
    """

    is_exact = False

    def __init__(self, inner, rng, variables):
        self._inner, self._rng, self._variables = inner, np.random.default_rng(rng), variables
        self.functions = inner.functions

    @property
    def calls(self):
        """Evaluations of the caller's function."""
        return self._inner.calls

    def at(self, point) -> Operator:
        """Return the diagonal at a point as an operator."""
        xp, n = self._variables.xp, self._variables.n
        H = self._inner.at(point)
        total = xp.zeros(n, point.x.dtype)
        for _ in range(PROBES):
            v = xp.asarray(self._rng.choice([-1.0, 1.0], n).astype(point.x.dtype))
            total += v * (H @ v)
        diagonal = abs(total) / PROBES
        pointers = xp.arange(n + 1)
        matrix = sparse_module(self._variables.library).csr_matrix(
            (diagonal, pointers[:-1], pointers), shape=(n, n)
        )
        return Csr(matrix)


def gradient_of(grad, fun, variables, args) -> Any:
    """Return the gradient for the caller's argument: a callable, or None for central differences."""
    if asks_for_differences(grad):
        return DifferenceGradient(fun, variables)
    return VectorFunction(grad, variables, args, "grad", m=variables.n, because="x0 has")


def hessians_of(hess, hessp, grad, variables, args, *, sparsity=None, rng=None) -> Any:
    """Return the Hessian for the caller's arguments.

    Without `hess` and `hessp`, the matrix is formed by differences for few variables, or with a sparsity
    pattern; otherwise only products are formed.
    """
    if hess is not None and hessp is not None:
        raise ValueError("both hess and hessp are given; one of them is needed")
    if callable(hess):
        return GivenHessian(hess, grad, variables, args)
    if isinstance(hess, str) and hess == "diagonal":
        return DiagonalHessian(HessianProducts(hessp, grad, variables, args), rng, variables)
    if not asks_for_differences(hess):
        raise ValueError(f"hess is {hess!r}; needed: a callable, '2-point', 'diagonal' or None")
    if hessp is None and (hess or sparsity is not None or variables.n <= MOST_DIFFERENCES):
        return DifferenceHessian(grad, variables, sparsity)
    return HessianProducts(_validate.function(hessp, "hessp"), grad, variables, args)
