"""Calls written for SciPy: translated and refused arguments, tuples, and pairs of calls."""

import inspect
import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from support.tiers import extended

import numsolve
from numsolve import ConvergenceWarning, Status, krylov
from numsolve.problems import convection_diffusion, poisson

LEAST_SQUARES = [krylov.lsqr, krylov.lsmr]
each_least_squares = pytest.mark.parametrize("method", LEAST_SQUARES, ids=lambda m: m.__name__)


def quiet(method, *args, **options):
    """Call without the warning of a miss that is meant, and without SciPy's of divisions by zero."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        return method(*args, **options)


@pytest.fixture
def system(rng):
    """A nonsymmetric system."""
    return convection_diffusion((12, 12), (30.0, 5.0)), rng.standard_normal(144)


@pytest.fixture
def overdetermined(rng):
    """A problem of least squares."""
    return rng.standard_normal((60, 20)), rng.standard_normal(60)


def test_a_result_is_a_tuple_for_indices_and_slices():
    result = krylov.cg(np.eye(3), np.ones(3))
    assert len(result) == 2
    assert result[0] is result.x
    assert result[1] == result[-1] == 0
    assert result[:2] == (result.x, 0)
    assert [type(part) for part in result[::-1]] == [int, np.ndarray]
    with pytest.raises(IndexError):
        result[2]


@pytest.mark.parametrize("name", ["cg", "minres", "bicgstab", "gmres", "idrs", "gcrodr", "chebyshev"])
def test_unknown_arguments_are_refused_with_what_to_use(name):
    method, A, b = getattr(krylov, name), np.eye(3), np.ones(3)
    with pytest.raises(TypeError, match=rf"{name}\(\) got an unexpected keyword argument 'tol': pass rtol"):
        method(A, b, tol=1e-8)
    with pytest.raises(TypeError, match="'residuals': the history is the attribute residuals"):
        method(A, b, residuals=[])
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'nonsense'$"):
        method(A, b, nonsense=1)
    with pytest.raises(TypeError, match="positional"):
        method(A, b, None, 1e-8)
    assert list(inspect.signature(method).parameters)[:3] == ["A", "b", "x0"]
    assert method(A=A, b=b, x0=None).success


def test_the_warning_of_a_miss_names_the_line_of_the_caller():
    for method in (krylov.cg, krylov.gmres, krylov.lgmres, krylov.lsqr):
        limit = {"inner_m": 1} if method is krylov.lgmres else {}
        with pytest.warns(ConvergenceWarning) as caught:
            method(poisson((5, 5)), np.ones(25), maxiter=1, **limit)
        assert [warning.filename for warning in caught] == [__file__]


def test_minres_takes_show_and_check(capsys):
    A, b = np.diag([1.0, 2.0, 3.0]), np.ones(3)
    result = krylov.minres(A, b, show=True, check=True).check()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == result.nit + 1
    assert lines[0].split() == ["1", f"{result.residuals[1]:.3e}"]
    assert lines[-1] == result.message
    A[0, 1] = 1e-3
    with pytest.raises(ValueError, match="not symmetric"):
        krylov.minres(A, b, check=True)
    assert quiet(krylov.minres, A, b, check=False).nit > 0


def test_rows_of_dirichlet_conditions():
    A, b, rows = poisson((12, 12)).tolil(), np.ones(144), np.r_[:12, 132:144]
    A[rows] = 0
    A[rows, rows] = 1
    A, x0 = A.tocsr(), np.zeros(144)
    x0[rows] = b[rows] = np.arange(24.0)
    want = np.linalg.solve(A.toarray(), b)
    for method in (krylov.cg, krylov.minres):
        with pytest.raises(ValueError, match="if only rows of Dirichlet conditions break the symmetry"):
            method(A, b)
        for M in (None, sp.diags_array(1 / A.diagonal()).tocsr()):
            found = method(numsolve.hermitian(A), b, x0, M=M, rtol=1e-12).check().x
            np.testing.assert_allclose(found, want, rtol=1e-8, atol=1e-8)


class TestGmres:
    def test_restart_of_none_is_the_default(self, system):
        A, b = system
        for method in (krylov.gmres, krylov.fgmres, krylov.gcrodr):
            np.testing.assert_array_equal(method(A, b, restart=None).x, method(A, b).x)

    def test_the_default_limit_is_that_of_scipy(self):
        """``10 * n`` restarts: this system takes twice as many iterations as ``10 * n``."""
        A, b = (
            sp.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(40, 40)).tocsr(),
            np.cos(np.arange(40)),
        )
        options = {"restart": 4, "rtol": 1e-8}
        assert spla.gmres(A, b, **options)[1] == 0
        for method in (krylov.gmres, krylov.fgmres):
            assert method(A, b, **options).check().nit > 600
            assert quiet(method, A, b, maxiter=9, **options).nit == 9

    def test_callback_types(self, system):
        A, b = system
        norms, theirs, iterates = [], [], []
        result = krylov.gmres(A, b, restart=10, callback=norms.append, callback_type="pr_norm").check()
        assert norms[-1] == pytest.approx(result.residuals[-1] / np.linalg.norm(b), rel=1e-3)
        assert len(norms) == result.nit
        spla.gmres(A, b, restart=10, callback=theirs.append, callback_type="pr_norm")
        np.testing.assert_allclose(norms[:15], theirs[:15], rtol=1e-6)
        result = krylov.gmres(A, b, restart=10, callback=iterates.append, callback_type="x").check()
        assert len(iterates) == -(-result.nit // 10)
        np.testing.assert_array_equal(iterates[-1], result.x)
        sizes = [np.linalg.norm(b - A @ x) for x in iterates]
        ends = [*result.residuals[10:-1:10], result.residuals[-1]]
        np.testing.assert_allclose(sizes, ends, rtol=1e-6)
        norms, iterates = [], []
        krylov.gmres(A, b[:, None], callback=norms.append).check()
        assert all(np.shape(norm) == () and isinstance(norm, float) for norm in norms)
        krylov.gmres(A, np.stack([b, b], axis=1), callback=iterates.append).check()
        assert {np.shape(x) for x in iterates} == {(144,)}
        both = []
        krylov.gmres(A, b, callback=lambda x, norm: both.append((x.shape, norm)), callback_type="x").check()
        assert both[0][0] == b.shape
        with pytest.raises(ValueError, match="callback_type is 'y'; one of 'legacy', 'pr_norm', 'x'"):
            krylov.gmres(A, b, callback_type="y")

    @pytest.mark.parametrize("kind", [None, "legacy", "x", "pr_norm"])
    def test_the_type_decides_what_maxiter_counts(self, kind, system):
        A, b = system
        options = {"rtol": 1e-13, "restart": 5, "maxiter": 3, "callback": lambda x: None}
        result = quiet(krylov.gmres, A, b, callback_type=kind, **options)
        assert result.nit == (15 if kind in ("x", "pr_norm") else 3)
        options["callback_type"] = kind or "legacy"
        np.testing.assert_allclose(result.x, spla.gmres(A, b, **options)[0], rtol=1e-6, atol=1e-9)


class TestLeastSquares:
    @each_least_squares
    def test_the_tuple(self, method, overdetermined):
        (E, f), name = overdetermined, method.__name__
        for damp in (0.0, 0.7):
            ours = method(sp.csr_array(E), f, damp=damp, rtol=1e-12).check()
            theirs = getattr(spla, name)(E, f, damp=damp, atol=1e-13, btol=1e-13)
            assert len(ours) == len(theirs) == (10 if name == "lsqr" else 8)
            assert ours[1] == theirs[1] == 2
            assert ours[2] == ours.nit
            residual = np.linalg.norm(f - E @ ours.x)
            assert ours[3] == pytest.approx(residual)
            gradient, x_norm = (7, 8) if name == "lsqr" else (4, 7)
            assert ours[gradient] < 1e-9
            assert ours[x_norm] == pytest.approx(np.linalg.norm(ours.x))
            assert ours[5] == pytest.approx(np.hypot(np.linalg.norm(E), damp * 20**0.5))
            if name == "lsqr":
                assert ours[4] == pytest.approx(np.hypot(residual, damp * np.linalg.norm(ours.x)))
                assert ours[4] == pytest.approx(theirs[4])
        x, istop, *_ = pickle.loads(pickle.dumps(ours))
        np.testing.assert_array_equal(x, ours.x)
        assert istop == 2

    @each_least_squares
    def test_the_codes_of_the_ends(self, method, overdetermined):
        (E, f), x = overdetermined, np.arange(20.0)
        theirs = getattr(spla, method.__name__)
        for b, code in ((E @ x, 1), (f, 2), (0 * f, 0)):
            assert method(E, b)[1] == theirs(E, b)[1] == code
        assert quiet(method, E, f, maxiter=2)[1] == theirs(E, f, **{limit_of(method): 2})[1] == 7
        assert method(E, E @ x, x)[1] == theirs(E, E @ x, x0=x)[1] == 0
        assert quiet(method, E, f, rtol=0)[1] == 5
        assert method(E, f, callback=lambda x, norm: True)[1] == 7
        spoiled = spla.LinearOperator(
            (3, 2), lambda v: np.full(3, np.nan), rmatvec=lambda v: v[:2], dtype=float
        )
        with pytest.warns(ConvergenceWarning):
            assert method(spoiled, np.ones(3))[1] < 0

    @each_least_squares
    def test_scipys_arguments(self, method, overdetermined, capsys):
        (E, f), x0 = overdetermined, np.ones(20)
        want = method(E, f, rtol=1e-11)
        for options in (
            {"atol": 1e-11, "btol": 1e-9},
            {"atol": 1e-9, "btol": 1e-11, "conlim": 0},
            {"btol": 1e-11, "conlim": None},
            {"atol": 1e-11},
            {"atol": np.float32(1e-11), "btol": None, "conlim": 1e8},
        ):
            np.testing.assert_allclose(method(E, f, **options).check().x, want.x, rtol=1e-9, atol=1e-10)
        assert method(E, f, atol=1e-2, btol=1e-2).nit < method(E, f).nit
        np.testing.assert_array_equal(method(E, f, atol=None, btol=None).x, method(E, f).x)
        np.testing.assert_array_equal(method(E, f, atol=None).x, method(E, f).x)
        np.testing.assert_array_equal(method(E, f, atol=0).x, method(E, f).x)
        assert method(E, f, atol=1e-3).nit <= method(E, f).nit  # an absolute tolerance
        capped = quiet(method, E, f, None, 1e-12, 1e-12, 0, 3)
        assert capped.nit == 3
        np.testing.assert_array_equal(method(E, f, 0.3).x, method(E, f, damp=0.3).x)
        rest = (False, False, x0) if method is krylov.lsqr else (False, x0)
        positional = method(E, f, 0.3, 1e-12, 1e-12, 0, 100, *rest)
        np.testing.assert_allclose(positional.check().x, method(E, f, x0, damp=0.3, rtol=1e-12).x)
        assert capsys.readouterr().out == ""
        method(E, f, show=True)
        assert capsys.readouterr().out.splitlines()[-1].startswith("converged; the gradient is")

    @each_least_squares
    def test_refused_arguments(self, method, overdetermined):
        E, f = overdetermined
        with pytest.raises(TypeError, match="conlim is 100: leave it out; damp regularises"):
            method(E, f, conlim=100)
        with pytest.raises(TypeError, match="multiple values for argument 'damp'"):
            method(E, f, 0.1, damp=0.1)
        with pytest.raises(TypeError, match="at most"):
            method(E, f, 0.1, *range(9))
        with pytest.raises(ValueError, match="btol is -1"):
            method(E, f, btol=-1)
        if method is krylov.lsqr:
            assert method(E, f, calc_var=False, iter_lim=200).success
            with pytest.raises(TypeError, match="does not estimate variances"):
                method(E, f, calc_var=True)
        else:
            with pytest.raises(TypeError, match="'iter_lim': pass maxiter"):
                method(E, f, iter_lim=3)

    @each_least_squares
    def test_a_number_for_b(self, method):
        for b in (3.0, np.array(3), np.float32(3)):
            np.testing.assert_allclose(method(np.array([[1.0, 2.0]]), b).check().x, [0.6, 1.2])

    @each_least_squares
    def test_columns(self, method, overdetermined):
        E, f = overdetermined
        result = method(E, np.stack([f, 2 * f], axis=1), damp=0.1).check()
        assert result[3].shape == result[4].shape == (2,)
        assert result[3][1] == pytest.approx(2 * result[3][0], rel=1e-4)


def limit_of(method):
    """Return SciPy's name for the limit of the iterations."""
    return "iter_lim" if method is krylov.lsqr else "maxiter"


