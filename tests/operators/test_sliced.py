"""Sliced diagonals: the same product as SciPy's, used where little padding is needed."""

from itertools import product

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from support.tiers import DTYPES, extended

from numsolve import to_device, to_host
from numsolve._array import read_sum
from numsolve._operators import operator, sliced
from numsolve._operators.operator import Csr
from numsolve._operators.sliced import CONVERT_AFTER, LARGEST_PADDING, SLICE, convert
from numsolve.kernels import kernels_for
from numsolve.krylov import cg, gmres
from numsolve.problems import convection_diffusion, irregular, poisson


@pytest.fixture(autouse=True)
def small_ones_too(monkeypatch):
    """Let matrices of the size of a test be converted."""
    monkeypatch.setattr(sliced, "LEAST_ENTRIES", {"numpy": 1, "cupy": 1})


def converted(C):
    """Return the sliced diagonals of an operator's matrix, or None."""
    return convert(C.indptr, C.indices, C.data)


def vector(n, dtype, rng):
    x = rng.standard_normal(n)
    return (x + 1j * rng.standard_normal(n) if np.dtype(dtype).kind == "c" else x).astype(dtype)


@st.composite
def few_diagonals(draw):
    """A real matrix of few diagonals with holes, stored zeros, empty rows; any shape."""
    n, m = draw(st.integers(1, 400)), draw(st.integers(1, 400))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    offsets = draw(st.lists(st.integers(1 - n, m - 1), min_size=1, max_size=8, unique=True))
    rows, columns = np.meshgrid(np.arange(n), offsets)
    columns = columns + rows
    stored = (columns >= 0) & (columns < m) & (rng.random(rows.shape) < draw(st.sampled_from([0.1, 0.8, 1])))
    values = rng.standard_normal(int(stored.sum()))
    values[rng.random(values.size) < 0.1] = 0
    return sp.csr_array((values, (rows[stored], columns[stored])), (n, m))


@pytest.mark.parametrize("dtype", DTYPES)
@given(few_diagonals())
def test_the_product_is_scipys(dtype, A):
    if dtype.startswith("complex"):
        A.data = A.data * np.exp(1j * np.arange(A.nnz))
    A = A.astype(dtype)
    x = vector(A.shape[1], A.dtype, np.random.default_rng(1))
    C = Csr(A)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sliced, "LARGEST_PADDING", np.inf)
        arrays = converted(C)
    assert (arrays is None) == (A.nnz == 0)
    if arrays is None:
        return
    y = np.full(A.shape[0], np.nan, A.dtype)
    kernels_for(y).sliced_spmv(*arrays, x, y)
    tol = 64 * np.finfo(A.dtype).eps
    np.testing.assert_allclose(y, A @ x, rtol=tol, atol=tol * 10)


@given(st.integers(1, 300), st.integers(0, 99), st.floats(0, 0.3))
def test_any_matrix_multiplies_as_scipys_before_and_after_the_choice(n, seed, density):
    rng = np.random.default_rng(seed)
    A = sp.csr_array(sp.random_array((n, n), density=density, rng=rng)) + sp.eye_array(n)
    C, x, y = Csr(sp.csr_array(A)).with_workspace(), rng.standard_normal(n), np.empty(n)
    for _ in range(CONVERT_AFTER + 1):
        np.testing.assert_allclose(C.apply(x, y), A @ x, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        *product([(37, 41)], ["float64", "complex128"]),
        ((11, 12, 13), "float64"),
        *extended(*product([(37, 41), (11, 12, 13)], ["float32", "complex64"]), ((11, 12, 13), "complex128")),
    ],
)
@pytest.mark.parametrize("width", [np.int32, *extended(np.int64)])
def test_grids_are_converted_with_little_padding(shape, width, dtype, rng):
    C = Csr(convection_diffusion(shape, (5.0,) * len(shape)).astype(dtype))
    arrays = convert(C.indptr.astype(width), C.indices.astype(width), C.data)
    assert arrays is not None
    n = C.shape[0]
    assert n % SLICE
    assert arrays.starts.dtype == arrays.offsets.dtype == width
    assert arrays.data.shape == (arrays.offsets.size, SLICE)
    assert arrays.data.size <= LARGEST_PADDING * C.nnz
    p, q, want = vector(n, dtype, rng), np.empty(n, dtype), np.empty(n, dtype)
    sum_sliced = kernels_for(q).sliced_spmv_dot(*arrays, p, q)
    sum_csr = kernels_for(q).spmv_dot(C.indptr, C.indices, C.data, p, want)
    tol = 64 * np.finfo(dtype).eps
    np.testing.assert_allclose(q, want, rtol=tol, atol=tol * 10)
    np.testing.assert_allclose(sum_sliced, sum_csr, rtol=tol * 10)


def test_what_lies_outside_the_matrix_is_not_read():
    """The zeros that pad a diagonal where the matrix has no column must not meet what is there."""
    A = sp.diags_array([np.ones(379), np.ones(380), np.ones(379)], offsets=[-1, 0, 1], format="csr")
    arrays = converted(Csr(A))
    assert arrays is not None
    padded = np.full(382, np.nan)
    x, y = padded[1:-1], np.empty(380)
    x[:] = 1
    kernels_for(y).sliced_spmv(*arrays, x, y)
    np.testing.assert_array_equal(y, A @ np.ones(380))


