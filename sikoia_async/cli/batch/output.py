"""The output of a batch: one JSON object a line, complete lines only, for its owner's eyes only."""

from __future__ import annotations

import json
import os
import stat
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from sikoia_async.batch.items import Note, hash_of
from sikoia_async.batch.results import Done, InDoubt
from sikoia_async.cli.batch.records import InputError
from sikoia_async.errors import CallError, SikoiaError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from sikoia_async.batch.items import ItemState
    from sikoia_async.batch.results import Failed
    from sikoia_async.cli.batch.input import Row

__all__ = ["Output", "message_of"]

_AT_ONCE: Final = 500
_GO_ON: Final = "what was bought is not lost: make it writable again, then run the same again"
_STATES: Final[dict[str, ItemState]] = {"done": "done", "failed": "failed", "in doubt": "doubt"}


class Output:
    """Writes results to a file, or to standard output.

    Args:
        path: the file; `-` for standard output.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: IO[bytes]
        if path == "-":
            self._file = sys.stdout.buffer
            return
        self._file = open(path, "ab", opener=_private)  # noqa: SIM115 - closed by `close`
        if not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
            self._file.close()
            msg = f"{self.name}: not a regular file"
            raise InputError(msg)
        Path(path).chmod(0o600)

    @property
    def name(self) -> str:
        """The name of the output in messages."""
        return "standard output" if self._path == "-" else Path(self._path).name

    def continue_from(
        self,
        position: int | None,
        *,
        is_new: bool,
        settle: Callable[[Sequence[Note]], None],
    ) -> None:
        """Continue an earlier run: note the lines that it has not noted, and cut a torn one.

        Args:
            position: how long the file was when items were last noted.
            is_new: whether the journal knows no item.
            settle: notes how items have ended.

        Raises:
            InputError: the file is not the output of this batch.
        """
        if self._path == "-":
            return
        size = os.fstat(self._file.fileno()).st_size
        if is_new and size:
            msg = f"{self.name}: exists, and is not the output of this journal; choose another file"
            raise InputError(msg)
        if size < (position or 0):
            msg = (
                f"{self.name}: shorter than when the journal was last written; restore the file, "
                "or begin with a new journal, which buys everything again"
            )
            raise InputError(msg)
        complete = position or 0
        notes = list[Note]()
        for line in self._lines(complete):
            note = _note_of(line)
            if note is None:
                break
            complete += len(line)
            notes.append(note)
            if len(notes) == _AT_ONCE:
                settle(notes)
                notes = []
        self._file.truncate(complete)
        settle(notes)

    def _lines(self, position: int) -> Iterator[bytes]:
        with Path(self._path).open("rb") as file:
            file.seek(position)
            yield from file

    def write(self, result: Done[Row, Any] | Failed[Row] | InDoubt[Row]) -> None:
        """Write a result.

        Raises:
            OSError: the file cannot be written.
        """
        with self._problems():
            self._file.write(_line(result).encode())

    def sync(self) -> int | None:
        """Write everything to the disk, and return how long the file is.

        Raises:
            OSError: the file cannot be written.
        """
        with self._problems():
            self._file.flush()
            if self._path == "-":
                return None
            os.fsync(self._file.fileno())
            return os.fstat(self._file.fileno()).st_size

    def close(self) -> None:
        """Close the file.

        Raises:
            OSError: it cannot be written.
        """
        if self._path != "-":
            with self._problems():
                self._file.close()

    @contextmanager
    def _problems(self) -> Generator[None]:
        """Say which file cannot be written, and how to go on."""
        try:
            yield
        except OSError as error:
            if self._path == "-":
                raise
            problem = f"{error.strerror}; {_GO_ON}"
            raise OSError(error.errno, problem, self.name) from None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _line(result: Done[Row, Any] | Failed[Row] | InDoubt[Row]) -> str:
    key = json.dumps(result.key)
    bought = json.dumps(list(result.bought))
    if isinstance(result, Done):
        value = result.value.to_json()
        return f'{{"key": {key}, "state": "done", "value": {value}, "bought": {bought}}}\n'
    state = "in doubt" if isinstance(result, InDoubt) else "failed"
    error: dict[str, Any] = {"type": type(result.error).__name__}
    error["message"] = message_of(result.error)
    if isinstance(result.error, CallError):
        error |= {"status": result.error.status, "correlation_id": result.error.correlation_id}
    fields = {"key": result.key, "state": state, "error": error, "bought": result.bought}
    return f"{json.dumps(fields)}\n"


def message_of(error: Exception) -> str:
    """Return the message of an error of the SDK; of any other, which may have values, its type."""
    return str(error) if isinstance(error, SikoiaError) else type(error).__name__


def _note_of(line: bytes) -> Note | None:
    """Return what a line says about its item; None if it is torn."""
    if not line.endswith(b"\n"):
        return None
    try:
        written: Any = json.loads(line)
        error: Any = written.get("error") or {}
        return Note(
            key=hash_of(written["key"]),
            state=_STATES[written["state"]],
            error=error.get("type"),
            status=error.get("status"),
            correlation_id=error.get("correlation_id"),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
