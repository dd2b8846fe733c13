"""
Fit a model to data with outliers
=================================

A decaying oscillation is measured 60 times; six measurements are wrong. Plain least squares follows them. A
robust loss does not, and the covariance gives the error bars.
"""

import matplotlib.pyplot as plt
import numpy as np

from numsolve.newton import least_squares

rng = np.random.default_rng(4)
t = np.linspace(0, 6, 60)
exact = np.array([2.0, 0.4, 3.0])  # amplitude, decay, frequency


def model(x, t):
    return x[0] * np.exp(-x[1] * t) * np.cos(x[2] * t)


y = model(exact, t) + 0.05 * rng.standard_normal(t.size)
wrong = rng.choice(t.size, 6, replace=False)
y[wrong] += rng.uniform(0.8, 1.6, 6)


def residuals(x):
    return (model(x, t) - y) / 0.05


# %%
# Residuals above `f_scale`, here one standard deviation, count as outliers more and more.

start, bounds = [1.0, 1.0, 3.3], ([0, 0, 0], [10, 5, 10])
plain = least_squares(residuals, start, bounds=bounds).check()
robust = least_squares(residuals, start, bounds=bounds, loss="cauchy").check()
bars = np.sqrt(np.diag(robust.covariance(absolute_sigma=True)))
for name, value, bar, true in zip(("amplitude", "decay", "frequency"), robust.x, bars, exact, strict=True):
    print(f"{name:9s} {value:.3f} +- {bar:.3f}, exact {true}")

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
fine = np.linspace(0, 6, 400)
ax.plot(t, y, "k.", ms=5, label="data")
ax.plot(t[wrong], y[wrong], "o", mfc="none", mec="C3", ms=9, label="wrong measurements")
ax.plot(fine, model(plain.x, fine), "C1", lw=1.5, label="linear loss")
ax.plot(fine, model(robust.x, fine), "C0", lw=1.5, label="Cauchy's loss")
ax.plot(fine, model(exact, fine), "k--", lw=0.8, label="exact")
ax.set(xlabel="time", ylabel="signal")
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)

PINNED = {
    "largest error of the robust fit in its error bars": (max(abs(robust.x - exact) / bars), 1.5, 1.5),
    "error of the plain fit over that of the robust one is large": (
        float(max(abs(plain.x - exact)) > 2 * max(abs(robust.x - exact))),
        1,
        0,
    ),
}
