"""Atoms against published tables, lost states, ions, restarts, limits, bad input."""

import numpy as np
import pytest

import numsolve
from numsolve import ConvergenceWarning, Status
from numsolve._tables import table
from numsolve.radial import Mesh, _shells, _solve_atoms, _states, atom, atoms, exponential
from numsolve.radial._occupations import MADELUNG_EXCEPTIONS, SYMBOLS, as_text, configuration, ion, neutral

TOTALS = {int(row["Z"]): row for row in table("radial/atoms_lda")}
LEVELS = [
    (int(row["Z"]), int(row["n"]), int(row["l"]), float(row["occupation"]), float(row["eigenvalue"]))
    for row in table("radial/eigenvalues_lda")
]
PARTS = {"kinetic": "E_kin", "hartree": "E_hartree", "nuclear": "E_nuc", "xc": "E_xc"}


@pytest.fixture(scope="module")
def all_atoms():
    return atoms(range(1, 93))


def test_all_atoms_converge(all_atoms):
    assert [a.Z for a in all_atoms] == list(range(1, 93))
    for a in all_atoms:
        assert a.check().nit <= 40  # 28 at most, and room for rounding
        assert a.residuals[-1] <= 0.03 * 1e-8
    assert np.mean([a.nit for a in all_atoms]) <= 16  # 14.0


def test_total_energies_of_the_tables(all_atoms):
    for a in all_atoms:
        assert a.energy == pytest.approx(float(TOTALS[a.Z]["E_tot"]), abs=2e-8)
        assert a.energy == pytest.approx(float(TOTALS[a.Z]["E_tot_nist"]), abs=1e-6)
        for part, column in PARTS.items():
            assert getattr(a.energies, part) == pytest.approx(float(TOTALS[a.Z][column]), abs=1e-7)


def test_eigenvalues_of_the_tables(all_atoms):
    assert len(LEVELS) > 400
    for Z, n, l, occupation, energy in LEVELS:
        (shell,) = (s for s in all_atoms[Z - 1].shells if (s.n, s.l) == (n, l))
        assert shell.energy == pytest.approx(energy, abs=5e-9)
        assert shell.occupation == occupation


def test_two_meshes_agree_and_estimated_errors_bound_the_true_ones(all_atoms):
    """Eigenvalues agree with those of another mesh, and estimated errors bound those of a coarse mesh."""
    for Z in (1, 26, 65, 92):
        fine = atom(Z, mesh=exponential(60.0, 20, ratio=150 + 10 * Z, degree=14), atol=5e-9).check()
        coarse = all_atoms[Z - 1]
        assert np.abs(fine.eigenvalues - coarse.eigenvalues).max() < 2e-9
        rough = atom(Z, mesh=exponential(40.0, 12, ratio=100 + 10 * Z, degree=9), atol=1e-2)
        off = np.abs(rough.eigenvalues - fine.eigenvalues)
        errors = np.array([s.error for s in rough.shells])
        assert (off <= 3 * errors + 1e-8).all()
        assert abs(rough.energy - fine.energy) <= 3 * rough.error + 1e-8
        assert errors.max() < 1e3 * off.max()


@pytest.mark.parametrize("Z", [66, 67, 68, 69])
def test_atoms_on_which_linear_mixing_fails(Z):
    assert atom(Z).check().energy == pytest.approx(float(TOTALS[Z]["E_tot"]), abs=2e-8)


def test_lost_5f_state_of_uranium_is_found_by_its_count(monkeypatch):
    """Inverse iteration alone moves to another state; the count shows it, and the state is searched again."""
    lost, search = [], _states.States._search

    def record(self, V, which, shift, *known):
        if shift is not None:
            lost.extend(
                zip(
                    self.index[which] + self.momentum_on_host[which] + 1,
                    self.momentum_on_host[which],
                    strict=True,
                )
            )
        return search(self, V, which, shift, *known)

    def keep_shift(self, V, which, shift, *known):
        if shift is None:
            search(self, V, which, shift, *known)
        else:
            self.energies = np.where(which, shift, self.energies)

    monkeypatch.setattr(_states.States, "_search", record)
    uranium = atom(92).check()
    assert (5, 3) in lost
    (level,) = (s.energy for s in uranium.shells if s.name == "5f")
    assert level == pytest.approx(-0.3665433530, abs=5e-9)
    assert [o.nodes for o in uranium.orbitals] == [s.n - s.l - 1 for s in uranium.shells]
    monkeypatch.setattr(_states.States, "_search", keep_shift)
    with pytest.warns(ConvergenceWarning):
        assert atom(92, mesh=uranium.mesh).energy > uranium.energy + 1


