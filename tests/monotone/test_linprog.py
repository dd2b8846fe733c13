"""linprog: the arguments and the results of SciPy's."""

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp
from hypothesis import assume, given
from hypothesis import strategies as st

from numsolve import ConvergenceWarning, Status
from numsolve.monotone import linprog


@pytest.mark.filterwarnings("ignore::numsolve.ConvergenceWarning")
@given(seed=st.integers(0, 2**32 - 1))
def test_values_and_marginals_are_those_of_scipy(seed):
    rng = np.random.default_rng(seed)
    n, p, q = rng.integers(4, 9), rng.integers(1, 6), rng.integers(0, 3)
    data = {"c": rng.standard_normal(n), "A_ub": rng.standard_normal((p, n)), "b_ub": rng.uniform(0, 2, p)}
    if q:
        A_eq = rng.standard_normal((q, n))
        data |= {"A_eq": A_eq, "b_eq": A_eq @ rng.uniform(0, 0.3, n)}
    bounds = [(0, None if rng.random() < 0.5 else 2.0) for _ in range(n)]
    ours = linprog(**data, bounds=bounds, rtol=1e-9, maxiter=300_000)
    theirs = scipy.optimize.linprog(**data, bounds=bounds)
    assume(ours.status != Status.MAXITER)  # a miss that is told; about one of 1500 such programs is one
    assert ours.success == theirs.success
    if not ours.success:
        assert theirs.status in (2, 3, 4)  # a program without feasible points may have both proofs
        assert ours.certificate.violation <= 1e-6
        assert theirs.status != 3 or ours.status == Status.UNBOUNDED
        return
    assert ours.fun == pytest.approx(theirs.fun, abs=1e-6)
    np.testing.assert_allclose(ours.slack, data["b_ub"] - data["A_ub"] @ ours.x, atol=1e-12)
    for name in ("ineqlin", "eqlin", "lower", "upper"):  # generic programs have one dual solution
        np.testing.assert_allclose(
            getattr(ours, name).marginals, getattr(theirs, name).marginals, atol=1e-4, err_msg=name
        )
    np.testing.assert_allclose(ours.x, theirs.x, atol=1e-4)


@pytest.mark.parametrize(
    "bounds",
    [(-1, 1), [(-1, 1)], [(-1, 1)] * 2, np.array([[-1, 1], [-1, 1]]), scipy.optimize.Bounds(-1, 1)],
)
def test_forms_of_bounds(bounds):
    assert linprog([1, -1], bounds=bounds, rtol=1e-8).x == pytest.approx([-1, 1])


def test_none_is_no_bound_and_the_default_is_zero():
    assert linprog([1, 1], rtol=1e-8).x == pytest.approx([0, 0])
    assert linprog([1, 1], bounds=None, rtol=1e-8).x == pytest.approx([0, 0])
    with pytest.warns(ConvergenceWarning, match="unbounded"):
        assert linprog([1, 1], bounds=(None, None)).status == Status.UNBOUNDED


def test_sparse_lists_and_columns():
    A, b = [[1, 2], [3, 1]], [4, 6]
    expected = scipy.optimize.linprog([-1, -1], A, b).x
    for given_A in (A, np.array(A), sp.csr_array(A), sp.csc_matrix(A), sp.coo_array(A)):
        found = linprog(np.array([[-1.0], [-1.0]]), given_A, np.array(b)[:, None], rtol=1e-8)
        assert found.x == pytest.approx(expected, abs=1e-6)
    assert linprog([-1, -1], [1, 2], 4, rtol=1e-8).fun == pytest.approx(-4, abs=1e-6)


def test_the_program_of_scipys_page():
    found = linprog([-1, 4], [[-3, 1], [1, 2]], [6, 4], bounds=[(None, None), (-3, None)], rtol=1e-9)
    assert found.fun == pytest.approx(-22)
    assert found.ineqlin.marginals == pytest.approx([0, -1], abs=1e-6)
    assert found.lower.marginals == pytest.approx([0, 6], abs=1e-6)
    assert found.message == "optimal to the tolerance"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"c": []}, "at least one number"),
        ({"A_ub": [[1, 1]], "b_ub": None}, "A_ub is given without b_ub"),
        ({"A_ub": [[1, 1]], "b_ub": [1, 2]}, r"A_ub has shape \(1, 2\) and b_ub \(2,\)"),
        ({"A_eq": [[1, 1, 1]], "b_eq": [1]}, "A_eq has shape"),
        ({"A_eq": [[1, 1]], "b_eq": [np.nan]}, "b_eq has NaN"),
        ({"A_eq": [[1, 1]], "b_eq": [np.inf]}, "b_eq has 1 NaN or infinite"),
        ({"bounds": [(0, 1)] * 3}, "bounds has shape"),
        ({"bounds": 3}, "bounds is 3"),
        ({"bounds": [(0, 1, 2)] * 2}, "bounds has shape"),
        ({"c": [np.nan, 1]}, "c has 1 NaN"),
    ],
)
def test_bad_arguments(change, message):
    with pytest.raises(ValueError, match=message):
        linprog(**({"c": [1.0, 1.0]} | change))
