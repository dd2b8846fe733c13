"""
Short recurrences beside GMRES
==============================

GMRES minimises the residual over a basis, which it must store and discard at each restart. BiCGStab and
IDR(s) need a fixed number of vectors. The methods are compared by their products with the matrix; BiCGStab
takes two per iteration.
"""

import matplotlib.pyplot as plt
import numpy as np

from numsolve.krylov import bicgstab, gmres, idrs
from numsolve.problems import convection_diffusion

A = convection_diffusion((80, 80), (40.0, 10.0))
b = np.ones(A.shape[0])

runs = {
    "GMRES(30)": (gmres(A, b, rtol=1e-8), 1),
    "BiCGStab": (bicgstab(A, b, rtol=1e-8), 2),
    "IDR(1)": (idrs(A, b, s=1, rtol=1e-8), 1),
    "IDR(4)": (idrs(A, b, s=4, rtol=1e-8), 1),
}

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for label, (result, each) in runs.items():
    history = result.check().residuals
    products = each * np.arange(len(history))
    ax.semilogy(products, history / history[0], lw=1.2, label=f"{label}, {products[-1]} products")
    print(f"{label}: {products[-1]} products")
ax.set(xlabel="products with A", ylabel="residual norm / norm of b", xlim=(0, None))
ax.set_title("Convection and diffusion on a grid of 80 by 80")
ax.spines[["top", "right"]].set_visible(False)
ax.grid(True, alpha=0.3)
ax.legend(frameon=False)

PINNED = {
    "products of IDR(4)": (runs["IDR(4)"][0].nit, 234, 15),
    "products of BiCGStab": (2 * runs["BiCGStab"][0].nit, 264, 20),
}
