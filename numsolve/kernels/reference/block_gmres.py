"""The work of block GMRES on its basis, with delayed reorthogonalisation.

The basis V (m + 1, n, p) has blocks for vectors: V[j] is U until its second orthogonalisation, V[j+1] is
W = A U. A column of which nothing is left becomes zero.
"""

import numpy as np


def block_project(j, V):
    """Return the products of the blocks up to U with U and with W, as an array (2, (j + 1) p, p)."""
    return np.stack([np.concatenate([v.conj().T @ w for v in V[: j + 1]]) for w in V[j : j + 2]])


def block_advance(j, ST, C, V):
    """Finish block j, orthogonalise its successor once; return the latter's products with itself.

    ``V_j = (U - V S) C`` and ``U_next = (W - V T - V_j gamma) C``, in place; gamma ends T.
    """
    p = len(C)
    S, T = ST
    for i in range(j):
        V[j] -= V[i] @ S[i * p : (i + 1) * p]
        V[j + 1] -= V[i] @ T[i * p : (i + 1) * p]
    V[j] = V[j] @ C
    V[j + 1] = (V[j + 1] - V[j] @ T[j * p :]) @ C
    return V[j + 1].conj().T @ V[j + 1]


def block_transform(C, W):
    """Multiply W by C from the right, in place."""
    W[...] = W @ C
