"""Sequences of systems: order, recycling, failures, interruption, and the preconditioner that follows."""

import inspect
import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from support.tiers import extended

import numsolve
from numsolve import ConvergenceWarning, Interrupted, Result, Status
from numsolve.krylov import RecycledResult, RecycledSpace, cg, gcrodr, gmres, lsqr, solve_sequence
from numsolve.krylov.sequences import _refresh
from numsolve.precondition import ilu0, jacobi
from numsolve.problems import convection_diffusion, diffusion


def drifting(count=8, side=24):
    """Matrices whose coefficient moves slowly, and a right-hand side that moves too."""
    x = (np.arange(side) + 0.5) / side
    field = np.sin(3 * x)[:, None] * np.cos(4 * x)
    return [
        (diffusion(np.exp(2 * field + 0.3 * t * x)), np.ones(side**2) + t * np.repeat(x, side))
        for t in np.linspace(0, 1, count)
    ]


def small(count=6, n=20, seed=0):
    """Easy dense systems, all different."""
    rng = np.random.default_rng(seed)
    return [(np.diag(np.arange(1.0, n + 1)) + 0.1 * rng.standard_normal((n, n)), rng.standard_normal(n))
            for _ in range(count)]  # fmt: skip


def solved(systems, results, rtol=1e-8):
    """Tell whether each result solves the system of its place."""
    return len(systems) == len(results) and all(
        np.linalg.norm(b - A @ r.x) <= 1.001 * rtol * np.linalg.norm(b)
        for (A, b, *_), r in zip(systems, results, strict=True)
    )


def seen(method=gmres):
    """Return a method that notes the keyword arguments and right-hand sides it is called with."""
    calls = []

    def noted(A, b, x0=None, *, M=None, **options):
        calls.append((A, b, M, options))
        return method(A, b, x0, M=M, **options)

    return noted, calls


# -- order ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sort", ["greedy", None, "none", [5, 0, 3, 1, 4, 2]])
def test_results_come_in_the_order_of_the_systems(sort):
    systems = small()
    run = solve_sequence(systems, sort=sort, rtol=1e-8)
    assert len(run) == 6
    assert solved(systems, list(run))
    assert sorted(run.order) == list(range(6))
    if isinstance(sort, list):
        assert run.order.tolist() == sort
    assert next(run, None) is None


def test_a_result_is_handed_out_as_soon_as_those_before_it_are():
    method, calls = seen()
    run = solve_sequence(small(), method=method, sort=[1, 0, 3, 4, 2, 5])
    expected = [2, 2, 5, 5, 5, 6]
    for count in expected:
        next(run)
        assert len(calls) == count


def test_as_solved_hands_out_in_the_order_of_solving_and_may_be_mixed():
    systems, order = small(), [1, 0, 3, 4, 2, 5]
    run = solve_sequence(systems, sort=order, rtol=1e-8)
    pairs = list(run.as_solved())
    assert [number for number, _ in pairs] == order
    assert all(np.allclose(systems[i][0] @ r.x, systems[i][1], atol=1e-6) for i, r in pairs)
    run = solve_sequence(systems, sort=order, rtol=1e-8)
    found = {0: next(run)}  # which solves 1 as well
    found |= dict([next(run.as_solved()), next(run.as_solved())])
    assert sorted(found) == [0, 1, 3]
    found[2], found[4], found[5] = run
    assert solved(systems, [found[i] for i in range(6)])


class Parameters(NamedTuple):
    A: np.ndarray
    b: np.ndarray
    feature: float


@dataclass
class Model:
    A: object
    b: object
    feature: object = None


@pytest.mark.parametrize("how", ["array", "list", "function", "third", "named", "dataclass", "projection"])
def test_features_decide_the_order(how):
    line = drifting(6, side=8)
    t, shuffled = np.linspace(0, 1, 6), np.array([0, 3, 5, 1, 4, 2])
    systems, features = [line[i] for i in shuffled], t[shuffled]
    kinds = {"third": lambda *s: s, "named": Parameters, "dataclass": Model, "function": Model}
    if how in kinds:
        systems = [kinds[how](A, b, f) for (A, b), f in zip(systems, features, strict=True)]
    given = {"array": features, "list": [[f] for f in features], "function": lambda s: s.feature}.get(how)
    run = solve_sequence(systems, features=given)
    assert shuffled[run.order].tolist() == list(range(6))
    if how == "projection":
        assert run.features is None
        assert run.products == 6
    else:
        assert run.features.ravel().tolist() == features.tolist()


