"""Whatever a public signature mentions can be imported from `sikoia_async` or a public module."""

import ast
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, ParamSpec, TypeVar

import pytest

import sikoia_async
from sikoia_async import stores, testing, types, webhooks

MADE_BY_THE_SDK = {"Batch", "EventFeed", "Pages", "Purchases", "Results", "Run"}
"""Classes that users do not create."""
IMPORTABLE = {*sikoia_async.__all__, *types.__all__, *webhooks.__all__, *stores.__all__}
CLASSES = {
    name: value
    for module in (sikoia_async, types, stores)
    for name, value in ((name, getattr(module, name)) for name in module.__all__)
    if inspect.isclass(value)
}


def functions(cls: type) -> Iterator[Callable[..., Any]]:
    """Yield the constructor of a class, its public methods, and the getters of its properties."""
    constructor = "" if cls.__name__ in MADE_BY_THE_SDK else "__init__"
    for name, member in vars(cls).items():
        getter = getattr(member, "fget", None) or getattr(member, "func", None)
        one = member if isinstance(member, FunctionType) else getter
        if isinstance(one, FunctionType) and (name == constructor or name[0] != "_"):
            yield inspect.unwrap(one)


def mentioned(annotation: Any) -> set[str]:
    """Return the names in an annotation."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    unqualified = re.sub(r"\b\w+\.", "", text)
    return {node.id for node in ast.walk(ast.parse(unqualified)) if isinstance(node, ast.Name)}


def ours(module: str) -> set[str]:
    """Return the names in a module that stand for something of this SDK, and no type variable."""
    source = inspect.getsource(sys.modules[module])
    found = set[str]()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module=str(origin), names=names) if origin.startswith("sikoia_"):
                found |= {one.name for one in names}
            case ast.ClassDef(name=name):
                found.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]):
                found.add(name)
            case _:
                pass
    variables = vars(sys.modules[module])
    return {
        name
        for name in found
        if not isinstance(variables.get(name), TypeVar | ParamSpec | ModuleType)
    }


@pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)
def test_the_types_in_signatures_can_be_imported(cls: type) -> None:
    """So that users can annotate their own functions with them."""
    missing = set[str]()
    for function in functions(cls):
        annotations = inspect.get_annotations(function).values()
        names = set[str]().union(*map(mentioned, annotations))
        missing |= (names & ours(function.__module__)) - IMPORTABLE

    assert missing == set()


def documented() -> Iterator[tuple[str, Any]]:
    """Yield what the reference and the test tools have, but the resources, by name."""
    pages = Path(__file__).parents[1] / "docs" / "pages"
    entries = [re.findall(r"(?m)^::: (\S+)$", one.read_text("utf-8")) for one in pages.glob("*.md")]
    names = {one for entry in entries for one in entry}
    names |= {f"sikoia_async.testing.{name}" for name in testing.__all__}
    for name in sorted(names):
        found = pkgutil.resolve_name(name)
        if isinstance(found, ModuleType):
            yield from ((f"{name}.{one}", getattr(found, one)) for one in found.__all__)
        else:
            yield name, found


BY_HTTPX = {"handle_async_request", "deliver_due"}
"""Methods that httpx calls, and one of the local Sikoia, which sends webhooks by httpx alone."""


@pytest.mark.parametrize(("name", "found"), list(documented()))
def test_no_signature_names_a_type_of_httpx(name: str, found: Any) -> None:
    """Transports and clients of other libraries are accepted in their place."""
    members: list[Any] = list(functions(found)) if inspect.isclass(found) else [found]
    annotations = [
        str(one)
        for member in members
        if callable(member) and getattr(member, "__name__", "") not in BY_HTTPX
        for one in getattr(member, "__annotations__", {}).values()
    ]

    assert not [one for one in annotations if "httpx" in one], name


@pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)
def test_no_signature_shows_the_address_of_an_object(cls: type) -> None:
    """A default has a repr that a reader understands."""
    for function in functions(cls):
        assert " object at 0x" not in str(inspect.signature(function)), function.__qualname__
