"""Arguments in other forms than plain NumPy arrays: byte orders, long doubles, labels, single columns."""

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from support.tiers import extended

import numsolve
from numsolve import krylov, precondition, relaxation
from numsolve.problems import poisson

SQUARE = [
    krylov.cg,
    krylov.minres,
    krylov.bicgstab,
    krylov.idrs,
    numsolve.solve,
    relaxation.gauss_seidel,
    *extended(
        krylov.gmres,
        krylov.fgmres,
        krylov.gcrodr,
        krylov.chebyshev,
        krylov.refine,
        krylov.lgmres,
        krylov.gcrotmk,
    ),
]
every_method = pytest.mark.parametrize("method", SQUARE, ids=lambda m: m.__name__)


@pytest.fixture
def system(rng):
    """A matrix, a right-hand side and the solution."""
    A = sp.csr_array(poisson((5, 6)) + sp.eye_array(30))
    x = rng.standard_normal(30)
    return A, A @ x, x


def swapped(A):
    """Return a CSR array with indices in the other byte order."""
    B = sp.csr_array(A)
    B.indices, B.indptr = (part.astype(part.dtype.newbyteorder()) for part in (B.indices, B.indptr))
    return B


FORMS = {
    "big-endian dense": lambda A, b: (A.toarray().astype(">f8"), b.astype(">f8")),
    "big-endian indices": lambda A, b: (swapped(A), b),
    "big-endian integers": lambda A, b: (A, (1000 * b).astype(">i4")),
    "long double": lambda A, b: (A.toarray().astype(np.longdouble), b.astype(np.longdouble)),
    "sparse long double": lambda A, b: (A.astype(np.longdouble), b),
}


@every_method
@pytest.mark.parametrize("form", FORMS)
def test_byte_orders_and_long_doubles(method, form, system):
    A, b = FORMS[form](*system[:2])
    result = method(A, b, rtol=1e-10).check()
    assert result.x.dtype == np.float64
    assert result.x.dtype.isnative
    want = np.linalg.solve(system[0].toarray(), np.asarray(b, float))
    np.testing.assert_allclose(result.x, want, rtol=1e-7, atol=1e-8)


def test_long_doubles_beyond_double_precision_are_refused():
    b = np.full(3, np.longdouble(10) ** 400) if np.finfo(np.longdouble).maxexp > 2000 else np.full(3, np.inf)
    with pytest.raises(ValueError, match="b has 3 NaN or infinite"):
        krylov.cg(np.eye(3), b)


@pytest.mark.parametrize("dtype", ["clongdouble", ">c16"])
def test_complex_numbers_stay_complex(dtype, rng):
    A = np.diag(np.arange(1.0, 6)) + 0j
    x = krylov.cg(A.astype(dtype), A @ np.full(5, 1 + 2j), rtol=1e-12).check().x
    assert x.dtype == np.complex128
    np.testing.assert_allclose(x, 1 + 2j, rtol=1e-10)


class Series:
    """An array with labels, as pandas, xarray and polars have them: it only converts to a NumPy array."""

    __module__ = "pandas.core.series"

    def __init__(self, values, dtype=None):
        self.values, self.shape, self.dtype = values, values.shape, dtype or values.dtype

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype)


@every_method
def test_arrays_with_labels(method, system):
    A, b, x = system
    extension = type("Float64Dtype", (), {})()  # which NumPy does not know
    for labelled in (Series(b), Series(b, extension)):
        for matrix in (A, Series(A.toarray())):
            found = method(matrix, labelled, x0=Series(0.9 * x), rtol=1e-10).check().x
            assert type(found) is np.ndarray
            np.testing.assert_allclose(found, x, rtol=1e-7, atol=1e-8)


def test_pandas_and_xarray(system):
    pandas, xarray = pytest.importorskip("pandas"), pytest.importorskip("xarray")
    A, b, x = system
    for labelled in (
        pandas.Series(b, index=np.arange(30)[::-1]),
        pandas.Series(b, dtype="Float64"),
        pandas.DataFrame({"b": b}),
        xarray.DataArray(b, dims="node"),
    ):
        found = krylov.cg(A, labelled, rtol=1e-10).check().x
        np.testing.assert_allclose(found.ravel(), x, rtol=1e-7, atol=1e-8)
        np.testing.assert_allclose(numsolve.solve(A, labelled).check().x.ravel(), x, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="NaN"):
        krylov.cg(A, pandas.Series(np.where(np.arange(30) == 3, np.nan, b)))


