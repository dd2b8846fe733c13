"""Sweeps over the coordinates of a ratio of two functions: one block of threads takes one after the other."""

from ._launch import launch


def ratio_sweep(order, columns, curvature, x, r, top, lam):
    launch("ratio_sweep", 1, order, columns, curvature, x, r, top, lam, order.size, r.size, x.size)


def kurtosis_sweep(order, columns, x, z, theta):
    launch("kurtosis_sweep", 1, order, columns, x, z, theta, order.size, z.size, x.size)
