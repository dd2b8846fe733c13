"""Features without a penalty: their coefficients are fitted exactly, so that a dual point exists."""

from typing import Any

LARGEST = 1 << 27  # entries of the dense matrix of these features


class Unpenalised:
    """The features of a least squares problem that have no penalty.

    The correlations of such a feature with the residuals of a feasible dual point are zero. So its
    coefficient is always the minimiser for the coefficients of the other features.

    Parameters
    ----------
    problem : LeastSquaresProblem
        The data.
    terms : Terms
        The penalty. If it is `positive`, these coefficients are constrained too.
    """

    def __init__(self, problem, terms):
        self._problem, self._positive = problem, terms.positive
        xp = problem.xp
        self._chosen = xp.nonzero((terms.l1 == 0) & (terms.l2 == 0) & ~problem.empty)[0]
        self._B: Any = None
        count, m = len(self._chosen), len(problem.y)
        if not count:
            return
        if count * m > LARGEST:
            raise ValueError(
                f"{count} features have no penalty, which takes a dense matrix of shape ({m}, {count}): pass "
                "lam > 0 and feature weights > 0, or use numsolve.krylov.lsqr for lam = 0"
            )
        if self._positive and problem.features.library != "numpy":
            raise ValueError(
                "positive features without a penalty are fitted on NumPy arrays only: pass lam > 0"
            )
        columns: Any = problem.features.columns(self._chosen)
        B = (columns.toarray() if problem.features.is_sparse else columns).astype(float)
        if problem.fit_intercept:
            B = B - problem.centres[self._chosen]
        self._roots = xp.sqrt(problem.h)
        self._B = self._roots[:, None] * B

    def fitted(self, x) -> Any:
        """Return the coefficients `x` with those of these features fitted to the residuals."""
        if self._B is None:
            return x
        w = x.astype(float)
        r = self._roots * self._problem.residuals(w)
        if self._positive:
            from scipy.optimize import nnls

            w[self._chosen] = nnls(self._B, r + self._B @ w[self._chosen])[0]
        else:
            w[self._chosen] += self._problem.xp.linalg.lstsq(self._B, r, None)[0]
        return w.astype(x.dtype)
