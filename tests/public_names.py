"""The public names of the package: `python tests/public_names.py` rewrites the generated lists.

Names load lazily from a table in `sikoia_async/__init__.py`. Type checkers and editors cannot read
that table: they need imports and a literal `__all__`, which are generated from it. So is all of
`sikoia_async/types.py`, its table included, from the modules of resources.
"""

import inspect
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Final, Literal, cast, get_origin

import sikoia_async
import sikoia_async.resources

SOURCE: Final = Path(sikoia_async.__file__)
START: Final = "# Generated from the table below by tests/public_names.py: do not edit.\n"
END: Final = "# End of the generated part.\n"
TYPES: Final = SOURCE.with_name("types.py")
TYPES_START: Final = (
    "# Generated from the modules of resources by tests/public_names.py: do not edit.\n"
)
SHARED: Final = {
    "sikoia_async._calls.spend_limits": ("Period",),
    "sikoia_async._calls.urls": ("QueryValue",),
    "sikoia_async._errors": ("Reached",),
    "sikoia_async._files.reading": ("Readable",),
    "sikoia_async._rate_limit.quota": ("OnStoreFailure",),
    "sikoia_async._transport.adapters": ("HttpClient", "HttpTransport"),
    "sikoia_async.batch.file": ("OnConflict",),
    "sikoia_async.batch.items": ("FailedItem",),
    "sikoia_async.batch.progress": ("HoldsUp", "Progress", "Stopped"),
    "sikoia_async.batch.run": ("Run",),
    "sikoia_async.batch.stream": ("Results",),
    "sikoia_async.environments": ("EnvironmentName",),
    "sikoia_async.models": ("EntityType", "Open", "SourceCategory"),
    "sikoia_async.resources._picklists": ("OfficialAddress",),
    "sikoia_async.webhooks.deduplication": ("Outcome",),
    "sikoia_async.webhooks.replay": ("OnFailure",),
}
"""Other types that public signatures mention."""
_WIDTH: Final = 100


def generated(table: Mapping[str, Sequence[str]]) -> str:
    """Return the imports and `__all__` of a table, in the format of ruff."""
    names = ["__version__", *(name for names in table.values() for name in names)]
    return "".join(
        [
            "if TYPE_CHECKING:\n",
            *(_import(module, table[module]) for module in sorted(table)),
            "\n__all__ = [\n",
            *(f'    "{name}",\n' for name in _sorted(names)),
            "]\n",
        ]
    )


def table() -> Mapping[str, Sequence[str]]:
    """Return the table of names by module that the package loads them from."""
    return cast("Mapping[str, Sequence[str]]", vars(sikoia_async)["_LAZY"])


def current() -> str:
    """Return the generated part of the source as it is now."""
    return SOURCE.read_text("utf-8").partition(START)[2].partition(END)[0]


def types_table() -> dict[str, list[str]]:
    """Return the models and aliases of all resources, by the module that lists them first.

    Raises:
        ValueError: two modules have different types of one name.
    """
    found = dict[str, tuple[str, object]]()
    for name, module, value in _types():
        if found.setdefault(name, (module, value))[1] is not value:
            msg = f"{name} stands for two types: in {found[name][0]} and in {module}"
            raise ValueError(msg)
    table = dict[str, list[str]]()
    for name, (module, _) in found.items():
        table.setdefault(module, []).append(name)
    return {module: _sorted(table[module]) for module in sorted(table)}


def generated_types() -> str:
    """Return the generated part of `sikoia_async/types.py`."""
    names = types_table()
    imports = generated(names).replace('    "__version__",\n', "")
    lines = ["\n_LAZY: Final = {\n"]
    for module in names:
        if len(names[module]) == 1:
            lines += [f'    "{module}": ("{names[module][0]}",),\n']
        else:
            lines += [f'    "{module}": (\n', *(f'        "{name}",\n' for name in names[module])]
            lines += ["    ),\n"]
    return "".join([imports, *lines, "}\n"])


def current_types() -> str:
    """Return the generated part of `sikoia_async/types.py` as it is now."""
    return TYPES.read_text("utf-8").partition(TYPES_START)[2].partition(END)[0]


def _types() -> Iterator[tuple[str, str, object]]:
    """Yield the name, module and value of each type in the modules of resources."""
    for module, names in SHARED.items():
        yield from ((name, module, getattr(import_module(module), name)) for name in names)
    package = sikoia_async.resources
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if "._" not in info.name:
            listed = import_module(info.name)
            for name in listed.__all__:
                value: object = getattr(listed, name)
                if inspect.isclass(value) or get_origin(value) is Literal:
                    yield name, info.name, value


def _import(module: str, names: Sequence[str]) -> str:
    line = f"    from {module} import {', '.join(_imported(names))}\n"
    return line if len(line) <= _WIDTH + 1 else "".join(_parenthesised(module, names))


def _parenthesised(module: str, names: Sequence[str]) -> Iterator[str]:
    yield f"    from {module} import (\n"
    yield from (f"        {name},\n" for name in _imported(names))
    yield "    )\n"


def _sorted(names: Sequence[str]) -> list[str]:
    """Sort constants first, then classes, then functions, as ruff does."""
    return sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))


def _imported(names: Sequence[str]) -> list[str]:
    """Sort the same way, without regard to case, as ruff does in imports."""
    return sorted(
        _sorted(names), key=lambda name: (not name.isupper(), not name[0].isupper(), name.lower())
    )


def _rewrite(file: Path, start: str, content: str) -> None:
    before, _, rest = file.read_text("utf-8").partition(start)
    after = rest.partition(END)[2]
    file.write_text(f"{before}{start}{content}{END}{after}", "utf-8")


def main() -> None:
    """Rewrite the generated parts."""
    _rewrite(SOURCE, START, generated(table()))
    _rewrite(TYPES, TYPES_START, generated_types())


if __name__ == "__main__":
    main()