class Lazy:
    """Systems that are made when they are asked for."""

    def __init__(self, systems):
        self.systems, self.asked = systems, []

    def __len__(self):
        return len(self.systems)

    def __getitem__(self, i):
        self.asked.append(int(i))
        return self.systems[i]


def test_what_has_an_index_is_asked_for_when_needed():
    lazy = Lazy(small())
    run = solve_sequence(lazy, features=[0, 5, 1, 2, 3, 4])
    assert lazy.asked == []
    next(run), next(run)
    assert lazy.asked == [0, 2, 3, 4, 5, 1]
    lazy = Lazy(small())
    list(solve_sequence(lazy))
    assert (
        len(lazy.asked) == 2 * 6 + 1
    )  # each once for the order; the first also says whether it has a feature


def test_a_generator_streams_without_order_and_is_read_to_its_end_with_one():
    taken = []

    def generate():
        for i, system in enumerate(small()):
            taken.append(i)
            yield system

    run = solve_sequence(generate(), sort=None)
    assert taken == []
    next(run), next(run)
    assert taken == [0, 1]
    assert run.order.tolist() == [0, 1]
    with pytest.raises(TypeError, match="no length"):
        len(run)
    assert len(list(run)) == 4
    taken.clear()
    run = solve_sequence(generate(), rtol=1e-8)
    assert len(taken) == len(run) == 6
    assert solved(small(), list(run))


def test_a_stream_keeps_no_solved_system():
    import gc
    import weakref

    alive = []

    def generate():
        for A, b in small(4):
            A = A.view(type("Tracked", (np.ndarray,), {}))
            alive.append(weakref.ref(A))
            yield A, b
            del A

    for _ in solve_sequence(generate(), sort=None):
        gc.collect()
        assert sum(ref() is not None for ref in alive) <= 2


@pytest.mark.parametrize("count", [0, 1])
@pytest.mark.parametrize("sort", ["greedy", None, []])
def test_few_systems(count, sort):
    systems = small(count)
    run = solve_sequence(systems, sort=[0] if sort == [] and count else sort, rtol=1e-8)
    assert len(run) == count
    assert solved(systems, list(run))


# -- recycling ----------------------------------------------------------------------------------------------


def test_recycling_and_order_save_products():
    systems = drifting(10)
    shuffled = [systems[i] for i in (0, 5, 9, 2, 7, 1, 8, 3, 6, 4)]
    alone = sum(gcrodr(A, b, rtol=1e-8).products for A, b in shuffled)
    spent = {}
    for sort in ("greedy", None):
        run = solve_sequence(shuffled, sort=sort, rtol=1e-8, guess=0)
        assert solved(shuffled, list(run))
        spent[sort] = run.products - 10 * (sort == "greedy")
    assert spent["greedy"] < spent[None] < 0.8 * alone
    without = solve_sequence(shuffled, sort=None, rtol=1e-8, recycle=False, guess=0)
    assert sum(r.products for r in without) == alone == without.products


def test_results_carry_no_space_but_the_run_has_the_last():
    run = solve_sequence(drifting(3), rtol=1e-8, k=7)
    assert all(isinstance(r, RecycledResult) and r.recycle is None for r in run)
    assert run.recycle.k == 7
    again = solve_sequence(drifting(1), rtol=1e-8, recycle=run.recycle)
    assert next(again).nit < next(solve_sequence(drifting(1), rtol=1e-8)).nit


