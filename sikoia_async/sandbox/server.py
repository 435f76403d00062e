"""The local Sikoia on a real socket, with TLS, in a thread of its own.

The thread brings its own event loop, so that tests on asyncio, on trio and on neither can use it.
"""

import asyncio
import itertools
import shlex
import signal
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypedDict, Unpack

import anyio
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sikoia_async.sandbox.app import App, create_app
from sikoia_async.sandbox.clock import Clock
from sikoia_async.sandbox.deliveries.payloads import EventShape
from sikoia_async.sandbox.deliveries.queue import Deliveries
from sikoia_async.sandbox.faults.injector import CONNECTION
from sikoia_async.sandbox.faults.requests import Faults
from sikoia_async.sandbox.ledger.ledger import Ledger
from sikoia_async.sandbox.loopback import (
    address_of,
    certify,
    listen,
    require_loopback,
    require_port,
)
from sikoia_async.sandbox.middleware.rate_limit import WindowKey
from sikoia_async.sandbox.scenarios.file import Source
from sikoia_async.sandbox.scenarios.scenario import Scenario
from sikoia_async.sandbox.scenarios.scenarios import Scenarios
from sikoia_async.sandbox.snapshot import Snapshot
from sikoia_async.sandbox.state import State
from sikoia_async.sandbox.work import Work

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Options(TypedDict, total=False):
    """What `create_app` takes, all but the address."""

    client_id: str | None
    client_secret: str | None
    api_key: str | None
    token_life: float
    limit: int
    per: float
    window_key: WindowKey
    retry_after: bool
    echo_correlation: bool
    idempotency_header: str | None
    accepted: bool
    picklist_base: Literal[0, 1]
    clock: Callable[[], float] | None
    speed: float
    epoch: datetime | None
    seed: int
    work_time: float
    delivery_retries: Sequence[float]
    event_shape: EventShape
    scenarios: Sequence[Scenario | Source]
    prices: Mapping[str, int] | None


class Sandbox:
    """A local Sikoia that runs while the `with` block does.

    Everything but the constructor and `exports` needs the block to be entered.

    Args:
        host: A loopback address, or `localhost`.
        port: 0 takes a free one.
        inspector: Serve a page too that shows what goes on, and lets a person meddle.
        inspector_port: Where that is; 0 takes a free one.
        options: As for `create_app`.

    Raises:
        ValueError: The host is not a loopback address, or the port none.
    """

    url: str
    token_url: str
    scope: str
    client_id: str
    client_secret: str
    ca_file: str
    state: State
    scenarios: Scenarios
    faults: Faults
    deliveries: Deliveries
    work: Work
    ledger: Ledger
    clock: Clock
    inspector_url: str | None = None
    """Where the page of the inspector is; None if there is none."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        inspector: bool = False,
        inspector_port: int = 0,
        **options: Unpack[Options],
    ) -> None:
        require_loopback(host)
        require_port(port)
        require_port(inspector_port, name="inspector_port")
        self._host = host
        self._port = port
        self._inspector = inspector
        self._inspector_port = inspector_port
        self._options = options
        self._running = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            listener = stack.enter_context(listen(self._host, self._port))
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sikoia-sandbox-"))
            ca_file = Path(folder, "ca.pem")
            app = create_app(url=address_of(self._host, listener), **self._options)
            self._describe(app, ca_file)
            page = self._open_inspector(app, stack) if self._inspector else None
            stack.enter_context(_serving(app, listener, certify(self._host, ca_file), page))
            self._running = stack.pop_all()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._running.close()

    @property
    def variables(self) -> dict[str, str]:
        """The variables of the environment by which a client finds this: for `os.environ`."""
        return {
            "SIKOIA_ENVIRONMENT": self.url,
            "SIKOIA_CA_FILE": self.ca_file,
            "SIKOIA_CLIENT_ID": self.client_id,
            "SIKOIA_CLIENT_SECRET": self.client_secret,
        }

    def exports(self) -> tuple[str, ...]:
        """Say, in lines for a shell, what a client needs to know."""
        return tuple(
            f"export {name}={shlex.quote(value)}" for name, value in self.variables.items()
        )

    def snapshot(self) -> Snapshot:
        """Keep what there is: records, tokens, windows, faults, deliveries, requests, time.

        A request or delivery that is under way is in it as far as it has come. Any thread may call
        this, like the other two.
        """
        return self._app.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot, or on from one of another local Sikoia with the same seed.

        What was there before is gone, deliveries that are under way are abandoned. A request that
        is under way is answered, and what it does is lost.

        Raises:
            TypeError: It is no snapshot.
            ValueError: It is of another seed.
        """
        self._app.restore(snapshot)

    def reset(self) -> None:
        """Go back to the beginning: nothing but the users, no token, no fault, the first id next.

        The clock begins again too: at its epoch, and without one at the real time of day. Faults
        out of files of scenarios are planned again.
        """
        self._app.reset()

    def settle(self) -> None:
        """Block until webhooks have been told of all that is due by the clock.

        A receiver that fails is tried again when the clock says so, which is not waited for.

        Raises:
            RuntimeError: An event loop runs in this thread, and perhaps the receiver in it, which
                could not answer meanwhile; or the block is not entered.
        """
        if _is_async():
            msg = "settle would block the event loop: await sandbox.until_settled()"
            raise RuntimeError(msg)
        self._settle()

    async def until_settled(self) -> None:
        """Wait as `settle` does; on asyncio and on trio."""
        await anyio.to_thread.run_sync(self.settle, abandon_on_cancel=True)

    def serve_forever(self) -> None:
        """Block until Ctrl-C or SIGTERM, then stop; for the body of the `with` block."""
        with _signalled() as stop:
            # In short steps: not every system wakes a waiting thread for a signal.
            any(stop.wait(0.5) for _ in itertools.count())
        self._running.close()

    def _settle(self) -> None:
        self._app.event_loop.run_coroutine(self.deliveries.settle)

    def _open_inspector(self, app: App, stack: ExitStack) -> "_Page":
        from sikoia_async.sandbox.inspector import create_inspector  # noqa: PLC0415 - for who wants to look

        listener = stack.enter_context(listen(self._host, self._inspector_port))
        origin = address_of(self._host, listener, "http")
        self.inspector_url = f"{origin}/"
        return _config(create_inspector(app, origin=origin)), listener

    def _describe(self, app: App, ca_file: Path) -> None:
        self.url = app.application.resource
        self.token_url = f"{self.url}/token"
        self.scope = app.application.scope
        self.client_id = app.application.client_id
        self.client_secret = app.application.client_secret
        self.ca_file = str(ca_file)
        self._app = app
        self.clock = app.clock
        self.state = app.state
        self.scenarios = app.scenarios
        self.faults = app.faults
        self.deliveries = app.deliveries
        self.work = app.work
        self.ledger = app.ledger


