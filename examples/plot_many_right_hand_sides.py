"""
Many right-hand sides at once
=============================

A plate is heated at one of eight places: the same matrix with eight right-hand sides. Solved together, they
share one Krylov space, and each iteration reads the matrix once for all columns.
"""

import matplotlib.pyplot as plt
import numpy as np

from numsolve.krylov import cg
from numsolve.problems import poisson

side, k = 120, 8
A = poisson((side, side))
x, y = np.meshgrid(*2 * [(np.arange(side) + 0.5) / side], indexing="ij")
angles = 2 * np.pi * np.arange(k) / k
spots = [np.exp(-300 * ((x - 0.5 - 0.3 * np.cos(a)) ** 2 + (y - 0.5 - 0.3 * np.sin(a)) ** 2)) for a in angles]
B = np.stack([spot.ravel() for spot in spots], axis=1)

together = cg(A, B, rtol=1e-8).check()
alone = [cg(A, b, rtol=1e-8).check() for b in B.T]
print(f"{together.nit} iterations together, {max(r.nit for r in alone)} alone")

# %%
# Every column has its own residual history, which ends where the column meets its tolerance.

fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained", width_ratios=(1, 1.6))
hottest = together.x.max(axis=1).reshape(side, side)
picture = left.imshow(hottest.T, origin="lower", cmap="inferno", extent=(0, 1, 0, 1))
fig.colorbar(picture, ax=left, shrink=0.85)
left.set(title="largest of the eight temperatures", xticks=[], yticks=[])
for result in alone:
    result.plot(right, color="tab:gray", lw=0.8, alpha=0.7)
right.lines[0].set_label("one by one")
count = len(right.lines)
together.plot(right, color="tab:blue", lw=1.2)
right.lines[count].set_label("together")
right.set(title="conjugate gradients", ylabel="relative residual", xlim=(0, None))
right.legend(frameon=False)

PINNED = {
    "iterations together": (together.nit, 163, 6),
    "iterations alone": (max(r.nit for r in alone), 360, 10),
}
