"""``numsolve lp``."""

import csv

import numpy as np
import pytest

from numsolve.cli import main
from numsolve.monotone import read_mps

SMALL = """NAME small
ROWS
 N cost
 L limit
 G need
COLUMNS
 x cost 1 limit 1
 x need 1
 y cost 2 limit 1
RHS
 RHS limit 4 need 1
BOUNDS
 UP BND x 3
ENDATA
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "small.mps"
    path.write_text(SMALL)
    return path


def test_solves_and_writes(file, tmp_path, capsys):
    out, copy = tmp_path / "x.csv", tmp_path / "copy.mps.gz"
    assert main(["lp", str(file), "--rtol", "1e-8", "--out", str(out), "--write", str(copy)]) == 0
    shown = capsys.readouterr().out
    for word in ("minimize, 2 rows, 2 variables, 3 entries", "objective   1 ", "status      converged"):
        assert word in shown
    lines = list(csv.reader(out.read_text().splitlines()))
    assert [line[:2] for line in lines[1:]] == [["x", "x"], ["x", "y"], ["row", "limit"], ["row", "need"]]
    assert float(lines[1][2]) == pytest.approx(1)
    np.testing.assert_array_equal(read_mps(copy).c, [1, 2])
    assert main(["lp", str(file), "--no-presolve", "--out", str(tmp_path / "x.npz")]) == 0
    assert np.load(tmp_path / "x.npz")["y"].shape == (2,)


def test_infeasible_is_one(file, capsys):
    file.write_text(SMALL.replace("need 1\nBOUNDS", "need 9\nBOUNDS"))
    assert main(["lp", str(file)]) == 1
    assert "status      infeasible" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SMALL.replace("ENDATA", ""), "cut off"),
        (SMALL.replace(" L limit", " Q limit"), "line 4"),
        ("", "line 0"),
    ],
)
def test_bad_files_are_two(file, text, message, capsys):
    file.write_text(text)
    assert main(["lp", str(file)]) == 2
    assert message in capsys.readouterr().err


def test_bad_outputs_are_found_before_work(file, tmp_path, capsys):
    assert main(["lp", str(file), "--out", str(tmp_path / "none" / "x.csv")]) == 2
    assert main(["lp", str(file), "--out", str(tmp_path / "x.txt")]) == 2
    assert "the ending has to be .csv or .npz" in capsys.readouterr().err
    assert main(["lp", str(tmp_path / "missing.mps")]) == 2
