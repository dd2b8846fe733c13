"""Papers and textbooks whose figures numsolve reproduces: one file each, all with the same names.

A paper's file defines

``TITLE``, ``REFERENCE``
    one line each, the second with a DOI;
``settings(full)``
    a dictionary: those of the source if `full`, else smaller ones that run in about a minute;
``run(settings, progress)``
    the experiment: a list of dictionaries, one a row of the table; `progress` wraps an iterable. Times are
    taken by `_timing`, which warms each curve up with its own arguments; the count of a run that ended at its
    limit is an `Interval`, not a number;
``plot(rows, axes)``
    the figure, and ``FIGURE``, its number of panels. A paper with several figures has ``FIGURES`` instead: a
    dictionary from the name of a figure to such a function and number;
``TIMED``
    the names of the figures that show times ("" if there is one figure): their caption says how busy the
    machine was. Missing if none does;
``claims(rows)``
    a list of `Claim`: what the source says, what was found here, and whether it holds.
"""

import csv
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from ._timing import LoadMeter, describe_load, is_busy

LOAD = "cores used by others"  # the column of the table


@dataclass(frozen=True)
class Claim:
    """A statement of the source, and whether it holds here.

    Attributes
    ----------
    text : str
        The statement.
    published : str
        The value in the source.
    ours : str
        The value found here.
    holds : bool
        Whether they agree.
    why : str
        The reason, where they differ.
    timed : bool
        Whether the claim rests on a time. If the machine was busy, `reproduce` adds that to `why`.
    """

    text: str
    published: str
    ours: str
    holds: bool
    why: str = ""
    timed: bool = False


def names():
    """Return the names of all papers, sorted."""
    return sorted(m.name for m in iter_modules(__path__) if not m.name.startswith("_"))


def load(name):
    """Return the module of a paper."""
    if name not in names():
        raise ValueError(f"no paper is named {name!r}; there are: {', '.join(names())}")
    return import_module(f"{__name__}.{name}")


def figures(paper):
    """Return a dictionary from the suffix of a figure's file name to its function and number of panels."""
    if not hasattr(paper, "FIGURES"):
        return {"": (paper.plot, paper.FIGURE)}
    return {f"_{name}": figure for name, figure in paper.FIGURES.items()}


def reproduce(name, *, full=False, folder=".", progress=iter):
    """Run a paper, check its claims, and write its table and figures.

    Parameters
    ----------
    name : str
        One of `names`.
    full : bool
        Whether to run with the settings of the source. Default: smaller settings.
    folder : path-like
        Where ``NAME.csv`` and ``NAME.png``, or for several figures ``NAME_FIGURE.png``, are written; created
        if missing.
    progress : callable
        Wraps the iterable of runs, as `tqdm.tqdm` does.

    Returns
    -------
    rows : list of dict
        The table. The column ``cores used by others`` (`LOAD`) holds the mean number of processors that other
        programs used meanwhile, or "unknown".
    claims : list of Claim
        The statements of the source, and whether they hold.
    files : list of pathlib.Path
        What was written; without matplotlib the table alone.

    Raises
    ------
    ValueError
        No paper has this name.
    OSError
        The folder cannot be written to.
    """
    paper = load(name)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    meter = LoadMeter()
    rows = paper.run(paper.settings(full), progress)
    cores = meter.cores()
    rows = [{**row, LOAD: "unknown" if cores is None else round(cores, 3)} for row in rows]
    claims = [_with_load(claim, cores) for claim in paper.claims(rows)]
    files = [folder / f"{name}.csv"]
    with files[0].open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    try:
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError:
        return rows, claims, files
    for end, (plot, panels) in figures(paper).items():
        figure = Figure(figsize=(4.6 * panels, 4.0), layout=ConstrainedLayoutEngine(w_pad=0.1))
        plot(rows, figure.subplots(1, panels, squeeze=False)[0])
        if end.removeprefix("_") in getattr(paper, "TIMED", ()):
            caption = f"times: each curve warmed up before; {describe_load(cores)}"
            figure.supxlabel(caption, fontsize=8, color="0.35")
        files.append(folder / f"{name}{end}.png")
        figure.savefig(files[-1], dpi=150)
    return rows, claims, files


def load_of(rows):
    """Return a phrase on the load that `reproduce` wrote into its table."""
    cores = rows[0][LOAD]
    return describe_load(None if cores == "unknown" else cores)


def _with_load(claim, cores):
    """Return a claim that says how busy the machine was, if it rests on a time and the machine was busy."""
    if not (claim.timed and is_busy(cores)):
        return claim
    reasons = [claim.why] if claim.why else []
    return replace(claim, why="; ".join([*reasons, f"times may be disturbed: {describe_load(cores)}"]))
