"""Systems for tests of relaxation, the dense splittings, and the solvers by name."""

import numpy as np
import scipy.sparse as sp

from numsolve.relaxation import gauss_seidel, jacobi, sor, ssor


def random(rng, shape, dtype):
    values = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def dominant(rng, n, dtype, density=0.2):
    """Return an unsymmetric matrix for which every method here converges."""
    A = random(rng, (n, n), "complex128" if np.dtype(dtype).kind == "c" else "float64")
    A *= rng.random((n, n)) < density
    np.fill_diagonal(A, 0)
    A += np.diag(1 + 1.5 * abs(A).sum(axis=1))
    return sp.csr_array(A.astype(dtype))


def definite(rng, n, dtype="float64"):
    """Return a Hermitian positive definite matrix that is not diagonally dominant."""
    A = random(rng, (n, n), dtype)
    return sp.csr_array(A @ A.conj().T + 0.1 * np.eye(n))


def splitting(A, method, omega, order=None):
    """Return the error operator of a sweep as a dense matrix, by its definition."""
    A = A.toarray().astype(complex)
    order = np.arange(len(A)) if order is None else order
    turned = A[np.ix_(order, order)]
    D, L, U = np.diag(turned.diagonal()), np.tril(turned, -1), np.triu(turned, 1)
    eye = np.eye(len(A))
    T = eye - np.linalg.solve({"jacobi": D / omega}.get(method, D / omega + L), turned)
    if method == "ssor":
        T = (eye - np.linalg.solve(D / omega + U, turned)) @ T
    T_back = np.empty_like(T)
    T_back[np.ix_(order, order)] = T
    return T_back


def assert_close(found, want, scale=1.0):
    """Compare entries of size `scale` up to 10 units of rounding for each of 40 rows and 5 sweeps."""
    atol = 2000 * float(np.finfo(np.asarray(found).dtype).eps) * scale
    np.testing.assert_allclose(found, want, rtol=0, atol=atol)


SOLVERS = {
    "jacobi": jacobi,
    "gauss_seidel": lambda A, b, x0=None, omega=1.0, **kw: gauss_seidel(A, b, x0, **kw),
    "sor": sor,
    "ssor": ssor,
}


class Recorder:
    """A learner that suggests given omegas and records what it observes."""

    def __init__(self, *omegas):
        self.omegas, self.asked, self.seen = list(omegas), [], []

    def suggest(self, context=None):
        self.asked.append(context)
        return self.omegas[(len(self.asked) - 1) % len(self.omegas)]

    def observe(self, omega, cost, context=None):
        self.seen.append((omega, cost, context))
