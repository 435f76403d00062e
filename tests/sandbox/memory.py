"""A local Sikoia in memory, and walks through its operations that record every response."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import anyio
import attrs
import httpx
from sandbox.test_responses import WALKS, Walk

from sikoia_async.sandbox import App, Credentials, Rate, Time, create_app

__all__ = ["ALL", "EPOCH", "RecordedResponse", "Recorder", "begin", "in_memory", "local"]

EPOCH = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
ALL = range(len(WALKS))
_URL = "https://local.example"
_HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}

RecordedResponse = tuple[str, str, int, list[tuple[str, str]], bytes]
"""The method, the path, and the response."""


class InMemory(httpx.BaseTransport):
    """Calls an application in memory, and records its responses."""

    def __init__(self, app: App) -> None:
        self.responses: list[RecordedResponse] = []
        self._transport = httpx.ASGITransport(app)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return the complete response."""

        async def send() -> httpx.Response:
            response = await self._transport.handle_async_request(request)
            content = await response.aread()
            return httpx.Response(response.status_code, headers=response.headers, content=content)

        response = anyio.run(send)
        headers = response.headers.multi_items()
        target = request.method, request.url.path
        self.responses.append((*target, response.status_code, headers, response.content))
        return response


@attrs.define
class _Walk(Walk):
    """A walk on a clock that can be advanced."""

    def work(self) -> None:
        """Advance the clock until all operations are finished."""
        self.sandbox.clock.advance(61)


@attrs.define
class Recorder:
    """Walks through the operations of an application."""

    app: App

    _transport: InMemory = attrs.field(init=False)
    _client: httpx.Client = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._transport = InMemory(self.app)
        self._client = httpx.Client(base_url=_URL, headers=_HEADERS, transport=self._transport)

    @property
    def responses(self) -> list[RecordedResponse]:
        """All responses so far."""
        return self._transport.responses

    def authorize(self) -> str:
        """Get a token for the following requests."""
        self._client.headers.pop("Authorization", None)
        application = self.app.application
        form = {
            "grant_type": "client_credentials",
            "scope": application.scope,
            "client_id": application.client_id,
            "client_secret": application.client_secret,
        }
        # Overrides the JSON type of the client.
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        token: str = self._client.post("/token", data=form, headers=kind).json()["access_token"]
        self.use(token)
        return token

    def use(self, token: str) -> None:
        """Set the token of the following requests."""
        self._client.headers["Authorization"] = f"Bearer {token}"

    def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Send a request."""
        return self._client.request(method, path, json=body, headers=headers)

    def create(self, path: str, body: Any = None) -> Any:
        """Create something, and return the body of the response."""
        response = self.call("POST", path, body)
        assert response.status_code == 201, response.text
        return response.json()

    def person(self) -> dict[str, str]:
        """Create a case with a person, and return the fields that identify the person."""
        case = self.create("/v2/cases", {"name": "Loan", "case_type": "Business"})["case_id"]
        body = {"persons": [{"first_name": "Sample", "last_name": "Example"}]}
        created = self.create(f"/v2/cases/{case}/entities", body)
        return {"entity_type": "person", "entity_id": created["persons"][0]["person_id"]}

    def walk(self, *numbers: int) -> list[RecordedResponse]:
        """Run some of the walks, each with its own case, and return the responses."""
        before = len(self.responses)
        for number in numbers:
            walk = _Walk(self.app, self._client, SimpleNamespace())
            walk.begin()
            WALKS[number](walk)
        return self.responses[before:]


def local(**options: Any) -> Recorder:
    """Create a local Sikoia with a paused clock, and get a token from it."""
    defaults: dict[str, Any] = {
        "url": _URL,
        "time": Time(speed=0, epoch=EPOCH),
        "work_time": 60,
        "credentials": Credentials(token_life=10**6),
        "rate": Rate(requests_per_window=10**6),
    }
    recorder = Recorder(create_app(**(defaults | options)))
    recorder.authorize()
    return recorder


def in_memory(app: App) -> httpx.AsyncClient:
    """Return a client of an application that accepts the key `legacy`."""
    headers = {"apikey": "legacy", **_HEADERS}
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url=_URL, headers=headers)


async def begin(client: httpx.AsyncClient, times: int = 1) -> str:
    """Create a webhook, start verifications, and return the path of the webhook."""

    async def create(path: str, body: Any) -> Any:
        response = await client.post(path, json=body)
        assert response.status_code == 201, response.text
        return response.json()

    hook = {
        "webhook_name": "Test",
        "webhook_callback_url": "https://localhost:9/hook",
        "event_types": ["IdentityVerification.Completed"],
    }
    webhook = await create("/v2/webhooks", hook)
    case = (await create("/v2/cases", {"name": "Loan", "case_type": "Business"}))["case_id"]
    body = {"persons": [{"first_name": "Sample", "last_name": "Example"}]}
    created = await create(f"/v2/cases/{case}/entities", body)
    for _ in range(times):
        await create("/v2/identity", {"person_id": created["persons"][0]["person_id"]})
    return f"/v2/webhooks/{webhook['webhook_id']}"
