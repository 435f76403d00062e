"""Splits CSV and JSONL into records, with the numbers of their lines."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["BadRecord", "Format", "InputError", "Parser", "Record", "format_of"]

Format = Literal["csv", "jsonl"]

_DELIMITERS: Final = ",;\t"


class InputError(ValueError):
    """The input cannot be used at all. Nothing is bought."""


@attrs.frozen
class Record:
    """One row."""

    line: int
    """The number of its first line, from 1."""
    fields: dict[str, Any]


@attrs.frozen
class BadRecord:
    """A row that cannot be read."""

    line: int
    problem: str
    """Without a value."""


def format_of(first: str) -> Format:
    """Return the format of an input by its first line."""
    return "jsonl" if first.lstrip().startswith("{") else "csv"


class Parser:
    """Parses the lines of one input. Feed it all lines in order, then call `end`.

    Args:
        name: the name of the input in messages.
        format: its format; None to find out.
    """

    def __init__(self, name: str, format: Format | None = None) -> None:  # noqa: A002 - as the option
        self.columns: tuple[str, ...] | None = None
        """The names of the columns of a CSV file, once they have been read."""
        self._name = name
        self._format = format
        self._line = 0
        self._pending = ""
        self._begun_at = 0
        self._delimiter = ","

    def feed(self, line: str) -> Record | BadRecord | None:
        """Return the row that ends with this line, if one does.

        Raises:
            InputError: the first line is not a header.
        """
        self._line += 1
        if not line.strip() and not self._pending:
            return None
        if self._format is None:
            self._format = format_of(line)
        if self._format == "jsonl":
            return self._json(line)
        if not self._pending:
            self._begun_at = self._line
        self._pending += line
        if self._pending.count('"') % 2:  # a line break inside quotes
            return None
        text, self._pending = self._pending, ""
        return self._csv(text)

    def end(self) -> BadRecord | None:
        """Return the row that is not complete, if there is one.

        Raises:
            InputError: the input is empty.
        """
        if self._pending:
            return BadRecord(self._begun_at, "a quotation mark is not closed")
        if not self._line or self._format is None:
            msg = f"{self._name}: the input is empty"
            raise InputError(msg)
        return None

    def _json(self, line: str) -> Record | BadRecord:
        try:
            fields: object = json.loads(line)
        except json.JSONDecodeError as error:
            return BadRecord(self._line, f"column {error.colno}: not valid JSON")
        except RecursionError:
            return BadRecord(self._line, "not valid JSON")
        if not isinstance(fields, dict):
            return BadRecord(self._line, "expected a JSON object")
        return Record(self._line, fields)  # pyright: ignore[reportUnknownArgumentType] - JSON

    def _csv(self, text: str) -> Record | BadRecord | None:
        if self.columns is None:
            self._delimiter = max(_DELIMITERS, key=text.count)
            self.columns = self._header(text)
            return None
        try:
            (fields,) = csv.reader([text], delimiter=self._delimiter, strict=True)
        except (csv.Error, ValueError):
            return BadRecord(self._begun_at, "not valid CSV")
        if len(fields) != len(self.columns):
            return BadRecord(
                self._begun_at, f"{len(fields)} fields, but the header has {len(self.columns)}"
            )
        return Record(self._begun_at, dict(zip(self.columns, fields, strict=True)))

    def _header(self, text: str) -> tuple[str, ...]:
        try:
            (names,) = csv.reader([text], delimiter=self._delimiter, strict=True)
        except (csv.Error, ValueError):
            msg = f"{self._name}, line {self._begun_at}: the header is not valid CSV"
            raise InputError(msg) from None
        columns = tuple(name.strip() for name in names)
        for number, name in enumerate(columns, 1):
            if not name or name in columns[: number - 1]:
                problem = "has no name" if not name else "has the name of an earlier one"
                msg = f"{self._name}, line {self._begun_at}: column {number} {problem}"
                raise InputError(msg)
        return columns


def parse(lines: Iterable[str], parser: Parser) -> Iterator[Record | BadRecord]:
    """Iterate over the rows of an input."""
    for line in lines:
        record = parser.feed(line)
        if record is not None:
            yield record
    last = parser.end()
    if last is not None:
        yield last
