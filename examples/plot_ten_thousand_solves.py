"""
Ten thousand solves for a neural operator
=========================================

Training a neural operator needs thousands of pairs of a coefficient and a solution. Each pair comes from
its own linear system, but the systems are similar: the slowly converging directions found in one solve are
recycled in the next. This page solves 40 systems in a second; ``python plot_ten_thousand_solves.py 10000``
solves more.
"""

import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from numsolve.krylov import gcrodr, solve_sequence, write_dataset
from numsolve.precondition import ilu0
from numsolve.problems import diffusion

count = int(sys.argv[1]) if __name__ == "__main__" and sys.argv[1:] else 40
side, modes = 40, np.arange(5)
waves = np.cos(np.pi * modes[:, None] * (np.arange(side) + 0.5) / side)
size = 0.5 * (9 / (9 + modes[:, None] ** 2 + modes**2)) ** 1.2
size[0, 0] = 0
draws = np.random.default_rng(0).standard_normal((count, len(modes), len(modes)))
conductivities = np.exp(np.einsum("cij,ix,jy->cxy", draws * size, waves, waves))


class Systems:
    """Heat conduction in a plate; each system is made when it is needed, which saves memory."""

    def __len__(self):
        return count

    def __getitem__(self, i):
        return diffusion(conductivities[i]), np.full(side**2, 1 / side**2)


# %%
# Similar systems are solved one after the other; the results come in the given order. The solutions are
# written to a file: ``.npz`` at the end, HDF5 row by row.

runs = {
    "in the given order": solve_sequence(Systems(), sort=None, rtol=1e-8),
    "sorted": solve_sequence(Systems(), features=conductivities, rtol=1e-8),
    "sorted, with ILU(0)": solve_sequence(
        Systems(), features=conductivities, rtol=1e-8, M=ilu0, refresh="always"
    ),
}
products = {"each alone": [gcrodr(A, b, rtol=1e-8).check().products for A, b in Systems()]}
for name in ("in the given order", "sorted"):
    products[name] = [result.check().products for _, result in runs[name].as_solved()]
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "plates.npz"
    print(write_dataset(path, runs["sorted, with ILU(0)"]))
    with np.load(path) as data:
        solutions = data["solutions"]
        print({name: data[name].shape for name in data})
mean = runs["sorted, with ILU(0)"].products / count
for name, run in runs.items():
    print(f"{name}: {run}")

# %%
# Recycling saves a fifth of the products, and sorting a few per cent more. A preconditioner saves much more
# than both, so choose that first.

fig = plt.figure(figsize=(12, 4.3), layout="constrained")
left, right = fig.subfigures(1, 2, width_ratios=(1.25, 1))
axes = left.subplots(2, 3)
for above, below, k, x in zip(*axes, conductivities, solutions, strict=False):
    above.imshow(k.T, origin="lower", cmap="cividis", norm="log")
    below.imshow(x.reshape(side, side).T, origin="lower", cmap="inferno")
for ax in axes.ravel():
    ax.set(xticks=[], yticks=[])
axes[0, 1].set_title("conductivity ...")
axes[1, 1].set_title("... and temperature")

ax = right.subplots()
solved = np.arange(count + 1)
for (name, spent), color in zip(products.items(), ("tab:gray", "tab:blue", "tab:red"), strict=True):
    ax.plot(solved, np.cumsum([0, *spent]) / 1000, color=color, lw=2, label=name)
ax.plot(solved, solved * mean / 1000, "k:", lw=2, label="sorted, with ILU(0), on average")
ax.set(title="GCRO-DR", xlabel="systems solved", ylabel="thousand products with matrices")
ax.set(xlim=(0, count), ylim=(0, None))
ax.legend(frameon=False)

alone = sum(products["each alone"])
PINNED = {
    "products saved by recycling": (1 - sum(products["in the given order"]) / alone, 0.21, 0.05),
    "products saved by recycling in order": (1 - sum(products["sorted"]) / alone, 0.24, 0.05),
    "mean products with ILU(0)": (mean, 47, 4),
}
