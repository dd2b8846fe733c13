"""
Waves: a symmetric matrix that is not definite
==============================================

The Helmholtz operator, the Laplacian minus a multiple of the identity, is symmetric with eigenvalues of both
signs, so conjugate gradients do not apply. GMRES stores a basis and must discard it at each restart. MINRES
minimises the same residual over the whole Krylov space with six vectors.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np

from numsolve import ConvergenceWarning
from numsolve.krylov import cg, gmres, minres
from numsolve.problems import poisson

side, waves = 90, 3
shift = (2 * np.pi * waves / (side + 1)) ** 2  # (k h)^2, with `waves` wavelengths along each side
A = poisson((side, side))
b = np.zeros((side, side))
b[side // 3, side // 4] = 1  # a point source
b = b.ravel()

result = minres(A, b, shift=shift, rtol=1e-8).check()
print(f"MINRES: {result.nit} products with A")

# %%
# CG and GMRES take the shifted matrix. With a restart of 30 or 100 GMRES stagnates; MINRES converges.

helmholtz = A.copy()
helmholtz.setdiag(A.diagonal() - shift)
rivals = {}
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # they are expected not to converge
    print("CG:", cg(helmholtz, b, rtol=1e-8).message)
    for restart in (30, 100):
        rivals[restart] = gmres(helmholtz, b, rtol=1e-8, restart=restart, maxiter=result.nit)

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.9), layout="constrained", width_ratios=(1, 1.35))
wave = result.x.reshape(side, side).T
top = np.quantile(abs(wave), 0.998)
picture = left.imshow(wave, origin="lower", cmap="RdBu", extent=(0, 1, 0, 1), vmin=-top, vmax=top)
fig.colorbar(picture, ax=left, shrink=0.85)
left.set(title="wave of a point source", xticks=[], yticks=[])
for (restart, rival), colour in zip(rivals.items(), ("C1", "C2"), strict=True):
    rival.plot(right, label=f"GMRES({restart}): {restart + 2} vectors", color=colour)
result.plot(right, label="MINRES: 6 vectors", color="C0")
right.set(title="residual for the same number of products", ylabel="relative residual", xlim=(0, None))
right.legend(frameon=False)

PINNED = {
    "iterations of MINRES": (result.nit, 579, 15),
    "GMRES(30) has not met the tolerance": (rivals[30].success, False, 0),
}
