"""Random sketching matrices: few random combinations of the rows of a matrix keep its geometry."""

from math import sqrt
from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module, is_sparse, library, sparse_module
from .._operators.operator import Csr
from .._operators.readonly import ReadOnly
from ..kernels import kernels_for

KINDS = ("gaussian", "sparse-sign", "countsketch", "subsampled-hadamard")
STORED = 1 << 22  # numbers of a Gaussian sketch that are kept; a larger one is drawn anew in each product
PART = 1 << 22  # numbers of a part of a large argument or sketch that is worked on at a time


def sketch(kind: str, d: int, n: int, *, rng: Any = None, nnz: int = 8) -> "Sketch":
    r"""Return a random matrix S of shape (d, n) with :math:`E[S^TS] = I`, to be applied as ``S @ A``.

    With d somewhat larger than k, ``norm(S @ x)`` is near ``norm(x)`` for all x of a subspace of dimension k.

    Parameters
    ----------
    kind : {"gaussian", "sparse-sign", "countsketch", "subsampled-hadamard"}
        "gaussian": independent normal entries. "sparse-sign": `nnz` entries of random sign in each column,
        in random rows. "countsketch": the same with one entry. "subsampled-hadamard": random signs, a fast
        Walsh-Hadamard transform, and a random choice of d of its rows.
    d, n : int
        Rows and columns of S.
    rng : int, numpy.random.Generator or None, optional
        Seed or generator (SPEC 7). The same seed gives the same matrix.
    nnz : int
        Entries in a column of "sparse-sign"; at most `d` of them.

    Returns
    -------
    Sketch
        Its products are ``S @ A``, ``S.T @ Y``, ``A @ S.T`` and ``Y @ S``.

    Raises
    ------
    ValueError
        The kind is unknown, or a number is too small.
    TypeError
        A number is not whole.

    Notes
    -----
    For a dense A of shape (n, k), with b = nnz:

    =====================  ======================  ===========================
    kind                   operations              storage of S
    =====================  ======================  ===========================
    "gaussian"             2 d n k                 d n numbers if few, else none
    "sparse-sign"          2 b n k                 b n indices
    "countsketch"          2 n k                   n indices
    "subsampled-hadamard"  N log2(N) k             n signs, d indices
    =====================  ======================  ===========================

    N is the power of two that is not less than n and d. A Gaussian sketch of more than four million entries
    is not stored: a product draws its columns anew, block by block. The entries of a column of "sparse-sign"
    are one in each of `nnz` groups of rows [1]_, so that they never coincide. "countsketch" is the cheapest,
    but a subspace of dimension k may need :math:`d \sim k^2` rows, if it contains unit vectors [2]_; the
    others need a small multiple of k. For the transform, see [3]_.

    References
    ----------
    .. [1] J. Nelson, H. L. Nguyen, *OSNAP: Faster numerical linear algebra algorithms via sparser subspace
       embeddings*, FOCS 2013, :doi:`10.1109/FOCS.2013.21`.
    .. [2] K. L. Clarkson, D. P. Woodruff, *Low-rank approximation and regression in input sparsity time*,
       J. ACM 63, 2017, :doi:`10.1145/3019134`.
    .. [3] J. A. Tropp, *Improved analysis of the subsampled randomized Hadamard transform*, Adv. Adapt. Data
       Anal. 3, 2011, :doi:`10.1142/S1793536911000787`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.sketch import sketch
    >>> S = sketch("sparse-sign", 400, 10_000, rng=0)
    >>> x = np.ones(10_000)
    >>> bool(0.8 < np.linalg.norm(S @ x) / np.linalg.norm(x) < 1.2)
    True
    """
    kind = _validate.choice(kind, "kind", KINDS)
    d, n = _validate.count(d, "d", least=1), _validate.count(n, "n", least=1)
    nnz = min(_validate.count(nnz, "nnz", least=1), d)
    rng = np.random.default_rng(rng)
    if kind == "gaussian":
        return Gaussian(d, n, rng)
    if kind == "subsampled-hadamard":
        return SubsampledHadamard(d, n, rng)
    return SparseSigns.random(kind, d, n, 1 if kind == "countsketch" else nnz, rng)


