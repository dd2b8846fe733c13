"""`numsolve.solve`: its choices, its fallbacks, and its estimates of the error."""

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from hypothesis import given
from hypothesis import strategies as st
from support.tiers import DTYPES, extended

import numsolve
from numsolve import ConvergenceWarning, Status, solve
from numsolve.problems import convection_diffusion, diffusion, irregular, poisson


def relative_error(x, want):
    return np.linalg.norm(x - want) / np.linalg.norm(want)


CHOICES = {
    "small": (lambda: poisson((20, 20)), "direct", None),
    "2-D": (lambda: poisson((80, 80)), "cg", None),
    "3-D": (lambda: poisson((20, 20, 20)), "cg", None),
    "3-D negative": (lambda: -poisson((20, 20, 20)), "cg", None),
    "3-D rough": (
        lambda: poisson((20, 20, 20)) + sp.diags_array(np.geomspace(1e-3, 1e3, 20**3)),
        "cg",
        "jacobi",
    ),
    "convection": (lambda: convection_diffusion((40, 40), (50.0, 20.0)), "direct", None),
    "tridiagonal": (lambda: poisson((8_000,)), "direct", None),
    "dense": (lambda: np.eye(30) + np.ones((30, 30)), "direct", None),
    "indefinite": (lambda: poisson((15, 15)) - 3.3 * sp.eye_array(225), "direct", None),
}
LARGE = {
    "3-D convection": (lambda: convection_diffusion((30, 30, 30), (50.0, 20.0, 1.0)), "bicgstab", None),
    "irregular": (lambda: irregular(25_000, rng=0), "bicgstab", "jacobi"),
}


@pytest.mark.parametrize("case", [*CHOICES, *extended(*LARGE)])
def test_choice_and_error(case, rng):
    make, method, preconditioner = (CHOICES | LARGE)[case]
    A = make()
    want = rng.standard_normal(A.shape[0])
    result = solve(A, A @ want).check()
    assert (result.method, result.preconditioner) == (method, preconditioner)
    assert np.linalg.norm(A @ (result.x - want)) <= 1e-8 * np.linalg.norm(A @ want)
    assert relative_error(result.x, want) < 1e-5
    assert method in result.message
    assert f"n = {A.shape[0]}" in result.message


def random_sparse(n, rng):
    R = sp.random_array((n, n), density=10 / n, rng=rng, data_sampler=rng.standard_normal)
    return sp.csr_array(R + sp.diags_array(1.5 * abs(R).sum(axis=1) + 1))


def test_a_matrix_that_a_factorisation_would_fill_is_iterated(rng):
    """Its factors have half a million entries; BiCGStab needs about ten iterations."""
    A = random_sparse(1500, rng)
    want = rng.standard_normal(1500)
    result = solve(A, A @ want).check()
    assert result.method == "bicgstab"
    assert relative_error(result.x, want) < 1e-6


@pytest.mark.parametrize("symmetric", [True, False])
def test_the_fill_of_a_dominant_matrix_is_not_counted(symmetric, rng, monkeypatch):
    def count(*_args):
        raise AssertionError("counting the fill takes longer than the iterations")

    monkeypatch.setattr("numsolve._linear.fill.forecast", count)
    n = 3000
    A = sp.random_array((n, n), density=4 / n, rng=rng, format="csr")
    A = abs(A + A.T) if symmetric else abs(A)
    A = (A + sp.diags_array(3 * A.sum(axis=1) + 1)).tocsr()
    x = rng.standard_normal(n)
    result = solve(A, A @ x).check()
    assert not result.message.startswith("direct")
    assert np.linalg.norm(result.x - x) <= 1e-6 * np.linalg.norm(x)


def test_multigrid_follows_where_cg_takes_long(one_thread, rng, monkeypatch):
    """Here multigrid is declared cheap, and a factorisation too expensive."""
    monkeypatch.setattr("numsolve._linear.costs.SET_UP", {"amg": (1e-4, 1e-9)})
    monkeypatch.setattr("numsolve._choice.AFFORDABLE", 0.0)
    monkeypatch.setattr("numsolve._choice.WITH_AMG", 1)
    A = poisson((70, 70))
    want = rng.standard_normal((4900, 2))
    result = solve(A, A @ want).check()
    assert (result.method, result.preconditioner) == ("cg", "amg")
    assert "stopped after" in result.message
    assert "now expected to be faster" in result.message
    assert relative_error(result.x, want) < 1e-6
    norms = np.linalg.norm(A @ want, axis=0)
    np.testing.assert_allclose(result.residuals[0], norms)  # the history begins with the first method


