"""TLS and the process's environment: whom the client trusts, and which variables it ignores."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
import trustme
from faults import Peer, Script, Server, answer, assert_plain, certified, client, serve, trusting

from sikoia_async import ConfigurationError, ConnectionFailedError
from sikoia_async._transport.connector import tls_context

pytestmark = pytest.mark.anyio


async def _answers(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.send(answer())


def _says(said: bytes) -> Script:
    async def script(peer: Peer) -> None:
        await peer.something()
        await peer.send(said)
        await peer.gone()

    return script


_PROTOCOL_VERSION: Final = bytes([21, 3, 1, 0, 2, 2, 70])
"""The fatal alert with which a server without TLS above 1.1 ends the handshake."""


_Make = Callable[[], ssl.SSLContext]
_WRONG: Final[dict[str, tuple[_Make, str]]] = {
    "another host": (lambda: certified("other.example"), "certificate is not valid"),
    "another authority": (lambda: certified(by=trustme.CA), "certificate is not valid"),
    "expired": (
        lambda: certified(until=datetime(2020, 1, 1, tzinfo=UTC)),
        "certificate is not valid: certificate has expired",
    ),
}


def _assert_unsent(server: Server) -> None:
    assert not server.requests
    assert b"GET" not in server.received


@pytest.mark.parametrize(("make", "words"), _WRONG.values(), ids=_WRONG.keys())
async def test_an_untrusted_server_gets_nothing(make: _Make, words: str, tmp_path: Path) -> None:
    """There is no retry, and no byte of the request was sent."""
    tls = trusting(tmp_path)
    async with serve(_answers, make()) as server, client(server.url, tls=tls, retries=2) as sikoia:
        with pytest.raises(ConnectionFailedError, match=words) as caught:
            await sikoia.request("GET", "/v2/cases")

    assert_plain(caught.value)
    assert not caught.value.may_have_been_processed
    assert server.connections == len(caught.value.attempts) == 1
    _assert_unsent(server)


@pytest.mark.parametrize("said", [answer(400), _PROTOCOL_VERSION], ids=["plain HTTP", "TLS 1.1"])
async def test_a_server_that_speaks_another_protocol_gets_nothing(
    said: bytes, tmp_path: Path
) -> None:
    """No TLS, or an old version of it, is permanent, too."""
    async with serve(_says(said)) as server:
        url = server.url.replace("http:", "https:")
        async with client(url, tls=trusting(tmp_path), retries=2) as sikoia:
            with pytest.raises(ConnectionFailedError, match="TLS failed") as caught:
                await sikoia.request("GET", "/v2/cases")

    assert_plain(caught.value)
    assert server.connections == len(caught.value.attempts) == 1
    _assert_unsent(server)


async def test_a_trusted_server_gets_the_request(tmp_path: Path) -> None:
    """With the right authority, host name and validity period, the call succeeds."""
    tls = trusting(tmp_path)
    async with serve(_answers, certified()) as server, client(server.url, tls=tls) as sikoia:
        assert await sikoia.request("GET", "/v2/cases") == []


async def test_an_authority_must_be_named_to_be_trusted() -> None:
    """By default, certifi's authorities are trusted."""
    async with serve(_answers, certified()) as server, client(server.url) as sikoia:
        with pytest.raises(ConnectionFailedError, match="certificate is not valid"):
            await sikoia.request("GET", "/v2/cases")

    _assert_unsent(server)


@pytest.mark.parametrize("trust_env", [False, True])
async def test_tls_keys_are_logged_only_on_request(
    *, trust_env: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`SSLKEYLOGFILE` exposes the traffic, so it also needs trust_env=True."""
    key_log = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(key_log))
    monkeypatch.setenv("no_proxy", "*")
    async with serve(_answers, certified()) as server:
        sikoia = client(server.url, tls=trusting(tmp_path), trust_env=trust_env)
        await sikoia.request("GET", "/v2/cases")
        await sikoia.aclose()

    assert key_log.exists() == trust_env


@pytest.mark.parametrize("trust_env", [False, True])
async def test_a_proxy_of_the_environment_is_ignored(
    *, trust_env: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets no connection without trust_env=True."""
    async with serve(_answers) as trap, serve(_answers) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
            monkeypatch.setenv(name, trap.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        async with client(server.url, trust_env=trust_env) as sikoia:
            await sikoia.request("GET", "/v2/cases")

    assert trap.connections == trust_env
    assert server.connections == (not trust_env)


@pytest.mark.parametrize("key_log", [False, True])
def test_tls_is_at_least_1_2_and_certificates_are_checked(*, key_log: bool) -> None:
    """Whatever else is configured."""
    context = tls_context(None, key_log=key_log)

    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "empty"])
def test_a_file_without_authorities_is_refused(content: str | None, tmp_path: Path) -> None:
    """When the client is created, not when it connects."""
    file = tmp_path / "authorities.pem"
    if content:
        file.write_text(content)

    with pytest.raises(ConfigurationError, match="file of certificate authorities"):
        tls_context(str(file), key_log=False)
