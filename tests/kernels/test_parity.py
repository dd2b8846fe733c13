"""Each kernel against its reference: the Numba twin, the emulated CUDA twin, and a real device's."""

import ast
from itertools import product
from pathlib import Path

import numba
import numpy as np
import pytest
from support import fake_cupy
from support.cases import CASES, HOST_CASES, RETURNS_SUM
from support.parity import Expected, each, outputs
from support.tiers import extended

import numsolve
from numsolve import kernels
from numsolve.kernels.cpu import _jit
from numsolve.kernels.table import TABLE

HOMES = Path(numsolve.__file__).parent / "kernels"
cpu = kernels.home("cpu")
SIZES = (0, 1, 2, 31, 257, 1025)  # 257 is a block and one, 1025 four blocks and one
MORE_SIZES = (3, 33, 64)  # blocks of vectors of other widths, all compiled for themselves
COMMON = ("float64", "complex128")


def instantiations(quick):
    """Yield every kernel with each dtype and width of indices it takes, marked but for the `quick` dtypes."""
    for name, (_, dtypes, indices, _, _) in TABLE.items():
        for dtype, index in product(dtypes, indices or ("int32",)):
            common = dtype in COMMON and index == "int32"
            yield pytest.param(
                *(name, dtype, index, SIZES if common else SIZES + MORE_SIZES),
                marks=() if common and dtype in quick else pytest.mark.extended,
                id=f"{name}-{dtype}" + (f"-{index}" if indices else ""),
            )


def stored(kernels, arguments):
    """Return, for each of some kernels, the arguments that operators and meshes keep, in read-only arrays."""
    return dict.fromkeys(kernels.split(), arguments.split())


CSR = "indptr indices data"
STORED = {
    **stored("spmv spmv_dot spmm spmm_gram row_terms examine_rows", CSR),
    **stored("residual correct bidiagonal_csr sliced_find sliced_fill kaczmarz_csr", CSR),
    **stored("sliced_spmv sliced_spmv_dot", "starts offsets data"),
    **stored("jacobi_sweep", CSR + " inverse"),
    **stored("project_csr", CSR + " starts numbers values"),
    **stored("sor_sweep colour_sweep", CSR + " bounds"),
    **stored("block_sweep", CSR + " bounds starts"),
    **stored("relax", CSR + " bounds order scale"),
    **stored("ilu0", "bounds order indptr indices diag"),
    **stored("ldu_solve", "bounds order L_indptr L_indices L_data U_indptr U_indices U_data scale"),
    **stored("chebyshev_start chebyshev_smooth", "scale"),
    **stored("block_jacobi", "rows inverses"),
    **stored("project_dense project_blocks", "K"),
    **stored("kaczmarz_dense normal_product", "A"),
    **stored("sketch_rows", "indptr places"),
    **stored("sketch_sparse", "indptr places A_indptr A_indices"),
    **stored("lp_primal lp_dual", CSR),
    **stored("radial_solve", "K"),
    **stored("radial_density", "D J"),
    **stored("dirac_solve", "D"),
}


def compiled(name):
    """Return a kernel that gets read-only arrays where the library passes them: Numba compiles for both."""
    order = functions(HOMES / "reference" / f"{TABLE[name][0]}.py")[name]

    def call(*args):
        for argument, value in zip(order, args, strict=True):
            if argument in STORED.get(name, ()) and value is not None:
                value.flags.writeable = False
        return getattr(cpu, name)(*args)

    return call


def each_instantiation(*quick):
    """Run a test on every kernel, with some dtypes in the quick tier."""
    return pytest.mark.parametrize(("name", "dtype", "index", "sizes"), list(instantiations(quick)))


@each_instantiation("float64")  # the methods compile most kernels for complex numbers too
def test_numba_twin(name, dtype, index, sizes):
    for n in sizes:
        Expected(name, n, dtype, index).check(compiled(name))


@pytest.mark.parametrize("dtype", ["float64", *extended("complex128", "float32", "complex64")])
@pytest.mark.parametrize("name", HOST_CASES)
def test_numba_twin_in_natural_order(name, dtype):
    for n in SIZES:
        Expected(name, n, dtype, case=HOST_CASES[name]).check(compiled(name))


@pytest.mark.parametrize("seed", [0, *extended(1, 2)])
@each_instantiation(*COMMON)
def test_emulated_twin(name, dtype, index, sizes, seed, cupy, monkeypatch):
    monkeypatch.setattr(fake_cupy, "seed", seed)
    on_device(name, dtype, index, sizes, cupy)


@pytest.mark.gpu
@each_instantiation(*COMMON)
def test_cuda_twin(name, dtype, index, sizes):
    import cupy

    on_device(name, dtype, index, [*sizes, 300_001], cupy)


def on_device(name, dtype, index, sizes, cupy):
    """Run cases on a device, where the numbers that kernels leave each other come in pieces."""
    kinds = dict(field.split(":") for field in TABLE[name][3].split())
    order = functions(HOMES / "reference" / f"{TABLE[name][0]}.py")[name]

    def in_pieces(number, kind):
        return cupy.asarray(
            np.array([0.25, 0.75]) * number, dtype=dtype if kind == "T+" else np.finfo(dtype).dtype
        )

    def call(*passed):
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

    for n in sizes:
        Expected(name, n, dtype, index).check(call, cupy.asarray, to_host)


def to_host(value):
    """Return an array of a device as one of NumPy, and anything else as it is."""
    return value.get() if hasattr(value, "get") else value


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


THREADED = [name for name, (*_, rule) in TABLE.items() if rule != "block"]
COMMON_THREADED = [
    "dot",
    "spmv_dot",
    "cg_update",
    "gmres_project",
    "block_residual",
    "relax",
    "sor_sweep",
    "transport_rows",
]
SLOW_REFERENCE = {"radial_solve", "radial_density", "anderson", "dirac_solve", "ilu0"}


@pytest.mark.parametrize(
    "name",
    [n if n in COMMON_THREADED else extended(n)[0] for n in THREADED],
)
def test_threads_do_not_change_a_bit(name, monkeypatch):
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("Numba has one thread: set NUMBA_NUM_THREADS=2")
    monkeypatch.setattr(_jit, "GRAIN", 0)  # the threaded copy is called whatever the number of items
    expected = Expected(name, 8_213 if name in SLOW_REFERENCE else 163_861, "float64")
    results = []

    def kernel(*args):
        returned = compiled(name)(*args)
        results.append(each(outputs(returned, args), np.copy))
        return returned

    before = numba.get_num_threads()
    try:
        for threads in (1, 2):
            numba.set_num_threads(threads)
            expected.check(kernel)
    finally:
        numba.set_num_threads(before)
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)
