"""The registry of methods is complete, and every page that lists methods lists them all."""

import inspect
from pathlib import Path

import pytest

from numsolve import krylov
from numsolve._problem import ITERATIVE
from numsolve.krylov import _registry as registry

ROOT = Path(__file__).parents[2]
every_method = pytest.mark.parametrize("method", registry.METHODS.values(), ids=lambda m: m.name)


def test_every_public_function_that_solves_is_registered():
    functions = {name for name in krylov.__all__ if inspect.isfunction(getattr(krylov, name))}
    by_scipys_names = {"gcrotmk", "lgmres"}  # of `gcrodr`
    others = {"greedy_order", "solve_sequence", "write_dataset"}
    assert functions - set(registry.METHODS) == by_scipys_names | others


@every_method
def test_the_signature_is_what_the_registry_says(method):
    parameters = inspect.signature(method.solve).parameters
    assert list(parameters)[:3] == ["A", "b", "x0"]
    assert ("M" in parameters) == method.takes_M
    for name in ("rtol", "atol", "maxiter", "callback", "time_limit"):
        assert parameters[name].kind is inspect.Parameter.KEYWORD_ONLY


@every_method
def test_the_readme_and_a_page_name_it(method):
    assert f"`krylov.{method.name}`" in (ROOT / "README.md").read_text()
    page = (ROOT / "docs" / "methods" / f"{method.page}.md").read_text()
    assert f"krylov.{method.name}" in page


def test_solve_takes_every_method_that_can_be_started_from_a_system():
    assert set(ITERATIVE) == {"cg", "minres", "gmres", "fgmres", "bicgstab", "idrs"}
