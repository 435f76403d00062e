"""Downloads by link: complete files, and no secret is sent to the link's host."""

import asyncio
import gzip
import itertools
import logging
import tracemalloc
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import anyio
import disk
import httpx
import pytest
from faults import TOKEN, Peer, Script, Server, answer, assert_plain, client, guards, serve

from sikoia_async import (
    APIError,
    CallError,
    ClientStateError,
    ConfigurationError,
    ConnectionFailedError,
    DeadlineExceededError,
    Limits,
    LinkExpiredError,
    Quota,
    ServerError,
    Sikoia,
    UnexpectedResponseError,
    correlation_id,
)
from sikoia_async.models import Entity

pytestmark = pytest.mark.anyio

_LINK: Final = "/canary-path/a.pdf?se=2025-01-01T00%3A00%3A00Z&sig=canary%2Bsig%3D"
_FILE: Final = b"%PDF-1.7 and so on"


def _says(*answers: bytes) -> Script:
    """Send these responses in turn, then the last one for ever, one per connection."""
    left = itertools.chain(answers[:-1], itertools.repeat(answers[-1]))

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(next(left))

    return script


@asynccontextmanager
async def _storage(*answers: bytes, **options: Any) -> AsyncGenerator[tuple[Sikoia, str, Server]]:
    """Run a server for links, and a client of a Sikoia on another host."""
    async with (
        serve(_says(*answers)) as server,
        client("https://127.0.0.1:1", **options) as sikoia,
    ):
        yield sikoia, server.url + _LINK, server


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def _names(folder: Path) -> list[str]:
    """Return the names in a folder."""
    return [file.name for file in _files(folder)]


async def _no_temporary_files(folder: Path) -> None:
    """Wait until a thread that was left behind has removed its file."""
    with anyio.fail_after(5):
        while any(name.endswith(".part") for name in _names(folder)):  # noqa: ASYNC110 - a folder
            await anyio.sleep(0.001)


async def _all_closed(server: Server) -> None:
    """Wait until all connections of the server are closed."""
    with anyio.fail_after(5):
        while server.open:  # noqa: ASYNC110 - a number, and no event
            await anyio.sleep(0.001)


async def _get(sikoia: Sikoia, link: str, way: str, folder: Path) -> bytes:
    """Download a file, to memory or to disk."""
    if way == "download":
        return await sikoia.download(link)
    path = folder / "a.pdf"
    size = await sikoia.save(link, path)
    assert size == path.stat().st_size
    return path.read_bytes()


both_ways = pytest.mark.parametrize("way", ["download", "save"])


@both_ways
async def test_a_file_is_downloaded_completely(way: str, tmp_path: Path) -> None:
    """The link is requested once, unchanged."""
    async with _storage(answer(body=_FILE)) as (sikoia, link, server):
        assert await _get(sikoia, link, way, tmp_path) == _FILE

    assert server.lines == [f"GET {_LINK}"]


@both_ways
async def test_a_download_sends_no_secret(way: str, tmp_path: Path) -> None:
    """No token, key, correlation id or JSON header is sent, and Host is right."""
    async with _storage(answer(body=_FILE)) as (sikoia, link, server):
        with correlation_id("canary-correlation"):
            await _get(sikoia, link, way, tmp_path)
        with_key = client("https://127.0.0.1:1", token=None, api_key=TOKEN)
        await _get(with_key, link, way, tmp_path)

    head = server.requests[0].lower()
    assert TOKEN.encode() not in server.received
    assert b"correlation" not in server.received.lower()
    assert b"authorization" not in head
    assert b"cookie" not in head
    assert b"content-type" not in head
    assert b"accept: */*\r\n" in head
    assert f"host: {server.url.removeprefix('http://')}\r\n".encode() in head


@both_ways
async def test_a_gzipped_file_is_inflated(way: str, tmp_path: Path) -> None:
    """A compressed response is written decompressed."""
    packed = answer(body=gzip.compress(_FILE), Content_Encoding="gzip")
    async with _storage(packed) as (sikoia, link, _):
        assert await _get(sikoia, link, way, tmp_path) == _FILE


