"""Newton's method with a regularisation in proportion to a power of the gradient's norm."""

from ... import _validate
from .objective import decrease
from .search import Search
from .truncated_cg import dot


class Regularised(Search):
    """Steps ``-inv(H + lam * B) @ g`` with a `lam` that depends on the gradient and a parameter."""

    checks_curvature = False

    def shift(self, point, parameter):
        """Return `lam`."""
        raise NotImplementedError

    def step(self, point, parameter):
        solve = point.model.factored(self.shift(point, parameter))
        return None if solve is None else solve(-point.gradient)


class GradientNormalized(Regularised):
    r"""Newton's method with gradient-normalised smoothness, also for approximate Hessians.

    :math:`\lambda = \|g\| / \gamma`, in the dual norm of the metric. A step to :math:`x_+` is accepted if
    :math:`f(x) - f(x_+) \ge \|\nabla f(x_+)\|^2 / (8 \lambda)`; then :math:`\gamma` is doubled, else halved.

    A. Semenov, M. Jaggi, N. Doikov, Gradient-normalized smoothness for optimization with approximate
    Hessians, arXiv:2506.13710.

    Parameters
    ----------
    gamma0 : float
        The first :math:`\gamma`.
    floor : float
        The smallest :math:`\gamma` after an accepted step.
    """

    def __init__(self, objective, *, gamma0=1.0, floor=1e-9):
        super().__init__(objective)
        self.gamma0, self.floor = _validate.positive(gamma0, "gamma0"), _validate.tolerance(floor, "floor")

    def first(self, point):  # noqa: ARG002 - the protocol
        return self.gamma0

    def shift(self, point, parameter):
        return point.dual / parameter

    def judge(self, point, trial, step, parameter):  # noqa: ARG002 - the protocol
        if not trial.is_finite:
            return False, self.harder(parameter)
        needed = trial.dual * (trial.dual / point.dual) * parameter / 8
        if not decrease(point, trial) >= needed:
            return False, self.harder(parameter)
        return True, max(2 * parameter, self.floor)

    def harder(self, parameter):
        return parameter / 2


class SaddleFree(GradientNormalized):
    r"""The saddle-free Newton method: H is replaced by its absolute value :math:`|H|`.

    The step is :math:`-(|H| + \lambda B)^{-1} g`, so that negative curvature is a direction of descent. The
    regularisation is that of `GradientNormalized`; a step is accepted if the decrease is at least a quarter
    of the decrease that the gradient predicts.

    Y. N. Dauphin, R. Pascanu, C. Gulcehre, K. Cho, S. Ganguli, Y. Bengio, Identifying and attacking the
    saddle point problem in high-dimensional non-convex optimization, NeurIPS 2014, arXiv:1406.2572.

    Parameters
    ----------
    gamma0 : float
        The first :math:`\gamma`.
    """

    checks_curvature = True

    def __init__(self, objective, *, gamma0=1.0):
        super().__init__(objective, gamma0=gamma0)

    def step(self, point, parameter):
        shift = self.shift(point, parameter)
        return point.model.minimised(point.gradient, lambda values, c: -c / (abs(values) + shift))

    def judge(self, point, trial, step, parameter):
        if decrease(point, trial) >= -dot(point.gradient, step) / 4:
            return True, 2 * parameter
        return False, self.harder(parameter)


class SuperUniversal(Regularised):
    r"""The super-universal regularised Newton method.

    :math:`\lambda = H \|g\|^\alpha`, in the dual norm of the metric. A step to :math:`x_+` is accepted if
    :math:`\langle \nabla f(x_+), x - x_+\rangle \ge \|\nabla f(x_+)\|^2 / (4 \lambda)`; then H is divided by
    four, else multiplied by four.

    N. Doikov, K. Mishchenko, Y. Nesterov, Super-universal regularized Newton method, SIAM J. Optim. 34 (2024)
    27-56, doi:10.1137/22M1519444.

    Parameters
    ----------
    alpha : float
        Exponent of the gradient's norm, between 0 and 1.
    H0, floor : float
        The first and the smallest H.
    H : float, optional
        A fixed H: all steps are accepted at which the function is finite.
    """

    def __init__(self, objective, *, alpha=1.0, H0=1.0, floor=1e-5, H=None):
        super().__init__(objective)
        self.alpha, self.floor = _validate.tolerance(alpha, "alpha"), _validate.tolerance(floor, "floor")
        self.is_fixed = H is not None
        self.H0 = _validate.positive(H0 if H is None else H, "H0" if H is None else "H")

    def first(self, point):  # noqa: ARG002 - the protocol
        return self.H0

    def shift(self, point, parameter):
        return parameter * point.dual**self.alpha

    def judge(self, point, trial, step, parameter):
        if not trial.is_finite:
            return False, self.harder(parameter)
        if self.is_fixed:
            return True, self.H0
        if not -dot(trial.gradient, step) >= trial.dual * (trial.dual / self.shift(point, parameter)) / 4:
            return False, self.harder(parameter)
        return True, max(parameter / 4, self.floor, 1e-100)

    def harder(self, parameter):
        return 4 * parameter
