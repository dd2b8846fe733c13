"""Small and extreme systems, limits, failures and bad input of relaxation."""

from itertools import chain, repeat
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from support.splittings import SOLVERS, dominant, random
from support.tiers import DTYPES

from numsolve import ConvergenceWarning, Status, _iterate
from numsolve.problems import poisson
from numsolve.relaxation import _steps, gauss_seidel, jacobi, sor, ssor

each_dtype = pytest.mark.parametrize("dtype", DTYPES)


@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize("method", SOLVERS)
def test_small_systems(method, n, rng):
    A, x = dominant(rng, n, float), rng.standard_normal(n)
    np.testing.assert_allclose(SOLVERS[method](A, A @ x, omega=1.0, rtol=1e-10).check().x, x, atol=1e-8)
    assert SOLVERS[method](A, np.zeros(n)).check().nit == 0
    assert SOLVERS[method](A, A @ x, x, rtol=1e-8).check().nit == 0


@pytest.mark.parametrize("method", SOLVERS)
def test_where_b_is_zero_the_sweeps_start_from_x0(method, rng):
    """The tolerance is then relative to the first residual."""
    A, x0 = dominant(rng, 12, float), rng.standard_normal(12)
    result = SOLVERS[method](A, np.zeros(12), x0, omega=1.0, rtol=1e-8).check()
    assert result.nit > 2
    assert result.residuals[0] == pytest.approx(np.linalg.norm(A @ x0))
    assert np.linalg.norm(A @ result.x) <= 1e-8 * np.linalg.norm(A @ x0)
    few = {"omega": 1.0, "maxiter": 3, "rtol": 1e-14}
    with pytest.warns(ConvergenceWarning):
        swept = SOLVERS[method](A, np.zeros(12), x0, **few).x
    with pytest.warns(ConvergenceWarning):
        shifted = SOLVERS[method](A, A @ x0, **few).x  # the same error, with the solution x0
    np.testing.assert_allclose(swept, x0 - shifted, atol=1e-12)
    X0 = np.stack([x0, 0 * x0], axis=1)
    assert SOLVERS[method](A, np.zeros((12, 2)), X0, omega=1.0).check().nit > 2
    assert SOLVERS[method](A, np.zeros(12), x0, omega=1.0, atol=1e9).check().nit == 0
    assert SOLVERS[method](A, np.zeros(12), 0 * x0, omega=1.0).check().nit == 0


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
