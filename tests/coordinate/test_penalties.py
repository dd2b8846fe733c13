"""Penalties: proximal maps by brute force, violations at minimisers, duals, and bad input."""

import pickle

import numpy as np
import pytest
import scipy.optimize as so

from numsolve.coordinate import (
    L1,
    MCP,
    SCAD,
    Box,
    ElasticNet,
    Group,
    LeastSquares,
    NoPenalty,
    Penalty,
    SparseGroup,
    minimize,
)

LABELS = np.array([0, 1, 0, 1, 1])
SEPARABLE = {
    "none": NoPenalty(),
    "l1": L1(0.4),
    "weighted": L1(0.4, weights=np.array([0.0, 1, 2, 3, 0.5])),
    "positive": L1(0.3, positive=True),
    "elastic net": ElasticNet(0.7, 0.4),
    "box": Box(-0.5, np.array([0.2, 1, 2, np.inf, -0.1])),
    "mcp": MCP(0.4, 3.0),
    "scad": SCAD(0.4, 3.7),
}
GROUPS = {
    "group": Group(0.5, LABELS),
    "sparse group": SparseGroup(0.5, LABELS, 0.3, np.array([1.0, 2.0])),
    "positive group": Group(0.3, LABELS, positive=True),
    "share one": SparseGroup(0.4, LABELS, 1.0),
}
ALL = SEPARABLE | GROUPS


@pytest.mark.parametrize("name", SEPARABLE)
def test_proximal_map_of_one_coefficient(name, rng):
    penalty, step, j = SEPARABLE[name], 0.8, np.array([1])
    grid = np.linspace(-4, 4, 80001)
    values = penalty.values(grid, np.full(len(grid), 1))
    for v in rng.uniform(-3, 3, 6):
        found = penalty.prox(np.array([v]), step, j)
        expected = grid[np.argmin(values + (grid - v) ** 2 / (2 * step))]
        np.testing.assert_allclose(found, expected, atol=2e-4)


@pytest.mark.parametrize("name", GROUPS)
def test_proximal_map_of_groups(name, rng):
    penalty, step = GROUPS[name], 0.8
    for scale in (0.2, 1, 5):
        v = rng.standard_normal(5) * scale

        def objective(u, v=v):
            return penalty.value(u) + (u - v) @ (u - v) / (2 * step)

        found = penalty.prox(v, step)
        for _ in range(200):
            other = found + rng.standard_normal(5) * rng.choice([1e-4, 1e-2, 1]) * (rng.random(5) < 0.5)
            assert objective(found) <= objective(other) + 1e-12
        block = np.array([1, 3, 4])
        np.testing.assert_allclose(penalty.prox(v[block], step, block), found[block])


@pytest.mark.parametrize("name", ALL)
def test_violation_is_zero_exactly_at_a_proximal_point(name, rng):
    penalty, step = ALL[name], 0.8
    for scale in (0.3, 3):
        v = rng.standard_normal(5) * scale
        u = penalty.prox(v, step)
        gradient = (u - v) / step
        assert penalty.violation(u, gradient).max() <= 1e-12
        block = np.array([0, 2])
        np.testing.assert_allclose(
            penalty.violation(u[block], gradient[block] + 5, block), penalty.violation(u, gradient + 5)[block]
        )
    assert np.linalg.norm(penalty.violation(u, gradient + 5)) >= 1


@pytest.mark.parametrize("name", ALL)
def test_values_of_blocks_add_up(name, rng):
    penalty = ALL[name]
    x = penalty.prox(rng.standard_normal(5), 0.1)
    parts = [penalty.value(x[block], block) for block in (np.array([0, 2]), np.array([1, 3, 4]))]
    np.testing.assert_allclose(sum(parts), penalty.value(x))
    assert np.isfinite(penalty.value(x))


@pytest.mark.parametrize("name", ["l1", "positive", "elastic net", "group", "sparse group", "positive group"])
def test_conjugate_and_dual_scale(name, rng):
    penalty = ALL[name]
    v = rng.standard_normal(5) * 3
    scale = penalty.dual_scale(v)
    assert 0 <= scale <= 1
    c = scale * v
    conjugate = penalty.conjugate(c)
    for _ in range(300):
        x = rng.standard_normal(5) * rng.choice([0.1, 1, 10])
        x = abs(x) if getattr(penalty, "positive", False) else x
        assert c @ x - penalty.value(x) <= conjugate + 1e-10
    if 0 < scale < 1:
        assert penalty.dual_scale(c * 1.01) < 1
    assert np.isnan(NoPenalty().dual_scale(v))
    assert np.isnan(L1(0.1, weights=np.arange(5.0)).dual_scale(v))


