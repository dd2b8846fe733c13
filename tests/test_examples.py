"""Every example runs, and the numbers it pins hold."""

import runpy
from pathlib import Path

import pytest
from support.tiers import extended

EXAMPLES = sorted(path.stem for path in (Path(__file__).parents[1] / "examples").glob("plot_*.py"))
QUICK = ["plot_hydrogen", "plot_quantum_dot", "plot_short_recurrences", "plot_warning"]


@pytest.mark.parametrize("name", [*QUICK, *extended(*(e for e in EXAMPLES if e not in QUICK))])
def test_example(name):
    path = Path(__file__).parents[1] / "examples" / f"{name}.py"
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    try:
        pinned = runpy.run_path(str(path))["PINNED"]
    finally:
        plt.close("all")
    assert pinned
    for what, (found, want, tolerance) in pinned.items():
        assert abs(found - want) <= tolerance, what
