"""Read linear programs from MPS files."""

import bz2
import gzip
import io
import lzma
import os
import warnings
from math import inf, isfinite, nan

import numpy as np
import scipy.sparse as sp

from ... import _validate
from ._lp import LP, Names

OPENERS = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}
INFINITE = 1e30  # numbers of this size or larger are infinite bounds
SECTIONS = ("NAME", "OBJSENSE", "OBJNAME", "ROWS", "COLUMNS", "RHS", "RANGES", "BOUNDS", "ENDATA")
REFUSED = {
    "QUADOBJ": "a quadratic objective",
    "QMATRIX": "a quadratic objective",
    "QSECTION": "a quadratic objective",
    "QCMATRIX": "quadratic constraints",
    "SOS": "special ordered sets",
    "SOS1": "special ordered sets",
    "SOS2": "special ordered sets",
    "SETS": "special ordered sets",
    "INDICATORS": "indicator constraints",
    "CSECTION": "cones",
}
SENSES = {"MAX": True, "MAXIMIZE": True, "MAXIMISE": True, "MIN": False, "MINIMIZE": False, "MINIMISE": False}
WITHOUT_VALUE = ("FR", "MI", "PL", "BV")
WITH_VALUE = ("UP", "LO", "FX", "LI", "UI")
FIELDS = ((1, 3), (4, 12), (14, 22), (24, 36), (39, 47), (49, 61))  # columns of the fixed form


def read_mps(path, *, form="auto") -> LP:
    """Read a linear program from an MPS file.

    Parameters
    ----------
    path : str, path or file
        The file, plain or compressed by gzip, bzip2 or xz, or an object with a method ``read``.
    form : {"auto", "free", "fixed"}
        Whether fields are separated by blanks or lie at fixed columns, so that names may contain blanks.
        "auto" reads the free form, and the fixed one if a line does not fit it.

    Returns
    -------
    LP
        The program, with its names.

    Raises
    ------
    OSError
        The file cannot be opened.
    ValueError
        The file is no MPS file, is cut off, contradicts itself, or has what a linear program has not (a
        quadratic objective, special ordered sets, indicators, semicontinuous variables). The message names
        the line.

    Warns
    -----
    UserWarning
        The file has integer variables, which become real; entries of the same place, which are added; or a
        negative upper bound without a lower one, which then is minus infinity.

    Notes
    -----
    The first row of type N is the objective; others are left out. The right-hand side of the objective is
    minus its constant. A range R of an equation makes ``[b, b + R]``, or ``[b + R, b]`` if R is negative.
    Numbers of size 1e30 and more are infinite.
    """
    _validate.choice(form, "form", ("auto", "free", "fixed"))
    lines = _text(path).splitlines()
    if form != "auto":
        return _Reader(lines, form == "fixed").read()
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            lp = _Reader(lines, fixed=False).read()
    except _DoesNotFit as error:
        try:
            return _Reader(lines, fixed=True).read()
        except ValueError:
            raise error from None
    for warning in caught:
        warnings.warn(str(warning.message), stacklevel=2)
    return lp


def _text(path):
    """Return the text of a file."""
    if hasattr(path, "read"):
        data = path.read()
        if isinstance(data, str):
            return data
    else:
        with open(os.fspath(path), "rb") as file:
            data = file.read()
    opener = OPENERS.get(bytes(data[:2]))
    if opener is not None:
        try:
            data = opener(io.BytesIO(data)).read()
        except (OSError, EOFError, lzma.LZMAError) as error:
            raise ValueError(f"the compressed file is damaged: {error}") from None
    if b"\0" in data[:1024]:
        raise ValueError("the file has bytes that are no text: it is no MPS file")
    return data.decode("utf-8", "replace")


class _DoesNotFit(ValueError):
    """A line has a number of fields that the free form does not allow."""


