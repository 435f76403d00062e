"""The local Sikoia as an ASGI application, without a socket."""

import anyio
import httpx
from starlette.types import Message

from sikoia_async.sandbox import create_app


def test_it_answers_in_memory() -> None:
    """A client can call the application itself, in its own event loop."""
    app = create_app(url="https://local.example", api_key="legacy")
    headers = {
        "apikey": "legacy",
        "Accept": "application/json",
        "Content-Type": "application/json",
    }

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, headers=headers) as client:
            return await client.get("https://local.example/v2/users")

    assert anyio.run(ask).json() == list(app.state.users)


def test_it_can_be_started_and_stopped_by_any_server() -> None:
    """The lifespan protocol of ASGI passes through."""
    wanted = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    answers: list[str] = []

    async def receive() -> Message:
        return next(wanted)

    async def send(message: Message) -> None:
        answers.append(message["type"])

    anyio.run(create_app(), {"type": "lifespan"}, receive, send)

    assert answers == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