def test_an_estimated_error_is_at_least_the_residual_of_the_potential(monkeypatch):
    residual = 0.25
    monkeypatch.setattr(
        _shells.Shells, "_potential_residuals", lambda self, V, xc: np.full(len(self.energies), residual)
    )
    with pytest.warns(ConvergenceWarning):
        rough = atom(10)
    assert all(residual <= shell.error < 1.01 * residual for shell in rough.shells)


def test_the_virial_theorem_and_the_number_of_electrons(all_atoms):
    """For exchange alone, which is homogeneous of degree 4/3, the kinetic energy is minus the total."""
    for Z in (2, 18, 80):
        a = atom(Z, xc="x").check()
        assert -a.energy / a.energies.kinetic == pytest.approx(1, abs=1e-9)
        assert a.energies.total == pytest.approx(sum(a.energies[1:]), rel=1e-14)
    for a in all_atoms[::9]:
        mesh = a.mesh
        assert np.sum(mesh.weights * a.radial_density) == pytest.approx(a.Z, rel=1e-12)
        r = mesh.local_r
        np.testing.assert_allclose(4 * np.pi * r**2 * a.density(r), a.radial_density, atol=1e-9 * a.Z)
        assert (np.diff(a.density(np.geomspace(1e-3, 0.1, 20) / a.Z)) < 0).all()


def test_energies_are_variational():
    """The derivative of the total energy by an occupation is the eigenvalue (Janak's theorem)."""
    h = 0.01
    lower, upper = (atom(26, configuration=f"[Ar] 3d6 4s{2 - missing}", charge=missing) for missing in (h, 0))
    middle = atom(26, configuration=f"[Ar] 3d6 4s{2 - h / 2}", charge=h / 2)
    (level,) = (s.energy for s in middle.shells if s.name == "4s")
    assert (upper.energy - lower.energy) / h == pytest.approx(level, abs=1e-5)


@pytest.mark.parametrize(("Z", "charge"), [(26, 2), (92, 60), (3, 0.5), (11, 10)])
def test_ions(Z, charge):
    result = atom(Z, charge=charge).check()
    assert result.charge == charge
    r = result.mesh.local_r
    assert np.sum(result.mesh.weights * result.radial_density) == pytest.approx(Z - charge, rel=1e-12)
    far = np.array([40.0, 70.0])
    np.testing.assert_allclose(result.potential(far), (Z - charge) / far, rtol=1e-6)
    assert f"{charge:+g}" in repr(result.name)
    assert r.shape == result.radial_density.shape


def test_one_electron_without_exchange_repels_itself():
    """Its Hartree energy is near that of the hydrogenic 1s density, 5 Z / 16, and raises the eigenvalue."""
    ion = atom(10, configuration="1s1 2p0 3d0 4f0", charge=9, xc=None, atol=1e-6)
    assert ion.energies.hartree == pytest.approx(10 * 5 / 16, rel=0.05)
    hydrogenic = numsolve.radial.schroedinger(lambda r: -10 / r, l=0, states=1)
    assert ion.shells[0].energy > hydrogenic.energies[0]


def test_electrons_that_are_not_bound():
    with pytest.warns(ConvergenceWarning, match=r"H-1: .*(only the wall at r = 50 holds it|may not hold)"):
        result = atom(1, charge=-1)
    assert result.status == Status.MAXITER
    mesh = exponential(12.0, 8, ratio=40.0, degree=12)
    with pytest.warns(ConvergenceWarning, match=r"H: 2p, of energy .* is not bound: only the wall at r = 12"):
        result = atom(1, configuration="2p1", mesh=mesh, xc=None)
    assert np.isinf(result.shells[0].error)


def test_a_weakly_bound_state_gets_a_larger_mesh():
    excited = "1s2 2s2 2p6 3s2 3p5.5 3d0.5"
    result = atom(18, configuration=excited).check()
    assert result.mesh.rmax > 50
    again = atom(18, configuration=excited, mesh=exponential(250.0, 40, ratio=2000.0)).check()
    np.testing.assert_allclose(again.eigenvalues, result.eigenvalues, rtol=0, atol=2e-8)  # twice atol
    assert atom(3, configuration="1s2 6p0.5", charge=0.5).check().mesh.rmax > 50


