"""The residuals of classic problems, as texts for arrays and for arrays with derivatives.

The numbers are those of the problems in section 3 of J. J. More, B. S. Garbow, K. E. Hillstrom, Testing
unconstrained optimization software, ACM Trans. Math. Softw. 7 (1981) 17-41, doi:10.1145/355934.355936.
"""

from math import sqrt

import numpy as np

from ._jets import value_of


def _numbers(text, unit=1.0):
    return np.array([float(number) for number in text.split()]) / unit


BARD = _numbers("14 18 22 25 29 32 35 39 37 58 73 96 134 210 439", 1e2)
GAUSSIAN = _numbers("9 44 175 540 1295 2420 3521 3989 3521 2420 1295 540 175 44 9", 1e4)
MEYER = _numbers("34780 28610 23650 19630 16370 13720 11540 9744 8261 7030 6005 5147 4427 3820 3307 2872")
KOWALIK = _numbers("1957 1947 1735 1600 844 627 456 342 323 235 246", 1e4)
KOWALIK_AT = _numbers("4 2 1 0.5 0.25 0.167 0.125 0.1 0.0833 0.0714 0.0625")
OSBORNE_1 = _numbers(
    """844 908 932 936 925 908 881 850 818 784 751 718 685 658 628 603 580 558 538 522 506 490 478 467 457
    448 438 431 424 420 414 411 406""",
    1e3,
)
OSBORNE_2 = _numbers(
    """1366 1191 1112 1013 991 885 831 847 786 725 746 679 608 655 616 606 602 626 651 724 649 649 694 644
    624 661 612 558 533 495 500 423 395 375 372 391 396 405 428 429 523 562 607 653 672 708 633 668 645 632
    591 559 597 625 739 710 729 720 636 581 428 292 162 98 54""",
    1e3,
)


def rosenbrock(x):  # 1, of two neighbouring variables; 21, of a pair
    a, b = x
    return 10 * (b - a**2), 1 - a


def freudenstein_roth(x):  # 2
    a, b = x
    return a - 13 + ((5 - b) * b - 2) * b, a - 29 + ((b + 1) * b - 14) * b


def powell_badly_scaled(x):  # 3
    a, b = x
    return 1e4 * a * b - 1, np.exp(-a) + np.exp(-b) - 1.0001


def brown_badly_scaled(x):  # 4
    a, b = x
    return a - 1e6, b - 2e-6, a * b - 2


def beale(x):  # 5
    a, b = x
    return 1.5 - a * (1 - b), 2.25 - a * (1 - b**2), 2.625 - a * (1 - b**3)


def jennrich_sampson(x):  # 6
    i = np.arange(1, 11)
    return (2 + 2 * i - (np.exp(i * x[0]) + np.exp(i * x[1])),)


def helical_valley(x):  # 7
    a, b, c = x
    turns = (np.arctan(b / a) + np.pi * (value_of(a) < 0)) / (2 * np.pi)
    return 10 * (c - 10 * turns), 10 * ((a**2 + b**2) ** 0.5 - 1), c


def bard(x):  # 8
    u = np.arange(1, 16)
    v = 16 - u
    return (BARD - (x[0] + u / (v * x[1] + np.minimum(u, v) * x[2])),)


def gaussian(x):  # 9
    t = (7 - np.arange(15)) / 2
    return (x[0] * np.exp(-x[1] * (t - x[2]) ** 2 / 2) - GAUSSIAN,)


def meyer(x):  # 10
    t = 45 + 5 * np.arange(1, 17)
    return (x[0] * np.exp(x[1] / (t + x[2])) - MEYER,)


def gulf(x):  # 11
    t = np.arange(1, 100) / 100
    distance = 25 + (-50 * np.log(t)) ** (2 / 3) - x[1]
    return (np.exp(-np.exp(x[2] * np.log(distance**2) / 2) / x[0]) - t,)


def box_3d(x):  # 12
    t = np.arange(1, 11) / 10
    return (np.exp(-t * x[0]) - np.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10 * t)),)


def powell_singular(x):  # 13, 22
    a, b, c, d = x
    return a + 10 * b, sqrt(5) * (c - d), (b - 2 * c) ** 2, sqrt(10) * (a - d) ** 2


def wood(x):  # 14
    a, b, c, d = x
    first = 10 * (b - a**2), 1 - a, sqrt(90) * (d - c**2), 1 - c
    return *first, sqrt(10) * (b + d - 2), (b - d) / sqrt(10)


def kowalik_osborne(x):  # 15
    u = KOWALIK_AT
    return (KOWALIK - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3]),)


