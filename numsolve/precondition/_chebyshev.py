"""A Chebyshev polynomial in the matrix as a preconditioner."""

from copy import copy
from itertools import islice

import numpy as np

from .. import _validate
from .._array import array_module
from .._linear import spectrum
from .._operators.blocks import Diagonal
from .._operators.entries import diagonal, matrix_of
from .._operators.hermitian import check_hermitian
from .._operators.operator import Operator
from .._result import Breakdown
from ..kernels import kernels_for

# Default bounds, as multiples of the estimated largest eigenvalue. What lies below the lower bound is left to
# the Krylov method or to a coarse grid.
LOWER_BOUND, UPPER_BOUND = 1 / 30, 1.1


def chebyshev(A, degree=3, *, bounds=None):
    r"""Return a Chebyshev polynomial in :math:`D^{-1}A`, with D the diagonal of `A`, as an operator.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Hermitian positive definite matrix of NumPy/SciPy or CuPy.
    degree : int
        Degree of the residual polynomial of the Chebyshev iteration, at least 1: applying M takes
        ``degree - 1`` products with `A`.
    bounds : tuple of float, optional
        Interval of eigenvalues of :math:`D^{-1}A` for which the polynomial is optimal. The upper end must not
        be below the largest eigenvalue. Default: 1/30 to 1.1 times an estimate of the largest eigenvalue, as
        in multigrid smoothers.

    Returns
    -------
    Operator
        ``M @ r``; Hermitian positive definite, as `cg` and `minres` need it; it is in the library of `A`.
        ``M.bounds`` is the interval. ``M.update(A)`` returns the operator for another matrix.

    Raises
    ------
    ValueError
        `A` is not Hermitian, is not square or not finite, or is found not to be positive definite by its
        diagonal or by a few steps of conjugate gradients; `degree` is less than 1; or `bounds` is not an
        interval of positive numbers.
    TypeError
        `A` is a LinearOperator, which has no entries, a dtype is not supported, or `degree` is not a whole
        number.

    Notes
    -----
    Applying M takes ``degree - 1`` products, each with a fused pass of 64 n bytes in float64, and 32 n bytes
    more. Storage: the matrix and a vector; a solve needs three vectors. The set-up takes 12 steps of
    conjugate gradients, which estimate the largest eigenvalue and test that the spectrum is positive, and two
    products, which test that `A` is Hermitian. The test can miss a negative eigenvalue near zero; M is
    positive definite all the same, and `cg` then reports it. Applying M needs no inner products and no order
    of the rows, so it suits a GPU, unlike triangular solves. Algorithm 12.1 of [1]_, from zero; as a
    smoother: [2]_.

    References
    ----------
    .. [1] Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., SIAM, 2003,
       :doi:`10.1137/1.9780898718003`.
    .. [2] M. Adams, M. Brezina, J. Hu, R. Tuminaro, *Parallel multigrid smoothing: polynomial versus
       Gauss-Seidel*, J. Comput. Phys. 188, 2003, :doi:`10.1016/S0021-9991(03)00194-3`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import cg
    >>> from numsolve.precondition import chebyshev
    >>> from numsolve.problems import poisson
    >>> A = poisson((50, 50))
    >>> cg(A, np.ones(2500), M=chebyshev(A, 4)).check().nit < 0.4 * cg(A, np.ones(2500)).check().nit
    True
    """
    degree = _validate.count(degree, "degree", least=1)
    matrix = matrix_of(A, "chebyshev", keep=True)
    return Polynomial(matrix, degree, None if bounds is None else _validate.interval(bounds, "bounds"))


class Polynomial(Operator):
    """A fixed number of steps of the Chebyshev iteration from zero, scaled by the diagonal."""

    _work: list | None = None
    _not_pickled = ("_work",)

    def __init__(self, matrix, degree, bounds):
        super().__init__(matrix.shape, matrix.dtype, matrix.library)
        self._degree, self._given = degree, bounds
        self._set_matrix(matrix)

    def _set_matrix(self, matrix):
        """Set the matrix, and compute its diagonal and bounds."""
        entries = diagonal(matrix, "chebyshev")
        if not bool((entries.real > 0).all()):
            raise ValueError("A has a diagonal entry that is not positive: chebyshev needs a definite matrix")
        check_hermitian(matrix)
        try:
            lmax = spectrum.bounds(matrix, Diagonal(1 / entries))[1]
        except Breakdown as error:
            raise ValueError(f"chebyshev needs a positive spectrum: {error} or spai") from None
        self.bounds = self._given or (LOWER_BOUND * lmax, UPPER_BOUND * lmax)
        self._A, self._scale = matrix, 1 / entries

    def with_workspace(self):
        twin = copy(self)
        twin._A = self._A.with_workspace()
        twin._work = [array_module(self.library).empty_like(self._scale) for _ in range(3)]
        return twin

    def apply(self, x, out):
        if self._work is None:
            return self.with_workspace().apply(x, out)
        kernels, (d, r, q) = kernels_for(out), self._work
        (_, gain), *pairs = islice(spectrum.coefficients(*self.bounds), self._degree)
        kernels.chebyshev_start(gain, self._scale, x, d, out)
        for keep, gain in pairs:
            self._A.apply(d, q)
            kernels.chebyshev_smooth(keep, gain, self._scale, q, x, r, d, out)
            x = r
        return out

    def astype(self, dtype):
        if self.dtype == dtype:
            return self
        twin = copy(self)
        twin.dtype = np.dtype(dtype)
        twin._A, twin._scale = self._A.astype(dtype), self._scale.astype(dtype)
        return twin

    def update(self, A):
        """Return the operator for another matrix of the same shape; bounds that were given stay."""
        matrix = matrix_of(A, "chebyshev", keep=True)
        if matrix.shape != self.shape:
            raise ValueError(f"A has shape {matrix.shape}, but chebyshev was made from one of {self.shape}")
        if matrix.library != self.library:
            raise TypeError(
                f"A is a {matrix.library} matrix, but chebyshev was made from a {self.library} one"
            )
        twin = copy(self)
        twin._set_matrix(matrix.astype(self.dtype))
        return twin