RECYCLING = {"lgmres": ("inner_m", "outer_k", "outer_v"), "gcrotmk": ("m", "k", "CU")}


class TestRecyclingByName:
    @pytest.mark.parametrize("name", RECYCLING)
    def test_the_signature_is_scipys(self, name):
        theirs = inspect.signature(getattr(spla, name)).parameters
        ours = inspect.signature(getattr(krylov, name)).parameters
        assert list(ours) == [*theirs, "time_limit"]
        assert all(ours[key].default == theirs[key].default for key in theirs)

    @pytest.mark.parametrize("name", RECYCLING)
    def test_it_is_gcrodr(self, name, system):
        (A, b), (m, k, _) = system, RECYCLING[name]
        result = getattr(krylov, name)(A, b, rtol=1e-10, **{m: 15, k: 5}).check()
        want = krylov.gcrodr(A, b, rtol=1e-10, restart=20, k=5)
        np.testing.assert_array_equal(result.x, want.x)
        alone = getattr(krylov, name)(A, b, rtol=1e-10, **{m: 15, k: 0}).check()
        np.testing.assert_array_equal(alone.x, krylov.gmres(A, b, rtol=1e-10, restart=15).x)

    @pytest.mark.parametrize("name", RECYCLING)
    @pytest.mark.parametrize("images", [True, False])
    def test_the_list_of_pairs_passes_the_directions_on(self, name, images, system):
        (A, b), (m, k, pairs) = system, RECYCLING[name]
        method, kept = getattr(krylov, name), []
        dropped = {"lgmres": "store_outer_Av", "gcrotmk": "discard_C"}[name]
        options = {"rtol": 1e-8, m: 10, k: 6, pairs: kept, dropped: images == (name == "lgmres")}
        first = method(A, b, **options).check()
        assert 0 < len(kept) <= 6
        for pair in kept:
            u, c = pair if name == "lgmres" else pair[::-1]
            assert (c is None) == (not images)
            if images:
                np.testing.assert_allclose(A @ u, c, rtol=1e-6, atol=1e-7)
        again = method(A, b, **options).check()
        assert again.nit < first.nit
        solution = (first.x, None) if name == "lgmres" else (None, first.x)
        found = method(A, b, rtol=1e-8, **{pairs: [solution]})
        assert found.check().nit <= 2

    @pytest.mark.parametrize("name", RECYCLING)
    def test_limits_and_callbacks(self, name, system):
        (A, b), (m, k, _) = system, RECYCLING[name]
        method, seen = getattr(krylov, name), []
        result = quiet(method, A, b, rtol=1e-13, maxiter=3, callback=seen.append, **{m: 5, k: 2})
        assert result.status == Status.MAXITER
        assert result.nit == 15
        assert len(seen) == 3
        np.testing.assert_array_equal(seen[-1], result.x)
        assert method(A, b, callback=lambda x, norm: norm < 1, **{m: 5, k: 2}).status == Status.STOPPED

    def test_bad_input(self, system):
        A, b = system
        with pytest.raises(ValueError, match="truncate is 'newest'"):
            krylov.gcrotmk(A, b, truncate="newest")
        with pytest.raises(ValueError, match="inner_m is 0"):
            krylov.lgmres(A, b, inner_m=0)
        with pytest.raises(ValueError, match="a direction has length 3, but A needs 144"):
            krylov.lgmres(A, b, outer_v=[(np.ones(3), None)])


