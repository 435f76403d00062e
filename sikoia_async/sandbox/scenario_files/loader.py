"""Reads scenarios and faults from TOML files: `[[scenario]]`, `[[fault]]`, `[[delivery_fault]]`.

The keys of a scenario are the fields of `Scenario`. The keys of a fault are the arguments of `add`,
or those of `inject` if the table has a `name`.
"""

import inspect
import os
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeGuard, cast, get_type_hints

import attrs

from sikoia_async.sandbox.faults.deliveries import DeliveryFaults
from sikoia_async.sandbox.faults.requests import Faults
from sikoia_async.sandbox.scenario_files.toml_lines import Lines, TomlError, parse
from sikoia_async.sandbox.scenarios.scenario import Scenario
from sikoia_async.sandbox.scenarios.scenarios import Scenarios
from sikoia_async.sandbox.scenarios.value_types import describe_type, is_of_type

__all__ = ["LoadedScenarios", "Source", "validate_sources"]

Source = str | os.PathLike[str]
"""The path of a file."""

_TABLES = ("scenario", "fault", "delivery_fault")
_FIELDS = [field.name for field in attrs.fields(Scenario) if field.name != "source"]


@attrs.frozen
class _File:
    """A file of valid TOML."""

    path: str
    lines: Lines

    def error(self, reason: str, *place: Any) -> ValueError:
        """Make an error that begins with the file and the line."""
        return ValueError(f"{self.at(*place)}: {reason}")

    def at(self, *place: Any) -> str:
        """Return the file and the line of a table or a key."""
        return f"{self.path}, line {self.lines.of(*place)}"


@attrs.frozen
class _Table:
    """A table in a file."""

    file: _File
    name: str
    index: int
    keys: dict[str, Any]

    def at(self) -> str:
        """Return the file and the line of the table."""
        return self.file.at(self.name, self.index)

    @contextmanager
    def errors_located(self) -> Generator[None]:
        """Add the file and the line to errors about this table."""
        try:
            yield
        except ValueError as exc:
            key = _key_of(str(exc), self.keys)
            raise self.file.error(str(exc), self.name, self.index, key) from exc

    def require_keys(self, known: Collection[str], required: Collection[str]) -> None:
        """Refuse unknown and missing keys.

        Raises:
            ValueError: A key is unknown, or a required one is missing.
        """
        for key in self.keys:
            if key not in known:
                raise self.file.error(_unknown("key", key, known), self.name, self.index, key)
        for key in required:
            if key not in self.keys:
                reason = f"a {self.name} needs {key}"
                raise self.file.error(reason, self.name, self.index)


@attrs.frozen
class LoadedScenarios:
    """The scenarios of a local Sikoia, and the faults in the files that some of them came from."""

    scenarios: Scenarios
    _faults: Sequence[_Table] = attrs.field(alias="faults")

    @classmethod
    def load(cls, sources: Sequence[Scenario | Source]) -> "LoadedScenarios":
        """Collect scenarios, reading those that are files.

        Raises:
            ValueError: A file is invalid, or two scenarios conflict.
            OSError: A file cannot be read.
        """
        scenarios: list[Scenario] = []
        faults: list[_Table] = []
        for source in sources:
            tables = [] if isinstance(source, Scenario) else _tables(source)
            scenarios.extend([source] if isinstance(source, Scenario) else ())
            scenarios.extend(_scenario(table) for table in tables if table.name == "scenario")
            faults.extend(table for table in tables if table.name != "scenario")
        return cls(Scenarios(scenarios), faults)

    def plan_faults(self, faults: Faults, delivery_faults: DeliveryFaults) -> None:
        """Add the faults of the files to the fault plans.

        Raises:
            ValueError: A fault is invalid.
        """
        for table in self._faults:
            plan = faults if table.name == "fault" else delivery_faults
            _plan_fault(table, plan.inject if "name" in table.keys else plan.add)


def validate_sources(sources: object) -> None:
    """Require a list; a single path would pass as a sequence of letters.

    Raises:
        ValueError: It is not a list, or has other items than scenarios and paths.
    """
    if not isinstance(sources, list | tuple) or not all(map(_is_source, cast("Any", sources))):
        msg = "scenarios: expected a list of scenarios and paths of files"
        raise ValueError(msg)


def _is_source(value: object) -> bool:
    return isinstance(value, (Scenario, str, os.PathLike))


def _tables(path: Source) -> list[_Table]:
    content = _read(path)
    try:
        document = parse(content)
    except TomlError as exc:
        msg = f"{path}, line {exc.line}: {exc}"
        raise ValueError(msg) from exc
    file = _File(str(path), Lines(content))
    return [table for name, value in document.items() for table in _tables_named(file, name, value)]


def _read(path: Source) -> str:
    """Read a file as UTF-8, with or without a byte order mark."""
    content = Path(path).read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
    msg = f"{path}, line {line}: not valid UTF-8"
    raise ValueError(msg)


def _tables_named(file: _File, name: str, value: Any) -> list[_Table]:
    if name not in _TABLES:
        raise file.error(_unknown("table", name, _TABLES), name, 0)
    if not _is_list(value) or not all(isinstance(one, dict) for one in value):
        reason = f"begin each {name} with [[{name}]]"
        raise file.error(reason, name, 0)
    return [_Table(file, name, index, keys) for index, keys in enumerate(value)]


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _scenario(table: _Table) -> Scenario:
    table.require_keys(_FIELDS, ["name"])
    with table.errors_located():
        return Scenario(**table.keys, source=table.at())


def _plan_fault(table: _Table, add: Callable[..., None]) -> None:
    parameters = inspect.signature(add).parameters
    required = [name for name, one in parameters.items() if one.default is one.empty]
    table.require_keys(parameters, required)
    annotations = get_type_hints(add)
    with table.errors_located():
        add(**{key: _argument(key, annotations[key], value) for key, value in table.keys.items()})


def _argument(name: str, annotation: Any, value: Any) -> Any:
    # TOML has no bytes, so they are written as strings.
    is_encoded = isinstance(value, str) and is_of_type(annotation, b"")
    argument = value.encode() if is_encoded else value
    if not is_of_type(annotation, argument):
        msg = f"{name}: expected {describe_type(annotation)}"
        raise ValueError(msg)
    return argument


def _key_of(message: str, keys: Collection[str]) -> str:
    """Return the key that a message is about: `status: …` or `unknown operation …`."""
    prefix, colon, _ = message.partition(":")
    if colon and prefix.isidentifier():
        return prefix
    words = message.partition("'")[0].split()
    # A fault is looked up by the key `name`.
    named = ("name" if word == "fault" else word for word in words)
    return next((word for word in named if word in keys), "")


def _unknown(kind: str, name: str, known: Collection[str]) -> str:
    closest = get_close_matches(name, known, cutoff=0)
    return f"unknown {kind} {name!r}; the closest are {', '.join(closest)}"
