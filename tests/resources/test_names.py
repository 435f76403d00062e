"""The names of models and values, over all resources."""

import ast
import inspect
import pkgutil
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from types import ModuleType
from typing import Any, get_args

import pytest

import sikoia_async.resources


def _modules(*, private: bool) -> Iterator[ModuleType]:
    package = sikoia_async.resources
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if private or "._" not in module.name:
            yield import_module(module.name)


def _aliases() -> Iterator[Any]:
    """Yield each alias of literal values, with its module and the docstring below it."""
    for module in _modules(private=True):
        for node, after in pairwise([*ast.parse(inspect.getsource(module)).body, ast.Pass()]):
            match node:
                case ast.Assign([ast.Name(name)], ast.Subscript(ast.Name("Literal"))):
                    docstring = after.value if isinstance(after, ast.Expr) else None
                    text = docstring.value if isinstance(docstring, ast.Constant) else ""
                    yield pytest.param(module, name, str(text), id=name)
                case _:
                    pass


@pytest.mark.parametrize(("module", "name", "docstring"), list(_aliases()))
def test_the_values_of_a_field_are_public_and_documented(
    module: ModuleType, name: str, docstring: str
) -> None:
    """Editors show the docstring of an alias, and do not show its values."""
    values = get_args(getattr(module, name))

    assert name in module.__all__
    if len(values) < 10:
        assert [one for one in values if f"`{one}`" not in " ".join(docstring.split())] == []
    assert docstring.endswith(".")


def test_no_two_models_or_values_have_the_same_name() -> None:
    """So all of them can be imported side by side."""
    found = defaultdict[str, set[int]](set)
    for module in _modules(private=False):
        for name in module.__all__:
            found[name].add(id(getattr(module, name)))

    assert len(found) > 150
    assert {name for name, objects in found.items() if len(objects) > 1} == set()
