"""States of potentials with known spectra, counted states, estimated errors, bad input."""

from itertools import pairwise

import numpy as np
import pytest

import numsolve
from numsolve import ConvergenceWarning, Status
from numsolve._tables import table
from numsolve.radial import Mesh, exponential, schroedinger, uniform


def coulomb(Z):
    return lambda r: -Z / r


def test_the_table_of_hydrogenic_uranium():
    rows = [row for row in table("radial/hydrogenic_Z92") if row["model"] == "schroedinger"]
    result = schroedinger(coulomb(92.0), l=range(7), states=7).check()
    for row in rows:
        n, l = int(row["n"]), int(row["l"])
        assert result.energies[l, n - l - 1] == pytest.approx(float(row["energy"]), rel=1e-10)
    assert len(rows) == 28


@pytest.mark.parametrize("Z", [1.0, 92.0])
@pytest.mark.parametrize("how", ["callable", "Z", "values"])
def test_hydrogen_to_twelve_digits(Z, how):
    mesh = exponential(400.0 / Z, 20, ratio=200.0, degree=14)
    with np.errstate(divide="ignore"):
        V = {"callable": coulomb(Z), "Z": lambda r: 0 * r, "values": -Z / mesh.r}[how]
    result = schroedinger(V, l=(0, 1, 3), states=5, mesh=mesh, Z=Z if how == "Z" else 0).check()
    exact = np.array([-(Z**2) / 2 / np.arange(1 + l, 6 + l) ** 2 for l in (0, 1, 3)])
    assert np.abs(result.energies / exact - 1).max() < 2e-12
    assert (np.abs(result.energies - exact) <= 5 * result.errors + 2e-12 * abs(exact)).all()


def test_functions_are_orthonormal_have_their_nodes_and_are_those_of_hydrogen():
    result = schroedinger(coulomb(1.0), l=(0, 2), states=4).check()
    for l, row in zip((0, 2), result.orbitals, strict=True):
        overlaps = np.array([[one.overlap(other) for other in row] for one in row])
        np.testing.assert_allclose(overlaps, np.eye(4), atol=2e-8)
        assert [o.nodes for o in row] == [0, 1, 2, 3]
        assert [o.n for o in row] == [l + 1 + k for k in range(4)]
    r = np.linspace(0, 30, 301)
    two = result.orbitals[0][1]
    want = r * (1 - r / 2) * np.exp(-r / 2) / np.sqrt(2)
    np.testing.assert_allclose(two(r) * np.sign(two(1.0)), want, atol=1e-9)
    np.testing.assert_allclose(abs(two.radial(np.zeros(1))), 1 / np.sqrt(2), atol=1e-7)
    with pytest.raises(ValueError, match="another mesh"):
        two.overlap(schroedinger(coulomb(1.0), l=0, states=1).orbitals[0])


def test_the_oscillator_on_a_scale_far_from_one():
    for k in (1e-8, 1.0, 1e6):  # of k r^2 / 2
        result = schroedinger(lambda r, k=k: k * r * r / 2, l=range(4), states=5).check()
        exact = np.sqrt(k) * (2 * np.arange(5) + np.arange(4)[:, None] + 1.5)
        np.testing.assert_allclose(result.energies, exact, rtol=1e-10)


def test_samples_at_any_radii():
    r = np.linspace(0, 12, 241)
    found = schroedinger((r, r * r / 2), l=(0, 1), states=3, rtol=1e-8).check()
    np.testing.assert_allclose(found.energies, [[1.5, 3.5, 5.5], [2.5, 4.5, 6.5]], rtol=1e-9)
    r = np.geomspace(1e-4, 60, 600)
    screened = schroedinger((r, (1 - np.exp(-r / 5)) / r), l=0, states=2, Z=1, rtol=1e-7).check()
    yukawa = schroedinger(lambda r: -np.exp(-r / 5) / r, l=0, states=2).check()
    np.testing.assert_allclose(screened.energies, yukawa.energies, atol=1e-6)
    batch = schroedinger((r, np.stack([0 * r, 0 * r + 1])), l=0, states=1, Z=1)
    np.testing.assert_allclose(batch.energies, [[-0.5], [0.5]], rtol=1e-9)


def test_an_eigenvalue_that_is_zero():
    result = schroedinger(lambda r: r * r / 2 - 1.5, l=0, states=3).check()
    np.testing.assert_allclose(result.energies, [0, 2, 4], atol=1e-11)


@pytest.mark.parametrize(("degree", "order"), [(2, 4), (3, 6), (4, 8)])
def test_observed_order_of_convergence(degree, order):
    """Eigenvalues of smooth problems converge with order 2 degree: the oscillator, on uniform meshes."""
    counts = np.array([16, 24, 32])
    errors = []
    for count in counts:
        mesh = uniform(8.0, count, degree=degree, wall=True)
        result = schroedinger(lambda r: r * r / 2, l=0, states=1, mesh=mesh, rtol=1)
        errors.append(abs(result.energies[0] - 1.5))
    slope = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.1)


