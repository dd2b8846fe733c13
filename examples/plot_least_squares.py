"""
Tomography: least squares with damping
======================================

A scanner sends rays through a slice of a body from 64 directions. Each ray measures the mass along its path,
with three per cent of noise. The image is the solution of a least-squares problem with damping (`damp`);
without damping the solution fits the noise too.
"""

import matplotlib.pyplot as plt
import numpy as np
import scipy.sparse as sp

from numsolve.krylov import lsmr

side, directions = 64, 64
y, x = (np.mgrid[:side, :side] + 0.5) * 2 / side - 1
body = 1.0 * (x**2 / 0.6 + y**2 / 0.85 < 1) - 0.6 * (((x - 0.3) / 0.2) ** 2 + ((y + 0.1) / 0.45) ** 2 < 1)
body += 0.5 * ((x + 0.35) ** 2 + (y - 0.3) ** 2 < 0.03) - 0.6 * ((x + 0.3) ** 2 + (y + 0.4) ** 2 < 0.02)


def projection(angle):
    """Return the matrix that sums the pixels along rays of one direction, each between two rays."""
    place = ((x * np.cos(angle) + y * np.sin(angle)).ravel() + 1.5) * side / 2
    ray = place.astype(int)
    weights, pixels = np.r_[ray + 1 - place, place - ray], np.tile(np.arange(side**2), 2)
    return sp.csr_array((weights, (np.r_[ray, ray + 1], pixels)), shape=(3 * side // 2 + 1, side**2))


A = sp.vstack([projection(angle) for angle in np.pi * np.arange(directions) / directions]).tocsr()
exact = A @ body.ravel()
noise = np.random.default_rng(0).standard_normal(exact.size)
b = exact + 0.03 * np.linalg.norm(exact) / np.linalg.norm(noise) * noise
print(f"{A.shape[0]} rays, {A.shape[1]} pixels")

# %%
# One solve for each weight. The residual of the best image is about as large as the noise, whose size is
# often known.

weights = np.geomspace(0.3, 50, 12)
results = [lsmr(A, b, damp=damp, rtol=1e-6).check() for damp in weights]
errors = [np.linalg.norm(r.x - body.ravel()) / np.linalg.norm(body) for r in results]
residuals = [r.residual_norm / np.linalg.norm(b) for r in results]
best = int(np.argmin(errors))

fig, axes = plt.subplots(1, 4, figsize=(13, 3.5), layout="constrained", width_ratios=[1, 1, 1, 1.25])
shown = {
    "the body": body,
    f"damp = {weights[0]:.2g}: noise": results[0].x.reshape(body.shape),
    f"damp = {weights[best]:.2g}: best": results[best].x.reshape(body.shape),
}
for ax, (title, image) in zip(axes, shown.items(), strict=False):
    ax.imshow(image, cmap="gray", vmin=-0.1, vmax=1.6)
    ax.set(title=title, xticks=[], yticks=[])
axes[3].loglog(weights, errors, "o-", ms=4, label="error of the image")
axes[3].loglog(weights, residuals, "s-", ms=4, label="residual")
axes[3].axhline(0.03, color="gray", lw=1, ls="--", label="noise")
axes[3].set(
    xlabel="damp",
    ylabel="relative norm",
    ylim=(0.01, 1),
    title=f"{min(r.nit for r in results)} to {max(r.nit for r in results)} iterations",
)
axes[3].legend(frameon=False)

PINNED = {
    "smallest error of the image": (errors[best], 0.141, 0.005),
    "residual over noise there": (residuals[best] / 0.03, 0.93, 0.03),
}
