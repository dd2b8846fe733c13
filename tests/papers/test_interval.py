"""Numbers of which only bounds are known."""

from math import inf, nan

import pytest

from numsolve.papers._interval import Interval


def test_a_capped_count_is_a_lower_bound_and_its_ratios_are_bounds():
    capped, exact = Interval.measured(9000, False), Interval.measured(450, True)
    assert (capped, exact) == (Interval(9000, inf), Interval(450, 450))
    assert capped / exact == Interval(20, inf)
    assert exact / capped == Interval(0, 0.05)
    assert exact / exact == Interval(1, 1)
    assert capped / capped == Interval(0, inf)
    assert 1 - exact / capped == Interval(0.95, 1)
    assert 1 - capped / exact == Interval(-inf, -19)
    assert capped.is_bound
    assert not exact.is_bound
    assert not Interval(nan, nan).is_bound


@pytest.mark.parametrize(
    ("number", "spec", "text"),
    [
        (Interval(3.21, 3.21), ".1f", "3.2"),
        (Interval(3.21, inf), ".1f", "> 3.2"),
        (Interval(0, 0.05), ".2f", "0.00 to 0.05"),
        (Interval(-inf, 0.5), ".0%", "< 50%"),
        (Interval(10000.0, inf), "", "> 10000.0"),
    ],
)
def test_the_text_tells_bounds_from_numbers(number, spec, text):
    assert format(number, spec) == text
    assert spec or str(number) == text
