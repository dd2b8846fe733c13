"""The libraries that are compared: numsolve and the peers that are installed."""

import importlib.util

import numba
import pytest
from measure import LoadMeter, describe_load

METER = LoadMeter()


def pytest_report_header():
    """Report the number of threads and whether PETSc is installed."""
    return f"numba threads: {numba.get_num_threads()}; PETSc: {'yes' if has('petsc4py') else 'no'}"


def pytest_terminal_summary(terminalreporter):
    """Report how busy the machine was."""
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
