"""The bars of recycling: counts, cost of a product, and a sequence in three dimensions."""

import warnings
from functools import partial
from statistics import mean, median

import numpy as np
import scipy.sparse.linalg as spla
from measure import in_turn, iterations, ratio

from numsolve import krylov, precondition, problems

# Mean products of GCRO-DR(40,20) over 12 systems, of an independent program in NumPy, over other fields.
COUNTS = {"published": (434, 524), "corrected": (196, 272), "finite-volume": (139, 204)}


def recycling(rounds):
    """Run every group."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield from counts()
        yield from overhead(rounds)
        for contrast in (3.0, 8.0):
            yield from sequence(rounds, (64, 64, 64), contrast)


def counts(seeds=3):
    """Yield iterations, products that renew the space included, over those of an independent program."""
    for matrix, references in COUNTS.items():
        for rtol, reference in zip((1e-5, 1e-8), references, strict=True):
            found = []
            for seed in range(seeds):
                space = None
                for A, b, _ in problems.darcy_systems(12, 80, matrix=matrix, rng=seed):
                    renewed = 0 if space is None else space.k
                    result = krylov.gcrodr(A, b, rtol=rtol, maxiter=10_000, recycle=space)
                    found.append(result.check().nit + renewed)
                    space = result.recycle
            note = f"{mean(found):.0f} for {reference}, {seeds} times 12 systems"
            yield (
                f"GCRO-DR, Darcy {matrix}, rtol {rtol:g}, iterations over reference",
                mean(found) / reference,
                -1.1,
                note,
            )


def overhead(rounds):
    """Yield the time per product with A, over that of GMRES(40)."""
    cases = {
        "Darcy 80^2": (next(problems.darcy_systems(1, 80, rng=0)), None, 10_000),
        "3-D 100^3": (next(problems.convection_diffusion_systems(1, (100, 100, 100), rng=0)), None, 200),
        "3-D 64^3, ILU(0)": (
            next(problems.convection_diffusion_systems(1, (64, 64, 64), rng=0)),
            "ilu0",
            200,
        ),
    }
    for name, ((A, b, _), M, maxiter) in cases.items():
        M = M and precondition.ilu0(A)
        space = krylov.gcrodr(A, b, M=M, rtol=1e-8, maxiter=maxiter).recycle
        products = {}

        def ours(A=A, b=b, M=M, maxiter=maxiter, space=space, products=products):
            products["ours"] = krylov.gcrodr(A, b, M=M, rtol=1e-10, maxiter=maxiter, recycle=space).products

        def theirs(A=A, b=b, M=M, maxiter=maxiter, products=products):
            products["GMRES"] = krylov.gmres(A, b, M=M, rtol=1e-10, restart=40, maxiter=maxiter).nit

        seconds = in_turn({"numsolve": ours, "GMRES(40)": theirs}, rounds)
        each = [
            median(seconds[who]) / products[key]
            for who, key in (("numsolve", "ours"), ("GMRES(40)", "GMRES"))
        ]
        note = f"{each[0] * 1e3:.3g} and {each[1] * 1e3:.3g} ms"
        yield f"GCRO-DR(40,20) {name}, time a product, over GMRES(40)", each[0] / each[1], -1.3, note


def sequence(rounds, shape, contrast, count=8):
    """Solve slowly changing convection-diffusion systems with ILU(0): each alone, or with recycling."""
    systems = list(problems.convection_diffusion_systems(count, shape, contrast=contrast, rng=0))
    products, missed = {}, {"gcrotmk": 0}

    def scratch():
        found = [krylov.gmres(A, b, M=precondition.ilu0(A), rtol=1e-8).check().nit for A, b, _ in systems]
        products["GMRES(30)"] = sum(found)

    def recycled(guess=3):
        options = {"rtol": 1e-8, "restart": 30, "k": 10, "guess": guess}
        run = krylov.solve_sequence(systems, sort=None, M=precondition.ilu0, refresh="always", **options)
        for result in run:
            result.check()
        products["numsolve" if guess else "without guess"] = run.products

    def carried():
        pairs, products["gcrotmk"], missed["gcrotmk"] = [], 0, 0
        for A, b, _ in systems:
            M = precondition.ilu0(A)
            counted = _Counted(A)
            _, info = spla.gcrotmk(
                counted,
                b,
                M=spla.aslinearoperator(M),
                rtol=1e-8,
                m=20,
                k=20,
                CU=pairs,
                discard_C=True,
                maxiter=500,
            )
            missed["gcrotmk"] += info != 0
            products["gcrotmk"] += counted.products

    runs = {
        "numsolve": recycled,
        "without guess": partial(recycled, 0),
        "GMRES(30)": scratch,
        "SciPy gcrotmk, carried": carried,
    }
    seconds = in_turn(runs, max(2, rounds // 2))
    name = f"sequence of {count}, convection-diffusion {shape[0]}^3, contrast {contrast:g}, ILU(0)"
    note = ", ".join(f"{who} {iterations(n, not missed.get(who))}" for who, n in products.items())
    yield (
        f"{name}: products of GMRES(30) over GCRO-DR's",
        products["GMRES(30)"] / products["numsolve"],
        1.8,
        note,
    )
    yield (
        f"{name}: time of GMRES(30)",
        ratio(seconds, "GMRES(30)"),
        1.5,
        f"{median(seconds['numsolve']):.2f} s",
    )
    yield f"{name}: time without a guess from solutions", ratio(seconds, "without guess"), None, ""
    yield f"{name}: time of gcrotmk with carried vectors", ratio(seconds, "SciPy gcrotmk, carried"), 2, ""


def deflation(rounds):
    """Five diffusion systems, n = 102,400, whose coefficients drift: CG that recycles against plain CG."""
    rng = np.random.default_rng(0)
    grid = np.linspace(0, 1, 320)
    systems = []
    for i in range(5):
        waves = np.cos(7 * grid[:, None] + 11 * grid + 0.1 * i) + np.sin(23 * grid * grid[:, None] - 0.1 * i)
        A = problems.diffusion(np.exp(waves + 0.1 * np.cos(60 * grid + i)))
        systems.append((A, rng.standard_normal(A.shape[0])))
    for name, prepare in {"": None, ", IC(0)": precondition.ic0}.items():
        preconditioners, found = [prepare and prepare(A) for A, _ in systems], {}

        def plain(preconditioners=preconditioners, found=found):
            pairs = zip(systems, preconditioners, strict=True)
            found["plain"] = [krylov.cg(A, b, M=M, rtol=1e-8).check().nit for (A, b), M in pairs]

        for k in (10, 20):

            def recycled(k=k, preconditioners=preconditioners, found=found):
                known, found["ours"] = k, []
                for (A, b), M in zip(systems, preconditioners, strict=True):
                    result = krylov.cg(A, b, M=M, rtol=1e-8, recycle=known).check()
                    known = result.recycle
                    found["ours"].append(result.products)

            seconds = in_turn({"numsolve": recycled, "plain": plain}, max(2, rounds // 2))
            products = " ".join(map(str, found["ours"]))
            yield (
                f"five drifting systems of 320^2{name}, CG recycling {k} directions, against plain CG",
                ratio(seconds, "plain"),
                None,
                f"products {products}; plain {' '.join(map(str, found['plain']))}",
            )


class _Counted(spla.LinearOperator):
    """A matrix that counts its products."""

    def __init__(self, A):
        super().__init__(A.dtype, A.shape)
        self.A, self.products = A, 0

    def _matvec(self, x):
        self.products += 1
        return self.A @ x
