"""Block coordinate descent: every combination of building blocks, orderings, and faults."""

from itertools import pairwise, product

import numpy as np
import pytest
import scipy.optimize as so
import scipy.sparse as sp

from numsolve import Status
from numsolve.coordinate import (
    L1,
    Box,
    ElasticNet,
    Huber,
    LeastSquares,
    Logistic,
    NoPenalty,
    Poisson,
    Quadratic,
    _iterates,
    minimize,
)
from numsolve.coordinate._partitions import PARTITIONS
from numsolve.coordinate._selections import SELECTIONS
from numsolve.coordinate._updates import UPDATES

SEARCHES = ("line-search-gradient", "newton-line-search")


def regression(rng, m=40, n=11):
    """Return samples with columns of different sizes and an offset, and observations."""
    X = rng.standard_normal((m, n)) * rng.uniform(0.2, 3, n) + 1
    w = rng.standard_normal(n) * (rng.random(n) < 0.5)
    return X, X @ w + rng.standard_normal(m)


def datafits(rng):
    """Return a datafit of each kind, of 11 coefficients."""
    X, y = regression(rng)
    B = rng.standard_normal((11, 11))
    return {
        "least squares": LeastSquares(X, y),
        "logistic": Logistic(X / 5, np.where(y > 0, 1, -1)),
        "quadratic": Quadratic(B @ B.T + np.eye(11), B[0]),
        "huber": Huber(X, y),
        "poisson": Poisson(X / 20, np.abs(np.round(y))),
    }


PENALTIES = {"none": NoPenalty(), "l1": L1(0.05), "elastic net": ElasticNet(0.1, 0.5), "box": Box(-0.1, 0.4)}


def combinations(datafit, penalty, every=1):
    """Yield the options of every valid combination, or of each `every`-th one."""
    blocks = [("order", 1), ("variable", 4), *((name, 4) for name in ("order", "sort", "average"))]
    found = 0
    for (partition, size), select, update in product(blocks, SELECTIONS, UPDATES):
        options = {"partition": partition, "block_size": size, "select": select, "update": update}
        try:
            minimize(datafit, penalty, **options, maxiter=0, rtol=np.inf)
        except ValueError:
            continue
        found += 1
        if found % every == 0:
            yield options


def smooth_optimum(datafit, penalty, n=11):
    """Return the minimum by SciPy: L-BFGS-B on the positive and negative parts."""
    l1, l2, bounds = 0.0, 0.0, [(-np.inf, np.inf)] * n
    if isinstance(penalty, ElasticNet):
        l1, l2 = penalty.lam * penalty.rho, penalty.lam * (1 - penalty.rho)
    if isinstance(penalty, Box):
        bounds = [(penalty.lower, penalty.upper)] * n

    def split(v):
        x = v[:n] - v[n:]
        state = datafit.state(x)
        g = datafit.gradient(state, x) + l2 * x
        value = datafit.value(state, x) + l2 / 2 * x @ x + l1 * v.sum()
        return value, np.concatenate([g + l1, l1 - g])

    bounds = bounds + [(0, 0)] * n if isinstance(penalty, Box) else [(0, np.inf)] * (2 * n)
    options = {"maxiter": 20000, "maxfun": 100000, "ftol": 1e-15, "gtol": 1e-10}
    return so.minimize(
        split, np.zeros(2 * n), jac=True, bounds=bounds, method="L-BFGS-B", options=options
    ).fun


def check_combinations(name, penalty, every, rng):
    """Check that the objective falls and comes near the minimum, for many combinations."""
    datafit, penalty = datafits(rng)[name], PENALTIES[penalty]
    best = smooth_optimum(datafit, penalty)
    count = 0
    for options in combinations(datafit, penalty, every):
        result = minimize(datafit, penalty, **options, rng=1, maxiter=4000, rtol=1e-4, check_every=1)
        objectives = result.objectives
        assert (np.diff(objectives) <= 1e-13 * abs(objectives[:-1])).all(), options
        slow = result.status == Status.MAXITER  # as random rules may be
        assert result.success or slow, (options, result)
        allowed = 0.1 if slow else 1e-3
        assert result.objective - best <= allowed * (1 + abs(objectives[0])), options
        assert len(result.residuals) == len(objectives) == result.nit + 1
        count += 1
    return count


@pytest.mark.filterwarnings("ignore::numsolve.ConvergenceWarning")
@pytest.mark.parametrize(
    ("name", "penalty"),
    [("least squares", "l1"), ("quadratic", "none"), ("logistic", "box"), ("poisson", "elastic net")],
)
def test_objective_falls_to_the_minimum(name, penalty, rng):
    assert check_combinations(name, penalty, 37, rng) >= 1


