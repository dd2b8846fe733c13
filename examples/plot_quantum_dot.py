"""
A quantum dot: a potential of one's own
=======================================

The energy levels of an electron in a sphere with soft walls, for forty radii at once. The solver warns of
levels that are not bound.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np

from numsolve import ConvergenceWarning, radial

depth, softness = 1.0, 0.1
radii = np.linspace(1.5, 6.0, 40)
mesh = radial.uniform(60.0, 60, degree=10)
V = -depth / (1 + np.exp(np.minimum((mesh.r - radii[:, None]) / softness, 500)))

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", ConvergenceWarning)
    levels = radial.schroedinger(V, l=(0, 1, 2), states=3, mesh=mesh)
print(caught[0].message)

# %%
# The estimated error of a state that is not bound is infinite.

bound = np.where(np.isfinite(levels.errors), levels.energies, np.nan)
ax = plt.subplots(figsize=(6.5, 4), layout="constrained")[1]
for l, style in enumerate(("-", "--", ":")):
    ax.plot(radii, bound[:, l], style, color=f"C{l}", label=[f"l = {l}", *[None] * 2])
ax.set(
    xlabel="radius of the dot", ylabel="energy", ylim=(-depth, 0.02), title="bound states of a soft sphere"
)
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)

hard = -depth + 0.5 * (np.pi / radii[-1]) ** 2  # with infinitely high walls
PINNED = {
    "states bound by the largest dot": (int(np.isfinite(levels.errors[-1]).sum()), 7, 0),
    "ground state below that of hard walls": (bool(bound[-1, 0, 0] < hard), True, 0),
}
