"""The formulas of textbook problems with equality constraints, as the books state them."""

from collections.abc import Callable
from math import asin, pi, sqrt
from typing import NamedTuple

from numpy import cos, log, sin


class Entry(NamedTuple):
    """A problem. Its formula returns the objective and the list of constraints, for numbers or jets."""

    formula: Callable
    x0: tuple
    optimum: float
    solution: tuple | None


TEXTBOOK: dict[str, Entry] = {}


def textbook(name, *, x0, optimum, solution=None):
    """Enter a formula into `TEXTBOOK`; a formula may have several names."""

    def enter(formula):
        TEXTBOOK[name] = Entry(formula, x0, optimum, solution)
        return formula

    return enter


@textbook("HS6", x0=(-1.2, 1), optimum=0, solution=(1, 1))
def hs6(x1, x2):
    return (1 - x1) ** 2, [10 * (x2 - x1**2)]


@textbook("HS7", x0=(2, 2), optimum=-sqrt(3), solution=(0, sqrt(3)))
def hs7(x1, x2):
    return log(1 + x1**2) - x2, [(1 + x1**2) ** 2 + x2**2 - 4]


@textbook("HS8", x0=(2, 1), optimum=-1, solution=(sqrt((25 + sqrt(301)) / 2), sqrt((25 - sqrt(301)) / 2)))
def hs8(x1, x2):
    return -1, [x1**2 + x2**2 - 25, x1 * x2 - 9]


@textbook("HS9", x0=(0, 0), optimum=-0.5, solution=(-3, -4))
def hs9(x1, x2):
    return sin(pi / 12 * x1) * cos(pi / 16 * x2), [4 * x1 - 3 * x2]


@textbook("HS26", x0=(-2.6, 2, 2), optimum=0, solution=(1, 1, 1))
def hs26(x1, x2, x3):
    return (x1 - x2) ** 2 + (x2 - x3) ** 4, [(1 + x2**2) * x1 + x3**4 - 3]


@textbook("HS27", x0=(2, 2, 2), optimum=0.04, solution=(-1, 1, 0))
def hs27(x1, x2, x3):
    return 0.01 * (x1 - 1) ** 2 + (x2 - x1**2) ** 2, [x1 + x3**2 + 1]


@textbook("HS28", x0=(-4, 1, 1), optimum=0, solution=(0.5, -0.5, 0.5))
def hs28(x1, x2, x3):
    return (x1 + x2) ** 2 + (x2 + x3) ** 2, [x1 + 2 * x2 + 3 * x3 - 1]


@textbook("HS39", x0=(2, 2, 2, 2), optimum=-1, solution=(1, 1, 0, 0))
@textbook("BT9", x0=(2, 2, 2, 2), optimum=-1, solution=(1, 1, 0, 0))
def hs39(x1, x2, x3, x4):
    return -x1, [x2 - x1**3 - x3**2, x1**2 - x2 - x4**2]


@textbook(
    "HS40",
    x0=(0.8, 0.8, 0.8, 0.8),
    optimum=-0.25,
    solution=(2 ** (-1 / 3), 2 ** (-1 / 2), 2 ** (-11 / 12), 2 ** (-1 / 4)),
)
def hs40(x1, x2, x3, x4):
    return -x1 * x2 * x3 * x4, [x1**3 + x2**2 - 1, x1**2 * x4 - x3, x4**2 - x2]


@textbook("HS42", x0=(1, 1, 1, 1), optimum=28 - 10 * sqrt(2), solution=(2, 2, 0.6 * sqrt(2), 0.8 * sqrt(2)))
def hs42(x1, x2, x3, x4):
    return (x1 - 1) ** 2 + (x2 - 2) ** 2 + (x3 - 3) ** 2 + (x4 - 4) ** 2, [x1 - 2, x3**2 + x4**2 - 2]


@textbook("HS46", x0=(sqrt(0.5), 1.75, 0.5, 2, 2), optimum=0, solution=(1, 1, 1, 1, 1))
def hs46(x1, x2, x3, x4, x5):
    return (x1 - x2) ** 2 + (x3 - 1) ** 2 + (x4 - 1) ** 4 + (x5 - 1) ** 6, [
        x1**2 * x4 + sin(x4 - x5) - 1,
        x2 + x3**4 * x4**2 - 2,
    ]


@textbook("HS47", x0=(2, sqrt(2), -1, 2 - sqrt(2), 0.5), optimum=0, solution=(1, 1, 1, 1, 1))
def hs47(x1, x2, x3, x4, x5):
    return (x1 - x2) ** 2 + (x2 - x3) ** 3 + (x3 - x4) ** 4 + (x4 - x5) ** 4, [
        x1 + x2**2 + x3**3 - 3,
        x2 - x3**2 + x4 - 1,
        x1 * x5 - 1,
    ]


@textbook("HS48", x0=(3, 5, -3, 2, -2), optimum=0, solution=(1, 1, 1, 1, 1))
def hs48(x1, x2, x3, x4, x5):
    return (x1 - 1) ** 2 + (x2 - x3) ** 2 + (x4 - x5) ** 2, [
        x1 + x2 + x3 + x4 + x5 - 5,
        x3 - 2 * (x4 + x5) + 3,
    ]


