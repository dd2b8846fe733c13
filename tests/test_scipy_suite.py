"""SciPy's own tests of its iterative solvers, from its wheel, run with our functions in their place."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
import scipy

import numsolve

MODULES = ("iterative", "minres", "lsqr", "lsmr", "lgmres", "gcrotmk")
TESTS = Path(scipy.__file__).parent / "sparse" / "linalg" / "_isolve" / "tests"
HERE = Path(__file__).parent


class Difference(NamedTuple):
    """Tests of SciPy that do not pass, on purpose.

    Attributes
    ----------
    test : str
        Their common name.
    parameters : str
        A regular expression for their parameters.
    count : int
        How many they were when the numbers of the page were taken, with the version of SciPy below.
    reason : str
        What differs.
    """

    test: str
    parameters: str
    count: int
    reason: str


VERSION = "1.17"
DIFFERENCES = [
    Difference("test_iterative.py::test_maxiter", r".*-gmres", 23, "no DeprecationWarning for callbacks"),
    Difference(
        "test_iterative.py::test_maxiter",
        r".*-(lgmres|gcrotmk)",
        34,
        "converged in the one cycle: info is 0; SciPy does not look after the last cycle",
    ),
    Difference(
        "test_iterative.py::test_invalid_atol", r".*-(None|legacy)", 10, "a TypeError, not a ValueError"
    ),
    Difference(
        "test_iterative.py::test_precond_inverse",
        r".*",
        2,
        "more than three products: true residuals at start and end, and the test of symmetry",
    ),
    Difference("test_iterative.py::TestGMRES::test_basic", "", 1, "maxiter counts products, not restarts"),
    Difference(
        "test_iterative.py::TestGMRES::test_callback", "", 1, "norms of r, not of the preconditioned M r"
    ),
    Difference("test_iterative.py::TestGMRES::test_callback_type", "", 1, "info is a Status, not maxiter"),
    Difference(
        "test_iterative.py::TestGMRES::test_callback_x_monotonic", "", 1, "info is a Status, not maxiter"
    ),
    Difference(
        "test_iterative.py::TestGMRES::test_defective_precond_breakdown",
        "",
        0,
        "passes where rounding gives an exact zero, which the test wants; x may differ from it by 5e-32",
    ),
    Difference("test_minres.py::test_singular", "", 1, "the matrix is not symmetric: refused"),
    Difference(
        "test_lsqr.py::test_well_conditioned_problems", "", 1, "for b of shape (n, 1) x has that shape"
    ),
    Difference("test_lgmres.py::TestLGMRES::test_nans", "", 1, "NaN in A: refused"),
    Difference("test_gcrotmk.py::TestGCROTMK::test_nans", "", 1, "NaN in A: refused"),
    Difference("test_lgmres.py::TestLGMRES::test_arnoldi", "", 1, "maxiter of gmres counts products"),
    Difference("test_gcrotmk.py::TestGCROTMK::test_arnoldi", "", 1, "maxiter of gmres counts products"),
    Difference(
        "test_lgmres.py::TestLGMRES::test_preconditioner", "", 1, "a product more: steps come in pairs"
    ),
    Difference(
        "test_gcrotmk.py::TestGCROTMK::test_preconditioner", "", 1, "a product more: steps come in pairs"
    ),
    Difference(
        "test_lgmres.py::TestLGMRES::test_outer_v", "", 1, "two products more: they test the directions"
    ),
    Difference("test_gcrotmk.py::TestGCROTMK::test_CU", "", 1, "two products more: they test the directions"),
]


def difference(name):
    """Return the difference that explains the failure of a test, or None."""
    test, _, parameters = name.rstrip("]").partition("[")
    fitting = (d for d in DIFFERENCES if d.test == test and re.fullmatch(d.parameters, parameters))
    return next(fitting, None)


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
    command += ["-c", str(folder / "pytest.ini"), "--rootdir", str(TESTS), "-W", "ignore", *map(str, files)]
    done = subprocess.run(
        [sys.executable, "-m", *command], env=environment, cwd=folder, capture_output=True, text=True
    )
    assert (folder / "outcomes.json").exists(), done.stdout + done.stderr
    return json.loads((folder / "outcomes.json").read_text())


@pytest.mark.extended
def test_only_the_listed_tests_fail(outcomes):
    failed = {name: report for name, (outcome, report) in outcomes.items() if outcome == "failed"}
    surprises = {name: report for name, report in failed.items() if difference(name) is None}
    assert not surprises, "\n\n".join(f"{name}\n{report}" for name, report in surprises.items())
    if scipy.__version__.startswith(f"{VERSION}."):
        found = Counter(difference(name) for name in failed)
        assert all(count <= max(known.count, 1) for known, count in found.items())
        assert len(outcomes) >= numbers_of_the_page()["all"]


def numbers_of_the_page():
    """Return the numbers that the page for users of SciPy states."""
    page = (HERE.parent / "docs" / "from_scipy.md").read_text()
    found = re.search(r"Of SciPy (\S+)'s (\d+) tests, (\d+) pass and (\d+) differ", " ".join(page.split()))
    return dict(
        zip(("version", "all", "pass", "differ"), (found[1], *map(int, found.groups()[1:])), strict=True)
    )


def test_the_page_states_the_numbers():
    numbers = numbers_of_the_page()
    assert numbers["version"] == VERSION
    assert numbers["differ"] == sum(d.count for d in DIFFERENCES)
    assert numbers["all"] == numbers["pass"] + numbers["differ"]