@settings(suppress_health_check=list(HealthCheck))
@given(
    n=st.integers(1, 24),
    seed=st.integers(0, 2**32 - 1),
    name=st.sampled_from(["cg", "bicgstab", "gmres", "minres", "lgmres", "gcrotmk"]),
    warm=st.sampled_from([None, "vector", "column", "Mb"]),
    preconditioned=st.booleans(),
    rtol=st.sampled_from([1e-2, 1e-5, 1e-9, np.array(1e-7)]),
    atol=st.sampled_from([0.0, 1e-3]),
    form=st.sampled_from([np.asarray, sp.csr_array, sp.csc_array, spla.aslinearoperator]),
)
@pytest.mark.parametrize("dtype", ["float64", *extended("complex128")])
def test_pairs_of_calls(dtype, n, seed, name, warm, preconditioned, rtol, atol, form):
    """Ours and SciPy's, with the same arguments: both succeed, with solutions equal to the tolerance."""
    assume(dtype == "float64" or name != "minres")  # SciPy's is for real matrices
    rng = np.random.default_rng(seed)
    Q = rng.standard_normal((n, n)) + (0 if dtype == "float64" else 1j * rng.standard_normal((n, n)))
    Q = np.linalg.qr(Q)[0]
    A = (Q * np.geomspace(1, 20, n)) @ Q.conj().T
    A = (A + A.conj().T) / 2
    b, options = A @ rng.standard_normal(n), {"rtol": rtol}
    if name != "minres":
        options["atol"] = atol
    if warm is not None:
        options["x0"] = {"vector": b / 3, "column": b[:, None] / 3, "Mb": "Mb"}[warm]
    if preconditioned:
        options["M"] = sp.diags_array(1 / A.diagonal()).tocsr()
    ours = getattr(krylov, name)(form(A), b, **options)
    theirs = quiet(getattr(spla, name), form(A), b, **{**options, "rtol": float(rtol)})
    assert ours[1] == theirs[1] == 0
    assert ours[0].shape == theirs[0].shape == b.shape
    assert ours[0].dtype == theirs[0].dtype == A.dtype
    tolerance = max(float(rtol) * np.linalg.norm(b), atol)
    assert np.linalg.norm(b - A @ ours[0]) <= tolerance * (1 + 1e-9)
    slack = 100 if name == "minres" else 1  # SciPy's stops relative to norm(A) norm(x)
    assert np.linalg.norm(ours[0] - theirs[0]) <= (1 + slack) * tolerance + 1e-12 * np.linalg.norm(b)


