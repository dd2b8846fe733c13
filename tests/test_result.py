"""Results, statuses, and how they fail."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import numsolve
from numsolve import ConvergenceError, Result, Status


def test_unpacks_as_in_scipy():
    x, info = Result(np.ones(2), Status.MAXITER, "maxiter reached", np.array([2.0, 1.0]))
    assert x.tolist() == [1, 1]
    assert info == 1


def test_derived_values():
    result = Result(np.ones(2), Status.CONVERGED, "converged", np.array([2.0, 1.0, 0.1]))
    assert result.success
    assert result.nit == 2
    assert result.check() is result
    assert "CONVERGED" in repr(result)
    assert "nit=2" in repr(result)


def test_check_raises_with_the_remedy():
    result = Result(np.ones(2), Status.STAGNATED, "loosen rtol", np.array([2.0, 1.0]))
    with pytest.raises(ConvergenceError, match=r"loosen rtol \(after 1 iterations\)"):
        result.check()


def test_is_frozen():
    result = Result(np.ones(2), Status.CONVERGED, "converged")
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.x = 0
    assert result.nit == 0


def test_signs_of_the_status_follow_scipy():
    assert Status.CONVERGED == 0
    assert all(s > 0 for s in (Status.MAXITER, Status.STOPPED, Status.STAGNATED, Status.TIME_LIMIT))
    assert all(s < 0 for s in (Status.BREAKDOWN, Status.NONFINITE, Status.SINGULAR, Status.INVALID))


@pytest.mark.parametrize("residuals", [np.array([1.0, 0.1]), np.array([[1.0, 2.0], [0.1, np.nan]])])
def test_plot(residuals):
    plt = pytest.importorskip("matplotlib.pyplot")
    ax = Result(np.ones(2), Status.CONVERGED, "converged", residuals).plot()
    assert ax.get_yscale() == "log"
    assert len(ax.lines) == residuals.reshape(2, -1).shape[1]
    plt.close(ax.figure)


def test_sentences_that_methods_share_are_written_once():
    sources = [path.read_text() for path in Path(numsolve.__file__).parent.rglob("*.py")]
    for sentence in ("is not finite: it overflows or returns NaN", "is not positive definite, use {"):
        assert sum(source.count(sentence) for source in sources) == 1


def test_results_compare_by_identity():
    one, other = (numsolve.krylov.cg(np.eye(2), np.ones(2)) for _ in range(2))
    assert one == one
    assert one != other
    assert len({one, other}) == 2


def test_a_result_without_columns_has_a_repr():
    result = Result(np.zeros((3, 0)), Status.CONVERGED, "converged", np.zeros((1, 0)))
    assert "residual=none" in repr(result)
