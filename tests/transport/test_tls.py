"""TLS and the process's environment: whom the client trusts, and which variables it ignores."""

import socket
import ssl
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
import trustme
from faults import (
    NoPauses,
    Peer,
    Script,
    Server,
    answer,
    assert_plain,
    authority,
    certified,
    client,
    forward,
    no_descriptors,
    serve,
    trusting,
    tuned,
)

from sikoia_async import ConfigurationError, ConnectionFailedError, Sikoia
from sikoia_async._transport.tls import new_context

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
    "another authority": (
        lambda: certified(by=trustme.CA),
        "; to trust another authority, see tls=",
    ),
    "expired": (
        lambda: certified(until=datetime(2020, 1, 1, tzinfo=UTC)),
        r"certificate is not valid: certificate has expired \(GET",
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
        with pytest.raises(ConnectionFailedError, match="SIKOIA_CA_FILE for a local Sikoia"):
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


@pytest.mark.parametrize("trust_env", [False, True])
@pytest.mark.parametrize("pinned", [False, True])
def test_tls_is_at_least_1_2_and_certificates_are_checked(
    *, pinned: bool, trust_env: bool, tmp_path: Path
) -> None:
    """As strictly as Python does by default, whatever else is configured."""
    context = new_context(trusting(tmp_path) if pinned else None, trust_env=trust_env)
    default = ssl.create_default_context()

    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.verify_flags == default.verify_flags
    assert context.options & default.options == default.options


def _context(**changes: Any) -> ssl.SSLContext:
    context = ssl.create_default_context()
    for name, value in changes.items():
        setattr(context, name, value)
    return context


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of TLS 1.1
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: _context(check_hostname=False), "check_hostname=True"),
        (
            lambda: _context(check_hostname=False, verify_mode=ssl.CERT_NONE),
            "verify_mode=CERT_REQUIRED",
        ),
        (lambda: _context(verify_mode=ssl.CERT_OPTIONAL), "verify_mode=CERT_REQUIRED"),
        (lambda: _context(minimum_version=ssl.TLSVersion.TLSv1_1), "TLS 1.2 or newer"),
        (
            lambda: _context(
                minimum_version=ssl.TLSVersion.MINIMUM_SUPPORTED,
                maximum_version=ssl.TLSVersion.TLSv1_1,
            ),
            "TLS 1.2 or newer",
        ),
        (lambda: certified(), "for clients"),  # noqa: PLW0108 - not made while tests are collected
    ],
    ids=["any host", "any certificate", "optional", "minimum 1.1", "maximum 1.1", "server"],
)
def test_a_context_that_does_not_verify_is_refused(make: _Make, words: str) -> None:
    """By the constructor."""
    with pytest.raises(ConfigurationError, match=f"tls: expected an SSLContext .*{words}"):
        Sikoia(token="t", tls=make())


async def test_a_pinned_authority_is_the_only_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `tls=`, trust_env=True adds no authorities."""
    other = trustme.CA()
    other.cert_pem.write_to_path(tmp_path / "other.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other.pem"))
    monkeypatch.setenv("no_proxy", "*")
    options: dict[str, Any] = {"tls": trusting(tmp_path), "trust_env": True}
    async with (
        serve(_answers, certified(by=lambda: other)) as server,
        client(server.url, **options) as sikoia,
    ):
        with pytest.raises(ConnectionFailedError, match="certificate is not valid"):
            await sikoia.request("GET", "/v2/cases")

    _assert_unsent(server)


async def test_the_environment_names_authorities_only_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `tls=`, trust_env=True adds those of `SSL_CERT_FILE`."""
    monkeypatch.setenv("SSL_CERT_FILE", str(trusting(tmp_path)))
    monkeypatch.setenv("no_proxy", "*")
    async with serve(_answers, certified()) as server:
        async with client(server.url) as sikoia:
            with pytest.raises(ConnectionFailedError, match="certificate is not valid"):
                await sikoia.request("GET", "/v2/cases")
        _assert_unsent(server)
        async with client(server.url, trust_env=True) as sikoia:
            assert await sikoia.request("GET", "/v2/cases") == []


