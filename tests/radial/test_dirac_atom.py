"""Relativistic atoms against published tables, other meshes, theorems, ions, restarts."""

import numpy as np
import pytest

from numsolve import ConvergenceWarning, Status
from numsolve._tables import table
from numsolve.kernels import home
from numsolve.radial import atom, atoms, exponential
from numsolve.radial._occupations import configuration
from numsolve.radial._scf import converge, energies
from numsolve.radial._shells_dirac import SpinorShells, with_relativistic_exchange
from numsolve.radial._states import systems
from numsolve.radial._states_dirac import SPEED_OF_LIGHT
from numsolve.radial._thomas_fermi import screening
from numsolve.radial._xc import functional

TOTALS = {int(row["Z"]): row for row in table("radial/atoms_rlda")}
LEVELS = table("radial/eigenvalues_rlda")


@pytest.fixture(scope="module")
def all_atoms():
    return atoms(range(1, 93), relativistic=True)


def test_all_atoms_converge(all_atoms):
    assert [a.Z for a in all_atoms] == list(range(1, 93))
    for a in all_atoms:
        assert a.check().nit <= 50  # 34 at most, and room for rounding
        assert a.residuals[-1] <= 0.03 * 1e-8
    assert np.mean([a.nit for a in all_atoms]) <= 18  # 15.1


def test_total_energies_of_the_tables(all_atoms):
    for a in all_atoms:
        for column in ("E_tot", "E_tot_fe"):
            assert a.energy == pytest.approx(float(TOTALS[a.Z][column]), abs=3e-8)


def test_the_parts_of_the_tables(all_atoms):
    """The components are not stationary and show errors of featom's density; the next tests check ours."""
    for a in all_atoms:
        for part, column in {"hartree": "E_hartree", "nuclear": "E_nuc", "kinetic": "E_kin"}.items():
            assert getattr(a.energies, part) == pytest.approx(float(TOTALS[a.Z][column]), abs=1e-5)
        assert a.energies.xc == pytest.approx(float(TOTALS[a.Z]["E_xc"]), abs=4e-7)
        assert sum(a.energies[1:]) == pytest.approx(a.energy, rel=1e-14)


def test_eigenvalues_of_the_tables(all_atoms):
    assert len(LEVELS) > 600
    for row in LEVELS:
        wanted = int(row["n"]), int(row["kappa"])
        (shell,) = (s for s in all_atoms[int(row["Z"]) - 1].shells if (s.n, s.kappa) == wanted)
        assert shell.energy == pytest.approx(float(row["eigenvalue"]), abs=2.5e-8)
        assert shell.occupation == pytest.approx(float(row["occupation"]), rel=1e-14)
        assert shell.l == int(row["l"])


@pytest.mark.filterwarnings(
    "ignore:[A-Z][a-z]?. .*uncertain by"
)  # the error is above atol, and below the bound here
@pytest.mark.parametrize(
    "Z",
    [1, pytest.param(25, marks=pytest.mark.extended), 58, pytest.param(79, marks=pytest.mark.extended), 92],
)
def test_two_meshes_agree(Z):
    """Eigenvalues and all parts of the energy, on a mesh of another kind."""
    meshes = (None, exponential(60.0, 30, ratio=1e7, degree=14))
    one, other = (atom(Z, relativistic=True, mesh=mesh, atol=1e-10) for mesh in meshes)
    assert abs(other.eigenvalues - one.eigenvalues).max() < 1e-9
    np.testing.assert_allclose(other.energies, one.energies, rtol=2e-12, atol=2e-8)


@pytest.mark.filterwarnings("ignore:Zn|Hg")  # the mesh is coarse
@pytest.mark.parametrize("Z", [30, 80])
def test_estimated_errors_bound_the_true_ones(all_atoms, Z):
    fine = all_atoms[Z - 1]
    for elements, ratio, degree in [(10, 1e4, 9), (14, 1e3, 10)]:
        mesh = exponential(40.0, elements, ratio=ratio, degree=degree)
        rough = atom(Z, relativistic=True, mesh=mesh, atol=1e3)
        off, errors = abs(rough.eigenvalues - fine.eigenvalues), np.array([s.error for s in rough.shells])
        assert (off <= 4 * errors + 1e-8).all()
        assert abs(rough.energy - fine.energy) <= 4 * rough.error + 1e-8
        assert errors.max() < 1e3 * off.max()


