"""The iterate that is handed back: never far worse than the best, and the last norm is its true one."""

import signal

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla

import numsolve
from numsolve import ConvergenceWarning, Interrupted, Status
from numsolve.krylov import _registry as registry
from numsolve.krylov import bicgstab, block_gmres, cg, gmres, idrs, lsqr, minres
from numsolve.problems import poisson
from numsolve.relaxation import jacobi, sor

SQUARE = [m.solve for m in registry.METHODS.values() if m.takes_M]
every_method = pytest.mark.parametrize("method", SQUARE, ids=lambda m: m.__name__)


def ring(n):
    """Return the graph Laplacian of a ring: constant vectors are its null space."""
    step = np.roll(np.eye(n), 1, axis=0)
    return sp.csr_array(2 * np.eye(n) - step - step.T)


@every_method
@pytest.mark.parametrize("k", [None, 2])
@pytest.mark.parametrize("with_x0", [False, True])
def test_no_worse_than_the_guess_on_a_singular_system(method, k, with_x0, rng):
    A = ring(60)
    b = rng.standard_normal(60 if k is None else (60, k)) + 1
    x0 = np.linalg.lstsq(A.toarray(), b)[0] + 1e-3 * rng.standard_normal(b.shape) if with_x0 else None
    with pytest.warns(ConvergenceWarning):
        result = method(A, b, x0, rtol=1e-10, maxiter=3000)
    true = np.linalg.norm(b - A @ result.x, axis=0)
    first = np.linalg.norm(b - A @ (0 * b if x0 is None else x0), axis=0)
    assert (true <= first * (1 + 1e-9)).all()
    if k is None:
        rounding = 1e-15 * np.linalg.norm(abs(A) @ abs(result.x))
        assert result.residuals[-1] == pytest.approx(true, rel=1e-6, abs=rounding)


@pytest.mark.parametrize("method", [bicgstab, idrs, cg], ids=lambda m: m.__name__)
def test_within_a_factor_of_ten_of_the_best_iterate(method, rng):
    """The residual falls by many digits, then rises: b leaves the range by 1e-9."""
    A, seen = ring(40), []
    b = A @ rng.standard_normal(40) + 1e-9
    with pytest.warns(ConvergenceWarning):
        result = method(
            A, b, rtol=1e-15, maxiter=2000, callback=lambda x, norm: seen.append(np.linalg.norm(b - A @ x))
        )
    true = np.linalg.norm(b - A @ result.x)
    assert true <= 10.1 * min(seen)
    assert result.residuals[-1] == pytest.approx(true, rel=1e-3)


@pytest.mark.parametrize("method", [jacobi, sor], ids=lambda m: m.__name__)
def test_sweeps_that_diverge(method):
    A, b = np.array([[1.0, 3.0], [3.0, 1.0]]), np.array([1.0, 2.0])
    with pytest.warns(ConvergenceWarning):
        result = method(A, b, maxiter=50)
    assert np.linalg.norm(b - A @ result.x) <= np.linalg.norm(b)
    assert result.residuals[-1] == pytest.approx(np.linalg.norm(b - A @ result.x))


def test_a_stop_by_the_callback_reports_the_true_norm(rng):
    A, b = ring(40), rng.standard_normal(40) + 1
    result = bicgstab(A, b, rtol=1e-12, callback=lambda x, norm: norm > 1e3)
    assert result.status == Status.STOPPED
    assert np.linalg.norm(b - A @ result.x) == pytest.approx(result.residuals[-1])
    assert result.residuals[-1] <= result.residuals[0]


@pytest.fixture
def interruptible():
    """Let SIGINT raise KeyboardInterrupt, also in the background of a shell, which disables it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("method", [*SQUARE, lsqr], ids=lambda m: m.__name__)
@pytest.mark.parametrize("product", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("k", [None, 3])
def test_ctrl_c_in_any_product(method, product, k, interruptible, rng):
    A, b, products = poisson((6, 6)), rng.standard_normal(36 if k is None else (36, k)), []

    def multiply(v):
        products.append(v)
        if len(products) == product:
            signal.raise_signal(signal.SIGINT)
        return A @ v

    operator = spla.LinearOperator(A.shape, multiply, rmatvec=multiply, dtype=float)
    with pytest.raises(Interrupted) as caught:
        method(operator, b, rtol=1e-9)
    result = caught.value.result
    assert result.status == Status.INTERRUPTED
    assert result.x.shape == b.shape
    assert np.isfinite(result.x).all()
    if k is None and method is not lsqr:
        assert result.residuals[-1] == pytest.approx(np.linalg.norm(b - A @ result.x))


def test_a_second_ctrl_c_ends_without_another_product():
    def multiply(v):
        raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        gmres(spla.LinearOperator((5, 5), multiply, dtype=float), np.ones(5))
    assert caught.value.result.x.tolist() == [0] * 5


def test_cg_copies_only_for_a_factor_of_ten(monkeypatch, rng):
    from numsolve._kept import Kept

    copies, see = [], Kept.see

    def counted(self, x, norm):
        before = self.norm
        see(self, x, norm)
        copies.append(self.norm is not before)

    monkeypatch.setattr(Kept, "see", counted)
    A, b = poisson((30, 30)), rng.standard_normal(900)
    result = cg(A, b, rtol=1e-8).check()
    assert len(copies) == result.nit - 1
    assert sum(copies) == 7


def test_solve_hands_back_the_best_too(rng):
    A, b = ring(60), rng.standard_normal(60) + 1
    with pytest.warns(ConvergenceWarning):
        result = numsolve.solve(A, b, method="bicgstab", M=None)
    assert np.linalg.norm(b - A @ result.x) <= np.linalg.norm(b)


@pytest.mark.parametrize("method", [minres, block_gmres], ids=lambda m: m.__name__)
def test_columns_keep_their_own_best(method, rng):
    A = ring(50)
    B = np.stack([A @ rng.standard_normal(50), rng.standard_normal(50) + 1], axis=1)
    with pytest.warns(ConvergenceWarning, match="1 of 2 columns, first 1"):
        result = method(A, B, rtol=1e-9)
    norms = np.linalg.norm(B - A @ result.x, axis=0)
    assert norms[0] <= 1e-9 * np.linalg.norm(B[:, 0])
    assert norms[1] <= np.linalg.norm(B[:, 1])
