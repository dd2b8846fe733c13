"""
Bundle adjustment
=================

Twelve cameras on a ring look at points in a ball. The images give the points, and the places, directions and
lenses of the cameras, all at once. No residual depends on two points: they are eliminated first, and a small
system for the cameras remains.
"""

import matplotlib.pyplot as plt
import numpy as np

from numsolve.newton import least_squares
from numsolve.problems import bundle_adjustment

scene = bundle_adjustment(cameras=12, points=1500, views=6, rng=0)
result = least_squares(scene.fun, scene.x0, jac=scene.jac, eliminate=scene.point_variables).check()
start, end = (np.sqrt(np.mean(f**2)) for f in (scene.fun(scene.x0), result.fun))
print(f"{len(scene.x0)} variables, {len(result.fun)} residuals, {result.nit} steps")
print(f"error of a pixel coordinate: {start:.1f} before, {end:.3f} after; the noise is 0.5")

# %%
# Images tell neither where the whole scene lies, nor its size. So the points found are turned, moved and
# scaled to the exact ones before they are compared.


def points(x):
    return x[scene.point_variables].reshape(-1, 3)


def fitted(X, Y):
    """Return X, turned, moved and scaled to Y."""
    centre, target = X.mean(axis=0), Y.mean(axis=0)
    U, s, V = np.linalg.svd((X - centre).T @ (Y - target))
    return s.sum() / ((X - centre) ** 2).sum() * (X - centre) @ U @ V + target


exact = points(scene.x_true)
errors = {
    name: np.linalg.norm(fitted(points(x), exact) - exact, axis=1)
    for name, x in (("start", scene.x0), ("solution", result.x))
}

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
result.plot(left)
left.set(ylabel="gradient norm / first gradient norm", title=f"{result.nit} steps")
bins = np.geomspace(1e-4, 1, 60)
for name, values in errors.items():
    right.hist(values, bins, histtype="stepfilled", alpha=0.7, label=name)
right.set(xscale="log", xlabel="distance of a point from its true place", ylabel="points")
right.legend(frameon=False)
right.spines[["top", "right"]].set_visible(False)

PINNED = {
    "error of a pixel coordinate": (end, 0.45, 0.05),
    "median error of a point": (float(np.median(errors["solution"])), 0.0025, 0.0008),
}
