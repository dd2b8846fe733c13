"""The dense method: the generalised eigenproblem as matrices, solved by SciPy."""

import numpy as np
import scipy.linalg

from ._elements import element


def assemble(mesh, local):
    """Return the sum of element matrices (elements, degree + 1, degree + 1) as one dense matrix."""
    A, p = np.zeros((mesh.size, mesh.size)), mesh.degree
    for e, block in enumerate(local):
        here = slice(e * p, e * p + p + 1)
        A[here, here] += block
    return A


def kinetic(mesh):
    """Return the matrix of the integrals of B_i' B_j' / 2, B_i the basis functions."""
    stiffness = element(mesh.degree).stiffness
    return assemble(mesh, stiffness / mesh.lengths[:, None, None])


def mass(mesh):
    """Return the diagonal of the mass matrix, integrals of B_i B_j by quadrature at the nodes."""
    diagonal = np.zeros(mesh.size)
    for e in range(mesh.elements):
        diagonal[e * mesh.degree : (e + 1) * mesh.degree + 1] += mesh.weights[:, e]
    return diagonal


def states(mesh, V, l, count):
    """Return the lowest states of one angular momentum.

    Parameters
    ----------
    mesh : Mesh
        The elements.
    V : numpy.ndarray, shape (degree + 1, elements)
        The potential at the nodes; its value at r = 0 is not used.
    l : int
        Angular momentum.
    count : int
        Number of states.

    Returns
    -------
    energies : numpy.ndarray, shape (count,)
        Ascending.
    P : numpy.ndarray, shape (count, degree + 1, elements)
        Normalised, and positive near r = 0.
    """
    inside = slice(1, -1)  # P vanishes at both ends
    r, scale = mesh.r[inside], mass(mesh)[inside] ** -0.5
    H = scale[:, None] * kinetic(mesh)[inside, inside] * scale
    H[np.diag_indices_from(H)] += mesh.flat(V)[inside] + l * (l + 1) / (2 * r**2)
    energies, vectors = scipy.linalg.eigh(H, subset_by_index=(0, count - 1))
    P = np.zeros((count, mesh.size))
    P[:, inside] = vectors.T * scale
    first = np.argmax(abs(P) > 1e-3 * abs(P).max(axis=1, keepdims=True), axis=1)
    return energies, mesh.local(P * np.sign(P[np.arange(count), first])[:, None])
