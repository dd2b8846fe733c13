"""The distribution is called numsolve-kernels: the name of the import package belongs to another project."""

import re
import subprocess
from importlib.metadata import PackageNotFoundError, distribution, distributions
from pathlib import Path

import pytest

import numsolve

ROOT = Path(__file__).parents[1]
PACKAGE = Path(numsolve.__file__).parent
WRONG_ADVICE = re.compile(
    r"pip3? install [^#\n]*?['\" ]?(?<![\w./-])numsolve(?![\w-])"  # as a requirement of pip
    r"|(?<![\w./-])numsolve(==|>=|~=|\[[a-z])"  # with a version or an extra
    r"|(version|distribution|requires|metadata)\(['\"]numsolve['\"]\)"
)


def is_wrong(line):
    return WRONG_ADVICE.search(line) is not None


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("pip install NAME", True),
        ("pip install -U NAME  # NumPy, SciPy", True),
        ("run pip install 'NAME[plot]'", True),
        ('test = ["NAME[plot,hdf5]"]', True),
        ('"NAME>=0.1"', True),
        ('version("NAME")', True),
        ("pip install 'NAME-kernels[plot]'", False),
        ("pip install '.[plot]' && .venv/bin/NAME solve", False),
        ("python -m venv .venv && .venv/bin/pip install .  # then import NAME", False),
        ('seconds["NAME"]', False),
    ],
)
def test_the_search_finds_wrong_advice(line, wrong):
    assert is_wrong(line.replace("NAME", "numsolve")) == wrong


def test_no_file_names_the_other_distribution():
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone: the tracked files are unknown")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = []
    for name in listed.splitlines():
        try:
            lines = (ROOT / name).read_text().splitlines()
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):  # a picture, or deleted
            continue
        found += [f"{name}:{at}: {line.strip()}" for at, line in enumerate(lines, 1) if is_wrong(line)]
    assert not found, "\n".join(found)


def test_the_distribution_provides_the_package():
    try:
        ours = distribution("numsolve-kernels")
    except PackageNotFoundError:
        pytest.skip("numsolve-kernels is not installed: the package is imported from a folder")
    assert ours.version == numsolve.__version__
    assert {e.name: e.value for e in ours.entry_points} == {"numsolve": "numsolve.cli:main"}
    files = [Path(str(ours.locate_file(file))) for file in ours.files or []]
    editable = [Path(file.read_text().strip()) / "numsolve" for file in files if file.suffix == ".pth"]
    assert PACKAGE.resolve() in {path.resolve() for path in [*editable, *(file.parent for file in files)]}


def test_the_other_distribution_is_not_installed():
    names = {str(d.metadata["Name"]).lower() for d in distributions()}
    assert "numsolve" not in names
