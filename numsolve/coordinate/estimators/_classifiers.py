"""Sparse logistic regression for scikit-learn."""

from .._logistic import logistic, logistic_path
from ._base import Classifier, CrossValidated


class SparseLogisticRegression(Classifier):
    """Logistic regression with an L1 or elastic-net penalty, for two classes.

    Parameters
    ----------
    C : float
        ``1 / (lam * m)`` for `lam` of `logistic` and m samples, or the sum of their weights.
    l1_ratio : float
        Share of the L1 norm, `rho` of `logistic`.
    fit_intercept : bool
        Whether to fit an intercept, without a penalty.
    positive : bool
        Whether all coefficients have to be >= 0.
    weights : array, shape (n,), optional
        Factors >= 0 of the penalty for each feature.
    max_iter : int
        Largest number of Newton steps.
    tol : float
        Tolerance for the duality gap, relative to the objective for coefficients zero.
    warm_start : bool
        Whether to start from the coefficients of the fit before.

    Attributes
    ----------
    coef_ : numpy.ndarray, shape (1, n)
        The coefficients.
    intercept_ : numpy.ndarray, shape (1,)
        The intercept.
    classes_ : numpy.ndarray, shape (2,)
        The classes.
    dual_gap_ : float
        The duality gap.
    n_iter_ : int
        Number of Newton steps.

    See Also
    --------
    numsolve.coordinate.logistic : The method.

    Examples
    --------
    >>> from numsolve.coordinate.estimators import SparseLogisticRegression
    >>> model = SparseLogisticRegression().fit([[0.0], [1.0], [2.0], [3.0]], ["a", "a", "b", "b"])
    >>> model.predict([[0.5], [2.5]])
    array(['a', 'b'], dtype='<U1')
    """

    def __init__(
        self,
        C=1.0,
        *,
        l1_ratio=1.0,
        fit_intercept=True,
        positive=False,
        weights=None,
        max_iter=200,
        tol=1e-6,
        warm_start=False,
    ):
        self.C, self.l1_ratio = C, l1_ratio
        self.fit_intercept, self.positive, self.weights = fit_intercept, positive, weights
        self.max_iter, self.tol, self.warm_start = max_iter, tol, warm_start

    def fit(self, X, y, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : array or sparse array, shape (m, n)
            The samples.
        y : array, shape (m,)
            The classes.
        sample_weight : array, shape (m,), optional
            Weights >= 0 of the samples.

        Returns
        -------
        object
            The estimator itself.
        """
        X, y, weights = self._labelled(X, y, sample_weight)
        if not self.C > 0:
            raise ValueError(f"C is {self.C!r}; a number > 0 is needed")
        total = len(y) if weights is None else float(weights.sum())
        start = self.coef_[0] if self.warm_start and hasattr(self, "coef_") else None
        options = {**self._options(), "sample_weight": weights, "x0": start}
        return self._keep(logistic(X, y, 1 / (self.C * total), **options))


class SparseLogisticRegressionCV(Classifier, CrossValidated):
    """Logistic regression for two classes, with the factor of the penalty chosen by cross-validation.

    Parameters
    ----------
    alphas : int or array
        The factors of the penalty, `lam` of `logistic`, or their number. ``C`` is ``1 / (lam * m)``.
    l1_ratio : float
        Share of the L1 norm, `rho` of `logistic`.
    eps : float
        The smallest factor over the largest, if their number is given.
    fit_intercept : bool
        Whether to fit an intercept, without a penalty.
    positive : bool
        Whether all coefficients have to be >= 0.
    weights : array, shape (n,), optional
        Factors >= 0 of the penalty for each feature.
    cv : int, splitter or iterable, optional
        The folds, as for scikit-learn's estimators. Default: five.
    rule : {"min", "1se"}
        Take the smallest error, or the largest factor whose error is within one standard error of it.
    n_jobs : int, optional
        Number of threads; -1 for as many as there are processors.
    max_iter : int
        Largest number of Newton steps for each factor.
    tol : float
        Tolerance for the duality gap, relative to the objective for coefficients zero.

    Attributes
    ----------
    coef_ : numpy.ndarray, shape (1, n)
        The coefficients for all samples and `alpha_`.
    intercept_ : numpy.ndarray, shape (1,)
        The intercept.
    classes_ : numpy.ndarray, shape (2,)
        The classes.
    alpha_ : float
        The factor that was chosen.
    alphas_ : numpy.ndarray, shape (k,)
        The factors.
    errors_ : numpy.ndarray, shape (k, folds)
        The mean logistic loss of each fold, for each factor.
    dual_gap_ : float
        The duality gap.
    n_iter_ : int
        Number of Newton steps for `alpha_`.

    See Also
    --------
    numsolve.coordinate.cross_validate : The method.
    """

    def __init__(
        self,
        *,
        alphas=100,
        l1_ratio=1.0,
        eps=1e-2,
        fit_intercept=True,
        positive=False,
        weights=None,
        cv=None,
        rule="min",
        n_jobs=None,
        max_iter=200,
        tol=1e-6,
    ):
        self.l1_ratio, self.alphas, self.eps = l1_ratio, alphas, eps
        self.fit_intercept, self.positive, self.weights = fit_intercept, positive, weights
        self.cv, self.rule, self.n_jobs, self.max_iter, self.tol = cv, rule, n_jobs, max_iter, tol

    def fit(self, X, y, sample_weight=None):
        """Choose the factor and fit the model.

        Parameters
        ----------
        X : array or sparse array, shape (m, n)
            The samples.
        y : array, shape (m,)
            The classes.
        sample_weight : array, shape (m,), optional
            Weights >= 0 of the samples.

        Returns
        -------
        object
            The estimator itself.
        """
        X, y, weights = self._labelled(X, y, sample_weight)
        return self._search(logistic_path, X, y, weights)