@pytest.mark.parametrize("given", [None, 4])
def test_methods_that_learn_only_on_request_are_asked(given):
    """As `cg` and `minres`, which learn only if told how many directions."""
    spaces = []

    def method(A, b, *, recycle=None):
        spaces.append(recycle)
        return RecycledResult(b, Status.CONVERGED, "", recycle=RecycledSpace(b[None], b[None]))

    list(solve_sequence(small(3), method=method, recycle=given))
    assert spaces[0] == (given or 10)
    assert all(isinstance(space, RecycledSpace) for space in spaces[1:])


@pytest.mark.parametrize("method", [cg, "minres", gmres, "gcrodr", numsolve.solve])
def test_any_method(method):
    systems = drifting(3, side=8)
    assert solved(systems, list(solve_sequence(systems, method=method, rtol=1e-8)))


def test_least_squares():
    rng = np.random.default_rng(0)
    systems = [(rng.standard_normal((9, 4)), rng.standard_normal(9)) for _ in range(3)]
    for (A, b), result in zip(systems, solve_sequence(systems, method=lsqr, rtol=1e-12), strict=True):
        np.testing.assert_allclose(result.x, np.linalg.lstsq(A, b)[0], atol=1e-8)


@pytest.mark.parametrize("dtype", ["complex128", *extended("float32", "complex64")])
def test_dtypes_and_columns(dtype):
    rtol = 1e-4 if dtype in ("float32", "complex64") else 1e-9
    unit = 1j if dtype.startswith("complex") else 1
    systems = [((A + 0.1 * unit * np.eye(20)).astype(dtype), (unit * b).astype(dtype)) for A, b in small(3)]
    systems += [(A, np.stack([b, 2 * b], axis=1)) for A, b in systems]
    results = list(solve_sequence(systems, rtol=rtol))
    assert all(r.x.dtype == dtype for r in results)
    assert solved(systems, results, rtol)


def test_each_size_and_dtype_has_its_own_space():
    a, b = drifting(4, side=10), drifting(4, side=12)
    c = [(A.astype("complex128"), v) for A, v in a]
    systems = [s for triple in zip(a, b, c, strict=True) for s in triple]
    run = solve_sequence(systems, sort=None, rtol=1e-8)
    mixed = list(run)
    assert solved(systems, mixed)
    for offset, alone in enumerate((a, b, c)):
        separate = solve_sequence(alone, sort=None, rtol=1e-8)
        assert [r.products for r in separate] == [r.products for r in mixed[offset::3]]


# -- failures ---------------------------------------------------------------------------------------------


def spoilt(which):
    """Return a sequence whose third system is bad in some way."""
    systems = drifting(5, side=10)
    A, b = systems[2]
    systems[2] = {
        "NaN in b": (A, np.where(np.arange(100) == 3, np.nan, b)),
        "NaN in A": (A * np.nan, b),
        "shape": (A, b[:50]),
        "not square": (A[:50], b[:50]),
        "text": (A, "nonsense"),
        "no system": 7,
        "operator": (spla.LinearOperator((100, 100), lambda v: np.nan * v, dtype=float), b),
        "singular": (sp.csr_array(np.diag(np.r_[0.0, np.ones(99)])), b),
    }[which]
    return systems


@pytest.mark.parametrize(
    "which", ["NaN in b", "NaN in A", "shape", "not square", "text", "no system", "operator", "singular"]
)
@pytest.mark.parametrize("sort", ["greedy", None])
def test_a_bad_system_does_not_end_the_sequence(which, sort):
    systems = spoilt(which)
    run = solve_sequence(systems, sort=sort, rtol=1e-8)
    with pytest.warns(ConvergenceWarning, match="system 2: ") as caught:
        results = list(run)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert run.missed == [2]
    bad = results.pop(2)
    assert bad.status != Status.CONVERGED
    assert (bad.status == Status.INVALID) == (which not in ("operator", "singular"))
    if bad.status == Status.INVALID:
        assert np.isnan(bad.x).all()
        with pytest.raises(numsolve.ConvergenceError):
            bad.check()
    if which in ("NaN in b", "NaN in A", "operator", "singular"):
        assert bad.x.shape == (100,)
    assert solved(systems[:2] + systems[3:], results)


