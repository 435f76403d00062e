"""What only one of the web frameworks has: dependencies, WebSockets, applications in others."""

import json
import re
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest
from aiohttp import web
from fastapi import FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from subscribed import subscribed_person
from webapps import PATIENCE, Spec, fastapi_app, running, serving

import sikoia_async.integrations.aiohttp as on_aiohttp
import sikoia_async.integrations.fastapi as on_fastapi
import sikoia_async.integrations.starlette as on_starlette
from sikoia_async import Router, Sikoia, errors
from sikoia_async.integrations.asgi import CorrelationIdMiddleware
from sikoia_async.testing import MemorySandbox, client_of
from sikoia_async.webhooks import Event

HEADER = "X-Correlation-Id"


def offline() -> Sikoia:
    """Make a client that calls nobody."""
    return Sikoia(token="no-calls-are-made")


def get(app: Any, path: str = "/", **headers: str) -> httpx.Response:
    """Send a request to an ASGI application whose lifespan does not run."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as browser:
            return await browser.get(path, headers=headers)

    return anyio.run(send)


def test_a_test_replaces_the_client_of_fastapi() -> None:
    """By FastAPI's own means, without the lifespan and without credentials."""
    app, replacement = FastAPI(), offline()
    on_fastapi.setup(app)

    @app.get("/")
    async def show(sikoia: on_fastapi.Client) -> bool:
        return sikoia is replacement

    app.dependency_overrides[on_fastapi.get_client] = lambda: replacement

    assert get(app).json() is True
    _ = show


def test_the_openapi_schema_shows_neither_client_nor_webhooks() -> None:
    """Callers do not pass the client, and webhooks are for Sikoia only."""
    router = Router("a-webhook-secret-of-the-tests")
    schema = fastapi_app(Spec(client=offline, webhooks=router)).openapi()

    assert set(schema["paths"]) == {"/users", "/wait/{token}", "/error", "/stream"}
    assert "parameters" not in schema["paths"]["/users"]["get"]


def test_an_application_whose_lifespan_does_not_run_has_no_client() -> None:
    """The log says what to do: a TestClient that is not entered runs no lifespan."""
    response = get(fastapi_app(Spec(client=offline)), "/users")

    assert response.status_code == 500
    assert response.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
@pytest.mark.anyio
async def test_an_async_test_enters_the_lifespan(anyio_backend: str) -> None:
    """The transport of httpx passes no state of a lifespan on; the application has the client."""
    del anyio_backend
    with MemorySandbox(work_time=0) as sandbox:
        async with client_of(sandbox) as sikoia:
            secret, received = await sikoia.webhooks.create_secret(), list[str]()
            router = Router(secret)

            @router.otherwise
            def note(event: Event) -> None:
                received.append(str(event.find("request_id")))

            app = FastAPI()
            on_fastapi.setup(app, client=lambda: client_of(sandbox), webhooks=router)

            @app.get("/users")
            async def users(own: on_fastapi.Client) -> int:
                return len(await own.users.list())

            url = "https://127.0.0.1/webhooks/IdentityVerification.Completed"
            person = await subscribed_person(sikoia, "IdentityVerification.Completed", url)
            operation = await sikoia.identity.request(person)

            async with app.router.lifespan_context(app):
                transport = httpx.ASGITransport(app)
                await sandbox.deliveries.deliver_due(transport)
                async with httpx.AsyncClient(transport=transport, base_url="http://a") as browser:
                    answer = await browser.get("/users")

    assert received == [operation.ids[0]]
    assert answer.json() > 0
    _ = users, note


def test_a_running_application_cannot_be_set_up() -> None:
    """Nothing would happen."""
    app = Starlette()
    get(app)

    with pytest.raises(errors.ConfigurationError, match="neither set up nor started"):
        on_starlette.setup(app)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.anyio
async def test_the_state_of_the_applications_own_lifespan_is_kept() -> None:
    """Beside the client."""

    @asynccontextmanager
    async def own(_: Starlette) -> AsyncGenerator[dict[str, int]]:
        yield {"answer": 42}

    app = Starlette(lifespan=own)
    on_starlette.setup(app, client=offline)

    async with running(app) as state:
        assert (state["answer"], repr(state["sikoia"])) == (42, "<Sikoia production>")


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.anyio
async def test_a_websocket_has_the_client_and_the_correlation_id() -> None:
    """The handshake's response has the id; an error reaches the server, which closes."""
    app, sent = FastAPI(), list[Any]()
    on_fastapi.setup(app, client=offline)

    @app.websocket("/")
    async def talk(socket: WebSocket, sikoia: on_fastapi.Client) -> None:
        await socket.accept()
        await socket.send_text(repr(sikoia))
        msg = "the limit is used up"
        raise errors.ChargeLimitError(msg)

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(HEADER.lower().encode(), b"click-1")]
    async with running(app) as state:
        scope = {"type": "websocket", "path": "/", "headers": headers, "state": state}
        with pytest.raises(errors.ChargeLimitError):
            await app({**scope, "query_string": b""}, receive, send)

    assert [one["type"] for one in sent] == ["websocket.accept", "websocket.send"]
    assert sent[0]["headers"] == headers
    assert sent[1]["text"] == "<Sikoia production>"
    _ = talk


