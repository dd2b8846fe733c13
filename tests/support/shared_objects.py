"""Public objects that users share between threads and processes, each with a deterministic use of it."""

from functools import partial

import numpy as np

import numsolve
from numsolve import krylov, learners, monotone, precondition, radial, sketch, transport
from numsolve.problems import convection_diffusion, poisson, transport_program

SIDE = 60  # rows enough for the kernels to use all threads
COUNT = 12  # uses of each object


def definite():
    """Return a symmetric positive definite matrix."""
    return poisson((SIDE, SIDE))


def lopsided():
    """Return a nonsymmetric matrix."""
    return convection_diffusion((SIDE, SIDE), (20.0, 5.0))


def projected(P, k):
    """Return the projection of a vector."""
    return P(vector(k))


def optimum(lp, _):
    """Return the answer of a linear program."""
    return monotone.solve_lp(lp).x


def program():
    """Return a linear program."""
    return transport_program(9, 8, rng=0)


def vector(k, n=SIDE**2):
    """Return the right-hand side of use `k`."""
    return np.random.default_rng(k).standard_normal(n)


def product(operator, k):
    """Return a product of the operator."""
    return operator @ vector(k, operator.shape[1])


def solution(M, k):
    """Return the solution by a few steps of a solve with the preconditioner."""
    return krylov.gmres(definite(), vector(k), M=M, rtol=1e-3, maxiter=200).x


def recycled():
    """Return a space that a solve has learned."""
    return krylov.cg(definite(), vector(99), rtol=1e-6, recycle=6).recycle


def with_space(space, k):
    """Return the solution of a solve that starts from the recycled space."""
    return krylov.cg(definite(), vector(k), rtol=1e-4, recycle=space).x


def plan(cost):
    """Return the plan between two sets of points or grids."""
    n, m = cost.shape
    return transport.sinkhorn(np.full(n, 1 / n), np.full(m, 1 / m), cost, 0.1, atol=1e-3).plan


def cloud():
    """Return the cost between two clouds of points."""
    return transport.PointCloud(
        np.random.default_rng(0).random((300, 2)), np.random.default_rng(1).random((200, 2))
    )


def grid():
    """Return the cost between the points of two grids."""
    return transport.Grid([np.linspace(0, 1, 12)] * 2)


def taught():
    """Return a learner that has seen some solves."""
    learner = learners.EstimatedOmega(rtol=1e-8)
    for cost in (223, 90, 60):
        learner.observe(learner.suggest(), cost)
    return learner


def value_of(learner, k):
    """Return the suggestion of a learner that does not change."""
    return np.array([learner.suggest()])


def integral(mesh, k):
    """Return the integrals of a power of the radius."""
    return mesh.cumulative(mesh.local_r**k)


MAKERS = {
    "amg": precondition.amg,
    "amg, W, chebyshev": partial(precondition.amg, cycle="W", smoother="chebyshev", sweeps=2),
    "amg, gauss_seidel": partial(precondition.amg, smoother="gauss_seidel"),
    "amg, multicolour": partial(precondition.amg, smoother="multicolour"),
    "amg, sparse coarsest": partial(precondition.amg, max_coarse=2000),
    "block_jacobi": partial(precondition.block_jacobi, block_size=4),
    "chebyshev": precondition.chebyshev,
    "ic0": precondition.ic0,
    "ilu0": precondition.ilu0,
    "ilu0, levels": partial(precondition.ilu0, solves="levels"),
    "ilu0, sweeps": partial(precondition.ilu0, solves="jacobi"),
    "ilu0, matched": partial(precondition.ilu0, matching=True),
    "iluk": precondition.iluk,
    "ilut": precondition.ilut,
    "jacobi": precondition.jacobi,
    "nystrom": partial(precondition.nystrom, rank=30, shift=0.1, rng=0),
    "spai": precondition.spai,
    "spai, one matrix": partial(precondition.spai, factorized=False),
    "ssor": precondition.ssor,
    "ssor, colours": partial(precondition.ssor, colours="greedy"),
}
SHARED = {name: (lambda make=make: make(definite()), product) for name, make in MAKERS.items()}
SHARED |= {
    "amg, air": (lambda: precondition.amg(lopsided(), method="air"), product),
    "amg in a solve": (lambda: precondition.amg(definite()), solution),
    "chebyshev in a solve": (lambda: precondition.chebyshev(definite()), solution),
    "hermitian, sparse": (lambda: numsolve.hermitian(definite()), product),
    "hermitian, dense": (lambda: numsolve.hermitian(np.diag(np.arange(1.0, 300))), product),
    "recycled space": (recycled, with_space),
    "plan of points": (lambda: plan(cloud()), product),
    "plan of a grid": (lambda: plan(grid()), product),
    "learner": (taught, value_of),
    "sketch, gaussian": (lambda: sketch.sketch("gaussian", 40, 4000, rng=0), product),
    "sketch, sparse": (lambda: sketch.sketch("sparse-sign", 40, 4000, rng=0), product),
    "sketch, hadamard": (lambda: sketch.sketch("subsampled-hadamard", 40, 4000, rng=0), product),
    "affine set": (lambda: monotone.Affine(definite(), vector(0)), projected),
    "simplex": (lambda: monotone.Simplex(2.0), projected),
    "linear program": (program, optimum),
    "mesh": (lambda: radial.exponential(20.0, 10), integral),
}
