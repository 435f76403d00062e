"""Scenarios and faults out of TOML files: `[[scenario]]`, `[[fault]]` and `[[delivery_fault]]`.

The keys of a scenario are the fields of `Scenario`, those of faults the arguments of `add`, and of
`inject` where a table has a `name`.
"""

import inspect
import os
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeGuard, get_type_hints

import attrs

from sikoia_async.sandbox.faults.deliveries import DeliveryFaults
from sikoia_async.sandbox.faults.requests import Faults
from sikoia_async.sandbox.scenarios.fitting import is_fit, wording
from sikoia_async.sandbox.scenarios.scenario import Scenario
from sikoia_async.sandbox.scenarios.scenarios import Scenarios
from sikoia_async.sandbox.scenarios.toml_lines import Places, UnreadableError, read

__all__ = ["Given", "Source"]

Source = str | os.PathLike[str]
"""Where a file is."""

_TABLES = ("scenario", "fault", "delivery_fault")
_FIELDS = [field.name for field in attrs.fields(Scenario) if field.name != "source"]


@attrs.frozen
class _File:
    """A file that could be read."""

    path: str
    places: Places

    def error(self, reason: str, *place: Any) -> ValueError:
        """Say where something is wrong, and what."""
        return ValueError(f"{self.at(*place)}: {reason}")

    def at(self, *place: Any) -> str:
        """Say where a table stands, or a key in it."""
        return f"{self.path}, line {self.places.line(*place)}"


@attrs.frozen
class _Table:
    """A table of a file."""

    file: _File
    name: str
    index: int
    keys: dict[str, Any]

    def at(self) -> str:
        """Say where it stands."""
        return self.file.at(self.name, self.index)

    @contextmanager
    def blamed(self) -> Generator[None]:
        """Say of what is wrong where it stands."""
        try:
            yield
        except ValueError as exc:
            place = self.name, self.index, _subject(str(exc))
            raise self.file.error(str(exc), *place) from exc

    def require_keys(self, known: Collection[str], needed: Collection[str]) -> None:
        """Refuse keys that nothing knows, and the lack of those that are needed.

        Raises:
            ValueError: There are some, or one is missing.
        """
        for key in self.keys:
            if key not in known:
                raise self.file.error(_unknown(key, known), self.name, self.index, key)
        for key in needed:
            if key not in self.keys:
                reason = f"a {self.name} needs {key}"
                raise self.file.error(reason, self.name, self.index)


@attrs.frozen
class Given:
    """What was given to a local Sikoia: scenarios, and faults in the files with them."""

    scenarios: Scenarios
    _faults: Sequence[_Table] = attrs.field(alias="faults")

    @classmethod
    def gathered(cls, given: Sequence[Scenario | Source]) -> "Given":
        """Read the files among what is given.

        Raises:
            ValueError: One of them is wrong, or does not go with another.
            OSError: A file cannot be read.
        """
        scenarios: list[Scenario] = []
        faults: list[_Table] = []
        for one in _listed(given):
            tables = [] if isinstance(one, Scenario) else _tables(one)
            scenarios.extend([one] if isinstance(one, Scenario) else ())
            scenarios.extend(_scenario(table) for table in tables if table.name == "scenario")
            faults.extend(table for table in tables if table.name != "scenario")
        return cls(Scenarios(scenarios), faults)

    def plan(self, faults: Faults, delivery_faults: DeliveryFaults) -> None:
        """Plan the faults.

        Raises:
            ValueError: One of them is wrong.
        """
        for table in self._faults:
            plan = faults if table.name == "fault" else delivery_faults
            _plan(table, plan.inject if "name" in table.keys else plan.add)


def _listed(given: Sequence[Scenario | Source]) -> Sequence[Scenario | Source]:
    """Return what is given, if it is a list; a path alone would be one of letters.

    Raises:
        ValueError: It is none, or holds something else.
    """
    if _is_one(given) or not all(map(_is_one, given)):
        msg = "scenarios: give a list, of scenarios and of the paths of files"
        raise ValueError(msg)
    return given


def _is_one(value: object) -> bool:
    return isinstance(value, (Scenario, str, os.PathLike))


def _tables(path: Source) -> list[_Table]:
    text = _text(path)
    try:
        said = read(text)
    except UnreadableError as exc:
        msg = f"{path}, line {exc.line}: {exc}"
        raise ValueError(msg) from exc
    file = _File(str(path), Places(text))
    return [table for name, tables in said.items() for table in _named(file, name, tables)]


def _text(path: Source) -> str:
    """Read a file; an editor may have put a mark at its beginning."""
    content = Path(path).read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
    msg = f"{path}, line {line}: this is not UTF-8"
    raise ValueError(msg)


def _named(file: _File, name: str, tables: Any) -> list[_Table]:
    if name not in _TABLES:
        raise file.error(_unknown(name, _TABLES), name, 0)
    if not _is_list(tables) or not all(isinstance(one, dict) for one in tables):
        reason = f"write [[{name}]] above the keys of each"
        raise file.error(reason, name, 0)
    return [_Table(file, name, index, keys) for index, keys in enumerate(tables)]


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _scenario(table: _Table) -> Scenario:
    table.require_keys(_FIELDS, ["name"])
    with table.blamed():
        return Scenario(**table.keys, source=table.at())


def _plan(table: _Table, put: Callable[..., None]) -> None:
    parameters = inspect.signature(put).parameters
    needed = [name for name, one in parameters.items() if one.default is one.empty]
    table.require_keys(parameters, needed)
    kinds = get_type_hints(put)
    with table.blamed():
        put(**{key: _argument(key, kinds[key], value) for key, value in table.keys.items()})


def _argument(name: str, kind: Any, value: Any) -> Any:
    # TOML has no bytes.
    given = value.encode() if isinstance(value, str) and is_fit(kind, b"") else value
    if not is_fit(kind, given):
        msg = f"{name}: give {wording(kind)}"
        raise ValueError(msg)
    return given


def _subject(complaint: str) -> str:
    """Tell which key a complaint is about: `status: …`, or `no operation is called …`."""
    word, colon, _ = complaint.partition(":")
    if colon and word.isidentifier():
        return word
    called = complaint.split()[1]
    return "name" if called == "fault" else called


def _unknown(name: str, known: Collection[str]) -> str:
    nearest = get_close_matches(name, known, cutoff=0)
    return f"nothing is called {name!r} here; the nearest are {', '.join(nearest)}"
