"""
Let a simulation learn its relaxation parameter
===============================================

A heat equation is solved step by step, by CG with SSOR. Its conductivity goes from 0 to 10 and back, and
the best omega changes with it. Three lines learn the omega for each conductivity from the iterations of
each step.
"""

import matplotlib.pyplot as plt
import numpy as np

from numsolve.krylov import cg
from numsolve.learners import ChebCB, FixedOmega
from numsolve.precondition import ssor
from numsolve.problems import heat_crank_nicolson

count, side = 2000, 30


def simulate(learner):
    u, steps = heat_crank_nicolson(count, side)
    M, seen = None, []
    for A, rhs, conductivity in steps:
        omega = learner.suggest(conductivity)  # the second line; the first makes the learner
        M = ssor(A, omega) if M is None else M.update(A, omega)
        result = cg(A, rhs(u), u, M=M, rtol=1e-8).check()
        learner.observe(omega, result.nit, conductivity)  # the third
        u = result.x
        seen.append((conductivity, omega, result.nit))
    return np.array(seen).T


fixed = {omega: simulate(FixedOmega(omega))[2] for omega in (1.0, 1.2, 1.4, 1.6)}
conductivities, omegas, iterations = simulate(ChebCB(None, (0, 10), rng=0))

# %%
# Nothing has to be known in advance, and no step is solved twice: the first steps try different omegas. A
# fixed omega has to suit all conductivities. (Compare times too before you choose SSOR-CG: an iteration
# takes two sweeps.)

fig, (left, right) = plt.subplots(1, 2, figsize=(10.5, 3.9), layout="constrained")
names = [*(f"{omega}" for omega in fixed), "learned"]
means = [*(found.mean() for found in fixed.values()), iterations.mean()]
bars = left.bar(names, means, color=[*["0.7"] * len(fixed), "C2"])
left.bar_label(bars, fmt="%.1f")
left.set(title=f"SSOR-CG, {count} steps", xlabel=r"$\omega$", ylabel="mean iterations a step")
late = slice(count // 2, None)
jitter = np.random.default_rng(0).uniform(-0.012, 0.012, count)
dots = right.scatter(
    conductivities[late], (omegas + jitter)[late], c=iterations[late], s=7, cmap="viridis", rasterized=True
)
fig.colorbar(dots, ax=right, label="iterations")
right.set(title="learned, second half of the steps", xlabel="conductivity", ylabel=r"$\omega$")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)

best = min(found[late].mean() for found in fixed.values())
PINNED = {
    "iterations over those of the best fixed omega, second half": (
        iterations[late].mean() / best,
        0.87,
        0.04,
    ),
}
