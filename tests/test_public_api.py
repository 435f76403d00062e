"""What users import: it is there, documented, and cheap."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

import sikoia_async

SOURCE = Path(sikoia_async.__file__)
ALL = list(sikoia_async.__all__)
MODULES = [
    info.name
    for info in pkgutil.walk_packages(sikoia_async.__path__, "sikoia_async.")
    if not info.name.endswith("__main__") and ".sandbox" not in info.name
]
MEMBERS = (FunctionType, property, cached_property, classmethod, staticmethod)
PUBLIC = ["sikoia_async", *(name for name in MODULES if "._" not in name)]


def reexported() -> list[str]:
    """Read the names that type checkers see out of the source."""
    found = [
        alias
        for node in ast.walk(ast.parse(SOURCE.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("sikoia_async.")
        for alias in node.names
    ]
    assert all(alias.name == alias.asname for alias in found)
    return [alias.name for alias in found]


def documented(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield what a module offers, and the public methods and properties of its classes."""
    for name in getattr(module, "__all__", ()):
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            yield name, value
        if inspect.isclass(value) and value.__module__ == module.__name__:
            for member, one in vars(value).items():
                if not member.startswith("_") and isinstance(one, MEMBERS):
                    yield f"{name}.{member}", one


def test_the_lists_of_names_agree() -> None:
    """Whatever is listed is seen by type checkers, and the other way round; no name twice."""
    assert sorted(ALL) == sorted({*reexported()})
    assert len(ALL) == len(set(ALL))


@pytest.mark.parametrize("name", ALL)
def test_every_name_loads(name: str) -> None:
    """Each name is there, is found again at once, and is what its home calls so."""
    value = getattr(sikoia_async, name)

    assert vars(sikoia_async)[name] is value
    assert getattr(value, "__name__", name) == name


def test_a_star_import_takes_all_of_them() -> None:
    """`from sikoia_async import *` works, though names load late."""
    namespace: dict[str, Any] = {}

    exec("from sikoia_async import *", namespace)  # noqa: S102 - a star works at top level only

    assert set(ALL) <= namespace.keys()


def test_dir_tells_the_public_names() -> None:
    """Editors and shells offer what is public, loaded or not."""
    assert dir(sikoia_async) == sorted(ALL)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelt name fails in the usual words, so that `hasattr` works."""
    with pytest.raises(AttributeError, match="module 'sikoia_async' has no attribute 'Sikioa'"):
        _ = sikoia_async.Sikioa


def test_the_version_is_that_of_the_package() -> None:
    """The number in the code is the number that is installed."""
    assert sikoia_async.__version__ == version("sikoia-async")


@pytest.mark.parametrize("name", [name for name in PUBLIC if not name.endswith("resources")])
def test_public_modules_list_their_names(name: str) -> None:
    """A public module says what it offers, and offers it; each name once."""
    module = importlib.import_module(name)
    offered: list[str] = module.__all__

    assert [one for one in offered if not hasattr(module, one)] == []
    assert len(set(offered)) == len(offered)


@pytest.mark.parametrize("name", ["sikoia_async", *MODULES])
def test_what_is_offered_is_documented(name: str) -> None:
    """Each module, class, function, method and property has a docstring."""
    module = importlib.import_module(name)
    undocumented = [what for what, one in documented(module) if not inspect.getdoc(one)]

    assert module.__doc__
    assert undocumented == []


def test_documentation_covers_the_client() -> None:
    """The search above looks into classes."""
    from sikoia_async import _client  # noqa: PLC0415 - not at the cost of the other tests

    assert {"Sikoia", "Sikoia.request", "Sikoia.cases"} <= dict(documented(_client)).keys()


def loaded_by(statement: str) -> set[str]:
    """Return the modules that a statement loads in a new interpreter."""
    script = f"import sys; {statement}; print(*sys.modules)"
    command = [sys.executable, "-c", script]
    return set(subprocess.check_output(command, text=True, cwd=SOURCE.parents[1]).split())


def test_importing_is_cheap() -> None:
    """The package alone loads nothing that takes time; that comes with the first name."""
    loaded = loaded_by("import sikoia_async")

    assert loaded & {"httpx", "attrs", "attr", "asyncio", "anyio", "msgspec", "ssl"} == set()


def test_the_client_does_without_the_decoders() -> None:
    """What only answers need is loaded with the first answer."""
    loaded = loaded_by("from sikoia_async import Sikoia")

    assert "httpx" in loaded
    assert loaded & {"cattrs", "msgspec", "sikoia_async.resources.cases", "starlette"} == set()


def test_the_package_is_typed() -> None:
    """Type checkers find the marker that tells them to read the annotations."""
    assert SOURCE.with_name("py.typed").exists()