@pytest.mark.extended
@pytest.mark.filterwarnings("ignore::numsolve.ConvergenceWarning")
@pytest.mark.parametrize("name", ["least squares", "logistic", "quadratic", "huber", "poisson"])
@pytest.mark.parametrize("penalty", PENALTIES)
def test_objective_falls_to_the_minimum_for_every_combination(name, penalty, rng):
    assert check_combinations(name, penalty, 1, rng) >= 20


def test_duality_gap_bounds_the_distance_to_the_minimum(rng):
    X, y = regression(rng)
    for datafit in (LeastSquares(X, y), Huber(X, y), Logistic(X, np.where(y > 0, 1, -1))):
        for penalty in (L1(0.1), ElasticNet(0.2, 0.3), L1(0.1, positive=True)):
            result = minimize(datafit, penalty, rtol=1e-9).check()
            assert result.gap <= 1e-9 * datafit.value(datafit.state(np.zeros(11)), np.zeros(11)) * 1.001
            early = minimize(datafit, penalty, rtol=1e-2).check()
            assert -1e-12 <= early.objective - result.objective <= early.gap * 1.001


def test_least_squares_agrees_with_numpy(rng):
    X, y = regression(rng)
    expected = np.linalg.lstsq(X, y)[0]
    for A in (X, np.asfortranarray(X), sp.csr_array(X), sp.csc_matrix(X)):
        result = minimize(LeastSquares(A, y), None, select="gsq", block_size=4, rtol=1e-10)
        np.testing.assert_allclose(result.check().x, expected, rtol=1e-7, atol=1e-8)


def test_one_block_of_all_is_newtons_method(rng):
    X, y = regression(rng)
    result = minimize(LeastSquares(X, y), None, block_size=11, rtol=1e-9)
    assert result.check().nit == 1
    logistic = Logistic(X / 5, np.where(y > 0, 1, -1))
    assert minimize(logistic, None, update="newton-line-search", block_size=11, rtol=1e-9).check().nit <= 15


def test_bounds_agree_with_scipy(rng):
    X, y = regression(rng)
    expected = so.lsq_linear(X, y, (-0.1, 0.4), tol=1e-14).x
    for update in ("projected-newton", "two-metric", "projected-gradient"):
        result = minimize(LeastSquares(X, y), Box(-0.1, 0.4), update=update, block_size=5, rtol=1e-9)
        np.testing.assert_allclose(result.check().x, expected, atol=1e-7)
        assert -0.1 <= result.x.min() <= result.x.max() <= 0.4


@pytest.mark.filterwarnings("ignore::numsolve.ConvergenceWarning")
def test_selection_rules_are_ordered_as_in_the_paper():
    chains = {
        ("sort", "newton"): ("gsq", "gsd", "gs", "random"),
        ("sort", "gradient"): ("gsl", "gs", "lipschitz", "random"),
        ("variable", "newton"): ("iht", "gsd", "gs", "random"),
    }
    found = {(*key, select): [] for key, chain in chains.items() for select in chain}
    for seed in range(7):
        rng = np.random.default_rng(seed)
        X = (rng.standard_normal((60, 400)) + 1) * 10 * rng.standard_normal(400)
        X *= rng.random(X.shape) < 0.7
        b = X @ (rng.standard_normal(400) * (rng.random(400) < 0.1)) + rng.standard_normal(60)
        datafit = LeastSquares(X, b)
        for partition, update, select in found:
            options = {"partition": partition, "select": select, "update": update, "block_size": 5}
            result = minimize(datafit, None, **options, rng=seed, maxiter=20, rtol=1e-12)
            found[partition, update, select].append(result.objective)
    for key, chain in chains.items():
        for better, worse in pairwise(chain):
            ratio = np.median(found[*key, better]) / np.median(found[*key, worse])
            assert ratio <= 1.2, (key, better, worse)
    for select in ("gs", "gsd"):
        variable, fixed = found["variable", "newton", select], found["sort", "newton", select]
        assert np.median(variable) <= np.median(fixed)


def test_partitions_cover_each_coefficient_once(rng):
    X, y = regression(rng)
    from numsolve.coordinate._iterates import Problem

    problem = Problem(LeastSquares(X, y), NoPenalty())
    for name in ("order", "sort", "average"):
        blocks = PARTITIONS[name](problem, 4, rng)
        assert [len(block) for block in blocks] == [4, 4, 3]
        np.testing.assert_array_equal(np.sort(np.concatenate(blocks)), np.arange(11))
    sizes = [problem.curvatures[block].mean() for block in PARTITIONS["sort"](problem, 4, rng)]
    assert sizes == sorted(sizes, reverse=True)
    ends = problem.curvatures[PARTITIONS["average"](problem, 2, rng)[0]]
    np.testing.assert_array_equal(np.sort(ends), [problem.curvatures.min(), problem.curvatures.max()])