@both_ways
async def test_an_empty_file_is_a_file(way: str, tmp_path: Path) -> None:
    """A complete response without a body is valid."""
    async with _storage(answer(body=b"")) as (sikoia, link, _):
        assert await _get(sikoia, link, way, tmp_path) == b""


@both_ways
async def test_an_interrupted_download_is_retried(way: str, tmp_path: Path) -> None:
    """The second attempt starts anew, and nothing of the first one is left."""
    half = answer(body=b"x" * 1_000_000)[:-50_000]
    busy = answer(503, Retry_After="0")
    async with _storage(half, busy, answer(body=_FILE), retries=2) as (sikoia, link, server):
        assert await _get(sikoia, link, way, tmp_path) == _FILE

    assert len(server.lines) == 3


@both_ways
@pytest.mark.parametrize("status", [403, 404, 410])
async def test_an_expired_link_is_reported(status: int, way: str, tmp_path: Path) -> None:
    """The error says what to do, and shows nothing of the link or of the response."""
    body = b'{"detail": "canary-sig", "title": "canary-path", "correlation_id": "canary"}'
    async with _storage(answer(status, body)) as (sikoia, link, server):
        with pytest.raises(
            LinkExpiredError, match="retrieve the model with the link again"
        ) as caught:
            await _get(sikoia, link, way, tmp_path)

    assert_plain(caught.value)
    assert "canary" not in f"{caught.value} {caught.value!r} {caught.value.call}"
    assert (caught.value.status, caught.value.body) == (status, body)
    assert (caught.value.type, caught.value.title, caught.value.detail) == (None, None, None)
    assert (caught.value.call.url, caught.value.call.path) == (server.url, "(link)")
    assert _names(tmp_path) == []


@pytest.mark.parametrize(("status", "kind"), [(400, APIError), (429, APIError), (500, ServerError)])
async def test_other_statuses_have_their_usual_errors(status: int, kind: type[APIError]) -> None:
    """A storage that fails does not mean that the link has expired."""
    async with _storage(answer(status, b"<Error>canary</Error>")) as (sikoia, link, _):
        with pytest.raises(kind) as caught:
            await sikoia.download(link)

    assert not isinstance(caught.value, LinkExpiredError)
    assert "canary" not in str(caught.value)
    assert not caught.value.may_have_been_processed


@both_ways
@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (answer(302, Location="https://canary.example/"), "redirect"),
        (answer(204, b""), "the response is not a file"),
        (answer(206, b"x"), "the response is not a file"),
        (answer(body=gzip.compress(_FILE)[:-4], Content_Encoding="gzip"), "cut short"),
        (answer(body=_FILE, Content_Encoding="br"), "unsupported content encoding"),
    ],
    ids=["redirect", "nothing", "a part", "half a gzip", "brotli"],
)
async def test_an_incomplete_file_is_refused(
    sent: bytes, words: str, way: str, tmp_path: Path
) -> None:
    """It raises an error, and leaves no file."""
    async with _storage(sent) as (sikoia, link, server):
        with pytest.raises(UnexpectedResponseError, match=words) as caught:
            await _get(sikoia, link, way, tmp_path)

    assert_plain(caught.value)
    assert "canary" not in str(caught.value)
    assert not caught.value.may_have_been_processed
    assert _names(tmp_path) == []
    assert len(server.lines) == 1


async def test_only_downloads_to_memory_are_limited(tmp_path: Path) -> None:
    """`max_body` applies to `download`; the error keeps the beginning of the file."""
    sent = answer(body=b"x" * 100_001)
    async with _storage(sent, limits=Limits(max_body=100_000, max_error_body=10)) as (
        sikoia,
        link,
        _,
    ):
        with pytest.raises(UnexpectedResponseError, match="larger than 100,000 bytes") as caught:
            await sikoia.download(link)
        assert await sikoia.save(link, tmp_path / "a.pdf") == 100_001

    assert caught.value.body == b"x" * 10


