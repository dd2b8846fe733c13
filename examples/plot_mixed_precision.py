"""
Single precision inside, double precision outside
=================================================

Memory bandwidth limits a sparse solver, and numbers in single precision take half the bytes. Alone they give
about six digits. `refine` solves for corrections in single precision and keeps the solution in double
precision.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np

from numsolve.krylov import cg, refine
from numsolve.problems import poisson

A = poisson((40, 40, 40))
n = A.shape[0]
b = np.random.default_rng(0).standard_normal(n)

double = cg(A, b, rtol=1e-12).check()
mixed = refine(A, b, method=cg, rtol=1e-12).check()
print(f"outer steps: {mixed.nit}, iterations in each: {mixed.inner_nit}")

single = []  # true residuals of CG in single precision alone


def watch(x, _norm):
    single.append(np.linalg.norm(b - A @ x.astype(float)) / np.linalg.norm(b))


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # single precision cannot meet this tolerance
    cg(A.astype("float32"), b.astype("float32"), rtol=1e-12, maxiter=double.nit, callback=watch)

# %%
# Each outer step starts a new Krylov space, so refinement needs more iterations. Each iteration moves fewer
# bytes. The right figure counts the bytes for compressed sparse rows: 12 per entry and 92 per row in double
# precision, 8 and 48 in single.

steps = np.append(0, mixed.inner_nit.cumsum())
curves = {
    "CG, double": (
        np.arange(double.nit + 1),
        double.residuals / double.residuals[0],
        12 * A.nnz + 92 * n,
        "C0-",
    ),
    "CG, single": (np.arange(1, len(single) + 1), np.array(single), 8 * A.nnz + 48 * n, "C3-"),
    "refine, CG in single": (steps, mixed.residuals / mixed.residuals[0], 8 * A.nnz + 48 * n, "C2o-"),
}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for label, (iterations, residuals, size, style) in curves.items():
    axes[0].semilogy(iterations, residuals, style, label=label)
    axes[1].semilogy(iterations * size / 1e9, residuals, style)
axes[0].set(xlabel="iterations", ylabel="true relative residual")
axes[1].set(xlabel="memory traffic, GB")
axes[0].legend(frameon=False)
for ax in axes:
    ax.grid(True, alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)

PINNED = {
    "outer steps": (mixed.nit, 3, 0),
    "iterations over those of CG": (mixed.inner_nit.sum() / double.nit, 1.4, 0.2),
    "log10 of the residual of single precision alone": (np.log10(min(single)), -6, 1),
}