def test_all_partitions_coincide_for_single_coefficients(rng):
    X, y = regression(rng)
    runs = [
        minimize(LeastSquares(X, y), L1(0.1), partition=partition).check()
        for partition in ("order", "variable", "sort", "average", [[j] for j in range(11)])
    ]
    for run in runs[1:]:
        np.testing.assert_array_equal(run.x, runs[0].x)
        np.testing.assert_array_equal(run.residuals, runs[0].residuals)


def test_blocks_of_the_caller(rng):
    X, y = regression(rng)
    blocks = [np.array([10, 0, 3]), [1, 2, 4, 5], (6,), [7, 8, 9]]
    result = minimize(LeastSquares(X, y), L1(0.1), partition=blocks, rtol=1e-10).check()
    expected = minimize(LeastSquares(X, y), L1(0.1), rtol=1e-10).check()
    np.testing.assert_allclose(result.x, expected.x, atol=1e-6)
    for wrong in ([[0, 1]], [[0, 0], list(range(1, 11))], [list(range(12))]):
        with pytest.raises(ValueError, match="exactly once"):
            minimize(LeastSquares(X, y), L1(0.1), partition=wrong)
    with pytest.raises(TypeError, match="whole numbers"):
        minimize(LeastSquares(X, y), L1(0.1), partition=[np.arange(11.0)])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"partition": "variable", "select": "gsl", "block_size": 4}, "needs fixed blocks"),
        ({"partition": "variable", "select": "gsq", "block_size": 4}, "needs fixed blocks"),
        ({"select": "iht", "block_size": 4}, "needs variable blocks"),
        ({"select": "gsdhb", "block_size": 4}, "needs variable blocks"),
        ({"select": "greedy"}, "one of 'random', 'cyclic'"),
        ({"update": "exact"}, "one of 'gradient'"),
        ({"partition": "metis"}, "one of 'variable', 'order'"),
        ({"update": "two-metric"}, "needs the penalty Box"),
        ({"update": "projected-newton"}, "needs the penalty Box"),
        ({"block_size": 0}, "block_size"),
        ({"check_every": 0}, "check_every"),
        ({"score_norm": 3}, "score_norm"),
        ({"measure": "gap"}, "no known dual"),
        ({"partition": "groups"}, "has none"),
        ({"x0": np.zeros(3)}, "x0 has shape"),
        ({"x0": np.full(11, np.nan)}, "NaN"),
        ({"rtol": -1}, "rtol"),
    ],
)
def test_wrong_options_are_named(options, words, rng):
    X, y = regression(rng)
    with pytest.raises(ValueError, match=words):
        minimize(LeastSquares(X, y), None, **options)


def test_wrong_combinations_are_named(rng):
    X, y = regression(rng)
    poisson = Poisson(X / 20, np.abs(np.round(y)))
    for options in ({"update": "gradient"}, {"update": "diagonal"}, {"select": "lipschitz"}):
        with pytest.raises(ValueError, match=r"Poisson does not have.*newton-line-search"):
            minimize(poisson, None, **options)
    with pytest.raises(ValueError, match="without a penalty"):
        minimize(LeastSquares(X, y), L1(0.1), select="gsq", block_size=4)
    with pytest.raises(ValueError, match="outside the domain"):
        minimize(LeastSquares(X, y), Box(), x0=-np.ones(11))
    with pytest.raises(ValueError, match="weights of penalty has shape"):
        minimize(LeastSquares(X, y), L1(0.1, weights=np.ones(3)))
    with pytest.raises(TypeError, match="datafit is a ndarray"):
        minimize(X, None)
    with pytest.raises(TypeError, match="penalty is a float"):
        minimize(LeastSquares(X, y), 0.1)


def test_limits_have_a_status(rng):
    X, y = regression(rng)
    with pytest.warns(match="maxiter reached"):
        result = minimize(LeastSquares(X, y), None, maxiter=7, select="cyclic", rtol=1e-12)
    assert result.status == Status.MAXITER
    assert result.nit == 7
    assert len(result.residuals) == 2
    with pytest.warns(match="time limit"):
        result = minimize(LeastSquares(X, y), None, time_limit=1e-9, rtol=1e-12)
    assert result.status == Status.TIME_LIMIT
    seen = []
    result = minimize(LeastSquares(X, y), None, callback=lambda x, r: seen.append((x, r)) or len(seen) == 3)
    assert result.status == Status.STOPPED
    assert result.nit == 3
    np.testing.assert_array_equal(seen[-1][0], result.x)


