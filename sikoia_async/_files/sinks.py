"""Sinks that a response body is streamed into: memory, or a file.

A file is written under a temporary name in the same folder, and renamed once it is complete. Nobody
sees a partial file, and an existing file stays until it is replaced.
"""

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import IO, Final, Self

from anyio import to_thread

from sikoia_async._errors import ArgumentTypeError, ConfigurationError
from sikoia_async._files.workbook import Unpacker
from sikoia_async._transport.body import BodyError, BodyReader
from sikoia_async._transport.types import Sink

__all__ = ["FileSink", "MemorySink", "WorkbookSink"]

_BLOCK: Final = 1 << 18
"""Bytes per write. Each write runs in a worker thread, so they are not too small."""


class MemorySink:
    """Collects a body in memory, up to a limit."""

    failure: str | None = None

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._reader = BodyReader("", limit)

    async def start(self) -> None:
        """Discard the body of an earlier attempt."""
        self._reader = BodyReader("", self._limit)

    async def take(self, piece: bytes) -> None:
        """Add a piece.

        Raises:
            TooLargeError: the body exceeds the limit.
        """
        self._reader.feed(piece)

    async def end(self) -> None:
        """Do nothing: the body is complete in memory."""

    def whole(self) -> bytes:
        """Return the body."""
        return self._reader.whole()


class FileSink:
    """Writes a body to a file, in worker threads. Use it in a `with` block.

    A worker thread continues when asyncio cancels the task that waits for it. So each step takes a
    lock, and does nothing if the block was left in the meantime.

    Args:
        path: where the file goes.

    Raises:
        ArgumentTypeError: `path` is not a path.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.failure: str | None = None
        """Why the file could not be written."""
        self.size = 0
        """Bytes received so far."""
        self._path = _validate_path(path)
        self._lock = Lock()
        self._is_closed = False
        self._file: IO[bytes] | None = None
        self._buffer = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # On the event loop: removing a file is quick, and must not be cancelled.
        with self._lock:
            self._is_closed = True
            if self._file is not None:
                with suppress(OSError):
                    self._file.close()
                with suppress(OSError):
                    Path(self._file.name).unlink()

    async def open(self) -> None:
        """Create the temporary file, before anything is sent.

        Raises:
            ConfigurationError: a file cannot be written there.
        """
        problem = await to_thread.run_sync(self._open)
        if problem is not None:
            msg = f"path: {problem}"
            raise ConfigurationError(msg)

    async def start(self) -> None:
        """Discard the body of an earlier attempt."""
        self._buffer.clear()
        self.size = 0
        await self._run(self._truncate)

    async def take(self, piece: bytes) -> None:
        """Buffer a piece, and write the buffer once it is large enough."""
        self._buffer += piece
        self.size += len(piece)
        if len(self._buffer) >= _BLOCK:
            await self._run(self._flush)

    async def end(self) -> str | None:
        """Complete the file, and return why it failed, if it did."""
        with suppress(BodyError):
            await self._run(self._complete)
        return self.failure

    async def _run(self, step: Callable[[IO[bytes]], None]) -> None:
        self.failure = await to_thread.run_sync(self._locked, step)
        if self.failure is not None:
            raise BodyError(self.failure)

    def _locked(self, step: Callable[[IO[bytes]], None]) -> str | None:
        with self._lock:
            if self._file is None or self._is_closed:
                return None
            try:
                step(self._file)
            except OSError as error:
                return f"the file cannot be written: {_reason(error)}"
            return None

    def _open(self) -> str | None:
        with self._lock:
            if self._is_closed:
                return None
            try:
                # A symbolic link is kept: the file that it points to is replaced.
                self._path = self._path.resolve()
                if self._path.exists() and not self._path.is_file():
                    return "the path exists and is not a regular file"
                if not self._path.parent.is_dir():
                    return "the folder does not exist"
                # Readable by its owner only: it may contain personal data.
                self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - `__exit__` removes it
                    dir=self._path.parent, prefix=".sikoia-", suffix=".part", delete=False
                )
            except (OSError, ValueError, RuntimeError) as error:
                return f"the file cannot be created: {_reason(error)}"
            return None

    def _truncate(self, file: IO[bytes]) -> None:
        file.seek(0)
        file.truncate()

    def _flush(self, file: IO[bytes]) -> None:
        file.write(self._buffer)
        self._buffer.clear()

    def _complete(self, file: IO[bytes]) -> None:
        self._flush(file)
        file.close()
        Path(file.name).replace(self._path)
        self._file = None


class WorkbookSink:
    """Unpacks a workbook, and passes it on to another sink."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._unpacker = Unpacker()

    @property
    def failure(self) -> str | None:
        """Why the other sink failed."""
        return self._sink.failure

    async def start(self) -> None:
        """Discard the body of an earlier attempt."""
        self._unpacker = Unpacker()
        await self._sink.start()

    async def take(self, piece: bytes) -> None:
        """Unpack a piece and pass it on."""
        await self._sink.take(self._unpacker.feed(piece))

    async def end(self) -> str | None:
        """Complete the workbook, and return why it failed, if it did."""
        try:
            self._unpacker.end()
        except BodyError as error:
            return str(error)
        return await self._sink.end()


def _validate_path(path: str | os.PathLike[str]) -> Path:
    try:
        return Path(path)
    except TypeError:
        msg = "path: expected a string or a Path"
    raise ArgumentTypeError(msg)


def _reason(error: Exception) -> str:
    """Return the message of an error without the path, which may be personal data."""
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number else "the path is invalid"
