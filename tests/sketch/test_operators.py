"""Sketching matrices: products, adjoints and what they do to norms."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from support.tiers import DTYPES, extended

from numsolve.sketch import sketch

KINDS = ("gaussian", "sparse-sign", "countsketch", "subsampled-hadamard")


@pytest.fixture(autouse=True)
def uncompiled(request, monkeypatch):
    """In the quick tier, let the few numbers of these tests be worked on without compiled kernels."""
    if not request.node.get_closest_marker("extended"):
        monkeypatch.delenv("NUMSOLVE_COMPILE", raising=False)


def array(rng, shape, dtype):
    """Return a random array."""
    A = rng.standard_normal(shape)
    return (A + 1j * rng.standard_normal(shape) if np.dtype(dtype).kind == "c" else A).astype(dtype)


def orthonormal(rng, n, k):
    """Return k random orthonormal columns."""
    return np.linalg.qr(rng.standard_normal((n, k)))[0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_products_agree_with_the_dense_matrix(kind, dtype, rng):
    S = sketch(kind, 20, 70, rng=3)
    D, tol = S.to_dense(), 100 * np.finfo(dtype).eps
    A, Y = array(rng, (70, 6), dtype), array(rng, (20, 5), dtype)
    for B in (A, np.asfortranarray(A), A[:, ::2], A[:, 0], A[:, :0]):
        assert (S @ B).dtype == dtype
        np.testing.assert_allclose(S @ B, D @ B, atol=tol * 10)
    np.testing.assert_allclose(S.T @ Y, D.T @ Y, atol=tol * 10)
    np.testing.assert_allclose(A.T @ S.T, (D @ A).T, atol=tol * 10)
    np.testing.assert_allclose(Y.T @ S, Y.T @ D, atol=tol * 10)
    sparse = sp.csr_array(array(rng, (70, 30), dtype) * (rng.random((70, 30)) < 0.1))
    for B in (sparse, sparse.tocsc(), sparse.tocoo()):
        np.testing.assert_allclose(S @ B, D @ sparse.toarray(), atol=tol * 10)
    assert S.T.T.shape == S.shape == D.shape == (20, 70)


@given(st.sampled_from(KINDS), st.integers(1, 40), st.integers(1, 70), st.integers(1, 12), st.data())
def test_any_shape_has_an_adjoint(kind, d, n, nnz, data):
    S = sketch(kind, d, n, rng=data.draw(st.integers(0, 99)), nnz=nnz)
    x, y = np.cos(np.arange(n)), np.sin(1 + np.arange(d))
    assert y @ (S @ x) == pytest.approx((S.T @ y) @ x, abs=1e-11 * max(d, n))


@pytest.mark.parametrize("kind", KINDS)
def test_columns_have_norms_near_one_on_average(kind):
    total = sum(np.square(sketch(kind, 16, 40, rng=seed).to_dense()).sum() for seed in range(50))
    assert total / (50 * 40) == pytest.approx(1, abs=0.05)
    gram = sum((D := sketch(kind, 16, 10, rng=seed).to_dense()).T @ D for seed in range(300)) / 300
    np.testing.assert_allclose(gram, np.eye(10), atol=0.12)


@pytest.mark.parametrize("spiky", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_subspace_keeps_its_geometry(kind, spiky, rng):
    """The singular values of S Q are near the interval 1 +- sqrt(k / d), also for unit vectors."""
    k, d, n = 20, 320 if kind != "countsketch" else 2000, 1500
    Q = np.eye(n)[:, rng.permutation(n)[:k]] if spiky else orthonormal(rng, n, k)
    sigma = np.linalg.svd(sketch(kind, d, n, rng=5) @ Q, compute_uv=False)
    assert 1 - 2 * (k / d) ** 0.5 < sigma.min() <= sigma.max() < 1 + 2 * (k / d) ** 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_a_sketch_is_a_value(kind):
    S = sketch(kind, 9, 30, rng=7)
    x = np.linspace(-1, 1, 30)
    twin = pickle.loads(pickle.dumps(S))
    np.testing.assert_array_equal(twin @ x, S @ x)
    np.testing.assert_array_equal(sketch(kind, 9, 30, rng=np.random.default_rng(7)) @ x, S @ x)
    assert abs(sketch(kind, 9, 30, rng=8) @ x - S @ x).max() > 1e-3
    assert kind in repr(S)
    assert "(9, 30)" in repr(S)
    assert "transposed" in repr(S.T)


def test_a_large_gaussian_is_not_stored(monkeypatch, rng):
    from numsolve.sketch import _operators

    stored = sketch("gaussian", 8, 300, rng=1)
    monkeypatch.setattr(_operators, "PART", 800)
    monkeypatch.setattr(_operators, "STORED", 0)
    S = sketch("gaussian", 8, 300, rng=1)
    assert stored.entries is not None
    assert S.entries is None
    A = rng.standard_normal((300, 3))
    np.testing.assert_allclose(S @ A, S.to_dense() @ A, atol=1e-12)
    np.testing.assert_allclose(S @ sp.csr_array(A), S @ A, atol=1e-12)
    np.testing.assert_allclose(S.T @ A[:8], S.to_dense().T @ A[:8], atol=1e-12)


def test_large_arguments_are_taken_in_parts(monkeypatch, rng):
    from numsolve.sketch import _operators

    S, A = sketch("sparse-sign", 20, 90, rng=0), np.asfortranarray(rng.standard_normal((90, 11)))
    H, want = sketch("subsampled-hadamard", 20, 90, rng=0), S @ A
    other = H @ A
    monkeypatch.setattr(_operators, "PART", 300)
    np.testing.assert_allclose(S @ A, want, atol=1e-14)
    np.testing.assert_allclose(H @ A, other, atol=1e-14)


@pytest.mark.parametrize("kind", ["sparse-sign", "countsketch"])
def test_sparse_sketches_have_so_many_entries_in_a_column(kind):
    S = sketch(kind, 30, 50, nnz=4, rng=0)
    matrix = S.to_sparse()
    np.testing.assert_array_equal(matrix.toarray(), S.to_dense())
    np.testing.assert_array_equal(np.diff(matrix.tocsc().indptr), 4 if kind == "sparse-sign" else 1)
    assert sketch("sparse-sign", 3, 5, nnz=8).to_sparse().nnz == 15


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.complex128, *extended(np.float64)])
def test_the_gpu_path(kind, dtype, rng, cupy):
    S, A = sketch(kind, 12, 50, rng=2), array(rng, (50, 4), dtype)
    for B in (A, np.asfortranarray(A), A[:, 1]):
        np.testing.assert_allclose((S @ cupy.asarray(B)).get(), S @ B, atol=1e-12)
    Y = A[:12].copy()
    np.testing.assert_allclose((S.T @ cupy.asarray(Y)).get(), S.T @ Y, atol=1e-12)


def test_the_gpu_path_of_sparse_matrices(rng, cupy):
    from numsolve import to_device

    S, A = sketch("sparse-sign", 12, 50, rng=2), sp.random_array((50, 20), density=0.2, rng=rng).tocsr()
    np.testing.assert_allclose((S @ to_device(A)).get(), S @ A, atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("normal", 3, 5), "kind is 'normal'"),
        (("gaussian", 0, 5), "d is 0"),
        (("gaussian", 3, -1), "n is -1"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        sketch(*arguments)


def test_bad_factors():
    S = sketch("sparse-sign", 4, 6)
    with pytest.raises(ValueError, match=r"A has shape \(5, 2\)"):
        S @ np.ones((5, 2))
    with pytest.raises(ValueError, match=r"A has shape \(5, 5\)"):
        S @ sp.eye_array(5).tocsr()
    with pytest.raises(TypeError, match="whole number"):
        sketch("gaussian", 2.5, 5)
