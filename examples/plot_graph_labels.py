"""
Semi-supervised labels on a graph
=================================

Two thousand points lie on two half circles, and the labels of a hundred are known. Each point is joined to
its nearest neighbours. The other labels minimise the sum of the squared differences along the edges,
``x^T A x / 2 - b^T x`` with a part A of the Laplacian of the graph. Block coordinate descent changes many
labels at once. If the labels of a block form a forest in the graph, the step is exact and takes O(n)
operations: messages from the leaves to the roots and back.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse.linalg import spsolve

from numsolve import ConvergenceWarning
from numsolve.coordinate import Quadratic, minimize
from numsolve.problems import two_moons

graph = two_moons(2000, labelled=100, noise=0.2, rng=0)
quadratic = Quadratic(graph.A, graph.b)
result = minimize(
    quadratic,
    None,
    partition="variable",
    select="gs-tree",
    block_size=len(graph.b),
    update="message-passing",
    rtol=1e-5,
    maxiter=5000,
).check()
labels = graph.filled(result.x)
right = np.mean(np.sign(labels) == graph.truth)
print(f"{right:.1%} of the labels are right after {result.iterations} iterations")

# %%
# Greedy trees take the labels with the largest gradients first. Other forests are random trees, a partition
# into a few forests, and one into blocks without edges ("red-black"). A block of n^(1/3) labels may have any
# structure.

exact = spsolve(graph.A.tocsc(), graph.b)
least, iterations = -graph.b @ exact / 2, 300
tree = {"partition": "variable", "block_size": len(graph.b)}
rules = {
    "greedy trees": {**tree, "select": "gs-tree", "update": "message-passing"},
    "random trees": {**tree, "select": "random-tree", "update": "message-passing"},
    "partition into trees": {"partition": "trees", "select": "cyclic", "update": "message-passing"},
    "red-black": {"partition": "red-black", "select": "cyclic", "update": "message-passing"},
    "n^(1/3) labels": {"partition": "variable", "select": "gs", "block_size": 12, "update": "newton"},
}
gaps = {}
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # each run ends at its limit of iterations
    for name, options in rules.items():
        run = minimize(quadratic, None, maxiter=iterations, check_every=1, rtol=0, rng=0, **options)
        gaps[name] = run.objectives - least

fig, (left, axes) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
picture = left.scatter(*graph.points.T, c=labels, s=6, cmap="RdBu", vmin=-1, vmax=1)
left.scatter(*graph.points[graph.known].T, s=30, facecolor="none", edgecolor="black", label="known")
left.legend(frameon=False, loc="lower left")
left.set(title=f"labels, {right:.1%} right", xticks=[], yticks=[], aspect="equal")
fig.colorbar(picture, ax=left, shrink=0.8)
for name, gap in gaps.items():
    axes.semilogy(gap, label=name)
axes.set(title="objective minus its least value", xlabel="iterations")
axes.legend(frameon=False)

best = min(gaps, key=lambda name: gaps[name][100])
PINNED = {
    "share of right labels": (right, 0.944, 0.01),
    "greedy trees are the best": (best == "greedy trees", True, 0),
}
