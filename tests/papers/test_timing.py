"""How papers time: a warm-up with the same arguments, and the load of the machine beside each time."""

import csv
import subprocess
import sys
from time import monotonic
from types import SimpleNamespace

import pytest

from numsolve import krylov, papers
from numsolve.learners._learner import Bandit
from numsolve.papers import Claim, _relax_heat, _timing, cg_poisson


def test_a_call_is_timed_after_the_same_call(machine):
    solve = machine.slowed(lambda n, method: method * n)
    assert _timing.second_call(lambda: solve(2, "a")) == "aa"
    assert machine.now == 2 + machine.COMPILE
    assert _timing.time_call(lambda: solve(2, method="b")) == ("bb", 1)
    assert _timing.least_time(lambda: solve(1, "c"), 1) == 1


def test_every_curve_of_cg_poisson_is_warmed_up(machine, monkeypatch):
    machine.slow_down(krylov, "cg")
    for name in ("Jacobi-CG", "AMG-CG"):
        slowed = machine.slowed(cg_poisson.PRECONDITIONERS[name])
        monkeypatch.setitem(cg_poisson.PRECONDITIONERS, name, slowed)
    rows = cg_poisson.run({"sides": (8, 12), "rtol": 1e-8, "contrast": 1e4}, iter)
    assert {row["solve (s)"] for row in rows} == {1.0}
    assert {row["set-up (s)"] for row in rows} == {0.0, 1.0}


def test_every_curve_of_the_heat_equation_is_warmed_up(machine):
    machine.slow_down(krylov, "cg")
    machine.slow_down(_relax_heat, "ssor", key=lambda M, A, omega: M is None)
    machine.slow_down(_relax_heat, "splu")
    machine.slow_down(Bandit, "suggest", "observe", key=lambda self, *rest: type(self))
    settings = {"steps": {9: 7}, "heat trials": 2, "contour": {"side": 9}}
    rows = [row for row in _relax_heat.heat(settings, iter) if row["experiment"] == "heat"]
    seconds = {row["method"]: row["seconds"] for row in rows}
    assert seconds.pop("CG") == seconds.pop("SuperLU") == 1
    assert {seconds.pop(method) for method in _relax_heat.LEARNERS} == {4}
    assert set(seconds.values()) == {2}  # fixed omegas, whose suggestions take no time here


@pytest.mark.parametrize(
    ("readings", "cores"),
    [
        ((100.0, 103.0), 1.5),
        ((100.0, 99.9), 0.0),
        ((100.0, 90.0), None),
        ((None, 5.0), None),
        ((5.0, None), None),
    ],
)
def test_the_load_is_what_others_used(monkeypatch, readings, cores):
    times, used = iter((10.0, 12.0)), iter(readings)
    monkeypatch.setattr(_timing, "clock", lambda: next(times))
    monkeypatch.setattr(_timing, "_seconds_of_others", lambda: next(used))
    assert _timing.LoadMeter().cores() == cores


def test_a_busy_program_is_seen_and_this_one_is_not():
    if _timing._seconds_of_others() is None:
        pytest.skip("this system does not count the processor time of all programs")
    meter, end = _timing.LoadMeter(), monotonic() + 0.3
    quiet = _timing._seconds_of_others()
    own = 0
    while monotonic() < end:
        own += 1
    alone = meter.cores()
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        meter, end = _timing.LoadMeter(), monotonic() + 0.5
        while monotonic() < end:
            own += 1
        beside = meter.cores()
        other.kill()
    assert own
    assert quiet >= 0
    assert beside > 0.15
    assert alone is not None


def paper(**more):
    """A paper with one time, in one of two figures."""
    return SimpleNamespace(
        settings=lambda full: {},
        run=lambda settings, progress: [{"x": x, "seconds": 1.0} for x in progress(range(3))],
        claims=lambda rows: [
            Claim("fast", "yes", "1 s", True, timed=True),
            Claim("right", "yes", "1", True, "so"),
        ],
        FIGURES={"time": (lambda rows, axes: None, 1), "count": (lambda rows, axes: None, 1)},
        TIMED=("time",),
        **more,
    )


@pytest.mark.parametrize(
    ("cores", "cell", "phrase", "disturbed"),
    [
        (0.0, "0.0", "other programs used 0.00 of 4 cores", False),
        (3.0, "3.0", "other programs used 3.00 of 4 cores", True),
        (None, "unknown", "load by other programs unknown", True),
    ],
)
def test_table_figure_and_claims_tell_the_load(monkeypatch, tmp_path, cores, cell, phrase, disturbed):
    figure = pytest.importorskip("matplotlib.figure")
    captions = []
    monkeypatch.setattr(
        figure.Figure, "savefig", lambda self, file, dpi: captions.append(self.get_supxlabel())
    )
    monkeypatch.setattr(papers, "load", lambda name: paper())
    monkeypatch.setattr(_timing.LoadMeter, "cores", lambda self: cores)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    rows, (timed, other), files = papers.reproduce("any", folder=tmp_path)
    with files[0].open() as file:
        assert [row[papers.LOAD] for row in csv.DictReader(file)] == 3 * [cell]
    assert phrase in captions[0]
    assert captions[1] == ""
    assert (phrase in timed.why) == disturbed
    assert other.why == "so"
    assert papers.load_of(rows) == phrase


def test_names_of_timed_figures_are_names_of_figures():
    for name in papers.names():
        module = papers.load(name)
        assert {f"_{figure}" if figure else "" for figure in getattr(module, "TIMED", ())} <= set(
            papers.figures(module)
        )
