"""Systems on which a small residual does not mean a small error: no wrong answer may pass without a word."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from support import hard_systems

from numsolve import ConvergenceWarning, Status, krylov, solve

WRONG, RIGHT = 1e-2, 1e-4  # relative errors from which, and up to which, an answer counts as such
SEED = 16


def superlu(drawn):
    try:
        return drawn.error(spla.splu(drawn.A.tocsc()).solve(drawn.b))
    except RuntimeError:
        return np.inf


def quietly(method, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return method(*args, **options)


def calls(systems, methods):
    """Yield each converged call of a method that suits the matrix: its error, and whether it is doubted."""
    for drawn in systems:
        symmetric = abs(drawn.A - drawn.A.conj().T).max() <= 1e-12 * abs(drawn.A).max()
        for name in methods:
            if symmetric or not krylov.METHODS[name].hermitian:
                try:
                    result = quietly(getattr(krylov, name), drawn.A, drawn.b, rtol=1e-8, maxiter=2000)
                except ValueError:  # rows of very different size are not symmetric, although the entries are
                    continue
                if result.success:
                    assert result.message.endswith(result.doubt)
                    yield drawn.error(result.x), bool(result.doubt)


def check_calls(hard, healthy, methods):
    wrong = [doubted for error, doubted in calls(hard, methods) if error > WRONG]
    right = [doubted for error, doubted in calls(healthy, methods) if error < RIGHT]
    assert len(wrong) > len(methods)
    assert np.mean(wrong) >= 0.95
    assert len(right) > len(methods)
    assert np.mean(right) <= 0.02


def check_solves(hard, healthy):
    lost = 0
    for drawn in hard:
        result = quietly(solve, drawn.A, drawn.b)
        assert not result.success or drawn.error(result.x) < WRONG, drawn.kind
        lost += not result.success and superlu(drawn) < 1e-6
    assert lost == 0
    results = [(drawn, quietly(solve, drawn.A, drawn.b)) for drawn in healthy]
    right = [r for drawn, r in results if drawn.error(r.x) < RIGHT]
    assert len(right) > 0.9 * len(results)
    assert np.mean([not r.success or bool(r.doubt) for r in right]) <= 0.02


@pytest.fixture
def iterative(monkeypatch):
    """Let `solve` try iterative methods first for small matrices too."""
    from numsolve import _choice

    monkeypatch.setattr(_choice, "TINY", 10)
    monkeypatch.setattr(_choice, "NARROW_WORK", 1.0)
    monkeypatch.setattr(_choice, "AT_ONCE", {True: 0.0, False: 0.0})


def test_a_few_calls():
    kinds = [k for k in hard_systems.HARD if k not in (hard_systems.row_scaled_random,)][:6]
    hard = hard_systems.draw(kinds, 6, SEED, 200)
    check_calls(hard, hard_systems.healthy(5, SEED, 200), ["cg", "gmres"])


def test_a_few_solves(iterative):
    check_solves(hard_systems.hard(5, SEED, 200), hard_systems.healthy(5, SEED, 200))


@pytest.mark.extended
def test_two_hundred_systems_and_the_methods():
    methods = ["cg", "minres", "gmres", "bicgstab", "idrs"]
    check_calls(hard_systems.hard(200, SEED, 900), hard_systems.healthy(200, SEED, 900), methods)


@pytest.mark.extended
def test_two_hundred_systems_and_the_direct_choice():
    check_solves(hard_systems.hard(200, SEED, 900), hard_systems.healthy(200, SEED, 900))


@pytest.mark.extended
def test_two_hundred_systems_and_iterative_choices(iterative):
    check_solves(hard_systems.hard(200, SEED, 900), hard_systems.healthy(200, SEED, 900))


def test_doubt_leads_to_the_direct_method(iterative, rng):
    A = hard_systems.neumann(rng, (20, 20), 0) + 1e-9 * sp.eye_array(400)
    x = 1 + rng.standard_normal(400)
    result = solve(A, A @ x, M=None).check()
    assert result.method == "direct"
    assert "lower rtol" in result.message
    assert np.linalg.norm(result.x - x) < 1e-5 * np.linalg.norm(x)


def test_doubt_that_stays_is_no_success(rng):
    A = hard_systems.neumann(rng, (20, 20), 0) + 1e-9 * sp.eye_array(400)
    x = 1 + rng.standard_normal(400)
    with pytest.warns(ConvergenceWarning, match="direct method"):
        result = solve(A, A @ x, method="cg", M=None)
    assert result.status == Status.DOUBTFUL > 0
    assert not result.success


@pytest.mark.extended
def test_penalties_on_two_sides_of_a_grid(rng):
    n = 150
    A = hard_systems.neumann(rng, (n, n), 0).tolil()
    ends = np.arange(n * n) % n
    A.setdiag(A.diagonal() + np.where((ends == 0) | (ends == n - 1), 1e9, 0))
    A = sp.csr_array(A)
    result = solve(A, A @ np.ones(n * n)).check()
    assert np.linalg.norm(result.x - 1) < 1e-6 * n
