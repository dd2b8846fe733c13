"""What the estimators share: checks, options, predictions and the search for the factor of the penalty."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import numpy as np

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.model_selection import check_cv
    from sklearn.utils.extmath import safe_sparse_dot
    from sklearn.utils.multiclass import check_classification_targets, type_of_target
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        "numsolve.coordinate.estimators needs scikit-learn: pip install 'numsolve-kernels[sklearn]'"
    ) from error

from .._cross_validation import cross_validate

FLOATS = [np.float64, np.float32]


class Linear(BaseEstimator):
    """A linear model with the options that all estimators share."""

    fit_intercept: Any
    positive: Any
    weights: Any
    max_iter: Any
    tol: Any
    coef_: Any
    intercept_: Any

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _data(self, X, y, sample_weight, **options) -> Any:
        """Return the checked data."""
        checked: Any = validate_data(self, X, y, accept_sparse="csc", dtype=FLOATS, **options)
        X, y = checked
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=X.dtype)
        return X, y, sample_weight

    def _options(self):
        """Return the options of the functions of this family."""
        return {
            "fit_intercept": self.fit_intercept,
            "positive": self.positive,
            "weights": self.weights,
            "maxiter": self.max_iter,
            "rtol": self.tol,
        }

    def _keep(self, result):
        """Keep the solution."""
        self.coef_, self.intercept_ = result.x, float(result.intercept)
        self.dual_gap_, self.n_iter_ = float(result.gap), max(int(result.nit), 1)
        return self

    def _predictions(self, X):
        """Return ``X @ coef_ + intercept_``."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=["csr", "csc"], dtype=FLOATS, reset=False)
        return safe_sparse_dot(X, np.ravel(self.coef_)) + np.ravel(self.intercept_)[0]


class Regressor(RegressorMixin, Linear):
    """A linear model of numbers."""

    def predict(self, X):
        """Predict.

        Parameters
        ----------
        X : array or sparse array, shape (m, n)
            The samples.

        Returns
        -------
        numpy.ndarray, shape (m,)
            The predictions.
        """
        return self._predictions(X)

    def _start(self):
        """Return the coefficients to start from."""
        return getattr(self, "coef_", None) if getattr(self, "warm_start", False) else None


class Classifier(ClassifierMixin, Linear):
    """A linear model of two classes."""

    classes_: Any
    l1_ratio: Any

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def _labelled(self, X, y, sample_weight):
        """Return the checked data of two classes."""
        X, y, sample_weight = self._data(X, y, sample_weight)
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y")
        if kind != "binary":
            raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        return X, y, sample_weight

    def _options(self):
        return {**super()._options(), "rho": self.l1_ratio}

    def _keep(self, result):
        super()._keep(result)
        self.classes_ = result.classes
        self.coef_, self.intercept_ = self.coef_[None], np.array([self.intercept_])
        return self

    def decision_function(self, X):
        """Return ``X @ coef_ + intercept_``, positive for the second class.

        Parameters
        ----------
        X : array or sparse array, shape (m, n)
            The samples.

        Returns
        -------
        numpy.ndarray, shape (m,)
            The logarithms of the odds of the second class.
        """
        return self._predictions(X)

    def predict(self, X):
        """Predict the classes.

        Parameters
        ----------
        X : array or sparse array, shape (m, n)
            The samples.

        Returns
        -------
        numpy.ndarray, shape (m,)
            The more likely class of each sample.
        """
        z = self._predictions(X)
        return self.classes_[(z > 0).astype(int)]

    def predict_proba(self, X):
        """Predict the probabilities of the classes.

        Parameters
        ----------
        X : array or sparse array, shape (m, n)
            The samples.

        Returns
        -------
        numpy.ndarray, shape (m, 2)
            The probabilities, in the order of ``classes_``.
        """
        z = self._predictions(X)
        second = np.exp(-np.logaddexp(0, -z))
        return np.stack([np.exp(-np.logaddexp(0, z)), second], axis=1)


class CrossValidated(Linear):
    """A model whose factor of the penalty is chosen by cross-validation."""

    alphas: Any
    eps: Any
    cv: Any
    rule: Any
    n_jobs: Any

    def _search(self, path, X, y, sample_weight, *args, **options):
        """Choose the factor, and keep the solution."""
        if self.rule not in ("min", "1se"):
            raise ValueError(f"rule is {self.rule!r}; 'min' or '1se' is needed")
        grid = (
            {"count": self.alphas, "ratio": self.eps} if np.ndim(self.alphas) == 0 else {"lams": self.alphas}
        )
        splitter: Any = check_cv(self.cv, y, classifier=isinstance(self, ClassifierMixin))
        jobs = self.n_jobs or 1
        with ThreadPoolExecutor(jobs if jobs > 0 else None) if jobs != 1 else nullcontext() as executor:
            found = cross_validate(
                path,
                X,
                y,
                *args,
                folds=list(splitter.split(X, y)),
                executor=executor,
                sample_weight=sample_weight,
                **grid,
                **self._options(),
                **options,
            )
        index = found.best if self.rule == "min" else found.simplest
        self.alphas_, self.errors_, self.alpha_ = found.lams, found.errors, float(found.lams[index])
        return self._keep(found.path[index])