@pytest.mark.parametrize("name", ["group", "sparse group", "positive group"])
@pytest.mark.parametrize("update", ["gradient", "newton", "newton-line-search", "line-search-gradient"])
def test_groups_are_minimised(name, update, rng):
    X = rng.standard_normal((30, 5))
    f = LeastSquares(X, X @ np.array([2.0, 0.1, -1, 0, 0]) + 0.1 * rng.standard_normal(30))
    penalty = GROUPS[name]
    result = minimize(f, penalty, partition="groups", update=update, rtol=1e-9).check()
    assert result.gap <= 1e-8
    assert (np.diff(result.objectives) <= 1e-14).all()

    def objective(x):
        x = abs(x) if penalty.positive else x
        return f.value(f.state(x), x) + penalty.value(x)

    least = so.minimize(objective, result.x + 0.01, method="Nelder-Mead", options={"maxiter": 4000})
    assert result.objective <= least.fun + 1e-9


@pytest.mark.parametrize("name", ["mcp", "scad"])
@pytest.mark.parametrize("update", ["gradient", "diagonal", "line-search-gradient", "newton"])
def test_concave_penalties_descend_to_a_stationary_point(name, update, rng):
    X = rng.standard_normal((30, 5))
    f = LeastSquares(X, X @ np.array([2.0, 0.1, -1, 0, 0]) + 0.1 * rng.standard_normal(30))
    result = minimize(f, SEPARABLE[name], block_size=2, update=update, rtol=1e-8).check()
    assert (np.diff(result.objectives) <= 1e-13).all()
    gradient = f.gradient(f.state(result.x), result.x)
    assert SEPARABLE[name].violation(result.x, gradient).max() <= 1e-7
    with pytest.raises(ValueError, match="convex penalty"):
        minimize(f, SEPARABLE[name], update="newton-line-search")


def test_group_penalties_need_whole_groups(rng):
    f = LeastSquares(rng.standard_normal((9, 5)), rng.standard_normal(9))
    with pytest.raises(ValueError, match="splits a group"):
        minimize(f, GROUPS["group"])
    with pytest.raises(ValueError, match="variable blocks would split"):
        minimize(f, GROUPS["group"], partition="variable", select="gs")
    with pytest.raises(ValueError, match="separable"):
        minimize(f, GROUPS["group"], partition="groups", update="diagonal")
    lists = Group(0.5, [[0, 2], [1, 3, 4]])
    options = {"partition": [[0, 2], [1, 3, 4]], "rtol": 1e-9}
    one, two = minimize(f, lists, **options), minimize(f, GROUPS["group"], **options)
    np.testing.assert_array_equal(one.check().x, two.check().x)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: L1(-1), "lam"),
        (lambda: L1(np.nan), "lam"),
        (lambda: ElasticNet(1, 1.5), "rho is 1.5"),
        (lambda: L1(1, weights=np.array([1.0, -1])), "weights has negative"),
        (lambda: Box(1, 0), "lower is above upper"),
        (lambda: Box(np.array([0.0, np.nan]), 1), "NaN"),
        (lambda: SparseGroup(1, [0, 0, 1], rho=-1), "rho"),
        (lambda: Group(1, [0, 0, 1], weights=np.ones(3)), "one for each group"),
        (lambda: Group(1, [[0, 1], [1, 2]]), "groups"),
    ],
)
def test_bad_input_is_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_penalties_pickle_and_keep_copies(rng):
    weights = np.ones(5)
    penalty = L1(0.4, weights)
    weights[:] = 7
    x = rng.standard_normal(5)
    assert penalty.value(x) == L1(0.4).value(x)
    for each in ALL.values():
        u = each.prox(x, 1.0)
        assert pickle.loads(pickle.dumps(each)).value(u) == each.value(u)


def test_own_penalty_without_a_dual():
    class Ridge(Penalty):
        """Half of the sum of the squares."""

        def value(self, x, block=slice(None)):
            return float(x @ x) / 2

        def prox(self, v, step, block=slice(None)):
            return v / (1 + step)

        def violation(self, x, gradient, block=slice(None)):
            return abs(gradient + x)

    f = LeastSquares(np.eye(3), [2.0, 4.0, 6.0])
    for options in ({"block_size": 2}, {"update": "gradient"}, {"update": "newton-line-search"}):
        result = minimize(f, Ridge(), rtol=1e-10, **options).check()
        np.testing.assert_allclose(result.x, [0.5, 1, 1.5])
        assert np.isnan(result.gap)
