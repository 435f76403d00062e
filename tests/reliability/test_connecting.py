"""Failures before a request is sent: names, connections and TLS."""

import socket
import ssl
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
from faults import (
    SECRET,
    NoPauses,
    Peer,
    Script,
    answer,
    assert_plain,
    authority,
    client,
    refusing,
    serve,
    trusting,
    tuned,
)
from reliability.harness import Plan, Played, act, ask, healthy, plan, put, resets, silent
from reliability.oracle import Watch, watched

from sikoia_async import ConnectionFailedError, DeadlineExceededError, Limits, Sikoia
from sikoia_async.environments import Environment

pytestmark = pytest.mark.anyio

_NOWHERE: Final = "nowhere.invalid"


def _resolves(monkeypatch: pytest.MonkeyPatch, answers: Any) -> None:
    """Let the system's resolver call `answers` for names; addresses are left to it."""
    real = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        numeric = len(args) > 4 and args[4] & socket.AI_NUMERICHOST  # trio asks that first
        if name is None or name[0] in "0123456789:" or numeric:
            return real(host, *args, **options)
        return answers(*args)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def _environment(origin: str) -> Environment:
    return Environment(name="test", api=origin, token_url=f"{origin}/token", scope="all")


def _talking(url: str | Environment, **options: Any) -> Sikoia:
    return client(url, **{"retries": 2, "limits": Limits(max_in_flight=2), **options})


async def _nothing_was_sent(row: Watch, match: str, *, attempts: int) -> None:
    """Check that whatever is asked for fails after so many attempts, and nothing was processed."""
    for call in (ask, put, act):
        error = await row.fails(
            ConnectionFailedError, call, requests=0, attempts=attempts, match=match
        )
        assert "nothing was sent" in str(error)
        assert not error.may_have_been_processed


@pytest.mark.parametrize("host", ["refusing", "unresolvable", "silent"])
async def test_a_login_host_that_cannot_be_reached(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says that nothing was sent, or that no response arrived."""

    def unresolvable(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown name")

    async def hang_up(peer: Peer) -> None:
        await peer.request()

    _resolves(monkeypatch, unresolvable)
    async with refusing() as refused, serve(hang_up) as closed:
        origins = {"refusing": refused, "silent": closed.url, "unresolvable": f"https://{_NOWHERE}"}
        environment = Environment(
            name="test", api="https://127.0.0.1:1", token_url=f"{origins[host]}/token", scope="all"
        )
        sikoia = Sikoia("an-id", SECRET, environment=environment, quota=None)
        with pytest.raises(ConnectionFailedError, match="authorization server") as caught:
            await act(tuned(sikoia, retry_policy=NoPauses()))
        await sikoia.aclose()

    assert caught.value.reached == ("sent" if host == "silent" else "unsent")
    assert ("nothing was sent" in str(caught.value)) == (host != "silent")
    assert (caught.value.call.path, caught.value.may_have_been_processed) == ("/token", False)
    assert_plain(caught.value)


async def test_a_refused_connection_is_retried() -> None:
    """A1: nothing was sent, so even an unsafe request is retried."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        sikoia = _talking(f"http://127.0.0.1:{taken.getsockname()[1]}")
        async with watched(sikoia, Played(), next_call=False) as row:
            await _nothing_was_sent(row, "Connection refused", attempts=3)


async def test_an_unknown_host_name_is_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A2: the resolver may recover."""

    def unknown(*_: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "canary-token-5f1d")

    _resolves(monkeypatch, unknown)
    sikoia = _talking(_environment(f"https://{_NOWHERE}"))
    async with watched(sikoia, Played(), next_call=False) as row:
        await _nothing_was_sent(row, "the host name cannot be resolved", attempts=3)


async def test_a_hanging_resolver_ends_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A3: neither the call nor closing waits for its thread."""
    woken = threading.Event()

    def hangs(*_: Any) -> Any:
        woken.wait(20)
        raise socket.gaierror(socket.EAI_AGAIN, "too late")

    _resolves(monkeypatch, hangs)
    sikoia = _talking(_environment(f"https://{_NOWHERE}"), timeout=0.3)
    try:
        async with watched(sikoia, Played(), next_call=False) as row:
            error = await row.fails(
                DeadlineExceededError, act, requests=0, attempts=0, deadline=0.3
            )
            assert not error.may_have_been_processed
            assert error.spent["response"] > 0
            with anyio.fail_after(5):
                await sikoia.aclose()
            woken.set()
            await anyio.sleep(0.05)  # trio counts the thread's task until it is back
    finally:
        woken.set()


@contextmanager
def _black_hole(family: int = socket.AF_INET, port: int = 0) -> Generator[int]:
    """Return a port whose accept queue is full, so that connecting hangs."""
    host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
    with ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket(family))
        listener.bind((host, port))
        listener.listen(0)
        for _ in range(4):
            filler = sockets.enter_context(socket.socket(family))
            filler.setblocking(False)  # noqa: FBT003 - the standard library's
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


