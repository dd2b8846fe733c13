"""Relaxation."""

from .omega import ChebCB, EstimatedOmega, FixedOmega, TsallisINF, TsallisINFCB, omega_opt

__all__ = ["ChebCB", "EstimatedOmega", "FixedOmega", "TsallisINF", "TsallisINFCB", "omega_opt"]
