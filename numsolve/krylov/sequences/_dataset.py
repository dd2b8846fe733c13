"""Write the results of many solves to a file."""

from pathlib import Path
from typing import Any

import numpy as np

from ... import _validate
from ..._array import to_host
from ..._result import Status
from ._solver import last_norm

# Values in the row of a system that was not solved.
MISSING = {"solutions": np.nan, "iterations": 0, "status": int(Status.INTERRUPTED), "residuals": np.nan}


def write_dataset(path, results, *, features=None, right_hand_sides=None):
    """Write the results of a sequence to a file, one row per system, in the order of the systems.

    Parameters
    ----------
    path : str or path
        Ends in ``.npz``, or in ``.h5`` or ``.hdf5``, which needs h5py. A file of that name is overwritten.
    results : SequenceRun or iterable of Result
        A run returned by `solve_sequence`, whose systems are solved while they are written; or results in
        order.
    features : array, shape (count, ...), optional
        Written to the file too. Default: the features that ordered the sequence, if they were given.
    right_hand_sides : array, shape (count, ...), optional
        Written to the file too.

    Returns
    -------
    dict of str to int
        Number of results of each status, by name.

    Raises
    ------
    ValueError
        The file name has another ending, solutions differ in shape, or an array has another number of rows.
    RuntimeError
        The file is to be HDF5, and h5py is not installed.

    Notes ----- The arrays are ``solutions`` (count, n), ``iterations``, ``status`` (see `Status`),
    ``residuals`` (the last norm of each), and the given ones. The solution is NaN for a system whose input
    was refused, or that was not reached. HDF5 is written row by row, with one solution in memory at a time;
    ``.npz`` is written at the end. If the run is interrupted, the file has the results so far, and the other
    rows have the status ``INTERRUPTED``.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import solve_sequence, write_dataset
    >>> run = solve_sequence([(np.eye(2), np.ones(2)), (2 * np.eye(2), np.ones(2))])
    >>> write_dataset("solutions.npz", run)  # doctest: +SKIP
    {'CONVERGED': 2}
    """
    path = Path(path)
    table = _table(path)
    features = getattr(results, "features", None) if features is None else features
    found = dict.fromkeys(Status, 0)
    pairs = results.as_solved() if hasattr(results, "as_solved") else enumerate(results)
    with table as out:
        for name, array in (("features", features), ("right_hand_sides", right_hand_sides)):
            if array is not None:
                out.whole(name, _validate.as_array(to_host(array), name))
        for number, result in pairs:
            found[result.status] += 1
            if result.status != Status.INVALID:
                out.put(number, "solutions", _validate.as_array(to_host(result.x), "x"))
            for name, value in zip(
                list(MISSING)[1:], (result.nit, int(result.status), last_norm(result)), strict=True
            ):
                out.put(number, name, np.asarray(value))
    return {status.name: count for status, count in found.items() if count}


def _table(path) -> Any:
    """Return the writer for a file of that name."""
    if path.suffix == ".npz":
        return _Npz(path)
    if path.suffix not in (".h5", ".hdf5"):
        raise ValueError(f"path is {str(path)!r}; a name that ends in .npz, .h5 or .hdf5 is needed")
    try:
        import h5py
    except ImportError as error:
        raise RuntimeError(
            "HDF5 needs h5py, which is not installed: pip install 'numsolve-kernels[hdf5]', or write .npz"
        ) from error
    return _Hdf5(h5py.File(path, "w"))


class _Table:
    """Rows by number. All rows of one name have the shape of the first valid one."""

    def __init__(self):
        self.shapes, self.count, self.fixed = {}, 0, None

    def __enter__(self):
        return self

    def store(self, name, array):
        """Write an array."""
        raise NotImplementedError

    def row(self, number, name, row):
        """Write a row of an array; the first row creates the array."""
        raise NotImplementedError

    def whole(self, name, array):
        """Take an array with a row for each system."""
        if array.ndim == 0 or self.fixed not in (None, len(array)):
            raise ValueError(f"{name} has shape {array.shape}, but there are {self.fixed} systems")
        self.fixed = len(array)
        self.store(name, array)

    def put(self, number, name, row):
        """Take a row."""
        if self.fixed is not None and number >= self.fixed:
            raise ValueError(f"there are more systems than the {self.fixed} rows that were given")
        self.count = max(self.count, number + 1)
        if self.shapes.setdefault(name, row.shape) != row.shape:
            raise ValueError(
                f"the solution of system {number} has shape {row.shape}, others {self.shapes[name]}: "
                "write a file for each shape"
            )
        self.row(number, name, row)


class _Npz(_Table):
    def __init__(self, path):
        super().__init__()
        self.path, self.arrays, self.rows = path, {}, {}

    def store(self, name, array):
        self.arrays[name] = array

    def row(self, number, name, row):
        self.rows.setdefault(name, {})[number] = row

    def __exit__(self, *error):
        count = self.count if self.fixed is None else self.fixed
        for name, rows in self.rows.items():
            dtype = np.result_type(*{row.dtype for row in rows.values()})
            self.arrays[name] = np.full((count, *self.shapes[name]), MISSING[name], dtype)
            for number, row in rows.items():
                self.arrays[name][number] = row
        np.savez(self.path, **self.arrays)


class _Hdf5(_Table):
    def __init__(self, file):
        super().__init__()
        self.file = file

    def store(self, name, array):
        self.file[name] = array

    def row(self, number, name, row):
        if name not in self.file:
            shape = (self.count if self.fixed is None else self.fixed, *row.shape)
            self.file.create_dataset(
                name,
                shape,
                row.dtype,
                maxshape=(None, *row.shape),
                chunks=(1 if row.shape else 1024, *row.shape),
                fillvalue=np.asarray(MISSING[name], row.dtype)[()],
            )
        if len(self.file[name]) <= number:
            self.file[name].resize(number + 1, axis=0)
        self.file[name][number] = row

    def __exit__(self, *error):
        count = self.count if self.fixed is None else self.fixed
        for name in MISSING:
            if name in self.file:
                self.file[name].resize(count, axis=0)
        self.file.close()
