"""Proxies: which URLs are accepted, and what becomes of calls."""

import traceback
from typing import Any, Final

import httpx
import pytest
from faults import SECRET, Peer, answer, serve

from sikoia_async import ConfigurationError, Sikoia
from sikoia_async.environments import local

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

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer())

    async with serve(script) as server:
        url = proxy.format(host=server.url.removeprefix("http://"))
        # Nothing listens at the host of the environment.
        options: dict[str, Any] = {"environment": local("http://127.0.0.1:9"), "quota": None}
        async with Sikoia(token="t", proxy=url, retries=0, **options) as sikoia:
            assert await sikoia.request("GET", "/v2/cases") == []

    assert server.lines == ["GET http://127.0.0.1:9/v2/cases"]
