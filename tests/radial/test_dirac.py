"""Dirac's equation in potentials with known spectra, no spurious states, estimated errors, bad input."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import brentq

import numsolve
from numsolve import ConvergenceWarning, Status
from numsolve._tables import table
from numsolve.radial import dirac, exponential, schroedinger, uniform
from numsolve.radial._states_dirac import SPEED_OF_LIGHT, exponent

KAPPAS = (-1, 1, -2, 2, -3, 3, -4, 4)


def nothing(r):
    return 0 * r


def coulomb(Z, n, kappa, c=SPEED_OF_LIGHT):
    """Return Sommerfeld's energy without the rest energy, by a formula without cancellation."""
    gamma = np.sqrt(kappa**2 - (Z / c) ** 2)
    x = (Z / c / (n - abs(kappa) + gamma)) ** 2
    root = np.sqrt(1 + x)
    return -(c**2) * x / (root * (1 + root))


def quantum_numbers(kappa, count):
    """Return n of the lowest states."""
    l = kappa if kappa > 0 else -kappa - 1
    return l + 1 + np.arange(count)


def test_the_table_of_hydrogenic_uranium():
    rows = [row for row in table("radial/hydrogenic_Z92") if row["model"] == "dirac"]
    kappas = sorted({int(row["kappa"]) for row in rows})
    result = dirac(nothing, Z=92, kappa=kappas, states=7).check()
    rounding = 16 * np.finfo(float).eps * result.mesh.size**0.5  # of a sum over the mesh
    for row in rows:
        kappa = int(row["kappa"])
        found = result.energies[kappas.index(kappa), int(row["n"]) - quantum_numbers(kappa, 1)[0]]
        assert found == pytest.approx(float(row["energy"]), rel=rounding)
    assert len(rows) == 49


@pytest.mark.parametrize("Z", [1.0, 0.37, 60.0, 118.0, 136.9])
def test_nuclei_from_light_to_almost_critical(Z):
    result = dirac(nothing, Z=Z, kappa=KAPPAS[:4], states=3, rtol=1e-9).check()
    exact = np.array([coulomb(Z, quantum_numbers(k, 3), k) for k in KAPPAS[:4]])
    np.testing.assert_allclose(result.energies, exact, rtol=1e-10)
    assert (abs(result.energies - exact) <= 5 * result.errors + 1e-12 * abs(exact)).all()


@pytest.mark.parametrize("how", ["declared", "callable", "values", "partly"])
def test_a_nucleus_that_is_part_of_the_potential(how):
    mesh = exponential(8.0, 10, ratio=200.0, degree=14)
    with np.errstate(divide="ignore"):
        V = {
            "declared": nothing,
            "callable": lambda r: -92 / r,
            "values": -92 / mesh.r,
            "partly": lambda r: -12 / r,
        }[how]
    result = dirac(V, kappa=-1, states=2, mesh=mesh, Z={"declared": 92, "partly": 80}.get(how, 0)).check()
    np.testing.assert_allclose(result.energies, coulomb(92, np.array([1, 2]), -1), rtol=1e-12)


@pytest.mark.parametrize("method", ["fast", pytest.param("dense", marks=pytest.mark.extended)])
def test_the_table_of_the_oscillator(method):
    """The table has another c. For kappa = 1 its last digits are off, as both methods find."""
    rows = table("radial/oscillator_dirac")
    kappas = sorted({int(row["kappa"]) for row in rows})
    mesh = uniform(12.0, 6, degree=16)
    result = dirac(lambda r: r * r / 2, kappa=kappas, states=7, mesh=mesh, method=method, c=137.03599907)
    assert result.check().errors.max() < 2e-10
    for row in rows:
        kappa = int(row["kappa"])
        found = result.energies[kappas.index(kappa), int(row["n"]) - quantum_numbers(kappa, 1)[0]]
        assert found == pytest.approx(float(row["energy"]), abs=4e-9 if kappa == 1 else 1e-10)


