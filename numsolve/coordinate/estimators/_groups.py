"""Group lasso for scikit-learn."""

from .._group_lasso import group_lasso, group_lasso_path
from ._base import CrossValidated, Regressor


class GroupLasso(Regressor):
    """Group lasso.

    Parameters
    ----------
    groups : int or sequence
        The size of consecutive groups, or the label of the group of each feature, or the features of each
        group.
    alpha : float
        Factor of the penalty, `lam` of `group_lasso`.
    fit_intercept : bool
        Whether to fit an intercept.
    positive : bool
        Whether all coefficients have to be >= 0.
    weights : array, optional
        Factors >= 0 of the penalty for each group. Default: the root of the number of features.
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
    numsolve.coordinate.group_lasso : The method.

    Examples
    --------
    >>> from numsolve.coordinate.estimators import GroupLasso
    >>> GroupLasso(2, alpha=0.1).fit([[0.0, 1], [1.0, 0], [2.0, 3]], [0.0, 1.0, 2.0]).coef_.round(2)
    array([0.67, 0.13])
    """

    def __init__(
        self,
        groups=1,
        alpha=1.0,
        *,
        fit_intercept=True,
        positive=False,
        weights=None,
        max_iter=200,
        tol=1e-6,
        warm_start=False,
    ):
        self.groups, self.alpha = groups, alpha
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
        return self._keep(group_lasso(X, y, self.alpha, self.groups, **options))


class GroupLassoCV(Regressor, CrossValidated):
    """Group lasso, with the factor of the penalty chosen by cross-validation.

    Parameters
    ----------
    groups : int or sequence
        The size of consecutive groups, or the label of the group of each feature, or the features of each
        group.
    alphas : int or array
        The factors of the penalty, or their number.
    eps : float
        The smallest factor over the largest, if their number is given.
    fit_intercept : bool
        Whether to fit an intercept.
    positive : bool
        Whether all coefficients have to be >= 0.
    weights : array, optional
        Factors >= 0 of the penalty for each group. Default: the root of the number of features.
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
        groups=1,
        *,
        alphas=100,
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
        self.groups, self.alphas, self.eps = groups, alphas, eps
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
        return self._search(group_lasso_path, X, y, weights, self.groups)
