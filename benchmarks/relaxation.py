"""Bars of relaxation: sweeps against PyAMG's, small systems, and SSOR as preconditioner of CG."""

from functools import partial
from statistics import median

import numba
import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from measure import in_turn, ratio
from pyamg.relaxation.relaxation import gauss_seidel

from numsolve import krylov
from numsolve._operators.entries import sparse_of
from numsolve._operators.rows import ordered_rows
from numsolve.precondition import ssor
from numsolve.problems import poisson
from numsolve.relaxation import colouring, sor


def sweeps(rounds):
    """Yield sweeps, with and without the norm of the residual, against PyAMG's, which have none."""
    threads = numba.config.NUMBA_NUM_THREADS
    for name, shape in {"2-D 1000^2": (1000, 1000), "3-D 100^3": (100, 100, 100)}.items():
        A = sp.csr_matrix(poisson(shape))
        A.indices, A.indptr = A.indices.astype(np.int32), A.indptr.astype(np.int32)
        b, n = np.random.default_rng(0).standard_normal(A.shape[0]), A.shape[0]
        for order, counts in ((None, (1,)), ("greedy", (1, threads))):
            rows = ordered_rows(sparse_of(A, "sor"), None, order, False)[0]
            for count in counts:
                numba.set_num_threads(count)
                runs = _sweeps_of(rows, b) | {"PyAMG": partial(gauss_seidel, A, np.zeros(n), b)}
                seconds = in_turn(runs, 4 * rounds)
                rate = (12 * A.nnz + 36 * n) / median(seconds["numsolve"]) / 1e9
                bar = 1.0 if order is None else 1.6 if count > 1 else None
                title = f"{'natural' if order is None else 'multicolour'} sweep {name}, {count} thread(s)"
                yield f"{title}, against PyAMG", ratio(seconds, "PyAMG"), bar, f"{rate:.1f} GB/s"
                with_norm = ratio(seconds, "PyAMG", "with norm")
                yield f"{title}, with the residual norm, against PyAMG without", with_norm, None, ""
    numba.set_num_threads(threads)


def _sweeps_of(rows, b):
    """Return a sweep in place, and one that returns the norm as well."""
    from numsolve.kernels import kernels_for

    scale, live, x, y = rows.scale("sor"), np.ones(1, bool), np.zeros_like(b), np.zeros_like(b)
    matrix, kernels = (rows.indptr, rows.indices, rows.data, scale, b), kernels_for(b)
    return {
        "numsolve": lambda: kernels.colour_sweep(live, rows.bounds, False, *matrix, x),
        "with norm": lambda: kernels.sor_sweep(live, rows.bounds, *matrix, x, y),
    }


def small(rounds):
    """Yield a solve of 100 unknowns against PyAMG's sweeps with a residual after each."""
    A, b = sp.csr_matrix(poisson((10, 10))), np.random.default_rng(0).standard_normal(100)
    steps = sor(A, b, omega=1.0, rtol=1e-8).check().nit

    def peer():
        x = np.zeros(100)
        for _ in range(steps):
            gauss_seidel(A, x, b)
            np.linalg.norm(b - A @ x)

    seconds = in_turn({"numsolve": partial(sor, A, b, omega=1.0, rtol=1e-8), "PyAMG": peer}, 10 * rounds)
    note = f"{steps} sweeps, {median(seconds['numsolve']) / steps * 1e6:.2f} us each, set-up included"
    yield (
        "SOR to 1e-8 of 100 unknowns, against PyAMG's sweeps and SciPy's residuals",
        ratio(seconds, "PyAMG"),
        5,
        note,
    )


def heat(rounds):
    """Yield steps of Crank-Nicolson by SSOR-CG, a new matrix each, beside plain CG and SuperLU."""
    for nx in (50, 100, 200, 400):
        L, n = sp.csr_matrix(poisson((nx - 1, nx - 1))), (nx - 1) ** 2
        A = sp.csr_matrix(sp.eye_array(n) + 0.5e-3 * 5 * nx**2 * L)
        b, M = np.random.default_rng(0).standard_normal(n), ssor(A, 1.5)
        M_coloured = ssor(A, 1.0, colours=colouring(A))
        columns, found = A.tocsc(), {}

        def solve(name, update, A=A, b=b, found=found):
            found[name] = krylov.cg(A, b, M=update(), rtol=1e-8).check().nit

        runs = {
            "numsolve": partial(solve, "natural", partial(M.update, A, 1.75)),
            "colours": partial(solve, "coloured", partial(M_coloured.update, A, 1.0)),
            "CG": partial(solve, "CG", lambda: None),
            "SuperLU": lambda columns=columns, b=b: spla.splu(columns).solve(b),
        }
        seconds = in_turn(runs, rounds)
        note = f"{found['natural']} its, CG {found['CG']}, by colour {found['coloured']}"
        for peer in ("CG", "SuperLU", "colours"):
            yield f"SSOR-CG, heat {nx}^2, update included, against {peer}", ratio(seconds, peer), None, note


def relaxation(rounds):
    """Sweeps against PyAMG's, small systems, and SSOR-CG beside CG and a direct solver."""
    yield from sweeps(rounds)
    yield from small(rounds)
    yield from heat(rounds)
