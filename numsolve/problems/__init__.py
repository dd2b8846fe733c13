"""Test problems for papers, tests, benchmarks and examples."""

from ._affine import (
    SoftMaximum,
    SumOfTerms,
    analytic_centre,
    logistic_regression,
    polytope_feasibility,
    soft_maximum,
    worst_instance,
)
from ._bounded import BoundedSystem, bounded_system, bounded_system_names
from ._bundle import BundleAdjustment, bundle_adjustment
from ._classic import unconstrained, unconstrained_names
from ._constrained import ConstrainedProblem, constrained_problem, constrained_problem_names
from ._control import pde_control
from ._darcy import darcy, helmholtz
from ._elements import poisson_fem, thermal
from ._families import (
    System,
    convection_diffusion_systems,
    darcy_systems,
    helmholtz_systems,
    poisson_systems,
    thermal_systems,
)
from ._fields import gaussian_field
from ._graphs import LabelledGraph, lattice_labels, two_moons
from ._libsvm import read_libsvm
from ._linear_programs import assignment_program, pagerank_program, transport_program
from ._logistic import constrained_logistic
from ._nonlinear_pde import Equations, bratu, driven_cavity
from ._pde import convection_diffusion, diffusion, poisson
from ._random import irregular
from ._relaxing import TimeStep, heat_crank_nicolson, laplacian_shifted
from ._residuals import PowerOfNorm, norm_power
from ._sparse_regression import softmax_data, sparse_classification, sparse_regression
from ._transport import assignment, image_pair, line_pair, point_clouds
from ._triangles import Mesh, plate_mesh, square_mesh
from ._unconstrained import UnconstrainedProblem

__all__ = [
    "BoundedSystem",
    "BundleAdjustment",
    "ConstrainedProblem",
    "Equations",
    "LabelledGraph",
    "Mesh",
    "PowerOfNorm",
    "SoftMaximum",
    "SumOfTerms",
    "System",
    "TimeStep",
    "UnconstrainedProblem",
    "analytic_centre",
    "assignment",
    "assignment_program",
    "bounded_system",
    "bounded_system_names",
    "bratu",
    "bundle_adjustment",
    "constrained_logistic",
    "constrained_problem",
    "constrained_problem_names",
    "convection_diffusion",
    "convection_diffusion_systems",
    "darcy",
    "darcy_systems",
    "diffusion",
    "driven_cavity",
    "gaussian_field",
    "heat_crank_nicolson",
    "helmholtz",
    "helmholtz_systems",
    "image_pair",
    "irregular",
    "laplacian_shifted",
    "lattice_labels",
    "line_pair",
    "logistic_regression",
    "norm_power",
    "pagerank_program",
    "pde_control",
    "plate_mesh",
    "point_clouds",
    "poisson",
    "poisson_fem",
    "poisson_systems",
    "polytope_feasibility",
    "read_libsvm",
    "soft_maximum",
    "softmax_data",
    "sparse_classification",
    "sparse_regression",
    "square_mesh",
    "thermal",
    "thermal_systems",
    "transport_program",
    "two_moons",
    "unconstrained",
    "unconstrained_names",
    "worst_instance",
]
