"""IDR(s) alone."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla

from numsolve import ConvergenceWarning, Status
from numsolve._random import standard_normal
from numsolve.krylov import bicgstab, gmres, idrs
from numsolve.precondition import jacobi
from numsolve.problems import convection_diffusion, poisson


def textbook(A, b, M, P, steps):
    """Algorithm 2 of van Gijzen and Sonneveld in array text; returns x and the residual norms."""
    n, s = P.shape
    G, U, S = np.zeros((n, s), b.dtype), np.zeros((n, s), b.dtype), np.eye(s, dtype=b.dtype)
    x, r, omega, norms = np.zeros_like(b), b.copy(), 1.0, [np.linalg.norm(b)]
    while True:
        f = P.conj().T @ r
        for k in range(s):
            c = np.linalg.solve(S[k:, k:], f[k:])
            u = U[:, k:] @ c + omega * (M @ (r - G[:, k:] @ c))
            g = A @ u
            for i in range(k):
                alpha = np.vdot(P[:, i], g) / S[i, i]
                g, u = g - alpha * G[:, i], u - alpha * U[:, i]
            G[:, k], U[:, k] = g, u
            S[k:, k] = P[:, k:].conj().T @ g
            beta = f[k] / S[k, k]
            r, x = r - beta * g, x + beta * u
            f[k + 1 :] -= beta * S[k + 1 :, k]
            norms.append(np.linalg.norm(r))
            if len(norms) > steps:
                return x, np.array(norms)
        v = M @ r
        t = A @ v
        cosine = np.vdot(t, r) / np.linalg.norm(t) / np.linalg.norm(r)
        omega = np.vdot(t, r) / np.vdot(t, t) * max(1, 0.7 / abs(cosine))
        r, x = r - omega * t, x + omega * v
        norms.append(np.linalg.norm(r))
        if len(norms) > steps:
            return x, np.array(norms)


def system(dtype, rng):
    """A convection-diffusion matrix with a varying scale, turned in the plane where that is complex."""
    A = convection_diffusion((13, 13), (40.0, -15.0)).astype(dtype)
    A = sp.csr_array(sp.diags_array(rng.uniform(0.5, 2, 169)) @ A)
    b = rng.standard_normal(169).astype(dtype)
    if dtype == "complex128":
        A = sp.csr_array(A + 0.4j * sp.diags_array(rng.uniform(0.5, 2, 169)))
        b += 1j * rng.standard_normal(169)
    return A.astype(dtype), b


@pytest.mark.parametrize("with_M", [False, True])
@pytest.mark.parametrize("s", [1, 2, 5])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_iterates_are_those_of_the_paper(dtype, s, with_M, rng):
    A, b = system(dtype, rng)
    D = sp.diags_array(1 / A.diagonal() if with_M else np.ones(169))
    P = np.linalg.qr(standard_normal(7, (169, s), dtype=dtype))[0]
    seen = []
    with pytest.warns(ConvergenceWarning, match="maxiter"):
        result = idrs(
            *(A, b),
            s=s,
            M=D if with_M else None,
            rtol=1e-30,
            maxiter=20,
            rng=7,
            callback=lambda x, norm: seen.append(x.copy()),
        )
    x, norms = textbook(A, b, D, P, 20)
    np.testing.assert_allclose(result.residuals[:-1], norms[:-1], rtol=1e-6)
    np.testing.assert_allclose(seen[-1], x, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_the_reported_residual_is_the_true_one(dtype, rng):
    A, b = system(dtype, rng)
    norms = []

    def callback(x, norm):
        norms.append((norm, np.linalg.norm(b - A @ x)))

    idrs(A, b, M=jacobi(A), rtol=1e-9, callback=callback).check()
    np.testing.assert_allclose(*np.array(norms).T, rtol=1e-5, atol=1e-11)


@pytest.mark.parametrize(
    ("A", "want"),
    [
        (poisson((40, 40)), [107, 94, 84]),
        (convection_diffusion((40, 40), (40.0, 10.0)), [134, 122, 121]),
        (convection_diffusion((16, 16, 16), (20.0, 20.0, 20.0)), [74, 73, 68]),
    ],
)
def test_products_between_those_of_bicgstab_and_of_full_gmres(A, want):
    """Both short recurrences amplify rounding errors: counts differ by some per cent between processors."""
    b = np.ones(A.shape[0])
    counts = [idrs(A, b, s=s, rtol=1e-8).check().nit for s in (1, 2, 4)]
    assert counts == pytest.approx(want, rel=0.1)
    with_bicgstab = 2 * bicgstab(A, b, rtol=1e-8).check().nit
    least = gmres(A, b, rtol=1e-8, restart=A.shape[0]).check().nit
    assert counts[0] == pytest.approx(with_bicgstab, rel=0.2)
    assert least <= counts[2] < 1.1 * min(counts[0], with_bicgstab)


@pytest.mark.parametrize("s", [1, 2, 3, 4, 6, 8])
def test_it_ends_in_n_and_n_over_s_products(s, rng):
    n = 24
    A = 4 * np.eye(n) + rng.standard_normal((n, n)) / 3
    result = idrs(A, rng.standard_normal(n), s=s, rtol=1e-9).check()
    assert result.nit <= n + n // s


def test_where_bicgstab_breaks_down(rng):
    shift = np.roll(np.eye(8), 1, axis=0)
    skew = shift - shift.T + 2 * (np.roll(np.eye(8), 3, axis=0) - np.roll(np.eye(8), -3, axis=0))
    skew += np.kron([[0, 3], [-3, 0]], np.eye(4))
    for A, b in ((shift, np.eye(8)[0]), (skew, rng.standard_normal(8))):
        with pytest.warns(ConvergenceWarning, match="gmres or idrs"):
            assert bicgstab(A, b).status == Status.BREAKDOWN
        result = idrs(A, b, rtol=1e-9).check()
        np.testing.assert_allclose(result.x, np.linalg.solve(A, b), atol=1e-6)


def test_the_seed_is_fixed_and_rng_changes_it(rng):
    A, b = system("float64", rng)
    first, again = idrs(A, b, rtol=1e-8), idrs(A, b, rtol=1e-8)
    assert np.array_equal(first.residuals, again.residuals)
    other = idrs(A, b, rtol=1e-8, rng=np.random.default_rng(3)).check()
    assert not np.array_equal(first.residuals[:9], other.residuals[:9])
    assert np.array_equal(other.residuals, idrs(A, b, rtol=1e-8, rng=3).residuals)


@pytest.mark.parametrize(("s", "error"), [(0, ValueError), (-1, ValueError), (2.0, TypeError)])
def test_bad_s(s, error):
    with pytest.raises(error, match="s is"):
        idrs(np.eye(2), np.ones(2), s=s)


@pytest.mark.parametrize("s", [3, 50])
def test_a_shadow_space_as_large_as_the_system(s):
    A = np.array([[2.0, 1, 0], [-1, 3, 1], [0, 1, 1]])
    np.testing.assert_allclose(idrs(A, A @ np.ones(3), s=s, rtol=1e-12).check().x, 1)


class Drawn(np.random.Generator):
    """A generator that draws what it is told to."""

    def __init__(self, values):
        super().__init__(np.random.PCG64(0))
        self.values = np.array(values)

    def standard_normal(self, shape):
        return self.values.reshape(shape)


def test_a_shadow_vector_orthogonal_to_the_product_is_a_breakdown():
    A = np.array([[0.0, 1], [1, 0]])
    with pytest.warns(ConvergenceWarning, match=r"vanishes for a shadow vector.*another rng or s"):
        result = idrs(A, np.array([1.0, 0]), s=1, rng=Drawn([1.0, 0]))
    assert result.status == Status.BREAKDOWN
    assert result.x.tolist() == [0, 0]


def test_a_breakdown_keeps_the_progress_before_it():
    A = np.array([[1.0, 0, 0], [0, 3, 1], [0, 2, 5]])  # the first shadow vector sees the first entry only
    b = np.array([1.0, 2, 3])
    with pytest.warns(ConvergenceWarning, match="vanishes for a shadow vector"):
        result = idrs(A, b, s=1, rng=Drawn([1.0, 0, 0]))
    assert result.nit == 2
    assert result.residuals[-1] < result.residuals[0]
    assert result.residuals[-1] == pytest.approx(np.linalg.norm(b - A @ result.x), abs=1e-14)


def test_a_singular_matrix_is_named():
    A = np.diag(np.ones(3), 1)
    with pytest.warns(ConvergenceWarning, match="singular"):
        assert idrs(A, np.eye(4)[0]).status == Status.SINGULAR


def test_a_product_that_overflows_is_named():
    calls = []

    def multiply(v):
        calls.append(1)
        return v * (np.nan if len(calls) == 4 else 1 + np.arange(9.0))

    with pytest.warns(ConvergenceWarning, match="product with A or M is not finite"):
        result = idrs(spla.LinearOperator((9, 9), multiply, dtype=float), np.ones(9), rtol=1e-12)
    assert result.status == Status.NONFINITE
    assert np.isfinite(result.x).all()


def test_jpwh_991_and_orsreg_1(matrix):
    for name in ("jpwh_991", "orsreg_1"):
        A = matrix(name)
        x = idrs(A, A @ np.ones(A.shape[0]), rtol=1e-9, M=jacobi(A)).check().x
        np.testing.assert_allclose(x, 1, atol=1e-3)


@pytest.mark.parametrize("s", [1, 4])
def test_one_product_with_each_an_iteration(s, rng):
    calls = {"A": 0, "M": 0}
    A, b = system("float64", rng)

    def counted(name, matrix):
        def multiply(v):
            calls[name] += 1
            return matrix @ v

        return spla.LinearOperator(A.shape, multiply, dtype=float)

    M = counted("M", sp.diags_array(1 / A.diagonal()))
    result = idrs(counted("A", A), b, s=s, M=M, rtol=1e-8).check()
    assert calls == {"A": result.nit + 2, "M": result.nit}  # first residual and residual at exit


@pytest.mark.parametrize(("s", "with_M", "vectors"), [(1, False, 7), (4, False, 16), (4, True, 17)])
def test_storage_is_what_the_docstring_says(s, with_M, vectors, rng):
    A = convection_diffusion((90, 90), (5.0, 5.0))
    b, M = rng.standard_normal(8_100), jacobi(A) if with_M else None
    held = []

    def callback(x, norm):
        held.append(tracemalloc.get_traced_memory()[0])
        return norm < 0.05 * np.linalg.norm(b)  # one iterate was kept by then

    idrs(A, b, s=s, M=M, callback=callback)
    held.clear()
    tracemalloc.start()
    try:
        idrs(A, b, s=s, M=M, callback=callback)
    finally:
        tracemalloc.stop()
    assert vectors - 0.5 < held[-1] / b.nbytes < vectors + 0.5
