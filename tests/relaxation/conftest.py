"""Fixtures of the relaxation tests."""

import pytest


@pytest.fixture
def on_threads():
    """Run a function on one thread, then on two; return both results."""
    import numba

    before = numba.get_num_threads()

    def run(function):
        found = []
        for threads in (1, 2):
            numba.set_num_threads(min(threads, before))
            found.append(function())
        return found

    yield run
    numba.set_num_threads(before)
