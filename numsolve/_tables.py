"""The tables of published numbers that come with the package; a README beside each names its source."""

import csv
from importlib.resources import files
from pathlib import Path


def table(name):
    """Return the rows of a table, such as "radial/atoms_lda", as dictionaries of text."""
    folder = files("numsolve") / "data"
    if not folder.is_dir():  # a clone: the folder is beside the package
        folder = Path(str(files("numsolve"))).parent / "data"
    with (folder / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))
