"""Least-squares problems with known solutions.

`NIST`: nonlinear regression from the Statistical Reference Datasets of the U.S. National Institute of
Standards and Technology, https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml: data, starts and certified
values.

`MORE`: J. J. Moré, B. S. Garbow, K. E. Hillstrom, Testing unconstrained optimization software, ACM Trans.
Math. Softw. 7 (1981) 17-41, doi:10.1145/355934.355936: residuals, starts and least sums of squares.
"""

from typing import NamedTuple

import numpy as np


class Regression(NamedTuple):
    """A model ``y = model(b, x)``, its data, starts, certified parameters, deviations and sum of squares."""

    model: object
    x: np.ndarray
    y: np.ndarray
    starts: tuple
    b: tuple
    deviations: tuple
    squares: float

    def fun(self, b):
        """Return the residuals."""
        return self.model(b, self.x) - self.y


def _numbers(text):
    return np.array(text.split(), float)


def _thurber(b, x):
    top = b[0] + b[1] * x + b[2] * x**2 + b[3] * x**3
    return top / (1 + b[4] * x + b[5] * x**2 + b[6] * x**3)


NIST = {
    "Misra1a": Regression(
        lambda b, x: b[0] * (1 - np.exp(-b[1] * x)),
        _numbers("77.6 114.9 141.1 190.8 239.9 289.0 332.8 378.4 434.8 477.3 536.8 593.1 689.1 760.0"),
        _numbers("10.07 14.73 17.94 23.93 29.61 35.18 40.02 44.82 50.76 55.05 61.01 66.40 75.47 81.78"),
        ((500, 1e-4), (250, 5e-4)),
        (2.3894212918e02, 5.5015643181e-04),
        (2.7070075241e00, 7.2668688436e-06),
        1.2455138894e-01,
    ),
    "MGH09": Regression(
        lambda b, x: b[0] * (x**2 + x * b[1]) / (x**2 + x * b[2] + b[3]),
        _numbers("4 2 1 0.5 0.25 0.167 0.125 0.1 0.0833 0.0714 0.0625"),
        _numbers("0.1957 0.1947 0.1735 0.16 0.0844 0.0627 0.0456 0.0342 0.0323 0.0235 0.0246"),
        ((25, 39, 41.5, 39), (0.25, 0.39, 0.415, 0.39)),
        (1.9280693458e-01, 1.9128232873e-01, 1.2305650693e-01, 1.3606233068e-01),
        (1.1435312227e-02, 1.9633220911e-01, 8.0842031232e-02, 9.0025542308e-02),
        3.0750560385e-04,
    ),
    "Rat43": Regression(
        lambda b, x: b[0] / (1 + np.exp(b[1] - b[2] * x)) ** (1 / b[3]),
        np.arange(1.0, 16),
        _numbers(
            "16.08 33.83 65.80 97.20 191.55 326.20 386.87 520.53 590.03 651.92 724.93 699.56 689.96 "
            "637.56 717.41"
        ),
        ((100, 10, 1, 1), (700, 5, 0.75, 1.3)),
        (6.9964151270e02, 5.2771253025e00, 7.5962938329e-01, 1.2792483859e00),
        (1.6302297817e01, 2.0828735829e00, 1.9566123451e-01, 6.8761936385e-01),
        8.7864049080e03,
    ),
    "Thurber": Regression(
        _thurber,
        _numbers(
            "-3.067 -2.981 -2.921 -2.912 -2.840 -2.797 -2.702 -2.699 -2.633 -2.481 -2.363 -2.322 "
            "-1.501 -1.460 -1.274 -1.212 -1.100 -1.046 -0.915 -0.714 -0.566 -0.545 -0.400 -0.309 "
            "-0.109 -0.103 0.010 0.119 0.377 0.790 0.963 1.006 1.115 1.572 1.841 2.047 2.200"
        ),
        _numbers(
            "80.574 84.248 87.264 87.195 89.076 89.608 89.868 90.101 92.405 95.854 100.696 101.060 "
            "401.672 390.724 567.534 635.316 733.054 759.087 894.206 990.785 1090.109 1080.914 "
            "1122.643 1178.351 1260.531 1273.514 1288.339 1327.543 1353.863 1414.509 1425.208 1421.384 "
            "1442.962 1464.350 1468.705 1447.894 1457.628"
        ),
        ((1000, 1000, 400, 40, 0.7, 0.3, 0.03), (1300, 1500, 500, 75, 1, 0.4, 0.05)),
        (
            1.2881396800e03,
            1.4910792535e03,
            5.8323836877e02,
            7.5416644291e01,
            9.6629502864e-01,
            3.9797285797e-01,
            4.9727297349e-02,
        ),
        (),
        5.6427082397e03,
    ),
    "Eckerle4": Regression(
        lambda b, x: b[0] / b[1] * np.exp(-0.5 * ((x - b[2]) / b[1]) ** 2),
        np.concatenate([np.arange(400.0, 436, 5), np.arange(436.5, 465.5, 1.5), np.arange(470.0, 501, 5)]),
        _numbers(
            "0.0001575 0.0001699 0.0002350 0.0003102 0.0004917 0.0008710 0.0017418 0.0046400 0.0065895 "
            "0.0097302 0.0149002 0.0237310 0.0401683 0.0712559 0.1264458 0.2073413 0.2902366 0.3445623 "
            "0.3698049 0.3668534 0.3106727 0.2078154 0.1164354 0.0616764 0.0337200 0.0194023 0.0117831 "
            "0.0074357 0.0022732 0.0008800 0.0004579 0.0002345 0.0001586 0.0001143 0.0000710"
        ),
        ((1.5, 5, 450),),
        (1.5543827178e00, 4.0888321754e00, 4.5154121844e02),
        (1.5408051163e-02, 4.6803020753e-02, 4.6800518816e-02),
        1.4635887487e-03,
    ),
}


