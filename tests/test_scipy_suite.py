"""SciPy's own tests of its iterative solvers, from its wheel, run with our functions in their place."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import scipy

import numsolve

MODULES = ("iterative", "minres", "lsqr", "lsmr", "lgmres", "gcrotmk")
TESTS = Path(scipy.__file__).parent / "sparse" / "linalg" / "_isolve" / "tests"
HERE = Path(__file__).parent

DIFFERENCES = {}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """The outcome of each of SciPy's tests, and the end of its report."""
    files = [TESTS / f"test_{name}.py" for name in MODULES]
    if missing := [file.name for file in files if not file.exists()]:
        pytest.skip(f"SciPy {scipy.__version__} was installed without its tests ({', '.join(missing)})")
    folder = tmp_path_factory.mktemp("scipy_suite")
    (folder / "pytest.ini").write_text("[pytest]\n")
    paths = [str(HERE), str(Path(numsolve.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "SCIPY_SUITE_REPORT": str(folder / "outcomes.json"),
    }
    command = ["pytest", "-q", "--noconftest", "-p", "support.scipy_suite", "-p", "no:cacheprovider"]
    command += ["-c", str(folder / "pytest.ini"), "-W", "ignore", *map(str, files)]
    done = subprocess.run(
        [sys.executable, "-m", *command], env=environment, cwd=folder, capture_output=True, text=True
    )
    assert (folder / "outcomes.json").exists(), done.stdout + done.stderr
    return json.loads((folder / "outcomes.json").read_text())


@pytest.mark.extended
def test_only_the_listed_tests_fail(outcomes):
    failed = {name: report for name, (outcome, report) in outcomes.items() if outcome == "failed"}
    surprises = {name: report for name, report in failed.items() if name not in DIFFERENCES}
    assert not surprises, "\n\n".join(f"{name}\n{report}" for name, report in surprises.items())