async def test_a_saved_file_is_limited(tmp_path: Path) -> None:
    """By `max_file` of the client or of the call; the older file stays."""
    path = tmp_path / "a.pdf"
    path.write_bytes(b"before")
    sent = answer(body=b"x" * 600_001)
    async with _storage(sent, limits=Limits(max_file=600_000)) as (sikoia, link, server):
        for limit in (None, 600_000, 1):
            with pytest.raises(UnexpectedResponseError, match="the file is larger than") as caught:
                await sikoia.save(link, path, max_file=limit)
            assert_plain(caught.value)
        assert path.read_bytes() == b"before"
        assert _names(tmp_path) == ["a.pdf"]
        assert await sikoia.save(link, path, max_file=600_001) == 600_001
        assert len(server.lines) == 4  # one request each: the limit is not a failed connection


@pytest.mark.parametrize("limit", [0, -1, 1.5, "1", True])
async def test_an_invalid_limit_of_a_file_is_refused(limit: Any, tmp_path: Path) -> None:
    """Before anything is sent."""
    sikoia, case = client("https://127.0.0.1:1"), Entity("case", "c-1")
    with pytest.raises(ConfigurationError, match="max_file: expected a whole number"):
        await sikoia.save("https://storage.example/a", tmp_path / "a", max_file=limit)
    with pytest.raises(ConfigurationError, match="max_file: expected a whole number"):
        await sikoia.reports.save_excel(case, tmp_path / "a", max_file=limit)


async def test_a_bomb_ends_at_the_limit(tmp_path: Path) -> None:
    """A file host that compresses unasked fills neither memory nor disk."""
    most = [0]
    write = disk.measured(most)
    sent = answer(body=gzip.compress(bytes(200_000_000), 9), Content_Encoding="gzip")
    with pytest.MonkeyPatch.context() as monkeypatch:
        disk.write_with(monkeypatch, write)
        async with _storage(sent, timeout=60) as (sikoia, link, _):
            with pytest.raises(UnexpectedResponseError, match="larger than 104,857,600 bytes"):
                await sikoia.save(link, tmp_path / "a.pdf")

    assert most[0] <= 100 << 20
    assert _names(tmp_path) == []


@both_ways
async def test_no_compression_is_asked_of_file_hosts(way: str, tmp_path: Path) -> None:
    """PDFs and workbooks are compressed already."""
    async with _storage(answer(body=_FILE)) as (sikoia, link, server):
        await _get(sikoia, link, way, tmp_path)

    assert b"\r\naccept-encoding: identity\r\n" in server.requests[0].lower()
    assert b"gzip" not in server.requests[0].lower()


