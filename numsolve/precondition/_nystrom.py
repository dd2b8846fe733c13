"""The randomized Nystrom preconditioner."""

from copy import copy
from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module, library, namespace, to_host
from .._linear.orthonormal import orthonormalised, tall_svd
from .._linear.system import in_units
from .._operators.hermitian import check_hermitian
from .._operators.operator import Operator, as_operator
from .._random import standard_normal

FIRST, LARGEST = 32, 512  # ranks that are tried if none is given
SMALL = 1.0  # the last eigenvalue over the shift at which the rank is large enough


@np.errstate(all="ignore")
def nystrom(A: Any, rank: int | None = None, *, shift: float = 0.0, rng: Any = None) -> Operator:
    r"""Return the randomized Nystrom preconditioner for :math:`A + \mu I` as an operator.

    From :math:`A \approx U\Lambda U^H`, an approximation of low rank from products with random vectors,

    .. math:: M = (\lambda_r + \mu)\, U (\Lambda + \mu I)^{-1} U^H + I - UU^H .

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (n, n)
        Hermitian positive semidefinite matrix of NumPy/SciPy or CuPy, *without* the shift. Products suffice.
    rank : int, optional
        Rank r of the approximation. Default: doubled from 32 on until the last eigenvalue is at most `shift`,
        and 512 at most; without a shift 32.
    shift : float
        The number :math:`\mu \ge 0` that is added to the diagonal of the matrix to solve with, such as the
        regularisation of a kernel system.
    rng : int, numpy.random.Generator or None
        Source of the random numbers, which are drawn on the host.

    Returns
    -------
    Operator
        ``M @ r``; Hermitian positive definite, as `cg` and `minres` need it; it is in the library of `A`.
        ``M.eigenvalues`` are those of the approximation, in decreasing order; ``M.shift`` is the shift.
        ``M.update(A, shift)`` returns the operator for another matrix near this one, or another shift; either
        may be left out.

    Raises
    ------
    ValueError
        `A` is not square, not finite, or is found not to be Hermitian or not to be positive semidefinite;
        `rank` is not between 1 and n; or `shift` is negative.
    TypeError
        A dtype is not supported, or NumPy and CuPy arrays are mixed.

    Notes
    -----
    The set-up takes r products with `A`, in blocks, about 6 n r^2 operations, and two products that test
    that `A` is Hermitian. Applying M takes 4 n r operations. Storage: n r entries. With another `shift`, an
    update takes no product; with another matrix it takes r, with the vectors of the old approximation in
    place of random ones. The approximation is that of Algorithm 2.1 of [1]_, whose small shift protects it
    from rounding errors.

    The effective dimension of `A` is :math:`d = \operatorname{tr}(A(A+\mu I)^{-1})`, about the number of
    eigenvalues above :math:`\mu`. With a rank of at least :math:`2\lceil 1.5 d\rceil + 1` the expected
    condition number of the preconditioned matrix is below 28: Theorem 5.1 of [1]_. So M suits matrices with
    few large eigenvalues: kernel matrices, Gauss-Newton and normal equations with regularisation. For a
    discretised differential equation, whose eigenvalues decay slowly, `amg` and `ic0` are better.

    References
    ----------
    .. [1] Z. Frangella, J. A. Tropp, M. Udell, *Randomized Nystrom preconditioning*, SIAM J. Matrix Anal.
       Appl. 44, 2023, :doi:`10.1137/21M1466244`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import cg
    >>> from numsolve.precondition import nystrom
    >>> x = np.linspace(0, 1, 300)
    >>> K = np.exp(-50 * (x[:, None] - x) ** 2)
    >>> A, b = K + 1e-3 * np.eye(300), np.cos(9 * x)
    >>> cg(A, b, M=nystrom(K, shift=1e-3, rng=0), rtol=1e-8).check().nit < 15
    True
    """
    n = _validate.square_shape(A)
    shift = _validate.tolerance(shift, "shift")
    operator = as_operator(A, library(A) or "numpy")
    if rank is not None and _validate.count(rank, "rank", least=1) > n:
        raise ValueError(f"rank is {rank}, but A has only {n} rows")
    check_hermitian(operator)
    rng = np.random.default_rng(rng)
    values, U = _approximate(operator, rank, shift, rng)
    return Nystrom(U, values, shift)