async def test_a_proxy_with_tls_is_verified_like_sikoia(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`tls=` applies to it, and no variable does without trust_env=True."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    tls = certified()
    async with (
        serve(_answers, tls) as server,
        serve(forward, tls) as proxy,
        client(server.url, tls=trusting(tmp_path), proxy=proxy.url) as sikoia,
    ):
        assert await sikoia.request("GET", "/v2/cases") == []
        assert await sikoia.request("GET", "/v2/cases") == []

    assert (server.connections, proxy.connections) == (1, 1)
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
async def test_an_untrusted_proxy_gets_nothing(
    *, encrypted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether Sikoia itself is encrypted or, on loopback, plain."""
    monkeypatch.setenv("SSL_CERT_FILE", str(trusting(tmp_path)))
    tls = certified() if encrypted else None
    async with (
        serve(_answers, tls) as server,
        serve(forward, certified()) as proxy,
        client(server.url, proxy=proxy.url, retries=2) as sikoia,
    ):
        with pytest.raises(ConnectionFailedError, match="certificate is not valid") as caught:
            await sikoia.request("GET", "/v2/cases")

    assert (server.connections, proxy.connections) == (0, 1)
    assert caught.value.reached == "unsent"
    assert not proxy.received


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "empty"])
def test_a_file_without_authorities_is_refused(content: str | None, tmp_path: Path) -> None:
    """When the client is created, not when it connects."""
    file = tmp_path / "canary.pem"
    if content:
        file.write_text(content)

    with pytest.raises(ConfigurationError, match="file of certificate authorities") as caught:
        Sikoia(token="t", tls=file)

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("path", ["", "canary\x00", "canary\ud800", "/", "canary" * 1000])
def test_a_path_that_is_no_file_is_refused(path: str) -> None:
    """An empty path is not taken for the default."""
    with pytest.raises(ConfigurationError, match="file of certificate authorities") as caught:
        Sikoia(token="t", tls=path)

    assert "canary" not in str(caught.value)


def test_a_key_log_that_cannot_be_written_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the constructor, and only with trust_env=True."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "missing" / "canary"))

    Sikoia(token="t")
    with pytest.raises(ConfigurationError, match="SSLKEYLOGFILE: expected a writable") as caught:
        Sikoia(token="t", trust_env=True)

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("pinned", [False, True])
def test_authorities_that_somebody_names_are_read_before_the_first_call(
    *, pinned: bool, tmp_path: Path
) -> None:
    """So that a process without free file descriptors fails in the constructor."""
    tls = trusting(tmp_path) if pinned else None
    Sikoia(token="t", trust_env=True)  # loads what is imported on first use
    with (
        no_descriptors(),
        pytest.raises(ConfigurationError, match=r"authorities .*\(Too many open files\)"),
    ):
        Sikoia(token="t", tls=tls, trust_env=not pinned)


async def test_public_authorities_are_read_with_the_first_connection() -> None:
    """Without a free file descriptor, a client is created, and its request is retried."""

    class Restores(NoPauses):
        def pause(self, retry: int, hint: float | None) -> float:
            restore()
            return super().pause(retry, hint)

    async def call(url: str) -> None:
        sikoia = client(url, retries=1)
        tuned(sikoia, retry_policy=Restores())
        await sikoia.request("GET", "/v2/cases")

    async with serve(_answers, certified()) as server:
        with pytest.raises(ConnectionFailedError):  # loads what is imported on first use
            await client("https://127.0.0.1:1", retries=1).request("GET", "/v2/cases")
        with (
            no_descriptors() as restore,
            pytest.raises(ConnectionFailedError, match="certificate is not valid") as caught,
        ):
            await call(server.url)

    first, second = caught.value.attempts
    assert first.error == "Too many open files"
    assert "certificate is not valid" in str(second.error)


async def test_authorities_for_links_are_read_like_a_connection_is_opened(tmp_path: Path) -> None:
    """Without a free file descriptor, the download is retried."""

    class Restores(NoPauses):
        def pause(self, retry: int, hint: float | None) -> float:
            restore()
            return super().pause(retry, hint)

    async with serve(_answers, certified()) as server:
        link = f"{server.url}/file"
        with pytest.raises(ConnectionFailedError):  # loads what is imported on first use
            await client("https://127.0.0.1:1").download(link)
        async with client("https://127.0.0.1:1", tls=trusting(tmp_path), retries=1) as sikoia:
            tuned(sikoia, retry_policy=Restores())
            with (
                no_descriptors() as restore,
                pytest.raises(ConnectionFailedError, match="certificate is not valid") as caught,
            ):
                await sikoia.download(link)

    first, second = caught.value.attempts
    assert first.error == "Too many open files"
    assert "certificate is not valid" in str(second.error)


@contextmanager
def _demanding_certificates() -> Generator[tuple[str, list[str | None]]]:
    """Run a server with TLS 1.3 that demands a certificate, and keep why it refused clients.

    It runs in a thread, because anyio's TLS sends no alerts.
    """
    context = certified.__wrapped__()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    # The signature includes types of pyOpenSSL, which is not installed.
    authority().configure_trust(context)  # pyright: ignore[reportUnknownMemberType]
    refused: list[str | None] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                refuse(listener.accept()[0])

    def refuse(raw: socket.socket) -> None:
        with context.wrap_socket(raw, server_side=True, do_handshake_on_connect=False) as tls:
            try:
                tls.do_handshake()
            except ssl.SSLError as error:
                refused.append(error.reason)
            tls.shutdown(socket.SHUT_WR)
            while tls.recv(65_536):
                pass  # closed with unread bytes, it would reset the connection

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"https://127.0.0.1:{listener.getsockname()[1]}", refused
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize(
    ("has_certificate", "words", "reason"),
    [
        (False, "certificate required", "PEER_DID_NOT_RETURN_A_CERTIFICATE"),
        (True, "unknown ca", "CERTIFICATE_VERIFY_FAILED"),
    ],
)
async def test_a_refused_client_certificate_means_that_nothing_was_sent(
    *, has_certificate: bool, words: str, reason: str, tmp_path: Path
) -> None:
    """With TLS 1.3 the server says so after the request was written; it is final."""
    tls = ssl.create_default_context(cafile=trusting(tmp_path))
    if has_certificate:
        trustme.CA().issue_cert("client.example").configure_cert(tls)  # pyright: ignore[reportUnknownMemberType]
    with _demanding_certificates() as (url, refused):
        async with client(url, tls=tls, retries=2) as sikoia:
            with pytest.raises(ConnectionFailedError, match=f"refused .*: {words}") as caught:
                await sikoia.request("POST", "/v2/identity", body={"a": "b"}, chargeable=True)
            assert not sikoia.spend

    assert_plain(caught.value)
    assert (caught.value.reached, caught.value.may_have_been_processed) == ("unsent", False)
    assert refused == [reason]