async def test_no_link_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Neither by this SDK, nor by the libraries below it."""
    caplog.set_level(logging.DEBUG)
    async with _storage(answer(body=_FILE)) as (sikoia, link, _):
        await sikoia.download(link)

    assert "GET (link): 200" in caplog.text
    assert "canary" not in caplog.text


_NO_LINKS: Final = [
    None,
    "",
    7,
    b"https://canary.example/",
    "canary",
    "/v2/canary",
    "//canary.example/a",
    "ftp://canary.example/a",
    "http://canary.example/a",
    "https://",
    "https:///canary",
    "https://user:canary@canary.example/a",
    "https://canary@canary.example/a",
    "https://canary.example:99999/a",
    "https://canary..example/a",
    "https://.canary/a",
    f"https://canary{'a' * 64}.example/a",
    "https://xn--/canary",
    "https://canary.example:x/a",
    "https://canary .example/a",
    "https://canary.example/a\nb",
    "https://[canary/a",
    "https://@canary.example/a",
    "https://canary.example\\a",
    "https://canary.example:0/a",
    "https://a.xn--zz.canary.example/a",
    "https://999.1.1.1/canary",
    "https://canary[::1]/a",
    "https://canary.example/\ud800",
    "https://canary.example/" + "\U0001f600" * 3000,
    "https://canary.example/" + "a" * 70_000,
]


@both_ways
@pytest.mark.parametrize("link", _NO_LINKS, ids=range(len(_NO_LINKS)))
async def test_an_invalid_link_is_refused(link: Any, way: str, tmp_path: Path) -> None:
    """Nothing is sent, and the error does not repeat the link."""
    with pytest.raises(ConfigurationError, match="link: expected an https URL") as caught:
        await _get(client("https://127.0.0.1:1"), link, way, tmp_path)

    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None


async def test_an_unwritable_target_is_refused_first(tmp_path: Path) -> None:
    """If nothing can be written, nothing is requested."""
    async with _storage(answer(body=_FILE)) as (sikoia, link, server):
        with pytest.raises(ConfigurationError, match="the folder does not exist"):
            await sikoia.save(link, tmp_path / "none" / "a.pdf")

    assert server.connections == 0


async def test_downloads_do_not_count_against_the_rate_limit() -> None:
    """Files are not part of Sikoia's API."""
    quota = Quota(limit=1, per=3600)
    async with _storage(answer(body=_FILE), quota=quota) as (sikoia, link, server):
        for _ in range(3):
            await sikoia.download(link)

    assert len(server.lines) == 3


async def test_a_download_has_its_own_connection() -> None:
    """It is closed after the download, and the client's connections are not affected."""
    async with _storage(answer(body=_FILE)) as (sikoia, link, server):
        before = list(guards(sikoia))
        await sikoia.download(link)
        await _all_closed(server)

        assert guards(sikoia) == before


async def test_options_apply_to_downloads(tmp_path: Path) -> None:
    """A view of the client downloads with its own timeout and retries."""
    async with _storage(answer(503), answer(body=_FILE), retries=0) as (sikoia, link, _):
        assert await sikoia.with_options(retries=1).save(link, tmp_path / "a.pdf") == len(_FILE)


async def test_a_closed_client_downloads_nothing(tmp_path: Path) -> None:
    """A download checks the client like any call."""
    async with _storage(answer(body=_FILE)) as (sikoia, link, _):
        await sikoia.aclose()
        for way in ("download", "save"):
            with pytest.raises(ClientStateError):
                await _get(sikoia, link, way, tmp_path)


async def test_a_transport_of_the_callers_is_used() -> None:
    """It serves downloads as well, and stays open."""
    seen: list[httpx.Request] = []

    def reply(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=_FILE)

    sikoia = client("https://127.0.0.1:1", transport=httpx.MockTransport(reply))

    assert await sikoia.download("https://storage.example/a.pdf?sig=1") == _FILE
    assert str(seen[0].url) == "https://storage.example/a.pdf?sig=1"
    assert "authorization" not in seen[0].headers


@both_ways
async def test_an_unreachable_host_does_not_reveal_the_link(way: str, tmp_path: Path) -> None:
    """The error names the fault, not the URL."""
    link = f"http://127.0.0.1:1{_LINK}"
    with pytest.raises(ConnectionFailedError, match="nothing was sent") as caught:
        await _get(client("https://127.0.0.1:1"), link, way, tmp_path)

    assert_plain(caught.value)
    assert "canary" not in f"{caught.value} {caught.value.call}"
    assert _names(tmp_path) == []


async def _drips(peer: Peer) -> None:
    """Send the beginning of a response, and never end it."""
    await peer.request()
    await peer.send(answer(body=b"", Content_Length="100000000"))
    with anyio.move_on_after(20):
        while True:
            await peer.send(bytes(50_000))
            await anyio.sleep(0.01)


