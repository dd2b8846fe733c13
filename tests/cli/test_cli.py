"""The command line: what it prints, writes and exits with."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.io import mmread, mmwrite

from numsolve import papers
from numsolve.cli import bandwidth, main
from numsolve.problems import poisson


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "A.mtx"
    mmwrite(path, poisson((9, 9)).tocoo(), symmetry="symmetric")
    return path


def test_solves_and_writes(file, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    out, plot = tmp_path / "x.mtx", tmp_path / "history.png"
    assert main(["solve", str(file), "--out", str(out), "--plot", str(plot)]) == 0
    shown = capsys.readouterr().out
    for word in ("A.mtx: 81 x 81", "direct", "relative", "against the known x", "status      converged"):
        assert word in shown
    np.testing.assert_allclose(mmread(out), 1, atol=1e-10)
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("suffix", [".mtx", ".npy"])
@pytest.mark.parametrize("columns", [1, 3])
def test_right_hand_sides(file, suffix, columns, tmp_path, rng):
    X = rng.standard_normal((81, columns))
    rhs, out = tmp_path / ("b" + suffix), tmp_path / ("x" + suffix)
    b = poisson((9, 9)) @ X
    mmwrite(rhs, b) if suffix == ".mtx" else np.save(rhs, b)
    options = ["--method", "cg", "--preconditioner", "none", "--rtol", "1e-10"]
    assert main(["solve", str(file), "--rhs", str(rhs), "--out", str(out), *options]) == 0
    x = mmread(out) if suffix == ".mtx" else np.load(out).reshape(81, -1)
    np.testing.assert_allclose(x, X, atol=1e-7)


def test_example(capsys):
    assert main(["solve", "--example", "airfoil"]) == 0
    assert "airfoil: " in capsys.readouterr().out


def test_not_converged_is_one(file, capsys):
    assert main(["solve", str(file), "--method", "cg", "--preconditioner", "none", "--maxiter", "3"]) == 1
    assert "maxiter reached" in capsys.readouterr().out


def test_a_singular_matrix_is_one(tmp_path, capsys):
    path, rhs = tmp_path / "singular.mtx", tmp_path / "rhs.mtx"
    mmwrite(path, sp.coo_array(np.ones((3, 3))))
    mmwrite(rhs, np.array([[1.0], [2.0], [3.0]]))
    assert main(["solve", str(path), "--rhs", str(rhs)]) == 1  # no solution
    assert "singular" in capsys.readouterr().out
    assert main(["solve", str(path)]) == 0  # many solutions
    assert "singular" in capsys.readouterr().out


BAD = {
    "missing file": ["missing.mtx"],
    "garbage": ["garbage.mtx"],
    "not square": ["wide.mtx"],
    "zero row": ["empty_row.mtx"],
    "NaN": ["nan.mtx"],
    "unknown example": ["--example", "nothing"],
    "unknown method": ["A.mtx", "--method", "magic"],
    "negative tolerance": ["A.mtx", "--rtol", "-1"],
    "short right-hand side": ["A.mtx", "--rhs", "b.npy"],
    "pickled right-hand side": ["A.mtx", "--rhs", "evil.npy"],
    "no place to write": ["A.mtx", "--out", "no/such/folder/x.mtx"],
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_two_with_one_line_and_no_traceback(case, file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "garbage.mtx").write_text("garbage\n")
    mmwrite(tmp_path / "wide.mtx", sp.coo_array(np.ones((2, 3))))
    mmwrite(tmp_path / "empty_row.mtx", sp.coo_array(np.diag([1.0, 0.0, 1.0])))
    (tmp_path / "nan.mtx").write_text("%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 nan\n")
    np.save(tmp_path / "b.npy", np.ones(5))
    np.save(tmp_path / "evil.npy", np.array([{}] * 81, dtype=object), allow_pickle=True)
    assert main(["solve", *BAD[case]]) == 2
    error = capsys.readouterr().err
    assert error.startswith("numsolve: ")
    assert error.count("\n") == 1
    assert "Traceback" not in error


def test_without_a_gpu_it_says_so(file, capsys, monkeypatch):
    monkeypatch.setenv("NUMSOLVE_CUPY", "0")
    from numsolve import _array

    _array._cupy.cache_clear()
    assert main(["solve", str(file), "--gpu"]) == 2
    assert "switched off" in capsys.readouterr().err


def test_on_the_stand_in(file, cupy, capsys):
    assert main(["solve", str(file), "--gpu"]) == 0
    assert "cg with amg" in capsys.readouterr().out


def test_info(capsys, monkeypatch):
    monkeypatch.setattr("numsolve.cli.bandwidth", lambda: 12.3)
    assert main(["info"]) == 0
    shown = capsys.readouterr().out
    for word in ("numpy", "threads", "12.3 GB/s", "devices"):
        assert word in shown


def test_bandwidth_is_that_of_the_fastest_run(monkeypatch):
    times = iter([0.0, 9.0, 10.0, 10.5, 20.0, 20.25, 30.0, 31.0])  # the first run, of 9 s, compiles
    monkeypatch.setattr("numsolve.cli.perf_counter", lambda: next(times))
    assert bandwidth(1000, 3) == pytest.approx(24 * 1000 / 0.25 / 1e9)


def test_reproduce_lists(capsys):
    assert main(["reproduce", "--list"]) == 0
    assert "cg_poisson" in capsys.readouterr().out
    assert main(["reproduce", "nothing"]) == 2


def test_reproduce_writes_and_checks(tmp_path, capsys, monkeypatch):
    small = {"sides": (16, 24, 32), "rtol": 1e-8, "contrast": 1e4}
    monkeypatch.setattr(papers.load("cg_poisson"), "settings", lambda full: small)
    assert main(["reproduce", "cg_poisson", "--out", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert shown.count("holds ") == 4
    assert "\nload    " in shown
    assert len((tmp_path / "cg_poisson.csv").read_text().splitlines()) == 1 + 3 * 2 * 3
    pytest.importorskip("matplotlib")
    assert (tmp_path / "cg_poisson.png").exists()


def test_the_command_is_installed():
    run = subprocess.run(
        [sys.executable, "-m", "numsolve.cli", "--help"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0
    assert "reproduce" in run.stdout