@textbook("HS49", x0=(10, 7, 2, -3, 0.8), optimum=0, solution=(1, 1, 1, 1, 1))
def hs49(x1, x2, x3, x4, x5):
    return (x1 - x2) ** 2 + (x3 - 1) ** 2 + (x4 - 1) ** 4 + (x5 - 1) ** 6, [
        x1 + x2 + x3 + 4 * x4 - 7,
        x3 + 5 * x5 - 6,
    ]


@textbook("HS50", x0=(35, -31, 11, 5, -5), optimum=0, solution=(1, 1, 1, 1, 1))
def hs50(x1, x2, x3, x4, x5):
    return (x1 - x2) ** 2 + (x2 - x3) ** 2 + (x3 - x4) ** 4 + (x4 - x5) ** 2, [
        x1 + 2 * x2 + 3 * x3 - 6,
        x2 + 2 * x3 + 3 * x4 - 6,
        x3 + 2 * x4 + 3 * x5 - 6,
    ]


@textbook("HS51", x0=(2.5, 0.5, 2, -1, 0.5), optimum=0, solution=(1, 1, 1, 1, 1))
def hs51(x1, x2, x3, x4, x5):
    return (x1 - x2) ** 2 + (x2 + x3 - 2) ** 2 + (x4 - 1) ** 2 + (x5 - 1) ** 2, [
        x1 + 3 * x2 - 4,
        x3 + x4 - 2 * x5,
        x2 - x5,
    ]


@textbook(
    "HS52",
    x0=(2, 2, 2, 2, 2),
    optimum=1859 / 349,
    solution=(-33 / 349, 11 / 349, 180 / 349, -158 / 349, 11 / 349),
)
def hs52(x1, x2, x3, x4, x5):
    return (4 * x1 - x2) ** 2 + (x2 + x3 - 2) ** 2 + (x4 - 1) ** 2 + (x5 - 1) ** 2, [
        x1 + 3 * x2,
        x3 + x4 - 2 * x5,
        x2 - x5,
    ]


@textbook(
    "HS56",
    x0=(1, 1, 1, *3 * (asin(sqrt(1 / 4.2)),), asin(sqrt(5 / 7.2))),
    optimum=-3.456,
    solution=(2.4, 1.2, 1.2, asin(sqrt(4 / 7)), asin(sqrt(2 / 7)), asin(sqrt(2 / 7)), pi / 2),
)
def hs56(x1, x2, x3, x4, x5, x6, x7):
    return -x1 * x2 * x3, [
        x1 - 4.2 * sin(x4) ** 2,
        x2 - 4.2 * sin(x5) ** 2,
        x3 - 4.2 * sin(x6) ** 2,
        x1 + 2 * x2 + 2 * x3 - 7.2 * sin(x7) ** 2,
    ]


@textbook("HS61", x0=(0, 0, 0), optimum=-143.6461422)
def hs61(x1, x2, x3):
    return 4 * x1**2 + 2 * x2**2 + 2 * x3**2 - 33 * x1 + 16 * x2 - 24 * x3, [
        3 * x1 - 2 * x2**2 - 7,
        4 * x1 - x3**2 - 11,
    ]


@textbook("HS77", x0=(2, 2, 2, 2, 2), optimum=0.24150513)
def hs77(x1, x2, x3, x4, x5):
    return (x1 - 1) ** 2 + (x1 - x2) ** 2 + (x3 - 1) ** 2 + (x4 - 1) ** 4 + (x5 - 1) ** 6, [
        x1**2 * x4 + sin(x4 - x5) - 2 * sqrt(2),
        x2 + x3**4 * x4**2 - 8 - sqrt(2),
    ]


@textbook("HS78", x0=(-2, 1.5, 2, -1, -1), optimum=-2.91970041)
def hs78(x1, x2, x3, x4, x5):
    return x1 * x2 * x3 * x4 * x5, [
        x1**2 + x2**2 + x3**2 + x4**2 + x5**2 - 10,
        x2 * x3 - 5 * x4 * x5,
        x1**3 + x2**3 + 1,
    ]


@textbook("HS79", x0=(2, 2, 2, 2, 2), optimum=0.0787768209)
def hs79(x1, x2, x3, x4, x5):
    return (x1 - 1) ** 2 + (x1 - x2) ** 2 + (x2 - x3) ** 2 + (x3 - x4) ** 4 + (x4 - x5) ** 4, [
        x1 + x2**2 + x3**3 - 2 - 3 * sqrt(2),
        x2 - x3**2 + x4 + 2 - 2 * sqrt(2),
        x1 * x5 - 2,
    ]