def test_couplings_of_different_size_call_for_ic0(rng):
    rough = sp.diags_array(10.0 ** rng.uniform(-2, 2, 81 * 80))
    D = sp.kron(
        sp.diags_array([np.ones(80), -np.ones(80)], offsets=[0, -1], shape=(81, 80)), sp.eye_array(80)
    )
    A = sp.csr_array(D.T @ rough @ D + 0.01 * poisson((80, 80)))
    want = rng.standard_normal(6400)
    result = solve(A, A @ want).check()
    assert "cg with ic0" in result.message
    assert relative_error(A @ result.x, A @ want) <= 1e-8
    assert relative_error(result.x, want) < 1e-3


def test_the_choice_does_not_change_from_run_to_run(rng):
    A, want = convection_diffusion((60, 60), (40.0, 10.0)), rng.standard_normal(3600)
    first, second = (solve(A, A @ want).check() for _ in range(2))
    assert first.message == second.message
    np.testing.assert_array_equal(first.x, second.x)


def test_a_linear_operator_is_iterated(rng):
    A = poisson((15, 15))
    want = rng.standard_normal(225)
    result = solve(spla.aslinearoperator(A), A @ want).check()
    assert result.method == "cg"
    assert relative_error(result.x, want) < 1e-5
    B = convection_diffusion((15, 15), (20.0, 3.0))
    result = solve(spla.aslinearoperator(B), B @ want).check()
    assert result.method == "gmres"
    assert relative_error(result.x, want) < 1e-5


def test_falls_back_when_the_choice_fails(rng):
    """A Hermitian matrix with a positive diagonal that is not positive definite."""
    A = poisson((20, 20, 20)) - 1.1 * sp.eye_array(20**3)
    want = rng.standard_normal(20**3)
    result = solve(A, A @ want).check()
    assert result.method in ("minres", "direct")
    assert "; then minres" in result.message
    assert result.message.startswith("cg (")
    assert relative_error(result.x, want) < 1e-6


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dense", [False, True])
def test_dtypes_and_columns(dtype, dense, rng):
    A = poisson((10, 10)).astype(dtype)
    if np.dtype(dtype).kind == "c":
        A = A + sp.diags_array(1j * np.arange(100)).astype(dtype)
    A = A.toarray() if dense else A
    X = rng.standard_normal((100, 3)).astype(dtype)
    result = solve(A, A @ X).check()
    assert result.x.dtype == dtype
    assert result.x.shape == (100, 3)
    tolerance = 1e-3 if np.finfo(dtype).eps > 1e-10 else 1e-9
    np.testing.assert_allclose(result.x, X, atol=tolerance)
    assert ("rtol raised" in result.message) == (tolerance == 1e-3)
    for method in ("gmres", *(["cg"] if np.dtype(dtype).kind == "f" else [])):
        again = solve(A, A @ X, method=method).check()
        np.testing.assert_allclose(again.x, X, atol=1000 * tolerance)


@pytest.mark.parametrize("M", ["auto", "jacobi", "amg", "ilu", None])
@pytest.mark.parametrize("method", ["auto", "cg", "gmres"])
def test_every_pair_that_can_be_asked_for(method, M, rng):
    A = poisson((12, 12))
    want = rng.standard_normal(144)
    result = solve(A, A @ want, method=method, M=M).check()
    assert relative_error(result.x, want) < 1e-5
    if M not in ("auto", None) and method != "auto":
        assert result.preconditioner == M


def test_a_given_preconditioner_is_used(rng):
    A = poisson((12, 12))
    M = numsolve.precondition.amg(A)
    result = solve(A, A @ rng.standard_normal(144), M=M).check()
    assert result.preconditioner == "given"
    assert result.method == "cg"


def test_a_small_residual_of_watt_does_not_hide_its_error(matrix):
    A = matrix("watt__1")
    b = A @ np.ones(1856)
    best = solve(A, b).check()
    assert relative_error(best.x, np.ones(1856)) < 1e-9
    for M in (None, "ilu"):
        with pytest.warns(ConvergenceWarning, match="rows of A differ much in size"):
            poor = solve(A, b, method="gmres", M=M)
        assert poor.status == Status.DOUBTFUL
        assert poor.backward_error > 1e-3


ALL = [
    "sherman1",
    "orsreg_1",
    "jpwh_991",
    "nos7",
    "bcsstk15",
    "494_bus",
    "watt__1",
    "e05r0500",
    "hangGlider_2",
    *extended("memplus"),  # large enough for several threads
]