class Known(NamedTuple):
    """Residuals, a start, and the least sum of squares from there."""

    fun: object
    x0: tuple
    squares: float


def _bard(x):
    y = _numbers("0.14 0.18 0.22 0.25 0.29 0.32 0.35 0.39 0.37 0.58 0.73 0.96 1.34 2.10 4.39")
    u = np.arange(1.0, 16)
    v = 16 - u
    return y - (x[0] + u / (v * x[1] + np.minimum(u, v) * x[2]))


def _meyer(x):
    y = _numbers("34780 28610 23650 19630 16370 13720 11540 9744 8261 7030 6005 5147 4427 3820 3307 2872")
    return x[0] * np.exp(x[1] / (45 + 5 * np.arange(1, 17) + x[2])) - y


def _helical(x):
    angle = np.arctan2(x[1], x[0]) / (2 * np.pi)
    return np.array([10 * (x[2] - 10 * angle), 10 * (np.hypot(x[0], x[1]) - 1), x[2]])


def _box(x):
    t = 0.1 * np.arange(1, 11)
    return np.exp(-t * x[0]) - np.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10 * t))


def _wood(x):
    roots = np.sqrt([90, 10, 0.1])
    return np.array(
        [
            10 * (x[1] - x[0] ** 2),
            1 - x[0],
            roots[0] * (x[3] - x[2] ** 2),
            1 - x[2],
            roots[1] * (x[1] + x[3] - 2),
            roots[2] * (x[1] - x[3]),
        ]
    )


def _brown_dennis(x):
    t = np.arange(1, 21) / 5
    return (x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2


def _jennrich(x):
    i = np.arange(1, 11)
    return 2 + 2 * i - (np.exp(i * x[0]) + np.exp(i * x[1]))


def _powell(x):
    return np.array(
        [x[0] + 10 * x[1], 5**0.5 * (x[2] - x[3]), (x[1] - 2 * x[2]) ** 2, 10**0.5 * (x[0] - x[3]) ** 2]
    )


MORE = {
    "Rosenbrock": Known(lambda x: np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]]), (-1.2, 1), 0),
    "Freudenstein-Roth": Known(
        lambda x: np.array(
            [
                -13 + x[0] + ((5 - x[1]) * x[1] - 2) * x[1],
                -29 + x[0] + ((x[1] + 1) * x[1] - 14) * x[1],
            ]
        ),
        (0.5, -2),
        48.9842,
    ),
    "Powell, badly scaled": Known(
        lambda x: np.array([1e4 * x[0] * x[1] - 1, np.exp(-x[0]) + np.exp(-x[1]) - 1.0001]), (0, 1), 0
    ),
    "Brown, badly scaled": Known(lambda x: np.array([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2]), (1, 1), 0),
    "Beale": Known(lambda x: np.array([1.5, 2.25, 2.625]) - x[0] * (1 - x[1] ** np.arange(1, 4)), (1, 1), 0),
    "Jennrich-Sampson": Known(_jennrich, (0.3, 0.4), 124.362),
    "helical valley": Known(_helical, (-1, 0, 0), 0),
    "Bard": Known(_bard, (1, 1, 1), 8.21487e-3),
    "Meyer": Known(_meyer, (0.02, 4000, 250), 87.9458),
    "Box": Known(_box, (0, 10, 20), 0),
    "Powell, singular": Known(_powell, (3, -1, 0, 1), 0),
    "Wood": Known(_wood, (-3, -1, -3, -1), 0),
    "Brown-Dennis": Known(_brown_dennis, (25, 5, -5, -1), 85822.2),
}
