"""Triangular preconditioners on an emulated device, and on a real one."""

import numpy as np
import pytest
import scipy.sparse as sp
from support.tiers import DTYPES, extended
from support.triangles import close, random_matrix

import numsolve
from numsolve.krylov import cg, gmres
from numsolve.precondition import ic0, ilu0, ssor
from numsolve.precondition._gauss_seidel import RowSweeps
from numsolve.problems import poisson

each_dtype = pytest.mark.parametrize("dtype", DTYPES)


@pytest.mark.parametrize("solves", ["exact", "levels", "jacobi"])
@pytest.mark.parametrize("make", [ilu0, ic0, ssor])
@pytest.mark.parametrize("dtype", ["float64", *extended("float32", "complex64", "complex128")])
def test_on_the_device_as_on_the_host(cupy, make, solves, dtype, rng):
    A = random_matrix(70, 0.05, dtype, rng, hermitian=True)
    b = rng.standard_normal(70).astype(dtype)
    M = make(numsolve.to_device(A), solves=solves)
    assert M.library == "cupy"
    assert M.dtype == dtype
    close(numsolve.to_host(M @ numsolve.to_device(b)), make(A, solves=solves) @ b, dtype)


@pytest.mark.gpu
@pytest.mark.parametrize("solves", ["exact", "jacobi"])
@pytest.mark.parametrize("make", [ilu0, ic0, ssor])
@each_dtype
def test_on_a_real_device_as_on_the_host(make, solves, dtype, rng):
    A = random_matrix(3000, 0.002, dtype, rng, hermitian=True)
    b = rng.standard_normal(3000).astype(dtype)
    found = make(numsolve.to_device(A), solves=solves) @ numsolve.to_device(b)
    close(numsolve.to_host(found), make(A, solves=solves) @ b, dtype, factor=500)


def test_the_default_is_exact_on_the_host_and_jacobi_on_a_device(cupy):
    A = poisson((5, 5))
    assert (ilu0(A).solves, ilu0(numsolve.to_device(A)).solves) == ("exact", "jacobi")


@pytest.mark.parametrize("make", [ilu0, ic0, ssor])
def test_launches_of_an_application(cupy, make):
    A, b = numsolve.to_device(poisson((12, 9)), np.ones(108))
    for options, most in (({"solves": "exact"}, 2 * (12 + 9 - 1)), ({}, 14), ({"sweeps": 3}, 20)):
        M = make(A, **options)
        M @ b
        cupy.counts.clear()
        M @ b
        assert cupy.counts["launches"] <= most
        assert cupy.counts["syncs"] == 0
        assert cupy.counts["bytes to device"] == cupy.counts["bytes to host"] == 0


def test_a_factorisation_on_the_device_moves_no_entries(cupy):
    A = numsolve.to_device(poisson((12, 9)))
    M = ilu0(A)
    cupy.counts.clear()
    M.update(A)
    assert cupy.counts["bytes to host"] < 200  # flags that were asked for
    assert cupy.counts["bytes to device"] == 0


def test_sweeps_on_the_device(cupy, rng):
    A = random_matrix(70, 0.05, "float64", rng)
    b, x = rng.standard_normal((2, 70))
    sweeps = RowSweeps(numsolve.to_device(A))
    found = sweeps.symmetric(*(numsolve.to_device(v.copy()) for v in (b, x)))
    close(found.get(), RowSweeps(A).symmetric(b, x.copy()), "float64")


@pytest.mark.parametrize("solves", ["exact", "jacobi"])
def test_solvers_on_the_device(cupy, solves, rng):
    A, x = poisson((8, 8)), rng.standard_normal(64)
    for method, make in ((cg, ic0), (cg, ssor), (gmres, ilu0)):
        host = method(A, A @ x, M=make(A, solves=solves), rtol=1e-8)
        device = method(
            *numsolve.to_device(A, A @ x), M=make(numsolve.to_device(A), solves=solves), rtol=1e-8
        )
        assert abs(device.check().nit - host.nit) <= 1
        np.testing.assert_allclose(device.x.get(), x, atol=1e-6)


def test_poor_pivots_on_the_device_are_named(cupy):
    with pytest.raises(ValueError, match="in row 1 of A"):
        ilu0(numsolve.to_device(sp.csr_array([[1.0, 1, 0], [1, 1, 0], [0, 0, 1]])))