class Sketch(ReadOnly):
    """A random matrix of real numbers, applied to arrays of NumPy or CuPy; made by `sketch`.

    Nothing in it changes, so threads can share it, and it can be pickled. A product has the precision of the
    other factor. Of a sparse one it is dense too: it has few rows, which are mostly full.

    Attributes
    ----------
    kind : str
        The kind, as it is given to `sketch`.
    shape : tuple of int
        Rows and columns.
    """

    ndim = 2
    __array_ufunc__ = None  # NumPy leaves ``A @ S`` to __rmatmul__

    def __init__(self, kind: str, shape: tuple[int, int]):
        self.kind, self.shape = kind, shape

    def _write(self, A, Y, lib):
        """Write the product with A, real and in C order, (n, k), to Y."""
        raise NotImplementedError

    def _write_adjoint(self, Y, A, lib):
        """Write the product of the transpose with Y, real and in C order, (d, k), to A."""
        raise NotImplementedError

    def _sparse_product(self, A, lib):
        """Return the product with a sparse A, of which some columns at a time are made dense."""
        xp, A = array_module(lib), A.tocsc()
        dtype = _validate.floating(A.dtype, "A")
        Y = xp.empty((self.shape[0], A.shape[1]), dtype)
        for part in _parts(A.shape[1], A.shape[0]):
            Y[:, part] = _product(self, A[:, part].toarray().astype(dtype, copy=False), lib)
        return Y

    @property
    def T(self) -> "Sketch":
        """The transpose."""
        return Transposed(self)

    @property
    def H(self) -> "Sketch":
        """The conjugate transpose, which is the transpose."""
        return self.T

    def to_dense(self, dtype: Any = float, library: str = "numpy") -> Any:
        """Return the matrix as an array.

        Parameters
        ----------
        dtype : dtype, optional
            Its dtype.
        library : {"numpy", "cupy"}, optional
            Its library.

        Returns
        -------
        array, shape (d, n)
            The matrix.
        """
        xp = array_module(library)
        unit = xp.zeros((self.shape[1], self.shape[1]), dtype)
        unit[xp.arange(self.shape[1]), xp.arange(self.shape[1])] = 1
        return self @ unit

    def __matmul__(self, A) -> Any:
        lib = library(A) or "numpy"
        if is_sparse(A):
            self._check(A, "A")
            return self._sparse_product(A, lib)
        A = _validate.as_array(A, "A", array_module(lib))
        self._check(A, "A")
        return _product(self, A.astype(_validate.floating(A.dtype, "A"), copy=False), lib)

    def __rmatmul__(self, A) -> Any:
        transposed = self.T @ (A.T if is_sparse(A) or library(A) is not None else np.asarray(A).T)
        return transposed.T

    def _check(self, A, name):
        """Raise unless the rows of A are as many as the columns of the sketch."""
        if A.ndim not in (1, 2) or A.shape[0] != self.shape[1]:
            raise ValueError(
                f"{name} has shape {tuple(A.shape)}, but the sketch of shape {self.shape} needs "
                f"({self.shape[1]},) or ({self.shape[1]}, k)"
            )

    def __repr__(self):
        return f"<{self.kind} sketch of shape {self.shape}{self._details()}>"

    def _details(self):
        return ""


class Transposed(Sketch):
    """The transpose of a sketch."""

    def __init__(self, original: Sketch):
        super().__init__(original.kind, (original.shape[1], original.shape[0]))
        self._original = original

    def _write(self, A, Y, lib):
        self._original._write_adjoint(A, Y, lib)

    def _write_adjoint(self, Y, A, lib):
        self._original._write(Y, A, lib)

    def to_dense(self, dtype: Any = float, library: str = "numpy") -> Any:
        return self._original.to_dense(dtype, library).T

    @property
    def T(self) -> Sketch:
        return self._original

    def _details(self):
        return ", transposed"


