"""Sinkhorn's iteration as the loop sees it."""

import numpy as np

from .._array import library, namespace, to_host
from .._result import Breakdown, Status
from ..kernels import kernels_for

LOOK = 10  # iterations after which the rule of omega looks at errors and duals


class Sinkhorn:
    """The state of an iteration: the form of its cost, masses, penalties, and the rule of its omega.

    An iterate is one array, the scaled potentials F and then G. Its error, the sum of the absolute errors of
    its marginals, is found in the pass that leaves it.
    """

    def __init__(self, form, inverse, a, b, kappas, control):
        self.form, self.inverse, self.a, self.b = form, inverse, a, b
        self.kappa_a, self.kappa_b = kappas
        self.control = control
        self.r, self.c = a * 0, b * 0
        self.n = a.size
        self.judge = kernels_for(a).transport_judge
        self.rounding = 64 * float(np.finfo(a.dtype).eps)

    def start(self, x):
        """Yield iterates and squared errors, as the loop wants them."""
        xp = namespace(x)
        y, live = xp.empty_like(x), xp.ones(1, bool)
        error, _ = self.marginals(x, y)
        live = yield x, error
        self.sweep(live, x, y)
        x, y = y, x
        fresh, errors, duals, saved = [], [], [], (x.copy(), self.c.copy())
        while True:
            found = self.sweep(live, x, y)
            live = yield x, found[0]
            if live is None:
                raise Breakdown(
                    "a marginal is not finite: use method='log', or a larger eps", Status.NONFINITE
                )
            x, y = y, x
            if not self.control.learns:
                continue
            fresh.append(found)
            if len(fresh) < LOOK:
                continue
            more = self.read(fresh)
            fresh, errors, duals = [], errors + more[0], duals + more[1]
            sound = self.control.see(errors, duals, self.rounding)
            if sound is False:
                x, self.c = saved[0].copy(), saved[1].copy()
            if sound is not None:
                errors, duals, saved = [], [], (x.copy(), self.c.copy())

    def sweep(self, live, x, y):
        """Step from `x` to `y`; return squared error and dual of `x`."""
        n, omega = self.n, self.control.omega
        self.form.rows(live, omega, self.kappa_a, self.inverse, self.a, x[:n], x[n:], y[:n], self.r)
        found = self.judged(x)
        self.form.columns(live, omega, self.kappa_b, self.inverse, y[:n], self.b, x[n:], y[n:], self.c)
        if self.kappa_a != 1 or self.kappa_b != 1:
            self.balance(live, y)
        return found

    def balance(self, live, x):
        """Shift the potentials against each other, for the best dual: iterations alone take long for that.

        The plan does not notice; what it should sum to, ``a exp(-F / reach)``, does.
        """
        n, xp, shares = self.n, namespace(x), []
        sides = (self.kappa_a, self.a, x[:n]), (self.kappa_b, self.b, x[n:])
        for kappa, mass, potential in sides:
            reach = kappa / (1 - kappa) if kappa < 1 else None
            wanted = mass if reach is None else mass * xp.exp(-xp.where(mass > 0, potential, 0) / reach)
            shares.append((reach, wanted.sum()))
        (p, A), (q, B) = shares
        shift = live * (q if p is None else p if q is None else p * q / (p + q)) * xp.log(A / B)
        x[:n] += shift
        x[n:] -= shift

    def marginals(self, x, y):
        """Find the marginals of `x`, `r` and `c`; return squared error and dual. `y` is room."""
        n, live = self.n, namespace(x).ones(1, bool)
        self.form.rows(live, 0.0, self.kappa_a, self.inverse, self.a, x[:n], x[n:], y[:n], self.r)
        self.form.columns(live, 0.0, self.kappa_b, self.inverse, y[:n], self.b, x[n:], y[n:], self.c)
        return self.judged(x)

    def judged(self, x):
        """Return squared error and dual of `x`, whose marginals are `r` and `c`."""
        F, G = x[: self.n], x[self.n :]
        return self.judge(self.kappa_a, self.kappa_b, self.a, self.b, self.r, self.c, F, G)

    def read(self, seen):
        """Return errors and duals as lists of the host, in one copy."""
        squares, duals = zip(*seen, strict=True)
        if library(self.a) == "cupy":
            both = to_host(namespace(self.a).concatenate((*squares, *duals)))
            squares, duals = both[: len(seen)], both[len(seen) :]
        return np.sqrt(np.array(squares, float)).tolist(), np.array(duals, float).tolist()
