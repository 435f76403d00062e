"""Proxies: which URLs are accepted, and what becomes of calls."""

import ssl
import traceback
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import anyio
import httpx
import pytest
import trustme
from faults import (
    SECRET,
    NoPauses,
    Peer,
    Script,
    Server,
    answer,
    certified,
    client,
    forward,
    serve,
    trusting,
    tuned,
)

from sikoia_async import ConfigurationError, ConnectionFailedError, Sikoia
from sikoia_async._transport.proxies import masked_proxy
from sikoia_async.environments import local


async def _answers(peer: Peer) -> None:
    await peer.request()
    await peer.send(answer())


_WRONG: Final = (
    "http://user:{}#1@host:3128",
    "http://user:{}/1@host:3128",
    "http://user:1/{}@host:3128",
    "http://user:{}?1@host:3128",
    "http://user:{}\\1@host:3128",
    "http://user:{} 1@host:3128",
    "http://user:{}@host:3128/path",
    "http://user:{}@host:3128?a=b",
    "http://user:{}@host:3128#",
    "http://user:{}@host:3128\n",
    " http://user:{}@host:3128",
    "http://user:{}@host:3128\t",
    "http://user:{}@host:3128\x00",
    "http://user:{}@host:port",
    "http://user:{}@host:65536",
    "http://user:{}@host:0",
    "http://user:{}@host:-1",
    "http://user:{}@host:",
    "http://user:{}@host:+80",
    "http://user:{}@host:8_0",
    "http://user:{}@host:٨٠",
    "http://user:{}@host:" + "9" * 5000,
    "http://user:{}@",
    "http://user:{}@:3128",
    "http://{}:",
    "http:///{}",
    "http:{}@host",
    "http://",
    "",
    " ",
    "//user:{}@host:3128",
    "user:{}@host:3128",
    "socks5://user:{}@host:1080",
    "http://user:{}@[::1",
    "http://user:{}@::1]:3128",
    "http://user:{}@[::1]3128",
    "http://user:{}@[]:3128",
    "http://user:{}@[1.2.3.4]:3128",
    "http://user:{}@host..example:3128",
    "http://user:{}@.host:3128",
    "http://user:{}@xn--zz:3128",
    "http://user:{}@ho st:3128",
    "http://user:{}@ho%20st:3128",
    "http://user:{}@999.1.1.1:3128",
    "http://user:{}@\u2100.example:3128",
    "http://user:{}@" + "a" * 64 + ":3128",
    "http://user:{}\ud800@host:3128",
    "http://user:{}" + "a" * 9000 + "@host:3128",
)


@pytest.mark.parametrize("proxy", _WRONG, ids=lambda proxy: ascii(proxy)[:40])
def test_a_malformed_proxy_is_refused_and_not_repeated(proxy: str) -> None:
    """By the constructor, in an error of ours that hides the password."""
    with pytest.raises(ConfigurationError, match="proxy: expected the URL of an HTTP") as caught:
        Sikoia(token="t", proxy=proxy.format(SECRET))

    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "proxy",
    [
        f"http://user:{SECRET}@host:3128".encode(),
        3128,
        ("host", 3128),
        {"https": f"http://user:{SECRET}@host:3128"},
        httpx.URL(f"http://user:{SECRET}@host:3128"),
        httpx.Proxy(f"http://user:{SECRET}@host:3128"),
    ],
    ids=lambda proxy: type(proxy).__name__,
)
def test_a_proxy_is_a_string(proxy: Any) -> None:
    """Objects of httpx are refused too, so that no type of httpx is part of the interface."""
    with pytest.raises(TypeError, match="proxy: expected the URL of an HTTP proxy") as caught:
        Sikoia(token="t", proxy=proxy)

    assert isinstance(caught.value, ConfigurationError)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def _locals_of_ours(error: BaseException) -> str:
    """Return what an error reporter prints of the SDK's frames, but not of the test's."""
    trace = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = [frame for frame in trace.stack if "sikoia_async" in frame.filename]
    assert frames
    return repr([frame.locals for frame in frames])


