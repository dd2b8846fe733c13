"""Young's relation between the spectral radius beta of the Jacobi iteration, omega and the rate of SOR."""

from .. import _validate


def omega_opt(beta):
    r"""Return the omega at which SOR converges fastest, by Young's formula.

    Parameters
    ----------
    beta : float or array of floats
        Spectral radius of the Jacobi iteration, :math:`\rho(I - D^{-1} A)`, at least 0 and less than 1.

    Returns
    -------
    float or array
        :math:`2 / (1 + \sqrt{1 - \beta^2})`, of the shape of `beta`.

    Raises
    ------
    ValueError
        An entry of `beta` is not in [0, 1).
    TypeError
        `beta` is complex, or no array of numbers.

    Notes
    -----
    For matrices that are consistently ordered, such as those of five- and seven-point stencils,
    with a Jacobi iteration whose eigenvalues are real [1]_.

    References
    ----------
    .. [1] D. M. Young, *Iterative Solution of Large Linear Systems*, Academic Press, 1971,
       :doi:`10.1016/C2013-0-11733-3`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.learners import omega_opt
    >>> round(omega_opt(np.cos(np.pi / 11)), 4)
    1.5604
    """
    values = _validate.real_array(beta, "beta")
    if bad := int((~((values >= 0) & (values < 1))).sum()):
        raise ValueError(f"beta has {bad} entries outside [0, 1): the Jacobi iteration must converge")
    found = omega_for_gap(1 - values**2)
    return found if found.ndim else float(found)


def omega_for_gap(gap):
    """Return Young's omega for a Jacobi iteration with ``1 - beta**2`` equal to `gap`."""
    return 2 / (1 + gap**0.5)


def gap_for_omega(omega):
    """Return the ``1 - beta**2`` for which `omega` is Young's: the inverse of `omega_for_gap`."""
    return ((2 - omega) / omega) ** 2


def radius_from_rate(rate, omega):
    """Return the spectral radius of the Jacobi iteration if SOR with `omega` below its optimum has `rate`."""
    return (rate + omega - 1) / (omega * rate**0.5)
