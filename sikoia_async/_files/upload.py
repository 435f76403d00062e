"""Uploads: a JSON body with a file in base64, encoded while it is sent.

The bytes of the file stay in memory, because the request may be retried. Their base64, which is a
third longer, is never in memory as a whole.
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

__all__ = ["File", "UploadBody", "upload_body"]

File = os.PathLike[str] | bytes | bytearray | memoryview | AsyncIterable[bytes]
"""A file to upload: its path, its bytes, or an async iterable of its bytes."""

_UNSAFE: Final = re.compile(r"[/\\\x00-\x1f\x7f-\x9f]")
_PIECE: Final = 3 * 16 * 1024
"""Bytes encoded at a time: a multiple of three, so that no padding is needed in between."""


@attrs.frozen(eq=False)
class UploadBody:
    """A JSON body with a file in base64, encoded during iteration."""

    _before: bytes = attrs.field(repr=False)
    _file: bytes | bytearray = attrs.field(repr=False)
    _after: bytes = attrs.field(repr=False)

    def __len__(self) -> int:
        return len(self._before) + (len(self._file) + 2) // 3 * 4 + len(self._after)

    def __iter__(self) -> Iterator[bytes]:
        yield self._before
        with memoryview(self._file) as file:
            for start in range(0, len(file), _PIECE):
                yield b2a_base64(file[start : start + _PIECE], newline=False)
        yield self._after


async def upload_body(body: Mapping[str, Any]) -> UploadBody:
    """Return the request body of an upload; a path gives the file its name by default.

    Args:
        body: the fields of the request; `file` is a `File`.

    Raises:
        ArgumentTypeError: `file` has another type.
        ConfigurationError: the file cannot be read or is empty, or a name is missing or invalid.
    """
    file, file_name = body["file"], body["file_name"]
    _validate_file(file)
    if file_name is None and isinstance(file, os.PathLike):
        file_name = Path(cast("os.PathLike[str]", file)).name
    display_name = file_name if body["display_name"] is None else body["display_name"]
    _validate_names(file_name, display_name)
    names = {"file_name": file_name, "display_name": display_name}
    # The file comes first in the object, so that its position is known.
    json = dumps({"file": "", **{name: body[name] for name in body if name != "file"}, **names})
    position = json.index(b'""') + 1
    content = await _read(cast("File", file))
    if not content:
        msg = "file: the file is empty"
        raise ConfigurationError(msg)
    return UploadBody(json[:position], content, json[position:])


def _validate_file(file: object) -> None:
    if isinstance(file, str):
        msg = "file: expected a Path, bytes or an async iterable of bytes; wrap a path in Path(...)"
        raise ArgumentTypeError(msg)
    if not isinstance(file, os.PathLike | bytes | bytearray | memoryview | AsyncIterable):
        msg = "file: expected a Path, bytes or an async iterable of bytes"
        raise ArgumentTypeError(msg)


def _validate_names(file_name: object, display_name: object) -> None:
    if not isinstance(file_name, str):
        msg = "file_name: required, because only a Path has a name of its own"
        raise ConfigurationError(msg)
    if _UNSAFE.search(file_name):
        msg = "file_name: expected a name without folders and control characters"
        raise ConfigurationError(msg)
    stem, _, extension = file_name.rpartition(".")
    if not stem or not extension:
        msg = "file_name: expected a name with an extension, such as .pdf"
        raise ConfigurationError(msg)
    if not isinstance(display_name, str) or not display_name:
        msg = "display_name: expected a non-empty string"
        raise ConfigurationError(msg)


async def _read(file: File) -> bytes | bytearray:
    if isinstance(file, os.PathLike):
        content, problem = await to_thread.run_sync(_read_path, file)
        if problem:
            msg = f"file: {problem}"
            raise ConfigurationError(msg)
        return content
    if isinstance(file, AsyncIterable):
        return await _collect(file)
    return bytes(file)  # a copy, which the caller cannot change while it is sent


def _read_path(path: os.PathLike[str]) -> tuple[bytes, str]:
    """Return the bytes of a file, or the reason why it cannot be read."""
    try:
        if Path(path).is_file():
            return Path(path).read_bytes(), ""
        return b"", _not_a_file(Path(path))
    except OSError as error:
        return b"", f"the file cannot be read: {os.strerror(error.errno or 0)}"


def _not_a_file(path: Path) -> str:
    if not path.exists():
        return "the file does not exist"
    return "the path is a folder" if path.is_dir() else "the path is not a regular file"


async def _collect(pieces: AsyncIterable[object]) -> bytearray:
    content = bytearray()
    async for piece in pieces:
        if not isinstance(piece, bytes | bytearray | memoryview):
            msg = "file: expected an async iterable of bytes; it yielded another type"
            raise ArgumentTypeError(msg)
        content += piece
    return content
