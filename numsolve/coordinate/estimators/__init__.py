"""Estimators for scikit-learn, thin wrappers of the functions of this family. They need scikit-learn.

The parameters have scikit-learn's names. `tol` is the duality gap, relative to the objective for coefficients
zero; see :doc:`/from_scikit_learn`.
"""

from ._classifiers import SparseLogisticRegression, SparseLogisticRegressionCV
from ._groups import GroupLasso, GroupLassoCV
from ._least_squares import ElasticNet, ElasticNetCV, Lasso, LassoCV

__all__ = [
    "ElasticNet",
    "ElasticNetCV",
    "GroupLasso",
    "GroupLassoCV",
    "Lasso",
    "LassoCV",
    "SparseLogisticRegression",
    "SparseLogisticRegressionCV",
]
