"""Relaxation against dense splittings, PyAMG's sweeps and the theory of Young."""

import warnings
from functools import partial
from itertools import chain, repeat
from types import SimpleNamespace

import numpy as np
import pyamg
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import fake_cupy
from support.tiers import DTYPES, extended

import numsolve
from numsolve import ConvergenceWarning, Status, _iterate
from numsolve.kernels import home, kernels_for
from numsolve.krylov import cg
from numsolve.problems import convection_diffusion, poisson
from numsolve.relaxation import _solve, _steps, colouring, gauss_seidel, jacobi, sor, ssor

each_dtype = pytest.mark.parametrize("dtype", DTYPES)
properties = settings(deadline=None, suppress_health_check=list(HealthCheck))


def random(rng, shape, dtype):
    values = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def dominant(rng, n, dtype, density=0.2):
    """Return an unsymmetric matrix for which every method here converges."""
    A = random(rng, (n, n), "complex128" if np.dtype(dtype).kind == "c" else "float64")
    A *= rng.random((n, n)) < density
    np.fill_diagonal(A, 0)
    A += np.diag(1 + 1.5 * abs(A).sum(axis=1))
    return sp.csr_array(A.astype(dtype))


def definite(rng, n, dtype="float64"):
    """Return a Hermitian positive definite matrix that is not diagonally dominant."""
    A = random(rng, (n, n), dtype)
    return sp.csr_array(A @ A.conj().T + 0.1 * np.eye(n))


def splitting(A, method, omega, order=None):
    """Return the error operator of a sweep as a dense matrix, by its definition."""
    A = A.toarray().astype(complex)
    order = np.arange(len(A)) if order is None else order
    turned = A[np.ix_(order, order)]
    D, L, U = np.diag(turned.diagonal()), np.tril(turned, -1), np.triu(turned, 1)
    eye = np.eye(len(A))
    T = eye - np.linalg.solve({"jacobi": D / omega}.get(method, D / omega + L), turned)
    if method == "ssor":
        T = (eye - np.linalg.solve(D / omega + U, turned)) @ T
    T_back = np.empty_like(T)
    T_back[np.ix_(order, order)] = T
    return T_back


def assert_close(found, want, scale=1.0):
    """Compare entries of size `scale` up to 10 units of rounding for each of 40 rows and 5 sweeps."""
    atol = 2000 * float(np.finfo(np.asarray(found).dtype).eps) * scale
    np.testing.assert_allclose(found, want, rtol=0, atol=atol)


SOLVERS = {
    "jacobi": jacobi,
    "gauss_seidel": lambda A, b, x0=None, omega=1.0, **kw: gauss_seidel(A, b, x0, **kw),
    "sor": sor,
    "ssor": ssor,
}


# -- iterates --------------------


@each_dtype
@pytest.mark.parametrize("method", SOLVERS)
@pytest.mark.parametrize("small", [True, False])
def test_iterates_are_those_of_the_splitting(method, dtype, small, rng, monkeypatch):
    monkeypatch.setattr(_solve, "BATCHED_BELOW", 10**6 if small else 0)
    A, x, x0 = dominant(rng, 31, dtype), random(rng, 31, dtype), random(rng, 31, dtype)
    b, omega = A @ x, 1.0 if method == "gauss_seidel" else 0.8
    T = splitting(A, method, omega)
    with pytest.warns(ConvergenceWarning, match="maxiter"):
        result = SOLVERS[method](A, b, x0, omega=omega, rtol=0, maxiter=4)
    error, norms = (x0 - x).astype(complex), []
    for _ in range(5):
        norms.append(np.linalg.norm(A @ error))
        error = T @ error
    tol = 1e3 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(result.residuals, norms, rtol=tol, atol=tol * norms[0])
    assert_close(result.x, x + np.linalg.matrix_power(T, 4) @ (x0 - x))
    assert result.x.dtype == np.dtype(dtype)


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize("method", [sor, gauss_seidel])
@pytest.mark.parametrize("colours", [None, "greedy"])
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("reverse", [True, False])
def test_orders_are_permuted_splittings(method, colours, symmetric, reverse, small, rng, monkeypatch):
    monkeypatch.setattr(_solve, "BATCHED_BELOW", 10**6 if small else 0)
    A, x = dominant(rng, 40, float, 0.1), rng.standard_normal(40)
    order = np.arange(40) if colours is None else np.argsort(colouring(A), kind="stable")
    if reverse:
        order = order[::-1]
    omega = 1.2 if method is sor else 1.0
    options = {"omega": omega} if method is sor else {}
    with pytest.warns(ConvergenceWarning):
        result = method(
            A, A @ x, colours=colours, symmetric=symmetric, reverse=reverse, rtol=0, maxiter=3, **options
        )
    T = splitting(A, "ssor" if symmetric else "sor", omega, order)
    assert_close(result.x, x - np.linalg.matrix_power(T, 3) @ x)
    assert (result.colours is None) == (colours is None)


