"""Objects that users share: between threads, with forked and spawned workers, in pickles and memory maps."""

import copy
import io
import multiprocessing
import os
import pickle
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse as sp
from support.shared_objects import COUNT, MAKERS, SHARED, definite, product, vector
from support.tiers import extended

from numsolve import hermitian, krylov, precondition, solve, transport
from numsolve._operators import sliced
from numsolve.relaxation import sor

each_object = pytest.mark.parametrize("name", SHARED)


def alone(name):
    """Return an object and the values of all its uses, one after the other."""
    make, use = SHARED[name]
    thing = make()
    return thing, [use(thing, k) for k in range(COUNT)]


def at_once(use, uses, threads=8):
    """Return the values of all uses, each taken by every one of the threads, which start together."""
    begin = threading.Barrier(threads)

    def work(first):
        begin.wait(60)
        return {k % uses: use(k % uses) for k in range(first, first + uses)}

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, range(threads)))


@each_object
def test_eight_threads_get_what_one_gets(name):
    thing, want = alone(name)
    use = SHARED[name][1]
    for found in at_once(lambda k: use(thing, k), COUNT):
        for k, value in found.items():
            np.testing.assert_array_equal(value, want[k])


def test_threads_that_convert_a_matrix_at_once_get_what_one_gets(monkeypatch):
    monkeypatch.setattr(sliced, "LEAST_ENTRIES", {"numpy": 1})
    A = definite()
    b = vector(0)

    def solution(operator):
        return krylov.cg(operator, b, rtol=1e-10, M=precondition.chebyshev(operator)).x

    want = solution(hermitian(A))
    shared = hermitian(A)
    for found in at_once(lambda k: solution(shared), 2):
        for value in found.values():
            np.testing.assert_array_equal(value, want)
    M = precondition.chebyshev(A)
    first = krylov.cg(A, b, rtol=1e-10, M=M).x
    np.testing.assert_array_equal(krylov.cg(A, b, rtol=1e-10, M=M).x, first)


@each_object
def test_a_pickle_and_a_deep_copy_give_the_same_bits(name):
    thing, want = alone(name)
    for twin in (pickle.loads(pickle.dumps(thing)), copy.deepcopy(thing)):
        for k in (0, COUNT - 1):
            np.testing.assert_array_equal(SHARED[name][1](twin, k), want[k])


class Mapped(pickle.Unpickler):
    """Loads arrays as read-only memory maps, as joblib does."""

    def __init__(self, file, directory):
        super().__init__(file)
        self.directory = directory

    def persistent_load(self, number):
        return np.load(self.directory / f"{number}.npy", mmap_mode="r")


class Mapping(pickle.Pickler):
    """Writes each array to a file of its own."""

    def __init__(self, file, directory):
        super().__init__(file)
        self.directory, self.count = directory, 0

    def persistent_id(self, thing):
        if not isinstance(thing, np.ndarray) or thing.dtype == object:
            return None
        self.count += 1
        np.save(self.directory / f"{self.count}.npy", thing)
        return self.count


@pytest.mark.parametrize("name", [*(n for n in SHARED if n != "plan of points"), *extended("plan of points")])
def test_read_only_memory_maps(name, tmp_path):
    thing, want = alone(name)
    file = io.BytesIO()
    Mapping(file, tmp_path).dump(thing)
    file.seek(0)
    twin = Mapped(file, tmp_path).load()
    np.testing.assert_array_equal(SHARED[name][1](twin, 0), want[0])


@pytest.mark.parametrize("name", [n for n in MAKERS if n != "amg, sparse coarsest"])
def test_a_pickle_holds_no_work_vectors(name):
    thing = SHARED[name][0]()
    before = len(pickle.dumps(thing))
    used = thing.with_workspace()
    product(thing, 0), product(used, 0)
    assert len(pickle.dumps(thing)) <= before + 200  # names and numbers
    assert len(pickle.dumps(used)) <= before + 200


