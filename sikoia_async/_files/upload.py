"""Uploads: a JSON body with a file in base64, encoded while it is sent.

The bytes of the file stay in memory, because the request may be retried. Their base64, which is a
third longer, is never in memory as a whole.
"""

from binascii import b2a_base64
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs
from anyio import move_on_after

from sikoia_async._codec.encoder import dumps
from sikoia_async._errors import ArgumentError
from sikoia_async._files.names import own_name, validate_names
from sikoia_async._files.reading import File, is_async, read_async, read_sync, validate_file
from sikoia_async._transport.stopwatch import Stopwatch

__all__ = ["File", "UploadBody", "upload_body"]

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


async def upload_body(
    body: Mapping[str, Any], watch: Stopwatch, seconds: float, limit: int
) -> UploadBody | None:
    """Return the request body of an upload, or None if the file could not be read in time.

    The file's own name is the default of both names.

    Args:
        body: the fields of the request; `file` is a `File`.
        watch: restarted once an async file or iterable was read, which is the caller's own code.
        seconds: the time that reading any other file may take.
        limit: the maximum size of the file in bytes.

    Raises:
        ArgumentTypeError: `file` has another type.
        ArgumentError: the file cannot be read, is empty or too large, or a name is missing or
            invalid.
    """
    file, file_name = body["file"], body["file_name"]
    validate_file(file)
    if file_name is None:
        file_name = own_name(file)
    display_name = file_name if body["display_name"] is None else body["display_name"]
    validate_names(file_name, display_name)
    names = {"file_name": file_name, "display_name": display_name}
    # The file comes first in the object, so that its position is known.
    json = dumps({"file": "", **{name: body[name] for name in body if name != "file"}, **names})
    position = json.index(b'""') + 1
    content: bytes | bytearray | None = None
    if is_async(file):
        content = await read_async(file, limit)
        watch.restart()
    else:
        with move_on_after(seconds):
            content = await read_sync(file, limit)
    if content is None:
        return None
    if not content:
        msg = "file: the file is empty"
        if hasattr(file, "read"):
            msg += ", or was already read to its end"
        raise ArgumentError(msg)
    return UploadBody(json[:position], content, json[position:])
