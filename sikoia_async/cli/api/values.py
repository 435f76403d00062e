"""Reads arguments that are files or JSON. Errors never repeat a value."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import GenericAlias
from typing import Any, Final

from sikoia_async._export.restore import restore
from sikoia_async._schema import json, shapes
from sikoia_async.cli.batch.records import BadRecord, InputError, parse
from sikoia_async.cli.batch.records import Parser as RowParser
from sikoia_async.cli.kinds import is_list, is_object
from sikoia_async.cli.parser import nearest
from sikoia_async.errors import ArgumentError
from sikoia_async.models import Items

__all__ = ["contents", "models_in", "models_of"]


def contents(flag: str, value: str, newline: str | None = None) -> str:
    """Return the text of an argument: of `@file`, of standard input if it is `-`, or itself.

    Args:
        flag: the name of the argument in messages.
        value: the argument.
        newline: as for `open`; `""` keeps the line breaks of a file.

    Raises:
        ArgumentError: standard input, or the file, is not UTF-8.
        OSError: the file cannot be read.
    """
    try:
        if value == "-":
            return sys.stdin.read()
        if not value.startswith("@"):
            return value
        with Path(value[1:]).open(encoding="utf-8-sig", newline=newline) as file:
            return file.read()
    except UnicodeDecodeError:
        msg = f"{flag}: expected text in UTF-8"
    raise ArgumentError(msg)


def _json_of(flag: str, value: str) -> Any:
    """Return the JSON of an argument, with its exact numbers.

    Raises:
        ArgumentError: it is not JSON.
        OSError: the file cannot be read.
    """
    text = contents(flag, value)
    try:
        return json.read_patiently(text.encode(errors="surrogatepass"))
    except json.DecodeError:
        msg = (
            f"{flag}: expected JSON, @ and the name of a file of JSON or CSV, or - for standard "
            "input"
        )
    raise ArgumentError(msg)


def models_of(flag: str, value: str, kind: Any) -> list[Any]:
    """Return models from JSON text: from a list of objects, or a single object.

    Of a file whose name ends in `.csv`, each row is one; empty cells are left out.

    Raises:
        ArgumentError: the JSON does not fit, or has a field that the model does not have. The error
            names the fields.
        OSError: the file cannot be read.
    """
    is_csv = value.startswith("@") and value.lower().endswith(".csv")
    return models_in(flag, _rows_of(flag, value, kind) if is_csv else _json_of(flag, value), kind)


def _rows_of(flag: str, value: str, kind: Any) -> list[dict[str, Any]]:
    """Return the rows of a CSV file.

    Raises:
        ArgumentError: it is not CSV; the message names the line.
        OSError: the file cannot be read.
    """
    rows = list[dict[str, Any]]()
    switches = {
        field.name
        for model in shapes.options(shapes.shape_of(kind))
        if isinstance(model, shapes.Object)
        for field in model.fields
        if any(one.type is bool for one in shapes.options(field.shape))
    }
    # The csv module reads line breaks as `open` gives them; `splitlines` would split more.
    lines = io.StringIO(contents(flag, value, newline=""), newline="")
    try:
        for one in parse(lines, RowParser(Path(value).name, "csv")):
            if isinstance(one, BadRecord):
                msg = f"{flag}: line {one.line}: {one.problem}"
                raise ArgumentError(msg)
            cells = {name: cell for name, cell in one.fields.items() if cell != ""}
            for name in cells.keys() & switches:
                cells[name] = _BOOLEANS.get(cells[name].lower(), cells[name])
            rows.append(cells)
    except InputError as error:
        problem = str(error)
    else:
        return rows
    msg = f"{flag}: {problem}"
    raise ArgumentError(msg)


_BOOLEANS: Final = {"true": True, "false": False}


def models_in(flag: str, plain: Any, kind: Any) -> list[Any]:
    """Return models from JSON: from a list of objects, or a single object.

    Raises:
        ArgumentError: as with `models_of`.
    """
    rows = plain if is_list(plain) else [plain]
    shape = shapes.shape_of(kind)
    for number, row in enumerate(rows):
        _refuse_unknown(f"{flag}: [{number}]", row, shape)
    try:
        models: list[Any] = list(restore(rows, GenericAlias(Items, (kind,))))
    except ArgumentError as error:
        problem = str(error).partition(": ")[2]
    else:
        return models
    msg = f"{flag}: {problem}"
    raise ArgumentError(msg)


def _refuse_unknown(where: str, value: Any, shape: shapes.Shape) -> None:
    """Refuse fields that a model does not have: a misspelt one would not be sent."""
    (option, *_) = shapes.options(shape)
    if not isinstance(option, shapes.Object) or not is_object(value):
        return
    fields = {field.name: field.shape for field in option.fields}
    for name, part in value.items():
        if name not in fields:
            known = nearest(name, fields) or f"; the fields are {', '.join(fields)}"
            msg = f"{where}: has an unknown field{known}"
            raise ArgumentError(msg)
        _refuse_unknown(f"{where}.{name}", part, fields[name])
