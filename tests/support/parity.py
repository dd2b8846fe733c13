"""Compare a call of a kernel with its reference, to a tolerance derived from the reference.

How far rounding may move a result depends on the case: on how many numbers are added, and on the condition of
what is solved. So the reference is run again on arguments of which every number is changed by one unit of
rounding, up or down at random. The largest change of an output measures its condition; an output may differ
from the reference by a multiple of it, plus the rounding of a sum over the largest argument, relative to the
output's largest entry. Integers, flags, infinities, NaN and what the reference leaves as it was must agree;
a case in which they depend on rounding is refused.
"""

import numpy as np

from numsolve import kernels

from .cases import CASES

MARGIN = 16  # over the changes that are measured
MANY = 10_000  # items from which on one run with changed arguments has to do
VISIBLE = 1e-3  # relative errors above this one are found, whatever the condition

reference = kernels.home("reference")


class Expected:
    """The arguments of a case, what the reference makes of them, and how far a twin may be from that."""

    def __init__(self, name, n, dtype, index="int32", case=None):
        self.name, self.label = name, f"{name} of {dtype}, n = {n}"
        unit = float(np.finfo(dtype).eps)
        self.args = (case or CASES[name])(np.random.default_rng(n), n, dtype, index)
        self.outputs = self._run(self.args)
        rng = np.random.default_rng(n + 1)
        runs = [self._run(perturbed(self.args, unit, rng)) for _ in range(3 if n < MANY else 1)]
        size = max((a.size for a in self.args if isinstance(a, np.ndarray)), default=1)
        given = [None] * (len(self.outputs) - len(self.args)) + list(self.args)
        self.allowed = []
        for before, want, *changed in zip(given, self.outputs, *runs, strict=True):
            scale = largest(want)
            allowed = MARGIN * (self._spread(want, changed) + unit * size**0.5 * scale)
            assert allowed <= VISIBLE * scale, f"{self.label}: too badly conditioned to be compared"
            self.allowed.append(0.0 if before is not None and same(before, want) else allowed)

    def _run(self, args):
        args = each(args, np.copy)
        return outputs(getattr(reference, self.name)(*args), args)

    def _spread(self, want, changed):
        """Return the largest change of an output; what is not finite may not change."""
        if np.asarray(want).dtype.kind not in "fc":
            assert all(same(c, want) for c in changed), f"{self.label} depends on rounding"
            return 0.0
        finite = np.isfinite(want)
        assert all(same(np.isfinite(c), finite) for c in changed), f"{self.label} depends on rounding"
        return max(largest(np.where(finite, c, 0) - np.where(finite, want, 0)) for c in changed)

    def check(self, kernel, move=np.asarray, back=np.asarray):
        """Call `kernel` with copies of the arguments, moved to where it works, and compare all outputs."""
        passed = each(self.args, lambda a: move(a.copy()))
        returned = kernel(*passed)
        several = len(self.outputs) > len(self.args) + 1
        got = outputs(tuple(returned) if several else returned, passed)
        assert len(got) == len(self.outputs), f"{self.label}: the number of values returned"
        for place, (found, want, allowed) in enumerate(zip(got, self.outputs, self.allowed, strict=True)):
            label = f"{self.label}, output {place}"
            if want is None:
                assert found is None, label
                continue
            found = back(found)
            assert np.shape(found) == np.shape(want), label
            assert not isinstance(want, np.ndarray) or found.dtype == want.dtype, label
            np.testing.assert_allclose(found, want, rtol=0, atol=allowed, err_msg=label)


def each(args, function, kind=np.ndarray):
    """Apply a function to the arguments of a kind; those that are the same array stay so."""
    done = {id(a): function(a) for a in args if isinstance(a, kind)}
    return [done.get(id(a), a) for a in args]


def perturbed(args, unit, rng):
    """Return the arguments with every number changed by a unit of rounding, up or down."""

    def change(value):
        values = np.asarray(value)
        if values.dtype.kind not in "fc":
            return value
        factors = 1 + unit * rng.choice([-1.0, 1.0], (2, *values.shape))
        changed = values.real * factors[0]
        if values.dtype.kind == "c":
            changed = changed + 1j * (values.imag * factors[1])
        return changed.astype(values.dtype) if isinstance(value, np.ndarray) else changed.item()

    return each(args, change, np.ndarray | float | complex)


def same(one, other):
    """Tell whether two values agree, NaN with NaN."""
    return np.array_equal(one, other, equal_nan=np.asarray(one).dtype.kind in "fc")


def largest(values):
    """Return the largest magnitude among the finite numbers, zero if there are none."""
    values = np.asarray(values)
    if values.dtype.kind not in "fc":
        return 0.0
    return float(np.max(abs(values), where=np.isfinite(values), initial=0))


def outputs(returned, args):
    """Return in one list what a kernel returned, if anything, and its arguments, which may have changed."""
    first = returned if isinstance(returned, tuple | list) else () if returned is None else (returned,)
    return [*first, *args]
