"""
When a small residual means nothing
===================================

If the rows of a matrix differ much in scale, the norm of the residual can be small although some equations
are not solved at all. `numsolve.solve` tests each row too, and warns.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import scipy.sparse as sp

import numsolve
from numsolve.problems import poisson

n = 900
rows = np.where(np.arange(n) < n // 2, 1.0, 1e-9)
A = sp.csr_array(sp.diags_array(rows) @ poisson((30, 30)))
x_true = np.ones(n)

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    poor = numsolve.solve(A, A @ x_true, method="gmres", M=None)
print(caught[0].category.__name__)
print(poor.message)

# %%
# The residual meets the tolerance, and half of the solution is wrong. A direct solve, or rows scaled to one
# size, give the right solution.

good = numsolve.solve(A, A @ x_true)
fig, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
ax.semilogy(np.abs(poor.x - x_true), label="GMRES, residual below the tolerance", lw=1)
ax.semilogy(np.abs(good.x - x_true) + 1e-17, label="the method chosen by solve", lw=1)
ax.set(xlabel="row", ylabel="error of x", title="Rows 450 to 899 are scaled by 1e-9")
ax.legend(frameon=False)

PINNED = {"largest error of the poor solution": (np.abs(poor.x - x_true).max(), 1.0, 0.2)}
