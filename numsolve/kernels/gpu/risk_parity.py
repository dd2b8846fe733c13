"""Sweeps for risk budgets: one block of threads takes one asset after the other."""

from ._launch import launch, pieces


def risk_sweep(live, C, signs, b, x, q):
    rr = pieces(x, 1)
    launch("risk_sweep", 1, live, C, signs, b, x, q, rr, x.size)
    return rr