def test_masked_entries_are_refused(system):
    A, b, x = system
    np.testing.assert_allclose(krylov.cg(A, np.ma.array(b), rtol=1e-10).check().x, x, atol=1e-8)
    with pytest.raises(ValueError, match="b has masked entries"):
        krylov.cg(A, np.ma.array(b, mask=np.arange(30) == 2))


@every_method
def test_a_starting_guess_with_one_axis_or_a_column(method, system):
    A, b, x = system
    near = x * (1 + 1e-9)
    for shape, guess in ((30, (30, 1)), ((30, 1), 30)):
        result = method(A, b.reshape(shape), x0=near.reshape(guess), rtol=1e-6).check()
        assert result.x.shape == b.reshape(shape).shape
        assert method is numsolve.solve or result.nit == 0
    with pytest.raises(ValueError, match=r"x0 has shape \(30,\), but b needs \(30, 2\)"):
        method(A, np.stack([b, b], axis=1), x0=x)


@every_method
def test_tolerances_without_axes_and_infinite_ones(method, system):
    A, b, _ = system
    for rtol in (np.array(1e-9), np.float32(1e-9), np.float64(1e-9)):
        assert np.linalg.norm(b - A @ method(A, b, rtol=rtol).check().x) <= 1.001e-9 * np.linalg.norm(b)
    if method is not numsolve.solve:
        assert method(A, b, rtol=np.inf).check().nit == 0
        assert method(A, b, atol=np.inf).check().nit == 0
    for bad in (np.nan, np.array(-1.0)):
        with pytest.raises(ValueError, match="rtol is"):
            method(A, b, rtol=bad)


SOLVERS = [*(m for m in SQUARE if m is not relaxation.gauss_seidel), krylov.lsqr, krylov.lsmr]


@pytest.mark.parametrize("method", SOLVERS)
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array, spla.aslinearoperator])
def test_a_system_without_unknowns(method, form):
    for shape in ((0,), (0, 2)):
        result = method(form(np.zeros((0, 0))), np.zeros(shape)).check()
        assert result.x.shape == shape
        assert result.nit == 0
    assert method(form(np.eye(3)), np.zeros((3, 0))).check().x.shape == (3, 0)


class WithoutDtype:
    def __init__(self, A):
        self.shape, self.matvec = A.shape, A.__matmul__


def test_operators_without_a_dtype(system):
    A, b, x = system
    np.testing.assert_allclose(krylov.cg(WithoutDtype(A), b, rtol=1e-10).check().x, x, atol=1e-8)
    found = krylov.cg(WithoutDtype(A * (1 + 0j)), b * 1j, rtol=1e-10).check().x
    np.testing.assert_allclose(found, x * 1j, atol=1e-8)
    H = np.diag([2.0, 3.0]) + np.array([[0, 1j], [-1j, 0]])
    for M in (None, WithoutDtype(np.eye(2) + 0j)):
        found = krylov.cg(WithoutDtype(H), np.ones(2), M=M, rtol=1e-12).check().x
        np.testing.assert_allclose(H @ found, 1, rtol=1e-9)


@pytest.mark.parametrize("M", [None, "matrix", "operator", "own"])
def test_the_starting_guess_Mb(M, system):
    A, b, x = system
    inverse = np.linalg.inv(A.toarray())
    given = {
        None: None,
        "matrix": inverse,
        "operator": spla.aslinearoperator(inverse),
        "own": precondition.jacobi(A),
    }[M]
    first = []
    result = krylov.cg(A, b, "Mb", M=given, rtol=1e-10, callback=first.append).check()
    np.testing.assert_allclose(result.x, x, rtol=1e-7, atol=1e-8)
    start = b if given is None else given @ b
    assert result.residuals[0] == pytest.approx(np.linalg.norm(b - A @ start), abs=1e-12)
    with pytest.raises(ValueError, match="x0 is 'Mx'; an array is needed, or 'Mb'"):
        krylov.cg(A, b, "Mx")
    with pytest.raises(ValueError, match="x0 is 'Mb'"):
        krylov.lsqr(A, b, "Mb")
