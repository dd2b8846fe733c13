"""Matrix Market files: good, truncated and hostile ones."""

import bz2
import gzip

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import mmwrite

from numsolve.cli._matrix_market import read

HEADER = "%%MatrixMarket matrix coordinate real general\n"
MALFORMED = {
    "empty": "",
    "no banner": "1 2 3\n",
    "not text": "\x00\xff\xfe",
    "unknown format": "%%MatrixMarket matrix spiral real general\n1 1 1\n1 1 1\n",
    "unknown symmetry": "%%MatrixMarket matrix coordinate real odd\n1 1 1\n1 1 1\n",
    "no size line": HEADER + "% nothing else\n",
    "two sizes": HEADER + "2 2\n1 1 1\n",
    "words for sizes": HEADER + "two two two\n",
    "negative size": HEADER + "-2 2 1\n1 1 1\n",
    "too few entries": HEADER + "2 2 2\n1 1 1.0\n",
    "too many entries": HEADER + "2 2 1\n1 1 1.0\n2 2 1.0\n1 2 1.0\n",
    "row too large": HEADER + "2 2 1\n3 1 1.0\n",
    "column too large": HEADER + "2 2 1\n1 3 1.0\n",
    "zero index": HEADER + "2 2 1\n0 1 1.0\n",
    "negative index": HEADER + "2 2 1\n-1 1 1.0\n",
    "overflowing index": HEADER + "2 2 1\n99999999999999999999999 1 1.0\n",
    "index past 64 bits in the sizes": HEADER + "99999999999999999999999 2 1\n1 1 1.0\n",
    "a word for a value": HEADER + "2 2 1\n1 1 one\n",
    "half a line": HEADER + "2 2 1\n1 1",
    "a header of 10^9 entries": HEADER + "10 10 1000000000\n1 1 1.0\n",
    "a terabyte of rows": HEADER + "1000000000000 1000000000000 1\n1 1 1.0\n",
    "a header of a dense matrix of 80 GB": "%%MatrixMarket matrix array real general\n100000 100000\n1.0\n",
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_malformed_files_are_reported_in_one_line(text, tmp_path):
    path = tmp_path / "bad.mtx"
    path.write_text(text, encoding="latin1")
    with pytest.raises(ValueError, match=r"^bad\.mtx: ") as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_a_compressed_file_that_states_too_many_entries(tmp_path):
    path = tmp_path / "bad.mtx.gz"
    path.write_bytes(gzip.compress((HEADER + "10 10 1000000000\n1 1 1.0\n").encode()))
    with pytest.raises(ValueError, match="the header states"):
        read(path)


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match=r"no such|No such"):
        read(tmp_path / "missing.mtx")


@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2"])
@pytest.mark.parametrize("symmetry", ["general", "symmetric"])
def test_good_files_come_back(symmetry, suffix, tmp_path, rng):
    A = sp.random_array((20, 20), density=0.2, rng=rng)
    A = A + A.T if symmetry == "symmetric" else A
    path = tmp_path / ("good.mtx" + suffix)
    mmwrite(tmp_path / "plain.mtx", sp.coo_array(A), symmetry=symmetry)
    squeeze = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress}[suffix]
    path.write_bytes(squeeze((tmp_path / "plain.mtx").read_bytes()))
    np.testing.assert_allclose(read(path).toarray(), A.toarray(), rtol=1e-12)


@pytest.mark.parametrize("field", ["real", "complex"])
@pytest.mark.parametrize("symmetry", ["symmetric", "skew-symmetric", "hermitian"])
@pytest.mark.parametrize("layout", [sp.coo_array, np.array])
def test_every_symmetry_is_expanded_as_scipy_writes_it(layout, symmetry, field, tmp_path, rng):
    A = rng.standard_normal((5, 5)) + (1j * rng.standard_normal((5, 5)) if field == "complex" else 0)
    mirror = {"symmetric": A.T, "skew-symmetric": -A.T, "hermitian": A.conj().T}[symmetry]
    path = tmp_path / "good.mtx"
    mmwrite(path, layout(A + mirror), symmetry=symmetry)
    B = read(path)
    np.testing.assert_allclose(B.toarray() if sp.issparse(B) else B, A + mirror, rtol=1e-12, atol=1e-15)


def test_dense_and_pattern_files(tmp_path):
    path = tmp_path / "dense.mtx"
    mmwrite(path, np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert read(path).tolist() == [[1, 2], [3, 4]]
    path.write_text("%%MatrixMarket matrix coordinate pattern general\n2 2 2\n1 1\n2 2\n")
    assert read(path).toarray().tolist() == [[1, 0], [0, 1]]


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=200), cut=st.integers(0, 60))
def test_noise_is_a_value_error_or_a_matrix(data, cut, tmp_path_factory):
    path = tmp_path_factory.mktemp("fuzz") / "noise.mtx"
    path.write_bytes((HEADER + "3 3 2\n1 1 1.0\n2 3 -1.5\n").encode()[: 90 - cut] + data)
    try:
        A = read(path)
    except ValueError as error:
        assert "noise.mtx" in str(error)
    else:
        assert A.shape[0] >= 0
