"""The solvers of these tests run on one thread: parity covers the code of their kernels for several."""

import sys

import pytest


@pytest.fixture(scope="module", autouse=True)
def one_thread_in_all_tests():
    """Compile kernels for one thread alone."""
    from numsolve.kernels.cpu import _jit

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_jit, "GRAIN", sys.maxsize)
        yield
