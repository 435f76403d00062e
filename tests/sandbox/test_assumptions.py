"""The docs' table of assumptions states every switch of the local Sikoia, and no other."""

import ast
import re
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from sikoia_async.sandbox import Credentials, Rate, Time, Wire, create_app
from sikoia_async.sandbox.settings import Settings

_PAGE: Final = Path(__file__).parents[2] / "docs" / "pages" / "local.md"
_GROUPS: Final[dict[str, Any]] = {
    "Rate": Rate,
    "Time": Time,
    "Credentials": Credentials,
    "Wire": Wire,
}
_DOCUMENTED: Final = {
    # The limit is published.
    ("Rate", "requests_per_window"),
    ("Rate", "window"),
    # These make the local Sikoia reproducible, and assume nothing.
    ("Time", "speed"),
    ("Time", "epoch"),
    ("Time", "clock"),
    ("Credentials", "client_id"),
    ("Credentials", "client_secret"),
    ("Credentials", "api_key"),
    ("", "url"),
    ("", "seed"),
    ("", "scenarios"),
    *(("", name) for name in ("rate", "time", "credentials", "wire")),
}


def _rows() -> list[tuple[str, str, str]]:
    section = _PAGE.read_text(encoding="utf-8").partition("\n## Assumptions\n")[2]
    lines = section.partition("\n## ")[0].splitlines()
    rows = [tuple(map(str.strip, line.strip("|").split("|"))) for line in lines if line[:1] == "|"]
    assert all(len(row) == 3 for row in rows)
    return [(row[0], row[1], row[2]) for row in rows[2:]]


def _switches(option: str) -> dict[tuple[str, str], Any]:
    """Return the switches in the last cell of a row, with the values given for them."""
    found: dict[tuple[str, str], Any] = {}
    for code in re.findall(r"`([^`]+)`", option):
        call = ast.parse(code, mode="eval").body if "(" in code else None
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            for keyword in call.keywords:
                name = "" if call.func.id == "Sandbox" else call.func.id
                found[name, str(keyword.arg)] = ast.literal_eval(keyword.value)
    return found


ROWS: Final = _rows()


def test_every_switch_is_stated() -> None:
    """Once; and the table names no switch that does not exist."""
    stated = [switch for _, _, option in ROWS for switch in _switches(option)]
    fields = {(name, one.name) for name, group in _GROUPS.items() for one in attrs.fields(group)}
    settings = {("", field.name) for field in attrs.fields(Settings)}

    assert sorted(stated) == sorted((fields | settings) - _DOCUMENTED)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_switch_changes_the_assumption(row: tuple[str, str, str]) -> None:
    """An assumption without one says so. The value in the table is valid, and not the default."""
    what, here, option = row
    assert what
    assert here
    switches = _switches(option)
    assert switches or option == "none"
    for (name, field), value in switches.items():
        group = _GROUPS.get(name, Settings)
        assert value != getattr(group(), field)
        if name:
            create_app(**{name.lower(): group(**{field: value})})
        else:
            create_app(**{field: value})