@textbook("HS100LNP", x0=(1, 2, 0, 4, 0, 1, 1), optimum=680.6300573)
def hs100lnp(x1, x2, x3, x4, x5, x6, x7):
    return (x1 - 10) ** 2 + 5 * (x2 - 12) ** 2 + x3**4 + 3 * (
        x4 - 11
    ) ** 2 + 10 * x5**6 + 7 * x6**2 + x7**4 - 4 * x6 * x7 - 10 * x6 - 8 * x7, [
        2 * x1**2 + 3 * x2**4 + x3 + 4 * x4**2 + 5 * x5 - 127,
        4 * x1**2 + x2**2 - 3 * x1 * x2 + 2 * x3**2 + 5 * x6 - 11 * x7,
    ]


@textbook("BT1", x0=(0.08, 0.06), optimum=-1, solution=(1, 0))
def bt1(x1, x2):
    return 100 * x1**2 + 100 * x2**2 - x1 - 100, [x1**2 + x2**2 - 1]


@textbook("BT2", x0=(10, 10, 10), optimum=0.0325682)
def bt2(x1, x2, x3):
    return (x1 - 1) ** 2 + (x1 - x2) ** 2 + (x2 - x3) ** 4, [x1 * (1 + x2**2) + x3**4 - 8.2426407]


@textbook(
    "BT3", x0=(20, 20, 20, 20, 20), optimum=176 / 43, solution=(-33 / 43, 11 / 43, 27 / 43, -5 / 43, 11 / 43)
)
def bt3(x1, x2, x3, x4, x5):
    return (x1 - x2) ** 2 + (x2 + x3 - 2) ** 2 + (x4 - 1) ** 2 + (x5 - 1) ** 2, [
        x1 + 3 * x2,
        x3 + x4 - 2 * x5,
        x2 - x5,
    ]


@textbook("BT4", x0=(4.0382, -2.947, -0.09115), optimum=-45.510551)
def bt4(x1, x2, x3):
    return x1 - x2 + x2**3, [x1**2 + x2**2 + x3**2 - 25, x1 + x2 + x3 - 1]


@textbook("BT5", x0=(2, 2, 2), optimum=961.71517219)
def bt5(x1, x2, x3):
    return 1000 - x1**2 - 2 * x2**2 - x3**2 - x1 * x2 - x1 * x3, [
        x1**2 + x2**2 + x3**2 - 25,
        8 * x1 + 14 * x2 + 7 * x3 - 56,
    ]


@textbook("BT6", x0=(2, 2, 2, 2, 2), optimum=0.277044924)
def bt6(x1, x2, x3, x4, x5):
    return (x1 - 1) ** 2 + (x1 - x2) ** 2 + (x3 - 1) ** 2 + (x4 - 1) ** 4 + (x5 - 1) ** 6, [
        x1**2 * x4 + sin(x4 - x5) - 2 * sqrt(2),
        x2 + x3**4 * x2**2 - 8 - sqrt(2),
    ]


@textbook("BT7", x0=(-2, 1, 1, 1, 1), optimum=306.5, solution=(0.5, 2, 0, 1.5 * sqrt(2), 0))
def bt7(x1, x2, x3, x4, x5):
    return 100 * (x2 - x1**2) ** 2 + (x1 - 1) ** 2, [
        x1 * x2 - x3**2 - 1,
        x1 + x2**2 - x4**2,
        x1 + x5**2 - 0.5,
    ]


@textbook("BT8", x0=(1, 1, 1, 0, 0), optimum=1, solution=(0.5, sqrt(0.75), 0, 0.5, 0))
def bt8(x1, x2, x3, x4, x5):
    return x1**2 + x2**2 + x3**2, [x1 + x2**2 - x4**2 - 1, x1**2 + x2**2 - x5**2 - 1]


@textbook("BT10", x0=(2, 2), optimum=-1, solution=(1, 1))
def bt10(x1, x2):
    return -x1, [x2 - x1**3, x1**2 - x2]


@textbook("BT11", x0=(2, 2, 2, 2, 2), optimum=0.824891647)
def bt11(x1, x2, x3, x4, x5):
    return (x1 - 1) ** 2 + (x1 - x2) ** 2 + (x2 - x3) ** 2 + (x3 - x4) ** 4 + (x4 - x5) ** 4, [
        x1 + x2**2 + x3**3 + 2 - sqrt(18),
        x2 - x3**2 + x4 + 2 - sqrt(8),
        x1 - x5 - 2,
    ]


@textbook("BT12", x0=(15.811, 1.5811, 0, 15.083, 3.7164), optimum=6.18811881)
def bt12(x1, x2, x3, x4, x5):
    return 0.01 * x1**2 + x2**2, [x1 + x2 - x3**2 - 25, x1**2 + x2**2 - x4**2 - 25, x1 - x5**2 - 2]


@textbook("GOTTFR", x0=(0.5, 0.5), optimum=0, solution=(0, 0))
def gottfr(x1, x2):
    return 0, [x1 - 0.1136 * (x1 + 3 * x2) * (1 - x1), x2 + 7.5 * (2 * x1 - x2) * (1 - x2)]


@textbook("PRICE4NE", x0=(1, 5), optimum=0, solution=(2, 4))
def price4(x1, x2):
    return 0, [2 * x1**3 * x2 - x2**3, 6 * x1 - x2**2 + x2]
