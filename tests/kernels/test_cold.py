"""What runs before kernels are compiled."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import ClassVar

import numpy as np
import pytest
from support.cases import CASES
from support.parity import Expected

from numsolve import kernels
from numsolve.kernels import cold
from numsolve.kernels.cpu import _jit, _team
from numsolve.kernels.table import TABLE

reference = kernels.home("reference")


@pytest.fixture(autouse=True)
def allowed(monkeypatch):
    """Let kernels run without being compiled, as they do outside of the tests."""
    monkeypatch.delenv("NUMSOLVE_COMPILE", raising=False)


@pytest.fixture
def clock(monkeypatch):
    """Let each call of a function take a second or more."""
    monkeypatch.setattr(cold, "thread_time", count().__next__)


@pytest.fixture
def substitute():
    """A function that makes the substitute of a sum, and the list of the calls of its compiled version."""
    calls = []

    def compiled(x):
        calls.append("compiled")
        return float(x.sum())

    def make(most=100):
        return cold.Substitute(lambda x: x.sum(), compiled, most, lambda: calls.append("keep")), calls

    return make


def test_few_numbers_run_as_the_reference(substitute):
    total, calls = substitute()
    got = total(np.arange(4.0))
    assert got == 6.0
    assert type(got) is float
    assert calls == []


def test_many_numbers_are_compiled_for(substitute):
    total, calls = substitute(most=3)
    assert total(np.arange(4.0)) == 6.0
    assert calls == ["keep", "compiled"]
    total(np.arange(2.0))
    assert calls[-1] == "compiled"


@pytest.mark.usefixtures("clock")
def test_the_reference_ends_when_its_time_is_spent(substitute):
    total, calls = substitute()
    total(np.arange(4.0))
    assert calls == []
    assert total(np.arange(4.0)) == 6.0
    assert calls == ["keep", "compiled"]


def test_compilation_can_be_demanded(substitute, monkeypatch):
    monkeypatch.setenv("NUMSOLVE_COMPILE", "always")
    total, calls = substitute()
    total(np.arange(4.0))
    assert calls == ["keep", "compiled"]


def test_a_warm_up_compiles(substitute):
    total, calls = substitute()
    with cold.compile_at_once():
        total(np.arange(4.0))
    assert calls == ["keep", "compiled"]
    total(np.arange(4.0))
    assert calls[-1] == "compiled"


@pytest.mark.usefixtures("clock")
def test_python_threads_may_share_a_substitute(substitute, monkeypatch):
    monkeypatch.setattr(cold, "REFERENCE_TIME", 500.0)
    total, calls = substitute()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: total(np.arange(4.0)), range(2000))) == {6.0}
    assert "compiled" in calls


@pytest.mark.parametrize(
    ("name", "dtype"),
    [(n, t) for n in TABLE for t in ("float64", "complex128") if t in TABLE[n][1]],
)
def test_substitutes_take_and_return_what_kernels_do(name, dtype):
    function = getattr(reference, name)
    Expected(name, 31, dtype, case=CASES[name]).check(cold.substitute(TABLE[name][0], function, None, None))


def test_division_by_zero_is_no_error():
    divide = cold.Substitute(lambda a, b: a / b, None, 1, None)
    with np.errstate(all="raise"):
        assert divide(1.0, 0.0) == np.inf


@pytest.fixture
def threaded(monkeypatch):
    """A kernel that tells which of its versions ran."""
    monkeypatch.setattr(_jit, "inline", lambda function: lambda *args: "serial")
    monkeypatch.setattr(_jit, "compiled", lambda function, **options: lambda *args: "threads")
    monkeypatch.setattr(_jit, "is_stored", lambda start: start in stored)
    monkeypatch.setattr(_team, "is_lost", lambda: False)
    stored = set()

    def work(x):
        """A kernel."""

    return _jit.kernel(work), stored, _jit._name(_jit._twin(work))


def test_one_thread_works_until_several_pay(threaded):
    kernel, _, _ = threaded
    assert kernel(np.ones(_jit.GRAIN)) == "serial"
    assert kernel(np.ones(_jit.MANY)) == "threads"
    assert kernel(np.ones(_jit.GRAIN)) == "threads"  # compiled by now
    assert kernel(np.ones(_jit.GRAIN - 1)) == "serial"


@pytest.mark.usefixtures("clock", "threaded")
def test_one_thread_ends_when_its_time_is_spent():
    kernel = _jit.kernel(lambda x: None)
    assert [kernel(np.ones(_jit.GRAIN)) for _ in range(3)] == ["serial", "threads", "threads"]


@pytest.mark.usefixtures("clock")
def test_the_time_of_compiling_is_not_counted():
    class Compiled:
        overloads: ClassVar = {}

        def __call__(self, dtype):
            self.overloads[dtype] = dtype

    budget, function = cold.Budget(1.0), Compiled()
    budget.run(function, ("float64",))
    assert not budget.is_spent()
    budget.run(function, ("float64",))
    assert budget.is_spent()


def test_threads_work_at_once_if_the_disk_holds_them(threaded):
    kernel, stored, name = threaded
    stored.add(name)
    assert kernel(np.ones(_jit.GRAIN)) == "threads"


def test_a_first_small_solve_compiles_nothing(tmp_path):
    code = (
        "from numba.core import event\n"
        "compiled = []\n"
        "class Listener(event.Listener):\n"
        "    def on_start(self, e): compiled.append(e)\n"
        "    def on_end(self, e): pass\n"
        "event.register('numba:compile', Listener())\n"
        "import numpy as np, numsolve\n"
        "from numsolve.problems import poisson\n"
        "A, x = poisson((20, 20)), np.random.default_rng(0).standard_normal(400)\n"
        "for method in (numsolve.solve, numsolve.krylov.cg, numsolve.krylov.gmres):\n"
        "    assert abs(method(A, A @ x, rtol=1e-10).check().x - x).max() < 1e-6\n"
        "print(len(compiled))\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "NUMSOLVE_COMPILE"}
    environment["NUMBA_CACHE_DIR"] = str(tmp_path)
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert run.stdout.strip() == "0"
