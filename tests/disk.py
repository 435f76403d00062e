"""Disks that are full or slow, by temporary files whose `write` is replaced."""

import tempfile
from collections.abc import Callable
from functools import partial
from typing import IO, Any

import pytest


def write_with(monkeypatch: pytest.MonkeyPatch, write: Callable[[IO[bytes], bytes], int]) -> None:
    """Let `write` write to every temporary file that is created from now on."""
    create: Callable[..., Any] = tempfile.NamedTemporaryFile

    def created(**options: Any) -> Any:
        file = create(**options)
        file.write = partial(write, file.file)
        return file

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", created)


def measured(most: list[int]) -> Callable[[IO[bytes], bytes], int]:
    """Return a `write` that keeps the size of the largest file in `most`."""

    def write(file: IO[bytes], content: bytes) -> int:
        written = file.write(content)
        most[0] = max(most[0], file.tell())
        return written

    return write


def full(*_: object) -> int:
    """Fail as on a full disk, with a message that must not be repeated."""
    raise OSError(28, "canary", "canary")
