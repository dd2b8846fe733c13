"""The caller's variables, an array of any shape, as a vector."""

from . import _validate


class Variables:
    """The caller's variables, an array of any shape, as a vector of the working dtype.

    Attributes
    ----------
    shape : tuple
        The shape that the caller's functions get and that the result has; (1,) for a number.
    dtype : numpy.dtype
        The working dtype.
    library : str
        "numpy" or "cupy".
    start : array, shape (n,)
        A copy of the starting point.
    """

    def __init__(self, x0, *, real=False, name="x0"):
        self.library, self.xp = _validate.same_library(**{name: x0})
        x0 = _validate.finite(_validate.as_array(x0, name, self.xp), name)
        if real and x0.dtype.kind == "c":
            raise TypeError(f"{name} is complex; real variables are needed: pass real and imaginary parts")
        self.shape = x0.shape or (1,)
        self.dtype = _validate.floating(x0.dtype, name)
        self.start = x0.reshape(-1).astype(self.dtype, copy=True)

    @property
    def n(self):
        """Number of variables."""
        return len(self.start)

    def shown(self, x):
        """Return a vector in the caller's shape, as a copy that the caller may keep or change."""
        return x.reshape(self.shape).copy()
