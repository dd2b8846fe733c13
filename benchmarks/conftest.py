"""Peers that are installed run beside numsolve; the others are left out."""

import importlib.util

import numba
import pytest
from measure import LoadMeter, describe_load

METER = LoadMeter()


def pytest_report_header():
    """Say what the figures depend on."""
    return f"numba threads: {numba.get_num_threads()}; PETSc: {'yes' if has('petsc4py') else 'no'}"


def pytest_terminal_summary(terminalreporter):
    """Say how busy the machine was."""
    terminalreporter.write_line(f"while these ran, {describe_load(METER.cores())}")


def has(package):
    """Tell whether a peer can be imported."""
    return importlib.util.find_spec(package) is not None


@pytest.fixture(params=["numsolve", "SciPy", "PyAMG", "PETSc"])
def peer(request):
    """Each library in turn."""
    if request.param == "PETSc" and not has("petsc4py"):
        pytest.skip("petsc4py is not installed")
    return request.param
