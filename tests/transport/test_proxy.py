"""Proxies: which URLs are accepted, and what becomes of calls."""

import traceback
from typing import Any, Final

import httpx
import pytest
from faults import SECRET, Peer, answer, serve

from sikoia_async import ConfigurationError, ConnectionFailedError, Sikoia
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
