"""The randomized eigenvalue decomposition of Hermitian matrices."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module, library, to_host
from .._linear.system import in_units
from .._operators.hermitian import check_hermitian
from .._operators.operator import as_operator
from .._result import warn_of_miss
from ..precondition._nystrom import factors
from ._low_rank import LowRank, judged
from ._range import checked_limits, find_range, kept_rank, rounding


@dataclass(frozen=True, eq=False, repr=False)
class EighResult(LowRank):
    """Eigenvalues of largest modulus with their vectors, and the error of the approximation.

    It unpacks as the tuple of SciPy's functions: ``w, V = result``.

    Attributes
    ----------
    w : array, shape (k,)
        Eigenvalues, in increasing order.
    V : array, shape (n, k)
        Eigenvectors, orthonormal columns.
    error_bound : float
        A bound of ``norm(A - V @ diag(w) @ V^H, 2)`` that holds with a probability of at least 1 - 1e-8.
    error_frobenius : float
        An unbiased estimate of the Frobenius norm of the same matrix (of its square).
    status : Status
        ``CONVERGED`` if the bound meets the tolerance, or if there is none; else ``MAXITER``.
    message : str
        The same in words; after a failure, with a remedy.
    """

    w: Any
    V: Any

    @property
    def rank(self):
        """Rank of the approximation."""
        return len(self.w)

    def _as_tuple(self):
        return self.w, self.V


@np.errstate(all="ignore")
def eigh(
    A: Any,
    k: int | None = None,
    *,
    rtol: float | None = None,
    semidefinite: bool = False,
    oversampling: int = 10,
    power: int = 2,
    rng: Any = None,
) -> EighResult:
    r"""Approximate the eigenvalues of largest modulus of a Hermitian matrix, and their vectors.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (n, n)
        Hermitian matrix of NumPy/SciPy or CuPy, definite or not.
    k : int, optional
        Rank of the approximation; with `rtol` the largest rank.
    rtol : float, optional
        Find the rank for which ``norm(A - V @ diag(w) @ V^H) <= rtol * norm(A)`` in the 2-norm. At least one
        of `k` and `rtol` is needed.
    semidefinite : bool
        Whether `A` is positive semidefinite. The Nystrom approximation, which needs this, is then used: it
        is more accurate from the same products.
    oversampling : int
        Random vectors beyond `k`.
    power : int
        Power iterations, of two products with `A` each. They raise the ratios of eigenvalues that decide on
        the accuracy to the power ``2 * power + 1``.
    rng : int, numpy.random.Generator or None
        Source of the random numbers, which are drawn on the host.

    Returns
    -------
    EighResult
        ``w, V = result``; ``result.error_bound`` and ``result.error_frobenius`` say how far
        ``V @ diag(w) @ V^H`` is from `A`. The arrays are in the library of `A`.

    Raises
    ------
    ValueError
        `A` is not square, is found not to be Hermitian (or not semidefinite, if that was said), `A` or a
        product with it is not finite, `k` is not between 1 and n, both `k` and `rtol` are left out, or an
        argument is negative.
    TypeError
        A dtype is not supported.

    Warns
    -----
    ConvergenceWarning
        The rank `k` is too small for `rtol`.

    Notes
    -----
    With l = k + oversampling: ``2 (power + 1) l`` products with vectors, in blocks; about
    ``4 l^2 n (power + 1)`` operations for orthogonal bases; 48 products for the error, and 2 that test that
    `A` is Hermitian. Storage: 3 l vectors, and as many for work.

    With a basis Q of the range finder, the pairs are those of ``Q Q^H A Q Q^H``: section 5.3 of [1]_. With
    `semidefinite`, they are those of ``(A Q) (Q^H A Q)^+ (A Q)^H``: Algorithm 5.5 there, with the shift
    against rounding errors of [2]_. The bound of the error is twice that of ``A - Q Q^H A``, as in `svd`,
    plus the modulus of the largest eigenvalue that is left out.

    References
    ----------
    .. [1] N. Halko, P. G. Martinsson, J. A. Tropp, *Finding structure with randomness: probabilistic
       algorithms for constructing approximate matrix decompositions*, SIAM Review 53, 2011,
       :doi:`10.1137/090771806`.
    .. [2] J. A. Tropp, A. Yurtsever, M. Udell, V. Cevher, *Fixed-rank approximation of a
       positive-semidefinite matrix from streaming data*, NIPS 2017, arXiv:1706.05736.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.sketch import eigh
    >>> x = np.linspace(-1, 1, 300)
    >>> A = (x[:, None] - x) ** 2  # of rank 3, indefinite
    >>> w, V = eigh(A, 3, rng=0)
    >>> bool(np.linalg.norm(A - (V * w) @ V.T, 2) < 1e-12 * abs(w).max())
    True
    """
    _validate.square_shape(A)
    k, rtol, oversampling, power = checked_limits(A, k, rtol, oversampling, power)
    operator = as_operator(A, library(A) or "numpy")
    check_hermitian(operator)
    operator, unit = in_units(operator)
    share = None if rtol is None else rtol / 4
    found, probes = find_range(operator, k, share, oversampling, power, np.random.default_rng(rng))
    xp = array_module(operator.library)
    if semidefinite:
        w, V = factors(found.Q, found.C)
    else:
        core = found.Q.conj().T @ found.C
        w, V = xp.linalg.eigh((core + core.conj().T) / 2)
        w, V = to_host(w), found.Q @ V
    order = np.argsort(-abs(w), kind="stable")
    size = float(abs(w).max(initial=0))
    outside = 2 * found.bound(probes) + rounding(found, size)
    room = None if rtol is None else max(rtol * size - outside, 0.0)
    rank, left = kept_rank(abs(w[order]), k, room)
    order = order[:rank][np.argsort(w[order[:rank]])]
    w, V = xp.asarray(w[order].astype(V.real.dtype)), V[:, xp.asarray(order)]
    bound = outside + left
    frobenius = probes.frobenius(V @ (w[:, None] * (V.conj().T @ probes.vectors)))
    status, message = judged(bound * unit, size * unit, rank, rtol)
    return warn_of_miss(EighResult(bound * unit, frobenius * unit, status, message, w * unit, V))
