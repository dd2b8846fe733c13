"""
Why gold is golden
==================

Relativity contracts the s shells of gold and lowers their energies. The inner ones then screen the nucleus
better, and the energy of the 5d shell rises. Gold absorbs light of the energy of the gap between the two
shells, which is blue; that of silver is ultraviolet.
"""

import matplotlib.pyplot as plt
import numpy as np

from numsolve import radial

atoms = {
    f"{name}, {theory}": radial.atom(Z, relativistic=theory == "Dirac").check()
    for Z, name in ((47, "silver"), (79, "gold"))
    for theory in ("Schroedinger", "Dirac")
}
shells = {"silver": ((5, 0), (4, 2)), "gold": ((6, 0), (5, 2))}

# %%
# With relativity each d shell is split in two, j = 3/2 and j = 5/2.

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
gaps = {}
for place, (label, atom) in enumerate(atoms.items()):
    s, d = shells[label.split(",")[0]]
    levels = {key: [x.energy for x in atom.shells if (x.n, x.l) == key] for key in (s, d)}
    gaps[label] = min(levels[s]) - max(levels[d])
    for key, colour in ((s, "C0"), (d, "C1")):
        left.hlines(levels[key], place - 0.35, place + 0.35, color=colour, lw=2)
    where = place, 0.5 * (min(levels[s]) + max(levels[d]))
    left.annotate(f"{gaps[label] * 27.2114:.1f} eV", where, ha="center", va="center")
left.set_xticks(range(4), [label.replace(", ", "\n") for label in atoms])
left.set(ylabel="energy (hartree)", title="s (blue) and d (orange) levels of the neutral atoms")

r = np.linspace(1e-3, 8, 600)
for label, style in (("gold, Schroedinger", "--"), ("gold, Dirac", "-")):
    outer = next(o for o in atoms[label].orbitals if (o.n, o.l) == (6, 0))
    right.plot(r, 4 * np.pi * r**2 * outer.density(r), style, color="C0", label=label)
right.set(xlabel="r (bohr)", ylabel="electrons per bohr", title="6s of gold", xlim=(0, 8), ylim=(0, None))
right.legend(frameon=False)
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)

PINNED = {
    "gap of gold": (gaps["gold, Dirac"], 0.0190, 1e-3),
    "gap of silver": (gaps["silver, Dirac"], 0.1017, 1e-3),
}
