"""The reader of the LIBSVM format: what it accepts, and that its errors name the line."""

import bz2
import gzip
from pathlib import Path

import numpy as np
import pytest
from support.tiers import extended

from numsolve.problems import read_libsvm

DATA = Path(__file__).parents[3] / "shared" / "libsvm"
TEXT = b"+1 1:0.5 3:-2e-1\n-1 2:1 # a comment 5:1\n\n# a comment\n2.5\r\n0 qid:7 1:+3. 4:.5\n"
ROWS = [[0.5, 0, -0.2, 0], [0, 1, 0, 0], [0, 0, 0, 0], [3, 0, 0, 0.5]]


@pytest.fixture
def file(tmp_path):
    """Write bytes to a file and return its path."""

    def write(text, name="data.txt"):
        path = tmp_path / name
        path.write_bytes(text)
        return path

    return write


@pytest.mark.parametrize(
    ("name", "packed"), [("data", bytes), ("data.gz", gzip.compress), ("data.bz2", bz2.compress)]
)
def test_comments_blank_lines_empty_rows_and_queries(file, name, packed):
    X, y = read_libsvm(file(packed(TEXT), name))
    np.testing.assert_array_equal(y, [1, -1, 2.5, 0])
    np.testing.assert_array_equal(X.toarray(), ROWS)
    assert X.dtype == y.dtype == np.float64
    assert X.has_canonical_format


def test_last_line_without_an_end(file):
    X, y = read_libsvm(file(b"1 2:3\n2 1:4"))
    np.testing.assert_array_equal(X.toarray(), [[0, 3], [4, 0]])
    np.testing.assert_array_equal(y, [1, 2])


def test_indices_from_zero(file):
    path = file(b"1 0:5 2:1\n1 1:2\n")
    other = file(b"1 1:5\n", "other")
    np.testing.assert_array_equal(read_libsvm(path)[0].toarray(), [[5, 0, 1], [0, 2, 0]])
    assert read_libsvm(other, zero_based=True)[0].shape == (1, 2)
    with pytest.raises(ValueError, match="index 0: pass zero_based=True"):
        read_libsvm(path, zero_based=False)


def test_number_of_features(file):
    path = file(b"1 2:1\n")
    assert read_libsvm(path, n_features=7)[0].shape == (1, 7)
    with pytest.raises(ValueError, match="2 features, but n_features is 1"):
        read_libsvm(path, n_features=1)
    with pytest.raises(ValueError, match="zero_based is 'yes'"):
        read_libsvm(path, zero_based="yes")


@pytest.mark.parametrize("text", [b"", b"\n\n", b"# nothing\n"])
def test_a_file_without_samples(file, text):
    X, y = read_libsvm(file(text))
    assert X.shape == (0, 0)
    assert y.shape == (0,)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"1 3:4 2:1", "line 3: the index of '2:1' does not exceed"),
        (b"1 2:1 2:1", "line 3: the index of '2:1' does not exceed"),
        (b"1 a:1", "line 3: 'a:1' is not index:value"),
        (b"1 2:1-2", "line 3: '2:1-2' is not index:value"),
        (b"1 2:1.2.3", "line 3: '2:1.2.3' is not index:value"),
        (b"1 3: 4:1", "line 3: '3:' is not index:value"),
        (b"1 3:1:2", "line 3: '3:1:2' is not index:value"),
        (b"1 :1", "line 3: ':1' is not index:value"),
        (b"1 7", "line 3: '7' is not index:value"),
        (b"1:1 2:1", "line 3: '1:1' is not a label"),
        (b"1,2 2:1", "line 3: '1,2' is not a label"),
        (b"nan 2:1", "line 3: 'nan' is not a label"),
        (b"1 2:1e999", "line 3: '2:1e999' is not finite"),
        (b"1 -2:1", "line 3: the index of '-2:1' is not a whole number"),
        (b"1 2.5:1", "line 3: the index of '2.5:1' is not a whole number"),
        (b"1 99999999999:1", "line 3: the index of '99999999999:1' is not a whole number"),
        (b"1 2:\xff", "line 3: '2:\ufffd' is not index:value"),
        (b"1 2:" + b"1" * 70, "line 3: .* more than 64 characters"),
    ],
)
def test_errors_name_the_line(file, line, message):
    with pytest.raises(ValueError, match=message):
        read_libsvm(file(b"1 1:1\n\n" + line + b"\n1 1:1\n"))


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_libsvm(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("name", "shape", "nnz", "labels"),
    [
        *extended(("a9a", (32561, 123), 451592, (-1, 1)), ("mushrooms", (8124, 112), 170604, (1, 2))),
        ("heart_scale", (270, 13), 3378, (-1, 1)),
        ("german.numer_scale", (1000, 24), 23001, (-1, 1)),
    ],
)
def test_data_sets(name, shape, nnz, labels):
    path = DATA / f"{name}.gz"
    if not path.exists():
        pytest.skip(f"the shared data set {name} is not on this machine")
    X, y = read_libsvm(path)
    assert (X.shape, X.nnz) == (shape, nnz)
    assert tuple(np.unique(y)) == labels
    fields = gzip.decompress(path.read_bytes()).splitlines()[7].split()
    np.testing.assert_array_equal(
        X.indices[X.indptr[7] : X.indptr[8]], [int(f.split(b":")[0]) - 1 for f in fields[1:]]
    )
    np.testing.assert_array_equal(
        X.data[X.indptr[7] : X.indptr[8]], [float(f.split(b":")[1]) for f in fields[1:]]
    )
