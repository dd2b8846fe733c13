"""
A nonlinear PDE in ten lines
============================

Bratu's problem, :math:`-\\Delta u = \\lambda e^u` on the unit square, is a model of ignition: heat is
produced faster where it is hot. No Jacobian is given: Newton's method needs values
of F only. Beyond the turning point near :math:`\\lambda = 6.808` there is no solution.
"""

import matplotlib.pyplot as plt
import numpy as np

from numsolve import newton

n, lam = 63, 6.0


def fun(u):
    v = np.pad(u, 1)
    laplacian = v[2:, 1:-1] + v[:-2, 1:-1] + v[1:-1, 2:] + v[1:-1, :-2] - 4 * u
    return laplacian * (n + 1) ** 2 + lam * np.exp(u)


result = newton.root(fun, np.zeros((n, n))).check()
print(result.nit, "steps,", result.nfev, "evaluations of fun")

# %%
# The norm of F falls faster from step to step, because the inner systems are solved more accurately as the
# root comes nearer.

fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.4), layout="constrained")
image = axes[0].imshow(result.x, extent=(0, 1, 0, 1), cmap="inferno", origin="lower")
fig.colorbar(image, ax=axes[0], label="u")
result.plot(axes[1], marker="o")
axes[1].set(xlabel="Newton step", ylabel="norm of F / first norm")

PINNED = {"largest value of u": (result.x.max(), 0.797, 0.001)}
