"""
Families of systems
===================

Many applications solve thousands of similar systems. ``numsolve.problems`` generates such families. Each
system comes with a feature; systems with similar features have similar matrices.
"""

import matplotlib.pyplot as plt
import numpy as np

from numsolve import problems, solve

side = 80
fig, axes = plt.subplots(2, 3, figsize=(10.5, 6.6), layout="compressed")
for ax in axes.flat:
    ax.set(xticks=[], yticks=[], aspect="equal", frame_on=False)


def show(ax, u, title, cmap="viridis", **style):
    """Draw values on the grid."""
    picture = ax.imshow(u, cmap=cmap, **style)
    ax.set_title(title)
    fig.colorbar(picture, ax=ax, shrink=0.85)


A, b, k = next(problems.darcy_systems(1, side=side, rng=0))
pressure = solve(A, b).check().x.reshape(side, side)
show(axes[0, 0], k[1:-1, 1:-1], "Darcy: coefficient", "cividis")
show(axes[0, 1], pressure, "Darcy: pressure")

A, b, feature = next(problems.helmholtz_systems(1, side=side, wavenumbers=(30, 31), rng=0))
wave = solve(A, b).check().x.reshape(side, side)
limit = abs(wave).max()
show(axes[0, 2], wave, f"Helmholtz, wavenumber {feature[-1]:.1f}", "RdBu", vmin=-limit, vmax=limit)

A, b, _ = next(problems.convection_diffusion_systems(1, (side, side), wind=50, rng=1))
carried = solve(A, b).check().x.reshape(side, side)
limit = abs(carried).max()
show(axes[1, 0], carried, "convection-diffusion", "PuOr", vmin=-limit, vmax=limit)

# %%
# Two families are discretised on triangles; only their right-hand sides differ from system to system.


def show_nodes(ax, mesh, u, title, cmap):
    """Draw values on the nodes, and the triangles."""
    picture = ax.tripcolor(*mesh.points.T, u, triangles=mesh.triangles, shading="gouraud", cmap=cmap)
    ax.triplot(*mesh.points.T, mesh.triangles, color="black", lw=0.3, alpha=0.5)
    ax.set_title(title)
    fig.colorbar(picture, ax=ax, shrink=0.85)


plate = problems.plate_mesh(0.05, rng=0)
A, b, (left, right) = next(problems.thermal_systems(1, plate, rng=0))
heat = np.full(len(plate.points), left)
heat[plate.points[:, 0] > -0.5] = solve(A, b).check().x
show_nodes(axes[1, 1], plate, heat, "heat in a plate with a slot", "inferno")

square = problems.square_mesh(0.06, rng=0)
unit = np.zeros((5, 2))
unit[1, 0] = 1  # u = 1 below, 0 on the other sides
A, b = problems.poisson_fem(square, unit)
inner = ~np.isin(np.arange(len(square.points)), square.boundary)
x, y = square.points.T
u = 1.0 * ((y == 0) & (x > 0) & (x < 1))
u[inner] = solve(A, b).check().x
show_nodes(axes[1, 2], square, u, "Poisson: one warm side", "viridis")

PINNED = {
    "largest pressure": (pressure.max(), 0.0750, 5e-4),
    "coolest place of the plate": (heat.min(), -50.5, 0.5),
    "largest wave": (abs(wave).max(), 0.0100, 5e-4),
}