async def test_a_host_that_drops_connections_times_out() -> None:
    """A4: each attempt has a connect timeout, and the call has a deadline."""
    with _black_hole() as port:
        sikoia = tuned(_talking(f"http://127.0.0.1:{port}"), connect_timeout=0.1)
        async with watched(sikoia, Played(), next_call=False) as row:
            await _nothing_was_sent(row, "connecting timed out", attempts=3)

            hurried = sikoia.with_options(timeout=0.05)
            error = await row.fails(
                DeadlineExceededError,
                lambda _: act(hurried),
                requests=0,
                attempts=0,
                deadline=0.05,
            )
            assert not error.may_have_been_processed


def _secure(planned: Plan, folder: Path, **options: Any) -> Sikoia:
    url = planned.server.url.replace("http:", "https:")
    return _talking(url, tls=trusting(folder), **options)


async def _no_tls(peer: Peer) -> None:
    await peer.gone()


async def _resets_half_way(peer: Peer) -> None:
    await peer.something()
    await peer.reset()


_NO_HANDSHAKE: Final[dict[str, tuple[Script, str]]] = {
    "A5 never": (_no_tls, "connecting timed out"),
    "A12 reset at once": (resets, "nothing was sent"),
    "A12 reset half way": (_resets_half_way, "nothing was sent"),
}


@pytest.mark.parametrize(("script", "match"), _NO_HANDSHAKE.values(), ids=_NO_HANDSHAKE.keys())
async def test_a_failed_handshake_is_retried(script: Script, match: str, tmp_path: Path) -> None:
    """A5, A12: no byte of the request was sent."""
    async with (
        plan(script) as planned,
        watched(
            tuned(_secure(planned, tmp_path), connect_timeout=0.5), planned, next_call=False
        ) as row,
    ):
        await _nothing_was_sent(row, match, attempts=3)
        assert planned.server.connections == 9
        assert b"/v2" not in planned.server.received


async def test_a_certificate_not_yet_valid_is_not_retried(tmp_path: Path) -> None:
    """A8: like an expired one, it will not become valid within the call."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    certificate = authority().issue_cert("127.0.0.1", not_before=tomorrow)
    # Its signature also names contexts of pyOpenSSL, which is not installed.
    certificate.configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    async with serve(healthy, context) as server:
        sikoia = _talking(server.url, tls=trusting(tmp_path))
        async with watched(sikoia, Played(), next_call=False) as row:
            await _nothing_was_sent(row, "certificate is not yet valid", attempts=1)
    assert server.requests == []
    assert server.connections == 3


async def test_a_certificate_that_changes_between_calls(tmp_path: Path) -> None:
    """A13: the open connection continues, and the next one gets the new certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    async def two_each(peer: Peer) -> None:
        for _ in range(2):
            await peer.request()
            await peer.send(answer())

    async with serve(two_each, context) as server:
        sikoia = client(server.url, tls=trusting(tmp_path), limits=Limits(max_in_flight=1))
        for _ in range(3):
            certificate = authority().issue_cert("127.0.0.1")
            certificate.configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
            assert await ask(sikoia) == []
            await anyio.sleep(0.05)
        await sikoia.aclose()
    assert server.connections == 2


async def test_a_dead_ipv6_address_does_not_delay_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    """A14: both are tried, shortly after each other."""
    async with plan(healthy) as planned:
        port = int(planned.server.url.rpartition(":")[2])

        def both(*_: Any) -> Any:
            stream = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
            return [
                (socket.AF_INET6, *stream, ("::1", port, 0, 0)),
                (socket.AF_INET, *stream, ("127.0.0.1", port)),
            ]

        _resolves(monkeypatch, both)
        with _black_hole(socket.AF_INET6, port):
            sikoia = _talking(f"http://localhost:{port}", retries=0)
            async with watched(sikoia, planned) as row:
                await row.works(ask)
        assert planned.server.connections == 2


async def test_certificate_variables_are_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A16: setting an environment variable must not be enough to read the traffic."""
    file = str(trusting(tmp_path))
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, file)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    async with (
        plan(silent, tls=True) as planned,
        watched(_talking(planned.server.url), planned, next_call=False) as row,
    ):
        await _nothing_was_sent(row, "certificate is not valid", attempts=1)
