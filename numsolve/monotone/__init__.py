"""Fixed points, monotone inclusions, and linear programs solved with them."""

from ._linear_programs import (
    KKT,
    LP,
    Certificate,
    LinprogResult,
    LPResult,
    kkt,
    linprog,
    read_mps,
    solve_lp,
    write_mps,
)

__all__ = [
    "KKT",
    "LP",
    "Certificate",
    "LPResult",
    "LinprogResult",
    "kkt",
    "linprog",
    "read_mps",
    "solve_lp",
    "write_mps",
]
