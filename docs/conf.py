"""Sphinx configuration."""

import sys
from pathlib import Path

import numsolve

project, author = "numsolve", "the numsolve developers"
copyright = "2026, " + author  # noqa: A001 - Sphinx's name
version = release = numsolve.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_gallery.gen_gallery",
]
sys.path.insert(0, str(Path(__file__).parent))
html_theme = "pydata_sphinx_theme"
html_title = "numsolve"
html_theme_options = {
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": False,
    "show_toc_level": 2,
}
html_sidebars = {"**": []}  # one flat list of pages stands in the header: a second one beside it says nothing
exclude_patterns = [
    "_build",
    "matrices_table.md",
    "krylov_table.md",
    "krylov_list.rst",
    "auto_examples/*.ipynb",
    "sg_execution_times.rst",
]
templates_path = ["_templates"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
myst_enable_extensions = ["dollarmath"]
autosummary_generate = ["api.rst", "krylov_list.rst"]
numpydoc_show_class_members = False
nitpicky = False
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": "/plot_",
    "download_all_examples": False,
    "show_memory": False,
    "abort_on_example_error": True,
}


def _doi(name, rawtext, text, lineno, inliner, options=None, content=None):  # noqa: ARG001 - docutils' interface
    from docutils import nodes

    return [nodes.reference(rawtext, f"doi:{text}", refuri=f"https://doi.org/{text}")], []


def _write_tables(app, config):  # noqa: ARG001 - Sphinx's interface
    """Write the table of methods and the list of the API page from the registry of methods."""
    from numsolve.krylov._registry import METHODS

    rows = [
        f"| [{m.name}](methods/{m.page}.md) | {m.suits} | {m.vectors} | {m.products} |"
        for m in METHODS.values()
    ]
    head = "| method | for | vectors kept | products per iteration |\n|---|---|---|---|\n"
    here = Path(app.srcdir)
    (here / "krylov_table.md").write_text(head + "\n".join(rows) + "\n")
    names = "\n".join(f"   krylov.{name}" for name in sorted(METHODS))
    directives = ".. currentmodule:: numsolve\n\n.. autosummary::\n   :toctree: api/generated\n\n"
    (here / "krylov_list.rst").write_text(f"{directives}{names}\n")


def _skip(app, what, name, member, skip, options):  # noqa: ARG001 - Sphinx's interface
    """Leave out the methods that scikit-learn adds to estimators: they refer to its own pages."""
    return True if name in ("set_fit_request", "set_score_request", "get_metadata_routing") else None


def setup(app):
    """Register the role ``:doi:``, and write the tables that come from the code."""
    app.connect("autodoc-skip-member", _skip)
    app.add_role("doi", _doi)
    app.connect("config-inited", _write_tables)