class _Protocol(H11Protocol):
    """Tells the application which connection a request has come by: a fault may drop it."""

    # Narrower than in asyncio, as in uvicorn: all connections are TCP's.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        app = self.app

        async def connected(scope: Scope, receive: Receive, send: Send) -> None:
            scope["extensions"] = {CONNECTION: transport}
            await app(scope, receive, send)

        self.app = connected


_Page = tuple[uvicorn.Config, socket.socket]
"""What is served beside the API, and the open socket that it is served on."""


class _Server(uvicorn.Server):
    def __init__(
        self,
        config: uvicorn.Config,
        deliveries: Deliveries,
        loop: Future[asyncio.AbstractEventLoop],
        page: _Page | None,
    ) -> None:
        super().__init__(config)
        self._page = page
        self._deliveries = deliveries
        self._loop = loop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop.set_result(asyncio.get_running_loop())
        await super().startup(sockets)
        if self._page is not None:
            await self._serve_page(*self._page)

    async def _serve_page(self, config: uvicorn.Config, listener: socket.socket) -> None:
        """Let connections to the page begin and end with those to the API."""
        protocol = partial(
            _Protocol, config=config, server_state=self.server_state, app_state=self.lifespan.state
        )
        loop = asyncio.get_running_loop()
        self.servers.append(await loop.create_server(protocol, sock=listener))

    async def main_loop(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._deliveries.run)
            await super().main_loop()
            # Nobody waits for a receiver: what is under way is abandoned.
            tasks.cancel_scope.cancel()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # A goodbye in TLS waits half a minute for its answer, which an idle client never gives.
        for connection in self.server_state.connections:
            connection.transport.abort()
        # From Python 3.12 on, to wait for them is to wait for whoever is amid a handshake.
        for server in self.servers:
            server.close()
        self.servers.clear()
        await super().shutdown(sockets)


@contextmanager
def _serving(
    app: App, listener: socket.socket, context: ssl.SSLContext, page: _Page | None
) -> Generator[None]:
    server = _Server(_config(app, context), app.deliveries, app.event_loop.expect_server(), page)
    # The listener is open already, so nobody needs to wait for the thread to get going.
    thread = threading.Thread(target=server.run, args=([listener],), name="sikoia-sandbox")
    thread.daemon = True
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
        app.event_loop.forget_server()


def _config(app: ASGIApp, context: ssl.SSLContext | None = None) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=_Protocol,
        ws="none",
        lifespan="off",
        proxy_headers=False,
        timeout_graceful_shutdown=1,
        # The logging of the host program is its own affair.
        log_config=None,
        log_level="warning",
        access_log=False,
    )
    config.load()
    # Set by hand: uvicorn would want the private key in a file.
    config.ssl = context
    return config


@contextmanager
def _signalled() -> Generator[threading.Event]:
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_async() -> bool:
    try:
        anyio.get_current_task()
    except RuntimeError:
        return False
    return True
