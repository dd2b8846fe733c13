"""Fixed points, monotone inclusions, and linear programs solved with them."""

from ._linear_programs import KKT, LP, Certificate, LPResult, kkt, solve_lp

__all__ = ["KKT", "LP", "Certificate", "LPResult", "kkt", "solve_lp"]