def test_fractional_occupations_empty_shells_and_texts():
    result = atom(
        26, configuration={"1s": 2, (2, 0): 2, "2p": 6, "3s": 2, "3p": 6, "3d": 6.5, "4s": 1.5, "4p": 0}
    )
    assert result.check().shells[-1].occupation == 0
    assert [s.name for s in result.shells] == ["1s", "2s", "2p", "3s", "3p", "3d", "4s", "4p"]
    same = atom(26, configuration="[Ar] 3d6.5, 4s1.5")
    assert same.energy == pytest.approx(result.energy, abs=2e-8)  # twice atol
    assert "3d" in result.table()
    assert f"{result.energy:.10f}" in result.table()
    assert f"Fe: {result.energy:.10g}" in repr(result)


def test_configurations():
    assert as_text(neutral(24)) == "1s2 2s2 2p6 3s2 3p6 3d5 4s1"
    assert as_text(ion(26, 3)) == "1s2 2s2 2p6 3s2 3p6 3d5"
    assert as_text(ion(17, -1)) == "1s2 2s2 2p6 3s2 3p6"
    assert as_text(ion(3, 0.25)) == "1s2 2s0.75"
    for Z in range(1, len(SYMBOLS) + 1):
        shells = neutral(Z)
        assert sum(shells.values()) == Z
        assert all(0 < f <= 4 * l + 2 for (_, l), f in shells.items())
        assert configuration(as_text(shells), Z, 0) == shells
    for Z in MADELUNG_EXCEPTIONS:
        kept = {(n, l): f for z, n, l, f, _ in LEVELS if z == Z}
        assert not kept or kept == neutral(Z)


def test_a_restart_continues():
    with pytest.warns(ConvergenceWarning, match=r"Fe: the potential still changes by .* after 5 iterations"):
        first = atom(26, maxiter=5)
    assert first.status == Status.MAXITER
    assert first.nit == 5
    whole = atom(26).check()
    for start in (first, first.x):
        second = atom(26, start=start).check()
        assert second.nit < whole.nit
        assert second.energy == pytest.approx(whole.energy, abs=2e-8)  # twice atol
    again = atom(26, start=whole).check()
    assert again.nit <= 3
    other = exponential(30.0, 18, ratio=300.0, degree=12)
    assert atom(26, start=whole, mesh=other).check().energy == pytest.approx(whole.energy, abs=2e-8)
    with pytest.warns(ConvergenceWarning, match="after 0 iterations"):
        assert atom(26, maxiter=0).nit == 0


def test_a_callback_sees_the_potential_and_may_stop():
    seen = []

    def callback(x, norm):
        seen.append((x.shape, norm))
        return len(seen) == 3

    result = atom(10, callback=callback)
    assert result.status == Status.STOPPED
    assert len(seen) == 3
    assert seen[0][0] == (result.mesh.size,)
    assert seen[-1][1] == pytest.approx(result.residuals[-1], rel=0.1)
    with pytest.raises(numsolve.ConvergenceError, match="stopped by the callback"):
        result.check()


def test_a_time_limit_returns_the_last_potential():
    with pytest.warns(ConvergenceWarning, match="Ne: time limit reached while the potential changes by"):
        first = atom(10, time_limit=1e-9)
    assert first.status == Status.TIME_LIMIT
    assert first.shells[0].name == "1s"
    assert np.isfinite([first.energy, *first.eigenvalues]).all()
    assert atom(10, start=first, time_limit=1e6).check().energy == pytest.approx(atom(10).energy, abs=2e-8)
    with pytest.warns(ConvergenceWarning, match="3 of 3 atoms, first He: time limit"):
        assert {a.status for a in atoms([2, 3, 10], time_limit=1e-9)} == {Status.TIME_LIMIT}


def test_no_larger_mesh_after_the_time_limit(monkeypatch):
    """The result is the self-consistent one of the first mesh."""
    monkeypatch.setattr(_solve_atoms, "monotonic", lambda: np.inf)
    with pytest.warns(ConvergenceWarning, match=r"time limit reached before a larger mesh.*3d, of energy"):
        result = atom(18, configuration="1s2 2s2 2p6 3s2 3p5.5 3d0.5", time_limit=1e6)
    assert result.status == Status.TIME_LIMIT
    assert result.mesh.rmax == 50
    assert result.residuals[-1] <= 0.03 * 1e-8