@pytest.mark.parametrize(
    ("proxy", "options"),
    [
        (f"http://user:{SECRET}#1@host:3128", {}),
        (f"http://user:{SECRET}@host:3128/path", {}),
        (f"http://user:{SECRET}@host:3128".encode(), {}),
        (f"http://user:{SECRET}@host:3128", {"timeout": 0}),
        (f"http://user:{SECRET}@host:3128", {"tls": 3}),
        (f"http://user:{SECRET}@host:3128", {"tls": "/nowhere"}),
        (f"http://user:{SECRET}@host:3128", {"max_chargeable": -1}),
        (None, {"trust_env": True}),
    ],
    ids=range(8),
)
@pytest.mark.usefixtures("no_proxies")
def test_no_local_variable_of_ours_shows_a_proxy(
    proxy: Any, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Error reporters print them, whatever the error is about."""
    monkeypatch.setenv("ALL_PROXY", f"http://user:{SECRET}@host:3128/path")

    with pytest.raises(ConfigurationError) as caught:
        Sikoia(token="t", proxy=proxy, **options)

    assert SECRET not in _locals_of_ours(caught.value)


@pytest.mark.parametrize(
    "proxy",
    [
        "http://{host}",
        "HTTP://{host}/",
        "http://user:p%23ss@{host}",
        "http://user:p@ss@{host}",
        "http://user:é@{host}",
        "http://user@{host}",
    ],
)
@pytest.mark.anyio
async def test_a_proxy_gets_the_request(proxy: str) -> None:
    """With any spelling of the scheme, with a user or without."""
    async with serve(_answers) as server:
        url = proxy.format(host=server.url.removeprefix("http://"))
        # Nothing listens at the host of the environment.
        options: dict[str, Any] = {"environment": local("http://127.0.0.1:9"), "quota": None}
        async with Sikoia(token="t", proxy=url, retries=0, **options) as sikoia:
            assert await sikoia.request("GET", "/v2/cases") == []

    assert server.lines == ["GET http://127.0.0.1:9/v2/cases"]


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Delete the variables that name proxies."""
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name.upper()}_PROXY", raising=False)


async def _is_proxied(host: str = "127.0.0.1:9") -> bool:
    """Return whether a client with trust_env=True asks the proxy in the variables."""
    options: dict[str, Any] = {"environment": local(f"http://{host}"), "quota": None}
    async with Sikoia(token="t", trust_env=True, retries=0, **options) as sikoia:
        try:
            return bool(await sikoia.request("GET", "/v2/cases") == [])
        except ConnectionFailedError:
            return False