def test_the_energy_of_the_nucleus_is_a_derivative():
    """By the Hellmann-Feynman theorem Z dE/dZ is the nuclear energy, for a fixed configuration."""
    mesh, step = exponential(40.0, 22, ratio=1e6, degree=12), 0.5
    Z = 60 + step * np.arange(-4, 5)
    solver = SpinorShells(systems([mesh] * 9), Z, [configuration(None, 56, 2)] * 9, SPEED_OF_LIGHT)
    V = np.array([screening(60, 6, mesh.local_r)] * 9)
    xc = with_relativistic_exchange(functional("lda"), SPEED_OF_LIGHT)
    result = converge(solver, V, xc, tol=2e-9, maxiter=60)
    assert result.status == Status.CONVERGED
    found = energies(solver, result.x, xc)
    weights = np.array([1 / 280, -4 / 105, 1 / 5, -4 / 5, 0, 4 / 5, -1 / 5, 4 / 105, -1 / 280]) / step
    slope = weights @ [each.total for each in found]
    assert 60 * slope == pytest.approx(found[4].nuclear, abs=2e-6)


def test_the_exchange_potential_is_the_derivative_of_the_energy():
    """By sixth-order differences of n e(n), where the cancellation of e is done as an integral.

    ``beta mu - arsinh(beta)`` is the integral of ``2 t**2 / sqrt(1 + t**2)`` from 0 to beta, and the
    correction is ``-e_x 3/2 (that / beta**2)**2``.
    """
    x, weights = np.polynomial.legendre.leggauss(60)
    s = 0.5 * (x + 1)

    def energy(n):
        k = np.cbrt(3 * np.pi**2 * n)
        beta = (k / SPEED_OF_LIGHT)[:, None]
        ratio = (beta * s**2 / np.sqrt(1 + (beta * s) ** 2)) @ weights
        return 9 / (8 * np.pi) * n * k * ratio**2

    n = 10.0 ** np.arange(0, 9)
    e, v = np.zeros((2, n.size))
    home("cpu").relativistic_exchange(n, SPEED_OF_LIGHT, e, v)
    h = n * 1e-2  # errors: (h / n)**6 / 140 of the formula, and a few eps n / h of rounding
    slope = sum(w * (energy(n + i * h) - energy(n - i * h)) for i, w in ((1, 45), (2, -9), (3, 1))) / (60 * h)
    np.testing.assert_allclose(v, slope, rtol=1e-11)
    np.testing.assert_allclose(e, energy(n) / n, rtol=1e-11)
    vanishing = np.zeros((2, 3))
    home("cpu").relativistic_exchange(np.array([0.0, 1e-300, 1e-12]), SPEED_OF_LIGHT, *vanishing)
    assert abs(vanishing).max() < 1e-12


def test_shells_are_split_and_orbitals_are_normalised(all_atoms):
    gold = all_atoms[78]
    names = [s.name for s in gold.shells]
    assert names[:4] == ["1s1/2", "2s1/2", "2p1/2", "2p3/2"]
    assert sum(s.occupation for s in gold.shells) == pytest.approx(79)
    for orbital, shell in zip(gold.orbitals, gold.shells, strict=True):
        assert orbital.norm == pytest.approx(1, abs=1e-11)
        assert (orbital.n, orbital.l, orbital.kappa) == (shell.n, shell.l, shell.kappa)
        assert orbital.nodes == shell.n - shell.l - 1
    p = [s.energy for s in gold.shells if (s.n, s.l) == (2, 1)]
    assert p[0] < p[1] - 60  # 2p1/2 lies deeper, by the spin-orbit splitting
    r = np.geomspace(1e-3, 5, 50)
    u = 4 * np.pi * r**2 * gold.density(r)
    np.testing.assert_allclose(u, gold.mesh.evaluate(gold.radial_density, r), rtol=1e-6)


