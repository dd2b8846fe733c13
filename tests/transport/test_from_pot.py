"""The page for users of POT: its table runs, and its statements on differences hold."""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from numsolve import ConvergenceWarning
from numsolve.transport import Grid, PointCloud, barycenter, sinkhorn, sinkhorn_divergence, wasserstein_1d

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "invalid escape sequence")  # of its modules, when first compiled
    ot = pytest.importorskip("ot")

PAGE = (Path(__file__).parents[2] / "docs" / "from_pot.md").read_text()
CALLS, ARGUMENTS = PAGE.split("## Arguments")
ROWS = [
    [re.findall(r"`([^`]+)`", cell) for cell in line.strip("|").split(" | ")]
    for line in CALLS.splitlines()
    if line.startswith("| `")
]


@pytest.fixture
def names(rng):
    """The names that the code of the page may use."""

    def masses(*shape):
        mass = rng.random(shape) + 0.1
        return mass / mass.sum(axis=-1, keepdims=True)

    x, y, t = rng.random((20, 2)), rng.random((16, 2)) + 0.3, np.linspace(0, 1, 14)
    images = masses(3, 196).reshape(3, 14, 14)
    own = {"a": masses(20), "b": masses(16), "x": x, "y": y, "C": ot.dist(x, y), "D": ot.dist(y), "t": t}
    many = {"A": masses(3, 20), "B": masses(3, 16), "X": rng.random((3, 20, 2)), "Y": rng.random((3, 16, 2))}
    rest = {"Cs": rng.random((3, 20, 16)), "images": images, "u": rng.random(50), "v": rng.random(33)}
    numbers = {"eps": 0.05, "tau": 0.3, "w": np.array([0.2, 0.5, 0.3])}
    code = (Grid, PointCloud, barycenter, sinkhorn, sinkhorn_divergence, wasserstein_1d)
    return {"np": np, "ot": ot, **{f.__name__: f for f in code}, **own, **many, **rest, **numbers}


@pytest.mark.parametrize(("theirs", "ours"), ROWS, ids=lambda cell: cell[0])
def test_each_row_of_the_table(theirs, ours, names):
    pytest.importorskip("ot.batch")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "If reg_type = entropy")
        want = [np.asarray(eval(code, names)) for code in theirs]
    for found in (np.asarray(eval(code, names)) for code in ours):
        for other in want:
            assert found.shape == other.shape
            np.testing.assert_allclose(found, other, atol=1e-7)


def test_the_table_has_a_row_a_line():
    assert len(ROWS) == CALLS.count("\n| `") > 10
    assert all(len(row) == 2 for row in ROWS)


def test_bounds_hold_the_exact_cost_and_its_potentials_are_a_start(names):
    a, b, C = (names[name] for name in ("a", "b", "C"))
    widths = []
    for eps in (0.05, 0.01, 0.002):
        lower, upper = sinkhorn(a, b, C, eps).bounds()
        assert lower <= ot.emd2(a, b, C) <= upper
        widths.append(upper - lower)
    assert widths == sorted(widths, reverse=True)
    log = ot.emd(a, b, C, log=True)[1]
    assert sinkhorn(a, b, C, 0.01, init=log["v"]).check().success


def test_their_divergence_from_ours(names):
    d = sinkhorn_divergence(names["a"], names["b"], names["x"], names["y"], 0.05)
    (code,) = re.findall(r"`(d\.between[^`]+)`", PAGE)
    want = ot.bregman.empirical_sinkhorn_divergence(names["x"], names["y"], 0.05, names["a"], names["b"])
    assert eval(code, {"d": d}) == pytest.approx(want, rel=1e-7)
    assert abs(d.value - want) > 1e-4


def test_a_skew_cost_of_barycenters_is_transposed(names):
    w, B, skew = names["w"], names["B"], names["D"] + 0.2 * np.arange(16) * np.arange(16)[:, None] ** 2 / 4096
    theirs = ot.bregman.barycenter(B.T, skew, 0.05, weights=w, method="sinkhorn_log", stopThr=1e-10)
    np.testing.assert_allclose(barycenter(B, skew.T, 0.05, weights=w, atol=1e-9).x, theirs, atol=1e-7)
    assert abs(barycenter(B, skew, 0.05, weights=w, atol=1e-9).x - theirs).max() > 1e-4


def test_with_unequal_weights_the_cost_is_no_larger_than_that_of_their_default(names):
    """Their default method may end at a larger cost: it starts from the mean of equal weights."""
    w, B, D = names["w"], names["B"], names["D"]

    def cost(x):
        return sum(weight * sinkhorn(x, mass, D, 0.05).dual for weight, mass in zip(w, B, strict=True))

    theirs = ot.bregman.barycenter(B.T, D, 0.05, weights=w, stopThr=1e-12)
    assert cost(barycenter(B, D, 0.05, weights=w, atol=1e-9).x) < cost(theirs / theirs.sum()) + 1e-8


@pytest.mark.parametrize("method", ["sinkhorn", "sinkhorn_log"])
def test_what_their_tolerance_bounds(names, method):
    a, b, C = (names[name] for name in ("a", "b", "C"))
    P, log = ot.sinkhorn(a, b, C, 0.05, method=method, numItermax=21, stopThr=0, log=True, warn=False)
    rows, columns = P.sum(axis=1) - a, P.sum(axis=0) - b
    assert log["err"][-1] == pytest.approx(np.linalg.norm(columns), rel=1e-6)
    assert abs(rows).max() < 8 * np.finfo(float).eps * C.max() / 0.05 * a.max()
    assert abs(columns).sum() <= 4 * log["err"][-1]
    assert len(log["err"]) == 3
    with pytest.warns(ConvergenceWarning):
        result = sinkhorn(a, b, C, 0.05, maxiter=7)
    assert len(result.residuals) == 8


def test_warm_starts_both_ways(names):
    a, b, C = (names[name] for name in ("a", "b", "C"))
    result = sinkhorn(a, b, C, 0.05, atol=1e-11)
    start = result.f / 0.05, result.g / 0.05
    log = ot.sinkhorn(a, b, C, 0.05, method="sinkhorn_log", warmstart=start, log=True)[1]
    assert log["niter"] == 0
    log = ot.sinkhorn(a, b, C, 0.05, method="sinkhorn_log", stopThr=1e-11, log=True)[1]
    assert sinkhorn(a, b, C, 0.05, init=0.05 * log["log_v"]).nit <= 1
    assert np.ptp(0.05 * log["log_u"] - result.f) < 1e-8
    assert np.ptp(0.05 * log["log_v"] - result.g) < 1e-8
    f, g = ot.bregman.empirical_sinkhorn(names["x"], names["y"], 0.05, a, b, isLazy=True)
    assert np.ptp(0.05 * f - result.f) < 1e-7
    assert np.ptp(0.05 * g - result.g) < 1e-7