@pytest.mark.parametrize(
    "spelling", ["{}", "http://{}", "HTTP://{}/", "http://{}\n", " {} ", "user:p%23ss@{}"]
)
@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.usefixtures("no_proxies")
@pytest.mark.anyio
async def test_a_variable_names_a_proxy(
    name: str, spelling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With or without a scheme, as in curl, and with blanks around it."""
    async with serve(_answers) as server:
        monkeypatch.setenv(name, spelling.format(server.url.removeprefix("http://")))
        assert await _is_proxied()

    assert server.lines == ["GET http://127.0.0.1:9/v2/cases"]


@pytest.mark.parametrize(
    "value",
    [f"http://user:{SECRET}#1@host:3128", f"socks5://{SECRET}:1080", f"{SECRET}:port", "://"],
)
@pytest.mark.usefixtures("no_proxies")
def test_a_variable_without_a_valid_proxy_is_named(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error of the constructor names the variable, and does not repeat it."""
    monkeypatch.setenv("ALL_PROXY", value)

    with pytest.raises(ConfigurationError, match=r"^https_proxy or all_proxy: expected") as caught:
        Sikoia(token="t", trust_env=True)

    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("value", ["", " ", "\n"])
@pytest.mark.usefixtures("no_proxies")
def test_an_empty_variable_names_no_proxy(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shells cannot always unset a variable."""
    monkeypatch.setenv("ALL_PROXY", value)

    Sikoia(token="t", trust_env=True)


@pytest.mark.parametrize(
    ("host", "entries", "is_bypassed"),
    [
        ("127.0.0.1:9", "127.0.0.1", True),
        ("127.0.0.1:9", "*", True),
        ("127.0.0.1:9", "127.0.0.1:9", True),
        ("127.0.0.1:9", "127.0.0.1:90", False),
        ("127.0.0.1:9", "127.0.0.0/8", True),
        ("127.0.0.1:9", "127.1.2.3/8", True),
        ("127.0.0.1:9", "10.0.0.0/8,192.168.0.0/16", False),
        ("127.0.0.1:9", "a.example, 127.0.0.1\n", True),
        ("127.0.0.1:9", "a.example 127.0.0.1:9", True),
        ("127.0.0.1:9", "0.0.1", False),
        ("127.0.0.1:9", "localhost", False),
        ("127.0.0.1:9", ",, ", False),
        ("127.0.0.1:9", "127.0.0.0/99", False),
        ("127.0.0.1", "127.0.0.1:80", True),
        ("localhost:9", "LocalHost", True),
        ("localhost:9", "localhost:9", True),
        ("LOCALHOST.:9", ".localhost", True),
        ("localhost:9", "*.localhost", True),
        ("localhost:9", "localhost.", True),
        ("localhost:9", "*:9", True),
        ("localhost:9", "host", False),
        ("localhost:9", "a.localhost", False),
        ("localhost:9", "127.0.0.0/8", False),
        ("localhost:9", "*.", False),
        ("[::1]:9", "::1", True),
        ("[::1]:9", "[::1]", True),
        ("[::1]:9", "[::1]:9", True),
        ("[::1]:9", "[::1]:90", False),
        ("[::1]:9", "::/64", True),
        ("[::1]:9", "0.0.0.0/0", False),
    ],
)
@pytest.mark.usefixtures("no_proxies")
@pytest.mark.anyio
async def test_no_proxy_lists_hosts_ports_and_networks(
    host: str, entries: str, *, is_bypassed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As curl reads it, and requests."""
    async with serve(_answers) as server:
        monkeypatch.setenv("HTTP_PROXY", server.url)
        monkeypatch.setenv("NO_PROXY", entries)
        assert await _is_proxied(host) is not is_bypassed

    assert server.connections == (not is_bypassed)


async def _sells(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.send(answer(201, b"{}"))


async def _buy(sikoia: Sikoia) -> None:
    await sikoia.request("POST", "/v2/identity", body={"person_id": "p-1"}, chargeable=True)


def _says(*said: bytes) -> Script:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(*said)

    return script


async def _resets(peer: Peer) -> None:
    await peer.request()
    await peer.reset()


async def _hangs(peer: Peer) -> None:
    await peer.request()
    await peer.gone()


async def _speaks_no_tls(peer: Peer) -> None:
    await peer.request()
    await peer.send(_OPEN)
    await peer.something()
    await peer.send(answer(502, b"canary"))
    await peer.gone()


_OPEN: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"
_FAILING: Final[dict[str, tuple[Script, str]]] = {
    "closed": (_says(), "the proxy has opened no tunnel: the server closed the connection early"),
    "reset": (_resets, "the proxy has opened no tunnel"),
    "silent": (_hangs, "the proxy has opened no tunnel: connecting timed out"),
    "nonsense": (_says(b"\x15\x03\x01 canary\r\n\r\n"), "the proxy has opened no tunnel"),
    "half": (_says(b"HTTP/1.1 200 Conn"), "the proxy has opened no tunnel"),
    "500": (_says(answer(500, b"canary")), "the proxy refused to connect: 500 Internal Server"),
    "502": (_says(answer(502)), "the proxy refused to connect: 502 Bad Gateway"),
    "503": (_says(answer(503)), "the proxy refused to connect: 503 Service Unavailable"),
    "599": (_says(answer(599)), r"the proxy refused to connect: 599 \("),
    "closed tunnel": (_says(_OPEN), "TLS failed"),
    "nonsense in the tunnel": (_speaks_no_tls, "TLS failed"),
}
_REFUSING: Final = {
    301: "301 Moved Permanently",
    403: "403 Forbidden",
    404: "404 Not Found",
    407: "407 Proxy Authentication Required",
    499: r"499 \(",
}


@asynccontextmanager
async def _behind(
    folder: Path,
    *scripts: Script,
    sells: Script = _sells,
    tls: ssl.SSLContext | None = None,
    connect_timeout: float | None = None,
) -> AsyncGenerator[tuple[Sikoia, Server, Server]]:
    """Run a Sikoia behind a proxy that follows these scripts in turn, and then the last one."""
    remaining = list(scripts)

    async def script(peer: Peer) -> None:
        await (remaining.pop(0) if len(remaining) > 1 else remaining[0])(peer)

    async with (
        serve(sells, tls or certified()) as server,
        serve(script) as proxy,
        client(server.url, tls=trusting(folder), proxy=proxy.url, retries=2) as sikoia,
    ):
        yield tuned(sikoia, connect_timeout=connect_timeout, retry_policy=NoPauses()), server, proxy


@pytest.mark.parametrize(("script", "words"), _FAILING.values(), ids=_FAILING.keys())
@pytest.mark.anyio
async def test_a_proxy_that_fails_has_sent_nothing(
    script: Script, words: str, tmp_path: Path
) -> None:
    """Its CONNECT is not the request: a purchase is retried, and not counted."""
    connect_timeout = 0.3 if script is _hangs else None
    behind = _behind(tmp_path, script, connect_timeout=connect_timeout)
    async with behind as (sikoia, server, proxy):
        with pytest.raises(ConnectionFailedError, match=words) as caught:
            await _buy(sikoia)

        assert not sikoia.spend
    assert "canary" not in str(caught.value)
    assert (caught.value.reached, caught.value.may_have_been_processed) == ("unsent", False)
    assert (len(caught.value.attempts), proxy.connections) == (3, 3)
    assert server.connections == 0


@pytest.mark.parametrize(("status", "words"), _REFUSING.items())
@pytest.mark.anyio
async def test_the_status_of_a_refusing_proxy_is_told(
    status: int, words: str, tmp_path: Path
) -> None:
    """It is final below 500."""
    async with _behind(tmp_path, _says(answer(status, b"canary"))) as (sikoia, server, proxy):
        with pytest.raises(ConnectionFailedError, match=f"refused to connect: {words}") as caught:
            await _buy(sikoia)

        assert not sikoia.spend
    assert "canary" not in str(caught.value)
    assert (caught.value.reached, caught.value.may_have_been_processed) == ("unsent", False)
    assert (len(caught.value.attempts), proxy.connections, server.connections) == (1, 1, 0)


@pytest.mark.anyio
async def test_a_purchase_is_made_once_after_the_proxy_has_failed(tmp_path: Path) -> None:
    """Each failure took the place of a tunnel, and the third tunnel is used for both calls."""
    behind = _behind(tmp_path, _says(answer(502)), _hangs, forward, connect_timeout=1)
    async with behind as (sikoia, server, proxy):
        await _buy(sikoia)
        await _buy(sikoia)

        assert sikoia.spend == {"identity.request": 2}
    assert (len(server.requests), proxy.connections) == (2, 3)
    assert [line.partition(" ")[0] for line in proxy.lines] == ["CONNECT"] * 3


@pytest.mark.anyio
async def test_an_untrusted_server_behind_a_proxy_gets_nothing(tmp_path: Path) -> None:
    """The tunnel stands, and TLS inside it fails for good."""
    async with _behind(tmp_path, forward, tls=certified(by=trustme.CA)) as (sikoia, server, proxy):
        with pytest.raises(ConnectionFailedError, match="certificate is not valid") as caught:
            await _buy(sikoia)

        assert not sikoia.spend
    assert caught.value.reached == "unsent"
    assert (proxy.connections, len(server.requests)) == (1, 0)


@pytest.mark.anyio
async def test_a_request_through_a_tunnel_is_in_doubt(tmp_path: Path) -> None:
    """Once TLS stands behind the proxy, a lost response is one."""
    async with _behind(tmp_path, forward, sells=_says()) as (sikoia, server, _):
        with pytest.raises(ConnectionFailedError) as caught:
            await _buy(sikoia)

        assert sikoia.spend == {"identity.request": 1}
    assert (caught.value.reached, caught.value.may_have_been_processed) == ("sent", True)
    assert len(server.requests) == 1


@pytest.mark.anyio
async def test_a_tunnel_does_not_shorten_the_time_for_a_response(tmp_path: Path) -> None:
    """The time for the proxy's response ends with it."""

    async def slow(peer: Peer) -> None:
        await peer.request()
        await anyio.sleep(1.5)  # longer than the time for connecting
        await peer.send(answer(201, b"{}"))

    behind = _behind(tmp_path, forward, sells=slow, connect_timeout=1)
    async with behind as (sikoia, server, _):
        await _buy(sikoia)
        assert await sikoia.request("GET", "/v2/cases") == {}

    assert len(server.requests) == 2


@pytest.mark.parametrize("proxy", [f"http://user:{SECRET}@proxy.example:3128", SECRET.encode()])
def test_the_repr_of_a_proxy_is_masked(proxy: object) -> None:
    """Whatever was given."""
    assert repr(masked_proxy(proxy)) == "***"
