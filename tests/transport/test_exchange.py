"""One request and its response, over a connection on which everything goes wrong."""

import errno
import gzip
import socket
import ssl
import time
from pathlib import Path
from typing import Final

import anyio
import httpx
import pytest
from faults import (
    Peer,
    Script,
    answer,
    assert_plain,
    certified,
    client,
    core,
    refusing,
    request_to,
    serve,
    trusting,
)

from sikoia_async import (
    ConnectionFailedError,
    DeadlineExceededError,
    ServerError,
    UnexpectedResponseError,
)
from sikoia_async._transport.desync import EchoCheck
from sikoia_async._transport.exchange import exchange
from sikoia_async._transport.limits import Limits
from sikoia_async._transport.types import TransportFault

pytestmark = pytest.mark.anyio

_ROWS = b'[{"row": 1}, {"row": 2}]'


def _sends(*pieces: bytes) -> Script:
    """Return a script that reads a request, sends these bytes and closes the connection."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(*pieces)

    return script


def _sends_and_resets(*pieces: bytes) -> Script:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(*pieces)
        await peer.reset()

    return script


async def _resets_at_once(peer: Peer) -> None:
    await peer.reset()


async def _hangs_up_at_once(_: Peer) -> None:
    pass


_LOST = {
    "hangs up": (_sends(), "the request was sent, and no response arrived"),
    "resets": (_sends_and_resets(), "the request was sent, and no response arrived"),
    "half a status line": (_sends(b"HTTP/1.1 2"), "the request was sent, and no response arrived"),
    "half a head": (_sends(answer()[:40]), "the request was sent, and no response arrived"),
    "garbage": (_sends(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "does not speak HTTP"),
    "bytes of no protocol": (_sends(bytes(range(256)) * 8), "does not speak HTTP"),
    "status of four digits": (_sends(b"HTTP/1.1 2000 OK\r\n\r\n"), "does not speak HTTP"),
    "two lengths": (
        _sends(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        "does not speak HTTP",
    ),
    "resets after the head": (_sends_and_resets(answer(body=_ROWS)[:-24]), "was incomplete"),
    "resets in the body": (_sends_and_resets(answer(body=_ROWS)[:-9]), "was incomplete"),
    "short body": (_sends(answer(body=_ROWS)[:-9]), "the response was incomplete"),
    "bad chunk": (
        _sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
        "the response was incomplete",
    ),
}


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(("script", "words"), _LOST.values(), ids=_LOST.keys())
async def test_an_incomplete_response_is_a_failed_connection(
    script: Script, words: str, *, encrypted: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every fault on the wire becomes one error, which says how far the request got."""
    trusted = trusting(tmp_path_factory.getbasetemp()) if encrypted else None
    tls = certified() if encrypted else None
    async with serve(script, tls) as server, client(server.url, tls=trusted) as sikoia:
        with pytest.raises(ConnectionFailedError, match=words) as caught:
            await sikoia.request("POST", "/v2/cases", body={"name": "Loan"})

    assert_plain(caught.value)
    assert caught.value.may_have_been_processed
    assert [attempt.status for attempt in caught.value.attempts] == [None]
    assert caught.value.attempts[0].error
    assert len(server.requests) == 1


async def test_a_refused_connection_means_that_nothing_was_sent() -> None:
    """So nothing can have been processed."""
    async with refusing() as url, client(url, retries=2) as sikoia:
        words = r"nothing was sent: Connection refused \("  # no address
        with pytest.raises(ConnectionFailedError, match=words) as caught:
            await sikoia.request("POST", "/v2/cases", body={"name": "Loan"})

    assert_plain(caught.value)
    assert not caught.value.may_have_been_processed
    assert len(caught.value.attempts) == 3


@pytest.mark.parametrize("script", [_resets_at_once, _hangs_up_at_once], ids=["reset", "end"])
async def test_an_interrupted_handshake_is_retried(script: Script, tmp_path: Path) -> None:
    """A connection that is lost during the TLS handshake has carried no request."""
    async with serve(script) as server:
        url = server.url.replace("http:", "https:")
        async with client(url, tls=trusting(tmp_path), retries=1) as sikoia:
            with pytest.raises(ConnectionFailedError, match="nothing was sent") as caught:
                await sikoia.request("POST", "/v2/cases", body={"name": "Loan"})

    assert_plain(caught.value)
    assert not caught.value.may_have_been_processed
    assert server.connections == 2


