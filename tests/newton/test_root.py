"""Roots: the methods, the inner solvers, counts, and kinds of arguments."""

import pickle

import numpy as np
import pytest
import scipy.optimize as spo
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, splu
from support.tiers import extended

from numsolve import Status, newton, precondition
from numsolve.problems import bratu, convection_diffusion, driven_cavity

A = sp.csr_array(convection_diffusion((12, 12), (20.0, 5.0)))
N = A.shape[0]


class Counted:
    """F(x) = A x + x^3 / 10 - 1, its Jacobian, and the evaluations."""

    def __init__(self):
        self.calls = 0

    def __call__(self, x):
        self.calls += 1
        assert x.shape == (N,)
        return A @ x + 0.1 * x**3 - 1

    def jac(self, x):
        return sp.csr_array(A + sp.diags_array(0.3 * x**2))


@pytest.fixture(scope="module")
def wanted():
    """The root, by SciPy's dense method."""
    fun = Counted()
    return spo.root(fun, np.zeros(N), jac=lambda x: fun.jac(x).toarray(), tol=1e-13).x


SOLVERS = ["gmres", "gcrodr", "bicgstab", "direct", *extended("idrs", "fgmres")]


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("linear_solver", SOLVERS)
def test_every_linear_solver(linear_solver, given, wanted):
    fun = Counted()
    jac = fun.jac if given else None
    result = newton.root(fun, np.zeros(N), jac=jac, linear_solver=linear_solver, rtol=1e-10).check()
    np.testing.assert_allclose(result.x, wanted, atol=1e-8)
    assert result.residuals[-1] == pytest.approx(np.linalg.norm(fun(result.x)))
    assert result.residuals[0] == pytest.approx(N**0.5)
    assert result.residuals[-1] <= 1e-10 * result.residuals[0]
    np.testing.assert_array_equal(result.fun, fun(result.x))
    assert result.nfev == fun.calls - 2
    assert len(result.residuals) == result.nit + 1 <= 12
    assert result.njev == (result.nit if given else 0)


@pytest.mark.parametrize("method", ["line-search", "trust-region", "pseudo-transient"])
def test_every_method(method, wanted):
    fun = Counted()
    result = newton.root(fun, np.zeros(N), jac=fun.jac, method=method, rtol=1e-10).check()
    np.testing.assert_allclose(result.x, wanted, atol=1e-8)
    assert result.method == method
    assert result.nit < 30


@pytest.mark.parametrize("linear_solver", ["cg", "minres"])
@pytest.mark.parametrize("recycle", [None, 5])
def test_symmetric_solvers(linear_solver, recycle):
    problem = bratu(12)
    result = newton.root(
        problem.fun, problem.x0, linear_solver=linear_solver, recycle=recycle, rtol=1e-9
    ).check()
    direct = newton.root(problem.fun, problem.x0, jac=problem.jac, linear_solver="direct", rtol=1e-12).check()
    np.testing.assert_allclose(result.x, direct.x, atol=1e-7)
    assert (result.recycle is not None) == (recycle is not None)


def test_symmetric_solvers_refuse_a_nonsymmetric_jacobian():
    fun = Counted()
    with pytest.raises(ValueError, match="the Jacobian is not symmetric"):
        newton.root(fun, np.zeros(N), jac=fun.jac, linear_solver="minres")


def test_an_evaluation_for_each_product_and_each_point():
    fun = Counted()
    result = newton.root(fun, np.zeros(N), method="line-search", rtol=1e-8).check()
    assert result.nfev == fun.calls
    assert 1 + result.nit < result.nfev <= 1 + 2 * result.nit + result.products


def test_a_coloured_jacobian_takes_an_evaluation_for_a_colour(wanted):
    fun = Counted()
    result = newton.root(
        fun, np.zeros(N), jac_sparsity=abs(A) > 0, linear_solver="direct", rtol=1e-10
    ).check()
    np.testing.assert_allclose(result.x, wanted, atol=1e-8)
    assert result.nfev <= 1 + 10 * result.nit
    assert sp.issparse(result.jac)


