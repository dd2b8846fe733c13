"""Sinkhorn's iteration, as a generator of iterates and squared errors for the loop."""

from math import inf

import numpy as np

from .._array import namespace, to_host
from .._result import Breakdown, Status
from ..kernels import kernels_for

LOOK_EVERY = 10  # iterations after which the rules of omega are given errors and duals


def join_potentials(F, G):
    """Return the iterate, one vector, of potentials of the rows (k, n) and of the columns (k, m)."""
    return namespace(F).concatenate((F.ravel(), G.ravel()))


class Sinkhorn:
    """Sinkhorn's iteration on one problem; `SinkhornBatch` does the same on many.

    An iterate is one array: the potentials over eps of the rows, F, then those of the columns, G. Its error,
    the sum of the absolute errors of its marginals, is computed in the pass that makes the next iterate.

    Parameters
    ----------
    passes : FusedPasses, GridPasses or SparsePasses
        The cost, with the steps of rows and columns.
    inverse : float
        One over eps.
    a, b : array, shapes (1, n) and (1, m)
        The masses.
    kappas : tuple of float
        For rows and columns, the fraction of the full step that the penalty leaves; 1 without penalty.
    controls : list of Rule
        The rule of omega; None where only `marginals` is used.
    deadline : float
        Time of ``time.monotonic()`` at which solves inside the iteration stop.
    """

    def __init__(self, passes, inverse, a, b, kappas, controls, deadline=inf):
        self.passes, self.inverse, self.a, self.b = passes, inverse, a, b
        self.kappa_a, self.kappa_b = kappas
        self.controls = controls
        self.deadline = deadline
        self.r, self.c = a * 0, b * 0
        self.judge_kernel = kernels_for(a).transport_judge
        self.rounding = 64 * float(np.finfo(a.dtype).eps)
        self.no_step, self.all_live = namespace(a).zeros(len(a), a.dtype), namespace(a).ones(len(a), bool)
        self.omega = None

    def set_omega(self):
        """Copy the omegas of the rules to the library of the arrays."""
        self.omega = namespace(self.a).asarray(np.array([c.omega for c in self.controls], self.a.dtype))

    def split(self, x):
        """Return the potentials of the rows (k, n) and of the columns (k, m) of an iterate."""
        return x[: self.a.size].reshape(self.a.shape), x[self.a.size :].reshape(self.b.shape)

    def start(self, x):
        """Yield iterates and squared errors, as `iterate` asks for them."""
        self.set_omega()
        y = namespace(x).empty_like(x)
        live = yield self.for_the_loop(x, self.marginals(x, y))
        live = self.own_flags(live)
        self.sweep(live, x, y)
        x, y = self.after_step(live, x, y)
        self.windows, self.saved, unread = [([], []) for _ in self.controls], (x.copy(), self.c.copy()), []
        due = min(control.first_look for control in self.controls)
        while True:
            found = self.sweep(live, x, y)
            live = yield self.for_the_loop(x, found)
            if live is None:
                raise Breakdown(
                    "a marginal is not finite: use method='log', or a larger eps", Status.NONFINITE
                )
            live = self.own_flags(live)
            x, y = self.after_step(live, x, y)
            unread.append(found)
            if len(unread) == due:
                live, x, y = self.show_rules(live, unread, x, y)
                unread, due = [], LOOK_EVERY

    def for_the_loop(self, x, found):
        """Return the iterate and its squared error for the loop; on the host the error is a number."""
        squares, _ = found
        return x, squares[0] if isinstance(squares, np.ndarray) else squares

    def own_flags(self, live):
        """Return the flags of the problems that are still iterated."""
        return live

    def after_step(self, live, x, y):  # noqa: ARG002 - `SinkhornBatch` needs it
        """Return the new iterate, `y`, and an array for the next one."""
        return y, x

    def show_rules(self, live, unread, x, y):
        """Give the rule the errors and duals of its window; undo the window if the rule rejects it."""
        (control,), ((errors, duals),) = self.controls, self.windows
        if control.watches:
            more, noise = self.read_rows(unread, x)
            errors += more[0][0]
            duals += more[0][1]
            verdict = control.judge_window(errors, duals, noise[0])
            if verdict is False:
                x[...], self.c[...] = self.saved
            if verdict is not None:
                self.windows, self.saved = [([], [])], (x.copy(), self.c.copy())
                self.set_omega()
        return live, x, y

    def sweep(self, live, x, y):
        """Take the step from `x` to `y`; return squared errors and duals of `x`."""
        (F, G), (F_new, G_new), omega = self.split(x), self.split(y), self.omega
        self.passes.rows(live, omega, self.kappa_a, self.inverse, self.a, F, G, F_new, self.r)
        found = self.errors_and_duals(F, G)
        self.passes.columns(live, omega, self.kappa_b, self.inverse, F_new, self.b, G, G_new, self.c)
        if self.kappa_a != 1 or self.kappa_b != 1:
            self.balance(live, y)
        return found

    def balance(self, live, x):
        """Add a constant to F and subtract it from G so that the dual is largest.

        The plan stays the same, but its wanted sums, ``a exp(-F / reach)``, change. Iterations alone need
        many steps for this.
        """
        xp, (F, G), parts = namespace(x), self.split(x), []
        for kappa, mass, potential in ((self.kappa_a, self.a, F), (self.kappa_b, self.b, G)):
            reach = kappa / (1 - kappa) if kappa < 1 else None
            exponents = xp.where(mass > 0, 0 * mass if reach is None else -potential / reach, -np.inf)
            top = exponents.max(axis=1)
            parts.append((reach, top + xp.log((mass * xp.exp(exponents - top[:, None])).sum(axis=1))))
        (p, A), (q, B) = parts
        shift = xp.where(live, (q if p is None else p if q is None else p * q / (p + q)) * (A - B), 0)
        F += shift[:, None]
        G -= shift[:, None]

    def marginals(self, x, y):
        """Compute the marginals `r` and `c` of `x`; return squared errors and duals. `y` is overwritten."""
        (F, G), (F_new, G_new), no_step = self.split(x), self.split(y), self.no_step
        self.passes.rows(self.all_live, no_step, self.kappa_a, self.inverse, self.a, F, G, F_new, self.r)
        self.passes.columns(
            self.all_live, no_step, self.kappa_b, self.inverse, F_new, self.b, G, G_new, self.c
        )
        return self.errors_and_duals(F, G)

    def errors_and_duals(self, F, G):
        """Return squared errors and duals of potentials whose marginals are `r` and `c`."""
        return self.judge_kernel(self.kappa_a, self.kappa_b, self.a, self.b, self.r, self.c, F, G)

    def dual_size(self, x):
        """Return the sums of the absolute terms of the duals, to which their rounding errors are relative."""
        xp, size = namespace(x), 0
        for mass, potential in zip((self.a, self.b), self.split(x), strict=True):
            size = size + (mass * (1 + abs(xp.where(mass > 0, potential, 0)))).sum(axis=1)
        return size

    def read_rows(self, seen, x):
        """Return errors and duals of each problem and the rounding errors of its duals, by one transfer."""
        rows = [*(squares for squares, _ in seen), *(duals for _, duals in seen), self.dual_size(x)]
        *rows, size = to_host(namespace(x).stack(rows)).astype(float)
        errors, duals = np.sqrt(rows[: len(seen)]).T.tolist(), np.transpose(rows[len(seen) :]).tolist()
        return list(zip(errors, duals, strict=True)), (self.rounding * size).tolist()
