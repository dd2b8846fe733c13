"""A reader of the LIBSVM format, in which each line is a label and the nonzero features of a sample."""

import bz2
import gzip
import re
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from .. import _validate

OPENERS = {".gz": gzip.open, ".bz2": bz2.open}
COMMENT, QUERY = re.compile(rb"#[^\n\r]*"), re.compile(rb"(?<=\s)qid:\d+(?!\S)")
NUMBER = re.compile(rb"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
LONGEST = 64  # characters of a number
BLANK, COLON, NEWLINE = 32, ord(":"), ord("\n")
CHARACTERS = np.zeros(256, bool)
CHARACTERS[[*b"0123456789+-.eE: \t\n\v\f\r"]] = True


def read_libsvm(path, *, n_features=None, zero_based="auto") -> tuple[Any, np.ndarray]:
    """Read a file in LIBSVM format, also called svmlight format.

    Parameters
    ----------
    path : path-like
        The file; a name that ends with ``.gz`` or ``.bz2`` is decompressed.
    n_features : int, optional
        Number of columns. Default: the largest index in the file.
    zero_based : {"auto", True, False}
        Whether the first feature has the index 0. Default: if an index 0 occurs.

    Returns
    -------
    X : scipy.sparse.csr_array of float64, shape (N, n)
        The features, a row for each sample. A sample without features is an empty row.
    y : numpy.ndarray of float64, shape (N,)
        The labels.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        A line is not ``label index:value index:value ...`` with increasing indices and finite numbers; the
        message contains the number of the first such line. Or an index is beyond `n_features`.

    Notes
    -----
    Text after ``#`` is a comment, blank lines are skipped, and query numbers ``qid:3`` are ignored. The
    whole file is in memory, and all numbers are converted by one call. A million entries take some tenths of
    a second.

    C.-C. Chang, C.-J. Lin, *LIBSVM: a library for support vector machines*, ACM Trans. Intell. Syst.
    Technol. 2 (2011) 27, :doi:`10.1145/1961189.1961199`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from numsolve.problems import read_libsvm
    >>> with TemporaryDirectory() as folder:
    ...     with open(f"{folder}/data.txt", "w") as file:
    ...         _ = file.write("+1 1:0.5 3:2  # a comment\\n-1 2:1\\n")
    ...     X, y = read_libsvm(f"{folder}/data.txt")
    >>> X.toarray()
    array([[0.5, 0. , 2. ],
           [0. , 1. , 0. ]])
    >>> y
    array([ 1., -1.])
    """
    if zero_based not in ("auto", True, False):
        raise ValueError(f"zero_based is {zero_based!r}; 'auto', True or False is needed")
    if n_features is not None:
        n_features = _validate.count(n_features, "n_features")
    path = Path(path)
    with OPENERS.get(path.suffix, open)(path, "rb") as file:
        text = file.read()
    text = QUERY.sub(b" ", COMMENT.sub(b"", text))
    parsed = _parsed(text)
    if parsed is None:
        raise ValueError(f"{path.name}, {_first_fault(text)}")
    y, rows, indices, values = parsed
    least = int(indices.min(initial=1))
    first = 0 if zero_based is True or (zero_based == "auto" and least == 0) else 1
    indices -= first
    if least < first:
        raise ValueError(f"{path.name} has an index 0: pass zero_based=True, or leave it out")
    columns = int(indices.max(initial=-1)) + 1
    if n_features is not None and columns > n_features:
        raise ValueError(f"{path.name} has {columns} features, but n_features is {n_features}")
    indptr = np.zeros(len(y) + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=len(y)), out=indptr[1:])
    shape = (len(y), columns if n_features is None else n_features)
    return sp.csr_array((values, indices, indptr), shape=shape), y


def _parsed(text):
    """Return labels, and the rows, indices and values of all entries; None if a line is at fault."""
    byte = np.frombuffer(text, np.uint8)
    if not CHARACTERS[byte].all():
        return None
    inside = byte > BLANK  # a token
    starts = inside.copy()
    starts[1:] &= ~inside[:-1]
    token = np.cumsum(starts) - 1  # of each byte inside one
    colons = np.flatnonzero(byte == COLON)
    n_tokens = int(starts.sum())
    per_token = np.bincount(token[colons], minlength=n_tokens)
    line = np.cumsum(byte == NEWLINE)[np.flatnonzero(starts)]
    is_label = np.diff(line, prepend=-1) > 0
    if not np.array_equal(per_token, ~is_label):
        return None
    numbers = _numbers(text.replace(b":", b" "))
    ends = np.append(inside, False)
    if numbers is None or not (ends[colons - 1] & ends[colons + 1]).all():
        return None
    place = np.arange(n_tokens) + np.cumsum(per_token) - per_token  # of the first number of a token
    labels, entries = place[is_label], place[~is_label]
    indices, values = numbers[entries], numbers[entries + 1]
    rows = (np.cumsum(is_label) - 1)[~is_label]
    decreases = (np.diff(indices) <= 0) & (np.diff(rows) == 0)
    if decreases.any() or (indices < 0).any() or (indices != np.floor(indices)).any():
        return None
    if not np.isfinite(numbers).all() or (indices >= 2**31).any():
        return None
    width = np.int32 if len(values) < 2**31 else np.int64
    return numbers[labels], rows, indices.astype(width), values


def _numbers(text):
    """Return all numbers of a text, or None if something else is in it."""
    words = text.split()
    if max(map(len, words), default=0) > LONGEST:  # the array below has this width
        return None
    try:
        return np.array(words, "S").astype(float)
    except ValueError:
        return None


def _first_fault(text):
    """Return a description of the first line that is at fault."""
    for number, line in enumerate(text.split(b"\n"), 1):
        tokens, last = line.split(), -1.0
        for position, token in enumerate(tokens):
            parts = [token] if position == 0 else token.split(b":")
            what = "a label" if position == 0 else "index:value"
            shown = token.decode(errors="replace")
            if len(parts) != (1 if position == 0 else 2) or not all(map(NUMBER.fullmatch, parts)):
                return f"line {number}: {shown!r} is not {what}"
            if max(map(len, parts)) > LONGEST:
                return f"line {number}: {shown!r} has a number of more than {LONGEST} characters"
            if not np.isfinite(np.array(parts, float)).all():
                return f"line {number}: {shown!r} is not finite"
            if position == 0:
                continue
            index = float(parts[0])
            if not (0 <= index < 2**31 and index == np.floor(index)):
                return f"line {number}: the index of {shown!r} is not a whole number from 0 to 2**31 - 1"
            if index <= last:
                return f"line {number}: the index of {shown!r} does not exceed the one before it"
            last = index
    return "a number cannot be read"
