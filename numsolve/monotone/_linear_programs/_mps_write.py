"""Write linear programs to MPS files."""

import bz2
import gzip
import lzma
import os

import numpy as np

from ._lp import LP

OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def write_mps(path, lp) -> None:
    """Write a linear program to an MPS file in the free form.

    `read_mps` returns the same numbers, to the last bit.

    Parameters
    ----------
    path : str, path or file
        Where to write; by the endings .gz, .bz2 and .xz it is compressed. Or an object with a method
        ``write`` for text.
    lp : LP
        The program, of NumPy arrays. Names that are missing, empty, not unique, or have blanks are replaced
        by R0, R1, ... and C0, C1, ...

    Raises
    ------
    OSError
        The file cannot be written.
    TypeError
        `lp` is no LP, or it is on a device.
    """
    if not isinstance(lp, LP):
        raise TypeError(f"lp is of type {type(lp).__name__}; an LP is needed")
    if not isinstance(lp.c, np.ndarray):
        raise TypeError("lp has CuPy arrays: pass numsolve.to_host(...) of them")
    text = "\n".join(_lines(lp)) + "\n"
    if hasattr(path, "write"):
        path.write(text)
        return
    opener = OPENERS.get(os.path.splitext(os.fspath(path))[1], open)
    with opener(path, "wt", encoding="utf-8") as file:
        file.write(text)


def _lines(lp):
    """Yield the lines of the file."""
    m, n = lp.shape
    found = lp.names
    rows = _names(found.rows if found else (), m, "R")
    columns = _names(found.columns if found else (), n, "C")
    objective = _free_name(found.objective if found else "", rows)
    kinds = _kinds(lp.rl, lp.ru)
    yield f"NAME {'_'.join(found.problem.split()) if found else ''}".rstrip()
    if lp.maximize:
        yield from ("OBJSENSE", "    MAX")
    yield from ("ROWS", f" N {objective}")
    yield from (f" {kind} {name}" for kind, name in zip(kinds, rows, strict=True))
    yield "COLUMNS"
    A = lp.A.tocsc()
    A.sort_indices()
    c, ends, indices, data = lp.c.tolist(), A.indptr.tolist(), A.indices.tolist(), A.data.tolist()
    for j, name in enumerate(columns):
        if c[j] or ends[j] == ends[j + 1]:
            yield f" {name} {objective} {c[j]!r}"
        for k in range(ends[j], ends[j + 1]):
            yield f" {name} {rows[indices[k]]} {data[k]!r}"
    yield "RHS"
    if lp.offset:
        yield f" RHS {objective} {-lp.offset!r}"
    sides = np.where(kinds == "L", lp.ru, lp.rl).tolist()
    yield from (f" RHS {name} {side!r}" for name, side in zip(rows, sides, strict=True) if side)
    yield from _ranges(lp, rows, kinds)
    yield "BOUNDS"
    for name, lower, upper in zip(columns, lp.l.tolist(), lp.u.tolist(), strict=True):
        yield from _bounds(name, lower, upper)
    yield "ENDATA"


def _kinds(rl, ru):
    """Return the types of the rows; a row without bounds is of type G with -inf."""
    return np.where(rl == ru, "E", np.where(np.isfinite(rl) | np.isposinf(ru), "G", "L"))


def _ranges(lp, rows, kinds):
    """Yield the section of rows with two different bounds.

    Their width is rounded. Where lower bound plus width is not the upper bound, the width is changed by one
    unit in the last place until it is.
    """
    both = np.flatnonzero(np.isfinite(lp.rl) & np.isfinite(lp.ru) & (lp.rl != lp.ru) & (kinds == "G"))
    if len(both):
        yield "RANGES"
    for i in both.tolist():
        lower, upper = float(lp.rl[i]), float(lp.ru[i])
        width = upper - lower
        for candidate in (width, np.nextafter(width, np.inf), np.nextafter(width, -np.inf)):
            if lower + candidate == upper:
                width = candidate
                break
        yield f" RNG {rows[i]} {float(width)!r}"


def _bounds(name, lower, upper):
    """Yield the bounds of a variable."""
    if lower == upper:
        yield f" FX BND {name} {lower!r}"
    elif lower == -np.inf and upper == np.inf:
        yield f" FR BND {name}"
    else:
        if lower == -np.inf:
            yield f" MI BND {name}"
        elif lower or upper < 0:
            yield f" LO BND {name} {lower!r}"
        if upper != np.inf:
            yield f" UP BND {name} {upper!r}"


def _names(names, count, letter):
    """Return names that a file may have."""
    usable = len(names) == count and len(set(names)) == count
    if usable and all(name and not set(name) & set(" \t\r\n$'") for name in names):
        return list(names)
    return [f"{letter}{i}" for i in range(count)]


def _free_name(name, rows):
    """Return a name of the objective that is no row's."""
    name = "".join(name.split()) or "COST"
    while name in set(rows):
        name += "_"
    return name
