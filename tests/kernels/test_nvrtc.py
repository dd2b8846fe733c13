"""Every instantiation of every kernel compiles with NVIDIA's compiler, which needs no device."""

from pathlib import Path

import pytest
from support.emulate import instantiations

import numsolve
from numsolve.kernels.table import FILES, expression

HOME = Path(numsolve.__file__).parent / "kernels" / "gpu"


def compiled(file, arch, types):
    """Compile some instantiations of each kernel of a file; return the machine code."""
    core = pytest.importorskip("cuda.core")
    names = tuple(expression(name, *some) for name in FILES[file] for some in types(name))
    options = core.ProgramOptions(std="c++17", arch=arch, include_path=str(HOME))
    program = core.Program((HOME / f"{file}.cu").read_text(), "c++", options)
    return program.compile("cubin", name_expressions=names).code


@pytest.mark.parametrize("file", FILES)
def test_compiles_in_double_precision(file):
    common = ("float64", None), ("float64", "int32")
    assert len(compiled(file, "sm_90", lambda name: [t for t in instantiations(name) if t in common])) > 1000


@pytest.mark.extended
@pytest.mark.parametrize("arch", ["sm_80", "sm_90"])
@pytest.mark.parametrize("file", FILES)
def test_compiles(file, arch):
    assert len(compiled(file, arch, instantiations)) > 1000


def test_a_type_error_is_found():
    core = pytest.importorskip("cuda.core")
    source = (HOME / "vector.cu").read_text().replace("*live = norm > tol;", "*live = norm > missing;")
    options = core.ProgramOptions(std="c++17", arch="sm_90", include_path=str(HOME))
    with pytest.raises(Exception, match="missing"):
        core.Program(source, "c++", options).compile("cubin", name_expressions=("residual_norm<double>",))
