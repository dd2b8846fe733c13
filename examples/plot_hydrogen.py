"""
Hydrogen to ten digits
======================

A call takes a potential and the wanted states. It finds a mesh on which they are accurate, and estimates the
error of each energy.
"""

import matplotlib.pyplot as plt
import numpy as np

from numsolve import radial

result = radial.schroedinger(lambda r: -1 / r, l=(0, 1, 2), states=3).check()
for row in result.orbitals:
    print(*(f"{orbital.n} {'spd'[orbital.l]}  {orbital.energy:.12f}" for orbital in row), sep="\n")

# %%
# Orbitals can be evaluated at any radius.

ax = plt.subplots(figsize=(7, 3.8), layout="constrained")[1]
result.plot(ax)
ax.set(xlim=(0, 45), title="hydrogen, P = r R")
ax.legend(ncols=3, frameon=False, fontsize="small")

exact = np.array([-0.5 / np.arange(1 + l, 4 + l) ** 2 for l in range(3)])
PINNED = {
    "largest relative error": (abs(result.energies / exact - 1).max(), 0, 1e-10),
    "zeros of all nine functions": (sum(orbital.nodes for row in result.orbitals for orbital in row), 9, 0),
}
