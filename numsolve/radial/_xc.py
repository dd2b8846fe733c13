"""Exchange and correlation: VWN5 by name, any local functional by a callable, libxc through PySCF."""

from typing import Any

import numpy as np

from .. import _validate
from ..kernels import kernels_for


def functional(xc: Any):
    """Return ``evaluate(n) -> (e, v)`` for the argument `xc` of `atom`."""
    if isinstance(xc, str):
        return {"lda": _lda, "x": _exchange}[_validate.choice(xc, "xc", ("lda", "x"))]
    if xc is None:
        return _zeros
    if not callable(xc):
        raise TypeError(f"xc is a {type(xc).__name__}; 'lda', 'x', None or a callable n -> (e, v) is needed")
    return _Checked(xc)


def libxc(name):
    """Return a local functional of libxc, for the argument `xc` of `atom`.

    Parameters
    ----------
    name : str
        The name in PySCF's notation, such as ``"LDA,VWN"`` or ``"LDA_X,PW_MOD"``. The functional must depend
        on the density alone.

    Returns
    -------
    callable
        ``xc(n) -> (e, v)``: energy per electron and potential in hartree, of the shape of the densities `n`,
        which are NumPy arrays in electrons per cubic bohr.

    Raises
    ------
    ImportError
        PySCF is not installed.
    ValueError
        The functional needs gradients of the density.
    """
    try:
        from pyscf.dft import libxc as library  # type: ignore[import-not-found]
    except ImportError as error:
        raise ImportError("libxc comes with PySCF, which is not installed: pip install pyscf") from error
    if library.xc_type(name) != "LDA":
        raise ValueError(f"name is {name!r}, which is not local; a functional of the density alone is needed")

    def xc(n):
        e, (v, *_) = library.eval_xc(name, n.ravel())[:2]
        return e.reshape(n.shape), v.reshape(n.shape)

    return xc


def _lda(n):
    """Return Slater exchange and VWN5 correlation."""
    e, v = _zeros(n)
    kernels_for(n).lda_vwn(n, e, v)
    return e, v


def _exchange(n):
    """Return the exchange of the homogeneous electron gas (Slater)."""
    v = -((3 / np.pi) ** (1 / 3)) * abs(n) ** (1 / 3)
    return 0.75 * v, v


def _zeros(n):
    """Return no exchange and correlation."""
    return 0 * n, 0 * n


class _Checked:
    """A user's functional; what it returns is checked at the first call."""

    def __init__(self, xc):
        self.xc, self.is_checked = xc, False

    def __call__(self, n):
        if self.is_checked:
            return self.xc(n)
        found = self.xc(n)
        if not isinstance(found, tuple) or len(found) != 2:
            raise TypeError(f"xc returned a {type(found).__name__}; a pair (e, v) is needed")
        for part, label in zip(found, ("e", "v"), strict=True):
            if getattr(part, "shape", None) != n.shape:
                raise ValueError(
                    f"xc returned {label} of shape {np.shape(part)} for densities of shape {n.shape}"
                )
            _validate.finite(part, f"{label} of xc")
        self.is_checked = True
        return found
