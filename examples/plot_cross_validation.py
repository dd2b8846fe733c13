"""
Which genes matter: a path and cross-validation
===============================================

Measurements of 500 genes in 200 samples, in pathways of five genes. Two pathways decide the class of a
sample. A path of sparse logistic regressions shows which genes join as the penalty falls. Cross-validation
chooses a factor of the penalty: that of the smallest error, and the largest one within one standard error
of it. For the number behind the classes, the group lasso chooses whole pathways and predicts better than
the Lasso, which picks single genes.
"""

import matplotlib.pyplot as plt
import numpy as np

from numsolve.coordinate import cross_validate, group_lasso_path, lasso_path, logistic_path

rng = np.random.default_rng(0)
pathways = np.repeat(np.arange(100), 5)
X = 0.3 * rng.standard_normal((200, 100))[:, pathways] + rng.standard_normal((200, 500))
score = X[:, :10] @ rng.choice([-0.3, 0.3], 10)
observed = score + 0.5 * rng.standard_normal(200)

path = logistic_path(X, observed > 0, count=40, ratio=0.05)
found = cross_validate(logistic_path, X, observed > 0, rng=0, count=40, ratio=0.05)

options = {"rng": 0, "count": 30, "ratio": 0.02}
single = cross_validate(lasso_path, X, observed, **options)
whole = cross_validate(group_lasso_path, X, observed, pathways, **options)

fig, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
path.plot(axes[0], color="C0", linewidth=1)
found.plot(axes[1])
for errors, name in ((single, "Lasso"), (whole, "group lasso")):
    errors.plot(axes[2], label=name)
axes[0].set_title("coefficients of the classifier")
axes[1].set_title("its logistic loss")
axes[2].set_title("squared error of the score")
axes[2].legend()

kept = np.flatnonzero(path[found.simplest].x)
print(f"the classifier uses {len(kept)} genes, {(kept < 10).sum()} of them from the two pathways")
print(f"squared error: Lasso {single.mean.min():.3f}, group lasso {whole.mean.min():.3f}")
PINNED = {"ratio of the errors": (whole.mean.min() / single.mean.min(), 0.889, 0.02)}
plt.show()
