"""
Solve a sparse system, and trust the answer
===========================================

Heat spreads through a material whose conductivity varies by a factor of ten thousand. The system has 90,000
unknowns. `numsolve.solve` inspects the matrix, chooses a method, checks the answer, and reports what it did.
"""

import matplotlib.pyplot as plt
import numpy as np

import numsolve
from numsolve.problems import diffusion

side = 300
x, y = np.meshgrid(*2 * [(np.arange(side) + 0.5) / side], indexing="ij")
conductivity = 10.0 ** (2 * np.sin(9 * x + 3 * y) * np.cos(11 * y - 4 * x))
A = diffusion(conductivity)
b = np.ones(side * side) / side**2

result = numsolve.solve(A, b).check()
print(result.message)
print(f"residual {result.residuals[-1] / result.residuals[0]:.1e}, {result.nit} iterations")
print(f"estimated relative error of x: {result.forward_error:.1e}")

# %%
# A method can be chosen by name. Every result contains its residual history and can plot it.

fig, (left, middle, right) = plt.subplots(1, 3, figsize=(12.5, 3.7), layout="constrained")
picture = left.imshow(conductivity.T, origin="lower", norm="log", cmap="cividis", extent=(0, 1, 0, 1))
fig.colorbar(picture, ax=left, shrink=0.85)
left.set(title="conductivity", xticks=[], yticks=[])
picture = middle.imshow(result.x.reshape(side, side).T, origin="lower", cmap="inferno", extent=(0, 1, 0, 1))
fig.colorbar(picture, ax=middle, shrink=0.85)
middle.set(title="temperature", xticks=[], yticks=[])
counts = {}
for M, label in (("jacobi", "Jacobi"), ("amg", "multigrid")):
    again = numsolve.solve(A, b, method="cg", M=M).check()
    counts[M] = again.nit
    again.plot(right, label=f"{label}, {again.nit} its")
right.set(title="conjugate gradients", ylabel="relative residual", xscale="log", xlim=(1, None))
right.legend(frameon=False, loc="center", bbox_to_anchor=(0.6, 0.4))

PINNED = {
    "iterations of CG with multigrid": (counts["amg"], 19, 2),
    "iterations of CG with Jacobi": (counts["jacobi"], 1059, 60),
}
