"""The tables of facts that come with the package: numbers of others, each with its source in their README."""

import csv
from importlib.resources import files
from pathlib import Path


def table(name):
    """Return the rows of a table, such as "radial/atoms_lda", as dictionaries of text."""
    folder = files("numsolve") / "data"
    if not folder.is_dir():  # a clone, where they lie beside the package
        folder = Path(str(files("numsolve"))).parent / "data"
    with (folder / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))
