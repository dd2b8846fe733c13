"""The number of threads that kernels use beside other programs."""

import os

import numba
import pytest

from numsolve.kernels.cpu import _team

MOST = numba.config.NUMBA_NUM_THREADS
USED = min(MOST, os.cpu_count() or 1)  # more threads than processors are never used


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Let the load of the machine be read from a file; return a function that writes it."""
    file = tmp_path / "loadavg"
    monkeypatch.setattr(_team, "LOAD", file)
    monkeypatch.setattr(_team, "INTERVAL", 0.0)
    monkeypatch.setattr(
        _team, "_state", {"called": False, "forked": False, "limit": os.cpu_count(), "others": 0, "due": 0.0}
    )
    return lambda running: file.write_text(f"0.10 0.20 0.30 {running}/500 1234\n")


def threads_used():
    """Return the number of threads that a kernel would be given."""
    return _team.run(numba.get_num_threads, ())


@pytest.mark.skipif(USED < 2, reason="one thread cannot become fewer")
def test_threads_leave_the_processors_that_others_use(load):
    load(MOST + os.cpu_count())  # as many others as there are processors
    assert threads_used() == USED  # nothing is known yet
    assert threads_used() == USED  # one look may meet a short task
    assert threads_used() == 1
    assert numba.get_num_threads() == MOST
    load(1)  # this program alone
    assert threads_used() == 1
    assert threads_used() == USED


@pytest.mark.skipif(USED < 2, reason="one thread cannot become fewer")
def test_a_limit_of_the_user_is_kept(load):
    load(MOST + os.cpu_count())
    threads_used(), threads_used()
    numba.set_num_threads(1)
    try:
        assert threads_used() == 1
        load(1)
        threads_used()
        assert threads_used() == 1
        assert numba.get_num_threads() == 1
    finally:
        numba.set_num_threads(MOST)


@pytest.mark.parametrize("text", [None, "", "0.1 0.2 0.3", "0.1 0.2 0.3 many 7"])
def test_all_threads_where_the_system_does_not_tell(load, text):
    load(99)
    _team.LOAD.unlink() if text is None else _team.LOAD.write_text(text)
    for _ in range(3):
        assert threads_used() == USED


def test_an_error_of_a_kernel_leaves_the_threads_as_they_were(load):
    load(MOST + os.cpu_count())
    threads_used(), threads_used()
    with pytest.raises(ZeroDivisionError):
        _team.run(lambda: 1 // 0, ())
    assert numba.get_num_threads() == MOST