@pytest.mark.parametrize("name", ALL)
def test_the_shared_matrices(name, matrix):
    A = matrix(name)
    want = np.cos(np.arange(A.shape[0]))
    result = solve(A, A @ want).check()
    error = np.abs(result.x - want).max() / np.abs(want).max()
    assert result.residuals[-1] <= 1e-8 * result.residuals[0]
    if result.method == "direct":
        assert error <= result.forward_error <= 1e6 * max(error, 1e-14)
    assert error < 1e-4


def test_cryg2500_is_numerically_singular_and_the_message_says_so(matrix):
    A = matrix("cryg2500")
    with pytest.warns(ConvergenceWarning, match="ill-conditioned|singular"):
        result = solve(A, A @ np.ones(2500))
    assert result.forward_error > 1e-4


def hilbert(n):
    return 1 / (np.arange(n)[:, None] + np.arange(n) + 1)


@pytest.mark.parametrize("n", [4, 6, 8, 10])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.filterwarnings("ignore::numsolve.ConvergenceWarning")
def test_the_error_estimate_bounds_the_error_of_hilbert_matrices(n, form):
    A = form(hilbert(n))
    result = solve(A, A @ np.ones(n))
    error = np.abs(result.x - 1).max()
    assert error <= result.forward_error
    assert result.forward_error <= 1e5 * max(error, 1e-16 * np.linalg.cond(hilbert(n)))


def test_hilbert_of_order_14_has_no_correct_digit():
    with pytest.warns(ConvergenceWarning, match="no correct digit"):
        result = solve(hilbert(14), hilbert(14) @ np.ones(14))
    assert result.status == Status.SINGULAR


def test_bad_row_scaling_alone_does_not_raise_the_error_estimate(rng):
    D = sp.diags_array(np.geomspace(1e-12, 1, 400))
    A = sp.csr_array(D @ poisson((20, 20)))
    want = rng.standard_normal(400)
    result = solve(A, A @ want).check()
    assert result.forward_error < 1e-8
    assert relative_error(result.x, want) < 1e-10


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize(
    ("A", "says"),
    [
        ([[1.0, 0], [0, 0]], "row 1 of A is zero"),
        ([[0.0, 1], [0, 1]], "column 0 of A is zero"),
        ([[1.0, 2], [2, 4]], "singular"),
        ([[0.0, 0], [0, 0]], "row 0 of A is zero"),
    ],
)
def test_singular_matrices(A, says, form):
    with pytest.warns(ConvergenceWarning, match=says):
        result = solve(form(np.array(A)), np.array([1.0, 1.5]))
    assert result.status == Status.SINGULAR
    np.testing.assert_allclose(result.x, np.linalg.pinv(A) @ [1.0, 1.5], atol=1e-14)
    with pytest.raises(numsolve.ConvergenceError):
        result.check()