def test_ctrl_c_returns_the_last_potential():
    def callback(x, norm):
        raise KeyboardInterrupt

    with pytest.raises(numsolve.Interrupted) as caught:
        atom(10, callback=callback)
    assert caught.value.result.status == Status.INTERRUPTED
    potential = caught.value.result.x
    assert atom(10, start=potential).check().success


def test_a_coarse_mesh_is_no_success():
    with pytest.warns(ConvergenceWarning, match=r"Ar: .*is uncertain by .* a mesh of more elements"):
        result = atom(18, mesh=exponential(30.0, 8, ratio=30.0, degree=8))
    true = float(TOTALS[18]["E_tot"])
    assert abs(result.energy - true) < 10 * result.error
    assert result.error > 1e-8


def test_a_tolerance_below_rounding_errors_is_reported():
    """The estimate of rounding, 64 eps times the kinetic energy, is 3.6e-10 for uranium."""
    with pytest.warns(ConvergenceWarning, match=r"U: .*rounding errors, raise atol"):
        atom(92, atol=2e-10, mesh=exponential(50.0, 20, ratio=1000.0, degree=13))


def test_a_batch_is_as_its_members(all_atoms):
    for Z in (1, 47, 92):
        alone = atom(Z)
        np.testing.assert_allclose(alone.eigenvalues, all_atoms[Z - 1].eigenvalues, atol=1e-9)
        assert alone.energy == pytest.approx(all_atoms[Z - 1].energy, abs=1e-9)
    mixed = atoms([2, 26, 26], charge=[0, 0, 1], configuration=[None, "[Ar] 3d7 4s1", None])
    assert [a.name for a in mixed] == ["He", "Fe", "Fe+1"]
    assert mixed[1].energy == pytest.approx(atom(26, configuration="[Ar] 3d7 4s1").energy, abs=1e-9)
    assert atoms([]) == []
    with pytest.warns(ConvergenceWarning, match="1 of 2 atoms, first H-1"):
        assert [a.success for a in atoms([1, 2], charge=[-1, 0])] == [False, True]


def test_the_dense_method_finds_the_same_levels_in_the_final_potential():
    silver = atom(47, mesh=exponential(40.0, 12, ratio=600.0, degree=12), atol=1e-6).check()
    potential, options = silver.potential(silver.mesh.r), {"mesh": silver.mesh, "Z": 47, "rtol": 1e-6}
    for l in (0, 2):
        shells = [s for s in silver.shells if s.l == l]
        dense = numsolve.radial.schroedinger(potential, l=l, states=len(shells), method="dense", **options)
        np.testing.assert_allclose(dense.energies, [s.energy for s in shells], rtol=1e-8, atol=1e-8)


@pytest.mark.extended
def test_the_number_of_threads_changes_no_bit(monkeypatch):
    from numba import get_num_threads, set_num_threads

    from numsolve.kernels.cpu import _jit

    monkeypatch.setattr(_jit, "GRAIN", 0)  # all calls use threads
    runs, before = [], get_num_threads()
    try:
        for threads in sorted({1, min(2, before), before}):
            set_num_threads(threads)
            runs.append([a.eigenvalues.tobytes() for a in atoms(range(40, 48))])
    finally:
        set_num_threads(before)
    assert all(run == runs[0] for run in runs)


def test_a_confined_atom():
    """A near hard wall raises the energy, a far one does not change it."""
    free = atom(2).check()
    near, far = (atom(2, mesh=exponential(r, 12, ratio=60.0, wall=True)).check() for r in (3.0, 25.0))
    assert near.energy > free.energy + 0.01
    assert far.energy == pytest.approx(free.energy, abs=2e-8)  # twice atol


def on_device(xp):
    Z = [1, 6]
    mesh = exponential(25.0, 6, ratio=60.0, degree=8)
    host = atoms(Z, mesh=mesh, atol=1e-3)
    there = atoms(xp.asarray(np.array(Z)), mesh=mesh, atol=1e-3)
    for one, two in zip(host, there, strict=True):
        assert two.energy == pytest.approx(one.energy, abs=1e-6)
        np.testing.assert_allclose(two.eigenvalues, one.eigenvalues, atol=1e-4)
        assert two.success
        assert isinstance(two.x, np.ndarray)


def test_on_the_device(cupy):
    on_device(cupy)


