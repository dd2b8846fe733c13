"""Factorisations of other packages, each replaced by a stand-in that has its interface."""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import scipy.sparse.linalg as spla

from numsolve import solve
from numsolve._linear import engines
from numsolve.problems import convection_diffusion, poisson


def stand_in(monkeypatch, name, **contents):
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)
    vars(module).update(contents)
    monkeypatch.setitem(sys.modules, name, module)
    return module


class PyPardisoSolver:
    def __init__(self, mtype):
        assert mtype == 11

    def factorize(self, A):
        self.rows, self.lu = A, spla.splu(A.tocsc())

    def solve(self, A, b):
        return self.lu.solve(b, "N" if A.format == "csr" else "T")


class CholmodError(Exception):
    pass


def cholesky(A):
    if (A.diagonal() < 0).any() or np.linalg.eigvalsh(A.toarray()).min() <= 0:
        raise CholmodError("not positive definite")
    return spla.splu(A).solve


def umfpack_splu(A):
    lu = spla.splu(A)

    def solve_with(kind, matrix, b):
        assert matrix.format == "csc"
        return lu.solve(np.ascontiguousarray(b), kind)

    return SimpleNamespace(solve=lu.solve, umf=SimpleNamespace(solve=solve_with))


@pytest.fixture
def packages(monkeypatch):
    """Install stand-ins of all three packages, used from few unknowns on."""
    monkeypatch.setattr(engines, "LARGE", 100)
    stand_in(monkeypatch, "pypardiso", PyPardisoSolver=PyPardisoSolver)
    cholmod = SimpleNamespace(cholesky=cholesky, CholmodError=CholmodError)
    stand_in(monkeypatch, "sksparse", cholmod=cholmod)
    umfpack = stand_in(monkeypatch, "scikits.umfpack", splu=umfpack_splu, UMFPACK_At="H")
    stand_in(monkeypatch, "scikits", umfpack=umfpack)


CASES = {
    "cholmod": (lambda: poisson((15, 15)), "CHOLMOD"),
    "pardiso": (lambda: convection_diffusion((15, 15), (9.0, 2.0)), "PARDISO"),
    "umfpack": (lambda: convection_diffusion((15, 15), (9.0, 2.0)) * (1 + 1j), "UMFPACK"),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("columns", [None, 2])
def test_each_is_used_by_name_and_by_direct(name, columns, packages, rng):
    make, title = CASES[name]
    A = make()
    want = rng.standard_normal((225,) if columns is None else (225, columns)).astype(A.dtype)
    for method in (name, "direct"):
        result = solve(A, A @ want, method=method).check()
        assert title in result.message
        assert result.method == "direct"
        assert np.linalg.norm(result.x - want) < 1e-10 * np.linalg.norm(want)
        assert 1e-17 < result.forward_error < 1e-8


def test_what_an_engine_cannot_factorise_is_left_to_the_next(packages, rng):
    A = poisson((15, 15))
    A.setdiag(2.0)  # not definite
    want = rng.standard_normal(225)
    result = solve(A, A @ want, method="direct").check()
    assert "PARDISO" in result.message
    np.testing.assert_allclose(result.x, want, atol=1e-8)


def test_small_systems_are_left_to_scipy(packages, monkeypatch):
    monkeypatch.setattr(engines, "LARGE", 1000)
    assert "SuperLU" in solve(poisson((15, 15)), np.ones(225), method="direct").message


def test_a_package_that_is_missing_or_takes_no_such_numbers_is_named(monkeypatch, packages):
    with pytest.raises(TypeError, match="PARDISO does not take complex128"):
        solve(poisson((5, 5)) * 1j, np.ones(25), method="pardiso")
    monkeypatch.setitem(sys.modules, "pypardiso", None)
    with pytest.raises(ImportError, match="needs the package pypardiso"):
        solve(poisson((5, 5)), np.ones(25), method="pardiso")
