"""Loss functions of least squares: what an outlier adds to the cost."""

from typing import Any

import numpy as np

from ... import _validate
from ..._array import to_host
from ..._linear.system import length

LEAST_CURVATURE = 0.01  # of a residual, as a fraction of that of reweighted least squares


def _huber(z, xp):
    root = xp.sqrt(xp.maximum(z, 1.0))
    outside = z > 1
    return (
        xp.where(outside, 2 * root - 1, z),
        1 / root,
        xp.where(outside, -0.5 / (root * xp.maximum(z, 1.0)), 0 * z),
    )


def _soft_l1(z, xp):
    root = xp.sqrt(1 + z)
    return 2 * (root - 1), 1 / root, -0.5 / root**3


def _cauchy(z, xp):
    return xp.log(1 + z), 1 / (1 + z), -1 / (1 + z) ** 2


def _arctan(z, xp):
    return xp.arctan(z), 1 / (1 + z**2), -2 * z / (1 + z**2) ** 2


LOSSES = {"huber": _huber, "soft_l1": _soft_l1, "cauchy": _cauchy, "arctan": _arctan}


class Loss:
    r"""The cost :math:`\frac12 \sum_i C^2 \rho(f_i^2 / C^2)` of residuals f, and its Gauss-Newton model.

    With ``z = (f / C)**2`` the gradient of the cost is :math:`J^T (\rho'(z) f)`, and the Hessian without
    second derivatives of f is :math:`J^T \operatorname{diag}(\rho' + 2 z \rho'') J`. `weighted` returns
    factors that make the cost look like one of plain least squares. A curvature that is not positive is
    replaced by a small positive one.

    B. Triggs, P. F. McLauchlan, R. I. Hartley, A. W. Fitzgibbon, Bundle adjustment: a modern synthesis,
    Vision Algorithms, LNCS 1883 (2000) 298-372, section 4.3, doi:10.1007/3-540-44480-7_21.
    """

    def __init__(self, loss, f_scale, xp):
        self.scale, self._xp, self._rho = _validate.positive(f_scale, "f_scale"), xp, loss
        self.is_linear = isinstance(loss, str) and loss == "linear"
        if not callable(loss):
            _validate.choice(loss, "loss", ("linear", *LOSSES))

    def _values(self, f):
        z, xp = (f / self.scale) ** 2, self._xp
        if not callable(self._rho):
            return LOSSES[self._rho](z, xp)
        values = _validate.as_array(self._rho(z), "the value of loss", xp)
        if values.shape != (3, *z.shape):
            raise ValueError(
                f"loss returned an array of shape {values.shape}, but {(3, *z.shape)} is needed: the values "
                "of rho(z) and its first two derivatives"
            )
        return values

    def cost(self, f):
        """Return the cost as a float of the host."""
        if self.is_linear:
            size = length(f)
            return 0.5 * size * size  # infinite where a power would raise OverflowError
        return 0.5 * self.scale**2 * _number(self._values(f)[0].sum())

    def decrease(self, f, new):
        """Return the cost of `f` less that of `new`."""
        if self.is_linear:  # a product loses fewer digits than the difference of the costs
            return 0.5 * _number(((f - new) * (f + new)).sum())
        return self.cost(f) - self.cost(new)

    def weighted(self, f):
        """Return the residuals of the model and the factors of the rows of the Jacobian; None for ones."""
        if self.is_linear:
            return f, None
        _, first, second = self._values(f)
        xp = self._xp
        curvature = xp.maximum(first + 2 * (f / self.scale) ** 2 * second, LEAST_CURVATURE * first)
        root = xp.sqrt(xp.maximum(curvature, 0 * f))
        r = xp.where(root > 0, first * f / xp.where(root > 0, root, 1 + root), 0 * f)
        return r.astype(f.dtype), root.astype(f.dtype)


def _number(value: Any):
    return float(np.asarray(to_host(value)))