def test_a_sphere_with_a_hard_wall_is_closed():
    """Without a potential P is a spherical Bessel function, and c**2 + E = sqrt(c**4 + c**2 k**2)."""
    mesh = uniform(0.01, 5, degree=12, wall=True)
    result = dirac(nothing, kappa=(-1, 1, -2), states=3, mesh=mesh).check()
    zero = [brentq(lambda x: np.tan(x) - x, n * np.pi + 1e-9, (n + 0.5) * np.pi - 1e-9) for n in (1, 2, 3)]
    for row, x in zip(result.energies, (np.pi * np.arange(1, 4), zero, zero), strict=True):
        k = SPEED_OF_LIGHT * np.array(x) / mesh.rmax
        np.testing.assert_allclose(
            row, k**2 / (SPEED_OF_LIGHT**2 + np.hypot(SPEED_OF_LIGHT**2, k)), rtol=1e-10
        )
    assert result.energies[0, 2] > 4 * SPEED_OF_LIGHT**2  # far from the other limit


def test_a_nucleus_of_finite_size():
    """A ball of charge of small radius R raises 1s by nearly R**(2 gamma); the mesh is finer at its edge."""
    shifts, point = [], coulomb(92, 1, -1)
    for R in (1e-5, 2e-5):

        def V(r, R=R):
            return np.where(r < R, -46 / R * (3 - (r / R) ** 2), -92 / np.maximum(r, R))

        result = dirac(V, kappa=-1, states=1, rtol=1e-9).check()
        shifts.append(result.energies[0] - point)
    assert shifts[1] / shifts[0] == pytest.approx(
        2 ** (2 * np.sqrt(1 - (92 / SPEED_OF_LIGHT) ** 2)), rel=3e-2
    )


def test_an_oscillator_that_leaves_the_gap_far_out():
    """Beyond r = 0.28 there is no gap: the mesh ends before, and states that decay there are bound."""
    result = dirac(lambda r: 0.5e6 * r * r, kappa=(-1, 1), states=1, rtol=1e-7).check()
    assert result.mesh.rmax < 0.28
    ratio = result.energies / np.array([[1500.0], [2500.0]])
    assert ((ratio > 0.97) & (ratio < 1)).all()


@pytest.mark.parametrize(
    ("method", "kappas"),
    [
        ("fast", KAPPAS),
        ("dense", KAPPAS[:2]),
        pytest.param("dense", KAPPAS[2:], marks=pytest.mark.extended),
    ],
)
def test_no_state_is_spurious(method, kappas):
    """State k has k nodes, and kappa > 0 has no state at the energy of the lowest state of -kappa."""
    mesh = exponential(8.0, 6, ratio=60.0, degree=12)
    result = dirac(nothing, Z=50, kappa=kappas, states=4, mesh=mesh, method=method, rtol=1e-6).check()
    for kappa, row, energies in zip(kappas, result.orbitals, result.energies, strict=True):
        n = quantum_numbers(kappa, 4)
        np.testing.assert_allclose(energies, coulomb(50, n, kappa), rtol=1e-7)
        assert [o.nodes for o in row] == [0, 1, 2, 3]
        assert [o.n for o in row] == n.tolist()
        overlaps = np.array([[one.overlap(other) for other in row] for one in row])
        np.testing.assert_allclose(overlaps, np.eye(4), atol=1e-5)


def test_states_are_counted_in_any_potential():
    """Each state has its index even with a random potential on a coarse mesh."""
    mesh = uniform(6.0, 3, degree=5, wall=True)
    V = np.random.default_rng(0).uniform(-30, 30, mesh.size)
    result = dirac(V, kappa=(-1, 1), states=10, mesh=mesh, rtol=1e9)
    assert (np.diff(result.energies, axis=-1) > 0).all()
    few = dirac(V, kappa=1, states=3, mesh=mesh, rtol=1e9)
    np.testing.assert_allclose(few.energies, result.energies[1, :3], rtol=1e-10)


def test_energies_come_from_above():
    exact, before = coulomb(80, 1, -1), np.inf
    for degree in (3, 4, 5, 6, 7):
        mesh = exponential(3.0, 3, ratio=10.0, degree=degree)
        energy = dirac(nothing, Z=80, kappa=-1, states=1, mesh=mesh, rtol=1).energies[0]
        assert exact < energy < before
        before = energy


