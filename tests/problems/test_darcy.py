"""The three Darcy matrices: entries by hand, symmetry, order, eigenvalues of the published one."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import eigs, spsolve

from numsolve.problems import darcy, gaussian_field, helmholtz, poisson

PRIMES = np.array(
    [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97]
)
FIELD = PRIMES.reshape(5, 5).astype(float)


def neighbours(side):
    """Row, column, and the place in the field of the cell and its neighbour, one by one."""
    for i in range(1, side + 1):
        for j in range(1, side + 1):
            for ni, nj in ((i - 1, j), (i, j - 1), (i, j + 1), (i + 1, j)):
                inside = 1 <= ni <= side and 1 <= nj <= side
                column = (ni - 1) * side + nj - 1 if inside else None
                yield (i - 1) * side + j - 1, column, (i, j), (ni, nj)


def by_hand(kind):
    """The matrix for `FIELD`, cell by cell."""
    A, north = np.zeros((9, 9)), FIELD[:-2, 1:-1].ravel()
    for row, column, here, there in neighbours(3):
        if kind == "finite-volume":
            face = 2 * FIELD[here] * FIELD[there] / (FIELD[here] + FIELD[there])
            A[row, row] += face
        else:
            A[row, row] = 4 * FIELD[here]
            face = north[row - 2] if kind == "published" and there[0] < here[0] else FIELD[there]
        if column is not None:
            A[row, column] = -face
    return A


@pytest.mark.parametrize("kind", ["finite-volume", "corrected", "published"])
def test_entries_by_hand(kind):
    A, b = darcy(FIELD, matrix=kind)
    np.testing.assert_allclose(A.toarray(), by_hand(kind), rtol=1e-14)
    np.testing.assert_array_equal(b, np.full(9, 0.25))
    assert A.has_sorted_indices
    assert A.nnz == 33
    assert A.indices.dtype == np.int32


def test_published_reads_the_north_two_cells_early():
    """The northern cells are 3 5 7, 17 19 23, 37 41 43; the last six are correct, those before are read."""
    A = darcy(FIELD, matrix="published")[0].toarray()
    wanted = darcy(FIELD, matrix="corrected")[0].toarray()
    np.testing.assert_array_equal(np.diag(A, -3), [-5, -7, -17, -19, -23, -37])
    np.testing.assert_array_equal(np.diag(wanted, -3), [-17, -19, -23, -37, -41, -43])
    assert (A != wanted).sum() == 6


def field(side, seed):
    return np.exp(gaussian_field((side + 2, side + 2), rng=seed))


def test_corrected_is_the_laplacian_times_the_coefficient():
    k = field(20, 1)
    A = darcy(k, matrix="corrected")[0]
    L = A @ sp.diags_array(1 / k[1:-1, 1:-1].ravel())
    assert abs(L - poisson((20, 20))).max() < 1e-14
    assert abs(A - A.T).max() > 0.1


def test_finite_volume_is_positive_definite():
    A = darcy(field(14, 2), matrix="finite-volume")[0]
    assert abs(A - A.T).max() == 0
    assert np.linalg.eigvalsh(A.toarray())[0] > 0
    constant = darcy(np.full((16, 16), 3.0))[0]
    assert abs(constant - 3 * poisson((14, 14))).max() < 1e-14


def test_published_has_eigenvalues_of_both_signs():
    """Those nearest to zero; the corrected matrix is similar to a positive definite one."""
    k = field(40, 0)
    wrong, right = (
        np.sort(eigs(sp.csc_array(darcy(k, matrix=kind)[0]), k=6, sigma=0, return_eigenvectors=False).real)
        for kind in ("published", "corrected")
    )
    assert right[0] > 1e-3
    np.testing.assert_array_equal(wrong < 0, [True, True, False, False, False, False])
    assert wrong[0] < -0.03


@pytest.mark.parametrize("matrix", ["finite-volume", "corrected"])
def test_order(matrix):
    """Second order, each for its own equation: -div(k grad u) = f, or -laplace(k u) = f."""
    errors = []
    for side in (15, 31, 63):
        x, y = np.meshgrid(*2 * [np.linspace(0, 1, side + 2)], indexing="ij")
        k, u = np.exp(x - 2 * y), np.sin(np.pi * x) * np.sin(2 * np.pi * y)
        ux, uy = (
            np.pi * np.cos(np.pi * x) * np.sin(2 * np.pi * y),
            2 * np.pi * np.sin(np.pi * x) * np.cos(2 * np.pi * y),
        )
        f = k * (5 * np.pi**2 * u - ux + 2 * uy)  # k_x = k, k_y = -2 k
        if matrix == "corrected":
            f = f + k * (-ux + 2 * uy - 5 * u)  # u laplace(k) = 5 k u, grad k . grad u once more
        b = f[1:-1, 1:-1].ravel() / (side + 1) ** 2
        found = spsolve(sp.csc_array(darcy(k, matrix=matrix)[0]), b)
        errors.append(abs(found - u[1:-1, 1:-1].ravel()).max())
    assert np.log2(errors[-2] / errors[-1]) == pytest.approx(2, abs=0.1)
    assert errors[-1] < 2e-3


@pytest.mark.parametrize("kind", ["finite-volume", "published"])
def test_helmholtz_lowers_the_diagonal(kind):
    (A, b), (H, c) = darcy(FIELD, matrix=kind), helmholtz(FIELD, 3.0, matrix=kind)
    np.testing.assert_allclose((A - H).toarray(), 9 / 4 * np.eye(9), rtol=1e-14)
    np.testing.assert_array_equal(b, c)
    assert H.nnz == A.nnz


def test_helmholtz_is_indefinite_beyond_the_first_eigenvalue():
    side, k = 24, np.ones((26, 26))
    h = 1 / (side - 1)
    first = 8 * np.sin(np.pi / (2 * side + 2)) ** 2 / h**2  # the closed form for k = 1
    for factor, negative in ((0.99, 0), (1.01, 1)):
        values = np.linalg.eigvalsh(helmholtz(k, factor * first**0.5)[0].toarray())
        assert (values < 0).sum() == negative


@pytest.mark.parametrize(
    ("k", "options", "error", "what"),
    [
        (np.ones((5, 6)), {}, ValueError, r"coefficient has shape \(5, 6\)"),
        (np.ones((3, 3)), {}, ValueError, "s >= 2"),
        (np.zeros((5, 5)), {}, ValueError, "coefficient has 25 entries <= 0"),
        (np.full((5, 5), np.nan), {}, ValueError, "coefficient has 25 NaN"),
        (np.ones((5, 5)) + 1j, {}, TypeError, "coefficient has dtype complex128"),
        (np.ones((5, 5)), {"matrix": "fv"}, ValueError, "matrix is 'fv'; one of 'finite-volume'"),
    ],
)
def test_bad_input(k, options, error, what):
    with pytest.raises(error, match=what):
        darcy(k, **options)


def test_bad_wavenumber():
    with pytest.raises(ValueError, match="wavenumber is nan"):
        helmholtz(FIELD, np.nan)