@pytest.mark.parametrize("direction", ["forward", "backward", "symmetric"])
def test_sweeps_are_pyamgs(direction, rng):
    A = sp.csr_matrix(convection_diffusion((13, 11), (20.0, 10.0)))
    b, want = rng.standard_normal((2, 143))
    want, x0 = want.copy(), want.copy()
    for sweep in 3 * (["forward", "backward"] if direction == "symmetric" else [direction]):
        pyamg.relaxation.relaxation.sor(A, want, b, 1.3, sweep=sweep)
    with pytest.warns(ConvergenceWarning):
        found = sor(
            A,
            b,
            x0,
            omega=1.3,
            symmetric=direction == "symmetric",
            reverse=direction == "backward",
            maxiter=3,
            rtol=0,
        )
    assert_close(found.x, want, abs(want).max())


def test_natural_order_is_a_section_a_row(rng):
    A = dominant(rng, 50, float)
    scale, b, x, y = rng.standard_normal((4, 50))
    fast, slow = y.copy(), y.copy()
    matrix = np.ones(1, bool), None, A.indptr, A.indices, A.data
    got = kernels_for(b).sor_sweep(*matrix, scale, b, x, fast)
    want = home("reference").sor_sweep(*matrix, scale, b, x, slow)
    np.testing.assert_allclose(got, want, rtol=1e-11)
    assert_close(fast, slow, abs(slow).max())


@pytest.mark.parametrize("callback", [None, lambda x, norm: False])
@pytest.mark.parametrize("colours", [None, "greedy"])
def test_the_count_is_when_the_residual_first_meets_the_tolerance(callback, colours, rng):
    A, b = poisson((10, 10)), rng.standard_normal(100)
    order = np.arange(100) if colours is None else np.argsort(colouring(A), kind="stable")
    for omega in (1.0, 1.56, 1.9):
        T, x, count = splitting(A, "sor", omega, order), np.zeros(100, complex), 0
        solution = np.linalg.solve(A.toarray(), b)
        while np.linalg.norm(b - A @ x) > 1e-8 * np.linalg.norm(b):
            x, count = solution + T @ (x - solution), count + 1
        result = sor(A, b, omega=omega, rtol=1e-8, colours=colours, callback=callback).check()
        assert result.nit == count
        rounding = np.finfo(float).eps * np.linalg.norm(abs(A) @ abs(result.x))
        assert abs(result.residuals[-1] - np.linalg.norm(b - A @ result.x)) < 10 * rounding


@pytest.fixture
def on_threads():
    """Run a function on one thread, then on two; return both results."""
    import numba

    before = numba.get_num_threads()

    def run(function):
        found = []
        for threads in (1, 2):
            numba.set_num_threads(min(threads, before))
            found.append(function())
        return found

    yield run
    numba.set_num_threads(before)


