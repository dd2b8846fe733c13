"""A starting guess from the last solutions, which is accurate in a slow drift."""

import numpy as np

from ..._array import library, namespace, to_host
from ..._linear.system import norm
from ..._operators.operator import as_operator
from ...kernels import kernels_for
from ..recycling.space import combined, subtract, whitening


class Guess:
    """The last solutions of systems of one kind, at most `most`, and whether a guess pays for its products.

    The guess is their combination of smallest residual, at one product each (P. F. Fischer, Comput. Methods
    Appl. Mech. Engrg. 163, 1998, doi:10.1016/S0045-7825(98)00012-7). If it gained less than the same number
    of iterations, the next 1, 2, 4, ... systems are solved without it.
    """

    def __init__(self, most):
        self.most, self.solutions, self.products = most, [], 0
        self._wait = self._pause = self._spent = 0
        self._digits = 0.0

    def first(self, A, b):
        """Return the guess for a system, or None."""
        self._spent = 0
        if not self.solutions or np.shape(b) != self.solutions[0].shape or np.shape(A) != 2 * b.shape:
            return None
        if self._wait:
            self._wait -= 1
            return None
        xp, X = namespace(b), namespace(b).stack(self.solutions)
        A, b = as_operator(A, library(b) or "numpy").astype(X.dtype), b.astype(X.dtype)
        AX, kernels = xp.empty_like(X), kernels_for(X)
        for x, image in zip(X, AX, strict=True):
            A.apply(x, image)
        self._spent = len(X)
        self.products += len(X)
        gram, along = to_host(kernels.rows_gram(AX, AX), kernels.rows_gram(AX, b[None]))
        T = whitening(gram)
        y = T @ (T.conj().T @ along)
        size, left = norm(b), norm(subtract(xp.asarray(y[:, 0].astype(X.dtype)), AX, b, xp.empty_like(b)))
        if not left < size:
            return None
        self._digits = np.log10(size / max(left, np.finfo(X.dtype).eps * size))
        return combined(y, X)[0]

    def observe(self, result):
        """Keep a solution, and decide whether the guess paid for its products."""
        if self._spent and len(result.residuals) > 1:
            first, last = result.residuals[0], result.residuals[-1]
            digits = np.log10(first / last) if 0 < last < first else np.inf
            worth = self._digits * result.nit >= self._spent * digits
            self._pause = 0 if worth else max(1, 2 * self._pause)
            self._wait = self._pause
        if result.success and result.x.ndim == 1 and self.most:
            self.solutions = [*self.solutions, result.x][-self.most :]
