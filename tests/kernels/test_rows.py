"""Blocks of a few columns: for which widths kernels are compiled, and what they read and write."""

import ctypes
import mmap

import numpy as np
import pytest

from numsolve.kernels.cpu import _rows, block_cg, sparse
from numsolve.krylov import cg
from numsolve.problems import poisson


def serial(kernel):
    """Return the dispatcher of a kernel's version for one thread."""
    return next(c.cell_contents for c in kernel.__closure__ if hasattr(c.cell_contents, "signatures"))


def test_five_to_eight_columns_share_a_version(rng):
    A = poisson((6, 6))
    kernels = [serial(k) for k in (sparse._spmm_gram, block_cg._block_residual, block_cg._block_step)]
    for k in (5, 6, 7, 8):
        b = rng.standard_normal((36, k))
        np.testing.assert_allclose(A @ cg(A, b, rtol=1e-10).check().x, b, atol=1e-8)
        if k == 5:
            before = [len(kernel.signatures) for kernel in kernels]
    assert [len(kernel.signatures) for kernel in kernels] == before


@pytest.mark.parametrize(("k", "lanes"), [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (7, 8), (8, 8), (9, 9)])
def test_lanes(k, lanes):
    width = _rows.width(np.zeros((2, k)))
    assert len(width) == lanes
    assert width[0] == k


def at_the_end_of_a_page(array):
    """Return a copy of an array just before a page that cannot be read or written."""
    page = mmap.PAGESIZE
    room = -(-array.nbytes // page) * page
    memory = mmap.mmap(-1, room + page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    if protect(ctypes.c_void_p(start + room), page, mmap.PROT_READ * 0):
        raise OSError(ctypes.get_errno(), "mprotect")
    copy = np.frombuffer(memory, array.dtype, array.size, room - array.nbytes).reshape(array.shape)
    copy[...] = array
    return copy


@pytest.mark.parametrize("k", [3, 5, 6, 7, 8])
def test_nothing_is_touched_behind_the_last_row(rng, k):
    """A read or a write behind an array ends the process."""
    W, Z, alpha = (rng.standard_normal((n, k)) for n in (37, 37, k))
    want = W - Z @ alpha
    W, Z, alpha = (at_the_end_of_a_page(array) for array in (W, Z, alpha))
    gram = block_cg.block_residual(alpha, Z, W)
    np.testing.assert_allclose(W, want, atol=1e-13)
    np.testing.assert_allclose(gram, want.T @ want, atol=1e-11)