def brown_dennis(x):  # 16
    t = np.arange(1, 21) / 5
    return ((x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + np.sin(t) * x[3] - np.cos(t)) ** 2,)


def osborne_1(x):  # 17
    t = 10 * np.arange(33)
    return (OSBORNE_1 - (x[0] + x[1] * np.exp(-t * x[3]) + x[2] * np.exp(-t * x[4])),)


def biggs_exp6(x):  # 18
    t = np.arange(1, 14) / 10
    y = np.exp(-t) - 5 * np.exp(-10 * t) + 3 * np.exp(-4 * t)
    return (x[2] * np.exp(-t * x[0]) - x[3] * np.exp(-t * x[1]) + x[5] * np.exp(-t * x[4]) - y,)


def osborne_2(x):  # 19
    t = np.arange(65) / 10
    bumps = [x[i] * np.exp(-((t - x[7 + i]) ** 2) * x[4 + i]) for i in (1, 2, 3)]
    return (OSBORNE_2 - (x[0] * np.exp(-t * x[4]) + bumps[0] + bumps[1] + bumps[2]),)


def watson(x):  # 20
    t, j = np.arange(1, 30)[:, None] / 29, np.arange(len(x))
    slope = j * t ** np.maximum(j - 1, 0)
    return slope @ x - (t**j @ x) ** 2 - 1, x[0], x[1] - x[0] ** 2 - 1


def penalty_1(x):  # 23
    return sqrt(1e-5) * (x - 1), (x**2).sum() - 0.25


def penalty_2(x):  # 24
    n = len(x)
    e, tenths = np.exp(x / 10), np.exp(np.arange(1, n + 1) / 10)
    pairs = sqrt(1e-5) * (e[1:] + e[:-1] - (tenths[1:] + tenths[:-1]))
    return x[0] - 0.2, pairs, sqrt(1e-5) * (e[1:] - np.exp(-0.1)), np.arange(n, 0, -1.0) @ x**2 - 1


def variably_dimensioned(x):  # 25
    weighted = np.arange(1.0, len(x) + 1) @ (x - 1)
    return x - 1, weighted, weighted**2


def trigonometric(x):  # 26
    i, c = np.arange(1, len(x) + 1), np.cos(x)
    return (len(x) - c.sum() + i * (1 - c) - np.sin(x),)


def brown_almost_linear(x):  # 27
    product = x[0]
    for each in x[1:]:
        product = product * each
    return x[:-1] + x.sum() - (len(x) + 1), product - 1


def discrete_boundary_value(x):  # 28, of three neighbouring variables
    before, here, after = x
    h = 1 / (len(here) + 1)
    t = h * np.arange(1, len(here) + 1)
    return (2 * here - before - after + h**2 / 2 * (here + t + 1) ** 3,)


def discrete_integral_equation(x):  # 29
    h = 1 / (len(x) + 1)
    t = h * np.arange(1, len(x) + 1)
    green = np.minimum.outer(t, t) * (1 - np.maximum.outer(t, t))
    return (x + h / 2 * (green @ (x + t + 1) ** 3),)


def broyden_tridiagonal(x):  # 30, of three neighbouring variables
    before, here, after = x
    return ((3 - 2 * here) * here - before - 2 * after + 1,)


def broyden_banded(x):  # 31
    i = np.arange(len(x))
    apart = i[:, None] - i
    near = ((apart <= 5) & (apart >= -1) & (apart != 0)).astype(float)
    return (x * (2 + 5 * x**2) + 1 - near @ (x * (1 + x)),)


def linear_full_rank(x):  # 32, with 2 n residuals
    n = len(x)
    mean = x.sum() / n
    return x - mean - 1, -mean - np.ones(n)


def linear_rank_one(x):  # 33, with 2 n residuals
    n = len(x)
    return (np.arange(1, 2 * n + 1) * (np.arange(1.0, n + 1) @ x) - 1,)


def linear_rank_one_with_zeros(x):  # 34, with 2 n residuals
    n = len(x)
    inner = np.arange(2.0, n) @ x[1:-1]
    return -1 + 0 * x[:1], np.arange(1, 2 * n - 1) * inner - 1, -1 + 0 * x[-1:]


def chebyquad(x):  # 35
    n, y = len(x), 2 * x - 1
    before, here, means = 1.0, y, []
    for i in range(1, n + 1):
        means.append(here.sum() / n + (1 / (i**2 - 1) if i % 2 == 0 else 0.0))
        before, here = here, 2 * y * here - before
    return tuple(means)


def nesterov_chebyshev(x):  # of two neighbouring variables
    a, b = x
    return (1 - a[:1]) / 2, b - 2 * a**2 + 1
