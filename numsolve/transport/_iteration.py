"""Sinkhorn's iteration as the loop sees it."""

from math import inf

import numpy as np

from .._array import namespace, to_host
from .._result import Breakdown, Status
from ..kernels import kernels_for

LOOK = 10  # iterations after which the rules of omega look at errors and duals


def joined(F, G):
    """Return the iterate of potentials (k, n) and (k, m)."""
    return namespace(F).concatenate((F.ravel(), G.ravel()))


class Sinkhorn:
    """The state of an iteration: the form of its cost, masses (1, n) and (1, m), penalties, rule of omega.

    An iterate is one array, the scaled potentials F and then G. Its error, the sum of the absolute errors of
    its marginals, is found in the pass that leaves it. `Together` does the same for many problems.
    """

    def __init__(self, form, inverse, a, b, kappas, controls, deadline=inf):
        self.form, self.inverse, self.a, self.b = form, inverse, a, b
        self.kappa_a, self.kappa_b = kappas
        self.controls = controls
        self.deadline = deadline  # of solves inside an iteration
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
        y = namespace(x).empty_like(x)
        live = yield self.shown(x, self.marginals(x, y))
        live = self.mine(live)
        self.sweep(live, x, y)
        x, y = self.swapped(live, x, y)
        self.windows, self.saved, fresh = [([], []) for _ in self.controls], (x.copy(), self.c.copy()), []
        due = min(control.first_look for control in self.controls)
        while True:
            found = self.sweep(live, x, y)
            live = yield self.shown(x, found)
            if live is None:
                raise Breakdown(
                    "a marginal is not finite: use method='log', or a larger eps", Status.NONFINITE
                )
            live = self.mine(live)
            x, y = self.swapped(live, x, y)
            fresh.append(found)
            if len(fresh) == due:
                live, x, y = self.look(live, fresh, x, y)
                fresh, due = [], LOOK

    def shown(self, x, found):
        """Return what the loop reads: the iterate and its squared error, on the host a number."""
        squares, _ = found
        return x, squares[0] if isinstance(squares, np.ndarray) else squares

    def mine(self, live):
        """Return the flags that belong to the problems at work."""
        return live

    def swapped(self, live, x, y):  # noqa: ARG002 - `Together` needs it
        """Return the iterate to go on with, `y`, and room for the next."""
        return y, x

    def look(self, live, fresh, x, y):
        """Show the rule what was seen in its window; undo the window if it is rejected."""
        (control,), ((errors, duals),) = self.controls, self.windows
        if control.learns:
            more, noise = self.read(fresh, x)
            errors += more[0][0]
            duals += more[0][1]
            verdict = control.see(errors, duals, noise[0])
            if verdict is False:
                x[...], self.c[...] = self.saved
            if verdict is not None:
                self.windows, self.saved = [([], [])], (x.copy(), self.c.copy())
                self.set_omega()
        return live, x, y

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
            exponents = xp.where(mass > 0, 0 * mass if reach is None else -potential / reach, -np.inf)
            top = exponents.max(axis=1)
            shares.append((reach, top + xp.log((mass * xp.exp(exponents - top[:, None])).sum(axis=1))))
        (p, A), (q, B) = shares
        shift = xp.where(live, (q if p is None else p if q is None else p * q / (p + q)) * (A - B), 0)
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

    def size(self, x):
        """Return the size of the terms of the duals, whose sums may be much smaller."""
        xp, size = namespace(x), 0
        for mass, potential in zip((self.a, self.b), self.sides(x), strict=True):
            size = size + (mass * (1 + abs(xp.where(mass > 0, potential, 0)))).sum(axis=1)
        return size

    def read(self, seen, x):
        """Return errors and duals of each problem, and what rounding may do to its duals, in one copy."""
        rows = [*(squares for squares, _ in seen), *(duals for _, duals in seen), self.size(x)]
        *rows, size = to_host(namespace(x).stack(rows)).astype(float)
        errors, duals = np.sqrt(rows[: len(seen)]).T.tolist(), np.transpose(rows[len(seen) :]).tolist()
        return list(zip(errors, duals, strict=True)), (self.rounding * size).tolist()