def test_every_miss_is_listed_and_the_first_warned_of():
    run = solve_sequence(drifting(4), rtol=1e-8, maxiter=3)
    with pytest.warns(ConvergenceWarning, match="system 0: maxiter") as caught:
        assert [r.status for r in run] == [Status.MAXITER] * 4
    assert len(caught) == 1
    assert sorted(run.missed) == [0, 1, 2, 3]


def test_a_failure_with_a_recycled_space_is_tried_again_without():
    calls = []

    def method(A, b, *, recycle=None, k=3):
        calls.append(recycle)
        bad = recycle is not None
        space = RecycledSpace(np.full((1, len(b)), len(calls)), b[None])
        status = Status.BREAKDOWN if bad else Status.CONVERGED
        return RecycledResult(b, status, "so", np.ones(2), recycle=space, products=1)

    run = solve_sequence(small(3), method=method)
    assert all(r.success for r in run)
    assert [c is None for c in calls] == [True, False, True, False, True]
    assert (run.retries, run.products) == (2, 5 + 3)
    assert calls[3].U[0, 0] == 3  # what the repetition learned


def test_a_failure_leaves_a_space_only_if_it_is_finite_and_the_better_result_counts():
    calls = []

    def method(A, b, *, recycle=None, k=3):
        calls.append(recycle)
        U = np.full((1, len(b)), np.nan if len(calls) in (2, 3) else len(calls))
        status = Status.MAXITER if len(calls) in (2, 3) else Status.CONVERGED
        last = {2: 0.25, 3: np.nan}.get(len(calls), 0)
        return RecycledResult(b, status, "", np.array([1, last]), recycle=RecycledSpace(U, b[None]))

    with pytest.warns(ConvergenceWarning):
        results = list(solve_sequence(small(3), method=method, sort=None))
    assert [r.residuals[-1] for r in results] == [0, 0.25, 0]
    assert calls[3].U[0, 0] == 1


def test_a_stop_by_the_callback_is_no_failure():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = solve_sequence(drifting(3), callback=lambda x, norm: True)
        assert [r.status for r in run] == [Status.STOPPED] * 3
    assert run.missed == []
    assert run.retries == 0


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"sort": "best"}, ValueError, "sort is 'best'"),
        ({"sort": [0, 1, 1, 2]}, ValueError, r"sort of shape \(4,\) is no permutation"),
        ({"sort": [0, 1]}, ValueError, r"sort of shape \(2,\) is no permutation"),
        ({"sort": [0.5, 1, 2, 3]}, TypeError, "sort has dtype float64"),
        ({"features": 3.0}, TypeError, "features is a float"),
        ({"features": [1, 2]}, ValueError, "features has 2 entries, but there are 4 systems"),
        ({"features": [[1], [2, 3], [4], [5]]}, ValueError, "the feature of system 1 has shape"),
        ({"features": [1, 2, np.nan, 3]}, ValueError, "features has 1 NaN"),
        ({"method": "best"}, ValueError, "method is 'best'.*gcrodr"),
        ({"method": "lsqr"}, ValueError, "method is 'lsqr'"),
        ({"method": None}, TypeError, "method is None"),
        ({"method": 3}, TypeError, "method is a int"),
        ({"method": lsqr, "M": jacobi}, TypeError, "lsqr: .*'M'"),
        ({"restart": -3}, ValueError, "restart is -3"),
        ({"rtol": "small"}, TypeError, "rtol is 'small'"),
        ({"nonsense": 1}, TypeError, "gcrodr: .*'nonsense'"),
        ({"M": 3}, TypeError, "M is a int"),
        ({"refresh": "rarely"}, TypeError, "refresh is 'rarely'"),
        ({"refresh": 0}, ValueError, "refresh is 0"),
        ({"recycle": "yes"}, TypeError, "recycle is 'yes'"),
        ({"progress": 3}, TypeError, "progress is a int"),
    ],
)
def test_what_is_wrong_for_all_is_raised_before_any_work(options, error, message):
    lazy = Lazy(small(4))
    with pytest.raises(error, match=message):
        solve_sequence(lazy, **{"features": np.arange(4), **options})
    assert lazy.asked == []


