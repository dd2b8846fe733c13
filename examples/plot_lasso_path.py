"""
A Lasso path with 100000 features
=================================

Two thousand documents are described by the counts of 100000 words, few of which occur in each. A score of a
document depends on 30 of the words. Which ones? The Lasso answers for each value of its parameter `lam`: from
the largest, for which no word counts, to a hundredth of it. `lasso_path` solves for all of them in turn. Each
solution starts from the one before, which is near.
"""

import matplotlib.pyplot as plt
import numpy as np
import scipy.sparse as sp

from numsolve.coordinate import lasso_path

rng = np.random.default_rng(0)
samples, words, relevant = 2000, 100_000, 30
NOISE = 2.0  # standard deviation of a score

# %%
# Words are drawn with frequencies that fall like one over their rank, as in natural language. The relevant
# ones are neither the most frequent words nor the rarest.

frequencies = 1 / (20 + np.arange(words))
drawn = rng.choice(words, (samples, 300), p=frequencies / frequencies.sum())
X = sp.coo_array(
    (np.ones(drawn.size), (np.repeat(np.arange(samples), 300), drawn.ravel())), shape=(samples, words)
).tocsc()
true = np.zeros(words)
chosen = rng.choice(np.arange(50, 1000), relevant, replace=False)
true[chosen] = rng.choice([-1, 1], relevant) * rng.uniform(1, 2, relevant)
y = X @ true + NOISE * rng.standard_normal(samples)

path = lasso_path(X, y, count=50, ratio=0.01, fit_intercept=True).check()
print(path)

# %%
# Relevant words enter first (in colour). Towards the end of the path, words enter that fit the noise.
# On new documents the prediction is best in between.

fig, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
coefs = path.coefs.toarray()
others = np.setdiff1d(np.flatnonzero(coefs.any(axis=1)), chosen)
axes[0].plot(path.lams, coefs[others].T, color="0.75", lw=0.6)
axes[0].plot(path.lams, coefs[chosen].T, lw=1.2)
axes[0].set(
    xscale="log", xlabel="lam", title=f"coefficients: {relevant} relevant words, {others.size} others"
)
axes[0].invert_xaxis()

drawn = rng.choice(words, (samples, 300), p=frequencies / frequencies.sum())
X_new = sp.coo_array(
    (np.ones(drawn.size), (np.repeat(np.arange(samples), 300), drawn.ravel())), shape=(samples, words)
).tocsr()
y_new = X_new @ true + NOISE * rng.standard_normal(samples)
errors = np.sqrt(np.mean((X_new @ coefs + path.intercepts - y_new[:, None]) ** 2, axis=0))
best = int(errors.argmin())
axes[1].plot(path.lams, errors, "o-", ms=3)
axes[1].axvline(path.lams[best], color="0.6", lw=1)
axes[1].set(xscale="log", xlabel="lam", title="root mean square error on new documents")
axes[1].invert_xaxis()

found = np.intersect1d(np.flatnonzero(path[best].x), chosen).size
print(f"best lam: {path.lams[best]:.4f}, {found} of {relevant} relevant words")
print(f"error over that of the true model: {errors[best] / NOISE:.3f}")

PINNED = {
    "relevant words found at the best lam": (found, relevant, 1),
    "prediction error over that of the true model": (errors[best] / NOISE, 1.05, 0.05),
}
