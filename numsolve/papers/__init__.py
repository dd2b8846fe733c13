"""Papers and textbooks whose figures numsolve reproduces: one file each, all of the same form.

A paper's file defines

``TITLE``, ``REFERENCE``
    one line each, the second with a DOI;
``settings(full)``
    a dictionary: those of the source if `full`, else smaller ones that run in about a minute;
``run(settings, progress)``
    the experiment: a list of dictionaries, one a row of the table; `progress` wraps an iterable;
``plot(rows, axes)``
    the figure, and ``FIGURE`` its number of panels; or, for several figures, ``FIGURES``: such a function and
    number for each by name;
``claims(rows)``
    a list of `Claim`: what the source says, what we found, and whether it holds.
"""

import csv
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules


@dataclass(frozen=True)
class Claim:
    """A statement of the source, checked.

    Attributes
    ----------
    text : str
        What is claimed.
    published : str
        The value in the source.
    ours : str
        The value found here.
    holds : bool
        Whether they agree.
    why : str
        Where they differ: why.
    """

    text: str
    published: str
    ours: str
    holds: bool
    why: str = ""


def names():
    """Return the names of all papers."""
    return sorted(m.name for m in iter_modules(__path__) if not m.name.startswith("_"))


def load(name):
    """Return the module of a paper."""
    if name not in names():
        raise ValueError(f"no paper is named {name!r}; there are: {', '.join(names())}")
    return import_module(f"{__name__}.{name}")


def figures(paper):
    """Return the figures of a paper: by the end of their file's name, a function and a number of panels."""
    if not hasattr(paper, "FIGURES"):
        return {"": (paper.plot, paper.FIGURE)}
    return {f"_{name}": figure for name, figure in paper.FIGURES.items()}


def reproduce(name, *, full=False, folder=".", progress=iter):
    """Run a paper and write its table and figures.

    Parameters
    ----------
    name : str
        One of `names`.
    full : bool
        Run at the settings of the source.
    folder : path-like
        Where ``NAME.csv`` and ``NAME.png``, or for several figures ``NAME_FIGURE.png``, are written; made if
        missing.
    progress : callable
        Wraps the iterable of runs, as `tqdm.tqdm` does.

    Returns
    -------
    rows : list of dict
        The table.
    claims : list of Claim
        The statements of the source, checked.
    files : list of pathlib.Path
        What was written.
    """
    paper = load(name)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rows = paper.run(paper.settings(full), progress)
    files = [folder / f"{name}.csv"]
    with files[0].open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return rows, paper.claims(rows), files
    for end, (plot, panels) in figures(paper).items():
        figure = Figure(figsize=(4.6 * panels, 4.0), layout="constrained")
        plot(rows, figure.subplots(1, panels, squeeze=False)[0])
        files.append(folder / f"{name}{end}.png")
        figure.savefig(files[-1], dpi=150)
    return rows, paper.claims(rows), files
