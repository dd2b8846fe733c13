"""A Chebyshev polynomial in the matrix as a preconditioner."""

from copy import copy
from itertools import islice

from .. import _validate
from .._array import array_module
from .._linear import spectrum
from .._operators.blocks import Diagonal
from .._operators.entries import diagonal, matrix_of
from .._operators.operator import Operator, check_hermitian
from .._result import Breakdown
from ..kernels import kernels_for

LOWEST = 1 / 30  # of the largest eigenvalue: what is below is left to the iteration, or to a coarse grid
HIGHEST = 1.1  # of the estimate of it


def chebyshev(A, degree=3, *, bounds=None):
    r"""Return a Chebyshev polynomial in :math:`D^{-1}A`, with D the diagonal of `A`, as an operator.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Hermitian positive definite matrix of NumPy/SciPy or CuPy.
    degree : int
        Degree of the polynomial that is left of the residual: applying it costs ``degree - 1`` products
        with `A`.
    bounds : tuple of float, optional
        The interval of eigenvalues of :math:`D^{-1}A` on which it is the best. Its upper end must not be
        below the largest eigenvalue. Default: from a 30th of an estimate of the largest to 1.1 times it, as
        multigrid smoothers use it.

    Returns
    -------
    Operator
        ``M @ r``; Hermitian positive definite, as `cg` and `minres` need it; it lives where `A` lives.
        ``M.bounds`` is the interval. ``M.update(A)`` takes another matrix and returns M.

    Raises
    ------
    ValueError
        `A` is not Hermitian, a few steps of conjugate gradients find that it is not positive definite, it is
        not square or not finite, `degree` is below one, or `bounds` is not an interval of positive numbers.
    TypeError
        `A` is a LinearOperator, whose diagonal is not at hand.

    Notes
    -----
    Applying it takes ``degree - 1`` products, each with a fused pass of 64 n bytes in float64, and 32 n
    bytes. Storage: 4 vectors. Making it: 12 steps of conjugate gradients, for the estimate and to see that
    the spectrum is positive, and two products to test that `A` is Hermitian. A negative eigenvalue too near
    zero to be seen leaves M definite: it is then `cg` that says so. Applying it needs no inner products and
    no order of the rows: it suits a GPU, where triangular solves do not. Algorithm 12.1 of [1]_, from zero;
    as a smoother: [2]_.

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
    return Polynomial(A, degree, None if bounds is None else _validate.interval(bounds, "bounds"))


class Polynomial(Operator):
    """A fixed number of steps of the Chebyshev iteration from zero, scaled by the diagonal."""

    def __init__(self, A, degree, bounds):
        self._degree, self._given = degree, bounds
        self._take(matrix_of(A, "chebyshev"))

    def _take(self, matrix):
        """Take the diagonal and the bounds from a matrix."""
        entries = diagonal(matrix, "chebyshev")
        if not bool((entries.real > 0).all()):
            raise ValueError("A has a diagonal entry that is not positive: chebyshev needs a definite matrix")
        check_hermitian(matrix)
        try:
            lmax = spectrum.bounds(matrix, Diagonal(1 / entries))[1]
        except Breakdown as error:
            raise ValueError(f"chebyshev needs a positive spectrum: {error} or spai") from None
        self.bounds = self._given or (LOWEST * lmax, HIGHEST * lmax)
        self._hold(matrix, 1 / entries)

    def _hold(self, matrix, scale):
        """Take a matrix and its inverse diagonal, and make the work space."""
        super().__init__(matrix.shape, matrix.dtype, matrix.library)
        self._A, self._scale = matrix, scale
        self._q, self._r, self._d = (array_module(matrix.library).zeros_like(scale) for _ in range(3))

    def apply(self, x, out):
        kernels, d, r, q = kernels_for(out), self._d, self._r, self._q
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
        twin._hold(self._A.astype(dtype), self._scale.astype(dtype))
        return twin

    def update(self, A):
        """Take another matrix of the same shape, and its bounds unless they were given; return M itself."""
        matrix = matrix_of(A, "chebyshev")
        if matrix.shape != self.shape:
            raise ValueError(f"A has shape {matrix.shape}, but chebyshev was made from one of {self.shape}")
        if matrix.library != self.library:
            raise TypeError(
                f"A is a {matrix.library} matrix, but chebyshev was made from a {self.library} one"
            )
        self._take(matrix.astype(self.dtype))
        return self
