"""Fixtures: the emulated GPU, the stand-in for CuPy, and the libraries a test runs over."""

import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is loaded: its idle threads keep cores busy
os.environ.setdefault("NUMSOLVE_COMPILE", "always")  # the tests are about compiled kernels

import numpy as np
import pytest
from hypothesis import settings
from support import fake_cupy
from support.emulate import Emulator

MATRICES = Path(__file__).parents[2] / "shared" / "matrices"


def has_gpu():
    """Tell whether a real CUDA device can be used."""
    try:
        import cupy
    except ImportError:
        return False
    return cupy.is_available()


def pytest_configure(config):
    """Try properties on few, fixed examples in the quick tier, on many random ones in the extended tier."""
    settings.register_profile("quick", max_examples=15, derandomize=True, deadline=None)
    settings.register_profile("extended", max_examples=60, deadline=None)
    settings.load_profile("quick" if config.option.markexpr == "not extended" else "extended")


def pytest_collection_modifyitems(config, items):
    """Leave out tests marked gpu on machines without a device."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if marked and not has_gpu():
        items[:] = [item for item in items if item not in marked]
        config.hook.pytest_deselected(items=marked)


def pytest_terminal_summary(terminalreporter):
    """Say that no test ran on a device, where there is none."""
    if not has_gpu():
        terminalreporter.write_line("no CUDA device: tests marked gpu were left out")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Let a process of xdist that has run out of tests take some from another one's queue."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.option.dist == "load" else None


@pytest.fixture(scope="session")
def emulator():
    """All kernels of the table, compiled for emulation."""
    return Emulator()


@pytest.fixture
def cupy(monkeypatch, emulator):
    """A stand-in for CuPy whose kernels are emulated."""
    module = fake_cupy.install(monkeypatch, emulator)
    monkeypatch.setattr(fake_cupy, "seed", 0)
    return module


@pytest.fixture
def one_thread(monkeypatch):
    """Compile kernels for one thread alone: for large problems whose test is not about threads."""
    from numsolve.kernels.cpu import _jit

    monkeypatch.setattr(_jit, "GRAIN", sys.maxsize)


@pytest.fixture
def rng():
    """A generator with a fixed seed."""
    return np.random.default_rng(20261121)


@pytest.fixture
def matrix():
    """Read a matrix of the shared collection, or skip clearly."""
    from scipy.io import mmread

    def read(name):
        path = MATRICES / f"{name}.mtx"
        if not path.exists():
            pytest.skip(f"the shared matrix {name} is not on this machine")
        return mmread(path).tocsr()

    return read


@pytest.fixture
def unexamined(monkeypatch):
    """Leave out the examination of the answer, whose products and reads are not those of a method."""
    from numsolve import LinearResult
    from numsolve._linear import solve

    monkeypatch.setattr(
        solve, "examined", lambda method, system, result, thorough: LinearResult(**vars(result))
    )
