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
exclude_patterns = ["_build", "matrices_table.md", "auto_examples/*.ipynb", "sg_execution_times.rst"]
templates_path = ["_templates"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
myst_enable_extensions = ["dollarmath"]
autosummary_generate = True
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


def setup(app):
    """Register the role ``:doi:``."""
    app.add_role("doi", _doi)
