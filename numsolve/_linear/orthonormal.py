"""Orthonormal bases and singular values of tall blocks, by products of matrices where they suffice."""

import numpy as np

from .._array import namespace


def orthonormalised(block, basis=None):
    """Return orthonormal columns with the span of those of `block`, orthogonal to those of `basis`.

    Householder's method spends its time in passes over the block. If the Gram matrix is well enough
    conditioned, two passes through it give an orthonormal basis too, in a third of the time or less: T.
    Fukaya et al., CholeskyQR2, ScalA 2014, doi:10.1109/ScalA.2014.11; here with eigenvalues, which tell the
    condition.
    """
    if basis is None or basis.shape[1] == 0:
        return _orthonormal(block)
    for _ in range(2):  # the second time removes what rounding left
        block = _orthonormal(block - basis @ (basis.conj().T @ block))
    return block


def tall_svd(block):
    """Return the thin singular value decomposition of a block with at least as many rows as columns."""
    xp, Q = namespace(block), _orthonormal(block)
    U, s, Vh = xp.linalg.svd(Q.conj().T @ block, full_matrices=False)
    return Q @ U, s, Vh


def _orthonormal(block):
    xp, Q = namespace(block), block
    for _ in range(2):
        values, V = xp.linalg.eigh(Q.conj().T @ Q)
        eps = float(np.finfo(values.dtype).eps)
        if not bool(values[0] > 100 * len(values) * eps * values[-1]):
            return xp.linalg.qr(block)[0]
        Q = Q @ (V / xp.sqrt(values))
    return Q
