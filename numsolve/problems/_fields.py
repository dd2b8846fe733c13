"""Gaussian random fields."""

from functools import reduce
from typing import Any

import numpy as np
from scipy import fft

from .. import _validate
from .._random import standard_normal


def gaussian_field(shape, *, alpha=2.5, tau=7.0, rng=None) -> Any:
    r"""Sample a periodic Gaussian random field on the unit interval, square or cube.

    In d dimensions its mean is zero and its covariance operator
    :math:`\tau^{2\alpha-d} (-\Delta + \tau^2)^{-\alpha}`, without the constant mode: `tau` is the inverse of
    the correlation length, `alpha` determines the smoothness.

    Parameters
    ----------
    shape : tuple of int
        Points along each axis.
    alpha : float
        Exponent of the covariance operator; positive.
    tau : float
        Inverse of the correlation length; positive.
    rng : int or numpy.random.Generator, optional
        Seed or generator.

    Returns
    -------
    array of float64, of shape `shape`
        Its sum over all points is zero; the distribution is the same at every point.

    Raises
    ------
    TypeError, ValueError
        If `shape` is not a tuple of positive integers, or `alpha` or `tau` is not positive.

    Notes
    -----
    With frequencies q and complex normal deviates z of unit variance,

    .. math:: u(x) = \mathrm{Re} \sum_{q \ne 0} \sqrt{2}\, \tau^{\alpha-d/2}
              (4\pi^2|q|^2 + \tau^2)^{-\alpha/2} z_q e^{2\pi i q\cdot x},

    which takes one fast Fourier transform. This is the sampler of Z. Li et al., Fourier Neural Operator for
    Parametric Partial Differential Equations, ICLR 2021, arXiv:2010.08895; the defaults of `alpha` and `tau`
    are those of H. Wang et al., Accelerating Data Generation for Neural Operators via Krylov Subspace
    Recycling, ICLR 2024, arXiv:2401.09516.

    Examples
    --------
    >>> from numsolve.problems import gaussian_field
    >>> gaussian_field((64, 64), rng=0).std().round(1)
    np.float64(0.2)
    """
    return np.ascontiguousarray(complex_field(shape, alpha=alpha, tau=tau, rng=rng).real)


def complex_field(shape, *, alpha=2.5, tau=7.0, rng=None) -> Any:
    """Return a complex field whose real and imaginary parts are independent samples of `gaussian_field`."""
    shape = tuple(_validate.count(m, "shape", least=1) for m in shape)
    alpha, tau = _validate.positive(alpha, "alpha"), _validate.positive(tau, "tau")
    squares = reduce(np.add.outer, [np.fft.fftfreq(m, 1 / m) ** 2 for m in shape])
    modes = np.sqrt(2) * tau ** (alpha - len(shape) / 2) * (4 * np.pi**2 * squares + tau**2) ** (-alpha / 2)
    modes.flat[0] = 0
    waves: Any = fft.ifftn(modes * standard_normal(rng, shape, dtype=complex), norm="forward")
    return waves