def test_threads_change_no_bit(on_threads, rng):
    A, b = poisson((100, 100)), rng.standard_normal(10_000)  # so many that two threads share a colour
    with pytest.warns(ConvergenceWarning):
        one, two = on_threads(lambda: sor(A, b, colours="greedy", maxiter=5, rtol=0))
    assert np.array_equal(one.x, two.x)
    assert np.array_equal(one.residuals, two.residuals)
    order = np.argsort(colouring(A), kind="stable")
    with pytest.warns(ConvergenceWarning):
        natural = sor(sp.csr_array(A[order][:, order]), b[order], maxiter=5, rtol=0)  # row by row
    assert_close(one.x[order], natural.x, abs(natural.x).max())


# -- blocks --------------------


def block_splitting(A, size, omega, order=None, jacobi=False):
    """Return the error operator of a sweep over blocks, in an order of them, as a dense matrix."""
    A, n = A.toarray().astype(complex), A.shape[0]
    block = np.arange(n) // size
    when = np.arange(n // size + 1) if order is None else np.argsort(order)
    when = when[block]
    kept = A * (when[:, None] == when) / omega
    if not jacobi:
        kept = kept + A * (when[:, None] > when)
    return np.eye(n) - np.linalg.solve(kept, A)


@each_dtype
@pytest.mark.parametrize("size", [1, 4, 50])
def test_blocks_are_their_splittings(dtype, size, rng):
    A, x = dominant(rng, 31, dtype), random(rng, 31, dtype)
    count = -(-31 // size)
    for method, options, T in (
        (jacobi, {"omega": 0.8}, block_splitting(A, size, 0.8, jacobi=True)),
        (gauss_seidel, {}, block_splitting(A, size, 1.0)),
        (sor, {"omega": 1.2}, block_splitting(A, size, 1.2)),
        (
            sor,
            {"omega": 1.2, "reverse": True},
            block_splitting(A, size, 1.2, np.arange(count)[::-1]),
        ),
    ):
        with warnings.catch_warnings(action="ignore"):
            result = method(A, A @ x, block_size=size, maxiter=3, rtol=0, **options)
        want = x - np.linalg.matrix_power(T, result.nit) @ x
        assert_close(result.x, want)
        left = np.linalg.norm(A @ (x - want))
        assert abs(result.residuals[-1] - left) < 2000 * np.finfo(dtype).eps * result.residuals[0]


def test_coloured_blocks(rng):
    A, x = sp.csr_array(poisson((8, 9)) + 0.1 * sp.eye_array(72)), rng.standard_normal(72)
    with pytest.warns(ConvergenceWarning):
        result = sor(A, A @ x, block_size=9, colours="greedy", maxiter=3, rtol=0, omega=1.3)
    assert result.colours.tolist() == [0, 1, 0, 1, 0, 1, 0, 1]  # lines of the grid, alternating
    T = block_splitting(A, 9, 1.3, np.argsort(result.colours, kind="stable"))
    assert_close(result.x, x - np.linalg.matrix_power(T, 3) @ x)
    with pytest.raises(ValueError, match="blocks 0 and 1 the same colour"):
        sor(A, A @ x, block_size=9, colours=np.zeros(8, int))
    with pytest.raises(ValueError, match="symmetric sweeps do not support blocks"):
        sor(A, A @ x, block_size=9, symmetric=True)
    with pytest.raises(ValueError, match="block_size is 0"):
        jacobi(A, A @ x, block_size=0)
    points = gauss_seidel(A, A @ x, rtol=1e-8).check().nit
    assert gauss_seidel(A, A @ x, rtol=1e-8, block_size=9).check().nit < 0.6 * points


def test_a_zero_diagonal_is_allowed_within_a_regular_block(rng):
    A = sp.csr_array(np.kron(np.diag([3.0, 4, 5]), [[0, 1], [1, 0]]) + 0.3 * rng.random((6, 6)))
    A.setdiag(0)
    np.testing.assert_allclose(
        A @ gauss_seidel(A, np.ones(6), block_size=2, rtol=1e-9).check().x, 1, atol=1e-8
    )
    with pytest.raises(
        ValueError, match=r"singular diagonal block, of rows 0, but gauss_seidel inverts all blocks"
    ):
        gauss_seidel(A, np.ones(6), block_size=1)


def test_threads_change_no_bit_of_blocks(on_threads, rng):
    A, b = poisson((100, 100)), rng.standard_normal(10_000)
    with pytest.warns(ConvergenceWarning):
        one, two = on_threads(lambda: sor(A, b, colours="greedy", block_size=3, maxiter=3, rtol=0))
    assert np.array_equal(one.x, two.x)
    assert np.array_equal(one.residuals, two.residuals)


# -- theory --------------------


def test_the_rate_is_the_spectral_radius(rng):
    A, b = poisson((12, 9)), rng.standard_normal(108)
    for method in SOLVERS:
        with warnings.catch_warnings(action="ignore"):
            norms = SOLVERS[method](A, b, omega=1.0, rtol=0, maxiter=100).residuals
        radius = abs(np.linalg.eigvals(splitting(A, method, 1.0))).max()
        assert (norms[100] / norms[60]) ** (1 / 40) == pytest.approx(radius, rel=5e-3)


def test_youngs_optimum_is_the_best():
    A, b = poisson((23, 23)), np.ones(529)
    beta = np.cos(np.pi / 24)
    best = 1 + (beta / (1 + np.sqrt(1 - beta**2))) ** 2
    counts = {omega: sor(A, b, omega=omega, rtol=1e-8).check().nit for omega in (1.5, best, 1.95)}
    assert counts[best] < 0.6 * min(counts[1.5], counts[1.95])
    assert gauss_seidel(A, b, rtol=1e-8).check().nit > 6 * counts[best]
    for omega in (1.0, 1.3, best, 1.8):  # consistently ordered: the same spectrum in both orders
        natural = sor(A, b, omega=omega, rtol=1e-8).check().nit
        assert sor(A, b, omega=omega, rtol=1e-8, colours="greedy").check().nit == pytest.approx(
            natural, rel=0.1
        )


@properties
@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.floats(0.1, 1.9), st.booleans(), st.booleans())
def test_the_energy_of_the_error_falls_in_every_sweep(seed, n, omega, coloured, symmetric):
    rng = np.random.default_rng(seed)
    A, x = definite(rng, n), rng.standard_normal(n)
    energies = [x @ (A @ x)]

    def look(found, norm):
        energies.append((found - x) @ (A @ (found - x)))

    options = {"omega": omega, "symmetric": symmetric, "colours": "greedy" if coloured else None}
    with warnings.catch_warnings(action="ignore"):
        sor(A, A @ x, rtol=1e-6, maxiter=30, callback=look, **options)
    assert (np.diff(energies) <= 1e-12 * energies[0]).all()


def test_sherman1_is_negative_definite(matrix):
    A = matrix("sherman1")
    x = np.ones(A.shape[0])
    result = sor(A, A @ x, omega=1.9, rtol=1e-6, maxiter=20000).check()
    np.testing.assert_allclose(A @ result.x, A @ x, atol=1e-5 * np.linalg.norm(A @ x))
    with pytest.warns(ConvergenceWarning, match="not positive definite"):
        assert cg(A, A @ x, M=numsolve.precondition.ssor(A)).status == Status.BREAKDOWN


# -- limits and failures --------------------


@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize("method", SOLVERS)
def test_small_systems(method, n, rng):
    A, x = dominant(rng, n, float), rng.standard_normal(n)
    np.testing.assert_allclose(SOLVERS[method](A, A @ x, omega=1.0, rtol=1e-10).check().x, x, atol=1e-8)
    assert SOLVERS[method](A, np.zeros(n)).check().nit == 0
    assert SOLVERS[method](A, A @ x, x, rtol=1e-8).check().nit == 0


@each_dtype
def test_columns_extreme_scales_and_integers(dtype, rng):
    A, X = dominant(rng, 20, dtype), random(rng, (20, 3), dtype)
    rtol = 1e-4 if np.finfo(dtype).eps > 1e-10 else 1e-10
    result = sor(A, A @ X, omega=1.1, rtol=rtol).check()
    np.testing.assert_allclose(result.x, X, atol=20 * rtol)
    assert result.residuals.shape == (result.nit + 1, 3)
    big = np.finfo(dtype).dtype.type(1e30)
    for colours in (None, "greedy"):
        found = sor(A * big, A @ X[:, 0], omega=1.1, rtol=rtol, colours=colours).check()
        np.testing.assert_allclose(found.x * big, X[:, 0], atol=20 * rtol)
    assert sor(np.array([[3, 1], [1, 2]]), [4, 3], rtol=1e-10).check().x == pytest.approx([1, 1])


def test_sweeps_that_diverge_say_so(rng):
    A = np.array([[1.0, 3.0], [3.0, 1.0]])
    with pytest.warns(ConvergenceWarning, match="sweeps diverge"):
        assert gauss_seidel(A, np.ones(2)).status == Status.NONFINITE
    with pytest.warns(ConvergenceWarning, match="sweeps diverge"):
        assert gauss_seidel(A, np.ones(2), callback=lambda x, norm: False).status == Status.NONFINITE
    with pytest.warns(ConvergenceWarning, match="does not fall"):
        assert jacobi(A, np.ones(2), maxiter=20).status == Status.MAXITER
    with pytest.warns(ConvergenceWarning, match="by a digit in 10[2-4] sweeps"):
        gauss_seidel(poisson((20, 20)), np.ones(400), maxiter=150)


def test_rounding_errors_are_explained(rng):
    A, b = poisson((6, 6)), rng.standard_normal(36)
    with pytest.warns(ConvergenceWarning, match="at rounding errors"):
        assert not sor(A, b, rtol=0).success


def test_what_can_stop_a_solve(rng):
    A, b = poisson((10, 10)), np.ones(100)
    seen = []
    stopped = sor(A, b, rtol=1e-10, callback=lambda x, norm: seen.append((x.copy(), norm)) or len(seen) == 5)
    assert stopped.status == Status.STOPPED
    assert stopped.nit == 5
    for x, norm in seen:
        assert np.linalg.norm(b - A @ x) == pytest.approx(norm)
    coloured = []
    sor(A, b, rtol=1e-10, colours="greedy", callback=lambda x, norm: coloured.append((x.copy(), norm)))
    for x, norm in coloured:
        rounding = np.finfo(float).eps * np.linalg.norm(abs(A) @ abs(x))
        assert abs(np.linalg.norm(b - A @ x) - norm) < 10 * rounding


@pytest.mark.parametrize("method", SOLVERS)
@pytest.mark.parametrize("options", [{}, {"callback": lambda x, norm: False}])
def test_a_time_limit_that_is_over_leaves_the_start(method, options, rng):
    A, B, X0 = poisson((10, 10)), rng.standard_normal((100, 2)), rng.standard_normal((100, 2))
    with pytest.warns(ConvergenceWarning, match="time limit reached: raise time_limit"):
        result = SOLVERS[method](A, B[:, 0], X0[:, 0], time_limit=1e-9, **options)
    assert result.status == Status.TIME_LIMIT
    assert np.array_equal(result.x, X0[:, 0])
    with pytest.warns(ConvergenceWarning, match="of 2 columns"):
        result = SOLVERS[method](A, B, X0, time_limit=1e-9, **options)
    assert result.status == Status.TIME_LIMIT
    assert np.array_equal(result.x, X0)
    with pytest.raises(ValueError, match=r"time_limit is 0\.0"):
        SOLVERS[method](A, B, time_limit=0)


@pytest.mark.parametrize("method", SOLVERS)
def test_a_time_limit_ends_sweeps_between_two_calls_of_the_kernel(method, monkeypatch):
    """A clock that jumps at its third reading, so that the sweeps end after the first call."""
    monkeypatch.setattr(_steps, "ENTRIES_PER_CALL", 10_000)
    readings = chain([0.0, 0.0], repeat(np.inf))
    monkeypatch.setattr(_iterate, "time", SimpleNamespace(monotonic=lambda: next(readings)))
    with pytest.warns(ConvergenceWarning, match="time limit reached: the residual now falls by a digit in"):
        result = SOLVERS[method](poisson((40, 40)), np.ones(1600), omega=1.0, time_limit=1e9)
    assert result.status == Status.TIME_LIMIT
    assert 0 < result.nit <= 4


def test_bad_input_is_named(rng):
    A, b = poisson((4, 4)), np.ones(16)
    for omega in (0, 2, -1, 2.5, np.nan, np.inf):
        for solve in (sor, ssor):
            with pytest.raises(ValueError, match="omega is"):
                solve(A, b, omega=omega)
    with pytest.raises(TypeError, match="omega is 'x'; a real number"):
        sor(A, b, omega="x")
    with pytest.raises(ValueError, match="omega is 0"):
        jacobi(A, b, omega=0)
    hole = sp.csr_array(A - sp.diags_array(4.0 * (np.arange(16) == 5)))
    for method in SOLVERS:
        with pytest.raises(ValueError, match=r"zero entries on the diagonal, the first in row 5.*Krylov"):
            SOLVERS[method](hole, b)
    with pytest.raises(ValueError, match="rows 0 and 1 the same colour, but an entry"):
        sor(A, b, colours=np.zeros(16, int))
    with pytest.raises(ValueError, match=r"colours has shape \(3,\).*16 whole numbers"):
        sor(A, b, colours=[0, 1, 2])
    with pytest.raises(ValueError, match="colours has shape"):
        sor(A, b, colours=np.ones(16))
    with pytest.raises(ValueError, match=r"b has shape \(3,\)"):
        sor(A, np.ones(3))
    with pytest.raises(ValueError, match="square"):
        sor(A[:3], np.ones(3))
    with pytest.raises(TypeError, match="sor needs the entries of A"):
        sor(spla.aslinearoperator(A), b)
    with pytest.raises(TypeError, match="gauss_seidel needs the entries of A"):
        gauss_seidel(spla.aslinearoperator(A), b)


def test_zero_diagonals_of_real_matrices(matrix):
    for name in ("e05r0500", "hangGlider_2"):
        A = matrix(name)
        row = int((A.diagonal() == 0).argmax())
        with pytest.raises(ValueError, match=f"the first in row {row}:"):
            sor(A, np.ones(A.shape[0]))


# -- colours --------------------


@properties
@given(st.integers(0, 2**32 - 1), st.integers(1, 90), st.floats(0, 1))
def test_colourings_are_valid_whichever_row_holds_the_entry(seed, n, density):
    rng = np.random.default_rng(seed)
    A = sp.csr_array(np.triu(rng.random((n, n)) < density) | np.eye(n, dtype=bool))
    order = rng.permutation(n)
    A = sp.csr_array(A[order][:, order].astype(float))
    colours, coo = colouring(A), A.tocoo()
    assert (colours[coo.row] != colours[coo.col])[coo.row != coo.col].all()
    graph = (A.toarray() != 0) | (A.toarray() != 0).T
    assert colours.max() < graph.sum(axis=1).max()  # a diagonal entry each: at most one more than neighbours
    for row in range(n):  # greedy: every lower colour is taken by an earlier row
        assert set(colours[:row][graph[row, :row]]) >= set(range(colours[row]))


@pytest.mark.parametrize("shape", [(7,), (6, 9), (4, 3, 5)])
def test_grids_have_two_colours(shape):
    assert colouring(poisson(shape)).tolist() == (np.indices(shape).sum(axis=0) % 2).ravel().tolist()


@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_a_pattern_in_another_order_is_scipys(index, rng):
    from numsolve.kernels.host.colours import permuted

    A = sp.csr_array(sp.random_array((300, 300), density=0.02, rng=rng) + sp.eye_array(300))
    A = sp.csr_array(A + sp.csr_array((np.ones(300), (np.full(300, 7), np.arange(300))), (300, 300)))
    order = rng.permutation(300)
    want = sp.csr_array(A[order][:, order])
    want.sort_indices()
    indptr, indices, places = permuted(A.indptr.astype(index), A.indices.astype(index), order)
    assert np.array_equal(indptr, want.indptr)
    assert np.array_equal(indices, want.indices)
    assert np.array_equal(A.data[places], want.data)


def test_a_full_matrix_has_a_colour_a_row():
    assert colouring(np.ones((150, 150))).tolist() == list(range(150))


def test_colours_may_have_any_numbers_and_are_reused(rng):
    A, b = poisson((10, 10)), rng.standard_normal(100)
    first = sor(A, b, colours="greedy", rtol=1e-8).check()
    again = sor(A, b, colours=first.colours, rtol=1e-8).check()
    assert np.array_equal(first.x, again.x)
    for names in ((7, 70), (-3, 10**9)):
        named = sor(A, b, colours=[names[c] for c in first.colours], rtol=1e-8).check()
        assert np.array_equal(first.x, named.x)


# -- learners --------------------


class Recorder:
    """A learner that suggests given omegas and records what it observes."""

    def __init__(self, *omegas):
        self.omegas, self.asked, self.seen = list(omegas), [], []

    def suggest(self, context=None):
        self.asked.append(context)
        return self.omegas[(len(self.asked) - 1) % len(self.omegas)]

    def observe(self, omega, cost, context=None):
        self.seen.append((omega, cost, context))


@pytest.mark.parametrize("method", [sor, ssor])
def test_a_learner_suggests_and_observes(method):
    A, b, learner = poisson((10, 10)), np.ones(100), Recorder(1.3, 1.6)
    one = method(A, b, omega=learner, context=0.5, rtol=1e-8).check()
    two = method(A, b, omega=learner, context=0.7, rtol=1e-8).check()
    assert learner.asked == [0.5, 0.7]
    assert learner.seen == [(1.3, one.nit, 0.5), (1.6, two.nit, 0.7)]
    assert (one.omega, two.omega) == (1.3, 1.6)
    assert two.nit == method(A, b, omega=1.6, rtol=1e-8).nit


def test_failures_cost_a_learner_maxiter():
    learner = Recorder(1.1)
    with pytest.warns(ConvergenceWarning):
        sor(poisson((10, 10)), np.ones(100), omega=learner, maxiter=7)
    with pytest.warns(ConvergenceWarning, match="diverge"):
        sor(np.array([[1.0, 3.0], [3.0, 1.0]]), np.ones(2), omega=learner, maxiter=4000)
    assert [cost for _, cost, _ in learner.seen] == [7, 4000]
    with pytest.raises(ValueError, match=r"what omega.suggest\(context\) returned is 2.5"):
        sor(poisson((3,)), np.ones(3), omega=Recorder(2.5))
    refused = Recorder(1.1)
    with pytest.raises(ValueError, match="zero entries"):
        sor(np.array([[0.0, 1.0], [1.0, 0.0]]), np.ones(2), omega=refused)
    assert not refused.asked


def test_a_sequence_tells_the_learner_the_features():
    shifts = np.linspace(0, 0.4, 6)
    systems = [(poisson((10, 10)) + c * sp.eye_array(100), np.ones(100)) for c in shifts]
    by_array, by_function, by_system = Recorder(1.5), Recorder(1.5), Recorder(1.5)
    run = partial(numsolve.krylov.solve_sequence, method=sor, rtol=1e-8)
    results = list(run(systems, omega=by_array, features=shifts, sort=None))
    assert all(result.success and result.omega == 1.5 for result in results)
    assert [c for *_, c in by_array.seen] == shifts.tolist()
    assert [cost for _, cost, _ in by_array.seen] == [result.nit for result in results]
    assert results[-1].nit < results[0].nit  # a guess from the solutions before, and a larger shift
    list(run(iter(systems), omega=by_function, features=lambda s: s[0][0, 0] - 4, sort=None))
    assert [c for *_, c in by_function.seen] == pytest.approx(shifts.tolist())
    order = [3, 0, 1, 2, 4, 5]
    list(run([(*s, [c, 1.0]) for s, c in zip(systems, shifts, strict=True)], omega=by_system, sort=order))
    assert [c[0] for *_, c in by_system.seen] == shifts[order].tolist()
    with pytest.raises(ValueError, match="omega is 3"):
        run(systems, omega=3)
    with pytest.raises(TypeError, match="nonsense"):
        run(systems, nonsense=3)


# -- on a device --------------------


@pytest.mark.parametrize("method", SOLVERS)
@pytest.mark.parametrize("dtype", ["float64", *extended("complex64")])
def test_as_on_the_host(cupy, method, dtype, rng):
    compare(method, dtype, rng)


@pytest.mark.gpu
@pytest.mark.parametrize("method", SOLVERS)
@each_dtype
def test_as_on_the_host_on_a_device(method, dtype, rng):
    compare(method, dtype, rng)


def compare(method, dtype, rng):
    """Solve on both libraries, in the same order of rows."""
    A, x = dominant(rng, 70, dtype, 0.1), random(rng, 70, dtype)
    options = {"rtol": 1e-4 if dtype in ("float32", "complex64") else 1e-9, "omega": 0.9}
    there = SOLVERS[method](*numsolve.to_device(A, A @ x), **options).check()
    if method != "jacobi":
        options["colours"] = there.colours
        assert np.array_equal(there.colours, colouring(A))
    here = SOLVERS[method](A, A @ x, **options).check()
    assert type(there.x).__module__.startswith("cupy")
    assert abs(there.nit - here.nit) <= 1
    np.testing.assert_allclose(there.x.get(), x, atol=50 * options["rtol"])
    both = min(there.nit, here.nit) + 1
    rounding = 1e2 * np.finfo(dtype).eps * here.residuals[0]
    np.testing.assert_allclose(there.residuals[:both], here.residuals[:both], rtol=1e-2, atol=rounding)


@pytest.mark.parametrize("method", [jacobi, sor])
def test_blocks_on_the_device(cupy, method, rng):
    A, x = dominant(rng, 70, float, 0.1), rng.standard_normal(70)
    there = method(*numsolve.to_device(A, A @ x), omega=0.9, block_size=3, rtol=1e-9).check()
    options = {} if method is jacobi else {"colours": there.colours}
    here = method(A, A @ x, omega=0.9, block_size=3, rtol=1e-9, **options).check()
    assert abs(there.nit - here.nit) <= 1
    np.testing.assert_allclose(there.x.get(), here.x, atol=1e-8)


def test_the_schedule_changes_no_bit(cupy, monkeypatch):
    A, b = numsolve.to_device(poisson((12, 12)), np.ones(144))
    found = {}
    for seed in range(3):
        monkeypatch.setattr(fake_cupy, "seed", seed)
        for options in ({}, {"symmetric": True}, {"block_size": 4}):
            result = sor(A, b, rtol=1e-6, **options).check()
            found.setdefault(str(options), set()).add(result.x.get().tobytes())
    assert all(len(bits) == 1 for bits in found.values())


def test_launches_and_syncs_of_a_sweep(cupy):
    A, b = numsolve.to_device(poisson((12, 12)), np.ones(144))
    for method, most in ((jacobi, 2), (partial(sor, colours=colouring(A)), 3), (ssor, 5)):
        counted = []
        for maxiter in (10, 30):
            cupy.counts.clear()
            with pytest.warns(ConvergenceWarning):
                assert method(A, b, rtol=1e-30, maxiter=maxiter).nit == maxiter
            counted.append((cupy.counts["launches"], cupy.counts["syncs"]))
        launches, syncs = np.subtract(*counted[::-1]) / 20
        assert launches <= most
        assert syncs <= 0.1


def test_a_learner_on_the_device(cupy):
    learner = Recorder(1.4)
    result = sor(*numsolve.to_device(poisson((10, 10)), np.ones(100)), omega=learner, rtol=1e-8).check()
    assert learner.seen == [(1.4, result.nit, None)]


def test_a_colouring_is_found_on_the_host(cupy):
    A = numsolve.to_device(poisson((5, 5)))
    assert isinstance(colouring(A), np.ndarray)
    with pytest.raises(TypeError, match=r"A is on the GPU.*b is on the host"):
        sor(A, np.ones(25))
