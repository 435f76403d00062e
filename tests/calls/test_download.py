"""Downloads by link: whole files, and nothing of ours goes where a link leads."""

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
    LinkExpiredError,
    Quota,
    ServerError,
    Sikoia,
    UnexpectedResponseError,
    correlation_id,
)

pytestmark = pytest.mark.anyio

_LINK: Final = "/canary-path/a.pdf?se=2025-01-01T00%3A00%3A00Z&sig=canary%2Bsig%3D"
_FILE: Final = b"%PDF-1.7 and so on"


def _says(*answers: bytes) -> Script:
    """Give these answers in turn, the last one again and again, each on its own connection."""
    left = itertools.chain(answers[:-1], itertools.repeat(answers[-1]))

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(next(left))

    return script


@asynccontextmanager
async def _storage(*answers: bytes, **options: Any) -> AsyncGenerator[tuple[Sikoia, str, Server]]:
    """Run a server for links, and a client of a Sikoia that stands somewhere else."""
    async with (
        serve(_says(*answers)) as server,
        client("https://127.0.0.1:1", **options) as sikoia,
    ):
        yield sikoia, server.url + _LINK, server


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def _names(folder: Path) -> list[str]:
    """Return what is in a folder."""
    return [file.name for file in _files(folder)]


async def _all_closed(server: Server) -> None:
    """Wait until the server has seen the end of its connections."""
    with anyio.fail_after(5):
        while server.open:  # noqa: ASYNC110 - a number, and no event
            await anyio.sleep(0.001)


async def _get(sikoia: Sikoia, link: str, way: str, folder: Path) -> bytes:
    """Get a file in either way."""
    if way == "download":
        return await sikoia.download(link)
    path = folder / "a.pdf"
    size = await sikoia.save(link, path)
    assert size == path.stat().st_size
    return path.read_bytes()


both_ways = pytest.mark.parametrize("way", ["download", "save"])


@both_ways
async def test_a_file_comes_whole(way: str, tmp_path: Path) -> None:
    """The link is asked for to the letter, once, and the file is what came."""
    async with _storage(answer(body=_FILE)) as (sikoia, link, server):
        assert await _get(sikoia, link, way, tmp_path) == _FILE

    assert server.lines == [f"GET {_LINK}"]


@both_ways
async def test_nothing_of_ours_goes_there(way: str, tmp_path: Path) -> None:
    """Neither token nor key, correlation id or JSON, and the address of the host is right."""
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
    """What travels packed arrives unpacked."""
    packed = answer(body=gzip.compress(_FILE), Content_Encoding="gzip")
    async with _storage(packed) as (sikoia, link, _):
        assert await _get(sikoia, link, way, tmp_path) == _FILE


@both_ways
async def test_an_empty_file_is_a_file(way: str, tmp_path: Path) -> None:
    """Nothing is something, if it came whole."""
    async with _storage(answer(body=b"")) as (sikoia, link, _):
        assert await _get(sikoia, link, way, tmp_path) == b""


@both_ways
async def test_a_file_that_breaks_off_is_asked_for_again(way: str, tmp_path: Path) -> None:
    """The second attempt begins anew, and nothing of the first one is left."""
    half = answer(body=b"x" * 1_000_000)[:-50_000]
    busy = answer(503, Retry_After="0")
    async with _storage(half, busy, answer(body=_FILE), retries=2) as (sikoia, link, server):
        assert await _get(sikoia, link, way, tmp_path) == _FILE

    assert len(server.lines) == 3


@both_ways
@pytest.mark.parametrize("status", [403, 404, 410])
async def test_a_link_that_is_over_says_so(status: int, way: str, tmp_path: Path) -> None:
    """The error tells what to do, and nothing of the link, whatever the other side repeats."""
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
async def test_other_refusals_are_what_they_are(status: int, kind: type[APIError]) -> None:
    """A storage that fails is no link that is over."""
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
async def test_what_is_no_whole_file_is_refused(
    sent: bytes, words: str, way: str, tmp_path: Path
) -> None:
    """It is an error, and there is no file."""
    async with _storage(sent) as (sikoia, link, server):
        with pytest.raises(UnexpectedResponseError, match=words) as caught:
            await _get(sikoia, link, way, tmp_path)

    assert_plain(caught.value)
    assert "canary" not in str(caught.value)
    assert not caught.value.may_have_been_processed
    assert _names(tmp_path) == []
    assert len(server.lines) == 1


async def test_only_what_is_kept_in_memory_has_a_limit(tmp_path: Path) -> None:
    """`max_body` is for `download`; of a file that is too large, the beginning is kept."""
    sent = answer(body=b"x" * 100_001)
    async with _storage(sent, max_body=100_000, max_error_body=10) as (sikoia, link, _):
        with pytest.raises(UnexpectedResponseError, match="larger than 100,000 bytes") as caught:
            await sikoia.download(link)
        assert await sikoia.save(link, tmp_path / "a.pdf") == 100_001

    assert caught.value.body == b"x" * 10


