"""The page for users of scikit-learn: its code runs, and both calls of a row give the same coefficients."""

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

PAGE = (Path(__file__).parents[1] / "docs" / "from_scikit_learn.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
TABLE = PAGE.partition("| theirs | ours |\n")[2].splitlines()[1:]
ROWS = [re.findall(r"`([^`]+)`", line) for line in TABLE]


@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
def test_each_row_of_the_table(row):
    names = {}
    exec(BLOCKS[-1], names)
    theirs, ours = (np.asarray(eval(code, dict(names))) for code in row)
    np.testing.assert_allclose(ours, theirs, atol=2e-4, err_msg=row[1])


@pytest.mark.parametrize("block", BLOCKS[:-1], ids=range(len(BLOCKS) - 1))
def test_each_block_of_code_runs(block):
    exec(block, {})
