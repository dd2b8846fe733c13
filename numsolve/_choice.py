"""Choose the methods and preconditioners that suit a matrix, in the order in which `solve` tries them."""

from collections.abc import Callable
from math import inf, log, sqrt
from typing import NamedTuple

from ._linear.costs import Costs
from ._result import Status

TINY = 300  # unknowns up to which a factorisation is never worth a forecast
NARROW_WORK = 1e7  # n * bandwidth^2 up to which the same holds
# Seconds of a forecast up to which a factorisation is chosen at once, for Hermitian matrices and for others:
# its error bound is sharp.
AT_ONCE = {True: 5e-3, False: 1e-2}
AFFORDABLE = 600.0  # seconds of the longest factorisation
MOST_ENTRIES = 5e8  # of a factor: 12 GB for both
WITH_AMG = 20  # iterations that multigrid is expected to take
# Iterations over those with an incomplete factorisation: of BiCGStab, and of CG if the couplings differ much.
SAVED_BY_ILU0, SAVED_BY_IC0 = 3, 8
DIGITS = log(1e10)  # reduction of the residual to which the iterations of dominant matrices are counted
PAYS_FROM = 3  # times the forecast of a factorisation takes, which has to be at stake
LIMIT_ON_DEVICE = 2000  # iterations after which the next choice is tried on a GPU, where time is not forecast


class Choice(NamedTuple):
    """A method, a preconditioner (a name, an operator or None), and the reason.

    ``instead(most)`` is the forecast time of what would follow, or infinity if it exceeds `most`; None if the
    method goes on without regard to time. `limit` is a number of iterations, or None.
    """

    method: str
    M: object
    why: str
    instead: Callable[[float], float] | None = None
    limit: int | None = None