class _Reader:
    """The state of reading: sections are methods that are called with the fields of each line."""

    def __init__(self, lines, fixed):
        self.lines, self.fixed, self.number = lines, fixed, 0
        self.name, self.objective, self.wanted, self.maximize = "", None, None, False
        self.kinds, self.rows, self.columns = [], {}, {}
        self.left_out = set()
        self.places, self.values, self.counts = [], [], []
        self.costs, self.offset = {}, 0.0
        self.rhs, self.ranges, self.lower, self.upper = {}, {}, {}, {}
        self.integer, self.integers = False, 0
        self.sets = {}

    def fail(self, what, kind=ValueError):
        """Raise with the number of the line."""
        raise kind(f"line {self.number}: {what}")

    def read(self):
        """Return the program."""
        section, ended, seen = None, False, set()
        for number, line in enumerate(self.lines, 1):
            self.number = number
            if not line.strip() or line[0] == "*":
                continue
            if line[0] not in " \t":
                fields = line.split()
                section = self.section(fields, seen)
                ended = section == "ENDATA"
                if ended:
                    break
            elif section is None:
                self.fail(f"data before the first section; one of {', '.join(SECTIONS)} is needed")
            else:
                fields = self.split(line)
                if fields:
                    getattr(self, "read_" + section.lower())(fields)
        if not ended:
            self.number = len(self.lines)
            self.fail("the file ends without ENDATA: it may be cut off")
        return self.program()

    def split(self, line):
        """Return the fields of a line of data."""
        if not self.fixed:
            fields = line.split()
            for place, field in enumerate(fields):
                if field[0] == "$":
                    return fields[:place]
            return fields
        line = line.expandtabs(8)
        fields = [line[start:end].strip() for start, end in FIELDS]
        return [field for place, field in enumerate(fields) if field or place == 0]

    def section(self, fields, seen):
        """Begin a section; return its name."""
        name = fields[0].upper()
        if name in REFUSED:
            self.fail(f"the section {name} means {REFUSED[name]}, which a linear program has not")
        if name not in SECTIONS:
            self.fail(f"unknown section {fields[0]!r}; one of {', '.join(SECTIONS)} is needed")
        if name in seen:
            self.fail(f"the section {name} is there twice")
        for before in {"COLUMNS": ("ROWS",), "RHS": ("COLUMNS",), "RANGES": ("COLUMNS",)}.get(name, ()):
            if before not in seen:
                self.fail(f"the section {name} comes before {before}")
        seen.add(name)
        if name == "NAME":
            self.name = " ".join(fields[1:2])
        elif name == "OBJSENSE" and len(fields) > 1:
            self.read_objsense(fields[1:])
        elif name == "OBJNAME" and len(fields) > 1:
            self.read_objname(fields[1:])
        return name

    def read_name(self, fields):
        """Refuse data of the section NAME."""
        self.fail(f"{fields[0]!r} follows NAME without a section")

    def read_objsense(self, fields):
        """Take the sense of the objective."""
        if fields[-1].upper() not in SENSES:
            self.fail(f"the sense {fields[-1]!r} is neither MAX nor MIN")
        self.maximize = SENSES[fields[-1].upper()]

    def read_objname(self, fields):
        """Take the name of the objective."""
        self.wanted = fields[-1]

    def read_rows(self, fields):
        """Take the type and the name of a row."""
        fields = [field for field in fields if field]
        if len(fields) != 2:
            self.fail(f"a row needs a type and a name, and there are {len(fields)} fields", _DoesNotFit)
        kind, name = fields[0].upper(), fields[1]
        if kind not in ("N", "E", "L", "G"):
            self.fail(f"the type {fields[0]!r} of a row is none of N, E, L, G")
        if name in self.rows or name in self.left_out or name == self.objective:
            self.fail(f"the row {name!r} is there twice")
        if kind == "N":
            if self.objective is None and self.wanted in (None, name):
                self.objective = name
            else:
                self.left_out.add(name)
        else:
            self.rows[name] = len(self.rows)
            self.kinds.append(kind)

    def read_columns(self, fields):
        """Take entries of a column."""
        fields = fields if fields[0] else fields[1:]
        if len(fields) >= 3 and fields[1].strip("'\"").upper() == "MARKER":
            self.integer = fields[2].strip("'\"").upper() == "INTORG"
            return
        if len(fields) not in (3, 5):
            self.fail(f"a line of a column has 3 or 5 fields, and here are {len(fields)}", _DoesNotFit)
        column = self.columns.get(fields[0])
        if column is None:
            column = self.columns[fields[0]] = len(self.columns)
            self.counts.append(0)
            self.integers += self.integer
        elif column != len(self.columns) - 1:
            self.fail(f"the column {fields[0]!r} is there twice, with others in between")
        for name, text in zip(fields[1::2], fields[2::2], strict=True):
            value = self.number_of(text)
            row = self.rows.get(name)
            if row is not None:
                self.places.append(row)
                self.values.append(value)
                self.counts[column] += 1
            elif name == self.objective:
                self.costs[column] = self.costs.get(column, 0.0) + value
            elif name not in self.left_out:
                self.fail(f"the row {name!r} is not in ROWS")

    def pairs(self, fields, section):
        """Yield names of rows and values of a line with or without the name of a set."""
        fields = [field for field in fields if field]
        if len(fields) not in (2, 3, 4, 5):
            self.fail(f"a line of {section} has 2 to 5 fields, and here are {len(fields)}", _DoesNotFit)
        if len(fields) % 2:
            first = self.sets.setdefault(section, fields[0])
            if fields[0] != first:
                return
            fields = fields[1:]
        yield from zip(fields[::2], fields[1::2], strict=True)

    def read_rhs(self, fields):
        """Take right-hand sides."""
        for name, text in self.pairs(fields, "RHS"):
            value = self.number_of(text, infinite=True)
            if name == self.objective:
                if not isfinite(value):
                    self.fail(f"the constant {text} of the objective is not finite")
                self.offset = -value
            elif name in self.rows:
                if self.rows[name] in self.rhs:
                    self.fail(f"the row {name!r} has two right-hand sides")
                self.rhs[self.rows[name]] = value
            elif name not in self.left_out:
                self.fail(f"the row {name!r} is not in ROWS")

    def read_ranges(self, fields):
        """Take ranges."""
        for name, text in self.pairs(fields, "RANGES"):
            value = self.number_of(text, infinite=True)
            if name in self.rows:
                self.ranges[self.rows[name]] = value
            elif name != self.objective and name not in self.left_out:
                self.fail(f"the row {name!r} is not in ROWS")

    def read_bounds(self, fields):
        """Take a bound of a variable."""
        kind = fields[0].upper()
        rest = [field for field in fields[1:] if field]
        if kind == "SC":
            self.fail("the bound SC makes a semicontinuous variable, which a linear program has not")
        if kind not in WITH_VALUE + WITHOUT_VALUE:
            self.fail(f"the type {fields[0]!r} of a bound is none of {', '.join(WITH_VALUE + WITHOUT_VALUE)}")
        needed = 1 if kind in WITHOUT_VALUE else 2
        if kind in WITHOUT_VALUE and len(rest) > 1 and rest[-1] not in self.columns:
            rest = rest[:-1]  # a value, which has no meaning here
        if len(rest) not in (needed, needed + 1):
            self.fail(f"a bound {kind} has {needed + 1} or {needed + 2} fields", _DoesNotFit)
        if len(rest) == needed + 1:
            first = self.sets.setdefault("BOUNDS", rest[0])
            if rest[0] != first:
                return
            rest = rest[1:]
        column = self.columns.get(rest[0])
        if column is None:
            self.fail(f"the column {rest[0]!r} is not in COLUMNS")
        value = self.number_of(rest[1], infinite=True) if needed == 2 else nan
        if kind in ("LI", "UI", "BV"):
            self.integers += 1
        self.bound(kind, column, value, rest[0])

    def bound(self, kind, column, value, name):
        """Set a bound."""
        if kind in ("LO", "LI", "FX"):
            self.lower[column] = value
        if kind in ("UP", "UI", "FX"):
            self.upper[column] = value
            if kind != "FX" and value < 0 and column not in self.lower:
                warnings.warn(
                    f"line {self.number}: {name!r} has a negative upper bound and no lower one, which is "
                    "taken as -inf",
                    stacklevel=2,
                )
                self.lower[column] = -inf
        if kind in ("FR", "MI"):
            self.lower[column] = -inf
        if kind in ("FR", "PL"):
            self.upper[column] = inf
        if kind == "BV":
            self.lower[column], self.upper[column] = 0.0, 1.0

    def number_of(self, text, infinite=False):
        """Return a number; exponents may be written with D."""
        try:
            value = float(text)
        except ValueError:
            try:
                value = float(text.upper().replace("D", "E"))
            except ValueError:
                self.fail(f"{text!r} is not a number", _DoesNotFit)
        if value != value or (not infinite and abs(value) >= INFINITE):
            self.fail(f"{text!r} is not a finite number")
        return value if abs(value) < INFINITE else np.sign(value) * inf

    def program(self):
        """Return the program that was read."""
        if self.objective is None:
            if self.wanted is not None:
                self.fail(f"the objective {self.wanted!r} of OBJNAME is no row of type N")
            self.objective = ""
        m, n = len(self.rows), len(self.columns)
        columns = np.repeat(np.arange(n), np.array(self.counts, int))
        rows, values = np.array(self.places, int), np.array(self.values, float)
        keys = columns * max(m, 1) + rows
        twice = len(keys) - len(np.unique(keys))
        if twice:
            warnings.warn(f"{twice} entries are given twice: they are added", stacklevel=2)
        if self.integers:
            warnings.warn("integer variables are taken as real ones", stacklevel=2)
        rl, ru = self.row_bounds(m)
        c, l, u = np.zeros(n), np.zeros(n), np.full(n, inf)
        for target, found in ((c, self.costs), (l, self.lower), (u, self.upper)):
            target[list(found)] = list(found.values())
        names = Names(self.name, self.objective, tuple(self.rows), tuple(self.columns))
        A = sp.csr_array((values, (rows, columns)), shape=(m, n))
        try:
            return LP(c, A, rl, ru, l, u, self.offset, self.maximize, names)
        except ValueError as error:
            raise ValueError(f"the file has impossible data: {error}") from None

    def row_bounds(self, m):
        """Return the bounds of the rows from types, right-hand sides and ranges."""
        b = np.zeros(m)
        b[list(self.rhs)] = list(self.rhs.values())
        kinds = np.array(self.kinds, "U1")
        rl, ru = np.where(kinds == "L", -inf, b), np.where(kinds == "G", inf, b)
        for row, value in self.ranges.items():
            if kinds[row] == "G" or (kinds[row] == "E" and value > 0):
                ru[row] = b[row] + abs(value)
            else:
                rl[row] = b[row] - abs(value)
        return rl, ru