def test_exponential_convergence_in_the_degree():
    errors = []
    for degree in (6, 8, 10, 12):
        mesh = exponential(40.0, 2, ratio=4.0, degree=degree)
        result = schroedinger(coulomb(1.0), l=0, states=1, mesh=mesh, rtol=1)
        errors.append(abs(result.energies[0] + 0.5))
    assert all(later < 0.1 * before for before, later in pairwise(errors))


@pytest.mark.filterwarnings("ignore:8h")  # not bound
def test_both_methods_agree():
    mesh = exponential(25.0, 8, ratio=50.0, degree=9)
    for V in (lambda r: -np.exp(-0.1 * r) * 5 / r, lambda r: r**4 / 50 - 3 / (1 + r)):
        fast, dense = (
            schroedinger(V, l=(0, 1, 5), states=4, mesh=mesh, method=method, rtol=1, Z=1)
            for method in ("fast", "dense")
        )
        np.testing.assert_allclose(fast.energies, dense.energies, rtol=1e-9, atol=1e-9)
        signs = np.sign((fast.x * dense.x).sum(axis=-1, keepdims=True))
        np.testing.assert_allclose(fast.x, signs * dense.x, atol=1e-5)


def test_estimated_errors_on_meshes_too_coarse_and_too_short():
    for rmax, elements, degree in [(30, 6, 8), (60, 4, 10), (15, 8, 8), (200, 8, 7), (10, 10, 10)]:
        mesh = exponential(rmax, elements, ratio=30.0, degree=degree)
        with pytest.warns(ConvergenceWarning, match="s, of energy"):
            result = schroedinger(coulomb(1.0), l=0, states=3, mesh=mesh)
        off = np.abs(result.energies + 0.5 / np.arange(1, 4) ** 2)
        assert (result.errors > 0.3 * off - 1e-12).all()
        known = (off > 1e-12) & np.isfinite(result.errors)
        assert (result.errors[known] < 30 * off[known]).all()


@pytest.mark.parametrize(
    ("mesh", "words"),
    [
        (exponential(25.0, 12, ratio=20.0), r"3s.*ends at r = 25, where it has not decayed"),
        (exponential(90.0, 3, ratio=20.0, degree=6), r"uncertain by .*more elements or a higher degree"),
        (exponential(10.0, 12, ratio=20.0), r"3s, of energy 0\.09.*only the wall at r = 10 holds it"),
    ],
)
def test_the_message_names_the_state_and_the_remedy(mesh, words):
    with pytest.warns(ConvergenceWarning, match=words):
        result = schroedinger(coulomb(1.0), l=0, states=3, mesh=mesh)
    assert not result.success
    with pytest.raises(numsolve.ConvergenceError, match=words):
        result.check()


def test_a_hard_wall_of_the_problem_is_no_error():
    mesh = uniform(np.pi, 6, degree=12, wall=True)
    result = schroedinger(lambda r: 0 * r, l=0, states=5, mesh=mesh).check()
    np.testing.assert_allclose(result.energies, np.arange(1, 6) ** 2 / 2, rtol=1e-10)


def test_hydrogen_in_a_hard_sphere():
    """With the wall at the zero of the 2s state, this is the ground state."""
    mesh = uniform(2.0, 4, degree=12, wall=True)
    assert schroedinger(coulomb(1.0), l=0, states=1, mesh=mesh).check().energies[0] == pytest.approx(
        -0.125, abs=1e-11
    )


def test_a_well_with_an_edge_inside_an_element_and_on_one():
    depth, a = 10.0, 1.3

    def well(r):
        return np.where(r < a, -depth, 0.0)

    with pytest.warns(ConvergenceWarning, match="not bound"):
        found = schroedinger(well, l=0, states=3)
    for energy, error in zip(found.energies[:2], found.errors[:2], strict=True):
        k = np.sqrt(2 * (energy + depth))
        slope = k / np.tan(k * a) + np.sqrt(-2 * energy)  # zero at an eigenvalue
        assert abs(slope) < 1e3 * error


def test_two_wells_far_apart_have_pairs_of_states():
    """Nearly degenerate states are distinguished by their counts, not by Rayleigh quotients."""

    def V(r):
        return np.minimum(0.5 * (r - 8) ** 2, 0.5 * (r - 16) ** 2)

    mesh = uniform(24.0, 12, degree=12)
    result = schroedinger(V, l=0, states=4, mesh=mesh, rtol=1e-8).check()
    np.testing.assert_allclose(result.energies, [0.5, 0.5, 1.5, 1.5], atol=1e-4)
    dense = schroedinger(V, l=0, states=4, mesh=mesh, rtol=1e-8, method="dense").check()
    np.testing.assert_allclose(result.energies, dense.energies, atol=1e-10)
    assert (np.diff(result.energies) > 0).all()


