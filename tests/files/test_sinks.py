"""Where answers go: into memory within a limit, into a file that is whole or not there."""

import errno
import os
import threading
from pathlib import Path
from typing import IO, Any

import anyio
import pytest

from sikoia_async import ArgumentTypeError, ConfigurationError
from sikoia_async._files.sinks import FileSink, MemorySink, WorkbookSink
from sikoia_async._transport.body import BodyError, TooLargeError

pytestmark = pytest.mark.anyio


def names(folder: Path) -> list[str]:
    """Return what is in a folder."""
    return [file.name for file in folder.iterdir()]


async def test_memory_keeps_what_the_last_attempt_brought() -> None:
    """What came before a new start is void, and the limit counts anew."""
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


async def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    """Until the end there is what was there before, and afterwards nothing else than the file."""
    path = tmp_path / "a.pdf"
    path.write_bytes(b"before")

    with FileSink(path) as sink:
        await sink.open()
        await sink.start()
        await sink.take(b"void" * (1 << 18))
        await sink.take(b"void")
        await sink.start()
        await sink.take(bytes(1 << 18))
        await sink.take(b"end")
        assert path.read_bytes() == b"before"
        assert await sink.end() is None

    assert path.read_bytes() == bytes(1 << 18) + b"end"
    assert sink.size == (1 << 18) + 3
    assert names(tmp_path) == ["a.pdf"]
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_file_that_is_not_finished_leaves_nothing(tmp_path: Path) -> None:
    """Whatever ends the block, what was begun is removed."""
    with FileSink(str(tmp_path / "a.pdf")) as sink:
        await sink.open()
        await sink.start()
        await sink.take(bytes(1 << 19))
        assert len(names(tmp_path)) == 1

    assert names(tmp_path) == []


async def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """What it leads to is replaced."""
    (tmp_path / "a.pdf").touch()
    (tmp_path / "link.pdf").symlink_to("a.pdf")

    with FileSink(tmp_path / "link.pdf") as sink:
        await sink.open()
        await sink.start()
        await sink.take(b"new")
        await sink.end()

    assert (tmp_path / "link.pdf").is_symlink()
    assert (tmp_path / "a.pdf").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("canary/a.pdf", "its folder does not exist"),
        (".", "there is something that is no file"),
        (os.devnull, "there is something that is no file"),
        ("canary\0", "there can be no file: the path is none"),
        ("c" * 300, "there can be no file: File name too long"),
    ],
    ids=["no folder", "folder", "device", "no path", "long"],
)
async def test_where_no_file_can_be_is_refused(path: str, words: str, tmp_path: Path) -> None:
    """The words do not name the path, for it may tell whose file it is."""
    with (
        FileSink(tmp_path / path) as sink,
        pytest.raises(ConfigurationError, match=words) as caught,
    ):
        await sink.open()

    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None
    assert names(tmp_path) == []


@pytest.mark.parametrize("path", [None, 7, b"a.pdf"])
def test_what_is_no_path_is_refused(path: Any) -> None:
    """Whoever has no type checker hears of it here."""
    with pytest.raises(ArgumentTypeError, match="path: give the path"):
        FileSink(path)


def _full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "canary", "canary")


async def test_a_full_disk_is_the_sinks_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sink tells why, and no more is taken."""
    monkeypatch.setattr(FileSink, "_write", _full)
    with FileSink(tmp_path / "a.pdf") as sink:
        await sink.open()
        await sink.start()
        with pytest.raises(BodyError, match="cannot be written: No space left on device"):
            await sink.take(bytes(1 << 18))
        assert sink.failure == "the file cannot be written: No space left on device"
        assert await sink.end() == sink.failure

    assert names(tmp_path) == []


async def test_a_place_that_is_taken_meanwhile_is_the_sinks_fault(tmp_path: Path) -> None:
    """A folder that was made under the file's name stays."""
    with FileSink(tmp_path / "a.pdf") as sink:
        await sink.open()
        await sink.start()
        (tmp_path / "a.pdf").mkdir()
        assert "cannot be written" in str(await sink.end())

    assert names(tmp_path) == ["a.pdf"]


async def test_a_step_that_comes_late_does_nothing(tmp_path: Path) -> None:
    """A thread runs on when its caller is cancelled; what it finds is that the block was left."""
    early, late = FileSink(tmp_path / "a.pdf"), FileSink(tmp_path / "b.pdf")
    with early:
        await early.open()
    await early.start()
    await early.take(bytes(1 << 18))
    with late:
        pass
    await late.open()

    assert await early.end() is None
    assert names(tmp_path) == []


async def test_the_event_loop_runs_while_a_file_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow disk holds up the call that writes to it, and no other."""
    may_write = threading.Event()
    write = FileSink._write

    def slowly(sink: FileSink, file: IO[bytes]) -> None:
        assert may_write.wait(10)
        write(sink, file)

    monkeypatch.setattr(FileSink, "_write", slowly)
    with FileSink(tmp_path / "a.pdf") as sink:
        await sink.open()
        await sink.start()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sink.take, bytes(1 << 18))
            await anyio.sleep(0.01)
            may_write.set()
        await sink.end()

    assert (tmp_path / "a.pdf").stat().st_size == 1 << 18


async def test_a_workbook_is_taken_out_of_its_wrapping() -> None:
    """What is handed on is the workbook; what is none is refused at its end at the latest."""
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
