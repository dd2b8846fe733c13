"""What relaxation and sequences ask a learner, and tell it."""

from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp
from support.splittings import Recorder

import numsolve
from numsolve import ConvergenceWarning
from numsolve.problems import poisson
from numsolve.relaxation import sor, ssor


@pytest.mark.parametrize("method", [sor, ssor])
def test_a_learner_suggests_and_observes(method):
    A, b, learner = poisson((10, 10)), np.ones(100), Recorder(1.3, 1.6)
    one = method(A, b, omega=learner, context=0.5, rtol=1e-8).check()
    two = method(A, b, omega=learner, context=0.7, rtol=1e-8).check()
    assert learner.asked == [0.5, 0.7]
    assert learner.seen == [(1.3, one.nit, 0.5), (1.6, two.nit, 0.7)]
    assert (one.omega, two.omega) == (1.3, 1.6)
    assert two.nit == method(A, b, omega=1.6, rtol=1e-8).nit


def test_failures_cost_a_learner_maxiter():
    learner = Recorder(1.1)
    with pytest.warns(ConvergenceWarning):
        sor(poisson((10, 10)), np.ones(100), omega=learner, maxiter=7)
    with pytest.warns(ConvergenceWarning, match="diverge"):
        sor(np.array([[1.0, 3.0], [3.0, 1.0]]), np.ones(2), omega=learner, maxiter=4000)
    assert [cost for _, cost, _ in learner.seen] == [7, 4000]
    with pytest.raises(ValueError, match=r"what omega.suggest\(context\) returned is 2.5"):
        sor(poisson((3,)), np.ones(3), omega=Recorder(2.5))
    refused = Recorder(1.1)
    with pytest.raises(ValueError, match="zero entries"):
        sor(np.array([[0.0, 1.0], [1.0, 0.0]]), np.ones(2), omega=refused)
    assert not refused.asked


def test_a_sequence_tells_the_learner_the_features():
    shifts = np.linspace(0, 0.4, 6)
    systems = [(poisson((10, 10)) + c * sp.eye_array(100), np.ones(100)) for c in shifts]
    by_array, by_function, by_system = Recorder(1.5), Recorder(1.5), Recorder(1.5)
    run = partial(numsolve.krylov.solve_sequence, method=sor, rtol=1e-8)
    results = list(run(systems, omega=by_array, features=shifts, sort=None))
    assert all(result.success and result.omega == 1.5 for result in results)
    assert [c for *_, c in by_array.seen] == shifts.tolist()
    assert [cost for _, cost, _ in by_array.seen] == [result.nit for result in results]
    assert results[-1].nit < results[0].nit  # a guess from the solutions before, and a larger shift
    list(run(iter(systems), omega=by_function, features=lambda s: s[0][0, 0] - 4, sort=None))
    assert [c for *_, c in by_function.seen] == pytest.approx(shifts.tolist())
    order = [3, 0, 1, 2, 4, 5]
    list(run([(*s, [c, 1.0]) for s, c in zip(systems, shifts, strict=True)], omega=by_system, sort=order))
    assert [c[0] for *_, c in by_system.seen] == shifts[order].tolist()
    with pytest.raises(ValueError, match="omega is 3"):
        run(systems, omega=3)
    with pytest.raises(TypeError, match="nonsense"):
        run(systems, nonsense=3)
