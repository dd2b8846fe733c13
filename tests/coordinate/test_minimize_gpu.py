"""Block coordinate descent on device arrays: results of the host, and no reads between checks."""

import numpy as np
import pytest
from support import fake_cupy
from support.tiers import extended

from numsolve import to_device, to_host
from numsolve.coordinate import (
    L1,
    Box,
    ElasticNet,
    Group,
    LeastSquares,
    Logistic,
    Multinomial,
    Quadratic,
    minimize,
)


def problems(rng):
    """Return the arrays and the datafits."""
    X = rng.standard_normal((20, 7))
    y = X @ np.array([2.0, 0, 0, -1, 0, 0, 0.3]) + 0.1 * rng.standard_normal(20)
    return {
        "least squares": (LeastSquares, X, y),
        "logistic": (Logistic, X, np.where(y > 0, 1.0, -1.0)),
        "quadratic": (Quadratic, X.T @ X / 20 + 0.1 * np.eye(7), y[:7]),
        "multinomial": (Multinomial, X, np.arange(20) % 3),
    }


CASES = [
    ("least squares", L1(0.1), {"block_size": 3}),
    ("least squares", None, {"block_size": 3, "select": "gsq"}),
    ("least squares", None, {"block_size": 3, "select": "iht", "partition": "variable"}),
    ("least squares", Box(), {"block_size": 3, "select": "gsq-nn", "partition": "variable"}),
    ("least squares", Box(-0.1, 0.5), {"block_size": 3, "select": "cyclic", "update": "two-metric"}),
    ("logistic", ElasticNet(0.05, 0.5), {"block_size": 2, "partition": "sort", "update": "gradient"}),
    ("logistic", None, {"block_size": 3, "select": "random", "update": "newton-line-search"}),
    (
        "quadratic",
        L1(0.1),
        {"block_size": 3, "select": "gsdhb", "partition": "variable", "update": "diagonal"},
    ),
    ("quadratic", None, {"select": "gs", "update": "line-search-gradient"}),
    ("multinomial", L1(0.05), {"block_size": 3, "select": "lipschitz"}),
]


@pytest.mark.parametrize(
    ("name", "penalty", "options"), [("least squares", L1(0.1), {"block_size": 7}), *extended(*CASES)]
)
def test_device_arrays_agree_with_the_host(cupy, rng, name, penalty, options):
    make, A, b = problems(rng)[name]
    host = minimize(make(A, b), penalty, **options, rtol=1e-8, rng=0).check()
    device = minimize(make(*to_device(A, b)), penalty, **options, rtol=1e-8, rng=0).check()
    assert isinstance(device.x, cupy.ndarray)
    np.testing.assert_allclose(to_host(device.x), host.x, atol=1e-4)
    np.testing.assert_allclose(device.objective, host.objective, rtol=1e-6)


@pytest.mark.parametrize(
    ("penalty", "options"),
    [
        (L1(0.1), {}),
        (L1(0.1), {"block_size": 4, "partition": "variable", "select": "gsd"}),
        (None, {"block_size": 7, "update": "gradient", "select": "cyclic"}),
        (None, {"block_size": 1, "select": "random"}),
        (Group(0.1, np.arange(7) // 4), {"partition": "groups", "select": "cyclic", "update": "gradient"}),
    ],
)
@pytest.mark.filterwarnings("ignore::numsolve.ConvergenceWarning")
def test_no_reads_between_checks(cupy, rng, penalty, options):
    make, A, b = problems(rng)["least squares"]
    datafit, reads = make(*to_device(A, b)), []
    for steps in (5, 15):
        before = fake_cupy.counts["syncs"]
        minimize(datafit, penalty, **options, rng=0, maxiter=2 * steps, check_every=steps, rtol=1e-15)
        reads.append(fake_cupy.counts["syncs"] - before)
    assert reads[0] == reads[1]


def test_mixed_libraries_are_refused(cupy, rng):
    make, A, b = problems(rng)["least squares"]
    with pytest.raises(TypeError, match="on the GPU"):
        make(A, to_device(b))
    with pytest.raises(TypeError, match="on the GPU"):
        minimize(make(*to_device(A, b)), None, x0=np.zeros(7))
    with pytest.raises(TypeError, match="on the GPU"):
        minimize(make(*to_device(A, b)), L1(0.1, weights=np.ones(7)))
    with pytest.raises(TypeError, match="on the GPU"):
        make(A, b, sample_weight=to_device(np.ones(20)))
