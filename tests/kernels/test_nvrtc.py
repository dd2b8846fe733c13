"""Every instantiation of every kernel compiles with NVIDIA's compiler, which needs no device."""

from pathlib import Path

import pytest
from support.emulate import instantiations

import numsolve
from numsolve.kernels.table import FILES, expression

HOME = Path(numsolve.__file__).parent / "kernels" / "gpu"


@pytest.mark.parametrize("arch", ["sm_90", pytest.param("sm_80", marks=pytest.mark.extended)])
@pytest.mark.parametrize("file", FILES)
def test_compiles(file, arch):
    core = pytest.importorskip("cuda.core")
    names = tuple(expression(name, *types) for name in FILES[file] for types in instantiations(name))
    options = core.ProgramOptions(std="c++17", arch=arch, include_path=str(HOME))
    program = core.Program((HOME / f"{file}.cu").read_text(), "c++", options)
    code = program.compile("cubin", name_expressions=names)
    assert len(code.code) > 1000


def test_a_type_error_is_found():
    core = pytest.importorskip("cuda.core")
    source = (HOME / "vector.cu").read_text().replace("*live = norm > tol;", "*live = norm > missing;")
    options = core.ProgramOptions(std="c++17", arch="sm_90", include_path=str(HOME))
    with pytest.raises(Exception, match="missing"):
        core.Program(source, "c++", options).compile("cubin", name_expressions=("residual_norm<double>",))
