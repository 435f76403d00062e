"""The faults of the local Sikoia in front of any transport."""

from typing import Any

import httpx
import pytest

from sikoia_async import ConfigurationError, Sikoia
from sikoia_async.environments import Environment, local
from sikoia_async.errors import CallError, ConnectionFailedError
from sikoia_async.sandbox import App, Credentials, create_app
from sikoia_async.testing import FaultyTransport, faulty, in_memory

pytestmark = pytest.mark.anyio


def _client(app: App, transport: httpx.AsyncBaseTransport, **options: Any) -> Sikoia:
    known = ("known", "sesame")
    return Sikoia(
        *known, environment=local(app.application.resource), transport=transport, **options
    )


def _app() -> App:
    return create_app(credentials=Credentials(client_id="known", client_secret="sesame"))


@pytest.mark.parametrize(
    ("name", "received"),
    [
        ("server error", 1),
        ("brief outage", 1),
        ("gateway page", 1),
        ("expired token", 1),
        ("reset before processing", 1),
        ("reset after processing", 2),
        ("truncated response", 2),
        ("dripping body", 1),
    ],
)
async def test_a_call_survives_a_named_fault(name: str, received: int) -> None:
    """It is retried; only faults after processing reach the environment."""
    app = _app()
    transport = faulty(in_memory(app))
    transport.faults.inject(name, "GET /v2/users")
    async with _client(app, transport) as sikoia:
        assert len(await sikoia.users.list())

    users = [one for one in app.ledger if one.operation == "GET /v2/users"]
    assert len(users) == received
    assert len(transport.faults.triggered) in {1, 2}


async def test_a_purchase_is_not_repeated() -> None:
    """It was processed, and its response is lost."""
    app = _app()
    transport = faulty(in_memory(app))
    transport.faults.inject("reset after processing", "POST /v2/cases")
    async with _client(app, transport) as sikoia:
        with pytest.raises(ConnectionFailedError) as failed:
            await sikoia.cases.create(name="Loan", case_type="Business")

    assert failed.value.may_have_been_processed
    assert len([one for one in app.ledger if one.operation == "POST /v2/cases"]) == 1


async def test_another_body_replaces_the_response() -> None:
    """Whatever its encoding was."""
    app = _app()
    transport = faulty(in_memory(app))
    transport.faults.inject("other shape", "GET /v2/users")
    async with _client(app, transport) as sikoia:
        with pytest.raises(CallError):
            await sikoia.users.list()


async def test_an_expired_token_stays_expired() -> None:
    """Also for calls that had it before; a new one is accepted."""
    app = _app()
    transport = faulty(in_memory(app))
    transport.faults.inject("expired token", "GET /v2/users")
    url = f"{app.application.resource}/v2/users"
    async with httpx.AsyncClient(transport=transport) as calls:
        old, new = [{"Authorization": f"Bearer {await _token(app, calls)}"} for _ in range(2)]
        statuses = [(await calls.get(url, headers=one)).status_code for one in (old, old, new)]

    assert [one == 401 for one in statuses] == [True, True, False]


async def _token(app: App, calls: httpx.AsyncClient) -> str:
    form = {
        "grant_type": "client_credentials",
        "scope": app.application.scope,
        "client_id": "known",
        "client_secret": "sesame",
    }
    granted = await calls.post(f"{app.application.resource}/token", data=form)
    return str(granted.json()["access_token"])


async def test_token_requests_have_faults() -> None:
    """Under the name of the API reference, whatever the URL is."""
    app = _app()
    transport = faulty(in_memory(app))
    transport.faults.inject("server error", "POST /token")
    async with _client(app, transport) as sikoia:
        await sikoia.users.list()

    assert [one.operation for one in transport.faults.triggered] == ["POST /token"]


def _never(_request: httpx.Request) -> httpx.Response:
    raise AssertionError


@pytest.mark.parametrize("environment", ["production", "gateway"])
async def test_production_is_refused(environment: str) -> None:
    """Before anything is sent; so is a host that might lead there."""
    where: Any = environment
    if environment == "gateway":
        where = Environment(
            name="x", api="https://gateway.corp/x", token_url="https://gateway.corp/t", scope="s"
        )
    transport = faulty(httpx.MockTransport(_never))
    async with Sikoia("a", "b", environment=where, transport=transport) as sikoia:
        with pytest.raises(ConfigurationError, match="nothing was sent"):
            await sikoia.users.list()


async def test_production_can_be_allowed() -> None:
    """With an explicit argument."""
    seen = list[str]()

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        return httpx.Response(200, json=[])

    transport = faulty(httpx.MockTransport(respond), allow_production=True)
    async with Sikoia(token="t", environment="production", transport=transport) as sikoia:
        assert not await sikoia.users.list()
    await transport.aclose()
    assert seen == ["api.sikoia.com"]


@pytest.mark.parametrize(
    ("transport", "options"),
    [
        (httpx.HTTPTransport, {}),
        (None, {}),
        (httpx.MockTransport(_never), {"allow_production": "yes"}),
    ],
    ids=["a class", "nothing", "a string"],
)
def test_invalid_arguments_are_refused(transport: Any, options: dict[str, Any]) -> None:
    """With what is expected."""
    with pytest.raises(ConfigurationError, match=r"expected|required"):
        faulty(transport, **options)


async def test_a_transport_of_httpx2_is_accepted() -> None:
    """As the SDK itself does."""
    httpx2 = pytest.importorskip("httpx2")

    def respond(_: object) -> Any:
        return httpx2.Response(200, json=[])

    transport = faulty(httpx2.MockTransport(respond))
    transport.faults.add("GET /v2/users", status=503)
    url = "https://api.test"
    async with Sikoia(token="t", environment=local(url), transport=transport) as sikoia:
        users = await sikoia.users.list()

    assert [one.status for one in users.response.attempts] == [503, 200]


def test_the_class_is_public() -> None:
    """For annotations."""
    assert isinstance(faulty(httpx.MockTransport(_never)), FaultyTransport)
