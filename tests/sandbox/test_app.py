"""The local Sikoia as an ASGI application, without a socket."""

import anyio
import httpx
from starlette.types import Message

from sikoia_async.sandbox import Credentials, create_app


def test_the_application_works_in_memory() -> None:
    """A client can call it in its own event loop."""
    app = create_app(url="https://local.example", credentials=Credentials(api_key="legacy"))
    headers = {
        "apikey": "legacy",
        "Accept": "application/json",
        "Content-Type": "application/json",
    }

    async def get_users() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, headers=headers) as client:
            return await client.get("https://local.example/v2/users")

    assert anyio.run(get_users).json() == list(app.state.users)


def test_the_lifespan_protocol_is_supported() -> None:
    """So any ASGI server can start and stop the application."""
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[str] = []

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        sent.append(message["type"])

    anyio.run(create_app(), {"type": "lifespan"}, receive, send)

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
