"""The page for users of scipy.optimize: every row of its tables runs, and all its calls give the same x."""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from numsolve import ConvergenceWarning

PAGE = (Path(__file__).parents[1] / "docs" / "from_scipy_optimize.md").read_text()
SECTIONS = {part.partition("\n")[0]: part for part in PAGE.split("\n## ")[1:]}
ROWS = [
    pytest.param(section, *(re.findall(r"`([^`]+)`", cell) for cell in line.strip("|").split(" | ")))
    for section, text in SECTIONS.items()
    for line in text.splitlines()
    if line.startswith("| `")
]


def names_of(section):
    """Return what the first block of code of a section defines."""
    names = {}
    exec(re.findall(r"```python\n(.*?)```", SECTIONS[section], re.DOTALL)[0], names)
    return names


def solution(code, names):
    """Run a call and return x, whatever it is wrapped in; a miss of ours is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        found = eval(code, dict(names))
    found = found.x if hasattr(found, "x") else found[0] if isinstance(found, tuple) else found
    return np.asarray(found)


@pytest.mark.parametrize(("section", "theirs", "ours"), ROWS)
@pytest.mark.filterwarnings("ignore::UserWarning:scipy")
def test_each_row_of_the_tables(section, theirs, ours):
    names = names_of(section)
    wanted = solution(theirs[0], names)
    for code in [*theirs[1:], *ours]:
        np.testing.assert_allclose(solution(code, names), wanted, rtol=1e-5, atol=1e-5, err_msg=code)


def test_every_row_was_found():
    assert len(ROWS) == PAGE.count("\n| `")


@pytest.mark.parametrize("section", SECTIONS)
def test_each_block_of_code_runs(section):
    names = {}
    for block in re.findall(r"```python\n(.*?)```", SECTIONS[section], re.DOTALL):
        exec(block, names)