def in_workers(kind, name):
    """Return the values of all uses of an object, taken by two worker processes."""
    make, use = SHARED[name]
    with multiprocessing.get_context(kind).Pool(2) as pool:
        return pool.starmap_async(use, [(make(), k) for k in range(COUNT)]).get(300)


FORKED = ["amg", "chebyshev", "ilu0", "plan of points"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("name", [*FORKED, *extended(*(n for n in SHARED if n not in FORKED))])
def test_forked_workers(name):
    _, want = alone(name)
    for value, right in zip(in_workers("fork", name), want, strict=True):
        np.testing.assert_array_equal(value, right)


@pytest.mark.parametrize("name", extended(*SHARED))
def test_spawned_workers(name):
    _, want = alone(name)
    for value, right in zip(in_workers("spawn", name), want, strict=True):
        np.testing.assert_array_equal(value, right)


def read_only(x):
    """Return a read-only copy of an array or of a sparse matrix."""
    x = x.copy()
    for array in (x.data, x.indices, x.indptr) if sp.issparse(x) else (x,):
        array.flags.writeable = False
    return x


@pytest.mark.parametrize(
    "method",
    [krylov.cg, krylov.minres, krylov.gmres, krylov.bicgstab, krylov.lsqr, krylov.refine, solve, sor],
)
def test_read_only_arguments(method):
    A = sp.csr_array(definite()[:400, :400])
    b, x0 = vector(1, 400), vector(2, 400)
    want = method(A, b, x0=x0)
    found = method(read_only(A), read_only(b), x0=read_only(x0))
    np.testing.assert_array_equal(found.x, want.x)


@pytest.mark.parametrize("make", [*MAKERS.values(), hermitian])
def test_later_changes_of_the_matrix_change_nothing(make):
    for A in (definite()[:900, :900].tocsr(), definite()[:90, :90].toarray()):
        b, thing = vector(0, A.shape[0]), make(A)
        want = thing @ b
        part = A.data if sp.issparse(A) else A
        part *= 3
        if sp.issparse(A):
            A.indices[:] = 0
        np.testing.assert_array_equal(thing @ b, want)


def test_a_matrix_that_a_multigrid_hierarchy_of_the_caller_holds_is_copied():
    import pyamg

    hierarchy = pyamg.smoothed_aggregation_solver(sp.csr_matrix(definite()))
    M = precondition.amg(definite(), method=hierarchy)
    want = M @ vector(0)
    for level in hierarchy.levels:
        level.A.data *= 2
    np.testing.assert_array_equal(M @ vector(0), want)


def test_updates_in_threads_leave_the_original(rng):
    A = definite()
    M = precondition.amg(A)
    want, factors = M @ vector(0), rng.uniform(1, 4, 8)
    for found in at_once(lambda k: (M.update(A * factors[k]) @ vector(0), M @ vector(0)), 8):
        for k, (updated, kept) in found.items():
            np.testing.assert_allclose(updated, want / factors[k], rtol=1e-6, atol=1e-9 * abs(want).max())
            np.testing.assert_array_equal(kept, want)


def test_multigrid_set_up_in_threads_leaves_the_global_state_of_the_caller():
    np.random.seed(7)  # noqa: NPY002 - the state that is kept
    state, filters = np.random.get_state(), list(warnings.filters)  # noqa: NPY002
    want = precondition.amg(definite()) @ vector(0)
    for found in at_once(lambda k: precondition.amg(definite()) @ vector(k), 1, threads=4):
        np.testing.assert_array_equal(found[0], want)
    after = np.random.get_state()  # noqa: NPY002
    assert after[0] == state[0]
    assert np.array_equal(after[1], state[1])
    assert after[2:] == state[2:]
    assert warnings.filters == filters


def test_bounds_of_a_plan_in_threads():
    x, y = np.random.default_rng(0).random((2, 200, 2))
    result = transport.sinkhorn(np.full(200, 1 / 200), np.full(200, 1 / 200), transport.PointCloud(x, y), 0.1)
    want = result.bounds()
    for found in at_once(lambda k: result.bounds(), 2):
        assert set(found.values()) == {want}
