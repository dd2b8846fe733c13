"""Classic unconstrained problems: residuals, standard starts and known minima of the sum of squares.

J. J. Moré, B. S. Garbow, K. E. Hillstrom, Testing unconstrained optimization software, ACM Trans. Math.
Softw. 7 (1981) 17-41, doi:10.1145/355934.355936. Gradients are by complex steps, exact to rounding.
"""

import numpy as np


def stacked(*parts):
    return np.concatenate([np.atleast_1d(p) for p in parts])


def rosenbrock(x):
    return stacked(10 * (x[1] - x[0] ** 2), 1 - x[0])


def freudenstein_roth(x):
    a, b = x
    return stacked(-13 + a + ((5 - b) * b - 2) * b, -29 + a + ((b + 1) * b - 14) * b)


def powell_badly_scaled(x):
    return stacked(1e4 * x[0] * x[1] - 1, np.exp(-x[0]) + np.exp(-x[1]) - 1.0001)


def brown_badly_scaled(x):
    return stacked(x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2)


def beale(x):
    i = np.arange(1, 4)
    return np.array([1.5, 2.25, 2.625]) - x[0] * (1 - x[1] ** i)


def jennrich_sampson(x):
    i = np.arange(1, 11)
    return 2 + 2 * i - (np.exp(i * x[0]) + np.exp(i * x[1]))


def helical_valley(x):
    a, b, c = x
    angle = np.arctan(b / a) / (2 * np.pi) + (0.5 if a.real < 0 else 0.0)
    return stacked(10 * (c - 10 * angle), 10 * (np.sqrt(a**2 + b**2) - 1), c)


def bard(x):
    y = [0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39]
    u = np.arange(1, 16)
    v = 16 - u
    return np.array(y) - (x[0] + u / (v * x[1] + np.minimum(u, v) * x[2]))


def gaussian(x):
    half = [0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521]
    t = (8 - np.arange(1, 16)) / 2
    return x[0] * np.exp(-x[1] * (t - x[2]) ** 2 / 2) - np.array([*half, 0.3989, *half[::-1]])


def meyer(x):
    y = [
        34780,
        28610,
        23650,
        19630,
        16370,
        13720,
        11540,
        9744,
        8261,
        7030,
        6005,
        5147,
        4427,
        3820,
        3307,
        2872,
    ]
    return x[0] * np.exp(x[1] / (45 + 5 * np.arange(1, 17) + x[2])) - np.array(y)


def gulf(x):
    t = np.arange(1, 100) / 100
    y = 25 + (-50 * np.log(t)) ** (2 / 3)
    gap = y - x[1]
    return np.exp(-(np.where(gap.real < 0, -gap, gap) ** x[2]) / x[0]) - t


def box(x):
    t = 0.1 * np.arange(1, 11)
    return np.exp(-t * x[0]) - np.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10 * t))


def powell_singular(x):
    a, b, c, d = x
    return stacked(a + 10 * b, np.sqrt(5) * (c - d), (b - 2 * c) ** 2, np.sqrt(10) * (a - d) ** 2)


def wood(x):
    a, b, c, d = x
    root = np.sqrt(10)
    return stacked(
        10 * (b - a**2), 1 - a, np.sqrt(90) * (d - c**2), 1 - c, root * (b + d - 2), (b - d) / root
    )


def kowalik_osborne(x):
    y = [0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246]
    u = np.array([4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])
    return np.array(y) - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])


