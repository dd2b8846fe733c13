"""The page for users of other libraries: its tables run, and the differences it states are tested."""

import re
import warnings
from pathlib import Path

import numpy as np
import pyamg
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla

from numsolve import ConvergenceWarning, Status, krylov, precondition, solve
from numsolve.problems import convection_diffusion, poisson

PAGE = (Path(__file__).parents[1] / "docs" / "from_scipy.md").read_text()
ROWS = [
    tuple(re.findall(r"`([^`]+)`", cell) for cell in line.strip("|").split(" | "))
    for line in PAGE.splitlines()
    if line.startswith("| `")
]


@pytest.fixture
def names(rng):
    """What the page's code may use."""
    A = sp.csr_array(poisson((11, 12)) + 0.5 * sp.eye_array(132))
    E = rng.standard_normal((60, 20))
    return {
        "A": A,
        "b": rng.standard_normal(132),
        "x0": rng.standard_normal(132),
        "M": sp.csr_array(sp.diags_array(1 / A.diagonal())),
        "E": E,
        "f": rng.standard_normal(60),
        "ml": pyamg.smoothed_aggregation_solver(sp.csr_matrix(A)),
        "krylov": krylov,
        "precondition": precondition,
        "solve": solve,
        "spla": spla,
        "pyamg": pyamg,
    }


def solution(code, names):
    """Run a call and return x, whatever it is wrapped in."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        found = eval(code, dict(names))
    if hasattr(found, "x"):
        return found.check().x
    return found[0] if isinstance(found, tuple) else found


def wanted(code, names):
    """Return the solution of the problem a call is about, by dense linear algebra."""
    A, b, E, f = names["A"].toarray(), names["b"], names["E"], names["f"]
    if "(E" in code:
        damp = 0.1 if "damp" in code or ", 0.1" in code else 0.0
        return np.linalg.solve(E.T @ E + damp**2 * np.eye(20), E.T @ f)
    return np.linalg.solve(A - (0.1 if "shift" in code else 0) * np.eye(132), b)


@pytest.mark.parametrize(("theirs", "ours"), ROWS, ids=lambda cell: cell[0])
@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
def test_each_row_of_the_tables(theirs, ours, names):
    for code in [*theirs, *ours]:
        if not code.startswith("-ksp"):
            np.testing.assert_allclose(solution(code, names), wanted(code, names), atol=1e-7)


def test_all_methods_that_scipy_has_too_are_in_the_table():
    shared = {name for name in krylov.__all__ if hasattr(spla, name)}
    assert shared == set(re.findall(r"`spla\.(\w+)\(", PAGE)) & set(krylov.__all__)
    assert len(ROWS) == PAGE.count("\n| `")


def test_each_block_of_code_runs_alone():
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        exec(block, {})


def capped(method, *args, **options):
    """Solve without a warning of the miss that is meant."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return method(*args, **options)


def test_gmres_counts_products_and_restarts_later(rng):
    A, b = convection_diffusion((12, 12), (30.0, 5.0)), rng.standard_normal(144)
    theirs = spla.gmres(A, b, rtol=1e-12, restart=5, maxiter=3)[0]
    ours = capped(krylov.gmres, A, b, rtol=1e-12, restart=5, maxiter=15)
    assert ours.nit == 15
    np.testing.assert_allclose(ours.x, theirs, rtol=1e-6, atol=1e-9)
    norms = []
    spla.gmres(A, b, rtol=1e-12, maxiter=1, callback=norms.append, callback_type="pr_norm")
    assert len(norms) == 20


def test_gmres_preconditions_from_the_other_side(rng):
    A, b = convection_diffusion((12, 12), (30.0, 5.0)), rng.standard_normal(144)
    M = sp.csr_array(sp.diags_array(rng.uniform(0.1, 10, 144)))
    theirs = b - A @ spla.gmres(A, b, M=M, restart=6, maxiter=1)[0]
    ours = b - A @ capped(krylov.gmres, A, b, M=M, restart=6, maxiter=6).x
    assert np.linalg.norm(ours) < 0.99 * np.linalg.norm(theirs)
    assert np.linalg.norm(M @ theirs) < 0.99 * np.linalg.norm(M @ ours)


