"""The local Sikoia on a real socket with TLS, in its own thread.

The thread runs its own event loop, so synchronous tests and tests on asyncio or trio can use it.
"""

import asyncio
import itertools
import os
import shlex
import signal
import socket
import ssl
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import NoReturn, Self, Unpack

import anyio
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sikoia_async.sandbox.app import App, create_app
from sikoia_async.sandbox.clock import Clock, real_seconds
from sikoia_async.sandbox.deliveries.queue import Deliveries
from sikoia_async.sandbox.faults.injector import CONNECTION
from sikoia_async.sandbox.faults.requests import Faults
from sikoia_async.sandbox.ledger.ledger import Ledger
from sikoia_async.sandbox.loopback import (
    listen,
    names_of,
    new_authority,
    tls_context,
    url_of,
    validate_host,
    validate_port,
    validate_public_url,
)
from sikoia_async.sandbox.saver import Saver, with_saved
from sikoia_async.sandbox.scenarios.scenarios import Scenarios
from sikoia_async.sandbox.settings import Options, Settings, Time
from sikoia_async.sandbox.snapshot import Snapshot
from sikoia_async.sandbox.state import State
from sikoia_async.sandbox.state_folder import StateFolder, write_private
from sikoia_async.sandbox.work import Work

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]

_HANGUP = getattr(signal, "SIGHUP", None)
_GRACE = 1
"""Seconds that requests in progress have when it stops."""


