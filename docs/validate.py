"""Check the docstring of every public name with numpydoc; exit with the number of faults."""

import sys

from numpydoc.validate import validate

import numsolve

IGNORED = {"ES01", "EX01", "GL01", "GL08", "SA01", "SS06", "YD01", "PR09", "RT04", "RT05"}
MODULES = ("krylov", "precondition", "problems", "radial", "relaxation", "transport")
BY_ATTRIBUTES = {
    "SequenceRun",
    "Interrupted",
    "RecycledResult",
    "RecycledSpace",
    "RelaxationResult",
    "RefinementResult",
    "LeastSquaresResult",
    "AtomResult",
    "DiracStates",
    "Mesh",
    "Orbital",
    "RadialStates",
    "Result",
    "Status",
    "System",
    "TimeStep",
    "Plan",
    "BarycenterResult",
    "Divergence",
    "TransportResult",
}  # made by the library: their attributes are documented
NAMES = [
    *(f"numsolve.{name}" for name in numsolve.__all__ if name not in MODULES),
    *(f"numsolve.{module}.{name}" for module in MODULES for name in getattr(numsolve, module).__all__),
    "numsolve.cli.main",
    "numsolve.papers.reproduce",
]


def faults(name):
    """Return the faults of one docstring."""
    ignored = IGNORED | ({"PR01"} if name.rpartition(".")[2] in BY_ATTRIBUTES else set())
    return [f"{name}: {code} {text}" for code, text in validate(name)["errors"] if code not in ignored]


found = [fault for name in NAMES for fault in faults(name)]
print("\n".join(found) or f"{len(NAMES)} docstrings are sound")
sys.exit(len(found) > 0)
