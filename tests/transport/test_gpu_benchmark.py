"""The benchmark of transport on a GPU runs, and both sides of it take the same iterations."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import numsolve

FILE = Path(__file__).parents[2] / "benchmarks" / "gpu.py"


@pytest.fixture
def timings(cupy, monkeypatch):
    name = "cupyx.scipy.sparse.linalg"
    monkeypatch.setitem(sys.modules, name, ModuleType(name))
    spec = importlib.util.spec_from_file_location("gpu_benchmark", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def solved(run):
    """Return the results of ours as a list."""
    results = run()
    return results if isinstance(results, list) else [results]


def test_both_sides_come_to_the_same_plan(timings):
    cases = list(timings.transport_cases(30, (3, 12), 5, 0.3, 30))
    assert len(cases) == 9
    for name, _, _, run, peer in cases:
        results = solved(run)
        F, G = (numsolve.to_host(side).reshape(len(results), -1) for side in peer())
        for result, f, g in zip(results, F, G, strict=True):
            P = np.exp(f[:, None] + g - numsolve.to_host(result.plan._passes.block(0, f.size)) / 0.3)
            assert abs(numsolve.to_host(result.plan.to_dense()) - P).sum() < 3e-4, name


@pytest.mark.filterwarnings("ignore::numsolve.ConvergenceWarning")
def test_all_iterations_are_taken(timings):
    for name, dtype, _, run, _ in timings.transport_cases(30, (3, 12), 5, 5e-4, 6):
        for result in solved(run):
            assert result.nit == 6, name
            assert result.plan._passes.dtype == dtype, name


@pytest.mark.filterwarnings("ignore::numsolve.ConvergenceWarning")
def test_the_table_is_written(timings):
    lines = list(timings.transport_lines(1, 20, (2, 10), 4, 0.01, 3))
    assert len(lines) == 2 + 9
    assert {line.count("|") for line in lines} == {5}


@pytest.mark.filterwarnings("ignore::numsolve.ConvergenceWarning")
def test_launches_of_both_sides(cupy, timings):
    counted = []
    for count in (10, 20):
        counted.append({})
        for name, dtype, _, *calls in timings.transport_cases(30, (3, 12), 5, 5e-4, count):
            for side, run in zip(("ours", "theirs"), calls, strict=True):
                cupy.counts.clear()
                run()
                counted[-1][name, dtype, side] = cupy.counts["launches"]
    for key, launches in counted[1].items():
        name, _, side = key
        image = name.startswith("image")
        ours = 101 if image else 4 if "1 x" in name else 11
        most = ours if side == "ours" else 30 if image else 16
        assert most - 1 < (launches - counted[0][key]) / 10 <= most
