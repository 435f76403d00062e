"""A local Sikoia in memory, and walks through its operations that write every answer down."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import anyio
import attrs
import httpx
from sandbox.test_answers import WALKS, Walk

from sikoia_async.sandbox import App, create_app

__all__ = ["ALL", "EPOCH", "Answer", "Recorder", "begin", "in_memory", "local"]

EPOCH = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
ALL = range(len(WALKS))
_URL = "https://local.example"
_HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}

Answer = tuple[str, str, int, list[tuple[str, str]], bytes]
"""The method, the path, and all that came back."""


class InMemory(httpx.BaseTransport):
    """Asks an application itself, and writes down what it answers."""

    def __init__(self, app: App) -> None:
        self.answers: list[Answer] = []
        self._transport = httpx.ASGITransport(app)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Ask, and wait for the whole answer."""

        async def ask() -> httpx.Response:
            answer = await self._transport.handle_async_request(request)
            content = await answer.aread()
            return httpx.Response(answer.status_code, headers=answer.headers, content=content)

        answer = anyio.run(ask)
        headers = answer.headers.multi_items()
        asked = request.method, request.url.path
        self.answers.append((*asked, answer.status_code, headers, answer.content))
        return answer


@attrs.define
class _Walk(Walk):
    """A walk on a clock that can be moved on."""

    def work(self) -> None:
        """Move the clock on until all that was begun is done."""
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
    def answers(self) -> list[Answer]:
        """All that came back so far."""
        return self._transport.answers

    def authorize(self) -> str:
        """Get a token, and use it from now on."""
        self._client.headers.pop("Authorization", None)
        application = self.app.application
        form = {
            "grant_type": "client_credentials",
            "scope": application.scope,
            "client_id": application.client_id,
            "client_secret": application.client_secret,
        }
        # A form says so itself.
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        token: str = self._client.post("/token", data=form, headers=kind).json()["access_token"]
        self.use(token)
        return token

    def use(self, token: str) -> None:
        """Use this token from now on."""
        self._client.headers["Authorization"] = f"Bearer {token}"

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Ask for one thing."""
        return self._client.request(method, path, json=body, headers=headers)

    def create(self, path: str, body: Any = None) -> Any:
        """Create something, and give the answer."""
        answer = self.ask("POST", path, body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def person(self) -> dict[str, str]:
        """Create a case with a person, and give the fields that name the person in bodies."""
        case = self.create("/v2/cases", {"name": "Loan", "case_type": "Business"})["case_id"]
        body = {"persons": [{"first_name": "Sample", "last_name": "Example"}]}
        made = self.create(f"/v2/cases/{case}/entities", body)
        return {"entity_type": "person", "entity_id": made["persons"][0]["person_id"]}

    def walk(self, *numbers: int) -> list[Answer]:
        """Walk through some of the walks, each with a case of its own, and give the answers."""
        before = len(self.answers)
        for number in numbers:
            walk = _Walk(self.app, self._client, SimpleNamespace())
            walk.begin()
            WALKS[number](walk)
        return self.answers[before:]


def local(**options: Any) -> Recorder:
    """Make a local Sikoia on a clock that stands still, and get a token of it."""
    still: dict[str, Any] = {"url": _URL, "speed": 0, "epoch": EPOCH, "work_time": 60}
    wide: dict[str, Any] = {"token_life": 10**6, "limit": 10**6}
    recorder = Recorder(create_app(**(still | wide | options)))
    recorder.authorize()
    return recorder


def in_memory(app: App) -> httpx.AsyncClient:
    """Open a client of an application that takes the key `legacy`."""
    headers = {"apikey": "legacy", **_HEADERS}
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url=_URL, headers=headers)


async def begin(client: httpx.AsyncClient, times: int = 1) -> str:
    """Begin to verify persons, with a webhook to be told of it, and give the path to that."""

    async def create(path: str, body: Any) -> Any:
        answer = await client.post(path, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    hook = {
        "webhook_name": "Test",
        "webhook_callback_url": "https://localhost:9/hook",
        "event_types": ["IdentityVerification.Completed"],
    }
    webhook = await create("/v2/webhooks", hook)
    case = (await create("/v2/cases", {"name": "Loan", "case_type": "Business"}))["case_id"]
    body = {"persons": [{"first_name": "Sample", "last_name": "Example"}]}
    made = await create(f"/v2/cases/{case}/entities", body)
    for _ in range(times):
        await create("/v2/identity", {"person_id": made["persons"][0]["person_id"]})
    return f"/v2/webhooks/{webhook['webhook_id']}"
