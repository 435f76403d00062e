"""Files on their way out: read off the event loop, and turned to base64 while they are sent.

The bytes of a file are kept, for a request may have to be sent again; its base64, a third longer,
and the JSON around it are never there as a whole.
"""

import os
import re
from binascii import b2a_base64
from collections.abc import AsyncIterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

import attrs
from anyio import to_thread

from sikoia_async._codec.encoder import dumps
from sikoia_async._errors import ArgumentTypeError, ConfigurationError

__all__ = ["Encoded", "File", "encoded"]

File = os.PathLike[str] | bytes | bytearray | memoryview | AsyncIterable[bytes]
"""A file to upload: its path, its bytes, or its bytes as they come."""

_FOREIGN: Final = re.compile(r"[/\\\x00-\x1f\x7f-\x9f]")
_PIECE: Final = 3 * 16 * 1024
"""Bytes that are encoded at a time; three of them make four signs, with nothing left over."""


@attrs.frozen(eq=False)
class Encoded:
    """A body of JSON with a file in it, made while it is sent."""

    _before: bytes = attrs.field(repr=False)
    _file: bytes | bytearray = attrs.field(repr=False)
    _after: bytes = attrs.field(repr=False)

    def __len__(self) -> int:
        return len(self._before) + (len(self._file) + 2) // 3 * 4 + len(self._after)

    def __iter__(self) -> Iterator[bytes]:
        yield self._before
        with memoryview(self._file) as file:
            for at in range(0, len(file), _PIECE):
                yield b2a_base64(file[at : at + _PIECE], newline=False)
        yield self._after


async def encoded(body: Mapping[str, Any]) -> Encoded:
    """Read the file of an upload, and name it where the caller did not.

    Args:
        body: the fields of the request; `file` is a `File`.

    Raises:
        ConfigurationError: the file cannot be read, or is empty, or has no name.
    """
    file, file_name = body["file"], body["file_name"]
    _check_kind(file)
    if file_name is None and isinstance(file, os.PathLike):
        file_name = Path(cast("os.PathLike[str]", file)).name
    display_name = file_name if body["display_name"] is None else body["display_name"]
    _check_names(file_name, display_name)
    names = {"file_name": file_name, "display_name": display_name}
    # First in the object, so that its place is known.
    text = dumps({"file": "", **{name: body[name] for name in body if name != "file"}, **names})
    at = text.index(b'""') + 1
    content = await _content(cast("File", file))
    if not content:
        msg = "file: it is empty"
        raise ConfigurationError(msg)
    return Encoded(text[:at], content, text[at:])


def _check_kind(file: object) -> None:
    if isinstance(file, str):
        msg = "file: a text is not taken for a path: give Path(...)"
        raise ArgumentTypeError(msg)
    if not isinstance(file, os.PathLike | bytes | bytearray | memoryview | AsyncIterable):
        msg = "file: give a Path, bytes, or an async iterable of bytes"
        raise ArgumentTypeError(msg)


def _check_names(file_name: object, display_name: object) -> None:
    if not isinstance(file_name, str):
        msg = "file_name: give the file's name; only a path brings one of its own"
        raise ConfigurationError(msg)
    if _FOREIGN.search(file_name):
        msg = "file_name: give a name without folders and control signs"
        raise ConfigurationError(msg)
    stem, _, extension = file_name.rpartition(".")
    if not stem or not extension:
        msg = "file_name: give a name with an extension, such as .pdf"
        raise ConfigurationError(msg)
    if not isinstance(display_name, str) or not display_name:
        msg = "display_name: give a text that is not empty"
        raise ConfigurationError(msg)


async def _content(file: File) -> bytes | bytearray:
    if isinstance(file, os.PathLike):
        content, problem = await to_thread.run_sync(_read, file)
        if problem:
            msg = f"file: {problem}"
            raise ConfigurationError(msg)
        return content
    if isinstance(file, AsyncIterable):
        return await _collected(file)
    return bytes(file)  # what nobody else can change while it is sent


def _read(path: os.PathLike[str]) -> tuple[bytes, str]:
    """Return what is in a file, and why that cannot be known."""
    try:
        if Path(path).is_file():
            return Path(path).read_bytes(), ""
        return b"", _unread(Path(path))
    except OSError as error:
        return b"", f"it cannot be read: {os.strerror(error.errno or 0)}"


def _unread(path: Path) -> str:
    if not path.exists():
        return "there is no such file"
    return "it is a folder" if path.is_dir() else "it is no regular file"


async def _collected(pieces: AsyncIterable[object]) -> bytearray:
    content = bytearray()
    async for piece in pieces:
        if not isinstance(piece, bytes | bytearray | memoryview):
            msg = "file: the iterable gave something else than bytes"
            raise ArgumentTypeError(msg)
        content += piece
    return content