@pytest.mark.filterwarnings("ignore:.*still changes")
def test_launches_of_an_iteration_do_not_grow_with_the_atoms(cupy):
    mesh = exponential(25.0, 6, ratio=60.0, degree=8)
    found = []
    for Z in ([1, 2], [1, 2, 3, 4]):
        counts = []
        for maxiter in (3, 6):
            cupy.counts.clear()
            atoms(cupy.asarray(np.array(Z)), mesh=mesh, maxiter=maxiter)
            counts.append((cupy.counts["launches"], cupy.counts["syncs"]))
        found.append(np.subtract(counts[1], counts[0]) / 3)
    np.testing.assert_array_equal(found[0], found[1])
    assert found[0][0] <= 24
    assert found[0][1] <= 3


@pytest.mark.gpu
def test_on_a_real_device():
    import cupy

    on_device(cupy)
    host, there = atoms(range(1, 93)), atoms(cupy.arange(1, 93))
    for one, two in zip(host, there, strict=True):
        assert two.check().energy == pytest.approx(one.energy, abs=2e-9)


@pytest.mark.parametrize(
    ("Z", "options", "error", "words"),
    [
        (0, {}, ValueError, "Z is 0"),
        (119, {}, ValueError, "Z is 119; a number from 1 to 118"),
        (1.5, {}, TypeError, r"Z is 1\.5"),
        ([1, 2], {}, TypeError, "use atoms for many"),
        (2, {"charge": 2}, ValueError, "no electron"),
        (2, {"charge": np.nan}, ValueError, "charge is nan"),
        (8, {"configuration": "1s2 2s2 2p3"}, ValueError, "7 electrons, but Z - charge = 8"),
        (8, {"configuration": "1s2 2s2 2p4 2p0"}, ValueError, "2p twice"),
        (8, {"configuration": "1s3 2s2 2p3"}, ValueError, "3 electrons in 1s; 0 to 2"),
        (8, {"configuration": "1s2 2s2 2j4"}, ValueError, "'2j4'|'2j'"),
        (8, {"configuration": "1s2 2s2 1p4"}, ValueError, "shell n=1, l=1"),
        (8, {"configuration": "[Xx] 2p4"}, ValueError, r"'\[Xx\]'"),
        (8, {"configuration": {(1, 0): -1}}, ValueError, "-1 electrons in 1s"),
        (8, {"configuration": 3}, TypeError, "a text or a dictionary"),
        (8, {"xc": "pbe"}, ValueError, "'lda', 'x'"),
        (8, {"xc": 3}, TypeError, "xc is a int"),
        (8, {"xc": lambda n: n}, TypeError, "a pair"),
        (8, {"xc": lambda n: (n[0], n)}, ValueError, "xc returned e of shape"),
        (8, {"xc": lambda n: (n, n * np.nan)}, ValueError, "v of xc has"),
        (8, {"mesh": 3}, TypeError, "mesh is a int"),
        (8, {"atol": -1}, ValueError, "atol is -1"),
        (8, {"maxiter": 1.5}, TypeError, r"maxiter is 1\.5"),
        (8, {"time_limit": 0}, ValueError, r"time_limit is 0\.0"),
        (8, {"start": np.ones(3)}, ValueError, r"start has shape \(3,\)"),
        (8, {"callback": 3}, TypeError, "callback is a int"),
        (92, {"mesh": Mesh([0.0, 1.0], degree=4)}, ValueError, "room for 3"),
    ],
)
def test_bad_input(Z, options, error, words):
    with pytest.raises(error, match=words):
        atom(Z, **options)


def test_sequences_of_different_lengths():
    with pytest.raises(ValueError, match="charge has 1 entries for 2 atoms"):
        atoms([1, 2], charge=[0])
    with pytest.raises(TypeError, match=r"Z has shape \(\); a sequence"):
        atoms(5)


def test_xc_that_returns_nan_is_a_status():
    calls = []

    def xc(n):
        calls.append(1)
        return 0 * n, 0 * n + (np.nan if len(calls) > 2 else 0)

    with pytest.warns(ConvergenceWarning, match="not finite"):
        assert atom(4, xc=xc).status in (Status.BREAKDOWN, Status.NONFINITE)


def test_a_plot_shows_the_shells():
    pytest.importorskip("matplotlib").use("agg")
    axes = atom(18).plot()
    assert len(axes.get_legend().get_texts()) == 6
