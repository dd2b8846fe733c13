"""
A matrix game
=============

A burglar chooses a house, a policeman a place to wait. The burglar gains the wealth of the house times the
chance to get away, which grows with the distance. Both mix their choices: the equilibrium is a saddle point
of :math:`x^T A y` over two simplices.
"""

import matplotlib.pyplot as plt
import numpy as np

from numsolve.monotone import Simplex, extragradient, linprog, past_extragradient

n = 40
rng = np.random.default_rng(0)
wealth = abs(rng.standard_normal(n))
distance = abs(np.subtract.outer(np.arange(n), np.arange(n)))
A = wealth[:, None] * (
    1 - np.exp(-0.8 * distance)
)  # the burglar (rows) gets this from the policeman (columns)


def F(x, y):
    """The policeman minimises over y, the burglar maximises over x."""
    return -A @ y, A.T @ x


start = np.full(n, 1 / n), np.full(n, 1 / n)
sets = Simplex(), Simplex()
runs = {
    "extragradient": extragradient(F, start, project=sets, rtol=1e-3, maxiter=40_000),
    "past extragradient": past_extragradient(F, start, project=sets, rtol=1e-3, maxiter=40_000),
}

# %%
# The same game as a linear program: the largest v with ``A^T x >= v``.
program = linprog(
    np.append(np.zeros(n), -1.0),
    A_ub=np.column_stack([-A.T, np.ones(n)]),
    b_ub=np.zeros(n),
    A_eq=[np.append(np.ones(n), 0.0)],
    b_eq=[1.0],
    bounds=[(0, None)] * n + [(None, None)],
    rtol=1e-8,
)
value = -program.fun
for name, run in runs.items():
    x, y = run.x
    print(f"{name}: value {x @ A @ y:.6f}, {run.nit} iterations, {run.nfev} evaluations of F")
print(f"linear program: value {value:.6f}")
x, y = runs["extragradient"].x

# %%
fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
axes[0].plot(x, label="burglar")
axes[0].plot(y, label="policeman")
axes[0].set(xlabel="house", ylabel="probability")
axes[0].legend(frameon=False)
for name, run in runs.items():
    axes[1].loglog(run.residuals / run.residuals[0], label=name)
axes[1].set(xlabel="iteration", ylabel="residual over the first")
axes[1].legend(frameon=False)
for ax in axes:
    ax.spines[["top", "right"]].set_visible(False)
plt.show()

PINNED = {"value of the game": (float(x @ A @ y), value, 1e-3 * value)}
