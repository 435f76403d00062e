"""Sinks for response bodies: memory with a limit, and files that are complete or absent."""

import os
import threading
from pathlib import Path
from typing import IO, Any

import anyio
import disk
import pytest

from sikoia_async import ArgumentTypeError, ConfigurationError
from sikoia_async._files.sinks import FileSink, MemorySink, WorkbookSink
from sikoia_async._transport.body import BodyError, TooLargeError

pytestmark = pytest.mark.anyio

_LIMIT = 1 << 24


def names(folder: Path) -> list[str]:
    """Return the names of the files in a folder."""
    return [file.name for file in folder.iterdir()]


async def test_memory_keeps_the_last_attempt_only() -> None:
    """A new start discards the body so far, and resets the limit."""
    sink = MemorySink(5)

    await sink.start()
    await sink.take(b"12345")
    await sink.start()
    await sink.take(b"ab")
    await sink.take(b"cde")
    await sink.end()

    assert sink.whole() == b"abcde"
    with pytest.raises(TooLargeError):
        await sink.take(b"f")


async def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    """Until then the old file stays; afterwards the temporary file is gone."""
    path = tmp_path / "a.pdf"
    path.write_bytes(b"old")

    async with FileSink(path, _LIMIT) as sink:
        await sink.open()
        await sink.start()
        await sink.take(b"discarded" * (1 << 18))
        await sink.take(b"discarded")
        await sink.start()
        await sink.take(bytes(1 << 18))
        await sink.take(b"end")
        assert path.read_bytes() == b"old"
        assert await sink.end() is None

    assert path.read_bytes() == bytes(1 << 18) + b"end"
    assert sink.size == (1 << 18) + 3
    assert names(tmp_path) == ["a.pdf"]
    assert path.stat().st_mode & 0o777 == 0o600


async def test_an_incomplete_file_is_removed(tmp_path: Path) -> None:
    """Leaving the block removes the temporary file."""
    async with FileSink(str(tmp_path / "a.pdf"), _LIMIT) as sink:
        await sink.open()
        await sink.start()
        await sink.take(bytes(1 << 19))
        assert len(names(tmp_path)) == 1

    assert names(tmp_path) == []


async def test_a_symbolic_link_is_kept(tmp_path: Path) -> None:
    """The file that it points to is replaced."""
    (tmp_path / "a.pdf").touch()
    (tmp_path / "link.pdf").symlink_to("a.pdf")

    async with FileSink(tmp_path / "link.pdf", _LIMIT) as sink:
        await sink.open()
        await sink.start()
        await sink.take(b"new")
        await sink.end()

    assert (tmp_path / "link.pdf").is_symlink()
    assert (tmp_path / "a.pdf").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("canary/a.pdf", "the folder does not exist"),
        (".", "the path exists and is not a regular file"),
        (os.devnull, "the path exists and is not a regular file"),
        ("canary\0", "the file cannot be created: the path is invalid"),
        ("c" * 300, "the file cannot be created: File name too long"),
    ],
    ids=["no folder", "folder", "device", "invalid path", "long"],
)
async def test_paths_that_cannot_be_written_are_refused(
    path: str, message: str, tmp_path: Path
) -> None:
    """The message does not contain the path, which may be personal data."""
    async with FileSink(tmp_path / path, _LIMIT) as sink:
        with pytest.raises(ConfigurationError, match=message) as caught:
            await sink.open()

    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None
    assert names(tmp_path) == []


@pytest.mark.parametrize("path", [None, 7, b"a.pdf"])
def test_other_types_are_not_paths(path: Any) -> None:
    """The type is checked when the sink is created."""
    with pytest.raises(ArgumentTypeError, match="path: expected a string or a Path"):
        FileSink(path, _LIMIT)


async def test_a_full_disk_fails_the_sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sink says why, and accepts no more pieces."""
    disk.write_with(monkeypatch, disk.full)
    async with FileSink(tmp_path / "a.pdf", _LIMIT) as sink:
        await sink.open()
        await sink.start()
        with pytest.raises(BodyError, match="cannot be written: No space left on device"):
            await sink.take(bytes(1 << 18))
        assert sink.failure == "the file cannot be written: No space left on device"
        assert await sink.end() == sink.failure

    assert names(tmp_path) == []


async def test_a_path_taken_in_the_meantime_fails_the_sink(tmp_path: Path) -> None:
    """A folder that was created under the name of the file stays."""
    async with FileSink(tmp_path / "a.pdf", _LIMIT) as sink:
        await sink.open()
        await sink.start()
        (tmp_path / "a.pdf").mkdir()
        assert "cannot be written" in str(await sink.end())

    assert names(tmp_path) == ["a.pdf"]


async def test_steps_after_the_block_do_nothing(tmp_path: Path) -> None:
    """A worker thread that continues after a cancellation finds the block closed."""
    early, late = FileSink(tmp_path / "a.pdf", _LIMIT), FileSink(tmp_path / "b.pdf", _LIMIT)
    async with early:
        await early.open()
    await early.start()
    await early.take(bytes(1 << 18))
    async with late:
        pass
    await late.open()

    assert await early.end() is None
    assert names(tmp_path) == []


async def test_a_slow_disk_does_not_block_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It delays the call that writes to it, and no other."""
    may_write = threading.Event()

    def slowly(file: IO[bytes], content: bytes) -> int:
        assert may_write.wait(10)
        return file.write(content)

    disk.write_with(monkeypatch, slowly)
    async with FileSink(tmp_path / "a.pdf", _LIMIT) as sink:
        await sink.open()
        await sink.start()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sink.take, bytes(1 << 18))
            await anyio.sleep(0.01)
            may_write.set()
        await sink.end()

    assert (tmp_path / "a.pdf").stat().st_size == 1 << 18


async def test_a_workbook_is_unpacked() -> None:
    """The other sink gets the workbook; an incomplete one fails at the end."""
    memory = MemorySink(100)
    sink = WorkbookSink(memory)

    await sink.start()
    await sink.take(b'"UEs')
    assert await sink.end() is not None
    await sink.start()
    await sink.take(b'"UEsDBHg="')

    assert await sink.end() is None
    assert memory.whole() == b"PK\x03\x04x"
    assert sink.failure is None