def test_what_is_no_sequence_is_named():
    with pytest.raises(TypeError, match="systems is a int"):
        solve_sequence(3)
    with pytest.raises(TypeError, match="a system is a ndarray"):  # systems=(A, b)
        next(solve_sequence(small(1)[0], sort=None))
    with pytest.raises(ValueError, match="system 1 has no feature"):
        solve_sequence([(*small(1)[0], 1.0), small(1)[0]])


def test_a_foreign_result_is_named():
    with pytest.raises(RuntimeError, match="returned a tuple"):
        next(solve_sequence(small(1), method=lambda A, b: spla.cg(A, b)))


# -- Ctrl-C -----------------------------------------------------------------------------------------------


def test_an_interrupt_loses_nothing_and_the_run_can_continue():
    systems, order, tries = small(), [1, 2, 0, 4, 3, 5], []

    def method(A, b):
        def callback(x, norm):
            if len(tries) == 1:
                raise KeyboardInterrupt

        if b is not systems[4][1]:
            return gmres(A, b, rtol=1e-8)
        tries.append(b)
        return gmres(A, b, callback=callback, rtol=1e-8)

    run, results = solve_sequence(systems, method=method, sort=order), []
    with pytest.raises(Interrupted) as caught:
        results.extend(run)
    assert caught.value.result.status == Status.INTERRUPTED
    assert len(results) == 3
    assert (run.solved, run.waiting) == (3, {})
    results.extend(run)
    assert solved(systems, results)


def test_an_interrupt_keeps_the_results_not_yet_returned():
    systems = small(4)

    def method(A, b):
        if b is systems[0][1]:
            raise KeyboardInterrupt
        return gmres(A, b, rtol=1e-8)

    run = solve_sequence(systems, method=method, sort=[2, 1, 0, 3])
    with pytest.raises(KeyboardInterrupt):
        next(run)
    assert sorted(run.waiting) == [1, 2]
    assert solved([systems[1], systems[2]], [run.waiting[1], run.waiting[2]])


# -- the preconditioner ---------------------------------------------------------------------------------


def test_operators_serve_all_and_callables_each():
    systems = drifting(4, side=10)
    method, calls = seen()
    list(solve_sequence(systems, method=method))
    assert all(M is None for *_, M, _ in calls)
    for fixed in (jacobi(systems[0][0]), spla.aslinearoperator(np.eye(100)), np.eye(100)):
        method, calls = seen()
        run = solve_sequence(systems, method=method, M=fixed)
        list(run)
        assert all(M is fixed for *_, M, _ in calls)
        assert (run.setups, run.updates) == (0, 0)


@pytest.mark.parametrize(
    ("refresh", "made"), [("always", [0, 1, 2, 3, 4, 5]), ("never", [0]), (2, [0, 2, 4]), (4, [0, 4])]
)
@pytest.mark.parametrize("can_update", [False, True])
def test_policies(refresh, made, can_update):
    class M:
        def __init__(self, A):
            self.shape, self.made_of = A.shape, [A]

        def matvec(self, v):
            return v

        def update(self, A):
            self.made_of.append(A)

    if not can_update:
        del M.update
    matrices, fits = [A for A, _ in small()], []

    def method(A, b, M):
        fits.append(M.made_of[-1] is A)
        return gmres(A, b, M=M)

    run = solve_sequence(list(zip(matrices, matrices[0], strict=False)), method=method, sort=None, M=M,
                         refresh=refresh)  # fmt: skip
    list(run)
    assert np.flatnonzero(fits).tolist() == made
    assert (run.setups, run.updates) == ((1, len(made) - 1) if can_update else (len(made), 0))


def test_another_pattern_or_size_makes_anew():
    a, b = drifting(3, side=8), drifting(2, side=10)
    other = sp.csr_array(a[0][0] + sp.diags_array([0.1], offsets=[7], shape=(64, 64)))
    systems = [a[0], b[0], a[1], b[1], (other, a[0][1]), a[2]]
    run = solve_sequence(systems, sort=None, M=ilu0, refresh="always", rtol=1e-8)
    assert solved(systems, list(run))
    assert (run.setups, run.updates) == (4, 2)