def _approximate(A, rank, shift, rng):
    """Return the eigenvalues and vectors of an approximation of a rank, or of one that suits the shift."""
    xp, n = array_module(A.library), A.shape[0]
    A, unit = in_units(A)
    more = min(FIRST, n) if rank is None else rank
    most = min(LARGEST, n) if rank is None and shift > 0 else more
    basis = products = xp.zeros((n, 0), A.dtype)
    while True:
        block = standard_normal(rng, (n, more), dtype=A.dtype, like=A.library)
        block = orthonormalised(block, basis)
        basis = xp.concatenate((basis, block), axis=1)
        products = xp.concatenate((products, A @ block), axis=1)
        values, U = factors(basis, products)
        count = basis.shape[1]
        if count == most or len(values) < count or values[-1] * unit <= SMALL * shift:
            return values * unit, U
        more = min(count, most - count)


class Nystrom(Operator):
    """A correction of low rank to the identity."""

    _work: list | None = None
    _not_pickled = ("_work",)
    known_hermitian = True

    def __init__(self, U, eigenvalues, shift):
        n = len(U)
        super().__init__((n, n), U.dtype, library(U) or "numpy")
        self._U, self.eigenvalues = U, eigenvalues
        self._set_shift(shift)

    def _set_shift(self, shift):
        values = self.eigenvalues + shift
        factors = values[-1] / values - 1 if len(values) else values
        self.shift = shift
        self._factors = array_module(self.library).asarray(factors.astype(self._U.real.dtype))

    def with_workspace(self):
        twin, xp = copy(self), array_module(self.library)
        twin._work = [xp.empty(self._U.shape[1], self.dtype), xp.empty(self.shape[0], self.dtype)]
        return twin

    def apply(self, x, out):
        if self._work is None:
            return self.with_workspace().apply(x, out)
        xp, (short, long) = namespace(out), self._work
        if self.dtype.kind == "c":  # U^H x is the conjugate of U^T conj(x): no second copy of U
            long[...] = x
            long.imag *= -1
            xp.matmul(self._U.T, long, out=short)
            short.imag *= -1
        else:
            xp.matmul(self._U.T, x, out=short)
        short *= self._factors
        xp.matmul(self._U, short, out=long)
        out[...] = x
        out += long
        return out

    def apply_block(self, X, out):
        out[...] = X
        out += self._U @ (self._factors[:, None] * (self._U.conj().T @ X))
        return out

    def adjoint(self):
        return self

    def astype(self, dtype):
        if self.dtype == dtype:
            return self
        if self.dtype.kind == "c" and np.dtype(dtype).kind != "c":
            return super().astype(dtype)
        return Nystrom(self._U.astype(dtype), self.eigenvalues, self.shift)

    @np.errstate(all="ignore")
    def update(self, A=None, shift=None):
        """Return the operator for another matrix near this one, or another shift, or both."""
        twin = copy(self)
        twin._work = None
        if A is not None:
            if _validate.square_shape(A) != self.shape[0]:
                raise ValueError(f"A has shape {tuple(A.shape)}, but nystrom was made for {self.shape}")
            home = library(A) or self.library
            if home != self.library:
                raise TypeError(f"A is a {home} matrix, but nystrom was made from a {self.library} one")
            operator = as_operator(A, home)
            check_hermitian(operator)
            operator, unit = in_units(operator)
            basis = self._U.astype(np.result_type(self.dtype, operator.dtype))
            values, U = factors(basis, operator.astype(basis.dtype) @ basis)
            twin.eigenvalues, twin._U = values * unit, U.astype(self.dtype)
        twin._set_shift(self.shift if shift is None else _validate.tolerance(shift, "shift"))
        return twin


def factors(basis, product):
    """Return eigenvalues (host, decreasing, positive) and eigenvectors of a Nystrom approximation.

    `basis` has orthonormal columns, and `product` is A times these. Eigenvalues at rounding level are left
    out.
    """
    xp, eps = namespace(basis), np.finfo(basis.dtype).eps
    size = float((abs(_validate.finite(product, "the product with A")) ** 2).sum()) ** 0.5
    shift = basis.real.dtype.type(eps * size)
    product = product + shift * basis
    core = basis.conj().T @ product
    values, V = xp.linalg.eigh((core + core.conj().T) / 2)
    values = to_host(values)
    if values[0] < -len(values) * 16 * eps * size:
        raise ValueError(
            f"A is not positive semidefinite: x^H A x = {values[0]:.2e} for a vector of norm one"
        )
    kept = values > shift / 2
    if not kept.any():  # A is zero
        return np.zeros(0, values.dtype), basis[:, :0]
    first = int(np.argmax(kept))
    roots = xp.asarray(np.sqrt(values[first:]))
    U, singular, _ = tall_svd((product @ V[:, first:]) / roots)
    eigenvalues = to_host(singular).astype(float) ** 2 - float(shift)
    count = int((eigenvalues > len(values) * eps * eigenvalues[0]).sum())
    return eigenvalues[:count], xp.ascontiguousarray(U[:, :count])
