"""What an import loads, and which names it provides."""

import subprocess
import sys

import numsolve

HEAVY = ("numba", "cupy", "pyamg", "matplotlib", "scipy", "tqdm")


def test_import_loads_nothing_heavy():
    code = f"import sys, numsolve; print([m for m in {HEAVY} if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_submodules_load_neither_numba_nor_matplotlib():
    code = (
        "import sys, numsolve; numsolve.krylov.cg, numsolve.precondition.jacobi, numsolve.solve;"
        "numsolve.radial.atom;"
        "numsolve.learners.ChebCB(None, (0, 1), rng=0);"
        "print([m for m in ('numba', 'cupy', 'pyamg', 'matplotlib') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_every_public_name_is_there():
    assert sorted(numsolve._HOME) == sorted(numsolve.__all__)
    for name in numsolve.__all__:
        assert getattr(numsolve, name) is not None
        assert name in dir(numsolve)
    assert not hasattr(numsolve, "nonsense")


def test_cupy_can_be_switched_off():
    code = (
        "import os; os.environ['NUMSOLVE_CUPY'] = '0'; import numsolve, numpy\n"
        "try: numsolve.to_device(numpy.ones(2))\n"
        "except RuntimeError as error: print(error)"
    )
    assert "switched off" in subprocess.check_output([sys.executable, "-c", code], text=True)
