"""BiCGStab alone."""

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla

from numsolve import ConvergenceWarning, Status
from numsolve.krylov import bicgstab
from numsolve.precondition import jacobi
from numsolve.problems import convection_diffusion, poisson


def textbook(A, b, M, steps):
    """Algorithm 7.7 of Saad's book, preconditioned from the right, as an oracle of iterates and residuals."""
    x, r = np.zeros_like(b), b.copy()
    shadow, p, norms = r.copy(), r.copy(), [np.linalg.norm(b)]
    for _ in range(steps):
        v = A @ (M @ p)
        alpha = np.vdot(shadow, r) / np.vdot(shadow, v)
        s = r - alpha * v
        t = A @ (M @ s)
        omega = np.vdot(t, s) / np.vdot(t, t)
        x = x + alpha * (M @ p) + omega * (M @ s)
        new = s - omega * t
        beta = np.vdot(shadow, new) / np.vdot(shadow, r) * alpha / omega
        p, r = new + beta * (p - omega * v), new
        norms.append(np.linalg.norm(r))
    return x, np.array(norms)


def first_zero(A, b, steps=4):
    """Run the textbook's algorithm in exact arithmetic; return the scalar that vanishes, and where.

    `rho` is the product of residual and shadow residual, `sigma` that of the shadow residual and A p.
    """
    A, r = ([[Fraction(a) for a in row] for row in A], [Fraction(a) for a in b])

    def times(v):
        return [sum(a * c for a, c in zip(row, v, strict=True)) for row in A]

    def product(u, v):
        return sum(a * c for a, c in zip(u, v, strict=True))

    shadow, p = r, r
    for step in range(1, steps + 1):
        v = times(p)
        if product(shadow, v) == 0:
            return "sigma", step
        alpha = product(shadow, r) / product(shadow, v)
        s = [a - alpha * c for a, c in zip(r, v, strict=True)]
        t = times(s)
        omega = product(t, s) / product(t, t)
        new = [a - omega * c for a, c in zip(s, t, strict=True)]
        if product(shadow, new) == 0:
            return "rho", step
        beta = product(shadow, new) / product(shadow, r) * alpha / omega
        p = [a + beta * (c - omega * e) for a, c, e in zip(new, p, v, strict=True)]
        r = new
    return None


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
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_iterates_are_the_textbooks(dtype, with_M, rng):
    A, b = system(dtype, rng)
    D = sp.diags_array(1 / A.diagonal() if with_M else np.ones(169))
    with pytest.warns(ConvergenceWarning, match="maxiter"):
        result = bicgstab(A, b, M=D if with_M else None, rtol=1e-30, maxiter=12)
    x, norms = textbook(A, b, D, 12)
    np.testing.assert_allclose(result.residuals, norms, rtol=1e-8)
    np.testing.assert_allclose(result.x, x, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_iterates_are_scipys(dtype, rng):
    A, b = system(dtype, rng)
    theirs, ours = [], []
    spla.bicgstab(A, b, rtol=1e-30, maxiter=12, callback=lambda x: theirs.append(x.copy()))
    with pytest.warns(ConvergenceWarning):
        bicgstab(A, b, rtol=1e-30, maxiter=12, callback=lambda x, norm: ours.append(x.copy()))
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(
    ("A", "want"),
    [
        (poisson((32, 32)), 43),
        (poisson((12, 12, 12)), 20),
        (convection_diffusion((32, 32), (40.0, 10.0)), 58),
        (convection_diffusion((12, 12, 12), (20.0, 20.0, 20.0)), 31),
    ],
)
def test_pinned_iteration_counts(A, want):
    """BiCGStab amplifies rounding errors, so that counts differ by some per cent between processors."""
    assert bicgstab(A, np.ones(A.shape[0]), rtol=1e-8).check().nit == pytest.approx(want, rel=0.1, abs=3)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_the_reported_residual_is_the_true_one(dtype, rng):
    A, b = system(dtype, rng)
    norms = []

    def callback(x, norm):
        norms.append((norm, np.linalg.norm(b - A @ x)))

    bicgstab(A, b, M=jacobi(A), rtol=1e-9, callback=callback).check()
    np.testing.assert_allclose(*np.array(norms).T, rtol=1e-5, atol=1e-11)


BREAKDOWNS = {  # what vanishes in exact arithmetic, in which iteration
    ("rho", 1): ([[-1, 1, 1, -1], [1, 0, 1, -1], [1, 0, 1, 0], [1, -1, 0, 1]], [2, 0, -1, 1]),
    ("rho", 2): ([[-1, 1, -1, 2], [0, -1, 0, 0], [2, 2, 0, 1], [1, 1, -1, 0]], [1, 2, 0, -1]),
    ("sigma", 2): ([[2, 2, -1, -1], [-1, -1, 1, -1], [1, 2, 1, 1], [2, 2, 0, -1]], [0, 2, 2, 0]),
    ("sigma", 3): ([[1, -1, 0, 1], [-1, -1, -1, -1], [2, 2, 1, -1], [2, 1, 1, -1]], [0, 1, -1, 1]),
}


@pytest.mark.parametrize("case", BREAKDOWNS, ids=lambda case: "{} in {}".format(*case))
def test_it_starts_again_where_a_product_vanishes(case):
    assert first_zero(*BREAKDOWNS[case]) == case
    A, b = (np.array(a, float) for a in BREAKDOWNS[case])
    result = bicgstab(A, b, rtol=1e-10, maxiter=60).check()
    np.testing.assert_allclose(result.x, np.linalg.solve(A, b), atol=1e-8)


@pytest.mark.parametrize(("M", "want"), [(None, 38), ("jacobi", 37)])
def test_a_real_matrix_on_which_a_product_vanishes(matrix, M, want):
    """The residual of the first iteration of jpwh_991 is orthogonal to the shadow residual."""
    A = matrix("jpwh_991")
    b = A @ np.ones(991)
    D = sp.diags_array(1 / A.diagonal() if M else np.ones(991))
    r = b - A @ textbook(A, b, D, 1)[0]
    assert abs(b @ r) < 1e-12 * np.linalg.norm(b) * np.linalg.norm(r)
    result = bicgstab(A, b, rtol=1e-8, M=M and jacobi(A)).check()
    assert result.nit == pytest.approx(want, rel=0.1, abs=3)
    np.testing.assert_allclose(result.x, 1, atol=1e-4)


@pytest.mark.parametrize("b", [[1.0, 0, 0, 0, 0, 0], [1.0, 2, 0, -1, 1, 0]])
def test_a_residual_orthogonal_to_its_image_is_a_breakdown(b):
    A = np.roll(np.eye(6), 1, axis=0)
    S = A - A.T
    with pytest.warns(ConvergenceWarning, match=r"both vanish.*use gmres or idrs"):
        result = bicgstab(S, np.array(b))
    assert result.status == Status.BREAKDOWN
    assert np.isfinite(result.x).all()
    assert result.residuals[-1] == pytest.approx(np.linalg.norm(b - S @ result.x))


def test_omega_vanishes_and_the_first_half_of_the_step_is_kept():
    A, b = np.array([[2.0, 1, 0, 1], [2, -1, 0, 0], [1, 2, 0, 1], [0, 1, 2, 1]]), np.array([0.0, 0, 2, 2])
    with pytest.warns(ConvergenceWarning, match="both vanish"):
        result = bicgstab(A, b, rtol=1e-12)
    assert result.nit == 1
    assert result.residuals[-1] < result.residuals[0]
    np.testing.assert_allclose(result.x, (b @ b) / (b @ (A @ b)) * b)


def test_a_solution_at_half_a_step_divides_nothing_by_zero():
    for A in (np.eye(3) * 4, np.diag([2.0, 2.0, 7.0])):
        result = bicgstab(A, np.array([1.0, 3.0, 0.0]), rtol=1e-14).check()
        assert result.nit == 1
        assert result.residuals[-1] <= 1e-15


def test_a_singular_matrix_is_named():
    A = np.diag(np.ones(3), 1)
    with pytest.warns(ConvergenceWarning, match="singular"):
        assert bicgstab(A, np.eye(4)[0]).status == Status.SINGULAR


def test_a_product_that_overflows_is_named(rng):
    calls = []

    def multiply(v):
        calls.append(1)
        return v * (np.nan if len(calls) == 6 else 1 + np.arange(5.0))

    with pytest.warns(ConvergenceWarning, match="product with A or M is not finite"):
        result = bicgstab(spla.LinearOperator((5, 5), multiply, dtype=float), np.ones(5), rtol=1e-12)
    assert result.status == Status.NONFINITE
    assert np.isfinite(result.x).all()


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_a_preconditioner_of_any_size(size, rng):
    A, b = system("float64", rng)
    want = bicgstab(A, b, rtol=1e-8).check().nit
    found = bicgstab(A, b, M=sp.diags_array(np.full(169, size)), rtol=1e-8).check().nit
    assert found == pytest.approx(want, rel=0.1, abs=3)


def test_two_products_with_each_an_iteration(rng):
    calls = {"A": 0, "M": 0}
    A, b = system("float64", rng)

    def counted(name, matrix):
        def multiply(v):
            calls[name] += 1
            return matrix @ v

        return spla.LinearOperator(A.shape, multiply, dtype=float)

    M = counted("M", sp.diags_array(1 / A.diagonal()))
    result = bicgstab(counted("A", A), b, M=M, rtol=1e-8).check()
    assert calls == {"A": 2 * result.nit + 2, "M": 2 * result.nit}  # first residual and residual at exit


@pytest.mark.parametrize(("with_M", "vectors"), [(False, 7), (True, 9)])
def test_storage_is_what_the_docstring_says(with_M, vectors, rng):
    A = convection_diffusion((90, 90), (5.0, 5.0))
    b, M = rng.standard_normal(8_100), jacobi(A) if with_M else None
    held = []

    def callback(x, norm):
        held.append(tracemalloc.get_traced_memory()[0])
        return norm < 0.05 * np.linalg.norm(b)  # one iterate was kept by then

    bicgstab(A, b, M=M, callback=callback)
    held.clear()
    tracemalloc.start()
    try:
        bicgstab(A, b, M=M, callback=callback)
    finally:
        tracemalloc.stop()
    assert vectors - 0.5 < held[-1] / b.nbytes < vectors + 0.5