def test_a_preconditioner_that_cannot_be_made_is_a_status_and_the_next_system_gets_a_new_one():
    systems = drifting(3, side=8)
    systems[1] = (
        sp.csr_array((systems[1][0].data * 0, *pattern(systems[1][0])), shape=(64, 64)),
        systems[1][1],
    )
    run = solve_sequence(systems, sort=None, M=ilu0, refresh="always", rtol=1e-8)
    with pytest.warns(ConvergenceWarning, match="system 1: ilu0 meets the pivot"):
        results = list(run)
    assert [r.status for r in results] == [Status.CONVERGED, Status.INVALID, Status.CONVERGED]


def pattern(A):
    return A.indices, A.indptr


def test_a_failure_with_an_old_preconditioner_is_tried_again_with_a_new_one():
    systems = [
        (sp.diags_array(d).tocsr(), np.ones(40)) for d in (np.geomspace(1, 1e8, 40), np.geomspace(1e8, 1, 40))
    ]
    run = solve_sequence(systems, method=gmres, sort=None, M=jacobi, refresh="never", rtol=1e-10, maxiter=5)
    assert solved(systems, list(run), rtol=1e-10)
    assert run.retries == 1


class Clock:
    """A clock that the simulated work moves."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(_refresh, "clock", lambda: self.now)


def simulate(clock, count, price, growth, *, update=None, base=1, load=0.0):
    """Solve with a preconditioner that loses `growth` iterations a system; return run and dates."""
    made, age, step = [], [0], [0]

    class M:
        shape = (2, 2)

        def __init__(self, A):
            clock.now += price + (0 if made else load)
            made.append(step[0])
            age[0] = 0

        def update(self, A):
            clock.now += update
            made.append(step[0])
            age[0] = 0

    if update is None:
        del M.update

    def method(A, b, M):
        nit = base + growth * age[0]
        clock.now += nit * 1.0
        age[0] += 1
        step[0] += 1
        return Result(b, Status.CONVERGED, "", np.ones(nit + 1))

    run = solve_sequence([(np.eye(2), np.ones(2))] * count, method=method, sort=None, M=M)
    list(run)
    return run, made


def test_it_is_refreshed_when_the_lost_iterations_have_cost_as_much(monkeypatch):
    run, made = simulate(Clock(monkeypatch), 20, price=9.0, growth=1)
    # Second system: the price is learned. Then 1 + 2 + 3 + 4 = 10 > 9 after five.
    assert made == [0, 1, 6, 11, 16]
    assert run.setups == 5


def test_an_old_preconditioner_that_loses_much_at_once_is_rarely_tried(monkeypatch):
    clock = Clock(monkeypatch)
    made = simulate(clock, 200, price=10.0, growth=1000)[1]
    assert len(made) >= 190
    tried = np.flatnonzero(np.bincount(made, minlength=200) == 0)
    assert np.diff(tried).min() >= 1000 / 10
    assert clock.now <= 2 * (200 * 10 + 200)


def test_a_preconditioner_that_does_not_lose_iterations_is_kept(monkeypatch):
    assert simulate(Clock(monkeypatch), 50, price=1.0, growth=0)[1] == [0, 1]


def test_loading_code_and_expensive_first_set_ups_do_not_count_as_the_price(monkeypatch):
    assert simulate(Clock(monkeypatch), 20, price=9.0, growth=1, load=1e6)[1] == [0, 1, 6, 11, 16]
    run, made = simulate(Clock(monkeypatch), 20, price=1e6, growth=1, update=9.0)
    assert made == [0, 1, 6, 11, 16]
    assert (run.setups, run.updates) == (1, 4)


@pytest.mark.parametrize("price", [3, 30, 300])
@pytest.mark.parametrize("growth", [1, 7])
def test_the_cost_is_within_twice_the_best_regular_policy(monkeypatch, price, growth):
    clock = Clock(monkeypatch)
    simulate(clock, 200, price=price, growth=growth, base=1)

    def regular(every):
        return sum(price * (i % every == 0) + growth * (i % every) for i in range(200))

    best = min(regular(every) for every in range(1, 201))
    lost = clock.now - 200  # a fresh one needs one iteration
    assert best <= lost <= 2 * best + 2 * price


def test_real_set_ups_follow_and_save_iterations():
    systems = [(convection_diffusion((30, 30), (w, 10.0)), np.ones(900)) for w in np.linspace(0, 300, 8)]
    runs = {policy: solve_sequence(systems, sort=None, M=ilu0, refresh=policy, rtol=1e-8, recycle=False)
            for policy in ("always", "never", "auto")}  # fmt: skip
    for run in runs.values():
        assert solved(systems, list(run))
    assert runs["always"].iterations < runs["never"].iterations
    assert runs["auto"].setups == 1
    assert runs["auto"].updates >= 1


# -- what one sees -------------------------------------------------------------------------------------------


def test_progress_as_a_function():
    shown = []
    results = list(solve_sequence(small(), sort=[1, 0, 3, 4, 2, 5], progress=lambda *a: shown.append(a)))
    assert [number for number, _ in shown] == [1, 0, 3, 4, 2, 5]
    assert all(result is results[number] for number, result in shown)


def test_progress_as_a_bar(capsys):
    pytest.importorskip("tqdm")
    list(solve_sequence(small(), progress=True))
    list(solve_sequence(iter(small()), sort=None, progress=True))
    assert "6/6" in capsys.readouterr().err


def test_repr_says_how_far_it_is():
    run = solve_sequence(small(), sort=None)
    next(run)
    assert repr(run) == f"SequenceRun(1 of 6 solved, 0 missed, {run.products} products)"
    assert repr(solve_sequence(iter(small()), sort=None)).startswith("SequenceRun(0 solved")


def test_signature_follows_the_design():
    names = list(inspect.signature(solve_sequence).parameters)
    assert names[:4] == ["systems", "method", "sort", "features"]


# -- GPU -------------------------------------------------------------------------------------------------


def compare_with_the_host(method, side=8, **options):
    shuffled = [drifting(5, side)[i] for i in (0, 3, 1, 4, 2)]
    here = solve_sequence(shuffled, method=method, rtol=1e-8, **options)
    there = solve_sequence([numsolve.to_device(*s) for s in shuffled], method=method, rtol=1e-8, **options)
    assert there.order.tolist() == here.order.tolist() == [0, 2, 4, 1, 3]
    for host, device in zip(here, there, strict=True):
        assert type(device.x).__module__.startswith("cupy")
        assert device.nit == pytest.approx(host.nit, rel=0.1, abs=2)
        np.testing.assert_allclose(device.x.get(), host.x, rtol=1e-5)
    assert there.updates == here.updates


@pytest.mark.parametrize(
    ("method", "options"),
    [
        (gcrodr, {"restart": 8, "k": 3}),
        *extended((cg, {}), (cg, {"M": jacobi, "refresh": 2})),
    ],
)
def test_on_the_device(cupy, method, options):
    compare_with_the_host(method, side=4, **options)


@pytest.mark.gpu
@pytest.mark.parametrize("method", [cg, gmres, gcrodr])
def test_on_a_real_device(method):
    compare_with_the_host(method)
    compare_with_the_host(method, M=jacobi, refresh=2)


def test_a_refused_system_of_the_device_is_nan_there(cupy):
    (A, b), (C, c) = (numsolve.to_device(*s) for s in drifting(2, side=4))
    run = solve_sequence([(A, b), (C, c * np.nan), (C, np.ones(16))], method=cg, sort=None)
    with pytest.warns(ConvergenceWarning, match="system 1: b has 16 NaN"):
        good, bad, mixed = run
    assert good.success
    assert type(bad.x).__module__.startswith("cupy")
    assert np.isnan(bad.x.get()).all()
    assert mixed.status == Status.INVALID
    assert "on the GPU" in mixed.message