@pytest.mark.parametrize(("degree", "kappa"), [(2, 1), (3, -1), (4, 1)])
def test_observed_order_of_convergence(degree, kappa):
    """The order is twice the degree, as for Schroedinger's equation: the oscillator on uniform meshes."""

    def energy(elements, degree):
        mesh = uniform(7.0, elements, degree=degree, wall=True)
        return dirac(lambda r: r * r / 2, kappa=kappa, states=1, mesh=mesh, rtol=1).energies[0]

    counts, exact = np.array([24, 32, 48]), energy(8, 16)
    errors = [abs(energy(n, degree) - exact) for n in counts]
    slope = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert slope == pytest.approx(2 * degree, abs=0.25)


@pytest.mark.parametrize("Z", [30.0, 92.0])
def test_convergence_in_the_degree_is_exponential_at_a_nucleus(Z):
    """P is a power of r, which is not smooth, times a polynomial."""
    degrees, errors = np.arange(4, 13, 2), []
    for degree in degrees:
        mesh = exponential(30 / Z, 3, ratio=20.0, degree=int(degree))
        energies = dirac(nothing, Z=Z, kappa=(-1, 1), states=1, mesh=mesh, rtol=1).energies[:, 0]
        exact = [coulomb(Z, 1, -1), coulomb(Z, 2, 1)]
        errors.append(abs(energies / exact - 1).max())
    assert all(later < 0.2 * before for before, later in pairwise(errors))
    assert errors[-1] < 2e-8


@pytest.mark.parametrize("Z", [0.0, 30.0, 92.0])
def test_both_methods_agree(Z):
    mesh = exponential(8.0, 6, ratio=200.0, degree=12)

    def V(r):
        return r * r / 2 - 60 * np.exp(-(r**2))

    wanted = {"kappa": (-1, 1, 2), "states": 3, "mesh": mesh, "Z": Z, "rtol": 1e-2}
    fast, dense = (dirac(V, method=method, **wanted) for method in ("fast", "dense"))
    tolerance = fast.errors + dense.errors + 1e-12 * abs(fast.energies)
    assert (abs(fast.energies - dense.energies) <= tolerance).all()
    assert (tolerance < 1e-6 * abs(fast.energies).max()).all()
    np.testing.assert_allclose(fast.x, dense.x, atol=2e-3)
    assert (fast.x[..., 0, 1] > 0).all()


def test_the_limit_of_a_large_speed_of_light_is_schroedinger():
    def V(r):
        return -5 * np.exp(-0.3 * r) / (1 + r)

    want = schroedinger(V, l=1, states=2, Z=3).check()
    for kappa in (1, -2):
        slow, fast = (dirac(V, kappa=kappa, states=2, Z=3, c=c).check().energies for c in (1e4, 2e4))
        limit = (4 * fast - slow) / 3  # without the first term of the series in 1 / c**2
        np.testing.assert_allclose(limit, want.energies, rtol=1e-9)
        assert abs(fast - want.energies).max() > 1e-9


def test_functions_are_those_of_hydrogen():
    """In 1s both components are a power of r times an exponential."""
    Z, state = 80.0, dirac(nothing, Z=80, kappa=-1, states=1).check().orbitals[0]
    gamma = np.sqrt(1 - (Z / SPEED_OF_LIGHT) ** 2)
    r = np.geomspace(1e-6, 0.3, 200)
    r = r[r < 8 / Z]
    shape = r**gamma * np.exp(-Z * r)
    P, Q = state(r), state.component(r, 1)
    np.testing.assert_allclose(P / shape, (P / shape)[20], rtol=1e-6)
    np.testing.assert_allclose(Q / P, -(1 - gamma) / (Z / SPEED_OF_LIGHT), rtol=1e-5)
    assert state.norm == pytest.approx(1, abs=1e-10)
    assert np.isinf(state.radial(0.0))  # as r**(gamma - 1)
    np.testing.assert_allclose(state.radial(r), P / r, rtol=1e-13)
    assert repr(state) == f"Orbital(1s1/2, energy={state.energy:.10g})"


