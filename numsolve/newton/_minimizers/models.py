"""Quadratic models: a Hessian, the metric, and what is computed with ``H + shift * B``."""

from functools import cached_property
from math import inf
from typing import Any, NamedTuple

import numpy as np

from ..._array import namespace, to_host
from ..._linear.fill import forecast
from ..._linear.system import length
from ..._operators.operator import Csr, Dense, absolute
from .truncated_cg import truncated_cg

MOST_EIGEN = 500  # variables up to which a matrix is decomposed into eigenvectors
MOST_CHOLESKY = 3000  # rows of a dense matrix that is factorised
MOST_WORK = 1e10  # operations of a sparse factorisation
CG_RTOL = 1e-3  # residual of the systems that conjugate gradients solve
KRYLOV = 60  # most vectors of a Krylov space
CHECK_EVERY = 5
KRYLOV_RTOL = 1e-4  # residual of a model's minimiser outside the Krylov space


class Spectrum(NamedTuple):
    """Eigenvalues and eigenvectors of H in the norm of B: H W = B W diag(values), W.T B W = I.

    Attributes
    ----------
    values : numpy.ndarray, shape (k,)
        Eigenvalues in ascending order, on the host.
    vectors : array, shape (n, k)
        W; of a Krylov space, if k < n.
    """

    values: np.ndarray
    vectors: Any

    def coefficients(self, g):
        """Return ``W.T @ g`` on the host."""
        return to_host(self.vectors.T @ g)

    def combined(self, y):
        """Return the vector ``W @ y``."""
        return self.vectors @ namespace(self.vectors).asarray(y)


class Model:
    """The model with an operator H, of which only products are known.

    Attributes
    ----------
    H : Operator
        The Hessian, or an approximation.
    metric : Metric
        The norm of the steps.
    """

    def __init__(self, H, metric):
        self.H, self.metric = H, metric

    @property
    def spectrum(self) -> Spectrum | None:
        """The eigenvectors, or None if there are too many variables."""
        return None

    @property
    def is_factorable(self):
        """Whether a factorisation is affordable."""
        return False

    def product(self, v):
        """Return ``H @ v``."""
        return self.H @ v

    def magnitude(self):
        """Return the size of a typical large entry of H."""
        return self.H.magnitude()

    def negative_curvature(self, relative):
        """Say that a stationary point is no minimum, or return "" if that is not certain.

        It is, if H has an eigenvalue below ``-relative`` times its norm.
        """
        spectrum = self.spectrum
        if spectrum is None:
            return self._by_factorisation(relative)
        values = spectrum.values
        if not values[0] < -relative * abs(values).max():
            return ""
        kind = "a maximum" if values[-1] < 0 else "a saddle point"
        return f"{kind}, not at a minimum: the Hessian has the eigenvalue {values[0]:.2e}"

    def _by_factorisation(self, relative):
        """Test the sum of H and a multiple of the identity."""
        matrix: Any = getattr(self, "matrix", None)
        if matrix is None or not self.is_factorable:
            return ""
        shift = relative * float(abs(matrix).sum(axis=0).max()) / self.metric.least()
        if self.factored(shift) is not None:
            return ""
        return "a saddle point or a maximum: a factorisation of the Hessian has a negative pivot"

    def factored(self, shift):
        """Return a function that solves with ``H + shift * B``, or None if the matrix is not definite.

        The function returns None where conjugate gradients find a direction of negative curvature.
        """

        def solve(b):
            found = truncated_cg(lambda v: self.product(v) + shift * self.metric.apply(v), -b, rtol=CG_RTOL)
            return None if found.is_curved else found.step

        return solve

    def minimised(self, g, minimise):
        """Return the minimiser of a model with the gradient `g`.

        ``minimise(values, c)`` solves the problem in the eigenvectors; without them, it is solved in a Krylov
        space that grows until the gradient of the model outside of it is small.
        """
        spectrum = self.spectrum
        if spectrum is not None:
            return spectrum.combined(minimise(spectrum.values, spectrum.coefficients(g)))
        return self._in_krylov_space(g, minimise)

    def rounding_of(self, x):
        """Return an estimate of ``norm(abs(H) @ abs(x))``."""
        return length(self.product(x))

    def _in_krylov_space(self, g, minimise):
        """Minimise in the space of g, H g, ... by Lanczos' method with full orthogonalisation."""
        metric, xp = self.metric, namespace(g)
        g = metric.into(g)
        size = length(g)
        most = min(len(g), KRYLOV)
        Q = xp.zeros((len(g), most), g.dtype)
        T = np.zeros((most + 1, most))
        q, y = g / size, np.zeros(0)
        for k in range(most):
            Q[:, k] = q
            w = metric.into(self.product(metric.back(q)))
            for _ in range(2):
                h = Q[:, : k + 1].T @ w
                w = w - Q[:, : k + 1] @ h
                T[: k + 1, k] += to_host(h)
            T[k + 1, k] = beta = length(w)
            is_last = k + 1 == most or beta <= 1e-14 * abs(T).max()
            if is_last or k % CHECK_EVERY == CHECK_EVERY - 1:
                values, vectors = np.linalg.eigh((T[: k + 1, : k + 1] + T[: k + 1, : k + 1].T) / 2)
                y = vectors @ minimise(values, size * vectors[0])
                if is_last or beta * abs(y[-1]) <= KRYLOV_RTOL * size:
                    break
            q = w / beta
        return metric.back(Q[:, : len(y)] @ xp.asarray(y.astype(g.dtype)))