@pytest.mark.parametrize("forcing", ["eisenstat-walker", "eisenstat-walker-1", 1e-4])
def test_forcing(forcing, wanted):
    fun = Counted()
    result = newton.root(fun, np.zeros(N), jac=fun.jac, forcing=forcing, rtol=1e-10).check()
    np.testing.assert_allclose(result.x, wanted, atol=1e-8)


def test_the_last_step_is_not_oversolved():
    """A forcing term asks for no residual below half of the tolerance."""
    fun = Counted()
    loose = newton.root(fun, np.zeros(N), jac=fun.jac, forcing=1e-9, rtol=1e-2).check()
    tight = newton.root(fun, np.zeros(N), jac=fun.jac, forcing=1e-9, rtol=1e-9).check()
    assert loose.products < tight.products / 2


def factorised(J):
    lu = splu(sp.csc_array(J))
    return LinearOperator(J.shape, lu.solve, dtype=float)


@pytest.mark.parametrize("refresh", ["auto", "always", "never", 2])
def test_a_preconditioner_of_the_jacobian(refresh, wanted):
    fun, made = Counted(), []

    def M(J):
        made.append(J.shape)
        return factorised(J)

    result = newton.root(fun, np.zeros(N), jac=fun.jac, M=M, refresh=refresh, rtol=1e-10).check()
    np.testing.assert_allclose(result.x, wanted, atol=1e-8)
    assert result.products <= 4 * result.nit
    if refresh != "auto":
        assert len(made) == {"always": result.nit, "never": 1, 2: -(-result.nit // 2)}[refresh]


def test_a_fixed_preconditioner_saves_evaluations(wanted):
    fun = Counted()
    plain = newton.root(fun, np.zeros(N), rtol=1e-8).check()
    result = newton.root(fun, np.zeros(N), M=precondition.ilu0(A), rtol=1e-8).check()
    np.testing.assert_allclose(result.x, wanted, atol=1e-6)
    assert result.nfev < plain.nfev / 2


def test_a_failed_step_makes_the_preconditioner_again():
    fun, made = Counted(), []

    def M(J):
        made.append(1)
        return factorised(J) if len(made) > 1 else sp.csr_array((N, N))

    newton.root(fun, np.zeros(N), jac=fun.jac, M=M, refresh="never").check()
    assert len(made) == 2


def test_recycled_directions_go_from_call_to_call():
    fun = Counted()
    first = newton.root(fun, np.zeros(N), recycle=8).check()
    assert first.recycle is not None
    again = newton.root(fun, np.zeros(N), jac=fun.jac, recycle=first.recycle).check()
    alone = newton.root(fun, np.zeros(N), jac=fun.jac, recycle=8).check()
    assert 1 <= again.recycle.k <= 8
    np.testing.assert_allclose(again.x, alone.x, atol=1e-5)


def test_shapes_and_args():
    def fun(x, a, b):
        assert x.shape == (2, 3)
        return a * x**3 - b

    result = newton.root(fun, np.full((2, 3), 2.0), (2.0, 16.0)).check()
    np.testing.assert_allclose(result.x, np.full((2, 3), 2.0), rtol=1e-7)
    assert result.fun.shape == (2, 3)
    assert newton.root(lambda x: x**2 - 4, 3.0).check().x == pytest.approx(2)
    assert newton.root(lambda x, a: x**2 - a, [3], 4).check().x == pytest.approx(2)


def test_fun_that_returns_a_pair():
    calls = []

    def both(x):
        calls.append(1)
        return x**3 - 8, np.diag(3 * x**2)

    result = newton.root(both, np.array([1.0, 3.0]), jac=True, linear_solver="direct").check()
    np.testing.assert_allclose(result.x, 2, rtol=1e-8)
    assert result.nfev == len(calls)
    assert result.jac.shape == (2, 2)


INNER = ["direct", *extended("gmres", "gcrodr", "bicgstab")]


@pytest.mark.parametrize("linear_solver", INNER)
@pytest.mark.parametrize("given", [True, False])
def test_complex_variables(given, linear_solver):
    def fun(z):
        return np.array([z[0] ** 2 + z[1] + 1, z[1] ** 2 - z[0] * 1j + 2])

    def jac(z):
        return np.array([[2 * z[0], 1], [-1j, 2 * z[1]]])

    options = {"jac": jac if given else None, "linear_solver": linear_solver}
    result = newton.root(fun, np.array([1 + 2j, -1 + 0.3j]), rtol=1e-12, **options).check()
    assert np.linalg.norm(fun(result.x)) < 1e-11
    assert result.x.dtype == complex


@pytest.mark.parametrize("linear_solver", INNER)
def test_single_precision(linear_solver):
    start = np.array([1, 3], np.float32)
    result = newton.root(lambda x: x**3 - np.float32(8), start, linear_solver=linear_solver).check()
    assert result.x.dtype == np.float32
    np.testing.assert_allclose(result.x, 2, rtol=1e-3)


def test_an_operator_as_jacobian(wanted):
    fun = Counted()

    def jac(x):
        J = fun.jac(x)
        return LinearOperator(J.shape, J.__matmul__, dtype=float)

    result = newton.root(fun, np.zeros(N), jac=jac, rtol=1e-10).check()
    np.testing.assert_allclose(result.x, wanted, atol=1e-8)
    with pytest.raises(TypeError, match="needs the entries"):
        newton.root(fun, np.zeros(N), jac=jac, linear_solver="direct")


def test_results_can_be_pickled():
    fun = Counted()
    result = newton.root(fun, np.zeros(N), recycle=4).check()
    again = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(again.x, result.x)
    assert "CONVERGED" in repr(result)


def test_callback_and_history():
    fun, seen = Counted(), []

    def callback(x, norm):
        seen.append((np.linalg.norm(fun(x)), norm))
        return len(seen) == 2

    result = newton.root(fun, np.zeros(N), callback=callback)
    assert result.status == Status.STOPPED
    assert result.nit == 2
    for true, told in seen:
        assert told == pytest.approx(true)


def test_driven_cavity():
    problem = driven_cavity(15, reynolds=100.0)
    result = newton.root(problem.fun, problem.x0, jac=problem.jac, linear_solver="direct").check()
    assert result.nit < 12
    free = newton.root(problem.fun, problem.x0, M=factorised(problem.jac(problem.x0)), rtol=1e-9).check()
    np.testing.assert_allclose(free.x, result.x, atol=1e-6)


ON_CUPY = [
    {},
    *extended(
        {"method": "trust-region"},
        {"method": "pseudo-transient", "linear_solver": "direct"},
        {"linear_solver": "bicgstab"},
        {"recycle": 2},
        {"jac_sparsity": np.eye(7)},
    ),
]


@pytest.mark.parametrize("options", ON_CUPY)
def test_on_cupy(options, cupy):
    def fun(x):
        return x * x * x + 3 * x - 4 * cupy.ones_like(x)

    result = newton.root(fun, cupy.asarray(np.linspace(2.0, 3.0, 7)), **options).check()
    assert isinstance(result.x, cupy.ndarray)
    np.testing.assert_allclose(result.x.get(), 1, rtol=1e-6)


def test_bad_input_on_cupy(cupy):
    with pytest.raises(TypeError, match="dense Jacobians on a GPU"):
        newton.root(lambda x: x * x, cupy.ones(7), jac_sparsity=np.eye(7), linear_solver="direct")
    with pytest.raises(TypeError, match="GPU"):
        newton.root(lambda x: x, cupy.ones(7), M=np.eye(7))