class Chooser:
    """The choices for one system, by its `Traits`, `Costs` and the `Plan` of its factorisation.

    `choices` is a generator: it is sent the result of each choice that failed.
    """

    def __init__(self, traits, costs: Costs, plan, on_host):
        self.traits, self.costs, self.plan, self.on_host = traits, costs, plan, on_host
        self.why = traits.describe()
        self.remaining, self.spent = (
            0.0,
            0.0,
        )  # seconds that the last iteration still needed, and of all so far
        self.maybe_definite = traits.hermitian and (traits.sign != 0 or traits.kind == "operator")

    def choices(self, method, M):
        """Yield the choices, the most suitable first.

        A factorisation follows a method that met the tolerance with an `x` in doubt.
        """
        following, result = self.by_traits(method, M), None
        while True:
            try:
                choice = following.send(result)
            except StopIteration:
                return
            result = yield choice
            if result.status == Status.DOUBTFUL and choice.method != "direct":
                if method == "auto" and self.direct(AFFORDABLE) < inf:
                    yield Choice("direct", None, "as x was in doubt")
                return

    def by_traits(self, method, M):
        """Yield the choices for methods that fail."""
        is_auto = isinstance(M, str) and M == "auto"
        if method != "auto":
            yield self.asked(method, M, is_auto)
        elif self.traits.kind == "operator" or not self.on_host:
            yield from self.unforeseen(M, is_auto)
        elif not is_auto:
            yield from self.with_given(M)
        elif self.is_quick_to_factorise():
            yield Choice("direct", None, f"{self.why}, quick to factorise")
        elif self.maybe_definite:
            yield from self.definite()
        elif self.traits.hermitian:
            yield from self.indefinite(self.why)
        else:
            yield from self.general()

    def asked(self, method, M, is_auto):
        """Return the choice for a method that the caller names."""
        if is_auto and method != "direct":
            M = self.usual_preconditioner(method)
        return Choice(method, M, f"as asked; {self.why}")

    def usual_preconditioner(self, method):
        """Return the name of a preconditioner that usually suits such a matrix, or None."""
        traits = self.traits
        if traits.kind == "operator":
            return None
        maybe_definite = self.maybe_definite or method == "cg"
        if method == "minres" and not maybe_definite:
            return None  # it needs a definite one, and the inverse of an indefinite matrix is not
        if traits.kind == "sparse" and maybe_definite and traits.sign:
            return "amg"
        if traits.kind == "sparse" and not traits.zero_diagonal:
            return "ilu0"
        if traits.kind == "sparse" and self.on_host and traits.n <= 20_000:
            return "ilu"
        return None if traits.zero_diagonal else "jacobi"

    def with_diagonal(self, method):
        """Return a method and the diagonal preconditioner, or None where it would change nothing."""
        return method, None if self.traits.even_diagonal else "jacobi"

    def unforeseen(self, M, is_auto):
        """Yield the choices where time is not forecast: an operator that only multiplies, or a GPU."""
        on_device = self.traits.kind != "operator"
        names = ("gmres", "bicgstab")
        if self.traits.hermitian:
            names = ("cg", "minres", "gmres") if self.maybe_definite else ("minres", "gmres")
        for name in names:
            limit = LIMIT_ON_DEVICE if on_device and name != names[-1] else None
            yield Choice(name, self.usual_preconditioner(name) if is_auto else M, self.why, limit=limit)

    def with_given(self, M):
        """Yield the choices with a preconditioner that the caller gives or names."""
        names = ("gmres",)
        if self.traits.hermitian:
            names = ("cg", "minres", "gmres") if self.maybe_definite else ("minres", "gmres")
        for name in names:
            yield Choice(name, M, f"{self.why}, M given", instead=self.direct_if_it_pays)
        if self.direct(AFFORDABLE) <= AFFORDABLE:
            yield Choice("direct", None, "as a fallback")

    def is_quick_to_factorise(self):
        """Tell whether a factorisation is certainly cheap: its error bound is sharp."""
        traits, most = self.traits, AT_ONCE[self.traits.hermitian]
        if traits.kind == "dense" or traits.n <= TINY:
            return True
        if self.dominant() < self.costs.least_direct():
            return False
        if traits.n * traits.band**2 <= NARROW_WORK and self.costs.least_direct() <= most:
            return True
        return self.pays(most, 2) and self.direct(most) <= most

    def dominant(self):
        """Return the seconds of an iterative method by a bound for diagonally dominant matrices, or infinity.

        Jacobi's method reduces the error by the ratio q of the sum of a row beside the diagonal to the
        diagonal. BiCGStab, with two products an iteration, is assumed to take no more products. The condition
        number of a Hermitian matrix is at most (1 + q) / (1 - q) after scaling, which bounds CG.
        """
        q = self.traits.ratio
        if not q < 1 or self.traits.kind != "sparse":
            return inf
        if self.maybe_definite:
            return self.costs.iterative(*self.with_diagonal("cg"), sqrt((1 + q) / (1 - q)) / 2 * DIGITS)
        if self.traits.hermitian:
            return inf
        return self.costs.iterative(*self.with_diagonal("bicgstab"), DIGITS / -log(max(q, 1e-3)) / 2)

    def pays(self, most, times):
        """Tell whether a factorisation may take less than `most`, and so many counts of its fill as well."""
        if self.traits.kind != "sparse" or self.plan.is_counted:
            return True
        if self.costs.least_direct() > most:
            return False
        return times * self.costs.ordering(self.plan.entries_to_order) <= most

    def direct(self, most):
        """Return the forecast seconds of a direct solution, or infinity if they exceed `most`."""
        costs = self.costs
        if self.traits.kind == "dense":
            return 2e-10 * float(costs.n) ** 3
        if self.plan is None:  # an operator without entries, or a GPU
            return inf
        most = min(most, AFFORDABLE)
        if costs.least_direct() > most:
            return inf
        fill = self.plan.fill(costs.work_within(most))
        seconds = costs.direct(fill)
        return seconds if seconds <= most and fill.entries <= MOST_ENTRIES else inf

    def direct_if_it_pays(self, most):
        """Return the same, or infinity if the forecast would take long in comparison with `most`."""
        return self.direct(most) if self.pays(most, PAYS_FROM) else inf

    def definite(self):
        """Yield the choices for a Hermitian matrix that may be definite, of either sign."""
        amg = self.costs.iterative("cg", "amg", WITH_AMG)

        def others(most):
            return min(amg, self.direct_if_it_pays(min(most, amg)))

        def all_others(most):
            return min(self.with_ic0(most), others(most))

        result = yield Choice(*self.with_diagonal("cg"), self.why, instead=all_others)
        indefinite = result.status == Status.BREAKDOWN
        if not indefinite and self.with_ic0(self.remaining) < others(self.remaining):
            result = yield Choice("cg", "ic0", "now expected to be faster", instead=others)
            indefinite = result.status == Status.BREAKDOWN and result.nit > 0  # else IC(0) could not be made
        if indefinite:
            yield from self.indefinite("as it is not definite")
            return
        factorised = self.direct(amg) <= amg
        if factorised:
            yield Choice("direct", None, "now expected to be faster")
        yield Choice("cg", "amg", "now expected to be faster", instead=self.direct_if_it_pays)
        if not factorised:
            yield from self.last(*self.with_diagonal("cg"))

    def with_ic0(self, remaining):
        """Return the seconds with an incomplete factorisation, or infinity where it gains little."""
        if not self.traits.uneven:
            return inf
        return self.costs.after("cg", "ic0", remaining, self.with_diagonal("cg"), SAVED_BY_IC0)

    def indefinite(self, why):
        """Yield the choices for a Hermitian matrix that is not definite."""
        yield Choice("minres", None, why, instead=self.direct_if_it_pays)
        yield from self.last("gmres", "ilu")

    def general(self):
        """Yield the choices for a matrix that is not Hermitian."""
        if self.traits.zero_diagonal:
            yield Choice("bicgstab", None, self.why, instead=self.direct_if_it_pays)
        else:

            def with_ilu0(most):
                return self.costs.after("gmres", "ilu0", most, self.with_diagonal("bicgstab"), SAVED_BY_ILU0)

            def others(most):
                return min(with_ilu0(most), self.direct_if_it_pays(min(most, with_ilu0(most))))

            yield Choice(*self.with_diagonal("bicgstab"), self.why, instead=others)
            if with_ilu0(self.remaining) < self.direct(with_ilu0(self.remaining)):
                yield Choice("gmres", "ilu0", "now expected to be faster", instead=self.direct_if_it_pays)
        yield from self.last("gmres", "ilu")

    def last(self, method, M):
        """Yield a direct solution if it is affordable, then a method that is not limited in time."""
        if self.direct(AFFORDABLE) < inf:
            yield Choice("direct", None, "as a fallback")
        yield Choice(method, M, "as a fallback")
