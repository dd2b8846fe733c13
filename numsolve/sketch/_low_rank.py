"""The results of randomized factorisations."""

from dataclasses import dataclass

from .._result import ConvergenceError, Status
from ._range import FAILURE


@dataclass(frozen=True, eq=False, repr=False)
class LowRank:
    """What the results share: the error and its reading in words."""

    error_bound: float
    error_frobenius: float
    status: Status
    message: str

    @property
    def success(self):
        """Whether the tolerance was met; true if there was none."""
        return self.status == Status.CONVERGED

    @property
    def rank(self) -> int:
        """Rank of the approximation."""
        raise NotImplementedError

    def check(self):
        """Return the result itself, or raise.

        Returns
        -------
        SvdResult or EighResult
            The result, if its tolerance was met, or if there was none.

        Raises
        ------
        ConvergenceError
            The tolerance was not met; the message says why and what to try.
        """
        if not self.success:
            raise ConvergenceError(self.message)
        return self

    def _as_tuple(self) -> tuple:
        raise NotImplementedError

    def __iter__(self):
        return iter(self._as_tuple())

    def __len__(self):
        return len(self._as_tuple())

    def __getitem__(self, index):
        return self._as_tuple()[index]

    def __repr__(self):
        return (
            f"{type(self).__name__}({self.status.name}: rank {self.rank}; the error is at most "
            f"{self.error_bound:.2e} in the 2-norm, with a probability of 1 - {FAILURE:.0e}, and about "
            f"{self.error_frobenius:.2e} in the Frobenius norm)"
        )


def judged(bound, size, rank, rtol):
    """Return the status and the message for the bound of the error of a matrix of norm `size`."""
    if rtol is None:
        return Status.CONVERGED, "the rank was given, and no tolerance"
    if bound <= rtol * size:
        return Status.CONVERGED, "the bound of the error meets the tolerance"
    return Status.MAXITER, (
        f"the error bound of rank {rank} is {bound:.1e}, above rtol * norm(A) = {rtol * size:.1e}: raise k, "
        "or loosen rtol, which rounding limits"
    )