def test_estimated_errors_bound_the_true_ones():
    exact = coulomb(50, np.array([1, 2, 3]), -1)
    for rmax, elements, degree in [(1.0, 4, 8), (3.0, 4, 7), (0.3, 6, 9), (6.0, 5, 7)]:
        mesh = exponential(rmax, elements, ratio=30.0, degree=degree)
        with pytest.warns(ConvergenceWarning, match="s1/2, of energy"):
            result = dirac(nothing, Z=50, kappa=-1, states=3, mesh=mesh)
        off = abs(result.energies - exact)
        assert (result.errors > 0.3 * off - 1e-10).all()
        known = (off > 1e-9) & np.isfinite(result.errors)
        assert (result.errors[known] < 30 * off[known]).all()


@pytest.mark.parametrize(
    ("mesh", "words"),
    [
        (exponential(0.6, 12, ratio=20.0), r"3s1/2.*ends at r = 0\.6, where it has not decayed"),
        (exponential(2.0, 3, ratio=20.0, degree=5), r"uncertain by .*more elements or a higher degree"),
        (exponential(0.1, 12, ratio=20.0), r"s1/2.*only the wall at r = 0\.1 holds it"),
    ],
)
def test_the_message_names_the_state_and_the_remedy(mesh, words):
    with pytest.warns(ConvergenceWarning, match=words):
        result = dirac(nothing, Z=50, kappa=-1, states=3, mesh=mesh)
    with pytest.raises(numsolve.ConvergenceError, match=words):
        result.check()


def test_a_batch_is_as_its_members():
    mesh = exponential(9.0, 8, ratio=100.0)
    V = np.random.default_rng(1).uniform(0, 3, (2, 3, 1)) * np.exp(-mesh.r)
    together = dirac(V, kappa=(-1, 2), states=2, mesh=mesh, Z=20, rtol=1)
    assert together.x.shape == (2, 3, 2, 2, 2, mesh.size)
    assert together.errors.shape == together.energies.shape == (2, 3, 2, 2)
    for place in np.ndindex(2, 3):
        alone = dirac(V[place], kappa=-1, states=2, mesh=mesh, Z=20, rtol=1)
        np.testing.assert_allclose(together.energies[place][0], alone.energies, rtol=1e-12)
    assert together.orbitals[1][2][1][0].kappa == 2
    called = dirac(lambda r: V[..., :1] * np.exp(mesh.r[0] - r), kappa=2, states=2, mesh=mesh, Z=20, rtol=1)
    np.testing.assert_allclose(called.energies, together.energies[..., 1, :], rtol=1e-11)


def test_samples_and_a_plot():
    r = np.linspace(0, 12, 2000)
    smooth = dirac(lambda r: -8 * np.exp(-r), kappa=(-1, 1), states=1, Z=2).check()
    sampled = dirac((r, -8 * np.exp(-r)), kappa=(-1, 1), states=1, Z=2, rtol=1e-7).check()
    np.testing.assert_allclose(sampled.energies, smooth.energies, rtol=1e-8)
    pytest.importorskip("matplotlib").use("agg")
    labels = [line.get_label() for line in smooth.plot().lines]
    assert labels[0].startswith("1s1/2  -")
    assert labels[1].startswith("2p1/2  -")


def test_a_time_limit_ends_the_search_for_a_mesh():
    with pytest.warns(
        ConvergenceWarning, match="time limit reached in the search for a mesh: 3s1/2, of energy"
    ):
        result = dirac(nothing, Z=1, kappa=-1, states=3, time_limit=1e-9)
    assert result.status == Status.TIME_LIMIT
    assert len(result.residuals) == 1
    assert result.energies[0] == pytest.approx(coulomb(1, 1, -1), abs=10 * result.errors[0])


