"""The first guess from the last solutions."""

import numpy as np
import pytest

import numsolve
from numsolve import Result, Status
from numsolve.krylov import cg, gmres, solve_sequence
from numsolve.problems import convection_diffusion_systems, poisson


class Method:
    """A direct method that notes the guesses it is given."""

    def __init__(self):
        self.guesses = []

    def __call__(self, A, b, x0=None):
        self.guesses.append(x0)
        x = np.linalg.solve(A, b)
        return Result(x, Status.CONVERGED, "", np.geomspace(1, 1e-8, 1001))


def matrices(rng, count, n=30, drift=0.01):
    base = 4 * np.eye(n) + rng.standard_normal((n, n)) / 4
    return [base + drift * i * rng.standard_normal((n, n)) / n for i in range(count)]


@pytest.mark.parametrize("complex_", [False, True])
def test_it_is_the_best_combination_of_the_last_solutions(complex_, rng):
    method = Method()
    turn = 1 + 0.3j if complex_ else 1.0
    systems = [(A * turn, rng.standard_normal(30) * 0.01 + 1) for A in matrices(rng, 5)]
    results = list(solve_sequence(systems, sort=None, method=method, guess=2))
    assert method.guesses[0] is None
    for i in range(1, 5):
        A, b = systems[i]
        X = np.column_stack([r.x for r in results[max(0, i - 2) : i]])
        best = X @ np.linalg.lstsq(A @ X, b + 0 * X[:, 0])[0]
        np.testing.assert_allclose(method.guesses[i], best, rtol=1e-9)


def test_what_the_last_solutions_span_needs_no_iteration(rng):
    A = poisson((12, 12))
    B = rng.standard_normal((144, 3))
    right = [*B.T, B @ (1.0, -2.0, 0.5)]
    run = solve_sequence([(A, b) for b in right], sort=None, method=cg, recycle=False, rtol=1e-8)
    results = list(run)
    assert [r.nit > 10 for r in results] == [True, True, True, False]
    np.testing.assert_allclose(A @ results[3].x, right[3], atol=1e-6)
    assert (
        run.products == sum(r.nit for r in results) + 1 + 3
    )  # the first try gained nothing, so that the next one comes later


@pytest.mark.parametrize("method", [gmres, "gcrodr"])
def test_guesses_save_products_when_systems_change_slowly(method):
    systems = list(convection_diffusion_systems(8, (24, 24), rng=0))
    spent = {}
    for guess in (0, 3):
        run = solve_sequence(systems, sort=None, method=method, guess=guess, rtol=1e-8)
        for (A, b, _), result in zip(systems, run, strict=True):
            assert np.linalg.norm(A @ result.x - b) <= 1e-8 * np.linalg.norm(b)
        spent[guess] = run.products
    assert spent[3] < 0.75 * spent[0]


def test_a_guess_that_gains_nothing_is_rarely_tried(rng):
    systems = [
        (4 * np.eye(60) + rng.standard_normal((60, 60)) / 3, rng.standard_normal(60)) for _ in range(40)
    ]
    with_, without = (solve_sequence(systems, sort=None, method=gmres, guess=g, rtol=1e-8) for g in (3, 0))
    iterations = [sum(r.nit for r in run) for run in (with_, without)]
    assert with_.products - iterations[0] <= 20  # tries after 1, 2, 4, 8, 16 systems, three products each
    assert iterations[0] <= iterations[1] + 5


def test_what_is_given_is_left_alone(rng):
    method = Method()
    mine = np.ones(30)
    systems = [(A, np.ones(30)) for A in matrices(rng, 3)]
    list(solve_sequence(systems, sort=None, method=method, x0=mine))
    assert all(guess is mine for guess in method.guesses)
    assert all(r.success for r in solve_sequence(systems, sort=None, method=numsolve.solve))
    blocks = [(A, np.ones((30, 2))) for A in matrices(rng, 3)]
    assert all(r.success for r in solve_sequence(blocks, sort=None, method=gmres, rtol=1e-8))
    with pytest.raises(ValueError, match="guess is -1"):
        solve_sequence(systems, guess=-1)


def test_systems_that_cannot_be_solved_are_left_out_of_the_guess(rng):
    A = matrices(rng, 1)[0]
    good, bad = (A, np.ones(30)), (A * np.nan, np.ones(30))
    wide = (rng.standard_normal((30, 31)), np.ones(30))
    with pytest.warns(numsolve.ConvergenceWarning, match="system 1: A has 900 NaN"):
        results = list(solve_sequence([good, bad, wide, good], sort=None, method=gmres, rtol=1e-8))
    assert [r.success for r in results] == [True, False, False, True]
    assert results[3].nit == 0


def test_on_the_device(cupy):
    systems = [numsolve.to_device(A, b) for A, b, _ in convection_diffusion_systems(4, (7, 7), rng=0)]
    results = list(solve_sequence(systems, sort=None, method=gmres, rtol=1e-8))
    assert all(r.success and type(r.x).__module__.startswith("cupy") for r in results)
    assert results[3].nit < results[0].nit
