"""The command line: ``numsolve solve | lp | reproduce | info``."""

import argparse
import sys
import warnings
from pathlib import Path
from time import perf_counter
from typing import Any

SOLVED, MISSED, BAD_INPUT = 0, 1, 2


def main(argv=None):
    """Run the command line.

    Parameters
    ----------
    argv : list of str, optional
        Arguments. Default: those of the process.

    Returns
    -------
    int
        The exit status: 0 if the system was solved, or if all claims of a paper hold; 1 if not; 2 for bad
        input.
    """
    arguments = _parser().parse_args(argv)
    try:
        return arguments.command(arguments)
    except KeyboardInterrupt:
        return _print_error("interrupted", MISSED)
    except BrokenPipeError:
        return SOLVED
    except (ValueError, TypeError, OSError, MemoryError, ImportError, RuntimeError) as error:
        return _print_error(error, BAD_INPUT)


def _print_error(error, status):
    text = " ".join(str(error).split()) or type(error).__name__
    print(f"numsolve: {text}", file=sys.stderr)
    return status


class _Parser(argparse.ArgumentParser):
    """A parser whose epilog may be a function, called when help is asked for."""

    def format_help(self):
        if callable(self.epilog):
            self.epilog = self.epilog()
        return super().format_help()


def _methods():
    """Return the methods and preconditioners that `solve` knows, as a text."""
    from .._problem import ITERATIVE
    from .._solve import PRECONDITIONERS

    rows = [("auto", "chosen from the matrix"), ("direct", "a factorisation")]
    rows += [(method.name, method.suits) for method in ITERATIVE.values()]
    lines = "\n".join(f"  {name:<10}{suits}" for name, suits in rows)
    return f"methods:\n{lines}\n\npreconditioners:\n  none, {', '.join(PRECONDITIONERS)}"


