"""The trust-region Newton method: by eigenvectors, factorisations, or truncated conjugate gradients."""

from math import isfinite, sqrt

from ... import _validate
from ..._operators.operator import as_operator
from .objective import decrease
from .search import Search
from .secular import in_ball
from .shifted import shifted_step
from .truncated_cg import dot, truncated_cg

ACCEPT, SHRINK, GROW = 1e-4, 0.25, 0.75  # ratios of actual and predicted decrease


class TrustRegion(Search):
    """Minimise the quadratic model in a ball, whose radius follows the quality of the model.

    A. R. Conn, N. I. M. Gould, P. L. Toint, Trust-region methods, SIAM, 2000, algorithm 6.1.1,
    doi:10.1137/1.9780898719857.

    Parameters
    ----------
    radius : float, optional
        The first radius. Default: the larger of norm(x0) / 10 and the step to the minimum along the gradient.
    M : operator or callable, optional
        Preconditioner of the conjugate gradients: an approximation of the inverse Hessian, or a function of
        the point that returns one. The ball is then that of its inverse.
    """

    checks_curvature = True

    def __init__(self, objective, *, radius=None, M=None):
        super().__init__(objective)
        self._radius = None if radius is None else _validate.positive(radius, "radius")
        self._M = M
        self._predicted, self._size = 0.0, 0.0
        self._preconditioner = (None, None)
        self._is_factorable = None

    def first(self, point):
        if self._radius is not None:
            return self._radius
        g = self.objective.metric.back(self.objective.metric.into(point.gradient))
        curvature = abs(dot(g, point.model.product(g)))
        cauchy = dot(g, point.gradient) / curvature * self.objective.metric.norm(g) if curvature > 0 else 0.0
        return max(self.objective.metric.norm(point.x) / 10, cauchy) or 1.0

    def step(self, point, parameter):
        model, g = point.model, point.gradient
        spectrum = model.spectrum if self._M is None else None
        if spectrum is not None:
            c = spectrum.coefficients(g)
            y = in_ball(spectrum.values, c, parameter)
            self._predicted = -float(c @ y + y @ (spectrum.values * y) / 2)
            self._size = float((y @ y) ** 0.5)
            return spectrum.combined(y)
        found = None
        if self._M is None and self._factorises(model):
            found = shifted_step(model, g, parameter)
        if found is None:
            found = truncated_cg(
                model.product,
                g,
                radius=parameter,
                rtol=min(0.5, sqrt(point.norm / self.objective.first)),
                M=self._preconditioner_at(point),
            )
        self._predicted, self._size = found.predicted, found.size
        return found.step

    def judge(self, point, trial, step, parameter):
        actual = decrease(point, trial)
        if not self._predicted > 0 or not isfinite(self._predicted):
            return False, self._size / 4
        ratio = actual / self._predicted
        if ratio < SHRINK:
            slope = dot(point.gradient, step)
            bend = 2 * (-slope - actual)  # a parabola through both values has its minimum at slope / bend
            part = -slope / bend if bend > 0 and isfinite(bend) else 0.0
            parameter = self._size * min(max(part, 0.1), 0.5)
        elif ratio > GROW and self._size > 0.9 * parameter:
            parameter = 2 * parameter
        return ratio > ACCEPT, parameter

    def _factorises(self, model):
        """Tell whether the first Hessian, and so all of them, can be factorised."""
        if self._is_factorable is None:
            self._is_factorable = model.is_factorable
        return self._is_factorable

    def harder(self, parameter):
        return min(parameter, self._size or parameter) / 4

    def _preconditioner_at(self, point):
        """Return the caller's preconditioner at a point."""
        if self._M is None:
            return None
        if self._preconditioner[0] is not point:
            M = self._M(point.x.copy()) if callable(self._M) and not hasattr(self._M, "shape") else self._M
            operator = as_operator(M, point.model.H.library, "M")
            if operator.shape != (len(point.x),) * 2:
                raise ValueError(f"M has shape {operator.shape}; {(len(point.x),) * 2} is needed")
            self._preconditioner = (point, operator.astype(point.x.dtype))
        return self._preconditioner[1]
