"""
A map of many distributions
===========================

How far are 24 spectra from each other? We solve the transport problems between all pairs of spectra, and from
each spectrum to itself to remove the bias of the entropy: 300 problems at once. The distances alone give a
map.
"""

import matplotlib.pyplot as plt
import numpy as np

from numsolve.transport import Grid, sinkhorn

rng = np.random.default_rng(1)
t = np.linspace(0, 1, 200)
means, widths = rng.uniform(0.25, 0.75, 24), rng.uniform(0.02, 0.08, 24)
spectra = np.exp(-((t - means[:, None]) ** 2) / (2 * widths[:, None] ** 2))
spectra /= spectra.sum(axis=1, keepdims=True)

i, j = np.triu_indices(len(spectra))
results = sinkhorn(spectra[i], spectra[j], Grid([t]), eps=0.005, atol=1e-8)
cost = np.zeros((len(spectra), len(spectra)))
cost[i, j] = cost[j, i] = [result.check().cost_kl for result in results]
within = cost.diagonal()
squares = np.maximum(cost - (within[:, None] + within) / 2, 0)  # Sinkhorn divergences

# %%
# For normal distributions the squared distance is known: the sum of the squared differences of means and of
# widths. So the spectra are points in a plane, and classical multidimensional scaling finds it: it takes the
# eigenvectors of the doubly centred squared distances. The map is found up to a rotation or reflection, which
# we fit. The narrowest spectra, half as wide as the blur ``sqrt(eps / 2)``, appear slightly too wide.

centring = np.eye(len(spectra)) - 1 / len(spectra)
values, vectors = np.linalg.eigh(-0.5 * centring @ squares @ centring)
found = vectors[:, -2:] * np.sqrt(values[-2:])
plane = np.stack([widths, means], axis=1)
turn, _, back = np.linalg.svd(found.T @ (plane - plane.mean(axis=0)))  # orthogonal Procrustes problem
found = found @ turn @ back + plane.mean(axis=0)

fig, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4), layout="constrained")
order = np.argsort(means)
for k, spectrum in enumerate(spectra[order]):
    left.plot(t, spectrum + 0.02 * k, color=plt.cm.viridis(k / len(order)), linewidth=1)
left.set(title="24 spectra", xlabel="frequency", yticks=[])
right.plot(means, widths, "o", mfc="none", mec="0.5", markersize=9, label="true means and widths")
right.scatter(
    found[order, 1], found[order, 0], c=np.linspace(0, 1, 24), s=22, label="from the distances", zorder=3
)
right.set(title="the map", xlabel="mean", ylabel="width")
right.legend(frameon=False, loc="upper left", fontsize=9)
right.set_ylim(top=0.1)
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)

exact = (means[:, None] - means) ** 2 + (widths[:, None] - widths) ** 2
PINNED = {
    "largest error of the distances": (abs(np.sqrt(squares) - np.sqrt(exact)).max(), 0.0, 0.01),
    "distance of the map from the truth": (abs(found - plane).max(), 0.0, 0.01),
    "problems": (len(results), 300, 0),
}
for what, (value, _, _) in PINNED.items():
    print(f"{what}: {value:.4g}")