class Sandbox:
    """A local Sikoia that runs for the duration of a `with` block.

    Everything except the constructor is available only inside the block.

    Args:
        host: A loopback address, or `localhost`.
        allow_remote: Also allow other hosts, such as `0.0.0.0` in a container. Anyone who can reach
            it can then use it, because its credentials are predictable.
        port: The port to listen on; 0 picks a free one.
        url: The origin at which clients reach it, such as `https://sikoia.internal:8400`; by
            default, its host and port. The certificate is valid for its host too.
        inspector: Also serve a page that shows and controls the local Sikoia.
        inspector_port: The port of that page; 0 picks a free one.
        state_dir: A folder for its certificate authority, its secret and its state; the next local
            Sikoia with the same folder continues from there. By default, nothing is kept.
        options: The keyword arguments of `create_app`.

    Raises:
        ValueError: The host is not a loopback address, or another argument has the wrong type or is
            out of range.
        TypeError: An argument is unknown.
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
    port: int = 0
    """The port that it listens on; 0 in memory."""
    inspector_url: str | None = None
    """The URL of the inspector; None unless `inspector=True`."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        allow_remote: bool = False,
        port: int = 0,
        url: str | None = None,
        inspector: bool = False,
        inspector_port: int = 0,
        state_dir: str | os.PathLike[str] | None = None,
        **options: Unpack[Options],
    ) -> None:
        validate_host(host, allow_remote=allow_remote)
        validate_port(port)
        validate_public_url(url)
        validate_port(inspector_port, name="inspector_port")
        if type(inspector) is not bool:
            msg = "inspector: expected True or False"
            raise ValueError(msg)
        if not isinstance(state_dir, str | os.PathLike | None):  # pyright: ignore[reportUnnecessaryIsInstance]
            msg = "state_dir: expected the path of a folder"
            raise ValueError(msg)  # noqa: TRY004 - as for the other arguments
        Settings(**options)  # refuses invalid ones here, and not at the beginning of the block
        self._host = host
        self._names: Sequence[str] = names_of(host, url)
        self._port = port
        self._url = url
        self._inspector = inspector
        self._inspector_port = inspector_port
        self._state_dir: str | os.PathLike[str] | None = state_dir
        self._options = options
        self._running = ExitStack()

    def __reduce_ex__(self, _: object) -> NoReturn:
        msg = (
            "a local Sikoia cannot be pickled or copied, because it runs in this process: pass its "
            "url and ca_file"
        )
        raise TypeError(msg)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            listener = stack.enter_context(listen(self._host, self._port))
            self.port = listener.getsockname()[1]
            url = self._url or url_of(self._names[0], listener)
            if self._state_dir is None:
                folder = Path(stack.enter_context(TemporaryDirectory(prefix="sikoia-sandbox-")))
                authority, ca_file, saver = new_authority(), folder / "ca.pem", None
                app = create_app(url=url, **self._options)
            else:
                kept = stack.enter_context(StateFolder(self._state_dir))
                authority, ca_file = kept.authority(new_authority), kept.ca_file
                app, saver = self._continue(kept, url)
                stack.callback(saver.save)
            write_private(ca_file, authority[0])
            self._describe(app, ca_file)
            page = self._open_inspector(app, stack) if self._inspector else None
            context = tls_context(self._names, authority)
            stack.enter_context(_serving(app, listener, context, page, saver))
            self._running = stack.pop_all()
        return self

    def _continue(self, folder: StateFolder, url: str) -> tuple[App, Saver]:
        """Create an application that continues from what a folder has saved."""
        saved = folder.load()
        app = create_app(url=url, **with_saved(self._options, saved))
        saver = Saver(app, folder)
        if saved is not None:
            saver.restore(saved, self._options.get("time", Time()))
        return app, saver

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._running.close()

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables that point a client to this local Sikoia."""
        variables = {
            "SIKOIA_ENVIRONMENT": self.url,
            "SIKOIA_CA_FILE": self.ca_file,
            "SIKOIA_CLIENT_ID": self.client_id,
            "SIKOIA_CLIENT_SECRET": self.client_secret,
        }
        # In memory there is no TLS.
        return {name: value for name, value in variables.items() if value}

    def exports(self) -> tuple[str, ...]:
        """Return `variables` as shell `export` lines."""
        return tuple(
            f"export {name}={shlex.quote(value)}" for name, value in self.variables.items()
        )

    def snapshot(self) -> Snapshot:
        """Return a copy of the state: records, tokens, windows, faults, deliveries, ledger, clock.

        Requests and deliveries in progress are included as far as they have got. This method,
        `restore` and `reset` can be called from any thread.
        """
        return self._app.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Replace the state with that of a snapshot, possibly of another local Sikoia.

        Deliveries in progress are abandoned. Requests in progress get a 503 and change
        nothing.

        Raises:
            TypeError: The argument is not a snapshot.
            ValueError: The snapshot was taken with another seed.
        """
        self._app.restore(snapshot)

    def reset(self) -> None:
        """Return to the initial state: only users, no tokens, the same ids as after the start.

        The clock restarts at its epoch, or at the real time if it has none. Faults from scenario
        files are planned again; other faults are cleared.
        """
        self._app.reset()

    def settle(self) -> None:
        """Block until every webhook delivery that is due has been attempted.

        Retries that become due later are not awaited.

        Raises:
            RuntimeError: This thread runs an event loop, possibly that of the receiver, which
                could not respond while it is blocked; or the `with` block was not entered.
        """
        if _is_async():
            msg = "settle() would block the event loop: use `await sandbox.until_settled()`"
            raise RuntimeError(msg)
        self._settle()

    async def until_settled(self) -> None:
        """Wait like `settle`, on asyncio or trio."""
        await anyio.to_thread.run_sync(self.settle, abandon_on_cancel=True)

    def serve_forever(self) -> None:
        """Block until Ctrl-C or SIGTERM, then stop; call it inside the `with` block.

        It stops when its terminal is closed, too.
        """
        with _signalled() as stop:
            # In short steps, because not every system wakes a waiting thread for a signal.
            any(stop.wait(0.5) for _ in itertools.count())
        self._running.close()

    def _settle(self) -> None:
        self._app.event_loop.run_coroutine(self.deliveries.settle)

    def _open_inspector(self, app: App, stack: ExitStack) -> "_Page":
        from sikoia_async.sandbox.inspector import create_inspector  # noqa: PLC0415 - only if used

        listener = stack.enter_context(listen(self._host, self._inspector_port))
        origins = [url_of(name, listener, "http") for name in self._names]
        self.inspector_url = f"{origins[0]}/"
        return _config(create_inspector(app, origins=origins)), listener

    def _describe(self, app: App, ca_file: Path) -> None:
        self.url = app.application.resource
        self.token_url = f"{self.url}/token"
        self.scope = app.application.scope
        self.client_id = app.application.client_id
        self.client_secret = app.application.client_secret
        self.ca_file = str(ca_file.absolute())  # programs may run in other folders
        self._app = app
        self.clock = app.clock
        self.state = app.state
        self.scenarios = app.scenarios
        self.faults = app.faults
        self.deliveries = app.deliveries
        self.work = app.work
        self.ledger = app.ledger


