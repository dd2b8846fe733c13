"""Check the docstring of every public name, and of the methods of public classes; exit with 1 on a fault."""

import inspect
import sys
from functools import cached_property
from itertools import pairwise
from pkgutil import resolve_name
from types import FunctionType

from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate

import numsolve

IGNORED = {"ES01", "EX01", "GL01", "SA01", "SS06", "YD01", "PR09", "RT04", "RT05"}
MADE_BY_THE_LIBRARY = {
    "SequenceRun",
    "Interrupted",
    "RecycledResult",
    "RecycledSpace",
    "RelaxationResult",
    "RefinementResult",
    "LeastSquaresResult",
    "ACoderResult",
    "Certificate",
    "CoordinatePath",
    "FixedPointResult",
    "InclusionResult",
    "KKT",
    "LPResult",
    "LinprogResult",
    "VarianceReducedResult",
    "AsynchronousResult",
    "AtomResult",
    "BoundedRootResult",
    "BoundedSystem",
    "CyclicGradientResult",
    "DerivativeCheck",
    "ConstrainedProblem",
    "DiracStates",
    "Equations",
    "FunctionError",
    "LabelledGraph",
    "Mesh",
    "ConstrainedResult",
    "MinimizeResult",
    "NewtonResult",
    "Orbital",
    "RadialStates",
    "CoordinateResult",
    "LinearResult",
    "LogisticResult",
    "CrossValidation",
    "DictionaryResult",
    "ProximalBlocksResult",
    "RiskParityResult",
    "BundleAdjustment",
    "NonlinearLeastSquaresResult",
    "Result",
    "RootResult",
    "Status",
    "System",
    "TimeStep",
    "Plan",
    "PowerOfNorm",
    "SoftMaximum",
    "SumOfTerms",
    "UnconstrainedProblem",
    "Sketch",
    "SketchedResult",
    "BarycenterResult",
    "Divergence",
    "EighResult",
    "SvdResult",
    "TransportResult",
}  # classes whose attributes are documented, not the arguments of their constructors
MODULES = [name for name in numsolve.__all__ if inspect.ismodule(getattr(numsolve, name))]
NAMES = [
    *(f"numsolve.{name}" for name in numsolve.__all__ if name not in MODULES),
    *(f"numsolve.{module}.{name}" for module in MODULES for name in getattr(numsolve, module).__all__),
    "numsolve.cli.main",
    "numsolve.papers.reproduce",
]
SECTIONS = set(NumpyDocString.sections) - {"index", "Signature", "Summary", "Extended Summary"}


def object_of(name):
    """Return the object of a name."""
    return resolve_name(name)


def members(name):
    """Return the public methods and properties of a class that have docstrings of their own to check.

    Those under its Attributes are left out, and so are methods that inherit the docstring of a base class.
    """
    cls = object_of(name)
    owners = [base for base in cls.__mro__ if base.__module__.startswith("numsolve")]
    kinds = FunctionType, classmethod, staticmethod, property, cached_property
    defined = {key for base in owners for key, value in vars(base).items() if isinstance(value, kinds)}
    attributes = NumpyDocString(inspect.getdoc(cls) or "")["Attributes"]
    documented = {key for attribute in attributes for key in attribute.name.split(", ")}
    inherited = {
        key for key in defined if not getattr(cls, key).__doc__ and inspect.getdoc(getattr(cls, key))
    }
    return [f"{name}.{key}" for key in sorted(defined - documented - inherited) if not key.startswith("_")]


def lost_lines(docstring):
    """Yield a fault for a summary above an underline, and for each section title without one."""
    lines = [line.strip() for line in docstring.strip().splitlines()]
    if len(lines) > 1 and lines[1] and set(lines[1]) <= set("-="):
        yield "the summary is followed by an underline"
    for title, underline in pairwise(lines):
        if title in SECTIONS and underline != "-" * len(title):
            yield f"the title {title} is followed by {underline[:20]!r}, not by its underline"


def faults(name):
    """Return the faults of one docstring."""
    ignored = IGNORED | ({"PR01"} if name.rpartition(".")[2] in MADE_BY_THE_LIBRARY else set())
    errors = [f"{code} {text}" for code, text in validate(name)["errors"] if code not in ignored]
    return [f"{name}: {text}" for text in (*errors, *lost_lines(object_of(name).__doc__ or ""))]


first_names = {}  # a name for each object, which may have several
for name in NAMES:
    for each in (name, *(members(name) if inspect.isclass(object_of(name)) else ())):
        first_names.setdefault(id(getattr(object_of(each), "__func__", object_of(each))), each)
wrong = [fault for name in first_names.values() for fault in faults(name)]
print("\n".join(wrong) or f"{len(first_names)} docstrings are sound")
sys.exit(len(wrong) > 0)
