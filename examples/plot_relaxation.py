"""
The effect of omega
===================

Over-relaxation changes each unknown by more than its equation requires. On a grid the best factor omega saves
most of the sweeps. It depends on the use, as a solver or as a preconditioner, and on the order of the rows.
"""

import matplotlib.pyplot as plt
import numpy as np

from numsolve.krylov import cg
from numsolve.learners import omega_opt
from numsolve.precondition import ssor
from numsolve.problems import poisson
from numsolve.relaxation import gauss_seidel, jacobi, sor

A = poisson((40, 40))
b = np.random.default_rng(0).standard_normal(1600)
beta = np.cos(np.pi / 41)  # the spectral radius of Jacobi's iteration
young = omega_opt(beta)

solves = {
    "Jacobi": jacobi(A, b, rtol=1e-8),
    "Gauss-Seidel": gauss_seidel(A, b, rtol=1e-8),
    "SOR, omega 1.7": sor(A, b, omega=1.7, rtol=1e-8),
    f"SOR, Young's omega {young:.2f}": sor(A, b, omega=young, rtol=1e-8),
}
omegas = np.linspace(0.5, 1.95, 30)
sweeps = {
    name: [sor(A, b, omega=w, colours=colours, rtol=1e-8, maxiter=10**5).check().nit for w in omegas]
    for name, colours in (("natural order", None), ("two colours", "greedy"))
}
iterations = {
    name: [cg(A, b, M=ssor(A, w, colours=colours), rtol=1e-8).check().nit for w in omegas]
    for name, colours in (("natural order", None), ("two colours", "greedy"))
}

# %%
# As a solver, SOR takes about as many sweeps in both orders, and by colour it runs in parallel. As a
# preconditioner, with a forward and a backward sweep, the order matters: by colour no omega is better than
# about 1, so do not use an omega that was found in the natural order.

fig, (left, middle, right) = plt.subplots(1, 3, figsize=(12.5, 3.7), layout="constrained")
for name, result in solves.items():
    left.semilogy(result.residuals / result.residuals[0], label=name, lw=2)
left.set(title="one solve", xlabel="sweep", ylabel="residual norm / first", xlim=(0, 1500), ylim=(1e-8, 1))
for ax, counts, title in ((middle, sweeps, "SOR to 1e-8"), (right, iterations, "SSOR-CG to 1e-8")):
    for (name, found), style in zip(counts.items(), ("-", "--"), strict=True):
        ax.plot(omegas, found, style, label=name, lw=2)
    ax.set(title=title, xlabel="omega", xlim=(omegas[0], omegas[-1]))
middle.axvline(young, color="0.6", lw=1, zorder=0)
middle.text(young - 0.03, 4000, "Young", color="0.4", ha="right")
middle.set(yscale="log", ylabel="sweeps")
middle.set_yticks([200, 500, 1000, 2000, 5000], ["200", "500", "1000", "2000", "5000"], minor=False)
middle.minorticks_off()
right.set(ylabel="iterations", ylim=(0, None))
for ax in (left, middle, right):
    ax.legend(frameon=False)

best = {name: float(omegas[np.argmin(found)]) for name, found in iterations.items()}
PINNED = {
    "sweeps with Young's omega": (solves[f"SOR, Young's omega {young:.2f}"].nit, 138, 2),
    "best omega of SSOR-CG, natural order": (best["natural order"], 1.8, 0.06),
    "best omega of SSOR-CG, by colour": (best["two colours"], 0.95, 0.11),
}
