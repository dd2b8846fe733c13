"""On a CUDA device: run the gpu tests, time each family against cupyx, write the table of docs/gpu.md.

python benchmarks/gpu.py [--rounds N] [--no-tests] [--out docs/gpu.md]
"""

import argparse
import subprocess
import sys
import warnings
from datetime import date
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import cupy
import cupyx.scipy.sparse.linalg as theirs
import numpy as np
import scipy.sparse as sp

import numsolve
from numsolve import krylov, radial
from numsolve._operators.operator import Csr
from numsolve.papers._timing import LoadMeter, describe_load
from numsolve.transport import Grid, PointCloud, sinkhorn

ROOT = Path(__file__).parents[1]
MARK = "<!-- table: written by benchmarks/gpu.py -->"


def laplacian(*shape):
    """Return the Poisson matrix without PyAMG, which such machines may lack."""
    total = sp.csr_matrix((1, 1))
    for m in shape:
        line = sp.diags_array([-np.ones(m - 1), 2 * np.ones(m), -np.ones(m - 1)], offsets=[-1, 0, 1])
        total = sp.kron(total, sp.eye_array(m)) + sp.kron(sp.eye_array(total.shape[0]), line)
    return sp.csr_matrix(total)


def seconds(run, rounds):
    """Return the seconds of each round, after one that compiles and is not counted; waits for the device."""
    found = []
    for counted in range(rounds + 1):
        cupy.cuda.Device().synchronize()
        begun = perf_counter()
        run()
        cupy.cuda.Device().synchronize()
        if counted:
            found.append(perf_counter() - begun)
    return found


def copy_bandwidth(n=1 << 28):
    """Return GB/s of a device-to-device copy, counting bytes read and written."""
    a, b = cupy.ones(n, np.float32), cupy.empty(n, np.float32)
    return 8 * n / min(seconds(lambda: cupy.copyto(b, a), 10)) / 1e9


def compare(run, peer, rounds):
    """Return our median seconds, and the median ratio of the peer's to ours."""
    ours, other = seconds(run, rounds), seconds(peer, rounds)
    return median(ours), median(other) / median(ours)


def families(A, b, rounds):
    """Yield family, our seconds an iteration, the ratio to cupyx, and the bytes an iteration must move."""
    n, nnz = A.shape[0], A.nnz
    C, y = Csr(A), cupy.empty_like(b)
    yield "SpMV", *compare(lambda: C.apply(b, y), lambda: A @ b, 10 * rounds), 12 * nnz + 20 * n
    time, ratio = compare(
        lambda: krylov.cg(A, b, rtol=1e-30, maxiter=100),
        lambda: theirs.cg(A, b, rtol=1e-30, maxiter=100),
        rounds,
    )
    yield "CG", time / 100, ratio, 12 * nnz + 92 * n
    time, ratio = compare(
        lambda: krylov.gmres(A, b, rtol=1e-30, maxiter=60),
        lambda: theirs.gmres(A, b, rtol=1e-30, restart=30, maxiter=60),
        rounds,
    )
    yield "GMRES(30)", time / 60, ratio, 12 * nnz + 44 * n + 8 * n * 31 / 2


def rows(rounds):
    """Yield family, grid, our seconds, the ratio to cupyx, and the fraction of the byte floor."""
    speed = copy_bandwidth() * 1e9
    for shape in ((100, 100), (1000, 1000), (100, 100, 100), (220, 220, 220)):
        A = laplacian(*shape)
        A, b = numsolve.to_device(A, np.random.default_rng(0).standard_normal(A.shape[0]))
        for family, time, ratio, moved in families(A, b, rounds):
            yield family, "x".join(map(str, shape)), time, ratio, moved / speed / time


def radial_lines(rounds):
    """Yield a line for batches of atoms and of potentials, compared with the host's threads."""
    Z = np.arange(1, 93)
    mesh = radial.exponential(60.0, 16, ratio=200.0)
    V = -np.linspace(1, 3, 1000)[:, None] / np.where(mesh.r > 0, mesh.r, 1)
    batches = {
        "92 atoms": (lambda numbers: radial.atoms(numbers), Z),
        "92 relativistic atoms": (lambda numbers: radial.atoms(numbers, relativistic=True), Z),
        "1000 potentials, 9 states each": (
            lambda values: radial.schroedinger(values, l=(0, 1, 2), states=3, mesh=mesh, rtol=1),
            V,
        ),
    }
    for name, (run, data) in batches.items():
        there = numsolve.to_device(data)
        device = median(seconds(lambda run=run, there=there: run(there), rounds))
        host = median(seconds(lambda run=run, data=data: run(data), rounds))
        yield f"radial, {name}: {device * 1e3:.1f} ms, on the host's threads {host * 1e3:.1f} ms."


def lse(exponents, axis):
    """Return the logarithms of sums of exponentials over an axis, which is kept with length one."""
    top = exponents.max(axis=axis, keepdims=True)
    return cupy.log(cupy.exp(exponents - top).sum(axis=axis, keepdims=True)) + top


def array_text(a, b, K, count):
    """Take Sinkhorn iterations in array operations: masses (k, n) and (k, m); `K` is the cost over eps."""
    log_a, log_b, G = cupy.log(a)[:, :, None], cupy.log(b)[:, None, :], 0
    for _ in range(count):
        F = log_a - lse(G - K, 2)
        G = log_b - lse(F - K, 1)
    return F[:, :, 0], G[:, 0]


