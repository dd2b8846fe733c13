"""The order in which many systems are solved."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from hypothesis import given
from hypothesis import strategies as st
from support.tiers import extended

from numsolve.krylov import greedy_order
from numsolve.krylov.sequences import _order
from numsolve.krylov.sequences._order import order_without_features


def brute_force(features):
    """The definition: from 0 on, the nearest that is left, of equal ones the first."""
    rows = [np.ravel(f) for f in features]
    order, left = [0], list(range(1, len(rows)))
    while left:
        here = rows[order[-1]]
        order.append(min(left, key=lambda i: (np.vdot(rows[i] - here, rows[i] - here).real, i)))
        left.remove(order[-1])
    return order


def length(features, order):
    """The length of the way from system to system."""
    steps = np.diff(np.asarray(features)[order], axis=0)
    return np.sqrt((abs(steps.reshape(len(steps), -1)) ** 2).sum(axis=1)).sum()


def fields(count, side, rng, modes=3):
    """Random smooth fields."""
    x = (np.arange(side) + 0.5) / side
    waves = np.cos(np.pi * np.arange(modes)[:, None] * x)
    return np.einsum("cij,ix,jy->cxy", rng.standard_normal((count, modes, modes)), waves, waves)


@given(
    count=st.integers(1, 40),
    shape=st.sampled_from([(), (1,), (3,), (2, 3)]),
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["int64", "float32", "float64", "complex128"]),
    decade=st.sampled_from([0, -300, 300]),
)
def test_exact_is_brute_force(count, shape, seed, kind, decade):
    rng = np.random.default_rng(seed)
    whole = rng.integers(-3, 4, (2, count, *shape))  # small whole numbers: many ties, no rounding
    features = (whole[0] + 1j * whole[1] if kind == "complex128" else whole[0]).astype(kind)
    if kind == "float64":
        features = features * 2.0**decade
    want = brute_force((whole[0] + 1j * whole[1]) if kind == "complex128" else whole[0])
    before = features.copy()
    assert greedy_order(features, method="exact").tolist() == want
    assert greedy_order(features).tolist() == want
    np.testing.assert_array_equal(features, before)


def test_strips_change_nothing(monkeypatch, rng):
    features = rng.integers(0, 5, (50, 7)).astype(float)
    monkeypatch.setattr(_order, "STRIP_ENTRIES", 20)
    assert greedy_order(features).tolist() == brute_force(features)


@given(
    count=st.integers(1, 60), seed=st.integers(0, 2**32 - 1), axes=st.integers(0, 3), cell=st.integers(1, 70)
)
def test_grouped_is_a_permutation_that_begins_with_0(count, seed, axes, cell):
    rng = np.random.default_rng(seed)
    features = rng.integers(0, 3, (count, *(20, 19, 2)[:axes])).astype(float)
    features[rng.random(count) < 0.3] = features[0]  # some the same
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_order, "CELL_SIZE", cell)
        order = greedy_order(features, method="grouped")
    assert sorted(order) == list(range(count))
    assert order[0] == 0


@pytest.mark.parametrize("cell", [2048, 30])
def test_grouped_beats_a_random_order_and_comes_near_the_exact_one(rng, monkeypatch, cell):
    features = fields(400, 30, rng, modes=2)
    monkeypatch.setattr(_order, "CELL_SIZE", cell)
    grouped = length(features, greedy_order(features, method="grouped"))
    exact = length(features, greedy_order(features, method="exact"))
    assert exact < 0.5 * length(features, rng.permutation(400))
    assert grouped < (1.05 if cell == 2048 else 1.4) * exact


def test_noise_of_high_frequency_does_not_change_the_groups(rng):
    smooth = fields(300, 64, rng, modes=2)
    rough = smooth + 0.2 * rng.standard_normal(smooth.shape)
    assert length(smooth, greedy_order(rough, method="grouped")) < 1.1 * length(
        smooth, greedy_order(smooth, method="exact")
    )


def test_many_are_grouped_without_a_matrix_of_distances(rng):
    features = rng.standard_normal((6_000, 3))
    tracemalloc.start()
    order = greedy_order(features)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30 * features.nbytes  # 4 MB; distances would take 288
    assert (np.sort(order) == np.arange(6_000)).all()
    assert length(features, order) < 0.2 * length(features, np.arange(6_000))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (4, 0), (1,), (1, 2)])
@pytest.mark.parametrize("method", ["auto", "exact", "grouped"])
def test_few(shape, method):
    assert greedy_order(np.zeros(shape), method=method).tolist() == list(range(shape[0]))


@pytest.mark.parametrize(
    ("features", "options", "error", "message"),
    [
        ([[1.0, np.nan], [0, 0]], {}, ValueError, "features has 1 NaN"),
        (np.array(3.0), {}, ValueError, "features is a single number"),
        ([["a"], ["b"]], {}, TypeError, "features has dtype"),
        ([1.0, 2.0], {"method": "best"}, ValueError, "method is 'best'"),
    ],
)
def test_bad_input_is_named(features, options, error, message):
    with pytest.raises(error, match=message):
        greedy_order(features, **options)


def test_lists_are_features():
    assert greedy_order([[0, 0], [4, 0], [1, 0]]).tolist() == [0, 2, 1]


def drifting(n=200, count=12):
    """Matrices along a line, all different in a few entries."""
    return [sp.diags_array(2 + t * np.cos(np.arange(n) * 0.1)).tocsr() for t in np.linspace(0, 1, count)]


@pytest.mark.parametrize("form", ["csr", "dense", "operator", "complex", *extended("float32")])
def test_matrices_without_features_are_ordered_by_their_entries(rng, form):
    matrices, shuffled = drifting(), np.r_[0, 1 + rng.permutation(11)]
    make = {
        "csr": sp.csr_array,
        "dense": lambda A: A.toarray(),
        "operator": spla.aslinearoperator,
        "complex": lambda A: 1j * A,
        "float32": lambda A: A.astype("float32"),
    }[form]
    systems = [(make(matrices[i]), rng.standard_normal(200)) for i in shuffled]
    assert shuffled[order_without_features(systems)].tolist() == list(range(12))


def test_right_hand_sides_order_systems_of_one_matrix(rng):
    A, b, c = drifting()[3], rng.standard_normal(200), rng.standard_normal(200)
    shuffled = np.r_[0, 1 + rng.permutation(11)]
    systems = [(A.copy(), b + 0.1 * i * c) for i in shuffled]
    assert shuffled[order_without_features(systems)].tolist() == list(range(12))


def test_systems_of_one_size_are_adjacent_and_unusable_ones_come_last():
    bad = sp.csr_array(np.nan * np.eye(5))
    systems = [
        (np.eye(5), np.ones(5)),
        (bad, np.ones(5)),
        (np.eye(3), np.ones(3)),
        (3 * np.eye(5), np.ones(5)),
        (2 * np.eye(5), np.ones((5, 2))),
        (2 * np.eye(3), np.ones(3)),
        (np.eye(4), "nonsense"),
    ]
    order = order_without_features(systems).tolist()
    assert order[:4] in ([0, 4, 3, 1], [0, 4, 3, 6])
    assert sorted(order) == list(range(7))
    assert abs(order.index(2) - order.index(5)) == 1


def test_the_sketch_keeps_distances(rng):
    """On average over pairs of sparse matrices, to the accuracy that 61 buckets give."""
    matrices = [sp.random_array((400, 400), density=0.01, rng=rng).tocsr() for _ in range(20)]
    sketches = [_order.sketch(A, np.ones(400))[1][0] for A in matrices]
    ratios = [
        np.linalg.norm(sketches[i] - sketches[j]) / sp.linalg.norm(matrices[i] - matrices[j])
        for i in range(20)
        for j in range(i)
    ]
    assert abs(np.mean(ratios) - 1) < 0.1
    assert np.std(ratios) < 0.2
