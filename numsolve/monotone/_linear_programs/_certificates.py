"""Search for a proof that a linear program has no solution, among the differences of the iterates."""

from ..._array import namespace
from ..._result import Breakdown, Status
from ._certificate import Certificate, farkas, recession
from ._kkt import admissible
from ._scaling import product
from ._sharpen import by_nonnegative_least_squares, sharpened

LARGEST_VIOLATION = 1e-6
BETWEEN_TRIALS = 2  # factor of the iterations
WORTH_A_TRIAL = 1e-2  # violation of a candidate, in scaled units, from which on it is examined


def contradiction_of_bounds(lp) -> Certificate | None:
    """Return the proof that a lower bound is above its upper bound, if one is."""
    for kind, lower, upper in (("x", lp.l, lp.u), ("row", lp.rl, lp.ru)):
        if len(lower) and bool((lower > upper).any()):
            first = int((lower > upper).argmax())
            return Certificate(None, None, None, float(lower[first] - upper[first]), 0.0, (kind, first))
    return None


class Search:
    """The search for a certificate of a program.

    If there is no solution, the differences of the iterates tend to a ray (the infimal displacement vector).
    So do the differences to the anchor. Candidates are cleaned of what no bound allows, and examined in the
    units of the caller.
    """

    def __init__(self, lp, problem):
        self.lp, self.problem = lp, problem
        self.products = None  # with the anchor
        self.next_trial, self.tried, self.room = 0, False, 0  # of a candidate that has to be sharpened

    def begin(self, Ax, Aty):
        """Take note of the products with a new anchor."""
        self.products = Ax, Aty

    def examine(self, iteration, point):
        """Raise `Breakdown` with a certificate if a candidate is one."""
        p = self.problem
        duals = [(point.dy, point.Aty - point.Aty_before)]
        primals = []
        if self.products is not None:
            Ax, Aty = self.products
            duals.append((point.y - iteration.y_anchor, point.Aty - Aty))
            primals.append((point.x - iteration.x_anchor, point.Ax - Ax))
        primals.append((point.dx, None))
        self.room = iteration.total // 2
        sharpens = iteration.total >= self.next_trial
        for y, Aty in duals:
            if self._may_be_farkas(y, Aty):
                self._try_farkas(p.to_y(y), sharpens)
        for x, Ax in primals:
            if self._may_be_recession(x, Ax):
                self._try_recession(p.to_x(_recession_part(x, p.l, p.u)), sharpens)
        if self.tried:
            self.next_trial, self.tried = BETWEEN_TRIALS * iteration.total, False

    def _try_farkas(self, y, sharpens):
        lp = self.lp
        y = admissible(y, lp.rl, lp.ru)
        found = self._farkas(y)
        claim(found)
        if not sharpens or found.violation > WORTH_A_TRIAL:
            return
        self.tried = True

        def wrong_part(image):
            return image + admissible(-image, lp.l, lp.u)

        claim(
            self._farkas(
                sharpened(lp.A.T.tocsr(), y, wrong_part, lambda v: admissible(v, lp.rl, lp.ru), self.room)
            )
        )
        y = by_nonnegative_least_squares(lp)
        if y is not None:
            claim(self._farkas(y))

    def _farkas(self, y):
        return farkas(self.lp, y, admissible(-(self.lp.A.T @ y), self.lp.l, self.lp.u))

    def _try_recession(self, x, sharpens):
        lp = self.lp
        found = recession(lp, x)
        claim(found)
        if not sharpens or found.violation > WORTH_A_TRIAL:
            return
        self.tried = True

        def wrong_part(image):
            return image - _recession_part(image, lp.rl, lp.ru)

        claim(
            recession(lp, sharpened(lp.A, x, wrong_part, lambda v: _recession_part(v, lp.l, lp.u), self.room))
        )

    def _may_be_farkas(self, y, Aty):
        p = self.problem
        value = squares = 0.0
        for multipliers, lower, upper in ((y, p.rl, p.ru), (-Aty, p.l, p.u)):
            xp = namespace(y)
            bound = xp.where(multipliers > 0, lower, upper)
            usable = xp.isfinite(bound)
            value += float(xp.where(usable, multipliers, 0.0) @ xp.where(usable, bound, 0.0))
            wrong = xp.where(usable, 0.0, multipliers)
            squares += float(wrong @ wrong)
        return value > 0 and squares**0.5 <= WORTH_A_TRIAL * value

    def _may_be_recession(self, x, Ax):
        p = self.problem
        value = -float(p.c @ x)
        if not value > 0:
            return False
        x_part = _recession_part(x, p.l, p.u)
        Ax = product(p.A, x) if Ax is None else Ax
        wrong = x - x_part, Ax - _recession_part(Ax, p.rl, p.ru)
        return float(sum(float(v @ v) for v in wrong)) ** 0.5 <= WORTH_A_TRIAL * value


class Found(Breakdown):
    """A certificate was found."""

    def __init__(self, certificate, message=""):
        self.certificate = certificate
        infeasible = certificate.x is None
        super().__init__(message, Status.INFEASIBLE if infeasible else Status.UNBOUNDED)


def claim(certificate):
    """Raise `Found` if the certificate proves its claim."""
    if certificate.violation <= LARGEST_VIOLATION:
        raise Found(certificate)


def _recession_part(direction, lower, upper):
    """Return a direction with 0 in place of what finite bounds forbid."""
    xp = namespace(direction)
    held = ((direction > 0) & xp.isfinite(upper)) | ((direction < 0) & xp.isfinite(lower))
    return xp.where(held, 0.0, direction)