def test_unbounded_and_singular_quadratics_have_a_status(rng):
    indefinite = Quadratic(np.diag([1.0, -1.0, 2.0]), np.ones(3))
    with pytest.warns(match="unbounded below"):
        assert minimize(indefinite, None, block_size=3).status == Status.BREAKDOWN
    singular = Quadratic(np.ones((3, 3)), np.array([1.0, -1.0, 0.0]))  # b is not in the range
    with pytest.warns(match="unbounded below|maxiter"):
        assert not minimize(singular, None, block_size=2, maxiter=500).success
    collinear = LeastSquares(np.ones((5, 3)), np.arange(5.0))
    result = minimize(collinear, None, block_size=2).check()
    np.testing.assert_allclose(result.x.sum(), 2.0)


def test_separable_classes_end_with_a_status():
    X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([-1, -1, 1, 1])
    with pytest.warns(match="maxiter"):
        result = minimize(Logistic(X, y), None, maxiter=50, rtol=1e-9)
    assert result.status == Status.MAXITER
    assert np.isfinite(result.x).all()


def test_special_data(rng):
    X, y = regression(rng)
    X[:, 3] = 0  # an empty column
    X[:, 5] = X[:, 6]  # collinear columns
    for penalty in (NoPenalty(), L1(0.1), Box()):
        result = minimize(LeastSquares(X, y), penalty, x0=np.ones(11), maxiter=20000, rtol=1e-7).check()
        assert np.isfinite(result.x).all()
    zero = minimize(LeastSquares(X, np.zeros(40)), L1(0.1), x0=np.ones(11)).check()
    np.testing.assert_array_equal(zero.x, np.zeros(11))
    above = minimize(LeastSquares(X, y), L1(1e6)).check()
    np.testing.assert_array_equal(above.x, np.zeros(11))
    assert above.nit == 0
    single = minimize(LeastSquares([[2.0]], [3.0]), None).check()
    np.testing.assert_allclose(single.x, [1.5])
    free = minimize(LeastSquares(X, y), L1(0.1, weights=np.arange(11.0)), rtol=1e-8, maxiter=50000).check()
    assert free.x[0] != 0
    integer = minimize(LeastSquares(np.eye(3, dtype=int), [1, 2, 3]), L1(0.1)).check()
    np.testing.assert_allclose(integer.x, np.array([1, 2, 3]) - 0.3, atol=1e-5)


def test_single_precision_stays_single(rng):
    X, y = regression(rng)
    result = minimize(LeastSquares(X.astype(np.float32), y), L1(0.1), rtol=1e-4, block_size=3).check()
    assert result.x.dtype == np.float32


@pytest.mark.filterwarnings("ignore::numsolve.ConvergenceWarning")
def test_same_seed_same_run(rng):
    X, y = regression(rng)
    for partition, select in product(("order", "variable"), ("random", "permuted", "lipschitz", "cyclic")):
        options = {"partition": partition, "select": select, "block_size": 3}
        one, two = (minimize(LeastSquares(X, y), L1(0.1), **options, rng=5, maxiter=20) for _ in range(2))
        np.testing.assert_array_equal(one.x, two.x)


def test_scores_in_the_norm_of_the_code(rng):
    X, y = regression(rng)
    for select in ("gs", "gsl", "gsd"):
        options = {"select": select, "block_size": 3, "rtol": 1e-9}
        one = minimize(LeastSquares(X, y), None, **options, score_norm=1).check()
        two = minimize(LeastSquares(X, y), None, **options).check()
        np.testing.assert_allclose(one.x, two.x, atol=1e-6)


@pytest.mark.parametrize("sparse", [False, True])
def test_updated_gradients_agree_with_computed_ones(sparse, rng, monkeypatch):
    X, y = regression(rng)
    datafit = LeastSquares(sp.csr_array(X) if sparse else X, y)
    options = {"select": "gs", "block_size": 2, "rtol": 1e-9}
    updated = minimize(datafit, L1(0.05), **options).check()
    monkeypatch.setattr(_iterates, "KEPT_ENTRIES", 0)
    computed = minimize(datafit, L1(0.05), **options).check()
    np.testing.assert_allclose(updated.x, computed.x, atol=1e-8)
    np.testing.assert_allclose(updated.objectives[:50], computed.objectives[:50], rtol=1e-10)