async def test_a_deadline_leaves_no_file(tmp_path: Path) -> None:
    """The unfinished file is removed, and an older one stays."""
    path = tmp_path / "a.pdf"
    path.write_bytes(b"before")
    async with serve(_drips) as server, client("https://127.0.0.1:1", timeout=0.5) as sikoia:
        with pytest.raises(DeadlineExceededError) as caught:
            await sikoia.save(server.url + _LINK, path)

    assert_plain(caught.value)
    assert "canary" not in str(caught.value)
    assert _names(tmp_path) == ["a.pdf"]
    assert path.read_bytes() == b"before"


async def test_a_cancellation_leaves_no_file(tmp_path: Path) -> None:
    """No partial file and no connection are left."""
    async with serve(_drips) as server, client("https://127.0.0.1:1") as sikoia:
        with anyio.move_on_after(0.2) as scope:
            await sikoia.save(server.url + _LINK, tmp_path / "a.pdf")

        assert scope.cancelled_caught
        assert _names(tmp_path) == []
        await _all_closed(server)


_STEPS: Final = (*range(0, 60, 2), *(80 * 2**power for power in range(6)))


async def _cancelled_by_asyncio(call: Callable[[], Awaitable[object]], steps: int) -> None:
    async def run() -> None:
        await call()

    task = asyncio.create_task(run())
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])


async def _cancelled_by_scope(call: Callable[[], Awaitable[object]], steps: int) -> None:
    async def run() -> None:
        with scope:
            await call()

    scope = anyio.CancelScope()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        for _ in range(steps):
            await anyio.lowlevel.checkpoint()
        scope.cancel()


@pytest.mark.parametrize("cancel", [_cancelled_by_asyncio, _cancelled_by_scope])
async def test_a_cancelled_download_leaves_a_complete_file_or_none(
    cancel: Callable[[Callable[[], Awaitable[object]], int], Awaitable[None]],
    tmp_path: Path,
    anyio_backend_name: str,
) -> None:
    """Also if asyncio cancels while a thread writes the file."""
    if cancel is _cancelled_by_asyncio and anyio_backend_name != "asyncio":
        pytest.skip("asyncio's own way")
    size, outcomes = 600_000, set[tuple[int, ...]]()
    async with _storage(answer(body=bytes(size))) as (sikoia, link, server):
        for steps in _STEPS:
            path = tmp_path / f"{steps}.bin"

            async def save(path: Path = path) -> None:
                await sikoia.save(link, path)

            await cancel(save, steps)
            await _no_temporary_files(tmp_path)
            outcomes.add(tuple(one.stat().st_size for one in _files(tmp_path)))
            path.unlink(missing_ok=True)
        await _all_closed(server)

    assert outcomes <= {(), (size,)}


async def test_a_full_disk_is_reported_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not a network error, and is not retried."""
    disk.write_with(monkeypatch, disk.full)
    async with _storage(answer(body=bytes(1 << 20)), retries=2) as (sikoia, link, server):
        with pytest.raises(CallError, match="cannot be written: No space left") as caught:
            await sikoia.save(link, tmp_path / "a.pdf")

    assert_plain(caught.value)
    assert type(caught.value) is CallError
    assert "canary" not in str(caught.value)
    assert len(server.lines) == 1
    assert _names(tmp_path) == []


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
async def test_a_large_file_takes_little_memory(tmp_path: Path, *, packed: bool) -> None:
    """50 MB are streamed to disk, also from a gzip body of a thousandth of that size."""
    size = 50_000_000

    async def script(peer: Peer) -> None:
        await peer.request()
        if packed:
            await peer.send(answer(body=_zeros, Content_Encoding="gzip"))
            return
        await peer.send(answer(body=b"", Content_Length=str(size)))
        for _ in range(size // 500_000):
            await peer.send(_block)

    _zeros, _block = gzip.compress(bytes(size), 9), bytes(500_000)
    async with serve(script) as server, client("https://127.0.0.1:1", timeout=60) as sikoia:
        tracemalloc.start()
        assert await sikoia.save(server.url + _LINK, tmp_path / "a.bin") == size
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert (tmp_path / "a.bin").stat().st_size == size
    assert most < 8_000_000
