"""The norm of the variables: the matrix B of ``norm(h)**2 = h @ B @ h``."""

from math import sqrt

from ... import _validate
from ..._array import is_sparse, namespace, to_host
from ..._linear.system import length

MOST_DENSE = 2000  # rows of a sparse B that is stored as a dense matrix


class Identity:
    """The Euclidean norm."""

    is_identity = True
    matrix = None

    def into(self, g):
        """Return ``K.T @ g``, where B is the inverse of ``K @ K.T``."""
        return g

    def back(self, y):
        """Return ``K @ y``."""
        return y

    def congruent(self, H):
        """Return ``K.T @ H @ K``."""
        return H

    def norm(self, h):
        """Return the norm of a step."""
        return length(h)

    def dual(self, g):
        """Return the norm of a gradient, ``sqrt(g @ inv(B) @ g)``."""
        return length(self.into(g))

    def apply(self, h):
        """Return ``B @ h``."""
        return h

    def least(self):
        """Return the smallest eigenvalue of B."""
        return 1.0

    def added(self, H, shift):
        """Return the dense matrix ``H + shift * B`` in a new array."""
        H = H.copy()
        step = len(H) + 1
        H.reshape(-1)[::step] += shift
        return H


class Diagonal(Identity):
    """A norm with a diagonal B."""

    is_identity = False

    def __init__(self, diagonal):
        self.diagonal = diagonal
        self._root = namespace(diagonal).sqrt(diagonal)

    def least(self):
        return float(self.diagonal.min())

    def into(self, g):
        return g / (self._root if g.ndim == 1 else self._root[:, None])

    def back(self, y):
        return self.into(y)

    def congruent(self, H):
        return H / self._root[:, None] / self._root[None, :]

    def norm(self, h):
        return length(self._root * h)

    def apply(self, h):
        return self.diagonal * h

    def added(self, H, shift):
        H = H.copy()
        H.reshape(-1)[:: len(H) + 1] += shift * self.diagonal
        return H


class Full(Identity):
    """A norm with a dense B, which one eigendecomposition tests and takes apart."""

    is_identity = False

    def __init__(self, matrix):
        xp = namespace(matrix)
        values, vectors = xp.linalg.eigh(matrix)
        if not float(values[0]) > 0:
            raise ValueError(
                f"metric has the eigenvalue {float(values[0]):.2e}; a positive definite matrix is needed"
            )
        self.matrix, self._inverse_root = matrix, vectors / xp.sqrt(values)[None, :]
        self._least = float(values[0])

    def least(self):
        return self._least

    def into(self, g):
        return self._inverse_root.T @ g

    def back(self, y):
        return self._inverse_root @ y

    def congruent(self, H):
        return self._inverse_root.T @ (H @ self._inverse_root)

    def norm(self, h):
        return sqrt(max(float(namespace(h).vdot(h, self.matrix @ h)), 0.0))

    def apply(self, h):
        return self.matrix @ h

    def added(self, H, shift):
        return H + shift * self.matrix


def metric_of(metric, variables):
    """Return the norm for the caller's argument: None, a vector, or a dense or sparse matrix."""
    if metric is None:
        return Identity()
    n, xp = variables.n, variables.xp
    _validate.same_library(x0=variables.start, metric=metric)
    if is_sparse(metric):
        if n > MOST_DENSE:
            raise ValueError(
                f"metric is sparse with {n} rows; more than {MOST_DENSE} need a vector, the diagonal of B"
            )
        metric = xp.asarray(to_host(metric).toarray())
    B = _validate.real(metric, "metric", xp).astype(variables.dtype)
    if B.shape == (n,):
        if not float(B.min()) > 0:
            raise ValueError(f"metric has the entry {float(B.min())}; positive numbers are needed")
        return Diagonal(B)
    if B.shape != (n, n):
        raise ValueError(f"metric has shape {B.shape}; ({n},) or ({n}, {n}) is needed")
    if float(abs(B - B.T).max()) > 1e-8 * float(abs(B).max()):
        raise ValueError("metric is not symmetric")
    return Full((B + B.T) / 2)
