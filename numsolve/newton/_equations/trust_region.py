"""A trust region: the linear model is minimised in the span of Newton's step, the gradient and F itself.

The span contains the dogleg path of the first two (M. J. D. Powell, 1970). Without products with the adjoint
the gradient is replaced by the direction F (or M F) with which Krylov spaces begin: P. N. Brown, Y. Saad,
Hybrid Krylov methods for nonlinear systems of equations, SIAM J. Sci. Stat. Comput. 11 (1990) 450-481,
doi:10.1137/0911026. The minimisation in a small subspace is that of R. H. Byrd, R. B. Schnabel, G. A. Shultz,
Math. Program. 40 (1988) 247-263, doi:10.1007/BF01580735.
"""

from math import inf, sqrt
from typing import Any

import numpy as np

from ..._array import namespace, to_host
from ..._linear.system import length
from ..._result import Breakdown, Status
from ...kernels import kernels_for
from ...krylov.recycling.space import combined, whitening
from .equations import NO_ROOT, AtRounding, gradient, squared_ratio

ACCEPT, SHRINK, GROW = 1e-4, 0.25, 0.75  # ratios of true and predicted decrease
SMALLER, LARGER = 0.25, 2.0  # factors of the radius


def steps(equations, point):
    """Yield the points of a trust-region method for the norm of F."""
    radius = None
    while True:
        J = equations.linearised(point)
        try:
            s, linear = equations.step(J, point)
        except AtRounding:
            raise
        except Breakdown as error:
            if error.status is Status.TIME_LIMIT or gradient(J, point.f) is None:
                raise
            s, linear = None, inf
        model = Model(equations, J, point, s, linear)
        radius = radius or (length(point.x) or 1.0 if s is None else length(s))
        point, radius = _searched(equations, point, J, model, radius)
        yield point


def _searched(equations, point, J, model, radius):
    """Return the next point, and the next radius."""
    least = float(np.finfo(point.x.dtype).eps) * length(point.x)
    while radius > max(least, float(np.finfo(point.x.dtype).tiny)):
        p, predicted = model.step(radius)
        expected = 1 - squared_ratio(predicted, point.norm)
        trial = equations.at(point.x + p)
        gain = (1 - squared_ratio(trial.norm, point.norm)) / expected if expected > 0 else -inf
        size = length(p)
        if gain < SHRINK:
            radius = SMALLER * min(size, radius)
        elif gain > GROW and size > 0.9 * radius:
            radius *= LARGER
        if gain >= ACCEPT and trial.norm < point.norm:
            return trial, radius
        if not expected > float(np.finfo(point.x.dtype).eps):
            break
    raise equations.failure(point, J, NO_ROOT)


class Model:
    """The linear model of F around a point, in the span of a few directions.

    The images of the directions are formed when Newton's step lies outside the region for the first time.
    """

    def __init__(self, equations, J, point, s, linear):
        self._equations, self._J, self._f, self._norm = equations, J, point.f, point.norm
        self._unit_f = point.f / point.norm
        self._s, self._linear = s, linear
        self._size = inf if s is None else length(s)
        self._directions: Any = None

    def step(self, radius):
        """Return the step of at most this length that minimises the model, and the least norm."""
        if self._size <= radius:
            return self._s, self._linear
        if self._directions is None:
            self._form()
        y, predicted = minimise(self._gram, self._along, radius)
        p = namespace(self._f).asarray(y.astype(self._f.dtype)) @ self._directions
        return p, predicted * self._norm

    def _form(self):
        """Orthonormalise the directions, and form the images."""
        J, f, xp = self._J, self._unit_f, namespace(self._f)
        candidates = [self._s, gradient(J, f), f]
        rows = [v / length(v) for v in candidates if v is not None and 0 < length(v) < inf]
        P = xp.stack(rows)
        P = combined(whitening(to_host(kernels_for(P).rows_gram(P, P))), P)
        images = xp.stack([(J @ P[i]) / self._norm for i in range(len(P))])
        self._equations.raise_failure()
        self._directions = P
        self._gram = to_host(kernels_for(P).rows_gram(images, images))
        self._along = to_host(kernels_for(P).rows_gram(images, f[None]))[:, 0]


def minimise(gram, along, radius):
    """Minimise ``norm(f + A y)`` over ``norm(y) <= radius``; return y and the least norm.

    ``gram = A^H A``, ``along = A^H f``, and f has the norm 1. The multiplier of the constraint is found by
    Newton's method on ``1 / norm(y)``: J. J. Moré, D. C. Sorensen, SIAM J. Sci. Stat. Comput. 4 (1983)
    553-572, doi:10.1137/0904038.
    """
    values, vectors = np.linalg.eigh((gram + gram.conj().T) / 2)
    c = vectors.conj().T @ along
    values = np.maximum(values, 0)
    kept = values > len(values) * np.finfo(values.dtype).eps * max(values.max(), np.finfo(float).tiny)
    y = np.where(kept, -c / np.where(kept, values, 1), 0)
    if np.linalg.norm(y) > radius:
        mu = 0.0
        for _ in range(60):
            shifted = np.where(kept, values + mu, 1)
            y = np.where(kept, -c / shifted, 0)
            size = np.linalg.norm(y)
            if size <= radius * (1 + 1e-3):
                break
            mu += (size**2 / (abs(y) ** 2 / shifted).sum()) * (size - radius) / radius
        y = y * min(1.0, radius / np.linalg.norm(y))
    square = 1 + 2 * float(np.real(np.vdot(c, y))) + float((values * abs(y) ** 2).sum())
    return vectors @ y, sqrt(max(square, 0.0))
