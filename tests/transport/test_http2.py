"""HTTP/2 of a lent client of httpx or httpx2, against a real HTTP/2 server.

What proves that nothing was processed.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import anyio
import attrs
import httpx
import pytest
from anyio.abc import SocketAttribute, SocketStream
from faults import client, serve

from sikoia_async import ConnectionFailedError, DeadlineExceededError, Sikoia

pytest.importorskip("h2", reason="the lowest versions are tested without it")

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, StreamEnded

httpx2: Any = pytest.importorskip("httpx2", reason="the lowest versions are tested without it")

pytestmark = pytest.mark.anyio

_GRACEFUL: Final = 2**31 - 1
_Action = Callable[[H2Connection, int], None]


@attrs.define(eq=False)
class _Server:
    """An HTTP/2 server that does one action for each request, and repeats the last."""

    actions: list[_Action]
    url: str = ""
    worked: int = 0
    """How many requests it has executed."""
    seen: int = 0

    async def talk(self, stream: SocketStream) -> None:
        connection = H2Connection(H2Configuration(client_side=False))
        connection.initiate_connection()
        async with stream:
            try:
                while True:
                    await stream.send(connection.data_to_send())
                    for event in connection.receive_data(await stream.receive()):
                        if isinstance(event, ConnectionTerminated):
                            return
                        if isinstance(event, StreamEnded) and event.stream_id:
                            self._act(connection, event.stream_id)
            except (anyio.EndOfStream, anyio.BrokenResourceError, OSError):
                return

    def _act(self, connection: H2Connection, stream_id: int) -> None:
        self.seen += 1
        action = self.actions.pop(0) if len(self.actions) > 1 else self.actions[0]
        self.worked += action not in _REFUSALS.values()
        action(connection, stream_id)


def _head(connection: H2Connection, stream_id: int) -> None:
    connection.send_headers(stream_id, [(":status", "200"), ("content-type", "application/json")])


def _respond(connection: H2Connection, stream_id: int) -> None:
    _head(connection, stream_id)
    connection.send_data(stream_id, b"[]", end_stream=True)


def _reset(code: ErrorCodes) -> _Action:
    return lambda connection, stream_id: connection.reset_stream(stream_id, code)


def _go_away(last: Callable[[int], int]) -> _Action:
    return lambda connection, stream_id: connection.close_connection(last_stream_id=last(stream_id))


def _refuse_late(connection: H2Connection, stream_id: int) -> None:
    _head(connection, stream_id)
    connection.reset_stream(stream_id, ErrorCodes.REFUSED_STREAM)


_REFUSALS: Final[dict[str, _Action]] = {
    "REFUSED_STREAM": _reset(ErrorCodes.REFUSED_STREAM),
    "GOAWAY before any": _go_away(lambda _: 0),
    "GOAWAY before this": _go_away(lambda stream_id: max(stream_id - 2, 0)),
}
_DOUBTS: Final[dict[str, _Action]] = {
    "CANCEL": _reset(ErrorCodes.CANCEL),
    "INTERNAL_ERROR": _reset(ErrorCodes.INTERNAL_ERROR),
    "GOAWAY after this": _go_away(lambda stream_id: stream_id),
    "GOAWAY after a later one": _go_away(lambda stream_id: stream_id + 2),
    "graceful GOAWAY": _go_away(lambda _: _GRACEFUL),
    "REFUSED_STREAM after the head": _refuse_late,
}


@asynccontextmanager
async def _serving(*actions: _Action) -> AsyncGenerator[_Server]:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - no Django
        server = _Server(list(actions), f"http://127.0.0.1:{port}")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, server.talk)
            yield server
            tasks.cancel_scope.cancel()


def _as_transport(library: Any, **options: Any) -> dict[str, Any]:
    return {"transport": library.AsyncHTTPTransport(**{"http1": False, "http2": True, **options})}


def _as_client(library: Any, **options: Any) -> dict[str, Any]:
    given = {"http1": False, "http2": True, "trust_env": False, **options}
    return {"http_client": library.AsyncClient(**given)}


_WAYS: Final = {
    f"{library.__name__} {name}": partial(lend, library)
    for library in (httpx, httpx2)
    for name, lend in {"transport": _as_transport, "client": _as_client}.items()
}
_LENT: Final = pytest.mark.parametrize("lend", _WAYS.values(), ids=_WAYS)
_Lend = Callable[..., dict[str, Any]]


@asynccontextmanager
async def _lent(server: _Server, lend: _Lend, **options: Any) -> AsyncGenerator[Sikoia]:
    brought = lend()
    async with next(iter(brought.values())):
        yield client(server.url, **brought, **options)


async def _buy(sikoia: Sikoia) -> object:
    return await sikoia.request("POST", "/v2/identity", body={"name": "Wilma"}, chargeable=True)


@_LENT
@pytest.mark.parametrize("refusal", _REFUSALS.values(), ids=_REFUSALS)
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
async def test_a_refused_stream_is_retried(lend: _Lend, refusal: _Action, *, warm: bool) -> None:
    """The server says that it has not processed it, so a purchase is sent again, and paid once."""
    actions = [_respond] * warm + [refusal, _respond]
    async with _serving(*actions) as server, _lent(server, lend, retries=2) as sikoia:
        if warm:
            await sikoia.request("GET", "/v2/cases")
        assert await _buy(sikoia) == []

    assert server.seen == 2 + warm
    assert server.worked == 1 + warm
    assert dict(sikoia.spend) == {"identity.request": 1}


@_LENT
async def test_a_server_that_only_refuses_has_received_nothing(lend: _Lend) -> None:
    """The error says so, and the call is not counted."""
    refusal = _REFUSALS["REFUSED_STREAM"]
    async with _serving(refusal) as server, _lent(server, lend, retries=2) as sikoia:
        with pytest.raises(ConnectionFailedError, match="refused the request before") as caught:
            await _buy(sikoia)

    assert server.seen == len(caught.value.attempts) == 3
    assert not caught.value.may_have_been_processed
    assert not sikoia.spend


@_LENT
@pytest.mark.parametrize("doubt", _DOUBTS.values(), ids=_DOUBTS)
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
async def test_any_other_end_of_a_stream_is_in_doubt(
    lend: _Lend, doubt: _Action, *, warm: bool
) -> None:
    """The server may have processed the request, which is sent once."""
    actions = [_respond] * warm + [doubt]
    async with _serving(*actions) as server, _lent(server, lend, retries=2) as sikoia:
        if warm:
            await sikoia.request("GET", "/v2/cases")
        with pytest.raises(ConnectionFailedError) as caught:
            await _buy(sikoia)

    assert server.worked == 1 + warm
    assert caught.value.may_have_been_processed
    assert dict(sikoia.spend) == {"identity.request": 1}


@_LENT
@pytest.mark.parametrize("http2", [False, True])
async def test_a_call_that_only_waits_for_a_connection_has_sent_nothing(
    lend: _Lend, *, http2: bool
) -> None:
    """A lent transport has its own limit, and reports that it has not begun."""
    reached = anyio.Event()

    def hang(*_: object) -> Awaitable[None]:
        reached.set()
        return anyio.sleep_forever()

    brought = lend(http1=not http2, http2=http2, limits=httpx.Limits(max_connections=1))
    async with serve(hang) as server, next(iter(brought.values())):
        sikoia = client(server.url, **brought)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_buy, sikoia)
            await reached.wait()
            with pytest.raises(DeadlineExceededError) as caught:
                await _buy(sikoia.with_options(timeout=0.3))
            assert caught.value.reached == "unsent"
            assert not caught.value.may_have_been_processed
            tasks.cancel_scope.cancel()

    assert dict(sikoia.spend) == {"identity.request": 1}
