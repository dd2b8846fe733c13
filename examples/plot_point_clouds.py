"""
Move one cloud of points onto another
=====================================

The cost between the points is computed where it is needed and not stored: memory grows with the number of
points, not of pairs. This example has two thousand points; ``POINTS=50000 python plot_point_clouds.py`` takes
fifty thousand, with 2.5 billion pairs.
"""

import os

import matplotlib.pyplot as plt
import numpy as np

from numsolve.transport import PointCloud, sinkhorn, sinkhorn_divergence

rng = np.random.default_rng(0)
n = int(os.environ.get("POINTS", 2000))
angle = rng.uniform(0, 2 * np.pi, n)
x = 0.12 * rng.standard_normal((n, 2)) + np.c_[np.cos(angle), np.sin(angle)]
y = 0.25 * rng.standard_normal((n, 2)) + np.array([[-0.6, 0.0], [0.6, 0.0]])[rng.integers(0, 2, n)]
mass = np.full(n, 1 / n)

# %%
# With an `eps` of a hundredth of a typical cost the plan is close to that without entropy. The bounds, both
# certified, say how close.
result = sinkhorn(mass, mass, PointCloud(x, y), 0.01, atol=1e-6).check()
lower, upper = result.bounds()
print(f"{result.nit} iterations; the least cost is between {lower:.4f} and {upper:.4f}")

# %%
# The mean destination of each point is its barycenter under the plan.
moved = result.plan.barycentric(y)

# %%
# A similar problem, with slightly shifted points, starts from this solution.
nearby = sinkhorn(mass, mass, PointCloud(x + 0.002, y), 0.01, atol=1e-6, init=result).check()
print(f"{nearby.nit} iterations from the solution before")

# %%
# The Sinkhorn divergence, a distance that is zero for equal clouds, takes three solves.
divergence = sinkhorn_divergence(mass, mass, x, y, 0.1, atol=1e-6)
print(f"Sinkhorn divergence {divergence.value:.4f}")

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
left.plot(*y.T, ".", color="C1", markersize=2, alpha=0.6, label="target")
left.plot(*x.T, ".", color="C0", markersize=2, alpha=0.6, label="source")
some = rng.choice(n, 150, replace=False)
left.quiver(*x[some].T, *(moved - x)[some].T, angles="xy", scale_units="xy", scale=1, width=2e-3, color="0.3")
left.set_aspect("equal")
left.set(xticks=[], yticks=[], title="where the mass goes")
left.legend(frameon=False, markerscale=5, loc="upper right")
result.plot(right, label="cold start")
nearby.plot(right, label="start from a similar solution")
right.legend(frameon=False)
plt.show()

PINNED = {  # what: found, wanted, tolerance
    "relative width of the interval": ((upper - lower) / upper, 0.03, 0.03),
    "the exact cost of a shift": (
        sinkhorn_divergence(mass, mass, x, x + 0.3, 0.1, atol=1e-6).value,
        0.18,
        1e-4,
    ),
    "mass that arrives": (float((result.plan.T @ np.ones(n)).sum()), 1.0, 1e-6),
}
