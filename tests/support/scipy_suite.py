"""A pytest plugin that runs SciPy's own tests of its iterative solvers with our functions in their place.

It is loaded in a process of its own, with ``-p support.scipy_suite``, and writes the outcomes as JSON to the
file that the environment variable SCIPY_SUITE_REPORT names.
"""

import json
import os
from importlib import import_module

import numpy as np

from numsolve import krylov

NAMES = ("bicgstab", "cg", "gcrotmk", "gmres", "lgmres", "lsmr", "lsqr", "minres")
OTHERS = {"bicg", "cgs", "qmr", "tfqmr", "TestQMR", "test_show"}  # not replaced, and their tests

outcomes = {}

for package in ("scipy.sparse.linalg", "scipy.sparse.linalg._isolve"):
    for name in NAMES:
        setattr(import_module(package), name, getattr(krylov, name))
np.random.seed(20261130)  # noqa: NPY002 - SciPy's tests draw from the global state


def is_of_others(item):
    """Tell whether a test is of a function that is not replaced."""
    parameters = getattr(item, "callspec", None)
    solvers = [] if parameters is None else [getattr(p, "solver", p) for p in parameters.params.values()]
    names = {getattr(solver, "__name__", None) for solver in solvers}
    return bool(names & OTHERS) or any(part.partition("[")[0] in OTHERS for part in item.nodeid.split("::"))


def pytest_collection_modifyitems(config, items):
    """Leave out tests of functions that are not replaced."""
    left_out = [item for item in items if is_of_others(item)]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def pytest_runtest_logreport(report):
    """Keep the outcome of a test; a fault in its set-up counts as a failure."""
    name = report.nodeid.rpartition("/")[2]
    if report.when == "call" or report.outcome != "passed":
        outcome = "passed" if report.passed or hasattr(report, "wasxfail") else report.outcome
        outcomes[name] = outcome, str(report.longrepr)[-600:] if outcome == "failed" else ""


def pytest_sessionfinish(session):
    """Write the outcomes."""
    with open(os.environ["SCIPY_SUITE_REPORT"], "w") as file:
        json.dump(outcomes, file)
