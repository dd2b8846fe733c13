"""The results of a sequence as a file."""

import sys

import numpy as np
import pytest
from support.tiers import extended

import numsolve
from numsolve import ConvergenceWarning, Status
from numsolve.krylov import gmres, solve_sequence, write_dataset


def systems(count=6, n=5, dtype=float):
    rng = np.random.default_rng(0)
    return [
        (np.eye(n, dtype=dtype) * (2 + i), rng.standard_normal(n).astype(dtype), [i, -i])
        for i in range(count)
    ]


@pytest.fixture(params=[".npz", ".h5", ".hdf5"])
def path(request, tmp_path):
    if request.param != ".npz":
        pytest.importorskip("h5py")
    return tmp_path / f"set{request.param}"


def read(path):
    """Return the arrays of a file."""
    if path.suffix == ".npz":
        return dict(np.load(path))
    import h5py

    with h5py.File(path) as file:
        return {name: file[name][...] for name in file}


@pytest.mark.parametrize("dtype", ["float64", *extended("float32", "complex128")])
@pytest.mark.parametrize("source", ["run", "results", "stream"])
def test_what_is_written_is_read_in_the_callers_order(path, source, dtype):
    given = systems(dtype=dtype)
    order = [3, 1, 2, 0, 5, 4]
    run = solve_sequence(
        iter(given) if source == "stream" else given, sort=None if source == "stream" else order
    )
    features = None if source == "run" else [f for *_, f in given]
    b = np.array([b for _, b, _ in given])
    counts = write_dataset(
        path, list(run) if source == "results" else run, features=features, right_hand_sides=b
    )
    assert counts == {"CONVERGED": 6}
    found = read(path)
    assert sorted(found) == ["features", "iterations", "residuals", "right_hand_sides", "solutions", "status"]
    assert found["solutions"].dtype == dtype
    np.testing.assert_allclose(found["solutions"], b / np.arange(2, 8)[:, None], rtol=1e-5)
    np.testing.assert_array_equal(found["right_hand_sides"], b)
    np.testing.assert_array_equal(found["features"], [[i, -i] for i in range(6)])
    again = list(solve_sequence(given, sort=None if source == "stream" else order))
    assert found["iterations"].tolist() == [r.nit for r in again]
    assert found["residuals"].tolist() == [r.residuals[-1] for r in again]
    assert not found["status"].any()


def test_what_failed_is_marked(path):
    given = systems()
    given[0] = (given[0][0], given[0][1] * np.nan, [0, 0])
    given[4] = (given[4][0], np.ones(3), [4, -4])
    with pytest.warns(ConvergenceWarning):
        assert write_dataset(path, solve_sequence(given)) == {"CONVERGED": 4, "INVALID": 2}
    found = read(path)
    assert found["status"].tolist() == [-4, 0, 0, 0, -4, 0]
    assert np.isnan(found["solutions"]).all(axis=1).tolist() == [True, False, False, False, True, False]


def test_an_interrupted_run_keeps_what_was_solved(path):
    given = systems()

    def method(A, b):
        if b is given[1][1]:
            raise KeyboardInterrupt
        return gmres(A, b)

    run = solve_sequence(given, method=method, sort=[3, 5, 1, 0, 2, 4])
    with pytest.raises(KeyboardInterrupt):
        write_dataset(path, run)
    found = read(path)
    assert found["status"].tolist() == [5, 5, 5, 0, 5, 0]
    assert Status.INTERRUPTED == 5
    np.testing.assert_allclose(found["solutions"][3], given[3][1] / 5)
    assert np.isnan(found["solutions"][0]).all()


def test_hdf5_is_written_as_it_is_solved(tmp_path):
    """A solution is in the file before the next system is asked for."""
    h5py = pytest.importorskip("h5py")
    rows, path = [], tmp_path / "set.h5"

    def generate():
        for system in systems():
            file = next((f for f in open_files(h5py) if f.filename == str(path)), None)
            rows.append(len(file["solutions"]) if file and "solutions" in file else 0)
            yield system

    write_dataset(path, solve_sequence(generate(), sort=None))
    assert rows == [0, 1, 2, 3, 4, 5]


def open_files(h5py):
    """The files that HDF5 holds open."""
    ids = h5py.h5f.get_obj_ids(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_FILE)
    return [h5py.File(i) for i in ids]


def test_nothing_to_write(path):
    assert write_dataset(path, []) == {}
    assert read(path) == {}


def test_solutions_of_several_shapes_are_refused(path):
    with pytest.raises(ValueError, match=r"solution of system 1 has shape \(7,\), others \(5,\)"):
        write_dataset(path, solve_sequence(systems(1) + systems(1, n=7), sort=None))


def test_bad_input_is_named(path, tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.npz, \.h5 or \.hdf5"):
        write_dataset(tmp_path / "set.csv", [])
    with pytest.raises(ValueError, match="there are more systems than the 2 rows"):
        write_dataset(path, solve_sequence(systems(), sort=None), features=[[0], [1]])
    with pytest.raises(ValueError, match=r"right_hand_sides has shape \(3,\), but there are 2"):
        write_dataset(path, [], features=[0, 1], right_hand_sides=[0, 1, 2])


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(RuntimeError, match="needs h5py"):
        write_dataset(tmp_path / "set.h5", [])


def test_from_the_device(cupy, path):
    given = [(*numsolve.to_device(A, b), f) for A, b, f in systems()]
    assert write_dataset(path, solve_sequence(given, method=numsolve.krylov.cg)) == {"CONVERGED": 6}
    np.testing.assert_allclose(read(path)["solutions"][2], given[2][1].get() / 4)
