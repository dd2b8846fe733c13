"""``numsolve lp``: solve a linear program from an MPS file."""

import warnings
from pathlib import Path
from time import perf_counter

OPTIMAL, MISSED = 0, 1


def add_parser(commands):
    """Add the command to the parser."""
    parser = commands.add_parser("lp", help="solve a linear program from an MPS file")
    parser.add_argument("file", metavar="FILE.mps", help="the program (.mps, also .gz, .bz2, .xz)")
    parser.add_argument("--rtol", type=float, default=1e-4, help="tolerance of the relative residuals (1e-4)")
    parser.add_argument("--maxiter", type=int, help="largest number of iterations")
    parser.add_argument("--time-limit", type=float, metavar="S", help="seconds after which to stop")
    parser.add_argument("--no-presolve", action="store_true", help="do not reduce the program first")
    parser.add_argument("--out", metavar="FILE", help="write x, y and s with their names (.csv) or as .npz")
    parser.add_argument("--write", metavar="FILE.mps", help="write the program itself (.mps, also .gz)")
    parser.add_argument("--gpu", action="store_true", help="solve on the CUDA device")
    parser.set_defaults(command=_lp)


def _lp(arguments):
    from .._array import to_device, to_host
    from .._result import ConvergenceWarning
    from ..monotone import LP, read_mps, solve_lp, write_mps

    for path in (arguments.out, arguments.write):
        if path and not Path(path).absolute().parent.is_dir():
            raise ValueError(f"{path} cannot be written: its folder does not exist")
    if arguments.out and Path(arguments.out).suffix not in (".csv", ".npz"):
        raise ValueError(f"--out {arguments.out}: the ending has to be .csv or .npz")
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        lp = read_mps(arguments.file)
    m, n = lp.shape
    sense = "maximize" if lp.maximize else "minimize"
    print(f"program     {Path(arguments.file).name}: {sense}, {m} rows, {n} variables, {lp.A.nnz} entries")
    for note in notes:
        print(f"note        {note.message}")
    if arguments.write:
        write_mps(arguments.write, lp)
        print(f"program     {arguments.write}")
    given = lp
    if arguments.gpu:
        import scipy.sparse as sp

        c, A, rl, ru, l, u = to_device(lp.c, sp.csr_matrix(lp.A), lp.rl, lp.ru, lp.l, lp.u)
        given = LP(c, A, rl, ru, l, u, lp.offset, lp.maximize, lp.names)
    begun = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = solve_lp(
            given,
            rtol=arguments.rtol,
            maxiter=arguments.maxiter,
            time_limit=arguments.time_limit,
            presolve=not arguments.no_presolve,
        )
    seconds = perf_counter() - begun
    print(f"message     {result.message}")
    print(f"iterations  {result.nit}")
    if result.certificate is None:
        found = result.kkt
        print(f"objective   {found.objective:.10g} (dual {found.dual_objective:.10g})")
        print(f"residuals   primal {found.primal:.1e}, dual {found.dual:.1e}, gap {found.gap:.1e}, relative")
    else:
        print(f"certificate violation {result.certificate.violation:.1e}, relative")
    print(f"time        {seconds:.3g} s, loading or compiling kernels included")
    if arguments.out:
        _write(arguments.out, lp, *(to_host(v) for v in (result.x, result.y, result.s)))
        print(f"solution    {arguments.out}")
    print(f"status      {result.status.name.lower()}")
    return OPTIMAL if result.success else MISSED


def _write(path, lp, x, y, s):
    """Write the solution, with names as CSV or as arrays."""
    import csv

    import numpy as np

    if Path(path).suffix == ".npz":
        np.savez(path, x=x, y=y, s=s)
        return
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("kind", "name", "value", "multiplier"))
        columns, rows = lp.names.columns, lp.names.rows
        writer.writerows(("x", *line) for line in zip(columns, x.tolist(), s.tolist(), strict=True))
        values = (lp.A @ x).tolist()
        writer.writerows(("row", *line) for line in zip(rows, values, y.tolist(), strict=True))
