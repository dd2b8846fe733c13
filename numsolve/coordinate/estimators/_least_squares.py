"""Lasso and elastic net for scikit-learn."""

from .._lasso import elastic_net
from .._lasso_path import elastic_net_path
from ._base import CrossValidated, Regressor


class ElasticNet(Regressor):
    """Elastic net.

    Parameters
    ----------
    alpha : float
        Factor of the penalty, `lam` of `elastic_net`.
    l1_ratio : float
        Share of the L1 norm, `rho` of `elastic_net`.
    fit_intercept : bool
        Whether to fit an intercept.
    positive : bool
        Whether all coefficients have to be >= 0.
    weights : array, shape (n,), optional
        Factors >= 0 of the penalty for each feature.
    max_iter : int
        Largest number of working sets.
    tol : float
        Tolerance for the duality gap, relative to the objective for coefficients zero.
    warm_start : bool
        Whether to start from the coefficients of the fit before.

    Attributes
    ----------
    coef_ : numpy.ndarray, shape (n,)
        The coefficients.
    intercept_ : float
        The intercept.
    dual_gap_ : float
        The duality gap.
    n_iter_ : int
        Number of working sets.

    See Also
    --------
    numsolve.coordinate.elastic_net : The method.

    Examples
    --------
    >>> from numsolve.coordinate.estimators import ElasticNet
    >>> ElasticNet(alpha=0.1).fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]).coef_.round(3)
    array([0.86])
    """

    def __init__(
        self,
        alpha=1.0,
        *,
        l1_ratio=0.5,
        fit_intercept=True,
        positive=False,
        weights=None,
        max_iter=1000,
        tol=1e-6,
        warm_start=False,
    ):
        self.alpha, self.l1_ratio = alpha, l1_ratio
        self.fit_intercept, self.positive, self.weights = fit_intercept, positive, weights
        self.max_iter, self.tol, self.warm_start = max_iter, tol, warm_start

    def fit(self, X, y, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : array or sparse array, shape (m, n)
            The samples.
        y : array, shape (m,)
            The observations.
        sample_weight : array, shape (m,), optional
            Weights >= 0 of the samples.

        Returns
        -------
        object
            The estimator itself.
        """
        X, y, weights = self._data(X, y, sample_weight, y_numeric=True)
        options = {**self._options(), "sample_weight": weights, "x0": self._start()}
        return self._keep(elastic_net(X, y, self.alpha, self.l1_ratio, **options))


class Lasso(ElasticNet):
    """Lasso.

    Parameters
    ----------
    alpha : float
        Factor of the penalty, `lam` of `lasso`.
    fit_intercept : bool
        Whether to fit an intercept.
    positive : bool
        Whether all coefficients have to be >= 0.
    weights : array, shape (n,), optional
        Factors >= 0 of the penalty for each feature.
    max_iter : int
        Largest number of working sets.
    tol : float
        Tolerance for the duality gap, relative to the objective for coefficients zero.
    warm_start : bool
        Whether to start from the coefficients of the fit before.

    Attributes
    ----------
    coef_ : numpy.ndarray, shape (n,)
        The coefficients.
    intercept_ : float
        The intercept.
    dual_gap_ : float
        The duality gap.
    n_iter_ : int
        Number of working sets.

    See Also
    --------
    numsolve.coordinate.lasso : The method.

    Examples
    --------
    >>> from numsolve.coordinate.estimators import Lasso
    >>> Lasso(alpha=0.1).fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]).coef_.round(3)
    array([0.85])
    """

    l1_ratio = 1.0

    def __init__(
        self,
        alpha=1.0,
        *,
        fit_intercept=True,
        positive=False,
        weights=None,
        max_iter=1000,
        tol=1e-6,
        warm_start=False,
    ):
        self.alpha, self.fit_intercept, self.positive, self.weights = alpha, fit_intercept, positive, weights
        self.max_iter, self.tol, self.warm_start = max_iter, tol, warm_start


class ElasticNetCV(Regressor, CrossValidated):
    """Elastic net, with the factor of the penalty chosen by cross-validation.

    Parameters
    ----------
    l1_ratio : float
        Share of the L1 norm, `rho` of `elastic_net`.
    alphas : int or array
        The factors of the penalty, or their number.
    eps : float
        The smallest factor over the largest, if their number is given.
    fit_intercept : bool
        Whether to fit an intercept.
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
        Largest number of working sets for each factor.
    tol : float
        Tolerance for the duality gap, relative to the objective for coefficients zero.

    Attributes
    ----------
    coef_ : numpy.ndarray, shape (n,)
        The coefficients for all samples and `alpha_`.
    intercept_ : float
        The intercept.
    alpha_ : float
        The factor that was chosen.
    alphas_ : numpy.ndarray, shape (k,)
        The factors.
    errors_ : numpy.ndarray, shape (k, folds)
        The mean squared error of each fold, for each factor.
    dual_gap_ : float
        The duality gap.
    n_iter_ : int
        Number of working sets for `alpha_`.

    See Also
    --------
    numsolve.coordinate.cross_validate : The method.
    """

    def __init__(
        self,
        *,
        l1_ratio=0.5,
        alphas=100,
        eps=1e-2,
        fit_intercept=True,
        positive=False,
        weights=None,
        cv=None,
        rule="min",
        n_jobs=None,
        max_iter=1000,
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
            The observations.
        sample_weight : array, shape (m,), optional
            Weights >= 0 of the samples.

        Returns
        -------
        object
            The estimator itself.
        """
        X, y, weights = self._data(X, y, sample_weight, y_numeric=True)
        return self._search(elastic_net_path, X, y, weights, self.l1_ratio)


class LassoCV(ElasticNetCV):
    """Lasso, with the factor of the penalty chosen by cross-validation.

    Parameters
    ----------
    alphas : int or array
        The factors of the penalty, or their number.
    eps : float
        The smallest factor over the largest, if their number is given.
    fit_intercept : bool
        Whether to fit an intercept.
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
        Largest number of working sets for each factor.
    tol : float
        Tolerance for the duality gap, relative to the objective for coefficients zero.

    Attributes
    ----------
    coef_ : numpy.ndarray, shape (n,)
        The coefficients for all samples and `alpha_`.
    intercept_ : float
        The intercept.
    alpha_ : float
        The factor that was chosen.
    alphas_ : numpy.ndarray, shape (k,)
        The factors.
    errors_ : numpy.ndarray, shape (k, folds)
        The mean squared error of each fold, for each factor.
    dual_gap_ : float
        The duality gap.
    n_iter_ : int
        Number of working sets for `alpha_`.

    See Also
    --------
    numsolve.coordinate.cross_validate : The method.
    """

    l1_ratio = 1.0

    def __init__(
        self,
        *,
        alphas=100,
        eps=1e-2,
        fit_intercept=True,
        positive=False,
        weights=None,
        cv=None,
        rule="min",
        n_jobs=None,
        max_iter=1000,
        tol=1e-6,
    ):
        self.alphas, self.eps = alphas, eps
        self.fit_intercept, self.positive, self.weights = fit_intercept, positive, weights
        self.cv, self.rule, self.n_jobs, self.max_iter, self.tol = cv, rule, n_jobs, max_iter, tol
