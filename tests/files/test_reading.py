"""Files to upload: everything that can be read, within a limit."""

import base64
import io
import mmap
import tempfile
import tracemalloc
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.datastructures import UploadFile
from uploads import pieces, uploaded

from sikoia_async import ArgumentTypeError, ConfigurationError

pytestmark = pytest.mark.anyio


class _Upload:
    """Like the uploads of frameworks: a name from the browser, and a way to read."""

    filename = "from the browser.pdf"
    name = "/tmp/canary.tmp"  # noqa: S108 - never opened

    def __init__(self, *pieces: Any) -> None:
        self._pieces = list(pieces)

    def read(self, size: int = -1) -> Any:
        """Return the next piece."""
        assert size > 0
        return self._pieces.pop(0) if self._pieces else b""


class _AsyncUpload(_Upload):
    async def read(self, size: int = -1) -> Any:
        """Return the next piece, like anyio's and aiofiles' files."""
        await anyio.lowlevel.checkpoint()
        return super().read(size)


class _Whole:
    """Reads everything at once, like some parts of a multipart body."""

    async def read(self) -> bytes:
        """Return the whole content."""
        return b"%PDF"


class _Returning:
    """Looks like a sync file, and returns awaitables."""

    def __init__(self, *pieces: bytes) -> None:
        self._file = _AsyncUpload(*pieces)

    def read(self, size: int) -> Any:
        """Return an awaitable of the next piece."""
        return self._file.read(size)


def _temporary(kind: Any, content: Any = b"12%PDF", **options: Any) -> Any:
    file = kind(**options)
    file.write(content)
    file.seek(2)
    return file


_OPEN: dict[str, Callable[[Path], Any]] = {
    "open": lambda path: path.open("rb"),
    "unbuffered": lambda path: path.open("rb", buffering=0),
    "BytesIO": lambda _: io.BytesIO(b"%PDF"),
    "temporary file": lambda _: _temporary(tempfile.TemporaryFile),
    "named temporary file": lambda _: _temporary(tempfile.NamedTemporaryFile),
    "spooled temporary file": lambda _: _temporary(tempfile.SpooledTemporaryFile),
    "spooled to disk": lambda _: _temporary(tempfile.SpooledTemporaryFile, max_size=1),
    "mmap": lambda _: _temporary(mmap.mmap, fileno=-1, length=6),
    "UploadFile": lambda _: UploadFile(io.BytesIO(b"%PDF"), filename="b.pdf"),
    "the file of an UploadFile": lambda _: UploadFile(io.BytesIO(b"%PDF")).file,
    "a framework's upload": lambda _: _Upload(b"%P", bytearray(b"D"), memoryview(b"F")),
    "an async upload": lambda _: _AsyncUpload(b"%P", b"DF"),
    "all at once": lambda _: _Whole(),
    "awaitables": lambda _: _Returning(b"%P", b"DF"),
    "list": lambda _: [b"%P", b"", bytearray(b"DF")],
    "tuple": lambda _: (b"%PDF",),
    "generator": lambda _: (piece for piece in [b"%P", b"DF"]),
    "async generator": lambda _: pieces(b"%P", b"DF"),
}


@pytest.mark.parametrize("opened", _OPEN.values(), ids=_OPEN.keys())
async def test_open_files_and_iterables_are_read(
    opened: Callable[[Path], Any], tmp_path: Path
) -> None:
    """From where they are, and they stay open."""
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF")
    file = opened(path)

    body = await uploaded(file, file_name="a.pdf")

    assert base64.b64decode(body["file"]) == b"%PDF"
    if isinstance(file, UploadFile):
        await file.close()
    elif hasattr(file, "close"):
        assert not getattr(file, "closed", False)  # a generator has no such attribute
        file.close()


async def test_the_rest_of_a_file_is_read() -> None:
    """A caller may have read the beginning, for example to look at its type."""
    file = io.BytesIO(b"%PDF" + bytes(1 << 19))
    assert file.read(4) == b"%PDF"

    body = await uploaded(file, file_name="a.pdf")

    assert base64.b64decode(body["file"]) == bytes(1 << 19)
    with pytest.raises(ConfigurationError, match="is empty, or was already read to its end"):
        await uploaded(file, file_name="a.pdf")


async def test_async_files_are_read(tmp_path: Path) -> None:
    """Those of anyio, and under trio its own."""
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF")
    async with await anyio.open_file(path, "rb") as file:
        await file.seek(1)
        body = await uploaded(file)
    async with anyio.SpooledTemporaryFile() as spooled:
        await spooled.write(b"%PDF")
        await spooled.seek(0)
        assert (await uploaded(spooled, file_name="b.pdf"))["file"] == "JVBERg=="

    assert base64.b64decode(body["file"]) == b"PDF"
    assert body["file_name"] == "a.pdf"


async def test_an_open_file_has_a_name(tmp_path: Path) -> None:
    """A file's own is the last part of its path, an upload's the one from the browser."""
    path = tmp_path / "March 2025.pdf"
    path.write_bytes(b"%PDF")
    with path.open("rb") as file:
        assert (await uploaded(file))["file_name"] == "March 2025.pdf"

    assert (await uploaded(_Upload(b"x")))["display_name"] == "from the browser.pdf"
    upload = UploadFile(io.BytesIO(b"x"), filename="../canary.pdf")
    with pytest.raises(ConfigurationError, match="file_name: expected a name without folders"):
        await uploaded(upload)


