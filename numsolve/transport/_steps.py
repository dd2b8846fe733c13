"""Sinkhorn's iteration as the loop sees it."""

import numpy as np

from .._array import namespace, to_host
from .._result import Breakdown, Status
from ..kernels import kernels_for

LOOK = 10  # iterations after which the rules of omega look at errors and duals


class Sinkhorn:
    """The state of an iteration of k problems: the form of their cost, masses, penalties, and rules of omega.

    An iterate is one array, the scaled potentials F of all problems and then their G. Its errors, the sums of
    the absolute errors of the marginals, are found in the pass that leaves it. Problems are taken together
    so that small ones keep all threads busy, but each has its own omega.
    """

    def __init__(self, form, inverse, a, b, kappas, controls):
        self.form, self.inverse, self.a, self.b = form, inverse, a, b
        self.kappa_a, self.kappa_b = kappas
        self.controls = controls
        self.r, self.c = a * 0, b * 0
        self.judge = kernels_for(a).transport_judge
        self.rounding = 64 * float(np.finfo(a.dtype).eps)
        self.still, self.all = namespace(a).zeros(len(a), a.dtype), namespace(a).ones(len(a), bool)
        self.omega = None

    def set_omega(self):
        """Bring the omegas of the rules to where the arrays are."""
        self.omega = namespace(self.a).asarray(np.array([c.omega for c in self.controls], self.a.dtype))

    def sides(self, x):
        """Return the potentials of the rows and of the columns, (k, n) and (k, m), of an iterate."""
        return x[: self.a.size].reshape(self.a.shape), x[self.a.size :].reshape(self.b.shape)

    def start(self, x):
        """Yield iterates and squared errors, as the loop wants them."""
        self.set_omega()
        y, live = namespace(x).empty_like(x), self.all
        live = yield x, self.shown(self.marginals(x, y))
        self.sweep(live, x, y)
        x, y = self.next(live, x, y)
        learns = any(control.learns for control in self.controls)
        fresh, seen, saved = [], [([], []) for _ in self.controls], (x.copy(), self.c.copy())
        while True:
            found = self.sweep(live, x, y)
            live = yield x, self.shown(found)
            if live is None:
                raise Breakdown(
                    "a marginal is not finite: use method='log', or a larger eps", Status.NONFINITE
                )
            x, y = self.next(live, x, y)
            if learns:
                fresh.append(found)
                if len(fresh) == LOOK:
                    self.look(live, fresh, seen, x, saved)
                    fresh = []

    def shown(self, found):
        """Return squared errors as the loop reads them: on the host a number, if there is one problem."""
        squares, _ = found
        return squares[0] if len(self.a) == 1 and isinstance(squares, np.ndarray) else squares

    def next(self, live, x, y):
        """Return the iterate to go on with, `y`, and room for the next; what is not `live` stays at `x`."""
        if len(self.a) > 1:
            self.put(~live, x, y)
        return y, x

    def put(self, which, source, target):
        """Copy the potentials of some problems."""
        for old, new in zip(self.sides(source), self.sides(target), strict=True):
            new[...] = namespace(new).where(which[:, None], old, new)

    def look(self, live, fresh, seen, x, saved):
        """Show the rules what was `seen` in their windows, and `fresh`; undo windows that they reject."""
        xp, verdicts = namespace(x), []
        errors, duals = self.read(fresh)
        alive = to_host(live) if len(self.a) > 1 else [True]
        for p, control in enumerate(self.controls):
            seen[p][0].extend(errors[p])
            seen[p][1].extend(duals[p])
            looks = control.learns and alive[p]
            verdicts.append(control.see(*seen[p], self.rounding) if looks else None)
            if verdicts[p] is not None:
                seen[p] = [], []
        if False in verdicts:
            undone = xp.asarray(np.array([verdict is False for verdict in verdicts]))
            self.put(undone, saved[0], x)
            self.c[...] = xp.where(undone[:, None], saved[1], self.c)
        if True in verdicts:
            kept = xp.asarray(np.array([verdict is True for verdict in verdicts]))
            self.put(kept, x, saved[0])
            saved[1][...] = xp.where(kept[:, None], self.c, saved[1])
        if verdicts.count(None) < len(verdicts):
            self.set_omega()

    def sweep(self, live, x, y):
        """Step from `x` to `y`; return squared errors and duals of `x`."""
        (F, G), (F_new, G_new), omega = self.sides(x), self.sides(y), self.omega
        self.form.rows(live, omega, self.kappa_a, self.inverse, self.a, F, G, F_new, self.r)
        found = self.judged(F, G)
        self.form.columns(live, omega, self.kappa_b, self.inverse, F_new, self.b, G, G_new, self.c)
        if self.kappa_a != 1 or self.kappa_b != 1:
            self.balance(live, y)
        return found

    def balance(self, live, x):
        """Shift the potentials against each other, for the best dual: iterations alone take long for that.

        The plan does not notice; what it should sum to, ``a exp(-F / reach)``, does.
        """
        xp, (F, G), shares = namespace(x), self.sides(x), []
        for kappa, mass, potential in ((self.kappa_a, self.a, F), (self.kappa_b, self.b, G)):
            reach = kappa / (1 - kappa) if kappa < 1 else None
            wanted = mass if reach is None else mass * xp.exp(-xp.where(mass > 0, potential, 0) / reach)
            shares.append((reach, wanted.sum(axis=1)))
        (p, A), (q, B) = shares
        shift = live * (q if p is None else p if q is None else p * q / (p + q)) * xp.log(A / B)
        F += shift[:, None]
        G -= shift[:, None]

    def marginals(self, x, y):
        """Find the marginals of `x`, `r` and `c`; return squared errors and duals. `y` is room."""
        (F, G), (F_new, G_new), still = self.sides(x), self.sides(y), self.still
        self.form.rows(self.all, still, self.kappa_a, self.inverse, self.a, F, G, F_new, self.r)
        self.form.columns(self.all, still, self.kappa_b, self.inverse, F_new, self.b, G, G_new, self.c)
        return self.judged(F, G)

    def judged(self, F, G):
        """Return squared errors and duals of potentials whose marginals are `r` and `c`."""
        return self.judge(self.kappa_a, self.kappa_b, self.a, self.b, self.r, self.c, F, G)

    def read(self, seen):
        """Return errors and duals, a list a problem, of the host, in one copy."""
        pairs = to_host(namespace(self.a).stack([x for pair in seen for x in pair])).astype(float)
        return np.sqrt(pairs[::2]).T.tolist(), pairs[1::2].T.tolist()