class DenseModel(Model):
    """The model with a dense matrix."""

    def __init__(self, H, metric):
        super().__init__(H, metric)
        self.matrix = (H.array + H.array.T) / 2

    @property
    def is_factorable(self):
        """Whether the matrix is on the host, and not too large."""
        return self.H.library == "numpy" and len(self.matrix) <= MOST_CHOLESKY

    def product(self, v):
        return self.matrix @ v

    @cached_property
    def spectrum(self) -> Spectrum | None:
        """The eigenvectors, computed once, if the matrix is not too large."""
        return self.decomposed() if len(self.matrix) <= MOST_EIGEN else None

    def decomposed(self):
        """Return the eigenvectors."""
        matrix = self.metric.congruent(self.matrix)
        values, vectors = namespace(matrix).linalg.eigh(matrix)
        return Spectrum(to_host(values), self.metric.back(vectors))

    def factored(self, shift):
        if self.H.library != "numpy":
            return self._by_eigenvectors(shift)
        from scipy.linalg import cho_factor, cho_solve

        try:
            factors = cho_factor(self.metric.added(self.matrix, shift), check_finite=False)
        except np.linalg.LinAlgError:
            return None
        return lambda b: cho_solve(factors, b, check_finite=False)

    def _by_eigenvectors(self, shift):
        """Solve on a device, whose Cholesky factorisation does not tell that it failed."""
        spectrum = self.spectrum or self.decomposed()
        d = spectrum.values + shift
        if not d[0] > len(d) * np.finfo(d.dtype).eps * abs(d).max():
            return None
        return lambda b: spectrum.combined(spectrum.coefficients(b) / d)

    def rounding_of(self, x):
        return length(abs(self.matrix) @ abs(x))


class SparseModel(Model):
    """The model with a sparse matrix on the host and a diagonal metric."""

    def __init__(self, H, metric):
        super().__init__(H, metric)
        matrix = H.to_sparse()
        self.matrix = ((matrix + matrix.T) * 0.5).tocsc()

    @cached_property
    def is_factorable(self):
        """Whether the fill of the matrix is small enough; it is counted for large matrices."""
        from scipy.sparse import eye_array

        n = self.matrix.shape[0]
        if n <= MOST_CHOLESKY:
            return True
        pattern = (abs(self.matrix) + eye_array(n)).tocsr()
        return forecast(pattern, True, MOST_WORK).work < inf

    def product(self, v):
        return self.matrix @ v

    @cached_property
    def spectrum(self) -> Spectrum | None:
        """The eigenvectors, if the matrix is small."""
        n = self.matrix.shape[0]
        return (
            DenseModel(Dense(self.matrix.toarray()), self.metric).spectrum if n <= MOST_EIGEN // 5 else None
        )

    def factored(self, shift):
        """Factorise with the pivots on the diagonal; their signs are those of the eigenvalues."""
        from scipy.sparse import diags_array
        from scipy.sparse.linalg import splu

        n = self.matrix.shape[0]
        B = self.metric.apply(np.ones(n, self.matrix.dtype))
        shifted = (self.matrix + diags_array(shift * B)).tocsc()
        try:
            factors = splu(
                shifted, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
            )
        except RuntimeError:
            return None
        if not np.array_equal(factors.perm_r, factors.perm_c) or not (factors.U.diagonal() > 0).all():
            return None
        return factors.solve

    def rounding_of(self, x):
        return length(absolute(self.H) @ abs(x))


def model_of(H, metric) -> Model:
    """Return the model for a Hessian."""
    if isinstance(H, Csr) and H.library == "numpy":
        if metric.matrix is None:
            return SparseModel(H, metric)
        H = Dense(H.to_sparse().toarray())
    return DenseModel(H, metric) if isinstance(H, Dense) else Model(H, metric)
