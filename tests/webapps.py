"""One small web application in three frameworks, served on real sockets."""

import asyncio
import socket
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, Final

import attrs
import uvicorn
from aiohttp import web
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import sikoia_async.integrations.aiohttp as on_aiohttp
import sikoia_async.integrations.fastapi as on_fastapi
import sikoia_async.integrations.starlette as on_starlette
from sikoia_async import Router, Sikoia
from sikoia_async.errors import SikoiaError

PATIENCE: Final = 60
"""Seconds until a test gives up waiting for what usually takes a fraction of one."""


def _no_error() -> Exception:
    return AssertionError("this test has no error")


async def _users(sikoia: Sikoia) -> dict[str, Any]:
    users = await sikoia.users.list()
    return {"users": len(users), "correlation_id": users.response.correlation_id}


async def _wait(sikoia: Sikoia, token: str) -> dict[str, Any]:
    return {"status": (await sikoia.operation(token).wait(timeout=PATIENCE)).status}


@attrs.define(kw_only=True)
class Spec:
    """What an application does, in any framework."""

    client: Callable[[], AbstractAsyncContextManager[Sikoia]] = Sikoia
    webhooks: Router | None = None
    statuses: Mapping[type[SikoiaError], int] | None = None
    error: Callable[[], Exception] = _no_error
    """Makes the error that `GET /error` raises."""
    steps: list[str] = attrs.field(factory=list[str])
    """What the application's own lifespan has done."""
    fails_at: str = ""
    """The step of the application's own lifespan that fails."""
    seen: list[Sikoia] = attrs.field(factory=list[Sikoia])
    """The clients that the application's own lifespan found."""

    def step(self, name: str) -> None:
        """Note a step, or fail at it."""
        self.steps.append(name)
        if name == self.fails_at:
            msg = f"the application's own lifespan failed at its {name}"
            raise LookupError(msg)

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of `setup`."""
        return {"client": self.client, "webhooks": self.webhooks, "statuses": self.statuses}


async def _parts() -> AsyncIterator[bytes]:
    for part in (b"one ", b"two"):
        yield part
        await asyncio.sleep(0)


def starlette_app(spec: Spec) -> Starlette:
    """Make the application with Starlette."""

    @asynccontextmanager
    async def own(app: Starlette) -> AsyncGenerator[None]:
        spec.seen.append(app.state.sikoia)
        spec.step("start")
        yield
        spec.step("stop")

    async def users(request: Request) -> JSONResponse:
        return JSONResponse(await _users(await on_starlette.get_client(request)))

    async def wait(request: Request) -> JSONResponse:
        sikoia = await on_starlette.get_client(request)
        return JSONResponse(await _wait(sikoia, request.path_params["token"]))

    async def error(_: Request) -> JSONResponse:
        raise spec.error()

    async def stream(_: Request) -> StreamingResponse:
        return StreamingResponse(_parts())

    app = Starlette(
        routes=[
            Route("/users", users),
            Route("/wait/{token}", wait),
            Route("/error", error),
            Route("/stream", stream),
        ],
        lifespan=own,
    )
    on_starlette.setup(app, **spec.options)
    return app


def fastapi_app(spec: Spec) -> FastAPI:
    """Make the application with FastAPI."""

    @asynccontextmanager
    async def own(app: FastAPI) -> AsyncGenerator[None]:
        spec.seen.append(app.state.sikoia)
        spec.step("start")
        yield
        spec.step("stop")

    app = FastAPI(lifespan=own)
    on_fastapi.setup(app, **spec.options)

    @app.get("/users")
    async def users(sikoia: on_fastapi.Client) -> dict[str, Any]:
        return await _users(sikoia)

    @app.get("/wait/{token}")
    async def wait(token: str, sikoia: on_fastapi.Client) -> dict[str, Any]:
        return await _wait(sikoia, token)

    @app.get("/error")
    async def error() -> None:
        raise spec.error()

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(_parts())

    _ = (users, wait, error, stream)
    return app


def aiohttp_app(spec: Spec) -> web.Application:
    """Make the application with aiohttp."""

    async def own(app: web.Application) -> AsyncGenerator[None]:
        spec.seen.append(app[on_aiohttp.CLIENT])
        spec.step("start")
        yield
        spec.step("stop")

    async def users(request: web.Request) -> web.Response:
        return web.json_response(await _users(on_aiohttp.client_of(request)))

    async def wait(request: web.Request) -> web.Response:
        sikoia = on_aiohttp.client_of(request)
        return web.json_response(await _wait(sikoia, request.match_info["token"]))

    async def error(_: web.Request) -> web.Response:
        raise spec.error()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for part in _parts():
            await response.write(part)
        return response

    app = web.Application()
    app.cleanup_ctx.append(own)
    app.router.add_get("/users", users)
    app.router.add_get("/wait/{token}", wait)
    app.router.add_get("/error", error)
    app.router.add_get("/stream", stream)
    on_aiohttp.setup(app, **spec.options)
    return app


APPS: Final[dict[str, Callable[[Spec], Any]]] = {
    "starlette": starlette_app,
    "fastapi": fastapi_app,
    "aiohttp": aiohttp_app,
}


@contextmanager
def serving(app: Any, listener: socket.socket | None = None) -> Generator[str]:
    """Serve an application in a thread, with uvicorn or aiohttp's own server; return its URL."""
    with listener or socket.create_server(("127.0.0.1", 0)) as bound:
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        serve = _serving_aiohttp if isinstance(app, web.Application) else _serving_asgi
        with serve(app, bound):
            yield url


@contextmanager
def _serving_asgi(app: Any, listener: socket.socket) -> Generator[None]:
    server = uvicorn.Server(uvicorn.Config(app, lifespan="on", log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def _serving_aiohttp(app: web.Application, listener: socket.socket) -> Generator[None]:
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with running(app) as runner:
            await web.SockSite(runner, listener).start()
            await stop.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


@asynccontextmanager
async def running(app: Any) -> AsyncGenerator[Any]:
    """Start and stop an application as its server does, without serving it."""
    if not isinstance(app, web.Application):
        async with app.router.lifespan_context(app) as state:
            yield state
        return
    runner = web.AppRunner(app)
    try:
        await runner.setup()
        yield runner
    finally:
        await runner.cleanup()
