"""Threads, forks and the choice between one thread and many."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

from numsolve.kernels.cpu import _jit
from numsolve.kernels.cpu._jit import GRAIN
from numsolve.krylov import cg
from numsolve.problems import poisson


def test_a_forked_child_goes_on_alone():
    """GNU OpenMP would end a child that enters the team of threads its parent made."""
    code = (
        "import os, numpy as np\n"
        "from numsolve.krylov import cg\n"
        "from numsolve.problems import poisson\n"
        "A = poisson((150, 150)); b = np.ones(22500)\n"
        "want = cg(A, b, rtol=1e-8).check().x\n"
        "pid = os.fork()\n"
        "if pid == 0: os._exit(0 if np.allclose(cg(A, b, rtol=1e-8).check().x, want) else 3)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "0"


def test_python_threads_may_solve_at_once(rng):
    A = poisson((150, 150))
    assert A.shape[0] > GRAIN
    X = rng.standard_normal((A.shape[0], 4))
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda x: cg(A, A @ x, rtol=1e-10).check().x, X.T))
    np.testing.assert_allclose(np.array(results).T, X, atol=1e-6)


def test_a_change_of_a_helper_makes_compiled_code_on_the_disk_invalid(tmp_path, monkeypatch):
    """The code of a kernel contains its helpers, which may be in other files."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def compiled_anew():
        """Compile a kernel as a new process would; return whether the disk had no code for it."""
        dispatcher = _jit.compiled(last_item)
        dispatcher(np.ones(3))
        return bool(dispatcher.stats.cache_misses)

    assert compiled_anew()
    assert not compiled_anew()
    monkeypatch.setattr(_jit, "_sources", lambda: (("another file", 0, 0),))
    assert compiled_anew()
    assert not compiled_anew()


def last_item(x):
    return x[-1]
