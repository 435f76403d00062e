"""Sinks that a response body is streamed into: memory, or a file.

A file is written under a temporary name in the same folder, and renamed once it is complete. Nobody
sees a partial file, and an existing file stays until it is replaced.
"""

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Lock, Thread
from typing import IO, Final, Self, cast

from anyio import CancelScope, sleep

from sikoia_async._errors import ArgumentError, ArgumentTypeError
from sikoia_async._files.threads import in_thread
from sikoia_async._files.workbook import Unpacker
from sikoia_async._settings.links import PlantedLinkError, follow_links
from sikoia_async._transport.body import BodyError, BodyReader, TooLargeError
from sikoia_async._transport.types import Sink

__all__ = ["FileSink", "MemorySink", "WorkbookSink"]

_BLOCK: Final = 1 << 18
"""Bytes per write. Each write runs in a worker thread, so they are not too small."""
_GRACE_POLLS: Final = 50
_GRACE_PAUSE: Final = 0.002
"""How often, and in seconds, the end of the block looks whether the temporary file is gone. A disk
that works needs no longer; for one that hangs nobody waits longer."""


class MemorySink:
    """Collects a body in memory, up to a limit."""

    failure: str | None = None

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._reader = BodyReader("", limit)

    async def open(self) -> None:
        """Do nothing: memory is always ready."""

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
    """Writes a body to a file, in worker threads. Use it in an `async with` block.

    A disk may hang, and then the thread that waits for it cannot be stopped. The block is left
    without waiting for it: each step notes whether a thread is at work. If one is, that thread
    removes the temporary file when it returns; otherwise the end of the block does.

    Args:
        path: where the file goes.
        limit: the maximum size of the file in bytes.

    Raises:
        ArgumentTypeError: `path` is not a path.
    """

    def __init__(self, path: str | os.PathLike[str], limit: int) -> None:
        self.failure: str | None = None
        """Why the file could not be written."""
        self.size = 0
        """Bytes received so far."""
        self._path = _validate_path(path)
        self._limit = limit
        self._lock = Lock()
        """Guards the two flags. It is never held during I/O, so the event loop may take it."""
        self._is_closed = False
        self._is_busy = False
        self._file: IO[bytes] | None = None
        self._buffer = bytearray()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        with self._lock:
            self._is_closed = True
            must_remove = not self._is_busy and self._file is not None
            self._is_busy |= must_remove
        if must_remove:
            # Not a worker thread of anyio: starting one can be cancelled.
            Thread(target=self._remove, daemon=True).start()
        with CancelScope(shield=True):
            for _ in range(_GRACE_POLLS):
                if not self._is_busy:
                    break
                await sleep(_GRACE_PAUSE)

    async def open(self) -> None:
        """Create the temporary file, before anything is sent.

        Raises:
            ArgumentError: a file cannot be written there.
        """
        problem = await in_thread(self._guarded, self._open)
        if problem is not None:
            msg = f"path: {problem}"
            raise ArgumentError(msg)

    async def start(self) -> None:
        """Discard the body of an earlier attempt."""
        self._buffer.clear()
        self.size = 0
        await self._run(self._truncate)

    async def take(self, piece: bytes) -> None:
        """Buffer a piece, and write the buffer once it is large enough.

        Raises:
            TooLargeError: the file exceeds the limit.
            BodyError: the file cannot be written.
        """
        if self.size + len(piece) > self._limit:
            msg = f"the file is larger than {self._limit:,} bytes; allow more with max_file=..."
            raise TooLargeError(msg)
        self._buffer += piece
        self.size += len(piece)
        if len(self._buffer) >= _BLOCK:
            await self._run(self._flush)

    async def end(self) -> str | None:
        """Complete the file, and return why it failed, if it did.

        If the disk hangs in the last step, the rename, the file appears although the call failed:
        it is complete.
        """
        with suppress(BodyError):
            await self._run(self._complete)
        return self.failure

    async def _run(self, step: Callable[[IO[bytes]], None]) -> None:
        self.failure = await in_thread(self._guarded, partial(self._write, step))
        if self.failure is not None:
            raise BodyError(self.failure)

    def _guarded(self, step: Callable[[], str | None]) -> str | None:
        """Take a step in a worker thread, unless the block was left; then remove what is left."""
        with self._lock:
            if self._is_closed:
                return None
            self._is_busy = True
        try:
            return step()
        finally:
            with self._lock:
                self._is_busy = self._is_closed
            if self._is_busy:
                self._remove()

    def _write(self, step: Callable[[IO[bytes]], None]) -> str | None:
        try:
            step(cast("IO[bytes]", self._file))
        except OSError as error:
            return f"the file cannot be written: {_reason(error)}"
        return None

    def _open(self) -> str | None:
        try:
            # A symbolic link is kept: the file that it points to is replaced.
            self._path = follow_links(self._path)
            if self._path.exists() and not self._path.is_file():
                return "the path exists and is not a regular file"
            if not self._path.parent.is_dir():
                return "the folder does not exist"
            # Readable by its owner only: it may contain personal data.
            self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - `_remove` closes it
                dir=self._path.parent, prefix=".sikoia-", suffix=".part", delete=False
            )
        except PlantedLinkError:
            return "a symbolic link in it belongs to another user, and is not followed"
        except (OSError, ValueError) as error:
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
        file.flush()
        os.fsync(file.fileno())  # otherwise a power failure may leave an empty file
        file.close()
        if not self._is_closed:  # the call has failed: its file must not replace a newer one
            Path(file.name).replace(self._path)
            self._file = None

    def _remove(self) -> None:
        """Remove the temporary file, if there is one."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()
            with suppress(OSError):
                Path(file.name).unlink()
        self._is_busy = False


class WorkbookSink:
    """Unpacks a workbook, and passes it on to another sink."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._unpacker = Unpacker()

    @property
    def failure(self) -> str | None:
        """Why the other sink failed."""
        return self._sink.failure

    async def open(self) -> None:
        """Prepare the other sink.

        Raises:
            ArgumentError: it cannot be used.
        """
        await self._sink.open()

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