def on_device(xp):
    mesh = exponential(6.0, 6, ratio=30.0, degree=9)
    V = np.array([[1.0], [2.0]]) * np.exp(-mesh.r)
    host = dirac(V, kappa=(-1, 1), states=2, mesh=mesh, rtol=1, Z=10)
    there = dirac(xp.asarray(V), kappa=(-1, 1), states=2, mesh=mesh, rtol=1, Z=10)
    assert type(there.x).__module__.startswith("cupy")
    np.testing.assert_allclose(there.energies, host.energies, rtol=1e-11)
    np.testing.assert_allclose(there.errors, host.errors, rtol=1e-2, atol=1e-11)
    np.testing.assert_allclose(there.x.get(), host.x, atol=1e-7)
    assert there.orbitals[0][0][1].nodes == 1
    with pytest.raises(TypeError, match="V is on the GPU"):
        dirac(xp.asarray(V), kappa=-1, states=1, mesh=mesh, method="dense")


def test_on_the_device(cupy):
    on_device(cupy)


@pytest.mark.gpu
def test_on_a_real_device():
    import cupy

    on_device(cupy)


@pytest.mark.parametrize("kappa", KAPPAS)
@pytest.mark.parametrize("Z", [0.0, 1.0, 92.0])
def test_the_exponent_solves_the_indicial_equation(kappa, Z):
    s, lift = exponent(kappa, Z, SPEED_OF_LIGHT)
    alpha = np.sqrt(kappa**2 - (Z / SPEED_OF_LIGHT) ** 2)
    assert 0 < s < 2
    assert (alpha - s) % 1 == pytest.approx(0, abs=1e-12)
    assert lift == pytest.approx(s + kappa, abs=1e-12)


MESH = exponential(1.0, 4, degree=6)


@pytest.mark.parametrize(
    ("V", "options", "error", "words"),
    [
        (nothing, {"kappa": 0}, ValueError, "kappa is 0"),
        (nothing, {"kappa": 0.5}, TypeError, r"kappa is 0\.5"),
        (nothing, {"kappa": ()}, ValueError, "kappa is empty"),
        (nothing, {"states": 0}, ValueError, "states is 0"),
        (nothing, {"states": 99, "mesh": MESH}, ValueError, "states is 99, but the mesh has room"),
        (nothing, {"Z": 138}, ValueError, r"is 138; for a point nucleus less than c \|kappa\| = 137"),
        (nothing, {"Z": 1, "c": 0.5}, ValueError, "is 1; for a point nucleus"),
        (nothing, {"Z": -1}, ValueError, "charge found in V, is -1; a number >= 0"),
        (lambda r: 3 / r, {}, ValueError, "charge found in V, is -3; a number >= 0"),
        (nothing, {"Z": np.nan}, ValueError, "Z is nan"),
        (nothing, {"c": 0}, ValueError, "c is 0"),
        (nothing, {"c": np.inf}, ValueError, "c is inf"),
        (nothing, {"rtol": -1}, ValueError, "rtol is -1"),
        (nothing, {"time_limit": -1}, ValueError, "time_limit is -1"),
        (nothing, {"method": "best"}, ValueError, "'fast', 'dense'"),
        (nothing, {"mesh": 3}, TypeError, "mesh is a int"),
        (np.zeros(5), {}, ValueError, "mesh is None, but V is an array"),
        (np.zeros(5), {"mesh": MESH}, ValueError, r"V has shape \(5,\)"),
        (lambda r: r * np.nan, {}, ValueError, "V"),
        (lambda r: r[:3], {"mesh": MESH}, ValueError, r"V\(r\) has shape"),
        (lambda r: r * 1j, {"mesh": MESH}, TypeError, "V"),
        (lambda r: np.where(r < 0.5, -9e4, 0.0), {"mesh": MESH}, ValueError, "leaves no gap"),
        (lambda r: 9e4 * r, {"mesh": MESH}, ValueError, "leaves no gap"),
        (nothing, {"Z": 130, "method": "dense", "mesh": MESH}, ValueError, "use method='fast'"),
    ],
)
def test_bad_input(V, options, error, words):
    with pytest.raises(error, match=words):
        dirac(V, **{"kappa": -1, "states": 1, **options})
