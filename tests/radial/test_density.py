"""Hartree's potential in closed form, and exchange and correlation as derivatives."""

import numpy as np
import pytest

from numsolve.kernels import kernels_for
from numsolve.radial import atom, exponential, libxc
from numsolve.radial._shells import Shells
from numsolve.radial._states import systems
from numsolve.radial._thomas_fermi import screening
from numsolve.radial._xc import functional


@pytest.mark.parametrize("Z", [1.0, 30.0])
def test_hartree_potential_of_a_1s_shell(Z):
    mesh = exponential(40.0 / Z, 12, ratio=60.0, degree=12)
    solver = Shells(systems([mesh]), np.array([Z]), [{(1, 0): 2.0}])
    r = mesh.local_r
    solver.states.P = (2 * Z**1.5 * r * np.exp(-Z * r))[None]
    u, n, V = solver.update_density(np.ones(1, bool))
    np.testing.assert_allclose(u[0], 8 * Z**3 * r**2 * np.exp(-2 * Z * r), atol=1e-12 * Z)
    np.testing.assert_allclose(n[0], 2 * Z**3 / np.pi * np.exp(-2 * Z * r), atol=1e-9 * Z**3)
    safe = np.where(r > 0, r, 1)
    exact = np.where(r > 0, 2 / safe - 2 * np.exp(-2 * Z * r) * (Z + 1 / safe), 2 * Z)
    np.testing.assert_allclose(V[0], exact, rtol=1e-10)
    assert 0.5 * np.sum(mesh.weights * u[0] * V[0]) == pytest.approx(4 * 5 / 16 * Z, rel=1e-11)


def lda_written_out(n):
    """Return VWN5 and Slater exchange in the notation of Vosko, Wilk and Nusair, who use rydberg."""
    rs = (3 / (4 * np.pi * n)) ** (1 / 3)
    x, x0, b, c = np.sqrt(rs), -0.10498, 3.72744, 12.9352
    X, X0, Q = x * x + b * x + c, x0 * x0 + b * x0 + c, np.sqrt(4 * c - b * b)
    tan = np.arctan(Q / (2 * x + b))
    one = np.log(x * x / X) + 2 * b / Q * tan
    two = np.log((x - x0) ** 2 / X) + 2 * (b + 2 * x0) / Q * tan
    return 0.5 * 0.0621814 * (one - b * x0 / X0 * two) - 0.75 * (3 * n / np.pi) ** (1 / 3)


@pytest.mark.parametrize("xc", ["lda", "x"])
def test_potentials_are_derivatives(xc):
    n = 10.0 ** np.linspace(-8, 6, 60)
    e, v = functional(xc)(n)
    h = 1e-3  # errors: h**4 / 20 of the formula, and a few eps / h of rounding
    up, down = (functional(xc)(n * (1 + s * h))[0] * n * (1 + s * h) for s in (1, -1))
    further, nearer = (functional(xc)(n * (1 + 2 * s * h))[0] * n * (1 + 2 * s * h) for s in (1, -1))
    derivative = (8 * (up - down) - (further - nearer)) / (12 * h * n)
    np.testing.assert_allclose(v, derivative, rtol=1e-10)
    if xc == "lda":
        np.testing.assert_allclose(e, lda_written_out(n), rtol=1e-12)
    assert functional(xc)(np.zeros(3))[1].tolist() == [0, 0, 0]


def test_known_points_of_the_electron_gas():
    """At rs = 1 and 10 the correlation energies are those of Ceperley and Alder, within 0.3 millihartree."""
    n = 3 / (4 * np.pi * np.array([1.0, 10.0]) ** 3)
    e, v = np.zeros((2, 2))
    kernels_for(n).lda_vwn(n, e, v)
    correlation = e + 0.75 * (9 / (4 * np.pi**2)) ** (1 / 3) / np.array([1.0, 10.0])
    np.testing.assert_allclose(correlation, [-0.0600, -0.01855], atol=3e-4)


def test_a_callable_gives_the_energy_of_the_named_functional():
    def xc(n):
        e = lda_written_out(np.maximum(n, 1e-200)) * (n > 0)
        return e, functional("lda")(n)[1]

    assert atom(10, xc=xc).check().energy == pytest.approx(atom(10).energy, abs=2e-8)  # twice atol


def test_libxc_through_pyscf():
    pytest.importorskip("pyscf")
    n = 10.0 ** np.linspace(-6, 6, 50)
    for got, want in zip(libxc("LDA,VWN")(n), functional("lda")(n), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10)
    with pytest.raises(ValueError, match="not local"):
        libxc("PBE,PBE")


def test_without_pyscf_libxc_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyscf.dft", None)
    monkeypatch.setitem(__import__("sys").modules, "pyscf", None)
    with pytest.raises(ImportError, match="pip install pyscf"):
        libxc("LDA,VWN")


def test_the_starting_potential_screens_the_nucleus():
    r = np.array([0.0, 1e-6, 1.0, 1e3])
    for Z, charge in ((1, 0), (92, 0), (92, 5)):
        V = screening(Z, charge, r)
        assert np.isfinite(V).all()
        assert V[-1] == pytest.approx((Z - 1 - charge) / 1e3)
        assert (V >= 0).all()
