"""
A transport problem with a million variables
============================================

A thousand factories supply a thousand towns. The cheapest plan is a linear program with 2,000 equations and
1,000,000 variables, which is far beyond a dense method. Three digits of the optimality conditions take some
seconds.
"""

import matplotlib.pyplot as plt
import numpy as np

from numsolve.monotone import solve_lp
from numsolve.problems import transport_program

lp = transport_program(1000, 1000, cost="random", rng=0)
result = solve_lp(lp, rtol=1e-3).check()
print(lp)
print(f"cost {result.objective:.5f}, at least {result.kkt.dual_objective:.5f} up to the residuals")
print(
    f"{result.nit} iterations, residuals {result.kkt.primal:.1e}, {result.kkt.dual:.1e}, {result.kkt.gap:.1e}"
)
plan = result.x.reshape(1000, 1000)
used = (plan > 1e-3 * plan.max()).sum()
print(f"{used} of 1,000,000 routes carry more than a thousandth of the largest")

# %%
# The multipliers of the equations are prices: a route is used where cost is the sum of both.
fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
axes[0].semilogy(64 * np.arange(len(result.residuals)), result.residuals)
axes[0].set(xlabel="iteration", ylabel="largest relative residual")
axes[1].plot(np.sort(result.y[:1000]), label="factories")
axes[1].plot(np.sort(result.y[1000:]), label="towns")
axes[1].set(xlabel="rank", ylabel="price")
axes[1].legend(frameon=False)
for ax in axes:
    ax.spines[["top", "right"]].set_visible(False)
plt.show()

PINNED = {"cost": (result.objective, 0.00318, 1e-4)}
