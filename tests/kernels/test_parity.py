"""Each kernel against its reference: the Numba twin, the emulated CUDA twin, and a real device's."""

import ast
from pathlib import Path

import numpy as np
import pytest
from support import fake_cupy
from support.cases import CASES, RETURNS_SUM

import numsolve
from numsolve import kernels
from numsolve.kernels.cpu._jit import GRAIN
from numsolve.kernels.table import TABLE

HOMES = Path(numsolve.__file__).parent / "kernels"
reference = kernels.home("reference")


SIZES = [0, 1, 2, 31, 257, 1025]  # 257 is a block and one, 1025 four blocks and one


def check(name, n, dtype, index, fast, move, back):
    """Compare one call with the reference: what it returns and what it writes, dtypes included."""
    args = CASES[name](np.random.default_rng(n), n, dtype, index)
    passed = [move(np.array(a)) if isinstance(a, np.ndarray) else a for a in args]
    want = getattr(reference, name)(*args)
    got = fast(passed)
    if isinstance(want, tuple):
        got = tuple(got)
    got, want = ((x if isinstance(x, tuple) else (x,)) for x in (got, want))
    tol = 16 * np.finfo(dtype).eps * max(n, 1) ** 0.5
    for g, w in zip([*got, *passed], [*want, *args], strict=True):
        if w is None:
            assert g is None
            continue
        g = back(g)
        assert np.shape(g) == np.shape(w)
        if isinstance(w, np.ndarray):
            assert g.dtype == w.dtype
        np.testing.assert_allclose(g, w, rtol=tol, atol=tol * max(1, np.max(np.abs(w), initial=0)))


def instantiations():
    """Every kernel with every dtype it takes."""
    for name, (_, dtypes, indices, _, _) in TABLE.items():
        for dtype in dtypes:
            for index in indices or ("int32",):
                yield pytest.param(
                    name, dtype, index, id=f"{name}-{dtype}" + (f"-{index}" if indices else "")
                )


each_instantiation = pytest.mark.parametrize(("name", "dtype", "index"), list(instantiations()))


@pytest.mark.parametrize("n", SIZES)
@each_instantiation
def test_numba_twin(name, dtype, index, n):
    check(
        name,
        n,
        dtype,
        index,
        lambda a: getattr(kernels.kernels_for(np.zeros(1)), name)(*a),
        lambda a: a,
        lambda a: a,
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n", SIZES)
@each_instantiation
def test_emulated_twin(name, dtype, index, n, seed, cupy, monkeypatch):
    monkeypatch.setattr(fake_cupy, "seed", seed)
    on_device(name, dtype, index, n, cupy)


@pytest.mark.gpu
@pytest.mark.parametrize("n", [*SIZES, 300_001])
@each_instantiation
def test_cuda_twin(name, dtype, index, n):
    import cupy

    on_device(name, dtype, index, n, cupy)


def on_device(name, dtype, index, n, cupy):
    """Run a case on a device, where the numbers that kernels leave each other come in pieces."""
    kinds = dict(field.split(":") for field in TABLE[name][3].split())
    order = functions(HOMES / "reference" / f"{TABLE[name][0]}.py")[name]

    def in_pieces(number, kind):
        return cupy.asarray(
            np.array([0.25, 0.75]) * number, dtype=dtype if kind == "T+" else np.finfo(dtype).dtype
        )

    def call(passed):
        args = [
            in_pieces(a, kinds[k]) if kinds.get(k) in ("R+", "T+") else a
            for k, a in zip(order, passed, strict=True)
        ]
        got = getattr(kernels.kernels_for(cupy.zeros(1)), name)(*args)
        if name not in RETURNS_SUM:
            return got
        if isinstance(got, tuple):
            return tuple(g.get().sum() for g in got)
        return got.get().sum(axis=-1)

    check(name, n, dtype, index, call, cupy.asarray, lambda a: a.get() if hasattr(a, "get") else a)


def functions(path):
    """Return the public functions of a file and their arguments, without importing it."""
    return {
        node.name: [a.arg for a in node.args.args]
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }


def test_homes_hold_the_same_functions_with_the_same_arguments():
    found = set()
    for path in (HOMES / "reference").glob("[!_]*.py"):
        want = functions(path)
        for home in ("cpu", "gpu"):
            assert functions(HOMES / home / path.name) == want, f"{home}/{path.name}"
        assert all(TABLE[name][0] == path.stem for name in want)
        found |= set(want)
    assert found == set(TABLE) == set(CASES)


THREADED = [name for name, (*_, rule) in TABLE.items() if rule in ("stride", "lanes")]


@pytest.mark.parametrize("name", THREADED)
def test_threads_do_not_change_a_bit(name, rng):
    from numba import get_num_threads, set_num_threads

    n = 20 * GRAIN + 17
    args = CASES[name](rng, n, np.float64, np.int32)
    kernel = getattr(kernels.kernels_for(np.zeros(1)), name)
    results = []
    for threads in {1, get_num_threads()}:
        before = get_num_threads()
        set_num_threads(threads)
        try:
            copies = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
            results.append(values(kernel(*copies), copies))
        finally:
            set_num_threads(before)
    for got, want in zip(results[0], values(getattr(reference, name)(*args), args), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9)
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            assert np.array_equal(one, two)


def values(returned, args):
    """Return in one list what a kernel returned, if anything, and the arguments that it may have changed."""
    first = returned if isinstance(returned, tuple) else () if returned is None else (returned,)
    return [*first, *args]