def _parser():
    parser = _Parser(prog="numsolve", description="Classical numerical methods at the bandwidth limit.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    solve = commands.add_parser(
        "solve",
        help="solve A x = b from a Matrix Market file",
        epilog=_methods,  # pyright: ignore
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = solve.add_mutually_exclusive_group(required=True)
    what.add_argument("file", nargs="?", metavar="FILE.mtx", help="matrix A (.mtx, .mtx.gz, .mtx.bz2)")
    what.add_argument("--example", metavar="NAME", help="a mesh matrix of PyAMG's gallery, such as airfoil")
    solve.add_argument("--rhs", metavar="FILE", help="right-hand side (.mtx or .npy); default: A times ones")
    solve.add_argument("--method", default="auto", help="a method of the list below (auto)")
    solve.add_argument(
        "--preconditioner", metavar="M", default="auto", help="a preconditioner of the list below (auto)"
    )
    solve.add_argument("--rtol", type=float, default=1e-8, help="relative tolerance of the residual (1e-8)")
    solve.add_argument("--maxiter", type=int, help="largest number of iterations")
    solve.add_argument("--time-limit", type=float, metavar="S", help="seconds after which to stop")
    solve.add_argument("--out", metavar="FILE", help="write x (.mtx or .npy)")
    solve.add_argument("--plot", metavar="FILE.png", help="write the residual history")
    solve.add_argument("--gpu", action="store_true", help="solve on the CUDA device")
    solve.set_defaults(command=_solve)

    from . import _lp

    _lp.add_parser(commands)

    reproduce = commands.add_parser("reproduce", help="run a paper's experiment and check its claims")
    reproduce.add_argument("name", nargs="?", metavar="NAME", help="name of the paper")
    reproduce.add_argument("--list", action="store_true", help="list the papers")
    reproduce.add_argument("--full", action="store_true", help="use the settings of the paper")
    reproduce.add_argument("--out", metavar="DIR", default="reproduced", help="where to write (reproduced/)")
    reproduce.set_defaults(command=_reproduce)

    info = commands.add_parser("info", help="show versions, threads, devices and memory bandwidth")
    info.set_defaults(command=_info)
    return parser


def _solve(arguments):
    import numpy as np

    from .. import solve, to_device, to_host
    from .._progress import Progress
    from .._result import ConvergenceWarning, Status

    for path in (arguments.out, arguments.plot):
        if path and not Path(path).absolute().parent.is_dir():
            raise ValueError(f"{path} cannot be written: its folder does not exist")
    A, name = _matrix(arguments)
    n = A.shape[0]
    known = arguments.rhs is None
    x_true = np.ones(n)
    b = A @ x_true if known else _vector(arguments.rhs, n)
    print(f"matrix      {name}: {n} x {A.shape[1]}, {A.nnz} entries, {A.dtype}")
    print(f"right side  {'A times ones, so that x is known' if known else arguments.rhs}")
    if arguments.gpu:
        A, b = to_device(A, b)
    M = None if arguments.preconditioner == "none" else arguments.preconditioner
    begun = perf_counter()
    with warnings.catch_warnings(), _bar(Progress, arguments.rtol) as bar:
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = solve(
            A,
            b,
            method=arguments.method,
            M=M,
            rtol=arguments.rtol,
            maxiter=arguments.maxiter,
            time_limit=arguments.time_limit,
            callback=bar,
        )
    seconds = perf_counter() - begun
    x = to_host(result.x)
    print(f"message     {result.message}")
    print(f"iterations  {result.nit}")
    print(f"residual    {_relative(result.residuals):.2e} relative")
    if result.forward_error == result.forward_error:
        print(f"error       {result.forward_error:.1e} estimated, relative")
    if known and result.status != Status.SINGULAR:
        print(f"error       {np.linalg.norm(x - 1) / np.sqrt(n):.1e} against the known x, relative")
    print(f"time        {seconds:.3g} s, loading or compiling kernels included")
    if arguments.out:
        _write(arguments.out, x)
        print(f"x           {arguments.out}")
    if arguments.plot:
        ax = result.plot(color="C0", marker="." if result.nit < 60 else None)
        ax.set_title(
            f"{name}: {result.method}" + (f" with {result.preconditioner}" if result.preconditioner else "")
        )
        ax.get_figure(root=True).savefig(arguments.plot, dpi=150)  # pyright: ignore
        print(f"plot        {arguments.plot}")
    print(f"status      {result.status.name.lower()}")
    return SOLVED if result.success else MISSED


def _bar(progress, rtol):
    """Return a progress bar for a terminal; without tqdm, a context that does nothing."""
    try:
        return progress(rtol=rtol, disable=None, leave=False, delay=0.5)
    except ImportError:
        from contextlib import nullcontext

        return nullcontext()


def _matrix(arguments) -> Any:
    """Return the matrix of the command line, and its name."""
    import scipy.sparse as sp

    from ._matrix_market import read

    if arguments.example:
        from pyamg.gallery import load_example

        try:
            return sp.csr_array(load_example(arguments.example)["A"]), arguments.example
        except (ValueError, OSError, KeyError) as error:
            raise ValueError(f"no example matrix is named {arguments.example!r}: {error}") from None
    A: Any = read(arguments.file)
    name = Path(arguments.file).name
    if A.ndim != 2 or A.shape[0] != A.shape[1] or A.shape[0] == 0:
        raise ValueError(f"{name}: the matrix is {' x '.join(map(str, A.shape))}; a square one is needed")
    if sp.issparse(A) and A.nnz < A.shape[0]:
        raise ValueError(f"{name}: {A.nnz} entries leave a zero row among {A.shape[0]}: A is singular")
    return sp.csr_array(A), name


def _vector(path, n) -> Any:
    """Read a right-hand side of n rows."""
    import numpy as np
    import scipy.sparse as sp

    from ._matrix_market import read

    if Path(path).suffix == ".npy":
        b = np.load(path, allow_pickle=False)
    else:
        b = read(path)
        b = b.toarray() if sp.issparse(b) and b.shape[0] == n and b.shape[1] <= 1000 else b
    if b.ndim not in (1, 2) or b.shape[0] != n or sp.issparse(b):
        raise ValueError(f"{Path(path).name}: the right-hand side has shape {b.shape}, but A needs {n} rows")
    return b[:, 0] if b.ndim == 2 and b.shape[1] == 1 else b


def _write(path, x):
    import numpy as np
    from scipy.io import mmwrite

    if Path(path).suffix == ".npy":
        np.save(path, x)
    else:
        mmwrite(path, x.reshape(len(x), -1), precision=17)


def _relative(residuals):
    """Return the largest last residual over the first of its column."""
    import numpy as np

    first, last = residuals[0], residuals[-1]
    if residuals.ndim == 2:  # a column that ended early is padded with NaN
        last = [column[~np.isnan(column)][-1] for column in residuals.T]
    return float(np.max(np.asarray(last) / np.where(first > 0, first, 1)))


def _reproduce(arguments):
    from .. import papers

    if arguments.list or arguments.name is None:
        for name in papers.names():
            paper = papers.load(name)
            print(f"{name:<19}{paper.TITLE}\n{'':<19}{paper.REFERENCE}")
        return SOLVED
    rows, claims, files = papers.reproduce(
        arguments.name, full=arguments.full, folder=arguments.out, progress=_progress(arguments.name)
    )
    for claim in claims:
        print(f"{'holds ' if claim.holds else 'FAILS '} {claim.text}")
        print(
            f"        published: {claim.published}; ours: {claim.ours}"
            + (f"; {claim.why}" if claim.why else "")
        )
    print(f"load    {papers.load_of(rows)}")
    for file in files:
        print(f"wrote   {file}")
    if len(files) == 1:
        print("no figure: matplotlib is missing (pip install 'numsolve-kernels[plot]')")
    return SOLVED if all(claim.holds for claim in claims) else MISSED


def _progress(label):
    try:
        from tqdm import tqdm
    except ImportError:
        return iter
    return lambda runs: tqdm(runs, desc=label, disable=None)


def _info(arguments):  # noqa: ARG001 - every command takes them
    import platform
    from importlib.metadata import PackageNotFoundError, version

    import numba

    from .. import __version__

    print(f"python      {platform.python_version()} on {platform.machine()}")
    print(f"numsolve    {__version__}")
    for package in ("numpy", "scipy", "numba", "pyamg", "cupy", "matplotlib", "tqdm"):
        try:
            print(f"{package:<12}{version(package)}")
        except PackageNotFoundError:
            found = next(
                (d for d in ("cupy-cuda13x", "cupy-cuda12x") if package == "cupy" and _is_installed(d)), None
            )
            print(f"{package:<12}{version(found) if found else 'not installed'}")
    print(f"threads     {numba.get_num_threads()} of {numba.config.NUMBA_NUM_THREADS}")  # pyright: ignore
    print(f"bandwidth   {bandwidth():.1f} GB/s (triad, out of cache)")
    print(f"threading   {numba.threading_layer()}")  # pyright: ignore
    print(f"devices     {_devices()}")
    return SOLVED


def _is_installed(distribution):
    from importlib.metadata import PackageNotFoundError, version

    try:
        return bool(version(distribution))
    except PackageNotFoundError:
        return False


def bandwidth(n=20_000_000, repeats=8):
    """Return the memory bandwidth of the triad ``a = b + s c`` on vectors too long for any cache.

    Parameters
    ----------
    n : int
        Length of the three vectors.
    repeats : int
        Number of timed runs after one that compiles; the fastest counts.

    Returns
    -------
    float
        Bandwidth in GB/s; a run counts as 24 n bytes, as in STREAM.
    """
    import numpy as np
    from numba import njit, prange

    @njit(parallel=True, cache=True)
    def triad(a, b, c):
        for i in prange(a.size):
            a[i] = b[i] + 3.0 * c[i]

    a, b, c = np.zeros(n), np.ones(n), np.ones(n)
    seconds = []
    for _ in range(repeats + 1):
        begun = perf_counter()
        triad(a, b, c)
        seconds.append(perf_counter() - begun)
    return 24 * n / min(seconds[1:]) / 1e9


def _devices():
    from .._array import array_module

    try:
        cupy = array_module("cupy")
    except RuntimeError as error:
        return f"none: {error}"
    if not cupy.is_available():
        return "none: CuPy sees no CUDA device"
    names = [
        cupy.cuda.runtime.getDeviceProperties(i)["name"].decode()
        for i in range(cupy.cuda.runtime.getDeviceCount())
    ]
    return ", ".join(names)