@settings(suppress_health_check=list(HealthCheck))
@given(
    m=st.integers(1, 30),
    n=st.integers(1, 20),
    seed=st.integers(0, 2**32 - 1),
    name=st.sampled_from(["lsqr", "lsmr"]),
    damp=st.sampled_from([0.0, 0.3]),
    tolerance=st.sampled_from([1e-8, 1e-11]),
    consistent=st.booleans(),
    positional=st.booleans(),
)
def test_pairs_of_least_squares(m, n, seed, name, damp, tolerance, consistent, positional):
    """The same solution, the same code for the end, and the same norms, with SciPy's own arguments."""
    rng = np.random.default_rng(seed)
    size = min(m, n)
    U, V = (np.linalg.qr(rng.standard_normal((k, size)))[0] for k in (m, n))
    E = (U * np.geomspace(1, 10, size)) @ V.T
    f = E @ rng.standard_normal(n) if consistent else rng.standard_normal(m)
    args = (damp, tolerance, tolerance, 0) if positional else ()
    options = {} if positional else {"damp": damp, "atol": tolerance, "btol": tolerance, "conlim": 0}
    ours = getattr(krylov, name)(sp.csr_array(E), f, *args, **options)
    theirs = getattr(spla, name)(E, f, *args, **options)
    want = np.linalg.solve(E.T @ E + damp**2 * np.eye(n), E.T @ f) if damp else np.linalg.pinv(E) @ f
    scale = np.linalg.norm(f)
    assert len(ours) == len(theirs)
    assert ours[1] in (0, 1, 2)
    assert np.linalg.norm(ours[0] - want) <= 300 * tolerance * scale
    assert ours[3] == pytest.approx(np.linalg.norm(f - E @ want), abs=300 * tolerance * scale)
    if theirs[1] in (0, 1, 2):  # its default limit is low
        assert np.linalg.norm(ours[0] - theirs[0]) <= 600 * tolerance * scale
        if name == "lsqr" or damp == 0:  # with damping, that of lsmr is the norm of the stacked residual
            assert ours[3] == pytest.approx(theirs[3], rel=1e-4, abs=1e-5 * scale)
