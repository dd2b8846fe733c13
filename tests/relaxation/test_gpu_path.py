"""Relaxation on an emulated device, and on a real one."""

from functools import partial

import numpy as np
import pytest
from support import fake_cupy
from support.splittings import SOLVERS, Recorder, dominant, random
from support.tiers import DTYPES, extended

import numsolve
from numsolve import ConvergenceWarning
from numsolve.problems import poisson
from numsolve.relaxation import colouring, jacobi, sor, ssor

each_dtype = pytest.mark.parametrize("dtype", DTYPES)


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
    A, x = dominant(rng, 40, dtype, 0.2), random(rng, 40, dtype)
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
    A, x = dominant(rng, 40, float, 0.2), rng.standard_normal(40)
    there = method(*numsolve.to_device(A, A @ x), omega=0.9, block_size=3, rtol=1e-9).check()
    options = {} if method is jacobi else {"colours": there.colours}
    here = method(A, A @ x, omega=0.9, block_size=3, rtol=1e-9, **options).check()
    assert abs(there.nit - here.nit) <= 1
    np.testing.assert_allclose(there.x.get(), here.x, atol=1e-8)


def test_the_schedule_changes_no_bit(cupy, monkeypatch):
    A, b = numsolve.to_device(poisson((8, 8)), np.ones(64))
    found = {}
    for seed in range(2):
        monkeypatch.setattr(fake_cupy, "seed", seed)
        for options in ({}, {"symmetric": True}, {"block_size": 4}):
            result = sor(A, b, rtol=1e-3, **options).check()
            found.setdefault(str(options), set()).add(result.x.get().tobytes())
    assert all(len(bits) == 1 for bits in found.values())


def test_launches_and_syncs_of_a_sweep(cupy, monkeypatch):
    monkeypatch.setattr("numsolve._kept.FALL", 0.0)  # copies belong to factors of ten, not to sweeps
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
