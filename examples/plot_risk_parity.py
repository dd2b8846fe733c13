"""
A portfolio with equal risks
============================

Equal weights give most of the risk to the most volatile assets. With risk parity each asset has the same
share of the variance. Ten years of monthly returns of twelve assets are simulated: shares, bonds and
commodities, with a common factor for each class. The portfolio follows the covariance of the last three
years. Each solve starts from the weights of the month before.
"""

import matplotlib.pyplot as plt
import numpy as np

from numsolve.coordinate import risk_parity

rng = np.random.default_rng(1)
classes, months = np.repeat([0, 1, 2], 4), 120
volatility = np.array([0.05, 0.015, 0.07])[classes] * rng.uniform(0.7, 1.4, 12)  # a month
factors = rng.standard_normal((months, 3)) + 0.3 * rng.standard_normal((months, 1))
returns = volatility * (0.7 * factors[:, classes] + 0.7 * rng.standard_normal((months, 12)))

# %%
# The weights of the first month, and what each asset adds to the variance.

cov = np.cov(returns[:36].T)
result = risk_parity(cov).check()
equal = np.full(12, 1 / 12)
shares_of_equal = equal * (cov @ equal) / (equal @ cov @ equal)
print(result)

# %%
# Month after month: the earlier weights are a good start.

weights, sweeps, before = [], 0, None
for month in range(36, months):
    found = risk_parity(np.cov(returns[month - 36 : month].T), x0=before).check()
    sweeps, before = sweeps + found.nit, found.x
    weights.append(found.x)
print(f"{sweeps / len(weights):.1f} sweeps a month")

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
assets = np.arange(12)
left.bar(assets - 0.2, shares_of_equal, 0.4, label="equal weights")
left.bar(assets + 0.2, result.shares, 0.4, label="risk parity")
left.set(xlabel="asset", ylabel="share of the variance", xticks=assets)
left.legend(frameon=False)
by_class = np.array(weights).reshape(len(weights), 3, 4).sum(axis=2)
right.stackplot(np.arange(36, months), by_class.T, labels=["shares", "bonds", "commodities"], alpha=0.8)
right.set(xlabel="month", ylabel="weight", xlim=(36, months - 1), ylim=(0, 1))
right.legend(loc="lower left", frameon=False)
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)

PINNED = {
    "largest difference of a share from a twelfth": (float(abs(result.shares - 1 / 12).max()), 0, 1e-8),
    "with equal weights an asset has one and a half times its part": (
        float(8 * shares_of_equal.max() > 1),
        1,
        0,
    ),
}
