"""A request that was begun before its case was deleted or the state was replaced writes nothing."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from sikoia_async.sandbox import Sandbox, Time, Wire

EPOCH = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
PERSON = {"first_name": "Sample", "last_name": "Example"}
CASE: Any = {"name": "Loan", "case_type": "Consumer", "persons": [PERSON]}
KEY = {"Idempotency-Key": "a key"}
HOOK = {
    "webhook_name": "Tests",
    "webhook_callback_url": "https://127.0.0.1:1/webhooks",
    "event_types": ["IdentityVerification.Completed"],
}
FILE = {"file": "JVBERi0xLjc=", "display_name": "A file", "file_name": "file.pdf"}

Connect = Callable[[Sandbox], httpx.Client]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Run a sandbox whose clock stands still."""
    with Sandbox(
        time=Time(speed=0, epoch=EPOCH),
        work_time=60,
        wire=Wire(idempotency_header="Idempotency-Key"),
    ) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox, connect: Connect) -> httpx.Client:
    """Open a client."""
    return connect(sandbox)


def interrupted(
    sandbox: Sandbox,
    client: httpx.Client,
    request: tuple[str, str, Any],
    meanwhile: Callable[..., object],
    **headers: str,
) -> httpx.Response:
    """Send half of a body, do something else, and send the other half."""
    method, path, body = request
    content, before = json.dumps(body).encode(), len(sandbox.ledger)
    headers = {"Content-Length": str(len(content)), **headers}

    def halves() -> Iterator[bytes]:
        yield content[:9]
        while len(sandbox.ledger) == before:
            time.sleep(0.001)
        meanwhile()
        yield content[9:]

    return client.request(method, path, content=halves(), headers=headers)


def ids(client: httpx.Client) -> dict[str, str]:
    """Create a case with a person, and return their ids."""
    case = client.post("/v2/cases", json=CASE).json()
    return {"case": case["case_id"], "person": case["persons"][0]["person_id"]}


def seen(client: httpx.Client) -> list[Any]:
    """Return what a request could have written."""
    return [client.get(f"/v2/{path}").json() for path in ("cases", "webhooks")]


Write = Callable[[dict[str, str]], tuple[str, str, Any]]
WRITES: dict[str, Write] = {
    "create a case": lambda _: ("POST", "/v2/cases", CASE),
    "create a webhook": lambda _: ("POST", "/v2/webhooks", HOOK),
    "update a case": lambda one: ("PATCH", f"/v2/cases/{one['case']}", {"name": "Another name"}),
    "add a person": lambda one: (
        "POST",
        f"/v2/cases/{one['case']}/entities",
        {"persons": [PERSON]},
    ),
    "verify": lambda one: ("POST", "/v2/identity", {"person_id": one["person"]}),
    "upload": lambda one: ("POST", "/v2/documents", _about(one) | FILE),
    "request insights": lambda one: ("POST", "/v2/affordability-insights", _about(one)),
}


def _about(one: dict[str, str]) -> dict[str, str]:
    return {"entity_type": "person", "entity_id": one["person"]}


@pytest.mark.parametrize("write", WRITES)
def test_a_request_begun_before_a_reset_writes_nothing(
    sandbox: Sandbox,
    connect: Connect,
    client: httpx.Client,
    write: str,
) -> None:
    """It is a 503, and the local Sikoia continues like a new one."""
    refused = interrupted(sandbox, client, WRITES[write](ids(client)), sandbox.reset, **KEY)
    after = connect(sandbox)

    assert (refused.status_code, refused.json()["type"]) == (503, "ServerError")
    assert seen(after) == [[], []]
    assert len(sandbox.work.pending) == 0
    again = after.post("/v2/cases", json=CASE, headers=KEY)
    sandbox.reset()
    assert connect(sandbox).post("/v2/cases", json=CASE).json() == again.json()


def test_a_token_request_begun_before_a_reset_gets_no_token(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    """It is a 503 as well."""
    refused = interrupted(sandbox, client, ("POST", "/token", {"grant_type": ""}), sandbox.reset)

    assert refused.status_code == 503


def test_a_request_begun_before_a_restore_writes_nothing(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    """The state is that of the snapshot."""
    ids(client)
    before, snapshot = seen(client), sandbox.snapshot()
    request = ("POST", "/v2/cases", CASE)
    refused = interrupted(sandbox, client, request, lambda: sandbox.restore(snapshot))

    assert refused.status_code == 503
    assert seen(client) == before


@pytest.mark.parametrize("write", list(WRITES)[2:])
def test_a_request_begun_before_its_case_was_deleted_writes_nothing(
    sandbox: Sandbox,
    connect: Connect,
    client: httpx.Client,
    write: str,
) -> None:
    """It is refused like one that was begun afterwards."""
    one, other = ids(client), connect(sandbox)
    request = WRITES[write](one)
    refused = interrupted(
        sandbox, client, request, lambda: other.delete(f"/v2/cases/{one['case']}")
    )
    method, path, body = request

    afterwards = client.request(method, path, json=body)
    assert refused.status_code == afterwards.status_code
    assert refused.json()["type"] == afterwards.json()["type"]
    assert seen(client) == [[], []]
    assert len(sandbox.work.pending) == 0


def test_a_webhook_that_was_deleted_meanwhile_stays_deleted(
    sandbox: Sandbox, connect: Connect, client: httpx.Client
) -> None:
    """An update of it is a 404."""
    path = f"/v2/webhooks/{client.post('/v2/webhooks', json=HOOK).json()['webhook_id']}"
    other = connect(sandbox)
    update = ("PATCH", path, {"webhook_name": "Another name"})

    refused = interrupted(sandbox, client, update, lambda: other.delete(path))

    assert (refused.status_code, refused.json()["type"]) == (404, "ResourceDeleted")


def test_work_that_ends_in_the_middle_of_a_request_is_settled_before_it(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    """Nothing that the request changes comes before an earlier end."""
    one = ids(client)
    upload = client.post(
        "/v2/documents", json=_about(one) | FILE | {"document_type": "BankStatement"}
    )
    assert upload.status_code == 201
    request = ("POST", "/v2/affordability-insights", _about(one))
    started = interrupted(sandbox, client, request, lambda: sandbox.clock.advance(60)).json()
    sandbox.clock.advance(60)

    insights = client.get(f"/v2/affordability-insights/{started['request_id']}").json()
    assert insights["status"] == "Complete"
