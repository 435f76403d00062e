"""Where the body of an answer goes while it comes: into memory, or into a file that is whole.

A file is written beside its place, under a name of its own, and takes its place when it is whole.
Until then nobody sees a part of it, and what stood there before stays.
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
from sikoia_async._transport.exchange import Sink

__all__ = ["FileSink", "MemorySink", "WorkbookSink"]

_BLOCK: Final = 1 << 18
"""Bytes that are written at a time: each write is a journey to another thread."""


class MemorySink:
    """Keeps a body in memory, within a limit."""

    failure: str | None = None

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._reader = BodyReader("", limit)

    async def start(self) -> None:
        """Forget what an earlier attempt brought."""
        self._reader = BodyReader("", self._limit)

    async def take(self, piece: bytes) -> None:
        """Keep a piece, if there is room."""
        self._reader.feed(piece)

    async def end(self) -> None:
        """Nothing is left to be done."""

    def whole(self) -> bytes:
        """Return the body."""
        return self._reader.whole()


class FileSink:
    """Writes a body to a file, off the event loop; to be used in a `with` block.

    What runs in a thread runs on when its caller is cancelled by asyncio's own means. So each step
    holds the lock, and finds out there whether the block was left meanwhile.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.failure: str | None = None
        self.size = 0
        self._path = _path(path)
        self._lock = Lock()
        self._left = False
        self._file: IO[bytes] | None = None
        self._waiting = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Here and now, in no thread: to remove a file is quick, and must not fail to happen.
        with self._lock:
            self._left = True
            if self._file is not None:
                with suppress(OSError):
                    self._file.close()
                with suppress(OSError):
                    Path(self._file.name).unlink()

    async def open(self) -> None:
        """Make sure that the file can be written, before anything is sent.

        Raises:
            ConfigurationError: it cannot.
        """
        problem = await to_thread.run_sync(self._open)
        if problem is not None:
            msg = f"path: {problem}"
            raise ConfigurationError(msg)

    async def start(self) -> None:
        """Forget what an earlier attempt brought."""
        self._waiting.clear()
        self.size = 0
        await self._run(self._truncate)

    async def take(self, piece: bytes) -> None:
        """Write a piece, together with others."""
        self._waiting += piece
        self.size += len(piece)
        if len(self._waiting) >= _BLOCK:
            await self._run(self._write)

    async def end(self) -> str | None:
        """Put the file in its place."""
        with suppress(BodyError):
            await self._run(self._finish)
        return self.failure

    async def _run(self, step: Callable[[IO[bytes]], None]) -> None:
        self.failure = await to_thread.run_sync(self._locked, step)
        if self.failure is not None:
            raise BodyError(self.failure)

    def _locked(self, step: Callable[[IO[bytes]], None]) -> str | None:
        with self._lock:
            if self._file is None or self._left:
                return None
            try:
                step(self._file)
            except OSError as error:
                return f"the file cannot be written: {_words(error)}"
            return None

    def _open(self) -> str | None:
        with self._lock:
            if self._left:
                return None
            try:
                # A link stays a link, and what it leads to is replaced.
                self._path = self._path.resolve()
                if self._path.exists() and not self._path.is_file():
                    return "there is something that is no file"
                if not self._path.parent.is_dir():
                    return "its folder does not exist"
                # For its owner alone: what comes may be personal.
                self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - `__exit__` removes it
                    dir=self._path.parent, prefix=".sikoia-", suffix=".part", delete=False
                )
            except (OSError, ValueError, RuntimeError) as error:
                return f"there can be no file: {_words(error)}"
            return None

    def _truncate(self, file: IO[bytes]) -> None:
        file.seek(0)
        file.truncate()

    def _write(self, file: IO[bytes]) -> None:
        file.write(self._waiting)
        self._waiting.clear()

    def _finish(self, file: IO[bytes]) -> None:
        self._write(file)
        file.close()
        Path(file.name).replace(self._path)
        self._file = None


class WorkbookSink:
    """Takes the workbook out of what it comes in, and hands it on."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._unpacker = Unpacker()

    @property
    def failure(self) -> str | None:
        """Why the sink behind this one failed."""
        return self._sink.failure

    async def start(self) -> None:
        """Forget what an earlier attempt brought."""
        self._unpacker = Unpacker()
        await self._sink.start()

    async def take(self, piece: bytes) -> None:
        """Hand on what a piece is worth."""
        await self._sink.take(self._unpacker.feed(piece))

    async def end(self) -> str | None:
        """Tell whether there was a workbook, and hand on that it is whole."""
        try:
            self._unpacker.end()
        except BodyError as error:
            return str(error)
        return await self._sink.end()


def _path(given: str | os.PathLike[str]) -> Path:
    try:
        return Path(given)
    except TypeError:
        msg = "path: give the path of a file, as text or as a Path"
    raise ArgumentTypeError(msg)


def _words(error: Exception) -> str:
    """Say what happened without the path: it may tell whose file it is."""
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number else "the path is none"