class SparseSigns(Sketch):
    """A sketch with entries of one magnitude, stored by rows.

    Attributes
    ----------
    indptr, places : numpy.ndarray of int
        The entries of a row: the column j of a positive one, ``~j`` for a negative one.
    scale : float
        Their magnitude.
    """

    def __init__(self, kind, shape, indptr, places, scale):
        super().__init__(kind, shape)
        self.indptr, self.places, self.scale = indptr, places, scale

    @classmethod
    def random(cls, kind, d, n, nnz, rng):
        """Draw a sketch with `nnz` entries in each column, one in each of so many groups of rows."""
        width = np.int32 if n * nnz < np.iinfo(np.int32).max else np.int64
        bounds = np.arange(nnz + 1) * d // nnz
        drawn = rng.integers(2 * bounds[:-1], 2 * bounds[1:], (n, nnz), dtype=np.int64)
        columns = np.repeat(np.arange(n, dtype=width), nnz)
        return cls._from_entries(kind, (d, n), drawn.ravel() // 2, columns, drawn.ravel() % 2, 1 / sqrt(nnz))

    @classmethod
    def _from_entries(cls, kind, shape, rows, columns, negative, scale):
        """Store by rows the entries that are given by their rows, columns and signs."""
        order = np.argsort(rows.astype(np.min_scalar_type(shape[0])), kind="stable")
        indptr = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=shape[0]))))
        places = np.where(negative, ~columns, columns)[order]
        return cls(kind, shape, indptr.astype(columns.dtype), places, scale)

    @property
    def T(self) -> Sketch:
        return Transposed(self)

    def _by_columns(self):
        """Return the transpose, stored by its rows: as many indices again."""
        rows = np.repeat(np.arange(self.shape[0], dtype=self.places.dtype), np.diff(self.indptr))
        columns, negative = np.where(self.places < 0, ~self.places, self.places), self.places < 0
        return self._from_entries(self.kind, self.shape[::-1], columns, rows, negative, self.scale)

    def to_sparse(self) -> Any:
        """Return the matrix in compressed sparse rows.

        Returns
        -------
        scipy.sparse.csr_array, shape (d, n)
            The matrix in float64; ``S.to_sparse() @ A`` of a sparse A is sparse.
        """
        negative = self.places < 0
        arrays = np.where(negative, -self.scale, self.scale), np.where(negative, ~self.places, self.places)
        return sparse_module("numpy").csr_array((*arrays, self.indptr), shape=self.shape)

    def _write(self, A, Y, lib):
        kernels_for(Y).sketch_rows(*self._arrays(self.places.dtype, lib), self.scale, A, Y)

    def _write_adjoint(self, Y, A, lib):
        self._by_columns()._write(Y, A, lib)

    def _sparse_product(self, A, lib):
        A = Csr(A)
        xp, real = array_module(lib), _validate.real_dtype(A.dtype)
        arrays = self._arrays(A.indices.dtype, lib)

        def product(data):
            Y = xp.empty((self.shape[0], A.shape[1]), real)
            kernels_for(Y).sketch_sparse(*arrays, self.scale, A.indptr, A.indices, data, Y)
            return Y

        if A.dtype.kind != "c":
            return product(A.data)
        return product(xp.ascontiguousarray(A.data.real)) + 1j * product(xp.ascontiguousarray(A.data.imag))

    def _arrays(self, index, lib):
        """Return the indices in a dtype and a library."""
        arrays = (a.astype(index, copy=False) for a in (self.indptr, self.places))
        return tuple(arrays) if lib == "numpy" else tuple(map(array_module(lib).asarray, arrays))

    def _details(self):
        return "" if self.kind == "countsketch" else f", {round(self.scale**-2)} entries a column"


