"""
Uranium, and all lighter elements
=================================

One call solves the Kohn-Sham equations of an atom, another those of the whole periodic table. The binding
energy of the outermost electron shows the periods.
"""

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np

from numsolve import radial

uranium = radial.atom(92).check()
print(uranium.table())

# %%
# With Dirac's equation and relativistic exchange the energy is lower by 2343 hartree.

relativistic = radial.atom(92, relativistic=True).check()
print(f"relativity lowers the energy of uranium by {uranium.energy - relativistic.energy:.3f} hartree")

# %%
# All atoms at once; each has its own status and estimated errors.

begun = perf_counter()
every = radial.atoms(range(1, 93))
print(f"92 atoms in {perf_counter() - begun:.2f} s, loading or compiling kernels included")
print(f"all converged: {all(atom.success for atom in every)}")

fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained", width_ratios=(1, 1.15))
uranium.plot(left)
left.legend(ncols=3, frameon=False, fontsize="x-small")
last = np.array([max(s.energy for s in atom.shells if s.occupation) for atom in every])
right.plot(range(1, 93), -last, ".-", lw=0.8, color="0.4")
for Z in (2, 10, 18, 36, 54, 86, 3, 11, 19, 37, 55, 87):
    noble = Z in (2, 10, 18, 36, 54, 86)
    right.plot(Z, -last[Z - 1], "o", color="C0" if noble else "C3")
    offset = (0, 7) if noble else (0, -14)
    right.annotate(every[Z - 1].name, (Z, -last[Z - 1]), offset, textcoords="offset points", ha="center")
right.set(xlabel="Z", ylabel="binding of the last electron (hartree)", ylim=(0, None), title="92 atoms")
right.spines[["top", "right"]].set_visible(False)

PINNED = {
    "energy of uranium": (uranium.energy, -25658.4178888534, 2e-8),
    "energy of uranium with relativity": (relativistic.energy, -28001.1323254868, 3e-8),
    "atoms not converged": (sum(not atom.success for atom in every), 0, 0),
    "highest level of lithium": (last[2], -0.1055, 1e-3),
}
