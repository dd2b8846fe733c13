"""The randomized singular value decomposition."""

from dataclasses import dataclass
from math import hypot, sqrt
from typing import Any

import numpy as np

from .._array import library, to_host
from .._linear.orthonormal import tall_svd
from .._linear.system import in_units
from .._operators.operator import as_operator
from .._result import warn_of_miss
from ._low_rank import LowRank, judged
from ._range import checked_limits, find_range, kept_rank, rounding


@dataclass(frozen=True, eq=False, repr=False)
class SvdResult(LowRank):
    """Singular values and vectors of largest size, and the error of the approximation.

    It unpacks as the tuple of SciPy's functions: ``U, s, Vh = result``.

    Attributes
    ----------
    U : array, shape (m, k)
        Left singular vectors, orthonormal columns.
    s : array, shape (k,)
        Singular values, in decreasing order.
    Vh : array, shape (k, n)
        Conjugate transpose of the right singular vectors.
    error_bound : float
        A bound of ``norm(A - U @ diag(s) @ Vh, 2)`` that holds with a probability of at least 1 - 1e-8.
    error_frobenius : float
        An unbiased estimate of the Frobenius norm of the same matrix (of its square).
    status : Status
        ``CONVERGED`` if the bound meets the tolerance, or if there is none; else ``MAXITER``.
    message : str
        The same in words; after a failure, with a remedy.
    """

    U: Any
    s: Any
    Vh: Any

    @property
    def rank(self):
        """Rank of the approximation."""
        return len(self.s)

    def _as_tuple(self):
        return self.U, self.s, self.Vh


@np.errstate(all="ignore")
def svd(
    A: Any,
    k: int | None = None,
    *,
    rtol: float | None = None,
    oversampling: int = 10,
    power: int = 2,
    rng: Any = None,
) -> SvdResult:
    r"""Approximate the largest singular values of `A` and their vectors by a randomized range finder.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (m, n)
        Any matrix of NumPy/SciPy or CuPy, real or complex. A LinearOperator needs ``rmatvec``.
    k : int, optional
        Rank of the approximation; with `rtol` the largest rank.
    rtol : float, optional
        Find the rank for which ``norm(A - U @ diag(s) @ Vh) <= rtol * norm(A)`` in the 2-norm. At least one
        of `k` and `rtol` is needed.
    oversampling : int
        Random vectors beyond `k`.
    power : int
        Power iterations. Each takes a product with `A` and one with its adjoint more, and raises the ratios
        of singular values that decide on the accuracy to the power ``2 * power + 1``. 0 suffices if the
        singular values decay fast, 1 or 2 otherwise.
    rng : int, numpy.random.Generator or None
        Source of the random numbers, which are drawn on the host.

    Returns
    -------
    SvdResult
        ``U, s, Vh = result``; ``result.error_bound`` and ``result.error_frobenius`` say how far their
        product is from `A`. The arrays are in the library of `A`.

    Raises
    ------
    ValueError
        `A` or a product with it is not finite, `k` is not between 1 and the number of singular values, both
        `k` and `rtol` are left out, or an argument is negative.
    TypeError
        A dtype is not supported, or a LinearOperator has no adjoint product.

    Warns
    -----
    ConvergenceWarning
        The rank `k` is too small for `rtol`.

    Notes
    -----
    With l = k + oversampling: ``2 (power + 1) l`` products with vectors, in blocks, half of them with the
    adjoint; about ``2 l^2 (m + n) (power + 1)`` operations for orthogonal bases, which are renewed after each
    product; and 48 products for the error. Storage: l vectors of m and of n, and as many for work. For a
    sparse matrix its conjugate transpose is kept during the call.

    Algorithms 4.4 and 5.1 of [1]_. With Q the basis, the error has two orthogonal parts: ``A - Q Q^H A``,
    and the singular values of ``Q^H A`` that are left out. The second is known. The first, E, is bounded by
    Lemma 4.1 there, from the products of ``E E^H E`` with 16 random vectors that nothing else depends on. The
    bound is about 1.4 to 8 times the norm, the more the flatter the singular values. With `rtol`, the basis
    is doubled until the bound is half of the tolerance. Then singular values are left out as far as the
    tolerance allows. Rounding limits `rtol` to about 1e-13 (1e-5 in single precision).

    The singular values are never larger than those of `A`, up to rounding. Their relative errors are about
    the square of ``error / s``, smaller than those of the vectors. For a few singular values to full
    accuracy, a Krylov method such as `scipy.sparse.linalg.svds` needs fewer products.

    References
    ----------
    .. [1] N. Halko, P. G. Martinsson, J. A. Tropp, *Finding structure with randomness: probabilistic
       algorithms for constructing approximate matrix decompositions*, SIAM Review 53, 2011,
       :doi:`10.1137/090771806`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.sketch import svd
    >>> A = 1 / (1.0 + np.arange(200)[:, None] + np.arange(300))  # singular values that decay fast
    >>> U, s, Vh = svd(A, 6, rng=0)
    >>> bool(np.linalg.norm(A - (U * s) @ Vh, 2) < 1e-2)
    True
    >>> result = svd(A, rtol=1e-6, rng=0).check()
    >>> bool(np.linalg.norm(A - (result.U * result.s) @ result.Vh, 2) < 1e-6 * s[0])
    True
    """
    k, rtol, oversampling, power = checked_limits(A, k, rtol, oversampling, power)
    operator, unit = in_units(as_operator(A, library(A) or "numpy"))
    share = None if rtol is None else rtol / 2
    found, probes = find_range(operator, k, share, oversampling, power, np.random.default_rng(rng))
    V, s, Wh = tall_svd(found.C)  # A is about Q C^H = (Q W) s V^H
    outside, size = found.bound(probes), float(s[0])
    error = rounding(found, size)
    room = None if rtol is None else sqrt(max(max(rtol * size - error, 0.0) ** 2 - outside**2, 0.0))
    rank, left = kept_rank(to_host(s), k, room)
    U, s, Vh = found.Q @ Wh[:rank].conj().T, s[:rank], V[:, :rank].conj().T
    bound = hypot(outside, left) + error  # what is left out is in the range of Q, the rest orthogonal to it
    frobenius = probes.frobenius(U @ (s[:, None] * (Vh @ probes.vectors)))
    status, message = judged(bound * unit, size * unit, rank, rtol)
    return warn_of_miss(SvdResult(bound * unit, frobenius * unit, status, message, U, s * unit, Vh))
