"""The reductions, in passes over the whole program."""

import numpy as np
import scipy.sparse as sp

from .._certificate import farkas, recession
from ._steps import FixedColumns, ForcingRows, FreeColumns, SingletonRows

PASSES = 30
NONE = np.zeros(0, int)
TOLERANCE = 1e-9  # relative to the sizes of what is added
PIVOT = 1e-2  # smallest coefficient of a variable that is substituted, over the largest of its row


class Contradiction(Exception):
    """A reduction has shown that there is no solution; it holds the certificate of the program."""

    def __init__(self, certificate):
        super().__init__()
        self.certificate = certificate


class Matrix:
    """The matrix by rows and by columns."""

    def __init__(self, A):
        self.rows, self.columns = A.tocsr(), A.T.tocsr()
        self.row_of = np.repeat(np.arange(A.shape[0]), np.diff(self.rows.indptr))
        self.column_of, self.data = self.rows.indices, self.rows.data
        self.shape = A.shape

    def by_rows(self, rows):
        """Return some rows."""
        return self.rows[rows]

    def by_columns(self, columns):
        """Return the transpose of some columns."""
        return self.columns[columns]


class Reducer:
    """The state of a presolve: the entries of the matrix never change, rows and columns only go."""

    def __init__(self, lp):
        self.lp, self.A = lp, Matrix(lp.A)
        self.sense = -1.0 if lp.maximize else 1.0
        self.c, self.offset = self.sense * lp.c, 0.0
        self.rl, self.ru, self.l, self.u = (b.copy() for b in (lp.rl, lp.ru, lp.l, lp.u))
        self.has_row, self.has_column = np.ones(lp.shape[0], bool), np.ones(lp.shape[1], bool)
        self.entry = self.A.data != 0
        self.steps = []

    def run(self):
        """Reduce until nothing changes."""
        for _ in range(PASSES):
            before = len(self.steps), int(self.has_row.sum()), int(self.has_column.sum())
            self.drop_rows()
            self.fix_columns()
            self.use_singleton_rows()
            self.use_activities()
            self.substitute_free_columns()
            self.fix_dominated_columns()
            if before == (len(self.steps), int(self.has_row.sum()), int(self.has_column.sum())):
                break

    def left(self):
        """Return the matrix of what is left."""
        row_place, column_place = np.cumsum(self.has_row) - 1, np.cumsum(self.has_column) - 1
        m, n = int(self.has_row.sum()), int(self.has_column.sum())
        ends = np.cumsum(np.bincount(row_place[self.A.row_of[self.entry]], minlength=m))
        index = self.A.column_of.dtype
        indices = column_place[self.A.column_of[self.entry]].astype(index)
        indptr = np.concatenate(([0], ends)).astype(index)
        return sp.csr_array((self.A.data[self.entry], indices, indptr), shape=(m, n))

    def without(self, rows=NONE, columns=NONE):
        """Remove rows and columns."""
        self.has_row[rows] = False
        self.has_column[columns] = False
        self.entry &= self.has_row[self.A.row_of] & self.has_column[self.A.column_of]

    def counts(self, of):
        """Return the numbers of entries of rows or columns."""
        places, size = (
            (self.A.row_of, self.A.shape[0]) if of == "rows" else (self.A.column_of, self.A.shape[1])
        )
        return np.bincount(places[self.entry], minlength=size)

    def only_entries(self, of):
        """Return rows, columns and values of entries that are alone in their row or column."""
        alone = self.counts(of) == 1
        places = self.A.row_of if of == "rows" else self.A.column_of
        found = np.flatnonzero(self.entry & alone[places])
        return self.A.row_of[found], self.A.column_of[found], self.A.data[found]

    def drop_rows(self):
        """Drop rows without bounds or without entries."""
        empty = self.has_row & (self.counts("rows") == 0)
        size = TOLERANCE * (1 + np.maximum(_finite(self.rl), _finite(self.ru)))
        broken = np.flatnonzero(empty & ((self.rl > size) | (self.ru < -size)))
        if len(broken):
            y = np.zeros(len(self.rl))
            y[broken[0]] = 1.0 if self.rl[broken[0]] > 0 else -1.0
            self.infeasible(y)
        free = self.has_row & np.isinf(self.rl) & np.isinf(self.ru)
        gone = np.flatnonzero(empty | free)
        if len(gone):
            self.without(rows=gone)

    def fix_columns(self):
        """Remove variables with equal bounds, and those without entries."""
        fixed = self.has_column & (self.l == self.u)
        empty = self.has_column & ~fixed & (self.counts("columns") == 0)
        wanted = np.where(self.c > 0, self.l, np.where(self.c < 0, self.u, np.clip(0.0, self.l, self.u)))
        endless = np.flatnonzero(empty & np.isinf(wanted))
        if len(endless):
            x = np.zeros(len(self.c))
            x[endless[0]] = -np.sign(self.c[endless[0]])
            self.unbounded(x)
            empty[endless] = False
        columns = np.flatnonzero(fixed | empty)
        self.fix(columns, np.where(fixed, self.l, wanted)[columns])

    def fix(self, columns, values):
        """Give variables a value."""
        if not len(columns):
            return
        self.steps.append(FixedColumns(columns, values, self.c[columns]))
        self.move(columns, values)
        self.without(columns=columns)

    def move(self, columns, values):
        """Take the part of variables with values out of the rows and the objective."""
        change = self.A.by_columns(columns).T @ values
        self.rl, self.ru = self.rl - change, self.ru - change
        self.offset += float(self.c[columns] @ values)

    def use_singleton_rows(self):
        """Make rows of one variable bounds of it."""
        rows, columns, entries = self.only_entries("rows")
        if not len(rows):
            return
        first, second = self.rl[rows] / entries, self.ru[rows] / entries
        lower, upper = np.minimum(first, second), np.maximum(first, second)
        touched = np.unique(columns)
        places = np.searchsorted(touched, columns)
        new = []
        for bounds, limits, sign in ((lower, self.l, 1.0), (upper, self.u, -1.0)):
            best = (sign * limits[touched]).copy()
            source = np.full(len(touched), -1)
            order = np.argsort(sign * bounds, kind="stable")  # the tightest comes last and stays
            stronger = order[sign * bounds[order] > best[places[order]]]
            source[places[stronger]] = stronger
            found = source >= 0
            best[found] = sign * bounds[source[found]]
            new.append(
                (sign * best, np.where(found, rows[source], -1), np.where(found, entries[source], 1.0))
            )
        (l, lower_rows, lower_entries), (u, upper_rows, upper_entries) = new
        slack = TOLERANCE * (1 + np.maximum(_finite(l), _finite(u)))
        crossed = np.flatnonzero(l > u + slack)
        if len(crossed):
            self.crossed(touched, crossed[0], (lower_rows, lower_entries), (upper_rows, upper_entries))
        u = np.maximum(u, l)  # bounds that cross by rounding errors
        self.l[touched], self.u[touched] = l, u
        self.steps.append(SingletonRows(touched, lower_rows, upper_rows, lower_entries, upper_entries))
        self.without(rows=rows)

    def crossed(self, touched, k, below, above):
        """Claim that the bounds of a variable contradict each other."""
        y, s = np.zeros(len(self.rl)), np.zeros(len(self.c))
        for (rows, entries), sign in ((below, 1.0), (above, -1.0)):
            if rows[k] >= 0:
                y[rows[k]] += sign / entries[k]
            else:
                s[touched[k]] += sign
        self.infeasible(y)

    def activities(self):
        """Return the smallest and largest values of rows that the bounds of variables allow."""
        rows, data = self.A.row_of[self.entry], self.A.data[self.entry]
        columns = self.A.column_of[self.entry]
        up, down = data > 0, data < 0
        smallest = np.bincount(rows, data * np.where(up, self.l[columns], self.u[columns]), len(self.rl))
        largest = np.bincount(rows, data * np.where(down, self.l[columns], self.u[columns]), len(self.rl))
        sizes = np.bincount(
            rows,
            abs(data) * np.minimum(_finite(self.l[columns]) + _finite(self.u[columns]), 1e300),
            len(self.rl),
        )
        return smallest, largest, TOLERANCE * (1 + sizes)

    def use_activities(self):
        """Drop rows that the bounds of variables satisfy, and fix variables that a row forces to a bound."""
        smallest, largest, slack = self.activities()
        for side, impossible in ((1.0, largest < self.rl - slack), (-1.0, smallest > self.ru + slack)):
            broken = np.flatnonzero(self.has_row & impossible)
            if len(broken):
                y = np.zeros(len(self.rl))
                y[broken[0]] = side
                self.infeasible(y)
        redundant = self.has_row & (smallest >= self.rl) & (largest <= self.ru)
        if redundant.any():
            self.without(rows=np.flatnonzero(redundant))
        at_lower = self.has_row & (largest <= self.rl + slack * 1e-3) & np.isfinite(largest)
        at_upper = self.has_row & ~at_lower & (smallest >= self.ru - slack * 1e-3) & np.isfinite(smallest)
        self.use_forcing_rows(np.flatnonzero(at_lower | at_upper), at_lower)

    def use_forcing_rows(self, rows, at_lower):
        """Fix the variables of forcing rows that have no variable in common."""
        if not len(rows):
            return
        found = np.flatnonzero(self.entry & np.isin(self.A.row_of, rows))
        first = np.full(self.A.shape[1], len(self.rl))
        np.minimum.at(first, self.A.column_of[found], self.A.row_of[found])
        shared = self.A.row_of[found][first[self.A.column_of[found]] != self.A.row_of[found]]
        rows = np.setdiff1d(rows, shared)
        found = found[np.isin(self.A.row_of[found], rows)]
        if not len(found):
            return
        row_of, columns, entries = self.A.row_of[found], self.A.column_of[found], self.A.data[found]
        up = (entries > 0) == at_lower[row_of]
        values = np.where(up, self.u[columns], self.l[columns])
        self.steps.append(
            ForcingRows(
                rows, at_lower[rows], columns, values, self.c[columns], np.searchsorted(rows, row_of), entries
            )
        )
        self.move(columns, values)
        self.without(rows=rows, columns=columns)

    def substitute_free_columns(self):
        """Substitute variables without bounds that occur in one row."""
        rows, columns, entries = self.only_entries("columns")
        if not len(rows):
            return
        largest = np.zeros(len(self.rl))
        np.maximum.at(largest, self.A.row_of[self.entry], abs(self.A.data[self.entry]))
        good = abs(entries) >= PIVOT * largest[rows]
        good &= self.is_free(rows, columns, entries)
        multipliers = self.c[columns] / entries
        equation = self.rl[rows] == self.ru[rows]
        side = np.where(multipliers > 0, self.rl[rows], self.ru[rows])
        good &= equation | (multipliers == 0) | np.isfinite(side)
        rows, columns, entries, multipliers, side = (
            v[good] for v in (rows, columns, entries, multipliers, side)
        )
        rows, chosen = np.unique(rows, return_index=True)
        if not len(rows):
            return
        columns, entries, multipliers, side = (v[chosen] for v in (columns, entries, multipliers, side))
        none = multipliers == 0
        lower, upper = (np.where(none, b[rows], side) for b in (self.rl, self.ru))
        self.steps.append(FreeColumns(columns, rows, entries, lower, upper, multipliers))
        self.offset += float(multipliers @ np.where(none, 0.0, side))
        self.c = self.c - self.A.by_rows(rows).T @ multipliers
        self.without(rows=rows, columns=columns)

    def is_free(self, rows, columns, entries):
        """Tell which variables have no bounds, or bounds that an equation implies."""
        l, u = self.l[columns], self.u[columns]
        free = np.isinf(l) & np.isinf(u)
        smallest, largest, _ = self.activities()
        b, equation = self.rl[rows], self.rl[rows] == self.ru[rows]
        with np.errstate(invalid="ignore"):
            own_low = np.where(entries > 0, entries * l, entries * u)
            own_high = np.where(entries > 0, entries * u, entries * l)
            first = (b - (largest[rows] - own_high)) / entries
            second = (b - (smallest[rows] - own_low)) / entries
            low, high = np.minimum(first, second), np.maximum(first, second)
            implied = equation & (low >= l) & (high <= u)
        return free | (implied & (self.counts("rows")[rows] > 1))

    def fix_dominated_columns(self):
        """Fix variables whose reduced cost has one sign for all multipliers that the rows allow."""
        low = np.where(np.isfinite(self.ru), -np.inf, 0.0)
        high = np.where(np.isfinite(self.rl), np.inf, 0.0)
        rows, columns = self.A.row_of[self.entry], self.A.column_of[self.entry]
        data, n = self.A.data[self.entry], len(self.c)
        with np.errstate(invalid="ignore"):
            up = np.where(data > 0, data * high[rows], data * low[rows])
            down = np.where(data > 0, data * low[rows], data * high[rows])
        most, least = np.bincount(columns, up, n), np.bincount(columns, down, n)
        size = TOLERANCE * (1 + abs(self.c))
        at_lower = self.has_column & (self.c - most > size)
        at_upper = self.has_column & (self.c - least < -size)
        values = np.where(at_lower, self.l, self.u)
        chosen = np.flatnonzero((at_lower | at_upper) & np.isfinite(values))
        self.fix(chosen, values[chosen])

    def infeasible(self, y):
        """Raise with a certificate, if the multipliers of the rows are one for the whole program."""
        s = np.zeros(len(self.c))
        present = np.flatnonzero(self.has_column)
        s[present] = -(self.A.by_columns(present) @ y)
        y, s = self.back(y, s)
        found = farkas(self.lp, y)
        if found.violation <= TOLERANCE:
            raise Contradiction(found)

    def unbounded(self, x):
        """Raise with a certificate, if a direction is one for the whole program."""
        for step in reversed(self.steps):
            step.primal(x, self.A, True)
        found = recession(self.lp, x)
        if found.violation <= TOLERANCE:
            raise Contradiction(found)

    def back(self, y, s):
        """Return Farkas multipliers of the whole program."""
        for step in reversed(self.steps):
            step.dual(y, s, self.A, True)
        return y, s


def _finite(values):
    """Return magnitudes, 0 for infinite ones."""
    return np.where(np.isfinite(values), abs(values), 0.0)
