"""Reads a file to upload into memory, whatever it is, within a limit.

Sync files and iterables are read in worker threads, so that they do not block the event loop.
Async ones are read in the caller's task.
"""

import inspect
import io
import os
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar, cast

from sikoia_async._errors import ArgumentError, ArgumentTypeError
from sikoia_async._files.threads import in_thread

__all__ = ["File", "Readable", "is_async", "read_async", "read_sync", "validate_file"]


class Readable(Protocol):
    """A binary file that is open for reading, sync or async."""

    @property
    def read(self) -> Callable[..., bytes | Awaitable[bytes]]:
        """The method that returns the next bytes: at most as many as its argument says."""
        ...


File = (
    os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | Readable
    | Iterable[bytes]
    | AsyncIterable[bytes]
)
"""A file to upload: its path, its bytes, an open binary file, or an iterable of its bytes.

Files and iterables may be sync or async. A file is read from its current position, and stays open.
"""

T = TypeVar("T")

_BYTES: Final = (bytes, bytearray, memoryview)
_FILES: Final = (os.PathLike, *_BYTES, Iterable, AsyncIterable)
_UNORDERED: Final = (set, frozenset, Mapping, type)
"""Iterable, or with a method `read`, and yet not a file."""
_BLOCK: Final = 1 << 18
"""Bytes read at a time from a file that the caller opened."""
_EXPECTED: Final = "expected a Path, bytes, a binary file or an iterable of bytes"
_TEXT: Final = "file: the file is open in text mode; open it in binary mode, with 'rb'"
_NO_BYTES: Final = "file: expected a file of bytes, whose read() returns bytes"
_NO_PIECES: Final = "file: expected an iterable of bytes; it yielded another type"


def validate_file(file: object) -> None:
    """Check the type of a file.

    Raises:
        ArgumentTypeError: it cannot be a file.
    """
    is_file = callable(getattr(file, "read", None)) or isinstance(file, _FILES)
    if isinstance(file, str):
        msg = f"file: {_EXPECTED}; wrap a path in Path(...)"
    elif isinstance(file, os.PathLike) and isinstance(os.fspath(cast("Any", file)), bytes):
        msg = "file: expected a path of str, not of bytes"
    elif isinstance(file, io.TextIOBase):
        msg = _TEXT
    elif not is_file or isinstance(file, _UNORDERED):
        msg = f"file: {_EXPECTED}"
    else:
        return
    raise ArgumentTypeError(msg)


def is_async(file: Any) -> bool:
    """Return whether a file is read by the caller's own async code."""
    return isinstance(file, AsyncIterable) or inspect.iscoroutinefunction(
        getattr(file, "read", None)
    )


async def read_async(file: Any, limit: int) -> bytearray:
    """Read an async file or iterable.

    Raises:
        ArgumentTypeError: it does not consist of bytes.
        ArgumentError: it cannot be read, or is larger than the limit.
    """
    content = _Content(limit)
    if not hasattr(file, "read"):
        async for piece in file:
            content.add(piece, _NO_PIECES)
        return content.bytes
    size = _size(file.read)
    while content.add(await _awaited(file.read, size), _NO_BYTES) and size:
        pass
    return content.bytes


async def read_sync(file: Any, limit: int) -> bytes | bytearray:
    """Read any other file, in worker threads that a cancellation leaves behind.

    Raises:
        ArgumentTypeError: it does not consist of bytes.
        ArgumentError: it cannot be read, or is larger than the limit.
    """
    content = _Content(limit)
    if isinstance(file, _BYTES):
        whole = memoryview(cast("bytes", file))
        _validate_size(whole.nbytes, limit)
        return bytes(whole)  # a copy, which the caller cannot change while it is sent
    if isinstance(file, os.PathLike):
        return await _threaded(_read_path, cast("os.PathLike[str]", file), limit)
    if not hasattr(file, "read"):
        pieces = await in_thread(iter, file)
        while await in_thread(_add_block, content, pieces):
            pass
        return content.bytes
    size = _size(file.read)
    while content.add(await _next_piece(file.read, size), _NO_BYTES) and size:
        pass
    return content.bytes


class _Content:
    """Bytes that are collected up to a limit."""

    def __init__(self, limit: int) -> None:
        self.bytes = bytearray()
        self._limit = limit

    def add(self, piece: object, problem: str) -> bool:
        """Add a piece, and return whether it has any bytes.

        Raises:
            ArgumentTypeError: it is not bytes; the message is `problem`.
            ArgumentError: the file is larger than the limit.
        """
        if not isinstance(piece, _BYTES):
            is_text = isinstance(piece, str) and problem == _NO_BYTES
            raise ArgumentTypeError(_TEXT if is_text else problem)
        size = memoryview(cast("bytes", piece)).nbytes
        _validate_size(len(self.bytes) + size, self._limit)
        self.bytes += piece
        return size > 0


def _add_block(content: _Content, pieces: Iterator[object]) -> bool:
    """Add the next pieces, and return whether there may be more.

    Several pieces together, because each visit to a thread costs time.
    """
    start = len(content.bytes)
    for piece in pieces:
        content.add(piece, _NO_PIECES)
        if len(content.bytes) - start >= _BLOCK:
            return True
    return False


async def _awaited(read: Callable[..., Any], size: tuple[int, ...]) -> object:
    try:
        piece = read(*size)
        return await piece if inspect.isawaitable(piece) else piece
    except (OSError, ValueError) as error:
        problem = _unreadable(error)
    raise problem


async def _next_piece(read: Callable[..., object], size: tuple[int, ...]) -> object:
    # In a tuple: trio refuses functions that return coroutines.
    (piece,) = await _threaded(lambda: (read(*size),))
    if inspect.isawaitable(piece):  # an async file that does not look like one
        return await _awaited(lambda: piece, ())
    return piece


async def _threaded(function: Callable[..., T], *args: Any) -> T:
    """Call a function in a worker thread; its errors mean that the file is closed or broken."""
    try:
        return await in_thread(function, *args)
    except ArgumentError:
        raise
    except (OSError, ValueError) as error:
        problem = _unreadable(error)
    raise problem


def _size(read: Callable[..., Any]) -> tuple[int, ...]:
    """Return the arguments of a file's `read`: some return the whole file, and take no size."""
    try:
        inspect.signature(read).bind(_BLOCK)
    except TypeError:
        return ()
    except ValueError:  # written in C, without a signature
        pass
    return (_BLOCK,)


def _read_path(path: os.PathLike[str], limit: int) -> bytes:
    file = Path(path)
    if not file.is_file():
        msg = f"file: {_not_a_file(file)}"
        raise ArgumentError(msg)
    _validate_size(file.stat().st_size, limit)
    content = file.read_bytes()
    _validate_size(len(content), limit)  # it may have grown
    return content


def _not_a_file(path: Path) -> str:
    if not path.exists():
        return "the file does not exist"
    return "the path is a folder" if path.is_dir() else "the path is not a regular file"


def _validate_size(size: int, limit: int) -> None:
    if size > limit:
        msg = f"file: larger than {limit:,} bytes, the max_file of this client"
        raise ArgumentError(msg)


def _unreadable(error: OSError | ValueError) -> ArgumentError:
    """Return why a file cannot be read, without its path, which may be personal data."""
    if isinstance(error, UnicodeError):
        return ArgumentTypeError(_TEXT)
    number = error.errno if isinstance(error, OSError) else None
    reason = os.strerror(number) if number else "is it open for reading?"
    return ArgumentError(f"file: the file cannot be read: {reason}")