@pytest.mark.parametrize(
    "A",
    [
        irregular(3000, rng=0),  # no two rows alike
        sp.csr_array(sp.random_array((500, 500), density=0.01, rng=np.random.default_rng(0))),
        sp.csr_array(np.array([[2.0]])),  # one entry in a slice of 128
        sp.csr_array(np.eye(40, 100)),
        sp.csr_array(np.vstack([np.ones(600), np.eye(600)[1:]])),  # one row would fill its slice
        sp.csr_array((5, 5)),
    ],
)
def test_large_padding_is_refused(A):
    C = Csr(A).with_workspace()
    assert converted(C) is None
    x = np.ones(A.shape[1])
    for _ in range(CONVERT_AFTER + 2):
        np.testing.assert_allclose(C @ x, A @ x, rtol=1e-12)


def test_stored_zeros_make_no_diagonal():
    A = sp.csr_array(sp.eye_array(256))
    zeros = sp.random_array((256, 256), density=0.02, rng=np.random.default_rng(0)).tocoo()
    entries = np.concatenate([np.zeros(zeros.nnz), np.ones(256)])
    places = np.concatenate([zeros.coords, np.tile(np.arange(256), (2, 1))], axis=1)
    A = sp.csr_array((entries, tuple(places)), (256, 256))
    assert A.nnz > 256
    np.testing.assert_array_equal(converted(Csr(A)).offsets, [0, 0])


class Watched:
    """The kernels of an array, with the names of those that were asked for."""

    def __init__(self, kernels, names):
        self._kernels, self._names = kernels, names

    def __getattr__(self, name):
        self._names.append(name)
        return getattr(self._kernels, name)


def test_the_choice_is_made_after_so_many_products(monkeypatch, rng):
    names = []
    monkeypatch.setattr(operator, "kernels_for", lambda x: Watched(kernels_for(x), names))
    C, x, y = Csr(poisson((24, 25))), rng.standard_normal(600), np.empty(600)
    for _ in range(2):  # each solve counts its own products
        solve = C.with_workspace()
        names.clear()
        for step in range(CONVERT_AFTER + 3):
            solve.apply(x, y) if step % 2 else solve.apply_dot(x, y)
        csr, rest = names[: CONVERT_AFTER - 1], names[CONVERT_AFTER - 1 :]
        assert csr[:2] == ["spmv_dot", "spmv"]
        assert set(csr) == {"spmv_dot", "spmv"}
        assert set(rest) == {"sliced_spmv_dot", "sliced_spmv"}


def test_the_solves_with_a_matrix_convert_it_once(monkeypatch, rng):
    calls = []
    monkeypatch.setattr(sliced, "convert", lambda *arrays: calls.append(1) or convert(*arrays))
    C, x, y = Csr(poisson((24, 25))), rng.standard_normal(600), np.empty(600)
    for _ in range(3):
        solve = C.with_workspace()
        for _ in range(CONVERT_AFTER):
            solve.apply(x, y)
    assert len(calls) == 1
    for _ in range(CONVERT_AFTER):  # without a solve no product is counted
        C.apply(x, y)
    np.testing.assert_allclose(y, poisson((24, 25)) @ x, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("method", [cg, gmres])
def test_a_solve_takes_the_same_iterations_and_gives_the_same_bits_each_time(method, monkeypatch):
    A = poisson((40, 40))
    b = A @ np.random.default_rng(0).standard_normal(1600)
    first, second = method(A, b, rtol=1e-8).check(), method(A, b, rtol=1e-8).check()
    assert first.nit > 2 * CONVERT_AFTER
    np.testing.assert_array_equal(first.x, second.x)
    monkeypatch.setattr(sliced, "CONVERT_AFTER", 0)  # never
    plain = method(A, b, rtol=1e-8).check()
    assert first.nit == pytest.approx(plain.nit, rel=0.05)
    both = min(first.nit, plain.nit) // 2  # rounding errors, which differ, have not grown by then
    np.testing.assert_allclose(first.residuals[:both], plain.residuals[:both], rtol=1e-6)


@pytest.mark.parametrize("library", ["numpy", "cupy"])
def test_small_matrices_are_left_alone(library, cupy, monkeypatch):
    C = Csr(poisson((40, 40)))
    if library == "cupy":
        C = Csr(to_device(C.to_sparse()))
    monkeypatch.setitem(sliced.LEAST_ENTRIES, library, C.nnz + 1)
    assert converted(C) is None
    monkeypatch.setitem(sliced.LEAST_ENTRIES, library, C.nnz)
    assert converted(C) is not None


@pytest.mark.parametrize("dtype", ["complex128", *extended("float32")])
def test_on_a_gpu(cupy, dtype, rng):
    A = convection_diffusion((30, 31), (4.0, -2.0)).astype(dtype)
    C = Csr(to_device(sp.csr_matrix(A))).with_workspace()
    host = converted(Csr(A))
    for device, want in zip(converted(C), host, strict=True):
        np.testing.assert_array_equal(to_host(device), want)
    x = vector(930, dtype, rng)
    p, y = to_device(x), cupy.empty(930, dtype)
    tol = 64 * np.finfo(dtype).eps
    for _ in range(CONVERT_AFTER + 1):
        xy = read_sum(C.apply_dot(p, y))
        np.testing.assert_allclose(to_host(y), A @ x, rtol=tol, atol=tol * 10)
        np.testing.assert_allclose(xy, np.vdot(x, A @ x).real, rtol=tol * 10)
    cupy.counts.clear()
    C.apply(p, y)
    assert (cupy.counts["launches"], cupy.counts["syncs"]) == (1, 0)
