"""
A Neumann problem: the solution is known up to a constant
=========================================================

Water flows from a well on the left to one on the right, in a basin with closed walls. The pressure is
determined up to a constant, so the matrix is singular. `solve` recognises this and returns the pressure of
mean zero.
"""

import matplotlib.pyplot as plt
import numpy as np
import scipy.sparse as sp

import numsolve

n = 60
steps = sp.diags_array([-1.0, 1.0], offsets=[0, 1], shape=(n - 1, n))
gradient = sp.vstack([sp.kron(steps, sp.eye_array(n)), sp.kron(sp.eye_array(n), steps)])
A = sp.csr_array(gradient.T @ gradient)
b = np.zeros((n, n))
b[10, 30], b[49, 30] = 1, -1

result = numsolve.solve(A, b.ravel()).check()
print(result.message)

# %%
# If more water flowed in than out, there would be no solution: the status would be `SINGULAR`, and x the
# least-squares solution.

pressure = result.x.reshape(n, n)
fig, ax = plt.subplots(figsize=(4.6, 3.8), layout="constrained")
ax.contour(pressure.T, levels=31, cmap="RdBu", linewidths=0.9)
ax.set(title="lines of equal pressure", xticks=[], yticks=[], aspect="equal")

PINNED = {
    "mean pressure": (pressure.mean(), 0, 1e-10),
    "sum of the pressures at the wells": (pressure[10, 30] + pressure[49, 30], 0, 1e-8),
    "residual": (np.linalg.norm(b.ravel() - A @ result.x), 0, 1e-7),
}