def array_text_on_a_grid(a, b, K, count):
    """Take Sinkhorn iterations for images, axis by axis; `K` (n, n) is the cost along an axis over eps."""

    def sums(G):
        T = lse(G[None] - K[:, :, None], 1)
        return lse(T - K[None], 2)[:, :, 0]

    log_a, log_b, G = cupy.log(a), cupy.log(b), 0 * b
    for _ in range(count):
        F = log_a - sums(G)
        G = log_b - sums(F)
    return F, G


def transport_cases(n, batch, side, eps, count):
    """Yield name, dtype, entries of an iteration, and calls that take `count` of ours and of the peer's."""
    rng = np.random.default_rng(0)
    # So small an eps and so loose a tolerance that no case converges, nor is finished in double precision.
    ours = partial(sinkhorn, eps=eps, method="log", omega=1.0, atol=1e-4, maxiter=count)
    for dtype in ("float32", "float64"):
        for k, size in ((1, n), batch):
            points = rng.random((2, k, size, 2)).astype(dtype)
            x, y, a = numsolve.to_device(*points, np.full((k, size), 1 / size, dtype))
            C = ((x[:, :, None] - y[:, None]) ** 2).sum(axis=-1)
            costs = {"dense": C, "points": PointCloud(x, y)}
            name, peer = f"{k} x {size}", partial(array_text, a, a, C / eps, count)
            for kind, cost in costs.items():
                one = k == 1
                mass, cost = (a[0], C[0] if kind == "dense" else cost.part(0)) if one else (a, cost)
                yield f"{kind}, {name}", dtype, k * size**2, partial(ours, mass, mass, cost), peer
    images = rng.random((2, side, side)) + 0.1
    a, b, axis = numsolve.to_device(*images / images.sum(axis=(1, 2))[:, None, None], np.linspace(0, 1, side))
    peer = partial(array_text_on_a_grid, a, b, (axis[:, None] - axis) ** 2 / eps, count)
    entries = 2 * side**3
    yield f"image, {side} x {side}", "float64", entries, partial(ours, a, b, Grid([axis, axis])), peer


def transport_lines(rounds, n=8000, batch=(1000, 100), side=256, eps=5e-4, count=100):
    """Yield the lines of a table: Sinkhorn's iteration against the same in CuPy's array operations."""
    yield from ("| Sinkhorn | dtype | ns an entry and iteration | times array text |", "|---|---|---|---|")
    for name, dtype, entries, run, peer in transport_cases(n, batch, side, eps, count):
        time, ratio = compare(run, peer, rounds)
        yield f"| {name} | {dtype} | {time / count / entries * 1e9:.4f} | {ratio:.2f} |"


def program_lines(rounds, sides=(300, 1000, 3000), count=256):
    """Yield the lines of a table: iterations of transport programs against their byte floor and the host."""
    from numsolve.monotone import LP, solve_lp
    from numsolve.problems import transport_program

    yield from (
        "| linear program | variables | ms an iteration | of the byte floor | times the host |",
        "|---|---|---|---|---|",
    )
    bandwidth = copy_bandwidth()
    for side in sides:
        lp = transport_program(side, side, rng=0)
        there = LP(*numsolve.to_device(lp.c, sp.csr_matrix(lp.A), lp.rl, lp.ru))
        run = partial(solve_lp, rtol=1e-30, maxiter=count, presolve=False)
        time, ratio = compare(partial(run, there), partial(run, lp), rounds)
        floor = (2 * 12 * lp.A.nnz + 8 * (7 * lp.shape[1] + 6 * lp.shape[0])) / bandwidth / 1e9
        share = floor * count / time
        yield f"| transport | {lp.shape[1]} | {1e3 * time / count:.3f} | {share:.2f} | {ratio:.2f} |"


def main():
    """Run everything and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-tests", action="store_true")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "gpu.md")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    lines = [f"{date.today()}, {name}, CuPy {cupy.__version__}, copy {copy_bandwidth():.0f} GB/s."]
    if not options.no_tests:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-m",
            "gpu",
            "-p",
            "no:cacheprovider",
            str(ROOT / "tests"),
        ]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        print(run.stdout[-4000:], run.stderr[-2000:])
        lines.append(f"`pytest -m gpu`: {run.stdout.strip().splitlines()[-1].strip('= ')}.")
    meter = LoadMeter()
    lines += ["", "| family | grid | ms | times cupyx | of the byte floor |", "|---|---|---|---|---|"]
    for family, grid, time, ratio, fraction in rows(options.rounds):
        lines.append(f"| {family} | {grid} | {time * 1e3:.3f} | {ratio:.2f} | {fraction:.2f} |")
        print(lines[-1], flush=True)
    lines += ["", *transport_lines(options.rounds), "", *radial_lines(options.rounds)]
    lines += ["", *program_lines(options.rounds)]
    lines += ["", f"Meanwhile {describe_load(meter.cores())} of the host."]
    text = options.out.read_text()
    head = text[: text.index(MARK) + len(MARK)].replace(
        "No device has run these kernels yet: there are no GPU timings to show. On a machine with one,\n",
        "On a machine with a device,\n",
    )
    options.out.write_text(head + "\n\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
