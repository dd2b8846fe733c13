"""Choose the methods and preconditioners that suit a matrix, in the order in which `solve` tries them."""

from typing import NamedTuple

# Unknowns, and n * bandwidth^2, up to which a factorisation was measured to be as fast as the best iterative
# method: for Hermitian matrices (CG with multigrid on 100^2 and 15^3 grids) and for others (GMRES).
DIRECT_SIZE = {True: 3_000, False: 20_000}
DIRECT_BAND_WORK = {True: 5e8, False: 1e10}
LARGEST_BAND_WORK = 1e12  # above it a factorisation would take minutes and fill the memory
PATIENCE = {"cg": 300}  # iterations after which the next choice is tried
PATIENCE_OTHERS = 600


class Choice(NamedTuple):
    """A method, a preconditioner (a name, an operator or None), and the reason."""

    method: str
    M: object
    why: str


def choices(traits, method, M, on_host):
    """Return the choices for a matrix of these `Traits`, the most suitable first."""
    known = traits.kind != "operator"
    maybe_definite = traits.hermitian and (traits.sign != 0 or not known)
    is_auto = isinstance(M, str) and M == "auto"
    if is_auto and method != "direct":
        M = _usual_preconditioner(traits, maybe_definite or method == "cg", on_host)
    why = traits.describe()
    # MINRES needs a definite preconditioner, and the inverse of an indefinite matrix is not definite.
    without_M = ("minres",) if is_auto and not maybe_definite else ()

    def with_M(name, why):
        return Choice(name, None if name in without_M else M, why)

    if method != "auto":
        return [with_M(method, f"as asked; {why}")]
    names = _iterative(traits, maybe_definite)
    if not (on_host and known):
        return [with_M(name, why) for name in names]
    if is_auto and _is_cheap_to_factorise(traits, maybe_definite):
        return [Choice("direct", None, f"{why}, cheap to factorise")]
    iterative = [
        with_M(name, f"{why}, {'expensive to factorise' if is_auto else 'M given'}") for name in names
    ]
    if is_auto and not traits.hermitian and M == "ilu0":
        iterative.append(Choice("gmres", "jacobi", "as a fallback"))
    factorisable = traits.n <= DIRECT_SIZE[False] or traits.band_work <= LARGEST_BAND_WORK
    factorisable = factorisable or traits.kind == "dense"
    last = (
        Choice("direct", None, "as a fallback") if factorisable else Choice("gmres", "ilu", "as a fallback")
    )
    return [iterative[0], last] if is_auto and traits.hermitian else [*iterative, last]


def _is_cheap_to_factorise(traits, maybe_definite):
    small = traits.n <= DIRECT_SIZE[maybe_definite] or traits.band_work <= DIRECT_BAND_WORK[maybe_definite]
    return traits.kind == "dense" or small


def _iterative(traits, maybe_definite):
    """Return the methods that suit the matrix, the most suitable first."""
    if not traits.hermitian:
        return ("gmres",)
    return ("cg", "gmres") if maybe_definite else ("minres", "gmres")


def _usual_preconditioner(traits, maybe_definite, on_host):
    """Return the name of the preconditioner that usually suits such a matrix, or None."""
    if traits.kind == "operator":
        return None
    if traits.kind == "sparse" and maybe_definite and traits.sign:
        return "amg"
    if traits.kind == "sparse" and not traits.zero_diagonal:
        return "ilu0"
    # SciPy's incomplete factorisation pivots, but took minutes on an irregular matrix of 50,000 rows.
    if traits.kind == "sparse" and on_host and traits.n <= DIRECT_SIZE[False]:
        return "ilu"
    return None if traits.zero_diagonal else "jacobi"