def test_a_batch_is_as_its_members():
    mesh = exponential(80.0, 14, ratio=60.0)
    Z = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    V = -Z[..., None] / np.where(mesh.r > 0, mesh.r, 1)
    together = schroedinger(V, l=(0, 1), states=3, mesh=mesh, rtol=1)
    assert together.x.shape == (2, 3, 2, 3, mesh.size)
    assert together.errors.shape == together.energies.shape == (2, 3, 2, 3)
    for place in np.ndindex(2, 3):
        alone = schroedinger(V[place], l=(0, 1), states=3, mesh=mesh, rtol=1)
        np.testing.assert_allclose(together.energies[place], alone.energies, rtol=1e-12)
    assert together.orbitals[1][2][1][0].n == 2
    called = schroedinger(lambda r: -Z[..., None] / r, l=(0, 1), states=3, mesh=mesh, rtol=1)
    np.testing.assert_allclose(called.energies, together.energies, rtol=1e-12)


def test_a_time_limit_ends_the_search_for_a_mesh():
    with pytest.warns(ConvergenceWarning, match=r"time limit reached in the search for a mesh: \ds"):
        result = schroedinger(coulomb(1.0), l=0, states=3, time_limit=1e-9)
    assert result.status == Status.TIME_LIMIT
    assert len(result.residuals) == 1
    assert result.energies[0] == pytest.approx(-0.5, abs=10 * result.errors[0])
    assert schroedinger(coulomb(1.0), l=0, states=3, time_limit=1e6).success


def on_device(xp):
    mesh = exponential(60.0, 6, ratio=30.0, degree=9)
    V = -np.arange(1.0, 3.0)[:, None] / np.where(mesh.r > 0, mesh.r, 1)
    host = schroedinger(V, l=(0, 1), states=2, mesh=mesh, rtol=1)
    there = schroedinger(xp.asarray(V), l=(0, 1), states=2, mesh=mesh, rtol=1)
    assert type(there.x).__module__.startswith("cupy")
    np.testing.assert_allclose(there.energies, host.energies, rtol=1e-11)
    np.testing.assert_allclose(there.errors, host.errors, rtol=1e-2, atol=1e-12)
    np.testing.assert_allclose(abs(there.x.get()), abs(host.x), atol=1e-9)
    assert there.orbitals[0][0][1].nodes == 1
    with pytest.raises(TypeError, match="V is on the GPU"):
        schroedinger(xp.asarray(V), l=0, states=1, mesh=mesh, method="dense")


def test_on_the_device(cupy):
    on_device(cupy)


@pytest.mark.gpu
def test_on_a_real_device():
    import cupy

    on_device(cupy)


MESH = Mesh([0.0, 1.0, 10.0], degree=4)


@pytest.mark.parametrize(
    ("V", "options", "error", "words"),
    [
        (coulomb(1), {"l": -1}, ValueError, "l is -1"),
        (coulomb(1), {"l": 0.5}, TypeError, r"l is 0\.5"),
        (coulomb(1), {"l": ()}, ValueError, "l is empty"),
        (coulomb(1), {"states": 0}, ValueError, "states is 0"),
        (coulomb(1), {"states": 8, "mesh": MESH}, ValueError, "states is 8, but the mesh has room for 7"),
        (coulomb(1), {"rtol": -1}, ValueError, "rtol is -1"),
        (coulomb(1), {"time_limit": "1"}, TypeError, "time_limit is '1'"),
        (coulomb(1), {"method": "magic"}, ValueError, "'fast', 'dense'"),
        (coulomb(1), {"mesh": 3}, TypeError, "mesh is a int"),
        (coulomb(1), {"Z": np.inf}, ValueError, "Z is inf"),
        (([0, 1, 1, 2], np.ones(4)), {}, ValueError, "four or more radii that ascend"),
        (([0, 1, 2, 3], np.ones(5)), {}, ValueError, r"samples of shape \(5,\) at radii of shape \(4,\)"),
        (([0, 1, 2, 3], np.full(4, np.inf)), {}, ValueError, "values of V has 4 NaN or infinite"),
        (np.ones(9), {}, ValueError, "mesh is None, but V is an array"),
        (np.ones(8), {"mesh": MESH}, ValueError, r"V has shape \(8,\), but the mesh needs \(\.\.\., 9\)"),
        (np.full(9, np.nan), {"mesh": MESH}, ValueError, "V has 8 NaN"),
        (lambda r: r * np.nan, {}, ValueError, r"V\(r\) has \d+ NaN"),
        (lambda r: r[:3], {}, ValueError, r"V\(r\) has shape \(3,\)"),
        (lambda r: 1j * r, {}, TypeError, r"V\(r\) has dtype complex128"),
        (np.ones(9, complex), {"mesh": MESH}, TypeError, "V has dtype complex128"),
    ],
)
def test_bad_input(V, options, error, words):
    with pytest.raises(error, match=words):
        schroedinger(V, **{"l": 0, "states": 1, **options})


def test_a_plot_shows_every_state():
    pytest.importorskip("matplotlib").use("agg")
    result = schroedinger(coulomb(1.0), l=(0, 1), states=2)
    assert len(result.plot().get_legend().get_texts()) == 4
    assert len(schroedinger(coulomb(1.0), l=1, states=3).plot().get_legend().get_texts()) == 3
