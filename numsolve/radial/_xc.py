"""Exchange and correlation: VWN5 by name, anything local by a callable, libxc's through PySCF."""

from typing import Any

import numpy as np

from .. import _validate
from ..kernels import kernels_for


def functional(xc: Any):
    """Return ``evaluate(n) -> (e, v)`` for the argument `xc` of `atom`."""
    if isinstance(xc, str):
        return {"lda": _lda, "x": _exchange}[_validate.choice(xc, "xc", ("lda", "x"))]
    if xc is None:
        return _nothing
    if not callable(xc):
        raise TypeError(f"xc is a {type(xc).__name__}; 'lda', 'x', None or a callable n -> (e, v) is needed")
    return _Checked(xc)


def libxc(name):
    """Return a local functional of libxc, for the argument `xc` of `atom`.

    Parameters
    ----------
    name : str
        As PySCF writes it, such as ``"LDA,VWN"`` or ``"LDA_X,PW_MOD"``; it must depend on the density alone.

    Returns
    -------
    callable
        ``xc(n) -> (e, v)``: energy per electron and potential in hartree.

    Raises
    ------
    ImportError
        PySCF is not installed.
    ValueError
        The functional needs gradients.
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
    e, v = _pair(n)
    kernels_for(n).lda_vwn(n, e, v)
    return e, v


def _exchange(n):
    """Return the exchange of the electron gas, after Slater."""
    v = -((3 / np.pi) ** (1 / 3)) * abs(n) ** (1 / 3)
    return 0.75 * v, v


def _nothing(n):
    return 0 * n, 0 * n


def _pair(n):
    return 0 * n, 0 * n


class _Checked:
    """A user's functional; the first thing it returns is looked at."""

    def __init__(self, xc):
        self.xc, self.seen = xc, False

    def __call__(self, n):
        if self.seen:
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
        self.seen = True
        return found
