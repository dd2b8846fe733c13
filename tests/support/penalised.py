"""Penalised regressions: data, and the problem in dense NumPy, which tells how good coefficients are."""

import numpy as np


def data(rng, m=40, n=90, sparse=False, mean=0.4):
    """Return features with means that are not zero, and observations."""
    X = rng.standard_normal((m, n)) + mean
    if sparse:
        X *= rng.random((m, n)) < 0.08
    w = rng.standard_normal(n) * (rng.random(n) < 0.1)
    return X, X @ w + 2 + 0.3 * rng.standard_normal(m)


class Dense:
    """The regression in dense NumPy, with explicit centring."""

    def __init__(self, X, y, lam, rho=1.0, weights=None, sample_weight=None, positive=False, intercept=False):
        m, n = X.shape
        s = np.ones(m) if sample_weight is None else np.asarray(sample_weight, float)
        v = np.ones(n) if weights is None else np.asarray(weights, float)
        self.s, self.l1, self.l2 = s / s.sum(), lam * rho * v, lam * (1 - rho) * v
        self.X, self.y, self.positive = X.astype(float), y.astype(float), positive
        self.x_mean, self.y_mean = self.s @ self.X, self.s @ self.y
        if intercept:
            self.X, self.y = self.X - self.x_mean, self.y - self.y_mean
        self.first = self.s @ self.y**2 / 2

    def gap(self, w):
        """Return the gap at the scaled residuals, the quadratic part of the penalty as rows below X."""
        w = np.asarray(w, float)
        r = self.y - self.X @ w
        c = self.X.T @ (self.s * r) - self.l2 * w
        size = c if self.positive else abs(c)
        t = min([1, *(self.l1[self.l1 > 0] / np.maximum(size[self.l1 > 0], 1e-300))])
        extra = self.l2 @ w**2
        value = self.s @ r**2 / 2 + extra / 2 + self.l1 @ abs(w)
        return value - (t * (self.s * self.y) @ r - t * t * (self.s @ r**2 + extra) / 2)

    def violation(self, w):
        """Return the largest violation of the optimality conditions."""
        w = np.asarray(w, float)
        c = self.X.T @ (self.s * (self.y - self.X @ w)) - self.l2 * w
        at_zero = np.maximum((c if self.positive else abs(c)) - self.l1, 0)
        return np.where(w == 0, at_zero, abs(c - self.l1 * np.sign(w))).max()

    def intercept(self, w):
        return self.y_mean - self.x_mean @ w


def check(result, dense, rtol=1e-6, unit=1e-12):
    """Check that a result is what it claims, against the regression in dense NumPy."""
    assert result.success, result.message
    assert result.gap <= rtol * dense.first
    gap = dense.gap(result.x)
    assert gap <= 1.01 * rtol * dense.first + unit * dense.first
    if dense.positive:
        assert (result.x >= 0).all()
