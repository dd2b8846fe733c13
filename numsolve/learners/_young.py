"""Young's relation between the Jacobi iteration and SOR."""

import numpy as np

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
        :math:`1 + (\beta / (1 + \sqrt{1 - \beta^2}))^2`.

    Raises
    ------
    ValueError
        An entry of `beta` is not in [0, 1).

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
    >>> from numsolve.relaxation import omega_opt
    >>> round(omega_opt(np.cos(np.pi / 11)), 4)
    1.5604
    """
    values = _validate.real_array(beta, "beta")
    if bad := int((~((values >= 0) & (values < 1))).sum()):
        raise ValueError(f"beta has {bad} entries outside [0, 1): the Jacobi iteration must converge")
    found = 1 + (values / (1 + np.sqrt(1 - values**2))) ** 2
    return found if found.ndim else float(found)
