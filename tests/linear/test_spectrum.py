"""Coefficients of the Chebyshev recurrence, and estimates of the bounds of a spectrum."""

from itertools import islice

import numpy as np
import pytest
from numpy.polynomial import chebyshev as closed
from support.tiers import extended

import numsolve
from numsolve import Status
from numsolve._linear.spectrum import bounds, coefficients
from numsolve._operators.operator import as_operator
from numsolve._result import Breakdown
from numsolve.precondition import jacobi
from numsolve.problems import diffusion, poisson


def polynomial(k, t, lmin, lmax):
    """Return the residual polynomial of degree k in closed form."""
    theta, delta = (lmax + lmin) / 2, (lmax - lmin) / 2
    unit = np.eye(k + 1)[k]
    return closed.chebval((theta - t) / delta, unit) / closed.chebval(theta / delta, unit)


def test_the_recurrence_gives_chebyshev_polynomials():
    t = np.linspace(0, 6, 61)
    r, d = np.ones(61), np.zeros(61)
    for k, (keep, gain) in enumerate(islice(coefficients(0.5, 5.0), 30), 1):
        d = keep * d + gain * r
        r = r - t * d
        np.testing.assert_allclose(r, polynomial(k, t, 0.5, 5.0), rtol=1e-10, atol=1e-13)


def test_an_interval_of_one_point_is_richardson():
    pairs = list(islice(coefficients(4.0, 4.0), 3))
    assert pairs == [(0.0, 0.25)] * 3


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "complex128", *extended("float32")])
def test_estimates_lie_at_the_ends_of_the_spectrum(scaled, dtype, rng):
    A = diffusion(np.exp(rng.standard_normal((20, 20)))).astype(dtype)
    dense, d = A.toarray(), A.diagonal().real
    root = d**-0.5 if scaled else np.ones(400)
    values = np.linalg.eigvalsh(dense * root[:, None] * root)
    lmin, lmax = bounds(as_operator(A, "numpy"), jacobi(A) if scaled else None)
    assert values[0] * 0.999 <= lmin <= 30 * values[0]
    assert values[-1] * 0.999 <= lmax <= 1.1 * values[-1]


def test_with_as_many_steps_as_eigenvalues_they_are_exact(rng):
    Q = np.linalg.qr(rng.standard_normal((40, 40)))[0]
    A = (Q * np.repeat([1.0, 2.0, 5.0, 9.0], 10)) @ Q.T
    assert bounds(as_operator((A + A.T) / 2, "numpy")) == pytest.approx((1, 9), rel=1e-8)
    assert bounds(as_operator(3 * np.eye(5), "numpy")) == pytest.approx((3, 3), rel=1e-12)
    start = np.array([0.0, 1.0, 1.0])
    assert bounds(as_operator(np.diag([7.0, 2.0, 4.0]), "numpy"), start=start) == pytest.approx((2, 4))
    assert start.tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("A", "M", "message"),
    [
        (np.diag([1.0, -2.0, 3.0]), None, r"p\^H A p = .* A is not positive definite"),
        (np.zeros((3, 3)), None, r"p\^H A p = .* A is not positive definite"),
        (np.eye(3), -np.eye(3), r"r\^H M r = .* M is not positive definite"),
        (np.diag([1.0, 2.0, 3.0]), np.diag([1.0, 1.0, -1.0]), r"r\^H M r = .* M is not positive"),
        (np.eye(3), np.zeros((3, 3)), r"r\^H M r = .* M is not positive definite"),
    ],
)
def test_what_is_not_positive_definite_is_named(A, M, message):
    with pytest.raises(Breakdown, match=message) as caught:
        bounds(as_operator(A, "numpy"), None if M is None else as_operator(M, "numpy"))
    assert caught.value.status == Status.BREAKDOWN
    assert str(caught.value).endswith("use minres" if "A is" in str(caught.value) else "use gmres")


def test_on_the_device_as_on_the_host(cupy):
    A = poisson((12, 12)).tocsr()
    device = numsolve.to_device(A)
    for M, M_device in ((None, None), (jacobi(A), jacobi(device))):
        host = bounds(as_operator(A, "numpy"), M)
        assert bounds(as_operator(device, "cupy"), M_device) == pytest.approx(host, rel=1e-8)
