"""Forecasts of the time of methods from counts alone, so that a choice does not vary from run to run.

The constants are seconds on two threads of a server of 2026, measured roughly once; only their ratios decide.
"""

from typing import NamedTuple

CALLS = {"cg": 8e-6}  # an iteration of a small system: its calls
CALL = 2e-5  # the same of other methods
# An entry of the matrix in a product, or an item of a vector in an update: 12 or 16 bytes. Small systems are
# multiplied on one thread.
ITEM, ITEM_OF_SMALL, SMALL = 2.0e-10, 3.5e-10, 12_000
SERIAL = 1.1e-9  # an entry of an incomplete factorisation that is applied row by row, on one thread
# Items of vectors an iteration moves for each row, and products with the matrix and the preconditioner.
VECTORS = {"cg": 6, "minres": 9, "bicgstab": 16, "idrs": 20, "gmres": 24, "fgmres": 40}
PRODUCTS = {"bicgstab": 2}
IN_BLOCK = {"cg": 0.6}  # time for a column of a block over that of a vector
CYCLE = 6  # products with the matrix that a multigrid cycle takes the time of
# Set-ups, a call and an entry: PyAMG's smoothed aggregation; the pattern and the factors of ilu0.
SET_UP = {"amg": (1e-2, 4e-7), "ilu0": (1e-3, 3e-8), "ic0": (1e-3, 3e-8), "jacobi": (0.0, 1e-9)}
# SuperLU: a row, an entry of L, and a multiplication in the elimination of a column; the solution for one
# right-hand side with refinement and error bound, an entry of L; scaling and checks, an entry of A.
ROW, FILL, WORK, SOLVES, CHECKS = 1e-6, 3e-8, 1.5e-10, 2e-8, 2e-7
COMPLEX_WORK = 10  # complex multiplications, which SuperLU does without BLAS, over real ones
ORDERING = 2.5e-7  # the minimum degree ordering, an entry of its pattern


class Costs(NamedTuple):
    """The sizes of a system: rows, entries, right-hand sides, and the bytes of a number over eight."""

    n: int
    entries: int
    columns: int
    size: float
    is_complex: bool

    def iteration(self, method, M):
        """Return the seconds of an iteration for one column."""
        products = PRODUCTS.get(method, 1)
        item = ITEM if self.n > SMALL else ITEM_OF_SMALL
        time = item * (products * self.entries + VECTORS.get(method, 16) * self.n)
        extra = 0.0
        if M == "amg":
            extra = CYCLE * item * (self.entries + 6 * self.n) + 10 * CALL
        elif M in ("ilu0", "ic0", "ssor"):
            extra = SERIAL * self.entries
        elif M == "ilu":
            extra = 5 * SERIAL * self.entries
        elif M is not None:
            extra = 2 * item * self.n
        share = IN_BLOCK.get(method, 1.0) if self.columns > 1 else 1.0
        return share * (CALLS.get(method, CALL) + self.size * (time + products * extra))

    def set_up(self, M):
        """Return the seconds of the set-up of a preconditioner."""
        call, entry = SET_UP.get(M, (0.0, 0.0))
        return call + entry * self.entries * self.size

    def iterative(self, method, M, iterations):
        """Return the seconds of a set-up and of so many iterations for each column."""
        return self.set_up(M) + iterations * self.columns * self.iteration(method, M)

    def after(self, method, M, remaining, first, saving):
        """Return the seconds of another choice, from those that remain of a first one, a method and its M.

        It is assumed to take fewer iterations by the factor `saving`.
        """
        return self.set_up(M) + remaining / saving * self.iteration(method, M) / self.iteration(*first)

    def direct(self, fill):
        """Return the seconds of a factorisation with this `Fill`, and of the solution."""
        work = WORK * (COMPLEX_WORK if self.is_complex else 1) * fill.work
        numbers = FILL * fill.entries + SOLVES * fill.entries * self.columns
        return self.least_direct() + self.size * numbers + work

    def least_direct(self):
        """Return a time that every direct solution exceeds."""
        return 1e-3 + ROW * self.n + CHECKS * self.entries

    def ordering(self, entries):
        """Return the seconds that a count of the fill takes, for a pattern of so many entries."""
        return ORDERING * entries

    def work_within(self, seconds):
        """Return the work of a factorisation that takes so many seconds."""
        return seconds / (WORK * (COMPLEX_WORK if self.is_complex else 1))
