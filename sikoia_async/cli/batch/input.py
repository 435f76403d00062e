"""The input of a batch: a file or standard input, decoded, checked, and turned into rows."""

from __future__ import annotations

import codecs
import os
import sqlite3
import stat
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import attrs

from sikoia_async.batch.items import hash_of, is_key
from sikoia_async.cli.batch.records import BadRecord, Format, InputError, Parser, Record, parse
from sikoia_async.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping

    from sikoia_async.cli.batch.operations import Arguments, BatchOperation

__all__ = ["Checked", "Input", "Row"]

_BOM: Final = codecs.BOM_UTF8
_OTHER_BOMS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CHUNK: Final = 65_536


@attrs.frozen
class Row:
    """A row that an operation can be made for."""

    line: int
    key: str
    arguments: Arguments


@attrs.frozen
class Checked:
    """What a look through the whole input has found."""

    rows: int
    left: int
    """Those of them that no earlier run has handled."""
    bad: tuple[BadRecord, ...]
    """The first rows that cannot be used."""
    bad_count: int
    unused: tuple[str, ...]
    """The columns of a CSV file that mean nothing."""


@attrs.frozen(kw_only=True)
class Input:
    """The input of a batch.

    Args:
        path: the file; `-` for standard input.
        operation: what is made for each row.
        renamed: columns that have another name than their parameter, and that parameter.
        key: the column with the key; None for the one that says what a row is about.
        format: the format; None to find out.
        encoding: the encoding; a byte order mark of UTF-8 is allowed.
    """

    path: str
    operation: BatchOperation
    renamed: Mapping[str, str]
    key: str | None
    format: Format | None
    encoding: str

    @property
    def name(self) -> str:
        """The name of the input in messages."""
        return "standard input" if self.path == "-" else Path(self.path).name

    @property
    def is_file(self) -> bool:
        """Whether it can be read twice, so that it can be checked before anything is bought."""
        return self.path != "-" or stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode)

    def check(self, is_skipped: Callable[[str], bool]) -> Checked:
        """Read the whole file, and check its rows and keys.

        Args:
            is_skipped: returns whether an earlier run has handled the row with a key.

        Raises:
            InputError: the file cannot be used; the message names line and column.
            OSError: it cannot be read.
        """
        rows, left, bad_count, bad = 0, 0, 0, list[BadRecord]()
        parser = self._parser()
        with closing(_Keys()) as keys:
            for one in self._checked(parse(self._lines(), parser), parser):
                if isinstance(one, BadRecord):
                    bad_count += 1
                    bad = [*bad, one] if len(bad) < _SHOWN else bad
                    continue
                rows += 1
                left += not is_skipped(one.key)
                if (earlier := keys.add(one.key, one.line)) is not None:
                    msg = (
                        f"{self.name}, line {one.line}, column {self._key_column(parser)}: the "
                        f"same key as line {earlier}; name a column of unique values with --key"
                    )
                    raise InputError(msg)
        known = {*self.operation.columns(), *self.renamed, *((self.key,) if self.key else ())}
        unused = tuple(name for name in parser.columns or () if name not in known)
        return Checked(rows, left, tuple(bad), bad_count, unused)

    def rows(self) -> Iterator[Row | BadRecord]:
        """Iterate over the rows of a file."""
        parser = self._parser()
        yield from self._checked(parse(self._lines(), parser), parser)

    async def arriving_rows(self) -> AsyncIterator[Row | BadRecord]:
        """Iterate over the rows of standard input as they arrive."""
        parser = self._parser()
        descriptor, pending, line = sys.stdin.fileno(), b"", 0
        while True:
            await anyio.wait_readable(descriptor)
            chunk = os.read(descriptor, _CHUNK)
            *complete, pending = (pending + chunk).split(b"\n")
            if not chunk and pending:
                complete, pending = [pending], b""
            for one in complete:
                line += 1
                record = parser.feed(self._decoded(one + b"\n", line))
                if record is not None:
                    for row in self._checked([record], parser):
                        yield row
            if not chunk:
                break
        if (last := parser.end()) is not None:
            yield last

    def _parser(self) -> Parser:
        return Parser(self.name, self.format)

    def _lines(self) -> Iterator[str]:
        is_stdin = self.path == "-"
        source = sys.stdin.fileno() if is_stdin else self.path
        with open(source, "rb", closefd=not is_stdin) as file:
            if is_stdin:
                file.seek(0)
            for number, line in enumerate(file, 1):
                yield self._decoded(line, number)

    def _decoded(self, line: bytes, number: int) -> str:
        if number == 1:
            if line.startswith(_OTHER_BOMS):
                msg = f"{self.name}, line 1, column 1: UTF-16; save the file as UTF-8"
                raise InputError(msg)
            line = line.removeprefix(_BOM)
        try:
            return line.decode(self.encoding)
        except UnicodeDecodeError as error:
            column = len(line[: error.start].decode(self.encoding, "replace")) + 1
            msg = (
                f"{self.name}, line {number}, column {column}: not valid {self.encoding}; save the "
                "file as UTF-8, or name its encoding, such as --encoding cp1252"
            )
            raise InputError(msg) from None

    def _checked(
        self, records: Iterable[Record | BadRecord], parser: Parser
    ) -> Iterator[Row | BadRecord]:
        are_columns_checked = False
        for record in records:
            if not are_columns_checked and parser.columns is not None:
                self._check_columns(parser.columns)
                are_columns_checked = True
            yield record if isinstance(record, BadRecord) else self._row(record)
        if not are_columns_checked and parser.columns is not None:
            self._check_columns(parser.columns)

    def _check_columns(self, columns: tuple[str, ...]) -> None:
        """Check that what is required is there.

        Raises:
            InputError: a column is missing.
        """
        given = [self.renamed.get(name, name) for name in columns]
        missing = [name for name in (*self.renamed, self.key) if name and name not in columns]
        if not any(name in given for name in self.operation.subjects):
            missing.append(self.operation.subjects[0])
        if missing:
            msg = (
                f"{self.name}, line 1: there is no column {missing[0]}; the columns are "
                f"{', '.join(columns)}; name another one with --map COLUMN=PARAMETER"
            )
            raise InputError(msg)

    def _row(self, record: Record) -> Row | BadRecord:
        fields = {self.renamed.get(name, name): one for name, one in record.fields.items()}
        try:
            arguments = self.operation.arguments(fields)
        except ArgumentError as error:
            column, _, problem = str(error).partition(": ")
            return BadRecord(record.line, f"column {self._source(column)}: {problem}")
        if self.key is not None:
            key: object = record.fields.get(self.key)
        else:
            key = getattr(arguments.subject, "id", arguments.subject)
        if not is_key(key):
            return BadRecord(record.line, f"column {self.key}: expected a key, as a string")
        return Row(record.line, key, arguments)

    def _source(self, parameter: str) -> str:
        """Return the column that a parameter comes from."""
        return next((one for one, name in self.renamed.items() if name == parameter), parameter)

    def _key_column(self, parser: Parser) -> str:
        if self.key is not None:
            return self.key
        columns = parser.columns or ()
        subjects = self.operation.subjects
        return next(
            (name for name in columns if self.renamed.get(name, name) in subjects), subjects[0]
        )


_SHOWN: Final = 20
"""How many bad rows are listed."""


class _Keys:
    """Finds keys that occur twice, in memory that does not grow with their number."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)  # a file that nobody sees
        self._database.execute("PRAGMA journal_mode=OFF")
        self._database.execute("CREATE TABLE keys (key BLOB PRIMARY KEY, line INT) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def add(self, key: str, line: int) -> int | None:
        """Add a key, and return the line that has it already, if one has."""
        digest = hash_of(key)
        added = self._database.execute("INSERT OR IGNORE INTO keys VALUES (?, ?)", (digest, line))
        if added.rowcount:
            return None
        row: Any = self._database.execute(
            "SELECT line FROM keys WHERE key = ?", (digest,)
        ).fetchone()
        return int(row[0])

    def close(self) -> None:
        """Forget all keys."""
        self._database.close()