def test_a_fastapi_without_its_table_of_encoders_can_be_used() -> None:
    """FastAPI does not document the table."""
    script = (
        "from fastapi import encoders\n"
        "vars(encoders).pop('encoders_by_class_tuples', None)\n"
        "import sikoia_async.integrations.fastapi"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.anyio
async def test_a_request_outside_of_an_application_has_no_client() -> None:
    """As one that a test makes."""
    with pytest.raises(errors.ConfigurationError, match="no client: call setup"):
        await on_starlette.get_client(Request({"type": "http"}))


def test_an_application_inside_another_uses_its_client() -> None:
    """The outer one is set up."""

    async def show(request: Request) -> PlainTextResponse:
        return PlainTextResponse(repr(await on_starlette.get_client(request)))

    app = Starlette(routes=[Mount("/inner", Starlette(routes=[Route("/", show)]))])
    on_starlette.setup(app, client=offline)

    with serving(app) as url:
        assert httpx.get(f"{url}/inner/", timeout=PATIENCE).text == "<Sikoia production>"


def test_the_id_of_the_application_is_replaced() -> None:
    """A response has one id: that which Sikoia got."""

    async def app(_: Any, __: Any, send: Any) -> None:
        headers = [(b"X-CORRELATION-ID", b"old"), (b"a", b"b")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    response = get(CorrelationIdMiddleware(app), **{HEADER: "click-1"})

    assert response.headers.multi_items() == [("a", "b"), (HEADER.lower(), "click-1")]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.anyio
async def test_an_aiohttp_application_inside_another_uses_its_client() -> None:
    """The outer one is set up."""
    inner, outer = web.Application(), web.Application()
    found = list[Sikoia]()

    async def show(request: web.Request) -> web.Response:
        found.append(on_aiohttp.client_of(request))
        return web.Response()

    inner.router.add_get("/", show)
    on_aiohttp.setup(outer, client=offline)
    outer.add_subapp("/inner/", inner)
    async with running(outer) as runner:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/inner/"
        async with httpx.AsyncClient(timeout=PATIENCE) as browser:
            assert (await browser.get(url)).status_code == 200

    assert len(found) == 1


def test_an_aiohttp_application_without_a_client_says_what_to_do() -> None:
    """The parts alone open none, and have no id to respond with."""
    app = web.Application(middlewares=[on_aiohttp.error_middleware()])
    app.on_response_prepare.append(on_aiohttp.send_correlation_id)

    async def show(request: web.Request) -> web.Response:
        return web.json_response(repr(on_aiohttp.client_of(request)))

    app.router.add_get("/", show)
    with serving(app) as url:
        response = httpx.get(url, timeout=PATIENCE)

    assert (response.status_code, response.json()["status"]) == (500, 500)
    assert HEADER not in response.headers


def test_an_error_in_the_middle_of_an_aiohttp_response_breaks_it_off() -> None:
    """A second response inside the first would be read as its data."""
    app = web.Application()
    on_aiohttp.setup(app, client=offline)

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"begun")
        msg = "the limit is used up"
        raise errors.ChargeLimitError(msg)

    app.router.add_get("/", stream)
    with serving(app) as url, pytest.raises(httpx.RemoteProtocolError):
        httpx.get(url, timeout=PATIENCE)


def test_the_sdk_imports_no_framework() -> None:
    """Only its own integration does."""
    script = "import sys, json, sikoia_async.errors, sikoia_async.webhooks, sikoia_async._client;"
    script += "import sikoia_async.integrations.asgi; print(json.dumps(list(sys.modules)))"
    loaded = json.loads(subprocess.check_output([sys.executable, "-c", script]))

    assert not {"starlette", "fastapi", "aiohttp", "pydantic"} & set(loaded)


@pytest.mark.parametrize(
    ("module", "library", "extra"),
    [
        ("fastapi", "fastapi", "fastapi"),
        ("starlette", "starlette", "fastapi"),
        ("aiohttp", "aiohttp", "aiohttp"),
        ("litestar", "litestar", "litestar"),
        ("opentelemetry", "opentelemetry", "otel"),
    ],
)
def test_a_missing_library_is_an_error_that_names_the_extra(
    module: str, library: str, extra: str
) -> None:
    """In a process where it cannot be imported."""
    script = f"""
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {library!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
import sikoia_async.integrations.{module}
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    last = ended.stderr.strip().splitlines()[-1]
    assert re.fullmatch(
        rf"ModuleNotFoundError: No module named '{library}[a-z.]*': "
        rf"pip install 'sikoia-async\[{extra}\]'",
        last,
    )
