"""Disks that hang: calls end in time, and the thread that is left behind cleans up."""

import os
import tempfile
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
from faults import Peer, answer, client, serve

from sikoia_async import DeadlineExceededError, Sikoia
from sikoia_async.models import Entity

pytestmark = pytest.mark.anyio

_LINK: Final = "/a.pdf?sig=x"
_CASE: Final = Entity("case", "c-1")
_BOOK: Final = b"PK\x03\x04" + bytes(1 << 19)
_LONG: Final = 30
_SHORT: Final = 0.5


class _Disk:
    """Hangs in one function of the operating system until it is released."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.released = threading.Event()

    def hang(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with the hang before it."""

        def slow(*args: Any, **options: Any) -> Any:
            self.reached.set()
            assert self.released.wait(_LONG)
            return function(*args, **options)

        return slow


def _hang_in(step: str, disk: _Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    if step == "open":
        create = tempfile.NamedTemporaryFile
        monkeypatch.setattr(tempfile, "NamedTemporaryFile", disk.hang(create))
    elif step == "write":
        create_file: Callable[..., Any] = tempfile.NamedTemporaryFile

        def created(**options: Any) -> Any:
            file = create_file(**options)
            file.write = disk.hang(file.file.write)
            return file

        monkeypatch.setattr(tempfile, "NamedTemporaryFile", created)
    elif step == "fsync":
        monkeypatch.setattr(os, "fsync", disk.hang(os.fsync))
    elif step == "rename":
        monkeypatch.setattr(Path, "replace", disk.hang(Path.replace))
    else:
        monkeypatch.setattr(Path, "unlink", disk.hang(Path.unlink))


@asynccontextmanager
async def _server() -> AsyncGenerator[tuple[Sikoia, str]]:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(body=_BOOK))

    async with serve(script) as server, client(server.url) as sikoia:
        yield sikoia, server.url


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def _empty(folder: Path) -> None:
    with anyio.fail_after(_LONG):
        while _files(folder):  # noqa: ASYNC110 - a folder has no event
            await anyio.sleep(0.005)


async def _save(sikoia: Sikoia, url: str, method: str, path: Path) -> None:
    if method == "save":
        await sikoia.save(url + _LINK, path)
    else:
        await sikoia.reports.save_excel(_CASE, path)


both_methods = pytest.mark.parametrize("method", ["save", "save_excel"])
every_step = pytest.mark.parametrize("step", ["open", "write", "fsync"])


@both_methods
@every_step
async def test_the_deadline_holds_on_a_hung_disk(
    method: str, step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the disk is back, the thread removes the temporary file; no file appears late."""
    disk = _Disk()
    _hang_in(step, disk, monkeypatch)
    async with _server() as (sikoia, url):
        with pytest.raises(DeadlineExceededError) as caught:
            await _save(sikoia.with_options(timeout=_SHORT), url, method, tmp_path / "a.xlsx")

        assert not disk.released.is_set()
        disk.released.set()
        await _empty(tmp_path)
        spend = dict(sikoia.spend)

    error = caught.value
    assert error.may_have_been_processed is (method == "save_excel" and step != "open")
    assert error.call.reached == {"open": "unsent", "write": "partial", "fsync": "whole"}[step]
    assert bool(spend) is error.may_have_been_processed
    phase = "body" if step == "write" else "file"
    assert error.spent[phase] > 0


@both_methods
@every_step
async def test_a_cancelled_call_does_not_wait_for_a_hung_disk(
    method: str, step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the task nor the event loop is blocked."""
    disk = _Disk()
    _hang_in(step, disk, monkeypatch)
    async with _server() as (sikoia, url):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_save, sikoia, url, method, tmp_path / "a.xlsx")
            with anyio.fail_after(_LONG):
                while not disk.reached.is_set():  # noqa: ASYNC110 - an event of threads
                    await anyio.sleep(0.001)
            tasks.cancel_scope.cancel()

        assert not disk.released.is_set()
        disk.released.set()
        await _empty(tmp_path)


async def test_a_disk_that_hangs_when_a_file_is_removed_blocks_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call fails for its own reason, and the file is removed later."""
    disk = _Disk()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(body=b"", Content_Length="1000"))
        await anyio.sleep_forever()

    _hang_in("unlink", disk, monkeypatch)
    async with serve(script) as server, client(server.url, timeout=_SHORT) as sikoia:
        with pytest.raises(DeadlineExceededError, match="no response within"):
            await sikoia.save(server.url + _LINK, tmp_path / "a.pdf")

        assert any(_files(tmp_path))
        disk.released.set()
        await _empty(tmp_path)


async def test_many_hung_disks_leave_threads_for_the_application(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit of anyio is shared by the whole application."""
    disk = _Disk()
    _hang_in("open", disk, monkeypatch)
    async with _server() as (sikoia, url):
        hurried = sikoia.with_options(timeout=_SHORT)

        async def save(number: int) -> None:
            with pytest.raises(DeadlineExceededError):
                await hurried.save(url + _LINK, tmp_path / f"{number}.pdf")

        async with anyio.create_task_group() as tasks:
            for number in range(int(anyio.to_thread.current_default_thread_limiter().total_tokens)):
                tasks.start_soon(save, number)
        with anyio.fail_after(_LONG):
            assert await anyio.to_thread.run_sync(time.monotonic)

        disk.released.set()
        await _empty(tmp_path)


async def test_a_file_that_appears_late_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that hangs in the rename cannot be told to forget it."""
    disk = _Disk()
    _hang_in("rename", disk, monkeypatch)
    async with _server() as (sikoia, url):
        with pytest.raises(DeadlineExceededError, match="the file was not complete within"):
            await sikoia.with_options(timeout=_SHORT).save(url + _LINK, tmp_path / "a.xlsx")

        disk.released.set()
        with anyio.fail_after(_LONG):
            while _files(tmp_path) != [tmp_path / "a.xlsx"]:  # noqa: ASYNC110 - as above
                await anyio.sleep(0.005)

    assert (tmp_path / "a.xlsx").read_bytes() == _BOOK


async def test_a_cancelled_purchase_says_so_after_its_response(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report was paid for, but is not on the disk."""
    disk, notes = _Disk(), list[str]()
    _hang_in("fsync", disk, monkeypatch)

    async def save(sikoia: Sikoia) -> None:
        try:
            await sikoia.reports.save_excel(_CASE, tmp_path / "a.xlsx")
        except BaseException as error:
            notes.extend(error.__notes__)
            raise

    async with _server() as (sikoia, _):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(save, sikoia)
            with anyio.fail_after(_LONG):
                while not disk.reached.is_set():  # noqa: ASYNC110 - an event of threads
                    await anyio.sleep(0.001)
            tasks.cancel_scope.cancel()
        disk.released.set()
        spend = dict(sikoia.spend)

    assert "excel-report was in progress and may have been processed" in notes[0]
    assert list(spend.values()) == [1]


async def test_the_time_of_opening_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One deadline covers the file and the response."""
    create: Callable[..., Any] = tempfile.NamedTemporaryFile

    def slow(**options: Any) -> Any:
        threading.Event().wait(_SHORT)
        return create(**options)

    async def script(peer: Peer) -> None:
        await peer.request()
        await anyio.sleep_forever()

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", slow)
    async with serve(script) as server, client(server.url, timeout=2 * _SHORT) as sikoia:
        with pytest.raises(DeadlineExceededError) as caught:
            await sikoia.save(server.url + _LINK, tmp_path / "a.pdf")

    assert caught.value.spent["file"] >= _SHORT
    await _empty(tmp_path)