async def test_a_dripping_body_ends_at_the_deadline() -> None:
    """Each byte is in time for a read timeout, but the body never ends."""

    async def drips(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(Content_Length="1000", body=b""))
        for _ in range(1000):
            await peer.send(b" ")
            await anyio.sleep(0.02)

    async with serve(drips) as server, client(server.url, timeout=1) as sikoia:
        began = time.monotonic()
        with pytest.raises(DeadlineExceededError) as caught:
            await sikoia.request("GET", "/v2/cases")
        took = time.monotonic() - began

    assert_plain(caught.value)
    assert 1 <= took < 10  # it drips for 20 s, and a busy machine is late
    assert caught.value.spent["body"] > 0


def _alert() -> ssl.SSLError:
    error = ssl.SSLError(1, "canary")
    error.reason = "TLSV1_ALERT_ACCESS_DENIED"
    return error


_WORDS: Final[dict[str, tuple[httpx.HTTPError, OSError | None, str]]] = {
    "no such host": (
        httpx.ConnectError("canary"),
        socket.gaierror(-2, "canary"),
        "host name cannot be resolved",
    ),
    "no route": (httpx.ConnectError("canary"), OSError(errno.EHOSTUNREACH, "canary"), "No route"),
    "no answer": (httpx.ConnectTimeout("canary"), TimeoutError("canary"), "connecting timed out"),
    "no system's error": (httpx.ConnectTimeout("canary"), None, "connecting timed out"),
    "broken pipe": (httpx.WriteError("canary"), None, "the connection was lost"),
    "something else": (httpx.ProxyError("canary"), None, "ProxyError"),
    "a proxy's status": (httpx.ProxyError("407 canary"), None, "to connect: 407 Proxy Auth"),
    "an alert": (httpx.ReadError("canary"), _alert(), "refused this client's certificate"),
}


@pytest.mark.parametrize(("error", "cause", "words"), _WORDS.values(), ids=_WORDS.keys())
async def test_messages_of_libraries_are_not_repeated(
    error: httpx.HTTPError, cause: OSError | None, words: str
) -> None:
    """The system's error number is described without address or header."""

    def reply(_: httpx.Request) -> httpx.Response:
        raise error from cause

    sikoia = client("https://127.0.0.1:1", transport=httpx.MockTransport(reply))

    with pytest.raises(ConnectionFailedError, match=words) as caught:
        await sikoia.request("GET", "/v2/cases")
    assert "canary" not in str(caught.value)
    assert caught.value.reached == "sent"  # nothing else is proven about a transport of others
    assert_plain(caught.value)


_GZIPPED = gzip.compress(_ROWS)
_BOMB = gzip.compress(bytes(1_000_000))


@pytest.mark.parametrize(
    ("encoding", "body", "words"),
    [
        ("gzip", _GZIPPED[:-9], "cut short"),
        ("gzip", _GZIPPED[:12], "cut short"),
        ("gzip", _GZIPPED + b"more", "bytes follow"),
        ("gzip", _ROWS, "not valid gzip"),
        ("gzip", _BOMB, "larger than 10,000 bytes"),
        ("identity", bytes(20_000), "larger than 10,000 bytes"),
        ("br", _ROWS, "unsupported content encoding"),
    ],
    ids=["no end", "half", "junk after", "no gzip", "bomb", "large", "brotli"],
)
async def test_a_body_that_contradicts_its_headers_is_refused(
    encoding: str, body: bytes, words: str
) -> None:
    """Although the length matches and the status is 200."""
    script = _sends(answer(body=body, Content_Encoding=encoding))
    async with (
        serve(script) as server,
        client(server.url, limits=Limits(max_body=10_000)) as sikoia,
    ):
        with pytest.raises(UnexpectedResponseError, match=words) as caught:
            await sikoia.request("GET", "/v2/cases")

    assert_plain(caught.value)
    assert caught.value.status == 200
    assert len(caught.value.body) <= 10_000