class Gaussian(Sketch):
    """A sketch of independent normal entries of variance 1 / d, drawn in blocks of columns from a seed."""

    def __init__(self, d, n, rng):
        super().__init__("gaussian", (d, n))
        self.seed = int(rng.integers(2**63))
        self.width = max(1, PART // d)
        self.entries = None
        if d * n <= STORED:
            self.entries = np.concatenate([self._draw(c) for c in range(0, n, self.width)], axis=1)

    def _sparse_product(self, A, lib):
        xp, A = array_module(lib), A.tocsr()
        Y = xp.zeros((self.shape[0], A.shape[1]), _validate.floating(A.dtype, "A"))
        for place, block in self._blocks(Y.real, lib):
            Y += (A[place].T @ block.T).T
        return Y

    def _draw(self, first):
        """Draw the block that begins with a column."""
        (d, n), rng = self.shape, np.random.default_rng((self.seed, first))
        return rng.standard_normal((d, min(self.width, n - first))) / sqrt(d)

    def _blocks(self, like, lib):
        """Yield each block of columns with their place."""
        for first in range(0, self.shape[1], self.width):
            place = slice(first, first + self.width)
            block = self._draw(first) if self.entries is None else self.entries[:, place]
            yield place, array_module(lib).asarray(block.astype(like.dtype))

    def _write(self, A, Y, lib):
        Y[...] = 0
        for place, block in self._blocks(Y, lib):
            Y += block @ A[place]

    def _write_adjoint(self, Y, A, lib):
        for place, block in self._blocks(Y, lib):
            A[place] = block.T @ Y


class SubsampledHadamard(Sketch):
    """Random signs, the Walsh-Hadamard transform, and some of its rows.

    Attributes
    ----------
    signs : numpy.ndarray, shape (n,)
        The signs of the columns.
    rows : numpy.ndarray of int, shape (d,)
        The rows that are kept.
    size : int
        The number of rows of the transform.
    """

    def __init__(self, d, n, rng):
        super().__init__("subsampled-hadamard", (d, n))
        self.size = 1 << (max(d, n) - 1).bit_length()
        self.signs = 1 - 2 * rng.integers(0, 2, n, dtype=np.int8)
        self.rows = np.sort(rng.choice(self.size, d, replace=False))

    def _write(self, A, Y, lib):
        xp, scale = array_module(lib), 1 / sqrt(self.shape[0])
        signs, rows = xp.asarray(self.signs.astype(Y.dtype))[:, None], xp.asarray(self.rows)
        for part in _parts(Y.shape[1], self.size):
            X = xp.zeros((self.size, part.stop - part.start), Y.dtype)
            X[: self.shape[1]] = A[:, part] * signs
            kernels_for(X).hadamard(X)
            Y[:, part] = X[rows] * scale

    def _write_adjoint(self, Y, A, lib):
        xp, scale = array_module(lib), 1 / sqrt(self.shape[0])
        signs, rows = xp.asarray(self.signs.astype(A.dtype))[:, None], xp.asarray(self.rows)
        for part in _parts(A.shape[1], self.size):
            X = xp.zeros((self.size, part.stop - part.start), A.dtype)
            X[rows] = Y[:, part] * scale
            kernels_for(X).hadamard(X)
            A[:, part] = X[: self.shape[1]] * signs


def _product(S, A, lib):
    """Return the product with a dense A, part by part unless it is in C order; complex numbers are pairs."""
    xp = array_module(lib)
    X = A.reshape(len(A), -1)
    k, real = X.shape[1], _validate.real_dtype(A.dtype)
    pairs = 2 if A.dtype.kind == "c" else 1
    Y = xp.zeros((S.shape[0], k), A.dtype)
    whole = X.flags.c_contiguous or k <= 1
    for part in (slice(0, k),) if whole else _parts(k, len(X)):
        columns = xp.ascontiguousarray(X[:, part]).view(real).reshape(len(X), -1)
        out = Y if whole else xp.empty((S.shape[0], part.stop - part.start), A.dtype)
        if columns.size:
            S._write(columns, out.view(real).reshape(S.shape[0], pairs * out.shape[1]), lib)
        if not whole:
            Y[:, part] = out
    return Y.reshape(S.shape[0], *A.shape[1:])


def _parts(k, rows):
    """Yield slices of k columns of so many rows, each of a moderate size."""
    width = max(1, min(k, PART // rows))
    return [slice(first, min(first + width, k)) for first in range(0, k, width)]