def _text(path: Path, encoding: str) -> Any:
    options = {"mode": "w+", "dir": path.parent, "encoding": encoding}
    wrapped: Any = _temporary(tempfile.NamedTemporaryFile, "", **options)
    wrapped.file.buffer.write(b"\xff\xff")
    wrapped.seek(0)
    return wrapped


_UNREADABLE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "text": (lambda path: path.open(encoding="ascii"), "open it in binary mode, with 'rb'"),
    "temporary text": (lambda path: _text(path, "latin-1"), "open it in binary mode"),
    "undecodable text": (lambda path: _text(path, "ascii"), "open it in binary mode"),
    "open for writing": (lambda path: path.open("wb"), "cannot be read: is it open for reading"),
    "closed": (lambda path: _closed(path.open("rb")), "cannot be read: is it open for reading"),
    "broken": (lambda _: _raising(OSError(5, "canary", "canary")), "Input/output error"),
    "broken async": (lambda _: _raising_async(OSError(5, "canary", "canary")), "Input/output"),
    "None": (lambda _: _Upload(None), "whose read\\(\\) returns bytes"),
    "async None": (lambda _: _AsyncUpload(None), "whose read\\(\\) returns bytes"),
    "path of bytes": (lambda _: _BytesPath(), "a path of str, not of bytes"),
}


def _closed(file: Any) -> Any:
    file.close()
    return file


def _raising(error: Exception) -> Any:
    class Broken:
        def read(self, _: int) -> bytes:
            raise error

    return Broken()


def _raising_async(error: Exception) -> Any:
    class Broken:
        async def read(self, _: int) -> bytes:
            raise error

    return Broken()


class _BytesPath:
    def __fspath__(self) -> bytes:
        return b"canary.pdf"


@pytest.mark.parametrize(("opened", "message"), _UNREADABLE.values(), ids=_UNREADABLE.keys())
async def test_a_file_that_cannot_be_read_is_refused(
    opened: Callable[[Path], Any], message: str, tmp_path: Path
) -> None:
    """The message says what to do, and has no path."""
    path = tmp_path / "canary.pdf"
    path.touch()
    file = opened(path)

    with pytest.raises(ConfigurationError, match=message) as caught:
        await uploaded(file, file_name="a.pdf")

    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None
    if hasattr(file, "close"):
        file.close()


def _endless() -> Iterator[bytes]:
    for _ in range(1_000):  # 64 MB: more than the test allows, less than the machine has
        yield bytes(1 << 16)


class _Endless:
    def read(self, size: int) -> bytes:
        return bytes(size)


class _EndlessAsync:
    async def read(self, size: int) -> bytes:
        return bytes(size)


async def _endless_async() -> AsyncGenerator[bytes]:
    for piece in _endless():
        yield piece


def _sparse(path: Path) -> Path:
    with path.open("wb") as file:
        file.truncate(1 << 40)
    return path


_LARGE: dict[str, Callable[[Path], Any]] = {
    "bytes": lambda _: bytes((1 << 20) + 1),
    "memoryview": lambda _: memoryview(bytes(1 << 21)).cast("Q"),
    "path": _sparse,
    "file": lambda _: _Endless(),
    "async file": lambda _: _EndlessAsync(),
    "iterable": lambda _: _endless(),
    "async iterable": lambda _: _endless_async(),
}


@pytest.mark.parametrize("large", _LARGE.values(), ids=_LARGE.keys())
async def test_a_file_above_the_limit_is_not_read_to_its_end(
    large: Callable[[Path], Any], tmp_path: Path
) -> None:
    """It may come from a stranger, and is held in memory."""
    file = large(tmp_path / "a.pdf")
    tracemalloc.start()
    with pytest.raises(
        ConfigurationError, match=r"file: larger than 1,048,576 bytes, the max_file"
    ):
        await uploaded(file, file_name="a.pdf")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert most < 4 << 20
    if hasattr(file, "aclose"):
        await file.aclose()


async def test_a_file_of_exactly_the_limit_is_read() -> None:
    """The limit is the file's size, not that of its base64."""
    assert len((await uploaded(bytes(99), limit=99, file_name="a.pdf"))["file"]) == 132


async def test_a_file_that_grows_is_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of some systems do not know their size."""
    path = tmp_path / "a.pdf"
    path.touch()

    def read_bytes(_: Path) -> bytes:
        return bytes(100)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    with pytest.raises(ConfigurationError, match="larger than 99 bytes"):
        await uploaded(path, limit=99)


async def test_errors_of_the_callers_own_iterables_are_theirs() -> None:
    """Also if they look like the end of the time."""

    def failing() -> Iterator[bytes]:
        yield b"%PDF"
        raise TimeoutError(7)

    with pytest.raises(TimeoutError, match="7"):
        await uploaded(failing(), file_name="a.pdf")


async def test_a_stream_of_strings_is_refused() -> None:
    """Every piece must be bytes."""
    async with aclosing(pieces(b"x", "y")) as stream:
        with pytest.raises(ArgumentTypeError, match="yielded another type"):
            await uploaded(stream, file_name="a.pdf")