def test_relativity_changes_gold_and_not_hydrogen(all_atoms):
    plain = atom(79)
    s = [next(x.energy for x in a.shells if (x.n, x.l) == (6, 0)) for a in (all_atoms[78], plain)]
    d = [next(x.energy for x in a.shells if (x.n, x.l) == (5, 2)) for a in (all_atoms[78], plain)]
    assert s[0] < s[1] - 0.03  # 6s contracts
    assert d[0] > d[1]  # 5d expands
    assert all_atoms[0].energy == pytest.approx(atom(1).energy, abs=1e-5)


def test_a_restart_continues_and_a_stop_returns_the_last_potential():
    mesh = exponential(30.0, 20, ratio=1e6, degree=10)
    whole = atom(20, relativistic=True, mesh=mesh, atol=1e-6).check()
    with pytest.warns(ConvergenceWarning, match="raise maxiter"):
        part = atom(20, relativistic=True, mesh=mesh, atol=1e-6, maxiter=4)
    rest = atom(20, relativistic=True, mesh=mesh, atol=1e-6, start=part).check()
    assert rest.energy == pytest.approx(whole.energy, abs=2e-6)  # twice atol
    assert rest.nit < whole.nit
    assert atom(20, relativistic=True, mesh=mesh, atol=1e-6, start=whole).nit <= 3
    stopped = atom(20, relativistic=True, mesh=mesh, callback=lambda x, norm: norm < 1e-2)
    assert stopped.status == Status.STOPPED
    assert stopped.energy == pytest.approx(whole.energy, abs=1e-2)


def test_ions_fractions_and_exchange_alone():
    ion = atom(30, relativistic=True, charge=28.0).check()  # two electrons of 1s
    assert len(ion.shells) == 1
    assert ion.shells[0].occupation == 2
    half = atom(6, relativistic=True, configuration="1s2 2s2 2p1.5", charge=0.5).check()
    assert [s.occupation for s in half.shells] == pytest.approx([2, 2, 0.5, 1.0])
    bare = atom(92, relativistic=True, charge=91, xc=lambda n: (0 * n, 0 * n), atol=1e-6)
    assert bare.shells[0].energy > -4861.2  # without exchange the electron is repelled by its own charge
    x, lda = (atom(10, relativistic=True, xc=xc).check().energies.xc for xc in ("x", "lda"))
    assert -0.8 < lda - x < -0.7  # correlation


def test_a_batch_is_as_its_members(all_atoms):
    for Z in (8, 92):
        alone = atom(Z, relativistic=True).check()
        np.testing.assert_allclose(alone.eigenvalues, all_atoms[Z - 1].eigenvalues, rtol=1e-10)
        assert alone.energy == pytest.approx(all_atoms[Z - 1].energy, rel=1e-12)


def on_device(xp):
    Z = [1, 6]
    mesh = exponential(25.0, 8, ratio=600.0, degree=8)
    host = atoms(Z, relativistic=True, mesh=mesh, atol=1e-3)
    there = atoms(xp.asarray(np.array(Z)), relativistic=True, mesh=mesh, atol=1e-3)
    for one, two in zip(host, there, strict=True):
        assert two.check().energy == pytest.approx(one.energy, abs=1e-6)
        np.testing.assert_allclose(two.eigenvalues, one.eigenvalues, atol=1e-4)


def test_on_the_device(cupy):
    on_device(cupy)


@pytest.mark.gpu
def test_on_a_real_device(all_atoms):
    import cupy

    on_device(cupy)
    for one, two in zip(all_atoms, atoms(cupy.arange(1, 93), relativistic=True), strict=True):
        assert two.check().energy == pytest.approx(one.energy, abs=1e-8)


def test_the_heaviest_element_and_a_mesh_with_no_room():
    assert atom(118, relativistic=True).check().energy == pytest.approx(-54970.37774, abs=1e-5)
    with pytest.raises(ValueError, match="room"):
        atom(92, relativistic=True, mesh=exponential(1.0, 1, degree=4))