class _Protocol(H11Protocol):
    """Adds the connection to each ASGI scope, because a fault may have to drop it."""

    # Narrower than in asyncio, as in uvicorn: every connection is TCP.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        app = self.app

        async def connected(scope: Scope, receive: Receive, send: Send) -> None:
            scope["extensions"] = {CONNECTION: transport}
            await app(scope, receive, send)

        self.app = connected


_Page = tuple[uvicorn.Config, socket.socket]
"""The configuration of the inspector, and its listening socket."""


class _Server(uvicorn.Server):
    def __init__(
        self,
        config: uvicorn.Config,
        deliveries: Deliveries,
        loop: Future[asyncio.AbstractEventLoop],
        page: _Page | None,
        saver: Saver | None,
    ) -> None:
        super().__init__(config)
        self._page = page
        self._saver = saver
        self._deliveries = deliveries
        self._loop = loop
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Let it end, from another thread."""

        def stop(loop: Future[asyncio.AbstractEventLoop]) -> None:
            with suppress(RuntimeError):  # it has ended
                loop.result().call_soon_threadsafe(self._stopped.set)

        self._loop.add_done_callback(stop)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop.set_result(asyncio.get_running_loop())
        await super().startup(sockets)
        if self._page is not None:
            await self._serve_page(*self._page)

    async def _serve_page(self, config: uvicorn.Config, listener: socket.socket) -> None:
        """Serve the inspector for as long as the API."""
        protocol = partial(
            _Protocol, config=config, server_state=self.server_state, app_state=self.lifespan.state
        )
        loop = asyncio.get_running_loop()
        self.servers.append(await loop.create_server(protocol, sock=listener))

    async def main_loop(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._deliveries.run)
            if self._saver is not None:
                tasks.start_soon(self._saver.run)
            await self.on_tick(0)  # sets the headers of all responses
            # uvicorn's own loop looks every 0.1 seconds.
            await self._stopped.wait()
            # Stopping does not wait for receivers: deliveries in progress are abandoned.
            tasks.cancel_scope.cancel()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Not uvicorn's own method, which waits for 0.1 seconds, for clients in the middle of a
        # handshake, and for the end of TLS, which an idle client never confirms.
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        while self.server_state.connections:
            for connection in self.server_state.connections:
                connection.transport.abort()
            await asyncio.sleep(0)
        if self.server_state.tasks:  # those that take longer are cancelled with the event loop
            await asyncio.wait({*self.server_state.tasks}, timeout=_GRACE)


@contextmanager
def _serving(
    app: App,
    listener: socket.socket,
    context: ssl.SSLContext,
    page: _Page | None,
    saver: Saver | None,
) -> Generator[None]:
    loop = app.event_loop.expect_server()
    server = _Server(_config(app, context), app.deliveries, loop, page, saver)
    # The listener is open, so clients can connect before the thread accepts.
    thread = threading.Thread(target=_run, args=(server, listener), name="sikoia-sandbox")
    thread.daemon = True
    thread.start()
    try:
        yield
    finally:
        server.stop()
        thread.join()
        app.event_loop.forget_server()


def _run(server: _Server, listener: socket.socket) -> None:
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(server.serve([listener]))


def _new_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop that goes on while a test library has stopped the clocks."""
    loop = asyncio.new_event_loop()
    vars(loop)["time"] = real_seconds
    return loop


def _config(app: ASGIApp, context: ssl.SSLContext | None = None) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=_Protocol,
        ws="none",
        lifespan="off",
        proxy_headers=False,
        date_header=False,  # the application dates responses by its own clock
        # Leave the logging configuration of the host program alone.
        log_config=None,
        log_level="warning",
        access_log=False,
    )
    config.load()
    # Set directly, because uvicorn reads private keys only from files.
    config.ssl = context
    return config


@contextmanager
def _signalled() -> Generator[threading.Event]:
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    if before.get(_HANGUP) == signal.SIG_IGN:
        del before[_HANGUP]  # nohup
    for number in before:
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
