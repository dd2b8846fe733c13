"""Reading Matrix Market files that may be truncated, malformed or malicious.

SciPy's parser is faster, but crashes on some malformed files (with SciPy 1.17: overlong lines, NUL bytes);
NumPy's text reader raises an error.
"""

import bz2
import gzip
import warnings
from pathlib import Path
from typing import Any

import numpy as np

_OPEN = {".gz": gzip.open, ".bz2": bz2.open}
_LARGEST_COMPRESSION = 1100  # bytes of text for one byte of gzip or bzip2, roughly
_BYTES_OF_ENTRY = {"pattern": 4, "integer": 6, "real": 6, "complex": 8}  # shortest line, such as "1 1 1\n"
_HEADER_LINES = 10_000


def read(path) -> Any:
    """Return the matrix in a Matrix Market file: sparse for "coordinate", dense for "array".

    Parameters
    ----------
    path : path-like
        File ending in ``.mtx``, ``.mtx.gz`` or ``.mtx.bz2``.

    Returns
    -------
    scipy.sparse.coo_array or numpy.ndarray
        float64 or complex128. Symmetric storage is expanded to the full matrix.

    Raises
    ------
    ValueError
        The file is no Matrix Market file, ends early, states more entries than it can hold, or contains an
        index that is out of range. No memory is allocated for a size that the file cannot hold.
    OSError
        The file cannot be opened.
    """
    path = Path(path)
    try:
        with _OPEN.get(path.suffix, open)(path, "rb") as file:
            header = _header(file)
            _check_size(path, *header)
            body = _body(file, *header)
        return (_coordinate if header[0] == "coordinate" else _array)(body, *header[2:])
    except (ValueError, OverflowError, EOFError, MemoryError, gzip.BadGzipFile) as error:
        raise ValueError(f"{path.name}: {_one_line(error)}") from None


def _header(file):
    """Return layout, field, symmetry, rows, columns and number of entries as the file states them."""
    banner = file.readline(200).decode("ascii", "replace").lower().split()
    if len(banner) != 5 or banner[0] != "%%matrixmarket" or banner[1] != "matrix":
        raise ValueError("not a Matrix Market file: the first line is not '%%MatrixMarket matrix ...'")
    layout, field, symmetry = banner[2:]
    if layout not in ("coordinate", "array") or field not in _BYTES_OF_ENTRY:
        raise ValueError(f"unknown Matrix Market format '{layout} {field}'")
    if symmetry not in ("general", "symmetric", "skew-symmetric", "hermitian"):
        raise ValueError(f"unknown Matrix Market symmetry '{symmetry}'")
    line = b""
    for _ in range(_HEADER_LINES):
        line = file.readline(10_000)
        if not line:
            raise ValueError("the file ends before its size line")
        if line.strip() and not line.lstrip().startswith(b"%"):
            break
    counts = 3 if layout == "coordinate" else 2
    try:
        sizes = [int(word) for word in line.split()]
    except ValueError:
        sizes = []
    if len(sizes) != counts or min(sizes) < 0:
        text = line[:60].decode("ascii", "replace").strip()
        raise ValueError(f"the size line '{text}' does not hold {counts} counts")
    rows, cols = sizes[:2]
    if symmetry != "general" and rows != cols:
        raise ValueError(f"a {symmetry} matrix cannot be {rows} x {cols}")
    if layout == "array":
        triangle = rows * (rows - (symmetry == "skew-symmetric") * 2 + 1) // 2
        sizes.append(rows * cols if symmetry == "general" else triangle)
    return layout, field, symmetry, rows, cols, sizes[2]


def _check_size(path, layout, field, symmetry, rows, cols, entries):  # noqa: ARG001 - takes a header
    """Raise if the file is too short for the entries that it states, or its matrix too large to index."""
    room = path.stat().st_size * (_LARGEST_COMPRESSION if path.suffix in _OPEN else 1)
    least = _BYTES_OF_ENTRY[field] if layout == "coordinate" else 2
    if entries * least > room + least:
        raise ValueError(
            f"the header states {entries} entries, but the file has room for at most {room // least}"
        )
    if max(rows, cols) >= 2**31:
        raise ValueError(f"the matrix is {rows} x {cols}; at most 2147483647 rows and columns can be read")


def _body(file, layout, field, symmetry, rows, cols, entries):  # noqa: ARG001 - takes a header
    """Return the index columns, if any, and the values of the lines that follow the header."""
    indices = 2 if layout == "coordinate" else 0
    width = indices + {"pattern": 0, "complex": 2}.get(field, 1)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", UserWarning
        )  # "input contained no data": the number of lines is checked below
        table = np.loadtxt(file, comments="%", ndmin=2).reshape(-1, width or 1)
    if len(table) != entries:
        raise ValueError(f"the header states {entries} entries, but the file has {len(table)}")
    values = np.ones(entries) if field == "pattern" else table[:, indices]
    return table[:, :indices], values + 1j * table[:, -1] if field == "complex" else values


def _coordinate(body, symmetry, rows, cols, entries):  # noqa: ARG001 - takes a header
    """Return a sparse array; a symmetric one with both triangles."""
    from scipy.sparse import coo_array

    places, values = body
    for name, place, most in zip(("row", "column"), places.T, (rows, cols), strict=True):
        wrong = ~((place >= 1) & (place <= most) & (place == np.floor(place)))
        if wrong.any():
            raise ValueError(
                f"entry {np.argmax(wrong) + 1} has {name} index {place[wrong][0]:g}, not in 1..{most}"
            )
    i, j = (places - 1).astype(np.int64 if max(rows, cols) >= 2**31 else np.int32).T
    if symmetry != "general":
        off = i != j
        i, j, values = np.r_[i, j[off]], np.r_[j, i[off]], np.r_[values, _opposite(values[off], symmetry)]
    return coo_array((values, (i, j)), shape=(rows, cols))


def _array(body, symmetry, rows, cols, entries):  # noqa: ARG001 - takes a header
    """Return a dense array from values by columns; those of the lower triangle if there is symmetry."""
    values = body[1]
    if symmetry == "general":
        return values.reshape(cols, rows).T.copy()
    A = np.zeros((rows, cols), values.dtype)
    lower = np.tril_indices(rows, -1 if symmetry == "skew-symmetric" else 0)
    order = np.lexsort(lower)
    i, j = lower[0][order], lower[1][order]
    A[j, i] = _opposite(values, symmetry)
    A[i, j] = values
    return A


def _opposite(values, symmetry):
    """Return the entries on the other side of the diagonal."""
    return {"symmetric": values, "skew-symmetric": -values, "hermitian": values.conj()}[symmetry]


def _one_line(error):
    return " ".join(str(error).split()) or type(error).__name__