async def test_a_gzipped_body_is_inflated() -> None:
    """The request asks for gzip, and the body is decompressed."""
    script = _sends(answer(body=_GZIPPED, Content_Encoding="gzip"))
    async with serve(script) as server, client(server.url) as sikoia:
        rows = await sikoia.request("GET", "/v2/cases")

    assert rows == [{"row": 1}, {"row": 2}]
    assert b"accept-encoding: gzip\r\n" in server.requests[0].lower()


async def test_a_long_error_body_is_cut_and_the_status_kept() -> None:
    """The error is chosen by its status."""
    async with serve(_sends(answer(500, b"x" * 200_000))) as server, client(server.url) as sikoia:
        with pytest.raises(ServerError) as caught:
            await sikoia.request("GET", "/v2/cases")

    assert caught.value.status == 500
    assert caught.value.body == b"x" * 65_536


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    """The token must not go to another host."""
    async with (
        serve(_sends(answer())) as evil,
        serve(_sends(answer(status, Location=f"{evil.url}/v2/cases"))) as server,
        client(server.url) as sikoia,
    ):
        with pytest.raises(UnexpectedResponseError, match="redirect") as caught:
            await sikoia.request("GET", "/v2/cases")

    assert_plain(caught.value)
    assert caught.value.status == status
    assert evil.connections == 0


async def test_cookies_are_not_sent_back() -> None:
    """A cookie from one response is never sent with another call."""

    async def script(peer: Peer) -> None:
        for _ in range(2):
            await peer.request()
            await peer.send(answer(Set_Cookie="session=1; Path=/"))

    async with serve(script) as server, client(server.url) as sikoia:
        for _ in range(2):
            await sikoia.request("GET", "/v2/cases")

    assert len(server.requests) == 2
    assert b"cookie" not in server.received.lower()


async def test_an_invalid_header_is_not_shown() -> None:
    """Httpx's message repeats it, so that message is replaced."""
    async with serve(_sends(answer())) as server:
        api = core(client(server.url))
        request = request_to(f"{server.url}/v2", headers={"x": "canary\n"})
        outcome = await exchange(api.client, request, Limits())

    assert outcome == TransportFault("unsent", "the request is not valid HTTP", final=True)


def _is_mismatch(
    check: EchoCheck,
    sent: str,
    received: str | None,
    status: int = 200,
    *,
    is_new: bool = False,
    may_repeat: bool = True,
) -> bool:
    return check.is_mismatch(sent, received, status, is_new=is_new, may_repeat=may_repeat)


def test_the_id_of_another_request_is_a_mismatch() -> None:
    """The last thousand ids are remembered, and the case of letters does not matter."""
    check = EchoCheck()
    for number in range(1001):
        check.record_sent(f"id-{number}")

    assert not _is_mismatch(check, "id-7", None)
    assert not _is_mismatch(check, "id-7", "ID-7")
    assert _is_mismatch(check, "id-7", "id-8", may_repeat=False)
    assert not _is_mismatch(check, "id-7", "id-8", 500)
    assert not _is_mismatch(check, "id-7", "id-0", may_repeat=False)


def test_an_unknown_id_is_a_mismatch_if_the_request_may_be_repeated() -> None:
    """And only if the last response echoed the id of its request."""
    check = EchoCheck()

    assert not _is_mismatch(check, "a", "x")
    _is_mismatch(check, "a", "a")
    assert not _is_mismatch(check, "b", "x", may_repeat=False)
    _is_mismatch(check, "a", "a")
    assert _is_mismatch(check, "b", "x")
    assert not _is_mismatch(check, "b", "x")


def test_an_id_that_a_new_connection_returns_is_accepted() -> None:
    """And from then on on every connection, because it is in a cache."""
    check = EchoCheck()
    check.record_sent("old")
    _is_mismatch(check, "a", "a")

    assert _is_mismatch(check, "a", "old")
    assert not _is_mismatch(check, "a", "old", is_new=True)
    assert not _is_mismatch(check, "a", "old")
    assert not _is_mismatch(check, "a", "unknown", is_new=True)
    _is_mismatch(check, "a", "a")
    assert not _is_mismatch(check, "a", "unknown")
    assert _is_mismatch(check, "a", "another")
