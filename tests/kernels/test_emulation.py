"""The emulator and the stand-in find planted faults, one of each kind."""

import numpy as np
import pytest
import scipy.sparse as sp
from support import fake_cupy
from support.emulate import EmulationError, Emulator

from numsolve import kernels

SUM = (
    "    for (int half = BLOCK / 2; half > 0; half /= 2) {\n"
    "        if (t < half) scratch[t] += scratch[t + half];\n"
)
DROPPED_BARRIER = (
    "kernel.h",
    "    scratch[t] = value;\n    __syncthreads();\n" + SUM,
    "    scratch[t] = value;\n" + SUM,
)
EARLY_RETURN = (
    "vector.cu",
    "    total = block_sum(total);\n    if (threadIdx.x == 0) xy[blockIdx.x] = total;",
    "    if (threadIdx.x == 7) return;\n"
    "    total = block_sum(total);\n    if (threadIdx.x == 0) xy[blockIdx.x] = total;",
)
ONE_ROW_TOO_MANY = ("vector.cu", "i < n; i += stride()) total", "i <= n; i += stride()) total")
ONE_ENTRY_TOO_FEW = (
    "kernel.h",
    "const int64 end = indptr[row + 1];",
    "const int64 end = indptr[row + 1] - 1;",
)
RACE_BETWEEN_BLOCKS = ("cg.cu", "p[i] = z[i] + beta * p[i];", "p[i] = z[i] + beta * p[(i + 256) % n];")


def dot(emulator, x, seed):
    out = np.zeros(-(-x.size // 256))
    emulator.launch("dot", "float64", None, out.size, 256, [x, x, out, np.int64(x.size)], seed)
    return out.sum()


def test_the_sound_kernel_gives_the_same_bits_for_every_schedule(emulator, rng):
    x = rng.standard_normal(1000)
    results = {dot(emulator, x, seed) for seed in range(6)}
    assert len(results) == 1
    assert results.pop() == pytest.approx(x @ x, rel=1e-14)


def test_a_dropped_barrier_changes_the_sum(rng):
    x = rng.standard_normal(1000)
    broken = Emulator([DROPPED_BARRIER])
    wrong = [abs(dot(broken, x, seed) / (x @ x) - 1) > 1e-6 for seed in range(4)]
    assert all(wrong)


def test_a_return_before_a_barrier_is_divergence(rng):
    with pytest.raises(EmulationError, match="divergent"):
        dot(Emulator([EARLY_RETURN]), rng.standard_normal(1000), 0)


def test_a_read_past_the_end_is_out_of_bounds(rng):
    with pytest.raises(EmulationError, match="out of bounds"):
        dot(Emulator([ONE_ROW_TOO_MANY]), rng.standard_normal(1000), 0)


def test_a_race_between_blocks_depends_on_the_schedule(rng):
    broken = Emulator([RACE_BETWEEN_BLOCKS])
    z, p = rng.standard_normal((2, 1024))
    one = np.ones(1)
    results = set()
    for seed in range(6):
        copy = p.copy()
        args = [np.array([True]), one, np.int64(1), one, np.int64(1), z, copy, np.int64(1024)]
        broken.launch("cg_direction", "float64", None, 4, 256, args, seed)
        results.add(copy.tobytes())
    assert len(results) > 1


def test_a_twin_that_differs_by_one_index_fails_parity(monkeypatch, rng):
    cupy = fake_cupy.install(monkeypatch, Emulator([ONE_ENTRY_TOO_FEW]))
    A = sp.random_array((40, 40), density=0.2, format="csr", rng=rng)
    x, y = rng.standard_normal((2, 40))
    arrays = [cupy.asarray(a) for a in (A.indptr.astype(np.int32), A.indices.astype(np.int32), A.data, x, y)]
    kernels.kernels_for(arrays[-1]).spmv(*arrays)
    kernels.home("reference").spmv(A.indptr, A.indices, A.data, x, y)
    assert np.abs(arrays[-1].get() - y).max() > 1e-3


@pytest.mark.parametrize(
    "transfer",
    [
        lambda cupy: np.asarray(cupy.zeros(3)),
        lambda cupy: cupy.zeros(3) + np.ones(3),
        lambda cupy: np.ones(3) + cupy.zeros(3),
        lambda cupy: np.dot(np.ones(3), cupy.zeros(3)),
        lambda cupy: sp.eye_array(3) @ cupy.zeros(3),
        lambda cupy: cupy.zeros(3).__setitem__(slice(None), np.ones(3)),
        lambda cupy: cupy.matmul(np.eye(3), cupy.zeros(3), out=cupy.zeros(3)),
    ],
)
def test_a_hidden_transfer_is_refused(cupy, transfer):
    with pytest.raises(TypeError):
        transfer(cupy)


def test_a_hidden_wait_is_counted(cupy):
    x = cupy.ones(3)
    before = cupy.counts["syncs"]
    assert float(x.sum()) == 3
    assert bool((x > 0).all())
    assert cupy.counts["syncs"] == before + 2


def test_the_launcher_refuses_a_wrong_dtype(cupy):
    kernel = kernels.kernels_for(cupy.zeros(1)).dot
    with pytest.raises(TypeError, match="float32"):
        kernel(cupy.zeros(4, np.float64), cupy.zeros(4, np.float32))
    with pytest.raises(TypeError, match="contiguous"):
        kernel(cupy.zeros((4, 2))[:, 0], cupy.zeros(4))