def test_zero_right_hand_side():
    for A in (poisson((5, 5)), poisson((20, 20, 20))):
        assert not solve(A, np.zeros(A.shape[0])).check().x.any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "magic"}, "method is 'magic'; needed: one of auto, direct, cg, minres, gmres"),
        ({"M": "magic"}, "M is 'magic'"),
        ({"rtol": -1.0}, "rtol"),
        ({"M": np.eye(3)}, "M has shape"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        solve(np.eye(2), np.ones(2), **options)


def test_what_was_asked_for_and_cannot_work_is_a_status():
    with pytest.warns(ConvergenceWarning, match="not Hermitian"):
        assert not solve(convection_diffusion((9, 9), (30.0, 1.0)), np.ones(81), method="cg").success
    with pytest.warns(ConvergenceWarning, match="no jacobi for this matrix"):
        assert not solve(np.array([[0.0, 1.0], [1.0, 0.0]]), np.ones(2), method="gmres", M="jacobi").success
    operator = spla.aslinearoperator(poisson((4, 4)))
    with pytest.warns(ConvergenceWarning, match="direct solves need a matrix"):
        assert not solve(operator, np.ones(16), method="direct").success


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_the_direct_residual_is_judged_at_any_scale(scale):
    b = np.cos(np.arange(100.0))
    result = solve(poisson((10, 10)), b * scale).check()
    assert result.residuals[0] == pytest.approx(np.linalg.norm(b) * scale)
    np.testing.assert_allclose(result.x / scale, np.linalg.solve(poisson((10, 10)).toarray(), b), rtol=1e-9)
    with pytest.warns(ConvergenceWarning):
        assert not solve(hilbert(14), np.cos(np.arange(14.0)) * scale).success


def test_no_iterations_means_none():
    with pytest.warns(ConvergenceWarning, match="maxiter"):
        assert solve(poisson((5, 5)), np.ones(25), method="cg", M=None, maxiter=0).nit == 0


def test_callback_stops():
    result = solve(poisson((20, 20, 20)), np.ones(20**3), callback=lambda x, r: True)
    assert result.status == Status.STOPPED
    assert result.nit == 1


def test_rough_coefficients(rng):
    A = diffusion(np.exp(4 * rng.standard_normal((80, 80))))
    want = rng.standard_normal(6400)
    assert relative_error(solve(A, A @ want).check().x, want) < 1e-6


@pytest.mark.parametrize("method", list(numsolve._problem.ITERATIVE))
@pytest.mark.parametrize("M", ["auto", None, *numsolve._solve.PRECONDITIONERS[1:]])
def test_every_method_and_preconditioner_by_name(method, M, rng):
    A = poisson((20, 20))
    want = rng.standard_normal(400)
    result = solve(A, A @ want, method=method, M=M).check()
    assert result.method == method
    assert result.preconditioner == (M if M != "auto" else "amg")
    assert relative_error(result.x, want) < 1e-6


@pytest.mark.extended
def test_a_large_indefinite_matrix_is_solved_by_minres(rng):
    n = 30**3
    A = poisson((30, 30, 30)) - 0.1 * sp.eye_array(n)
    A.setdiag(np.where(np.arange(n) == 7, -1.0, A.diagonal()))  # a diagonal of both signs
    want = rng.standard_normal(n)
    result = solve(A, A @ want).check()
    assert (result.method, result.preconditioner) == ("minres", None)
    assert relative_error(result.x, want) < 1e-5


def test_on_the_device(cupy, rng):
    A = sp.csr_matrix(poisson((12, 12)))
    want = rng.standard_normal(144)
    result = solve(*numsolve.to_device(A, A @ want)).check()
    assert (result.method, result.preconditioner) == ("cg", "amg")
    assert relative_error(result.x.get(), want) < 1e-6
    B = sp.csr_matrix(convection_diffusion((12, 12), (5.0, 3.0)))
    result = solve(*numsolve.to_device(B, B @ want)).check()
    assert (result.method, result.preconditioner) == ("gmres", "ilu0")
    assert relative_error(result.x.get(), want) < 1e-6


@given(n=st.integers(1, 30), seed=st.integers(0, 2**32 - 1), density=st.floats(0.05, 1))
def test_against_dense_linear_algebra(n, seed, density):
    rng = np.random.default_rng(seed)
    A = sp.random_array((n, n), density=density, rng=rng, data_sampler=rng.standard_normal).tocsr()
    A = sp.csr_array(A + 3 * sp.eye_array(n))
    b = rng.standard_normal(n)
    want = np.linalg.solve(A.toarray(), b)
    result = solve(A, b).check()
    assert np.abs(result.x - want).max() <= (result.forward_error + 1e-9) * max(np.abs(want).max(), 1e-300)


def test_the_front_door_tries_nothing_else_after_the_time_limit():
    A = spla.aslinearoperator(poisson((12, 12)))
    with pytest.warns(ConvergenceWarning, match="time limit"):
        result = numsolve.solve(A, np.ones(144), time_limit=1e-9)
    assert result.status == Status.TIME_LIMIT
    assert result.method == "cg"
    assert "then" not in result.message


def test_the_front_door_starts_from_a_guess():
    A, x = poisson((12, 12)), np.arange(144.0)
    result = numsolve.solve(A, A @ x, method="cg", M=None, x0=x)
    assert result.nit == 0


def test_the_best_of_the_choices_that_failed_is_returned():
    A, b = spla.aslinearoperator(poisson((12, 12))), np.ones(144)
    found = {}
    for method in ("auto", "cg", "gmres"):
        with pytest.warns(ConvergenceWarning):
            found[method] = numsolve.solve(A, b, method=method, M=None, maxiter=3, rtol=1e-12)
    last = {method: result.residuals[-1] for method, result in found.items()}
    assert last["gmres"] < 0.99 * last["cg"]
    assert last["auto"] < 0.99 * last["gmres"]  # each method begins where the one before ended
    assert found["auto"].method == "gmres"
    assert found["auto"].nit > 3
