"""Gradient methods with a polynomial preconditioner of a fixed matrix."""

import numpy as np

from ... import _validate
from ..._array import to_host
from ..._operators.operator import as_operator
from ..._result import Breakdown
from .models import model_of
from .objective import decrease
from .search import Search
from .truncated_cg import dot, truncated_cg


class Polynomial(Search):
    r"""The gradient method with a polynomial of a matrix B as preconditioner.

    B is near the Hessian up to constants: :math:`\mu B \le \nabla^2 f \le L B`. The symmetric polynomial of
    degree :math:`\tau` is :math:`P_\tau = e_\tau I - B P_{\tau-1}`, :math:`P_0 = I`, where :math:`e_\tau` is
    the elementary symmetric polynomial of the eigenvalues of B. Its eigenvalues are the elementary symmetric
    polynomials of the other eigenvalues, from which it is computed here. The step is
    :math:`-P_\tau g / (M \lambda_{\max}(P_\tau B))`. With `krylov`, :math:`\tau + 1` steps of conjugate
    gradients for :math:`B h = -g / M` give the best polynomial for each gradient. M is doubled until
    :math:`f(x + h) \le f(x) + g^T h + (M / 2) h^T B h`, and then halved.

    N. Doikov, A. Rodomanov, Polynomial preconditioning for gradient methods, ICML 2023, arXiv:2301.13194.

    Parameters
    ----------
    degree : int
        The degree :math:`\tau` of the polynomial.
    krylov : bool
        Whether the polynomial is the best one for each gradient.
    B : array, sparse array or LinearOperator, shape (n, n), optional
        Default: the Hessian at x0.
    M0 : float
        The first M.
    """

    checks_curvature = False

    def __init__(self, objective, *, degree=2, krylov=True, B=None, M0=1.0):
        super().__init__(objective)
        self._degree, self._krylov = _validate.count(degree, "degree"), bool(krylov)
        self._B, self._M0 = B, _validate.positive(M0, "M0")

    def first(self, point):
        if self._B is None:
            self._model = point.model
        else:
            n = len(point.x)
            B = as_operator(self._B, point.model.H.library, "B")
            if B.shape != (n, n):
                raise ValueError(f"B has shape {B.shape}; ({n}, {n}) is needed")
            self._model = model_of(B.astype(point.x.dtype), self.objective.metric)
        if not self._krylov:
            self._prepare()
        return self._M0

    def _prepare(self):
        """Compute the eigenvalues of the polynomial, in units of its largest product with an eigenvalue."""
        spectrum = self._model.spectrum
        if spectrum is None:
            raise ValueError(
                "krylov=False needs the eigenvalues of a dense B of at most 500 rows: use krylov=True"
            )
        values = spectrum.values
        if not values[0] > 0:
            raise Breakdown("B has an eigenvalue <= 0: pass a positive definite B")
        others = elementary_of_others(values / values[-1], self._degree)
        self._spectrum, self._polynomial = spectrum, others / (others * values).max()

    def step(self, point, parameter):
        g = point.gradient
        if not self._krylov:
            return self._spectrum.combined(-self._polynomial * self._spectrum.coefficients(g) / parameter)
        found = truncated_cg(self._model.product, g, rtol=0.0, maxiter=self._degree + 1)
        if found.is_curved:
            raise Breakdown("B has a direction of curvature <= 0: pass a positive definite B")
        return found.step / parameter

    def judge(self, point, trial, step, parameter):
        bound = -dot(point.gradient, step) - parameter / 2 * dot(step, self._model.product(step))
        return (True, parameter / 2) if decrease(point, trial) >= bound else (False, 2 * parameter)

    def harder(self, parameter):
        return 2 * parameter


def elementary_of_others(values, degree):
    """Return, for each value, the elementary symmetric polynomial of a degree of the other values."""
    values = to_host(values)
    e = np.zeros((degree + 1, len(values)))
    e[0] = 1
    for i, value in enumerate(values):
        added = value * e[:-1]
        added[:, i] = 0
        e[1:] += added
    return e[degree]
