"""The rules of fixed-point methods: the next point from the points and their images so far.

Each rule has ``begin(x)``, called at the start, and ``next(x, t)``, which returns the next point from x and
its image t = T x. Nothing is read from a device.
"""

import numpy as np

from ..._array import namespace


class Picard:
    """The iteration of Krasnoselskii and Mann, ``x + relaxation (T x - x)``."""

    def __init__(self, relaxation=1.0):
        self.relaxation = relaxation

    def begin(self, _):
        """Keep nothing."""

    def next(self, x, t):
        """Return the next point."""
        return t if self.relaxation == 1 else x + self.relaxation * (t - x)


class Halpern:
    """Halpern's iteration, ``beta x0 + (1 - beta) T x`` with an anchor x0.

    Parameters
    ----------
    anchor : {"plain", "adaptive", "restarted"}
        "plain" is ``beta = 1 / (k + 2)``. "adaptive" takes beta from the residual, never larger than that.
        "restarted" is "plain" with a new anchor when the residual is a fifth of that at the last restart.
    reflected : bool
        Whether T is replaced by ``2 T - I``, which is nonexpansive if T is firmly so.
    """

    FACTOR = 0.2

    def __init__(self, anchor="plain", reflected=False):
        self.anchor, self.reflected = anchor, reflected

    def begin(self, x):
        """Take the anchor."""
        self.x0, self.k, self.first = x, 0.0, None

    def next(self, x, t):
        """Return the next point."""
        xp = namespace(x)
        image = 2 * t - x if self.reflected else t
        if self.anchor == "adaptive":
            r, tiny = x - image, float(np.finfo(x.dtype).tiny)
            phi = 1 + 2 * (r.conj() @ (self.x0 - x)).real / xp.maximum((r.conj() @ r).real, tiny)
            beta = 1 / (xp.maximum(phi, self.k + 1) + 1)
        else:
            beta = 1 / (self.k + 2)
        self.k = self.k + 1
        after = beta * self.x0 + (1 - beta) * image
        if self.anchor == "restarted":
            r = t - x
            norm = (r.conj() @ r).real
            self.first = norm if self.first is None else self.first
            restart = norm <= self.FACTOR**2 * self.first
            self.x0 = xp.where(restart, t, self.x0)
            self.first = xp.where(restart, norm, self.first)
            self.k = xp.where(restart, 0.0, self.k)
            after = xp.where(restart, t, after)
        return after


class Anderson:
    """Anderson's acceleration of type II: the affine combination of images with the smallest residual.

    The differences of residuals are combined by a least-squares problem that is regularised relative to
    their size. If the last step made the residual larger than `safeguard` times the one before, a plain
    step is taken.
    """

    def __init__(self, depth=5, damping=1.0, regularization=1e-10, safeguard=2.0):
        self.depth, self.damping = depth, damping
        self.regularization, self.safeguard = regularization, safeguard

    def begin(self, _):
        """Empty the memory."""
        self.images, self.residuals, self.last = [], [], None

    def next(self, x, t):
        """Return the next point."""
        xp = namespace(x)
        r = t - x
        norm = (r.conj() @ r).real
        self.images, self.residuals = (
            [*self.images, t][-self.depth - 1 :],
            [*self.residuals, r][-self.depth - 1 :],
        )
        plain = x + self.damping * r
        last, self.last = self.last, norm
        if last is None or len(self.residuals) < 2:
            return plain
        dR = xp.stack([r - other for other in self.residuals[:-1]])
        dT = xp.stack([t - other for other in self.images[:-1]])
        gram = dR.conj() @ dR.T
        size = xp.trace(gram).real / len(dR)
        size = xp.where(size > 0, size, 1)
        least = max(self.regularization, 4 * float(np.finfo(x.dtype).eps))  # the system is never singular
        gram = gram / size + least * xp.eye(len(dR), dtype=x.dtype)
        gamma = xp.linalg.solve(gram, dR.conj() @ r / size)
        after = t - gamma @ dT
        if self.damping != 1:
            after = after - (1 - self.damping) * (r - gamma @ dR)
        good = (norm <= self.safeguard**2 * last) & xp.isfinite(after).all()
        return xp.where(good, after, plain)
