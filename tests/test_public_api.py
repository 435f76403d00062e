"""The public API: every name loads, is documented, and is cheap to import."""

import importlib
import inspect
import pickle
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import public_names
import pytest

import sikoia_async
from sikoia_async import types

SOURCE = Path(sikoia_async.__file__)
ALL = list(sikoia_async.__all__)
MODULES = [
    info.name
    for info in pkgutil.walk_packages(sikoia_async.__path__, "sikoia_async.")
    if not info.name.endswith("__main__") and ".sandbox" not in info.name
]
MEMBERS = (FunctionType, property, cached_property, classmethod, staticmethod)
PUBLIC = ["sikoia_async", *(name for name in MODULES if "._" not in name)]


def value_of(name: str) -> Any:
    """Return what a public name stands for."""
    return getattr(sikoia_async, name)


def documented(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield the classes and functions in `__all__`, and the public members of the classes."""
    for name in getattr(module, "__all__", ()):
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            yield name, value
        if inspect.isclass(value) and value.__module__ == module.__name__:
            for member, one in vars(value).items():
                if not member.startswith("_") and isinstance(one, MEMBERS):
                    yield f"{name}.{member}", one


def test_type_checkers_see_the_names_that_load() -> None:
    """The imports and `__all__` match the table of lazy names."""
    message = "run `python tests/public_names.py`"
    assert public_names.current() == public_names.generated(public_names.table()), message
    assert len(ALL) == len(set(ALL))
    assert public_names.current_types() == public_names.generated_types(), message


def test_all_models_and_aliases_are_in_one_module() -> None:
    """Under names of their own, and the same objects as in the modules of resources."""
    for module, names in public_names.types_table().items():
        for name in names:
            assert getattr(types, name) is getattr(importlib.import_module(module), name)
    assert dir(types) == sorted(types.__all__)
    assert len(types.__all__) == len(set(types.__all__)) > 150

    with pytest.raises(AttributeError, match=r"module 'sikoia_async.types' has no attribute"):
        _ = types.Caze


@pytest.mark.parametrize("name", ALL)
def test_every_name_loads(name: str) -> None:
    """It is kept in the module once it is loaded, and has the same name where it is defined."""
    value = getattr(sikoia_async, name)

    assert vars(sikoia_async)[name] is value
    if isinstance(value, type | FunctionType):
        assert value.__name__ == name


@pytest.mark.parametrize("name", [name for name in ALL if isinstance(value_of(name), type)])
def test_classes_can_be_pickled(name: str) -> None:
    """By the module that defines them, which another process can import."""
    cls = value_of(name)

    assert pickle.loads(pickle.dumps(cls)) is cls  # noqa: S301 - our own data


def test_a_star_import_loads_every_name() -> None:
    """`from sikoia_async import *` works although names load lazily."""
    namespace: dict[str, Any] = {}

    exec("from sikoia_async import *", namespace)  # noqa: S102 - a star works at top level only

    assert set(ALL) <= namespace.keys()


def test_dir_lists_the_public_names() -> None:
    """Shells complete public names, loaded or not."""
    assert dir(sikoia_async) == sorted(ALL)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelt name fails as in any module, so that `hasattr` works."""
    with pytest.raises(AttributeError, match="module 'sikoia_async' has no attribute 'Sikioa'"):
        _ = sikoia_async.Sikioa


def test_the_version_matches_the_installed_package() -> None:
    """`__version__` is the version in the metadata."""
    assert sikoia_async.__version__ == version("sikoia-async")


@pytest.mark.parametrize("name", [name for name in PUBLIC if not name.endswith("resources")])
def test_public_modules_list_their_names(name: str) -> None:
    """A public module has an `__all__` whose names exist, each listed once."""
    module = importlib.import_module(name)
    names: list[str] = module.__all__

    assert [one for one in names if not hasattr(module, one)] == []
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", ["sikoia_async", *MODULES])
def test_every_name_is_documented(name: str) -> None:
    """Every module, class, function, method and property has a docstring."""
    module = importlib.import_module(name)
    undocumented = [member for member, one in documented(module) if not inspect.getdoc(one)]

    assert module.__doc__
    assert undocumented == []


def test_documentation_is_checked_inside_classes() -> None:
    """The test above sees methods and properties."""
    from sikoia_async import _client  # noqa: PLC0415 - the other tests do not need it

    assert {"Sikoia", "Sikoia.request", "Sikoia.cases"} <= dict(documented(_client)).keys()


def loaded_by(statement: str) -> set[str]:
    """Return the modules that a statement loads in a fresh interpreter."""
    script = f"import sys; {statement}; print(*sys.modules)"
    command = [sys.executable, "-c", script]
    return set(subprocess.check_output(command, text=True, cwd=SOURCE.parents[1]).split())


def test_importing_is_cheap() -> None:
    """The package alone loads no dependency; that happens with the first name."""
    loaded = loaded_by("import sikoia_async")

    assert loaded & {"httpx", "attrs", "attr", "asyncio", "anyio", "msgspec", "ssl"} == set()


def test_types_load_when_they_are_used() -> None:
    """And with them nothing but the module of their resource."""
    nothing = loaded_by("import sikoia_async.types")
    users = loaded_by("from sikoia_async.types import User")

    assert nothing & {"httpx", "attrs", "attr", "asyncio", "anyio", "msgspec", "ssl"} == set()
    assert {
        one for one in users if one.startswith("sikoia_async.resources.") and "._" not in one
    } == {"sikoia_async.resources.users"}


def test_a_client_loads_what_calls_need_with_the_first_one() -> None:
    """Neither the class nor a new client does; and calls load no models but their own."""
    created = "from sikoia_async import Sikoia; sikoia = Sikoia('an-id', 'a-secret')"
    loaded = loaded_by(created)
    used = loaded_by(f"{created}; sikoia.with_options(retries=1)")

    heavy = {"httpx", "httpcore", "anyio", "asyncio", "ssl", "logging", "http.client"}
    assert loaded & heavy == set()
    assert "httpx" in used
    assert used & {"cattrs", "msgspec", "sikoia_async.resources.cases", "starlette"} == set()


def test_the_package_is_typed() -> None:
    """The marker for type checkers is in the package."""
    assert SOURCE.with_name("py.typed").exists()