def brown_dennis(x):
    t = np.arange(1, 21) / 5
    return (x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2


def biggs(x):
    t = 0.1 * np.arange(1, 14)
    y = np.exp(-t) - 5 * np.exp(-10 * t) + 3 * np.exp(-4 * t)
    return x[2] * np.exp(-t * x[0]) - x[3] * np.exp(-t * x[1]) + x[5] * np.exp(-t * x[4]) - y


def watson(x):
    n, t = len(x), np.arange(1, 30) / 29
    j = np.arange(n)
    powers = t[:, None] ** j
    slope = (j[1:] * t[:, None] ** (j[1:] - 1)) @ x[1:]
    return stacked(slope - (powers @ x) ** 2 - 1, x[0], x[1] - x[0] ** 2 - 1)


def extended_rosenbrock(x):
    return stacked(10 * (x[1::2] - x[::2] ** 2), 1 - x[::2])


def penalty_one(x):
    return stacked(np.sqrt(1e-5) * (x - 1), x @ x - 0.25)


def penalty_two(x):
    n, a = len(x), np.sqrt(1e-5)
    i = np.arange(2, n + 1)
    y = np.exp(i / 10) + np.exp((i - 1) / 10)
    return stacked(
        x[0] - 0.2,
        a * (np.exp(x[1:] / 10) + np.exp(x[:-1] / 10) - y),
        a * (np.exp(x[1:] / 10) - np.exp(-1 / 10)),
        (n - np.arange(n)) @ x**2 - 1,
    )


def variably_dimensioned(x):
    s = np.arange(1, len(x) + 1) @ (x - 1)
    return stacked(x - 1, s, s**2)


def trigonometric(x):
    n = len(x)
    i = np.arange(1, n + 1)
    return n - np.cos(x).sum() + i * (1 - np.cos(x)) - np.sin(x)


def brown_almost_linear(x):
    return stacked(x[:-1] + x.sum() - (len(x) + 1), np.prod(x) - 1)


def discrete_boundary(x):
    n = len(x)
    h = 1 / (n + 1)
    t = h * np.arange(1, n + 1)
    padded = stacked(0.0, x, 0.0)
    return 2 * x - padded[:-2] - padded[2:] + h**2 * (x + t + 1) ** 3 / 2


def broyden_tridiagonal(x):
    padded = stacked(0.0, x, 0.0)
    return (3 - 2 * x) * x - padded[:-2] - 2 * padded[2:] + 1


def chebyquad(x):
    n = len(x)
    y, previous, current = 2 * x - 1, np.ones_like(x), 2 * x - 1
    values = []
    for i in range(1, n + 1):
        values.append(current.mean() + (1 / (i**2 - 1) if i % 2 == 0 else 0.0))
        previous, current = current, 2 * y * current - previous
    return stacked(*values)


_T = np.arange(1, 11) / 11
CLASSICS = {  # residuals, start, the known minima of the sum of squares
    rosenbrock: ([-1.2, 1], [0]),
    freudenstein_roth: ([0.5, -2], [0, 48.98425]),
    powell_badly_scaled: ([0, 1], [0]),
    brown_badly_scaled: ([1, 1], [0]),
    beale: ([1, 1], [0]),
    jennrich_sampson: ([0.3, 0.4], [124.3622]),
    helical_valley: ([-1, 0, 0], [0]),
    bard: ([1, 1, 1], [8.214877e-3, 17.4286]),
    gaussian: ([0.4, 1, 0], [1.127933e-8]),
    meyer: ([0.02, 4000, 250], [87.94586]),
    gulf: ([5, 2.5, 0.15], [0, 0.038]),
    box: ([0, 10, 20], [0]),
    powell_singular: ([3, -1, 0, 1], [0]),
    wood: ([-3, -1, -3, -1], [0]),
    kowalik_osborne: ([0.25, 0.39, 0.415, 0.39], [3.075056e-4, 1.02734e-3]),
    brown_dennis: ([25, 5, -5, -1], [85822.2]),
    biggs: ([1, 2, 1, 1, 1, 1], [0, 5.65565e-3]),
    watson: ([0] * 6, [2.287670e-3]),
    extended_rosenbrock: ([-1.2, 1] * 10, [0]),
    penalty_one: (np.arange(1, 5), [2.249975e-5]),
    penalty_two: ([0.5] * 4, [9.376293e-6]),
    variably_dimensioned: (1 - np.arange(1, 11) / 10, [0]),
    trigonometric: ([0.1] * 10, [0, 2.79506e-5]),
    brown_almost_linear: ([0.5] * 10, [0, 1]),
    discrete_boundary: (_T * (_T - 1), [0]),
    broyden_tridiagonal: ([-1] * 10, [0]),
    chebyquad: (np.arange(1, 9) / 9, [3.516874e-3]),
}


def value(residuals, x):
    r = residuals(x)
    return r @ r


def gradient(residuals, x):
    """The gradient of the sum of squares, by complex steps."""
    step = 1e-100 * np.maximum(abs(x), 1)
    J = np.array([residuals(x + 1j * step * (np.arange(len(x)) == j)).imag / step[j] for j in range(len(x))])
    return 2 * J @ residuals(x)
