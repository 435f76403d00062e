"""Links: which hosts they may lead to, what these see of the client, and whom it trusts there."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from faults import Peer, Server, answer, authority, certified, client, serve, trusting

from sikoia_async import ConfigurationError, ConnectionFailedError, Sikoia
from sikoia_async.environments import local

pytestmark = pytest.mark.anyio


async def _answers(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.send(answer(body=b"[]"))


def _demanding() -> ssl.SSLContext:
    """Return the context of a server that wants a client certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued = authority().issue_cert("127.0.0.1")
    issued.configure_cert(context)  # pyright: ignore[reportUnknownMemberType] - pyOpenSSL's types
    authority().configure_trust(context)  # pyright: ignore[reportUnknownMemberType] - as above
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def _with_certificate(folder: Path) -> ssl.SSLContext:
    """Return a client's context with a certificate of its own."""
    context = ssl.create_default_context(cafile=trusting(folder))
    issued = authority().issue_cert("client@canary.example")
    issued.configure_cert(context)  # pyright: ignore[reportUnknownMemberType] - as above
    return context


async def _download(sikoia: Sikoia, server: Server) -> bytes:
    return await sikoia.download(f"{server.url}/a.pdf")


async def test_the_client_certificate_is_shown_to_the_api_only(tmp_path: Path) -> None:
    """A file host that asks for it gets none, unless `link_tls` has one."""
    tls = _with_certificate(tmp_path)
    async with serve(_answers, _demanding()) as api, serve(_answers, _demanding()) as files:
        async with client(api.url, tls=tls, link_tls=trusting(tmp_path)) as sikoia:
            assert await sikoia.request("GET", "/v2/cases") == []
            with pytest.raises(ConnectionFailedError):
                await _download(sikoia, files)
            assert files.connections == 1
            assert files.requests == []

            assert await _download(sikoia, api) == b"[]"  # the same host sees the same certificate
        async with client(api.url, tls=trusting(tmp_path), link_tls=tls) as sikoia:
            assert await _download(sikoia, files) == b"[]"


@pytest.mark.parametrize("kind", ["file", "context"])
async def test_private_authorities_are_trusted_for_the_api_only(kind: str, tmp_path: Path) -> None:
    """They could otherwise issue certificates for every file host."""
    pinned = trusting(tmp_path)
    tls = pinned if kind == "file" else ssl.create_default_context(cafile=pinned)
    async with serve(_answers, certified()) as api, serve(_answers, certified()) as files:
        async with client(api.url, tls=tls) as sikoia:
            assert await sikoia.request("GET", "/v2/cases") == []
            assert await _download(sikoia, api) == b"[]"
            with pytest.raises(ConnectionFailedError, match="certificate is not valid"):
                await _download(sikoia, files)
            assert files.requests == []
        async with client(api.url, tls=tls, link_tls=tls) as sikoia:
            assert await _download(sikoia, files) == b"[]"
        async with client(api.url, link_tls=tls) as sikoia:
            assert await _download(sikoia, files) == b"[]"
            with pytest.raises(ConnectionFailedError, match="certificate is not valid"):
                await sikoia.request("GET", "/v2/cases")


async def test_a_view_has_the_same_rules_for_links(tmp_path: Path) -> None:
    """Of hosts and of certificates."""
    async with serve(_answers, certified()) as files:
        sikoia = client(
            "https://127.0.0.1:1", link_tls=trusting(tmp_path), link_hosts=["127.0.0.1"]
        )
        view = sikoia.with_options(timeout=5)
        assert await _download(view, files) == b"[]"
        with pytest.raises(ConfigurationError, match="link_hosts"):
            await view.download("https://canary.example/a.pdf")


def _replies(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=b"%PDF")


def _listed(*hosts: str) -> Sikoia:
    return Sikoia(
        token="t",
        environment=local("https://127.0.0.1:1"),
        transport=httpx.MockTransport(_replies),
        link_hosts=hosts,
    )


_HOSTS: Final = ("files.example", "*.Blob.example", "[::1]", "203.0.113.7", "b\u00fccher.example.")


@pytest.mark.parametrize(
    "host",
    [
        "files.example",
        "FILES.example.",
        "files.example:8443",
        "a.blob.example",
        "a.b.BLOB.example",
        "203.0.113.7",
        "b\u00fccher.example",
        "xn--bcher-kva.example",
    ],
)
async def test_listed_hosts_are_allowed(host: str) -> None:
    """In any spelling, on any port."""
    assert await _listed(*_HOSTS).download(f"https://{host}/a.pdf") == b"%PDF"


@pytest.mark.parametrize(
    "host",
    [
        "canary.example",
        "files.example.canary.example",
        "canaryfiles.example",
        "a.files.example",
        "blob.example",
        "canaryblob.example",
        "203.0.113.70",
        "7.203.0.113.7.example",
    ],
)
async def test_other_hosts_are_refused(host: str, tmp_path: Path) -> None:
    """Before anything is sent, and the error repeats nothing of the link."""
    sikoia = _listed(*_HOSTS)
    link = f"https://{host}/canary.pdf"
    with pytest.raises(ConfigurationError, match="link: it leads to a host that") as caught:
        await sikoia.download(link)
    with pytest.raises(ConfigurationError, match="link: it leads to a host that"):
        await sikoia.save(link, tmp_path / "a.pdf")
    assert "canary" not in str(caught.value)
    with pytest.raises(ConfigurationError):
        await sikoia.download(f"https://files.example@{host}/canary.pdf")


async def test_an_empty_list_allows_no_link() -> None:
    """Other than None, which allows all."""
    with pytest.raises(ConfigurationError, match="link_hosts"):
        await _listed().download("https://files.example/a.pdf")


_INVALID: Final[dict[str, Any]] = {
    "a string": "files.example",
    "bytes": b"files.example",
    "number": 7,
    "dict": {"files.example": 1},
    "None inside": [None],
    "number inside": [7],
    "empty": [""],
    "URL": ["https://canary.example"],
    "port": ["canary.example:443"],
    "path": ["canary.example/a"],
    "user": ["canary@files.example"],
    "star alone": ["*"],
    "star in the middle": ["a.*.canary.example"],
    "two stars": ["*.*.canary.example"],
    "blank": ["canary .example"],
    "IPv6 without brackets": ["::1"],
}


@pytest.mark.parametrize("hosts", _INVALID.values(), ids=_INVALID.keys())
def test_invalid_hosts_are_refused(hosts: Any) -> None:
    """By the constructor, which does not repeat them."""
    with pytest.raises(ConfigurationError, match="link_hosts: expected") as caught:
        client("https://127.0.0.1:1", link_hosts=hosts)

    assert "canary" not in str(caught.value)


def _unverifying() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    return context


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: 7, "link_tls: expected an SSLContext, or a file"),
        (lambda: "/canary/none.pem", "link_tls: expected a readable file"),
        (_unverifying, "link_tls: expected an SSLContext with check_hostname=True"),
    ],
    ids=["type", "missing file", "no host names"],
)
def test_an_invalid_context_for_links_is_refused(make: Callable[[], Any], message: str) -> None:
    """By the same rules as `tls`."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        client("https://127.0.0.1:1", link_tls=make())

    assert "canary" not in str(caught.value)


def test_a_transport_of_the_callers_has_its_own_context(tmp_path: Path) -> None:
    """It connects to file hosts as well."""
    with pytest.raises(ConfigurationError, match="tls, link_tls, proxy, trust_env: configure"):
        client(
            "https://127.0.0.1:1",
            transport=httpx.MockTransport(_replies),
            link_tls=trusting(tmp_path),
        )
