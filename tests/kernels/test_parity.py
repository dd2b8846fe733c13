"""Each kernel against its reference: the Numba twin, the emulated CUDA twin, and a real device's."""

import ast
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from support import fake_cupy

import numsolve
from numsolve import kernels
from numsolve.kernels import reference
from numsolve.kernels.cpu._jit import GRAIN
from numsolve.kernels.table import TABLE

HOMES = Path(numsolve.__file__).parent / "kernels"


def vectors(rng, count, n, dtype):
    """Return `count` random vectors of `dtype`."""
    values = rng.standard_normal((count, n))
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.standard_normal((count, n))
    return values.astype(dtype)


def real(value, dtype):
    """Return a number of the real dtype."""
    return np.finfo(dtype).dtype.type(value)


def csr(rng, n, dtype, index):
    """Return the arrays of a random matrix with empty, short and long rows."""
    lengths = rng.integers(0, 12, n)
    lengths[: n // 50] = rng.integers(20, 70, n // 50)
    rows = np.repeat(np.arange(n), np.minimum(lengths, n))
    A = sp.csr_array(
        (vectors(rng, 1, rows.size, dtype)[0], (rows, rng.integers(0, max(n, 1), rows.size))), (n, n)
    )
    return A.indptr.astype(index), A.indices.astype(index), A.data.astype(dtype)


def basis(rng, j, n, dtype):
    """Return j orthonormal rows, an almost orthogonal u, a new w, and their products."""
    V = vectors(rng, j + 2, n, dtype)
    if n > j:
        V[:j] = np.linalg.qr(V[:j].T)[0].T
        V[j] -= 0.999 * (V[:j].conj() @ V[j]) @ V[:j]
    return V


def hessenberg(rng, j, n, dtype):
    """Return the state of GMRES before step j."""
    m = j + 4
    H, R, G, rot = (
        np.zeros((m, m), dtype),
        np.zeros((m, m), dtype),
        np.zeros((2, m), dtype),
        np.zeros((2, m), dtype),
    )
    live, G[0, 0] = np.array([True]), 1
    ST, uu = np.zeros((2, 1), dtype), real(0.5, dtype)
    for k in range(j + 1):
        ST = np.zeros((2, k + 1), dtype)
        ST[0, :k], ST[0, k] = 0.01 * vectors(rng, 1, k, dtype)[0], 1.3
        ST[1] = vectors(rng, 1, k + 1, dtype)[0]
        if k < j:
            reference.gmres_residual(live, k, ST, uu, H, R, G, rot)
    return np.array([n != 31]), j, ST, uu, H, R, G, rot


def finished(V, j, dtype):
    """Return the products of `V` as gmres_advance wants them."""
    return (reference.gmres_project(j, V) if V.shape[1] > j else np.eye(2, j + 1)).astype(dtype)


def advance(rng, j, n, dtype):
    """Return the arguments of gmres_advance."""
    V = basis(rng, j, n, dtype)
    return j, finished(V, j, dtype), V


CASES = {
    "spmv": lambda rng, n, t, i: (*csr(rng, n, t, i), *vectors(rng, 2, n, t)),
    "spmv_dot": lambda rng, n, t, i: (*csr(rng, n, t, i), *vectors(rng, 2, n, t)),
    "dot": lambda rng, n, t, i: tuple(vectors(rng, 2, n, t)),
    "fold": lambda rng, n, t, i: (vectors(rng, 5, n, t),),
    "residual_norm": lambda rng, n, t, i: (
        real(n, t),
        real(5, t),
        n % 3,
        vectors(rng, 1, 3, real(0, t).dtype)[0],
        np.array([True]),
    ),
    "cg_update": lambda rng, n, t, i: (
        np.array([n != 31]),
        real(0.3, t),
        real(0.7, t),
        *vectors(rng, 4, n, t),
    ),
    "cg_direction": lambda rng, n, t, i: (
        np.array([n != 31]),
        real(0.3, t),
        real(0.7, t),
        *vectors(rng, 2, n, t),
    ),
    "gmres_project": lambda rng, n, t, i: (min(n, 6), vectors(rng, min(n, 6) + 2, n, t)),
    "gmres_advance": lambda rng, n, t, i: advance(rng, min(n, 6), n, t),
    "gmres_residual": lambda rng, n, t, i: hessenberg(rng, n % 9, n, t),
}
REAL_ONLY = {"residual_norm"}
SIZES = [0, 1, 2, 31, 257, 1025]  # 257 is a block and one, 1025 four blocks and one


def check(name, n, dtype, index, fast, move, back):
    """Compare one call with the reference: what it returns and what it writes, dtypes included."""
    args = CASES[name](np.random.default_rng(n), n, dtype, index)
    passed = [move(np.array(a)) if isinstance(a, np.ndarray) else a for a in args]
    want = getattr(reference, name)(*args)
    got = fast(passed)
    tol = 16 * np.finfo(dtype).eps * max(n, 1) ** 0.5
    for g, w in zip([got, *passed], [want, *args], strict=True):
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
    file = TABLE[name][0].replace(".cu", ".py")
    order = list(functions(HOMES / "reference" / file)[name])

    def in_pieces(number):
        return cupy.asarray(np.array([0.25, 0.75]) * number, dtype=np.finfo(dtype).dtype)

    def call(passed):
        args = [in_pieces(a) if kinds.get(k) == "R+" else a for k, a in zip(order, passed, strict=True)]
        got = getattr(kernels.kernels_for(cupy.zeros(1)), name)(*args)
        return got.get().sum() if name in RETURNS_NUMBER else got

    check(name, n, dtype, index, call, cupy.asarray, lambda a: a.get() if hasattr(a, "get") else a)


RETURNS_NUMBER = {"spmv_dot", "dot", "cg_update", "gmres_advance", "gmres_residual"}


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
            have = functions(HOMES / home / path.name)
            helpers = {"span", "chunks_of", "total"} if home == "cpu" else set()
            assert {k: v for k, v in have.items() if k not in helpers} == want, f"{home}/{path.name}"
        assert all(TABLE[name][0] == f"{path.stem}.cu" for name in want)
        found |= set(want)
    assert found == set(TABLE) == set(CASES)


@pytest.mark.parametrize("name", ["spmv_dot", "dot", "cg_update", "gmres_project", "gmres_advance"])
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
            results.append((kernel(*copies), copies))
        finally:
            set_num_threads(before)
    want = getattr(reference, name)(*args)
    np.testing.assert_allclose(results[0][0], want, rtol=1e-9, atol=1e-9)
    for other in results[1:]:
        assert np.array_equal(results[0][0], other[0])
        for a, b in zip(results[0][1], other[1], strict=True):
            assert np.array_equal(a, b)
