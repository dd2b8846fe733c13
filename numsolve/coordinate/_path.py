"""Results for a sequence of penalties, with few nonzero coefficients each."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .._array import array_module, library, namespace, sparse_module, to_host
from .._result import ConvergenceError


class CoordinatePath(Sequence):
    """Results for several values of `lam`: a sequence, ``path[i]`` is the result for ``lams[i]``.

    The coefficients are stored without their zeros.

    Attributes
    ----------
    lams : numpy.ndarray, shape (k,)
        The factors of the penalty, in the caller's order.
    """

    def __init__(self, lams, results):
        self.lams = np.asarray(lams, float)
        self._results = tuple(results)

    @classmethod
    def of(cls, lams, results) -> "CoordinatePath":
        """Return the path of some results.

        Parameters
        ----------
        lams : array, shape (k,)
            The factors of the penalty.
        results : iterable of CoordinateResult
            The result for each.

        Returns
        -------
        CoordinatePath
            The path; it stores the coefficients without their zeros.
        """
        return cls(lams, (_Stored(result) for result in results))

    def __len__(self):
        return len(self._results)

    def __getitem__(self, index) -> Any:
        if isinstance(index, slice):
            return type(self)(self.lams[index], self._results[index])
        return self._results[index].result()

    @property
    def coefs(self) -> Any:
        """The coefficients, a sparse array of shape (n, k) in compressed columns; ``toarray()`` fills it."""
        xp: Any = namespace(self._results[0].values)
        starts = np.cumsum([0, *(len(r.rows) for r in self._results)])
        indices = xp.concatenate(tuple(r.rows for r in self._results))
        data = xp.concatenate(tuple(r.values for r in self._results))
        home = library(data) or "numpy"
        kind = sparse_module(home).csc_array if home == "numpy" else sparse_module(home).csc_matrix
        return kind((data, indices, xp.asarray(starts)), shape=(self._results[0].n, len(self)))

    @property
    def intercepts(self) -> np.ndarray:
        """The intercepts, shape (k,)."""
        return np.array([r.fields.intercept for r in self._results])

    @property
    def gaps(self) -> np.ndarray:
        """The duality gaps, shape (k,)."""
        return np.array([r.fields.gap for r in self._results])

    @property
    def objectives(self) -> np.ndarray:
        """The objectives, shape (k,)."""
        return np.array([r.fields.objective for r in self._results])

    @property
    def statuses(self) -> list:
        """The status of each result."""
        return [r.fields.status for r in self._results]

    @property
    def success(self) -> bool:
        """Whether all results met the tolerance."""
        return all(r.fields.success for r in self._results)

    def check(self) -> "CoordinatePath":
        """Return the path itself, or raise.

        Returns
        -------
        CoordinatePath
            The path, if all of it met the tolerance.

        Raises
        ------
        ConvergenceError
            A result missed the tolerance; the message says which, why, and what to try.
        """
        for lam, stored in zip(self.lams, self._results, strict=True):
            if not stored.fields.success:
                raise ConvergenceError(f"lam = {lam:.3e}: {stored.fields.message}")
        return self

    def plot(self, ax=None, **style):
        """Draw the coefficients that are ever nonzero against `lam`.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw. Default: a new figure.
        **style
            Passed on to ``ax.plot``, as ``color``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            ax = plt.subplots(figsize=(6, 4), layout="constrained")[1]
        coefs = to_host(self.coefs).tocsr()
        drawn = np.flatnonzero(np.diff(coefs.indptr))
        ax.plot(self.lams, coefs[drawn].toarray().T, **style)
        ax.set(xscale="log", xlabel="lam", ylabel="coefficient")
        ax.invert_xaxis()
        ax.grid(True, which="major", alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
        return ax

    def __repr__(self):
        met = sum(r.fields.success for r in self._results)
        counts = [len(r.rows) for r in self._results] or [0]
        span = f"{self.lams.max():.3e} to {self.lams.min():.3e}" if len(self) else "none"
        return (
            f"{type(self).__name__}({len(self)} values of lam, {span}: {met} converged; "
            f"{min(counts)} to {max(counts)} nonzero coefficients)"
        )


class _Stored:
    """A result whose coefficients are stored without their zeros."""

    def __init__(self, result):
        x = result.x
        self.n, self._dtype = len(x), x.dtype
        self.rows = namespace(x).nonzero(x)[0]
        self.values = x[self.rows]
        self.fields = replace(result, x=None)

    def result(self):
        """Return the result."""
        x = array_module(library(self.values) or "numpy").zeros(self.n, self._dtype)
        x[self.rows] = self.values
        return replace(self.fields, x=x)
