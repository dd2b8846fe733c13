"""Roots within bounds: all scalings, Jacobians and forms of bounds, roots and starts at bounds, faults."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import Bounds
from scipy.sparse.linalg import LinearOperator
from support.tiers import extended

from numsolve import ConvergenceError, ConvergenceWarning, FunctionError, Status, problems, to_device
from numsolve.newton import root_bounded
from numsolve.newton._equations.scalings import SCALINGS

inf = np.inf


def circle(x):
    """Return a system whose roots are (1, 2), (2, 1), (-1, -2), (-2, -1)."""
    return np.array([x[0] ** 2 + x[1] ** 2 - 5, x[0] * x[1] - 2])


def circle_jac(x):
    return np.array([[2 * x[0], 2 * x[1]], [x[1], x[0]]])


QUARTER = ([0.0, 1.5], [2.0, 4.0])  # the root (1, 2) alone


@pytest.mark.parametrize("scaling", [*SCALINGS, "convex", {"coleman-li": 2, "none": 1}])
def test_every_scaling_finds_the_root_within_the_bounds(scaling):
    result = root_bounded(circle, [0.5, 3.0], QUARTER, jac=circle_jac, scaling=scaling, rtol=1e-12).check()
    np.testing.assert_allclose(result.x, [1, 2], atol=1e-11)
    np.testing.assert_allclose(result.fun, circle(result.x))
    assert result.residuals[-1] == pytest.approx(np.linalg.norm(result.fun))
    assert (result.active_mask == 0).all()
    assert result.nit < 20


@pytest.mark.parametrize(
    "jac",
    [None, "2-point", True, circle_jac, lambda x: sp.csr_array(circle_jac(x)), *extended("operator")],
)
@pytest.mark.parametrize("linear_solver", ["auto", *extended("gmres", "lsmr", "direct")])
def test_kinds_of_jacobians(jac, linear_solver):
    def operator(x):
        J = circle_jac(x)
        return LinearOperator((2, 2), matvec=lambda v: J @ v, rmatvec=lambda v: J.T @ v, dtype=float)

    if jac == "operator" and linear_solver == "direct":
        return
    fun = (lambda x: (circle(x), circle_jac(x))) if jac is True else circle
    jac = operator if jac == "operator" else jac
    result = root_bounded(fun, [0.5, 3.0], QUARTER, jac=jac, linear_solver=linear_solver, rtol=1e-9).check()
    np.testing.assert_allclose(result.x, [1, 2], atol=1e-8)


@pytest.mark.parametrize(
    "bounds", [QUARTER, Bounds(*QUARTER), (np.array(QUARTER[0]), QUARTER[1]), ((0, 1.5), (inf, inf))]
)
def test_forms_of_bounds(bounds):
    assert root_bounded(circle, [0.5, 3.0], bounds).check().x == pytest.approx([1, 2], abs=1e-6)


def test_a_number_bounds_all_variables_and_shapes_are_kept():
    def fun(x, shift):
        return x**2 - np.arange(6.0).reshape(2, 3) - shift

    result = root_bounded(fun, np.full((2, 3), 2.0), (0, inf), (1.0,), jac_sparsity=np.eye(6)).check()
    np.testing.assert_allclose(result.x, np.sqrt(np.arange(6.0).reshape(2, 3) + 1), rtol=1e-7)
    assert result.active_mask.shape == result.fun.shape == (2, 3)
    assert result.nfev <= 3 * result.nit + 3  # one more for the Jacobian of a diagonal pattern


def test_every_value_is_taken_strictly_within_the_bounds():
    points = []

    def fun(x):
        points.append(x)
        return circle(x)

    root_bounded(fun, [0.5, 3.0], QUARTER, rtol=1e-10).check()
    lower, upper = map(np.array, QUARTER)
    assert all(((x > lower) & (x < upper)).all() for x in points)


@pytest.mark.parametrize("scaling", [*SCALINGS, "convex"])
def test_a_root_at_a_bound(scaling):
    system = problems.bounded_system("Rosenbrock")
    bounds = ([-2, -2], [1, 3])
    result = root_bounded(system.fun, [-1.2, 1], bounds, jac=system.jac, scaling=scaling, rtol=1e-9).check()
    np.testing.assert_allclose(result.x, [1, 1], atol=1e-6)
    assert result.x[0] < 1
    np.testing.assert_array_equal(result.active_mask, [1, 0])


def many_at_bounds(rng, n=50):
    """Return a coupled system and its root, half of whose entries are at the lower bound zero."""
    A = rng.standard_normal((n, n)) + 8 * np.eye(n)
    root = np.where(rng.random(n) < 0.5, 0, rng.random(n))

    def fun(x):
        return A @ (x - root) + 3 * (x - root) ** 2 + 0.5 * np.sin(x - root) * np.roll(x, 1)

    return fun, root


@pytest.mark.parametrize("shorten", ["better", "projection"])
def test_many_variables_at_bounds(shorten, rng):
    fun, root = many_at_bounds(rng)
    for _ in range(3):
        result = root_bounded(fun, rng.random(50), (0, 1), rtol=1e-10, shorten=shorten).check()
        np.testing.assert_allclose(result.x, root, atol=1e-8)
        np.testing.assert_array_equal(result.active_mask == -1, root == 0)
        assert result.nit <= 25


def test_steps_that_are_pulled_back_as_a_whole_may_stall(rng):
    fun, _ = many_at_bounds(rng)
    with pytest.warns(ConvergenceWarning):
        result = root_bounded(fun, rng.random(50), (0, 1), rtol=1e-10, shorten="pull-back", maxiter=40)
    assert result.status in (Status.MAXITER, Status.STAGNATED)


def test_a_root_at_a_corner_where_the_function_has_no_value():
    def fun(x):
        return x * np.log(x)  # NaN at zero

    with np.errstate(all="ignore"):
        result = root_bounded(fun, [0.2, 0.3], (0, 0.35), atol=1e-9).check()
    assert (result.active_mask == -1).all()
    assert (result.x > 0).all()


@pytest.mark.parametrize("x0", [[0.0, 1.5], [2.0, 4.0], [1e-12, 1.5 + 1e-12], [0.0, 4.0]])
def test_a_start_at_or_very_near_bounds(x0):
    result = root_bounded(circle, x0, QUARTER, jac=circle_jac).check()
    np.testing.assert_allclose(result.x, [1, 2], atol=1e-6)
    assert result.residuals[0] == pytest.approx(np.linalg.norm(circle(np.array(x0))))


def test_a_start_where_the_function_has_no_value():
    def fun(x):
        return np.log(x) + x - 1

    with np.errstate(all="ignore"):
        assert root_bounded(fun, 0.0, (0, 5)).check().x == pytest.approx(1, abs=1e-7)


def test_a_start_that_is_a_root_stays():
    for bounds in (QUARTER, ([1, 1], [3, 3])):  # inside, and at a bound
        result = root_bounded(circle, [1.0, 2.0], bounds, jac=circle_jac).check()
        np.testing.assert_array_equal(result.x, [1, 2])
        assert (result.nit, result.nfev) == (0, 1)
    third = root_bounded(lambda x: 3 * x - 1, [1 / 3 + 1e-16], ([1 / 3], [1.0])).check()
    assert third.nit == 0


def test_scaled_functions_and_variables_have_the_same_status():
    system = problems.bounded_system("Floudas 14.1.1")
    one, some = np.ones(2), np.array([1e-8, 1e5])
    for x0 in system.starts():
        counts = []
        for f, s in ((1, one), (1e-2, one), (2.0**20, one), (1, 2.0**-40 * one), (1, some), (1e150, some)):
            result = root_bounded(
                lambda x, f=f, s=s: f * system.fun(x / s),
                s * x0,
                (s * system.lower, s * system.upper),
                jac=lambda x, f=f, s=s: f * system.jac(x / s) / s,
                rtol=1e-9,
            )
            counts.append(result.check().nit)
        assert max(counts) - min(counts) <= 2


def test_differences_of_small_and_of_large_variables():
    for size in (1e-12, 1e12):
        result = root_bounded(lambda x, size=size: (x / size) ** 2 - 4, size, (0, 10 * size)).check()
        assert result.x / size == pytest.approx([2], rel=1e-6)
        assert result.nit < 10


SLOW = ("Chandrasekhar, c = 0.99", "Chandrasekhar, c = 0.9999", "Floudas 14.1.8, R = 0.945")


@pytest.mark.parametrize(
    "name", [*(n for n in problems.bounded_system_names() if n not in SLOW), *extended(*SLOW)]
)
def test_systems_of_the_gallery(name, rng):
    """One start of each finds a root; the Jacobian agrees with differences."""
    system = problems.bounded_system(name)
    x = system.starts()[0] + 0.01 * rng.random(len(system.lower))
    h = 1e-6
    J = np.array([(system.fun(x + h * e) - system.fun(x - h * e)) / (2 * h) for e in np.eye(len(x))]).T
    np.testing.assert_allclose(system.jac(x), J, rtol=1e-5, atol=1e-8 * abs(J).max())
    found = 0
    for x0 in system.starts():
        with np.errstate(over="ignore"):
            result = _quiet(root_bounded, system.fun, x0, system.bounds, jac=system.jac, rtol=0, atol=1e-8)
        if result.success:
            assert np.linalg.norm(system.fun(result.x)) <= 1e-8
            assert ((result.x >= system.lower) & (result.x <= system.upper)).all()
            found += 1
        else:
            assert result.status in (Status.STAGNATED, Status.MAXITER)
    assert found >= 1


def _quiet(call, *args, **options):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return call(*args, **options)


def test_unknown_systems_list_the_others():
    with pytest.raises(ValueError, match=r"no system is named 'X'; there are: Floudas 14\.1\.1"):
        problems.bounded_system("X")
    assert pickle.loads(pickle.dumps(problems.bounded_system("Rosenbrock"))).fun([1, 1]) == pytest.approx(
        [0, 0]
    )


@pytest.mark.parametrize("linear_solver", ["auto", "lsmr"])
def test_a_singular_jacobian_on_the_way(linear_solver):
    """At the start both rows of the Jacobian agree, so that the shortest step of least squares is taken."""

    def fun(x):
        return np.array([x[0] + x[1] - 3, x[0] + x[1] ** 2 / 2 - 2.5 + 0 * x[0]])

    def jac(x):
        return np.array([[1, 1], [1, x[1]]])

    options = {"jac": jac, "linear_solver": linear_solver, "rtol": 1e-9}
    result = root_bounded(fun, [0.5, 1.0], ([-1, -1], [3, 4]), **options)
    x = result.check().x
    np.testing.assert_allclose(fun(x), 0, atol=1e-8)


def test_a_minimum_that_is_no_root_is_not_called_converged():
    def inside(x):
        return np.array([x[0] ** 2 + 1, x[1]])

    with pytest.warns(ConvergenceWarning, match="within the bounds, which is no root"):
        result = root_bounded(inside, [2.0, 1.0], (-5, 5))
    assert result.status is Status.STAGNATED
    assert result.residuals[-1] == pytest.approx(1, rel=1e-3)
    with pytest.raises(ConvergenceError, match="choose another x0"):
        result.check()
    with pytest.warns(ConvergenceWarning, match="stationary point"):
        result = root_bounded(circle, [0.2, 3.5], ([0, 2.5], [2, 4]))  # the root is cut off
    assert result.status is Status.STAGNATED
    assert result.active_mask[1] == -1


def test_a_tolerance_below_rounding():
    with pytest.warns(ConvergenceWarning, match="F is rounding error"):
        result = root_bounded(lambda x: x**2 - 2, 1.0, (0, 2), rtol=1e-30)
    assert result.status is Status.STAGNATED
    assert result.x == pytest.approx(np.sqrt(2), abs=1e-15)


def test_a_wrong_jacobian_is_suspected():
    with pytest.warns(ConvergenceWarning, match="jac is wrong"):
        result = root_bounded(circle, [0.5, 3.0], QUARTER, jac=lambda x: -circle_jac(x))
    assert result.status is Status.STAGNATED


def test_a_start_where_the_derivative_is_infinite():
    def jac(x):
        return np.diag(0.5 / np.sqrt(x))

    with np.errstate(all="ignore"):
        result = root_bounded(lambda x: np.sqrt(x) - 1, [0.0], (0, 3), jac=jac).check()
    assert result.x == pytest.approx([1])


def test_limits_and_callback():
    norms = []
    result = _quiet(
        root_bounded, circle, [0.5, 3.0], QUARTER, maxiter=2, callback=lambda x, norm: norms.append(norm)
    )
    assert (result.status, result.nit) == (Status.MAXITER, 2)
    np.testing.assert_allclose(norms, result.residuals[1:])
    assert root_bounded(circle, [0.5, 3.0], QUARTER, callback=lambda x, norm: True).status is Status.STOPPED
    assert _quiet(root_bounded, circle, [0.5, 3.0], QUARTER, time_limit=1e-9).status is Status.TIME_LIMIT


def test_steps_into_regions_without_a_value_are_shortened():
    def fun(x):
        return np.where(x > 0.5, np.log(abs(x - 0.5)) - 1, np.nan)

    with np.errstate(all="ignore"):
        result = root_bounded(fun, [9.0], (0, 10), radius=100.0).check()
    assert result.x == pytest.approx([0.5 + np.e], abs=1e-6)


def test_an_exception_keeps_the_last_point():
    calls = []

    def fun(x):
        calls.append(x)
        if len(calls) > 6:
            raise OverflowError("too large")
        return circle(x)

    with pytest.raises(FunctionError) as caught:
        root_bounded(fun, [0.5, 3.0], QUARTER, jac=circle_jac, rtol=1e-15)
    assert isinstance(caught.value.__cause__, OverflowError)
    assert caught.value.result.residuals[-1] < caught.value.result.residuals[0]


@pytest.mark.parametrize(
    ("x0", "bounds", "message"),
    [
        ([1.0, 5.0], QUARTER, r"x0\[1\] is 5.0, outside its bounds 1.5 and 4.0"),
        (
            [1.0, 2.0],
            ([0, 2], [2, 2]),
            r"the bounds of x\[1\] are 2.0 and 2.0: no number lies strictly between",
        ),
        ([1.0, 2.0], ([0, 3], [2, 2]), r"the bounds of x\[1\] are 3.0 and 2.0"),
        ([1.0, 2.0], ([0, np.nan], [2, 2]), "NaN"),
        ([1.0, 2.0], ([0, 0, 0], [2, 2]), r"shape \(3,\)"),
        ([1.0, 2.0], (0, 1, 2), "pair"),
        ([1.0, 2.0], ([1, 1], [1 + 2e-16, 3]), "no number lies strictly between"),
    ],
)
def test_bad_bounds(x0, bounds, message):
    with pytest.raises(ValueError, match=message):
        root_bounded(circle, x0, bounds)


def test_bad_input():
    with pytest.raises(ValueError, match="least_squares is for other numbers"):
        root_bounded(lambda x: np.ones(3), [1.0, 2.0], QUARTER)
    with pytest.raises(ValueError, match="scaling is 'newton'; one of 'coleman-li'"):
        root_bounded(circle, [1.0, 2.0], QUARTER, scaling="newton")
    with pytest.raises(ValueError, match="all weights of scaling are zero"):
        root_bounded(circle, [1.0, 2.0], QUARTER, scaling={"none": 0})
    with pytest.raises(ValueError, match="a key of scaling is 'x'"):
        root_bounded(circle, [1.0, 2.0], QUARTER, scaling={"x": 1})
    with pytest.raises(TypeError, match="scaling is a int"):
        root_bounded(circle, [1.0, 2.0], QUARTER, scaling=3)
    with pytest.raises(ValueError, match="shorten is 'clip'"):
        root_bounded(circle, [1.0, 2.0], QUARTER, shorten="clip")
    with pytest.raises(ValueError, match="linear_solver is 'cg'"):
        root_bounded(circle, [1.0, 2.0], QUARTER, linear_solver="cg")
    with pytest.raises(TypeError, match="x0 is complex"):
        root_bounded(circle, [1.0, 2j], QUARTER)
    with pytest.raises(ValueError, match=r"jac returned an array of shape \(3, 2\)"):
        root_bounded(circle, [0.5, 3.0], QUARTER, jac=lambda x: np.ones((3, 2)))

    def without_adjoint(x):
        return LinearOperator((2, 2), matvec=lambda v: circle_jac(x) @ v, dtype=float)

    with pytest.raises(TypeError, match="define rmatvec"):
        root_bounded(circle, [0.5, 3.0], QUARTER, jac=without_adjoint)


def test_sparse_differences_and_single_precision():
    n = 200
    system = problems.bounded_system("trigonometric-exponential")
    pattern = sp.diags_array([np.ones(n)] * 3, offsets=[-1, 0, 1], shape=(n, n))
    x0 = np.full(n, 1.8)
    result = root_bounded(system.fun, x0, (0, inf), jac_sparsity=pattern).check()
    np.testing.assert_allclose(result.x, 1, rtol=1e-6)
    assert sp.issparse(result.jac)
    assert result.nfev <= 6 * (result.nit + 1)
    single = root_bounded(lambda x: x**2 - 2, np.float32([1.0]), (0, 2)).check()
    assert single.x.dtype == np.float32
    assert single.x == pytest.approx(np.sqrt(2), rel=1e-3)


def test_on_a_gpu(cupy):
    def fun(x):
        return x * x - cupy.asarray(np.array([4.0, 9.0]))

    def jac(x):
        return cupy.asarray(np.diag(2 * x.get()))

    result = root_bounded(fun, cupy.asarray(np.array([1.0, 1.0])), (0.5, 10.0), jac=jac, rtol=1e-9).check()
    np.testing.assert_allclose(result.x.get(), [2, 3], rtol=1e-8)
    assert (result.active_mask.get() == 0).all()


@pytest.mark.extended
def test_damped_steps_and_sparse_jacobians_on_a_gpu(cupy):
    """The root has variables at bounds, and some Newton steps lead far outside."""
    rng = np.random.default_rng(3)
    fun, root = many_at_bounds(rng, 12)
    x0 = rng.random(12)

    def jac(x):
        x, h = x.get(), 1e-7
        J = np.array([(fun(x + h * e) - fun(x - h * e)) / (2 * h) for e in np.eye(12)]).T
        return to_device(sp.csr_matrix(J))

    def on_device(x):
        return cupy.asarray(fun(x.get()))

    result = root_bounded(on_device, cupy.asarray(x0), (0.0, 1.0), jac=jac, rtol=1e-9).check()
    np.testing.assert_allclose(result.x.get(), root, atol=1e-7)
    on_host = root_bounded(fun, x0, (0.0, 1.0), rtol=1e-9).check()
    assert abs(result.nit - on_host.nit) <= 5


def test_results_can_be_pickled():
    result = pickle.loads(pickle.dumps(root_bounded(circle, [0.5, 3.0], QUARTER)))
    assert result.success
    assert result.active_mask.dtype == np.int8