async def test_nothing_is_logged_of_a_link(caplog: pytest.LogCaptureFixture) -> None:
    """Not by us, and not by the libraries below us."""
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
    "https://canary.example/" + "a" * 70_000,
]


@both_ways
@pytest.mark.parametrize("link", _NO_LINKS, ids=range(len(_NO_LINKS)))
async def test_what_is_no_link_is_refused(link: Any, way: str, tmp_path: Path) -> None:
    """Nothing is sent, and the link is not repeated."""
    with pytest.raises(ConfigurationError, match="link: expected an https URL") as caught:
        await _get(client("https://127.0.0.1:1"), link, way, tmp_path)

    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None


async def test_a_target_that_cannot_be_is_refused_first(tmp_path: Path) -> None:
    """Where nothing can be written, nothing is asked for."""
    async with _storage(answer(body=_FILE)) as (sikoia, link, server):
        with pytest.raises(ConfigurationError, match="the folder does not exist"):
            await sikoia.save(link, tmp_path / "none" / "a.pdf")

    assert server.connections == 0


async def test_links_do_not_count_against_the_quota() -> None:
    """They are not Sikoia's API: the rate limit leaves room for calls."""
    quota = Quota(limit=1, per=3600)
    async with _storage(answer(body=_FILE), quota=quota) as (sikoia, link, server):
        for _ in range(3):
            await sikoia.download(link)

    assert len(server.lines) == 3


async def test_a_download_has_a_connection_of_its_own() -> None:
    """It is closed with the download, and the client's own are none the wiser."""
    async with _storage(answer(body=_FILE)) as (sikoia, link, server):
        before = list(guards(sikoia))
        await sikoia.download(link)
        await _all_closed(server)

        assert guards(sikoia) == before


async def test_options_hold_for_downloads(tmp_path: Path) -> None:
    """A view of the client downloads as it calls."""
    async with _storage(answer(503), answer(body=_FILE), retries=0) as (sikoia, link, _):
        assert await sikoia.with_options(retries=1).save(link, tmp_path / "a.pdf") == len(_FILE)


async def test_a_closed_client_downloads_nothing(tmp_path: Path) -> None:
    """As with calls."""
    async with _storage(answer(body=_FILE)) as (sikoia, link, _):
        await sikoia.aclose()
        for way in ("download", "save"):
            with pytest.raises(ClientStateError):
                await _get(sikoia, link, way, tmp_path)


async def test_a_transport_of_the_callers_is_used() -> None:
    """What the caller brought goes to links, too, and stays open."""
    seen: list[httpx.Request] = []

    def reply(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=_FILE)

    sikoia = client("https://127.0.0.1:1", transport=httpx.MockTransport(reply))

    assert await sikoia.download("https://storage.example/a.pdf?sig=1") == _FILE
    assert str(seen[0].url) == "https://storage.example/a.pdf?sig=1"
    assert "authorization" not in seen[0].headers


@both_ways
async def test_a_host_that_is_not_there_tells_no_link(way: str, tmp_path: Path) -> None:
    """The fault is told, and not the address."""
    link = f"http://127.0.0.1:1{_LINK}"
    with pytest.raises(ConnectionFailedError, match="nothing was sent") as caught:
        await _get(client("https://127.0.0.1:1"), link, way, tmp_path)

    assert_plain(caught.value)
    assert "canary" not in f"{caught.value} {caught.value.call}"
    assert _names(tmp_path) == []


async def _drips(peer: Peer) -> None:
    """Begin an answer, and never end it."""
    await peer.request()
    await peer.send(answer(body=b"", Content_Length="100000000"))
    with anyio.move_on_after(20):
        while True:
            await peer.send(bytes(50_000))
            await anyio.sleep(0.01)


async def test_a_deadline_leaves_no_file(tmp_path: Path) -> None:
    """What was begun is removed, and what was there before stays."""
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
    """The caller gave up: no half a file, and no connection."""
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
async def test_whenever_it_is_cancelled_a_file_is_whole_or_not_there(
    cancel: Callable[[Callable[[], Awaitable[object]], int], Awaitable[None]],
    tmp_path: Path,
    anyio_backend_name: str,
) -> None:
    """Also where asyncio cancels while a thread is at work on the file."""
    if cancel is _cancelled_by_asyncio and anyio_backend_name != "asyncio":
        pytest.skip("asyncio's own way")
    size, outcomes = 600_000, set[tuple[int, ...]]()
    async with _storage(answer(body=bytes(size))) as (sikoia, link, server):
        for steps in _STEPS:
            path = tmp_path / f"{steps}.bin"

            async def save(path: Path = path) -> None:
                await sikoia.save(link, path)

            await cancel(save, steps)
            outcomes.add(tuple(one.stat().st_size for one in _files(tmp_path)))
            path.unlink(missing_ok=True)
        await _all_closed(server)

    assert outcomes <= {(), (size,)}


async def test_a_disk_that_is_full_is_told_as_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is neither the network's fault nor Sikoia's, and no reason to ask again."""
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
    """50 MB flow from the socket to the disk, also out of a gzip that is a thousandth of that."""
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