def test_minres_stops_by_the_residual_relative_to_b():
    """Not relative to ``norm(A) * norm(x)``, which is 1e5 times larger here."""
    d, b = np.geomspace(1e-6, 1, 200), np.ones(200)
    result = krylov.minres(sp.diags_array(d), b, rtol=1e-5, maxiter=5000).check()
    assert np.linalg.norm(b - d * result.x) <= 1e-5 * np.linalg.norm(b)
    assert np.linalg.norm(result.x) > 1e5 * np.linalg.norm(b)


@pytest.mark.parametrize("method", [krylov.lsqr, krylov.lsmr])
def test_least_squares_stop_by_the_gradient(method, rng):
    E, f = rng.standard_normal((300, 40)), rng.standard_normal(300)
    for smallest in (1e-2, 1e-4):  # by more than 1000: columns are scaled by powers of two
        B = E * np.geomspace(1, smallest, 40)
        D = 1.0 if smallest > 1e-3 else np.ldexp(1.0, -np.frexp(np.linalg.norm(B, axis=0))[1])
        result = method(B, f).check()
        assert np.linalg.norm(D * (B.T @ (f - B @ result.x))) <= 1.001e-6 * np.linalg.norm(D * (B.T @ f))
        assert result.residual_norm == pytest.approx(np.linalg.norm(f - B @ result.x))


def test_info_is_a_status_and_the_count_is_nit(names):
    A, b = names["A"], names["b"]
    assert spla.cg(A, b, maxiter=3)[1] == 3
    with pytest.warns(ConvergenceWarning):
        result = krylov.cg(A, b, maxiter=3)
    _, info = result
    assert info == Status.MAXITER == 1
    assert result.nit == 3
    with pytest.warns(ConvergenceWarning):
        x, info = krylov.cg(-A, b)
    assert info == Status.BREAKDOWN < 0
    assert np.isfinite(x).all()


@pytest.mark.parametrize("name", ["cg", "bicgstab", "gmres"])
def test_pyamg_takes_our_methods_as_accelerators(name, names):
    A, b, ml, seen, residuals = names["A"], names["b"], names["ml"], [], []
    x = ml.solve(b, tol=1e-9, accel=getattr(krylov, name), residuals=residuals, callback=seen.append)
    assert np.linalg.norm(b - A @ x) <= 1e-9 * np.linalg.norm(b)
    assert len(seen) == len(residuals) - 1 >= 3


@pytest.mark.parametrize("name", ["cg", "bicgstab", "gmres", "minres"])
def test_callbacks_get_the_norm_too_and_may_stop(name, names):
    A, b, seen = names["A"], names["b"], []

    def callback(x, norm):
        seen.append(abs(norm - np.linalg.norm(b - A @ x)))
        return len(seen) == 3

    assert getattr(krylov, name)(A, b, callback=callback).status == Status.STOPPED
    assert max(seen) < 1e-10 * np.linalg.norm(b)


def test_shapes(names):
    A, b = names["A"], names["b"]
    assert krylov.cg(A, np.stack([b, b], axis=1)).x.shape == (132, 2)
    for method in (krylov.cg, krylov.lsqr):
        assert method(A, b[:, None]).x.shape == (132, 1)
    assert spla.cg(A, b[:, None])[0].shape == (132,)


def test_pyamgs_hierarchy_costs_a_few_more_iterations(names):
    A, b, ml = names["A"], names["b"], names["ml"]
    theirs = krylov.cg(A, b, rtol=1e-10, M=ml.aspreconditioner()).check().nit
    ours = krylov.cg(A, b, rtol=1e-10, M=precondition.amg(A, method=ml)).check().nit
    assert theirs - 1 <= ours <= 2 * theirs
    residuals = []
    pyamg.krylov.gmres(A, b, tol=1e-12, restart=5, maxiter=2, residuals=residuals)
    assert len(residuals) == 2 * 5 + 1
