"""
A plan that cannot work, and the proof
======================================

Three orders need more hours than two machines have. The solver does not only say so: it returns
multipliers with which the constraints, added up, become a contradiction that can be checked by hand.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np

from numsolve import ConvergenceWarning
from numsolve.monotone import LP, solve_lp

# x[i, j]: share of order j that is done on machine i; hours per order and machine.
hours = np.array([[30.0, 20.0, 40.0], [25.0, 30.0, 35.0]])
available = np.array([40.0, 35.0])
A = np.zeros((5, 6))
for i in range(2):
    A[i, 3 * i : 3 * i + 3] = hours[i]  # hours of a machine
for j in range(3):
    A[2 + j, [j, 3 + j]] = 1.0  # each order is done
lp = LP(np.ones(6), A, np.append([-np.inf] * 2, [1.0] * 3), np.append(available, [1.0] * 3))

with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    result = solve_lp(lp)
print(result.message)
proof = result.certificate

# %%
# Add the rows, each times its multiplier. On the left no variable has a positive coefficient, and all
# variables are >= 0, so the sum is <= 0. On the right the bounds add up to more than 0.
y = proof.y / abs(proof.y).max()
left = A.T @ y
right = y[:2] @ available + y[2:].sum()
print("multipliers of machines and orders:", y.round(3))
print("coefficients of the sum of rows:", left.round(6))
print(f"0 >= {right:.3f}: a contradiction")

# %%
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.bar(["machine 1", "machine 2", "order 1", "order 2", "order 3"], y, color=["C0"] * 2 + ["C1"] * 3)
ax.axhline(0, color="0.4", linewidth=1)
ax.set(ylabel="multiplier", title="What makes the plan impossible")
ax.spines[["top", "right"]].set_visible(False)
plt.show()

PINNED = {"largest coefficient of the sum": (max(left.max(), 0.0), 0.0, 1e-6 * right)}
