"""
Fit a model with constraints
============================

A smooth curve is fitted to noisy data. It must pass through one point exactly, and its integral is known.
Both are equations for the coefficients.
"""

import matplotlib.pyplot as plt
import numpy as np

from numsolve import newton

rng = np.random.default_rng(7)
t = np.linspace(0, 1, 60)
data = np.exp(-3 * t) * np.sin(7 * t) + 0.08 * rng.standard_normal(60)

# %%
# The curve is a polynomial times an exponential, whose rate is unknown too: the model is nonlinear.


def curve(x, t):
    return np.exp(-x[0] * t) * np.polyval(x[1:], t)


def misfit(x):
    return 0.5 * ((curve(x, t) - data) ** 2).sum() + 1e-6 * x @ x


nodes, weights = np.polynomial.legendre.leggauss(20)
nodes, weights = (nodes + 1) / 2, weights / 2
AREA = 7 / 58 - np.exp(-3) * (3 * np.sin(7) + 7 * np.cos(7)) / 58  # of the true curve


def passes_through_the_origin(x):
    return curve(x, np.zeros(1))


def has_the_area(x):
    return weights @ curve(x, nodes) - AREA


result = newton.minimize_constrained(
    misfit, np.r_[1.0, np.zeros(5)], [passes_through_the_origin, has_the_area], rtol=1e-6
).check()
free = newton.minimize(misfit, np.r_[1.0, np.zeros(5)], rtol=1e-6)
print(result)
print("value at zero and error of the area:", result.constraints)
print("multipliers:", result.multipliers)

PINNED = {
    "the curve passes through zero": (float(abs(result.constraints[0])), 0.0, 1e-8),
    "the curve has the area": (float(abs(result.constraints[1])), 0.0, 1e-6),
    "the constraints cost at most this misfit": (result.fun - free.fun, 0.03, 0.03),
}

# %%
# A multiplier is the rate at which the misfit would fall if its constraint were relaxed.

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.plot(t, data, ".", color="0.6", label="data")
ax.plot(t, np.exp(-3 * t) * np.sin(7 * t), "k:", label="true curve")
ax.plot(t, curve(free.x, t), "C1--", label="without constraints")
ax.plot(t, curve(result.x, t), "C0-", label="with constraints")
ax.set(xlabel="t", ylabel="value")
ax.legend(frameon=False)
plt.show()
