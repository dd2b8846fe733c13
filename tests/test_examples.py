"""Every example runs, and the numbers it pins hold."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("plot_*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_example(path):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    try:
        pinned = runpy.run_path(str(path))["PINNED"]
    finally:
        plt.close("all")
    assert pinned
    for what, (found, want, tolerance) in pinned.items():
        assert abs(found - want) <= tolerance, what
