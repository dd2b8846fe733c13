"""The benchmarks measure fairly: a warm-up by the same call, competitors in turn, capped counts marked."""

import importlib.util
from pathlib import Path

import pytest

FILE = Path(__file__).parents[1] / "benchmarks" / "measure.py"


@pytest.fixture
def measure():
    spec = importlib.util.spec_from_file_location("measure", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_run_is_warmed_up_by_the_same_call_and_all_take_turns(measure, monkeypatch):
    now, order = [0.0], []
    monkeypatch.setattr(measure, "perf_counter", lambda: now[0])

    def run(name, seconds):
        def call():
            now[0] += seconds if name in order else 1000.0  # the first call compiles
            order.append(name)

        return call

    seconds = measure.in_turn({"numsolve": run("numsolve", 1.0), "peer": run("peer", 3.0)}, 2)
    assert seconds == {"numsolve": [1.0, 1.0], "peer": [3.0, 3.0]}
    assert order == 3 * ["numsolve", "peer"]
    assert measure.ratio(seconds, "peer") == 3.0


def test_the_count_of_a_capped_run_is_a_bound(measure):
    assert measure.iterations(120, True) == "120"
    assert measure.iterations(120, False) == "> 120"
