"""Reading Matrix Market files that may be truncated, wrong or hostile; SciPy parses what passes."""

import bz2
import gzip
from pathlib import Path

_OPEN = {".gz": gzip.open, ".bz2": bz2.open}
_MOST_SQUEEZED = 1100  # bytes that one byte of gzip or bzip2 can stand for, about
_LEAST_BYTES = {"pattern": 4, "integer": 6, "real": 6, "complex": 8}  # of an entry's line: "1 1 1\n"
_HEADER_LINES = 10_000


def read(path):
    """Return the matrix in a Matrix Market file: sparse for "coordinate", dense for "array".

    Parameters
    ----------
    path : path-like
        File ending in ``.mtx``, ``.mtx.gz`` or ``.mtx.bz2``.

    Returns
    -------
    scipy.sparse.coo_array or numpy.ndarray
        Symmetric storage comes back expanded.

    Raises
    ------
    ValueError
        The file is no Matrix Market file, ends early, promises more than it can hold, or an index is out
        of range. Nothing is allocated on a promise alone.
    OSError
        The file cannot be opened.
    """
    from scipy.io import mmread

    path = Path(path)
    try:
        layout, field, rows, cols, entries = _header(path)
        _plausible(path, layout, field, rows, cols, entries)
        return mmread(path, spmatrix=False)
    except (ValueError, OverflowError, EOFError, MemoryError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name}: {_one_line(error)}") from None


def _header(path):
    """Return layout, field, rows, columns and number of entries as the file states them."""
    with _OPEN.get(path.suffix, open)(path, "rb") as file:
        banner = file.readline(200).decode("ascii", "replace").lower().split()
        if len(banner) != 5 or banner[0] != "%%matrixmarket" or banner[1] != "matrix":
            raise ValueError("not a Matrix Market file: the first line is not '%%MatrixMarket matrix ...'")
        layout, field, symmetry = banner[2:]
        if layout not in ("coordinate", "array") or field not in _LEAST_BYTES:
            raise ValueError(f"unknown Matrix Market format '{layout} {field}'")
        if symmetry not in ("general", "symmetric", "skew-symmetric", "hermitian"):
            raise ValueError(f"unknown Matrix Market symmetry '{symmetry}'")
        for _ in range(_HEADER_LINES):
            line = file.readline(10_000)
            if not line:
                raise ValueError("the file ends before its size line")
            if line.strip() and not line.lstrip().startswith(b"%"):
                break
        else:
            raise ValueError(f"no size line within {_HEADER_LINES} lines")
    try:
        sizes = [int(word) for word in line.split()]
    except ValueError:
        sizes = []
    if len(sizes) != (3 if layout == "coordinate" else 2) or min(sizes) < 0:
        text = line[:60].decode("ascii", "replace").strip()
        raise ValueError(f"the size line '{text}' does not hold {3 if layout == 'coordinate' else 2} counts")
    rows, cols = sizes[:2]
    if layout == "array":
        full = rows * cols
        return layout, field, rows, cols, full if symmetry == "general" else (full - rows) // 2
    return layout, field, rows, cols, sizes[2]


def _plausible(path, layout, field, rows, cols, entries):
    """Raise if the file is too short for the entries it promises, or its matrix too large to index."""
    room = path.stat().st_size * (_MOST_SQUEEZED if path.suffix in _OPEN else 1)
    least = _LEAST_BYTES[field] if layout == "coordinate" else 2
    if entries * least > room + least:
        raise ValueError(f"{entries} entries are promised, but the file has room for at most {room // least}")
    if max(rows, cols) >= 2**31:
        raise ValueError(f"the matrix is {rows} x {cols}; at most 2147483647 rows and columns can be read")


def _one_line(error):
    return " ".join(str(error).split()) or type(error).__name__
