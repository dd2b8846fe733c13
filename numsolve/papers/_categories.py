"""Random categories as features of zeros and ones, in place of the data set a9a."""

from typing import Any

import numpy as np
import scipy.sparse as sp

CATEGORIES = (5, 8, 5, 16, 7, 14, 6, 5, 2, 2, 2, 5, 40, 6)  # of 14 attributes: 123 features, as a9a has


def categorical_data(count) -> tuple[Any, np.ndarray]:
    """Return sparse features of so many samples, one for each category, and labels of a logistic model."""
    rng = np.random.default_rng(0)
    first = np.cumsum((0, *CATEGORIES[:-1]))
    shares = [rng.dirichlet(np.ones(size)) for size in CATEGORIES]
    columns = np.array([f + rng.choice(len(p), count, p=p) for f, p in zip(first, shares, strict=True)]).T
    entries = np.ones(columns.size), columns.ravel(), len(CATEGORIES) * np.arange(count + 1)
    X = sp.csr_array(entries, shape=(count, sum(CATEGORIES)))
    margins = X @ rng.standard_normal(sum(CATEGORIES)) - 2
    return X, rng.random(count) < 1 / (1 + np.exp(-margins))
