"""Numbers at the ends of the range, errors raised by NumPy, precisions that differ, and pickling."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from support.tiers import extended

import numsolve
from numsolve import ConvergenceError, ConvergenceWarning, Interrupted, Result, Status
from numsolve import precondition as preconditioners
from numsolve._result import Breakdown
from numsolve.krylov import _registry as registry
from numsolve.krylov import cg, gmres, lsmr, lsqr, minres, refine
from numsolve.krylov.recycling.space import RecycledSpace
from numsolve.problems import poisson
from numsolve.relaxation import gauss_seidel

METHODS = [m.solve for m in registry.METHODS.values()]
every_method = pytest.mark.parametrize("method", METHODS, ids=lambda m: m.__name__)


@every_method
@pytest.mark.parametrize(
    ("of_A", "of_b"), [(1, 1e307), (1e307, 1), (1e306, 1e306), (1, 1e-310), (1e-250, 1e50)]
)
def test_numbers_near_the_ends_of_the_range(method, of_A, of_b, rng):
    A, x = poisson((6, 6)), rng.uniform(1, 2, 36)
    result = method(sp.csr_array(A * of_A), (A @ x) * of_b, rtol=1e-9).check()
    np.testing.assert_allclose(result.x / (of_b / of_A), x, rtol=1e-5)


@every_method
def test_a_solution_below_the_range_is_no_success(method):
    with pytest.warns(ConvergenceWarning, match="few digits or none"):
        result = method(poisson((5, 5)), np.full(25, 5e-324))
    assert result.status == Status.STAGNATED


@pytest.mark.parametrize("method", [cg, gmres])
def test_a_solution_above_the_range_is_no_success(method):
    with pytest.warns(ConvergenceWarning, match="out of the range"):
        result = method(np.diag([1e-200, 1e-200]), np.array([1e200, 1.0]))
    assert result.status == Status.NONFINITE
    assert np.isfinite(result.x).all()


def test_columns_at_the_ends_of_the_range(rng):
    A, X = poisson((6, 6)), rng.uniform(1, 2, (36, 3))
    result = cg(A, A @ X * [1e307, 1, 1e-307], rtol=1e-9).check()
    np.testing.assert_allclose(result.x / [1e307, 1, 1e-307], X, rtol=1e-6)
    with pytest.warns(ConvergenceWarning, match="1 of 2 columns, first 1: .*few digits"):
        cg(A, np.stack([np.ones(36), np.full(36, 5e-324)], axis=1))


@every_method
@pytest.mark.parametrize("scales", [(1, 1), (1e200, 1e-50), (1, 1e-310)])
def test_a_solve_where_numpy_raises_errors(method, scales):
    A, b = poisson((5, 5)) * scales[0], np.ones(25) * scales[1]
    with np.errstate(all="raise"):
        method(A, b).check()


@pytest.mark.parametrize("name", preconditioners.__all__)
@pytest.mark.parametrize("form", ["csr", *extended("dense")])
def test_a_set_up_where_numpy_raises_errors(name, form):
    A = poisson((8, 8)) if form == "csr" else poisson((8, 8)).toarray()
    with np.errstate(all="raise"):
        M = getattr(preconditioners, name)(A, *([4] if name == "block_jacobi" else []))
        assert np.isfinite(M @ np.ones(64)).all()


@pytest.mark.parametrize("call", [numsolve.solve, gauss_seidel])
def test_other_calls_where_numpy_raises_errors(call):
    A, b = poisson((8, 8)), np.ones(64)
    with np.errstate(all="raise"):
        for unit in (1, 1e-200):
            call(A, b * unit).check()


@every_method
def test_no_columns(method):
    A = poisson((5, 5))
    for form in (A, A.toarray()):
        result = method(form, np.zeros((25, 0))).check()
        assert result.x.shape == (25, 0)


@pytest.mark.parametrize("method", ["auto", "direct", "cg", "gmres"])
@pytest.mark.parametrize("form", [sp.csr_array, np.asarray])
def test_solve_without_columns(method, form):
    result = numsolve.solve(form(poisson((5, 5)).toarray()), np.zeros((25, 0)), method=method).check()
    assert result.x.shape == (25, 0)


@pytest.mark.parametrize("name", preconditioners.__all__)
def test_operators_without_columns(name):
    A = poisson((5, 5))
    M = getattr(preconditioners, name)(A, *([4] if name == "block_jacobi" else []))
    assert (M @ np.zeros((25, 0))).shape == (25, 0)
    assert (numsolve.hermitian(A) @ np.zeros((25, 0))).shape == (25, 0)


def single_problem(rng):
    """Return a matrix in single precision, the same numbers in double precision, and a solution."""
    A = sp.csr_array((poisson((8, 8)) / 3).astype("float32"))
    return A, sp.csr_array(A.astype(float)), rng.standard_normal(64)


@pytest.mark.parametrize("method", [cg, minres, gmres, lsqr, refine], ids=lambda m: m.__name__)
@pytest.mark.parametrize("form", [lambda A: A, spla.aslinearoperator, lambda A: A.toarray()])
def test_a_matrix_in_single_precision_acts_in_that_of_b(method, form, rng):
    A, exact, x = single_problem(rng)
    result = method(form(A), exact @ x, rtol=1e-11).check()
    assert result.x.dtype == np.float64
    assert np.linalg.norm(exact @ (result.x - x)) <= 2e-11 * np.linalg.norm(exact @ x)
    np.testing.assert_allclose(result.x, x, atol=1e-8)


def test_symmetry_up_to_the_rounding_of_the_given_precision(rng):
    A = single_problem(rng)[0].toarray()
    A = A * (1 + 1e-7 * rng.standard_normal(A.shape)).astype("float32")
    for form in (A, sp.csr_array(A)):
        assert cg(form, np.ones(64), rtol=1e-7).check().x.dtype == np.float64


@pytest.mark.parametrize("method", [cg, minres, gmres], ids=lambda m: m.__name__)
def test_products_in_single_precision_limit_the_residual_and_the_message_says_so(method, rng):
    A, exact, x = single_problem(rng)
    b = exact @ x

    def multiply(v):
        return A @ v.astype("float32")

    operator = spla.LinearOperator(A.shape, multiply, dtype="float32")
    with pytest.warns(ConvergenceWarning, match=r"products with A have a relative precision of 1.2e-07"):
        result = method(operator, b, rtol=1e-11)
    assert result.status == Status.STAGNATED
    assert np.linalg.norm(b - exact @ result.x) <= 1e-6 * np.linalg.norm(b)
    np.testing.assert_allclose(result.x, x, atol=1e-4)


def test_results_and_exceptions_are_pickled(rng):
    A, b = poisson((5, 5)), np.ones(25)
    results = [method(A, b) for method in METHODS]
    results += [numsolve.solve(A, b), gauss_seidel(A, b), cg(A, b, recycle=2), minres(A, b, recycle=2)]
    for result in results:
        twin = pickle.loads(pickle.dumps(result))
        assert type(twin) is type(result)
        assert twin.message == result.message
        np.testing.assert_array_equal(twin.x, result.x)
    assert isinstance(pickle.loads(pickle.dumps(results[-1])).recycle, RecycledSpace)
    kept = Result(np.ones(2), Status.INTERRUPTED, "interrupted", np.ones(1))
    for error in (ConvergenceError("why"), ConvergenceWarning("why"), Breakdown("why", Status.SINGULAR)):
        twin = pickle.loads(pickle.dumps(error))
        assert (type(twin), str(twin)) == (type(error), "why")
    assert pickle.loads(pickle.dumps(Breakdown("why", Status.SINGULAR))).status == Status.SINGULAR
    assert pickle.loads(pickle.dumps(Interrupted(kept))).result.message == "interrupted"


@pytest.mark.parametrize("method", [lsqr, lsmr], ids=lambda m: m.__name__)
@pytest.mark.parametrize("compatible", [True, False])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_least_squares_with_columns_of_very_different_size(method, compatible, form, rng):
    sizes = 10.0 ** rng.uniform(-10, 0, 25)
    A, y = rng.standard_normal((80, 25)), rng.standard_normal(25)
    b = A @ y + (0 if compatible else rng.standard_normal(80))
    want = np.linalg.lstsq(A, b)[0] / sizes
    result = method(form(A * sizes), b, rtol=1e-10).check()
    np.testing.assert_allclose(result.x, want, rtol=1e-6, atol=1e-8 * abs(want).min())
    assert "columns scaled" in result.message
    assert float(result.message.split("backward error ")[1].split()[0]) < 1e-9
    assert result.residual_norm == pytest.approx(
        np.linalg.norm(b - A @ y if compatible else b - A @ (want * sizes)), abs=1e-7
    )


@pytest.mark.parametrize("method", [lsqr, lsmr], ids=lambda m: m.__name__)
def test_damping_keeps_its_meaning_with_columns_of_very_different_size(method, rng):
    sizes, x0 = 10.0 ** rng.uniform(-6, 0, 12), rng.standard_normal(12)
    A, b, damp = rng.standard_normal((40, 12)) * sizes, rng.standard_normal(40), 1e-5
    scale = np.sqrt((A**2).sum(axis=0) + damp**2)
    stacked = np.vstack([A, damp * np.eye(12)]) / scale
    want = np.linalg.lstsq(stacked, np.concatenate([b, np.zeros(12)]))[0] / scale
    np.testing.assert_allclose(method(A, b, x0, damp=damp, rtol=1e-12).check().x, want, rtol=1e-6)


def test_the_shortest_solution_of_a_wide_system_is_kept(rng):
    A, b = rng.standard_normal((10, 30)) * 10.0 ** rng.uniform(-6, 0, 30), rng.standard_normal(10)
    np.testing.assert_allclose(lsqr(A, b, rtol=1e-12).check().x, np.linalg.pinv(A) @ b, rtol=1e-5, atol=1e-8)
