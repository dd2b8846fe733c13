"""Spectral elements on [-1, 1]: nodes, weights, differentiation, integration and interpolation."""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.special import eval_legendre, roots_jacobi, roots_legendre


class Element(NamedTuple):
    """The arrays of the reference element of one degree, which all meshes of that degree share."""

    nodes: np.ndarray  # (p + 1,), Gauss-Lobatto
    weights: np.ndarray  # (p + 1,), of Gauss-Lobatto quadrature
    D: np.ndarray  # (p + 1, p + 1), derivatives at the nodes
    stiffness: np.ndarray  # (p + 1, p + 1), D^T diag(weights) D, exactly the integral of B_i' B_j'
    integration: np.ndarray  # (p + 1, p + 1), integrals from -1 to each node
    barycentric: np.ndarray  # (p + 1,)


@cache
def element(degree):
    """Return the reference element of a degree; its arrays are shared and read-only."""
    nodes, weights = gauss_lobatto(degree)
    D = differentiation(nodes)
    parts = Element(nodes, weights, D, stiffness(D, weights), integration(nodes), barycentric_weights(nodes))
    for part in parts:
        part.flags.writeable = False
    return parts


def gauss_lobatto(degree):
    """Return ``degree + 1`` nodes and weights of Gauss-Lobatto quadrature, exact to ``2 degree - 1``."""
    inside = roots_jacobi(degree - 1, 1, 1)[0] if degree > 1 else np.zeros(0)
    nodes = np.concatenate(([-1.0], 0.5 * (inside - inside[::-1]), [1.0]))
    return nodes, 2 / (degree * (degree + 1) * eval_legendre(degree, nodes) ** 2)


def gauss_legendre(count):
    """Return `count` nodes and weights, exact up to degree ``2 count - 1``."""
    return roots_legendre(count)


def gauss_jacobi(count, power):
    """Return `count` nodes and weights for integrals with the weight ``(1 + x)**power``, power > -1."""
    return roots_jacobi(count, 0.0, power)


def barycentric_weights(nodes):
    """Return the weights of barycentric interpolation, scaled so that the largest is 1 in magnitude."""
    logs = np.log(abs(nodes[:, None] - nodes + np.eye(len(nodes)))).sum(axis=1)
    signs = (-1.0) ** np.arange(len(nodes))[::-1]
    return signs * np.exp(logs.min() - logs)


def differentiation(nodes):
    """Return D with ``D @ f`` the derivatives of the interpolant at the nodes; its rows sum to zero."""
    b = barycentric_weights(nodes)
    D = b / b[:, None] / (nodes[:, None] - nodes + np.eye(len(nodes)))
    np.fill_diagonal(D, 0)
    np.fill_diagonal(D, -D.sum(axis=1))  # the derivative of a constant is exactly 0
    return D


def stiffness(D, weights):
    """Return ``D^T diag(weights) D``, exactly symmetric."""
    K = D.T @ (weights[:, None] * D)
    return 0.5 * (K + K.T)


def interpolation(nodes, points):
    """Return the matrix that takes values at `nodes` to those of the interpolant at `points`."""
    b = barycentric_weights(nodes)
    gaps = np.asarray(points, float)[:, None] - nodes
    hits = gaps == 0
    terms = b / np.where(hits, 1, gaps)
    terms[hits.any(axis=1)] = 0
    terms[hits] = 1
    return terms / terms.sum(axis=1, keepdims=True)


def integration(nodes):
    """Return the matrix of the integrals of the interpolant from -1 to each node."""
    x, w = gauss_legendre(len(nodes) // 2 + 1)
    half = 0.5 * (nodes + 1)
    rows = [h * w @ interpolation(nodes, h * (x + 1) - 1) for h in half]
    return np.array(rows)
