"""Idempotency keys, if their header has a name."""

from collections.abc import Callable

import anyio
import httpx
import pytest
from starlette.types import Message

from sikoia_async.sandbox import App, Sandbox, Wire, create_app

CASE = {"name": "Loan", "case_type": "Business"}
KEY = {"Idempotency-Key": "one"}
Connect = Callable[[Sandbox], httpx.Client]


def test_a_repeated_request_has_one_effect(connect: Connect) -> None:
    """Its response is that of the first request, with a new correlation id."""
    with Sandbox(wire=Wire(idempotency_header="Idempotency-Key")) as sandbox:
        client = connect(sandbox)
        first, second, third = (
            client.post("/v2/cases", json=CASE, headers=KEY | {"X-Correlation-Id": name})
            for name in ("a", "b", "c")
        )
        cases = client.get("/v2/cases", headers=KEY).json()

    assert first.status_code == second.status_code == 201
    assert first.json() == second.json() == third.json()
    assert [case["case_id"] for case in cases] == [first.json()["case_id"]]
    assert third.headers.get_list("X-Correlation-Id") == ["c"]


def test_a_fault_is_not_repeated_with_the_response(connect: Connect) -> None:
    """The stored response does not include the fault."""
    with Sandbox(wire=Wire(idempotency_header="Idempotency-Key")) as sandbox:
        client = connect(sandbox)
        sandbox.faults.add("POST /v2/cases", headers={"X-Odd": "yes"})
        first, second = (client.post("/v2/cases", json=CASE, headers=KEY) for _ in range(2))

    assert (first.headers.get("X-Odd"), second.headers.get("X-Odd")) == ("yes", None)
    assert first.json() == second.json()


def test_a_key_belongs_to_one_request(connect: Connect) -> None:
    """Another body with the same key is a conflict, and has no effect."""
    with Sandbox(wire=Wire(idempotency_header="Idempotency-Key")) as sandbox:
        client = connect(sandbox)
        client.post("/v2/cases", json=CASE, headers=KEY)
        refused = client.post("/v2/cases", json={**CASE, "name": "Other"}, headers=KEY)
        cases = client.get("/v2/cases").json()

    assert (refused.status_code, refused.json()["type"]) == (409, "Conflict")
    assert "Idempotency-Key" in refused.json()["detail"]
    assert [case["name"] for case in cases] == ["Loan"]


def test_a_reused_key_is_a_conflict_as_the_guide_words_it(connect: Connect) -> None:
    """Also with the same request; it has no effect and costs nothing."""
    wire = Wire(idempotency_header="Idempotency-Key", idempotency_reuse="conflict")
    with Sandbox(wire=wire) as sandbox:
        client = connect(sandbox)
        first, *others = [client.post("/v2/cases", json=CASE, headers=KEY) for _ in range(3)]
        free = client.post("/v2/cases", json={**CASE, "name": ""}, headers={"Idempotency-Key": "2"})
        corrected = client.post("/v2/cases", json=CASE, headers={"Idempotency-Key": "2"})
        cases = client.get("/v2/cases").json()

    assert first.status_code == 201
    assert {(one.status_code, one.json()["type"]) for one in others} == {(409, "Conflict")}
    assert (free.status_code, corrected.status_code) == (400, 201)
    assert len(cases) == 2


def test_a_refused_request_leaves_its_key_free(connect: Connect) -> None:
    """So the request can be corrected."""
    with Sandbox(wire=Wire(idempotency_header="Idempotency-Key")) as sandbox:
        client = connect(sandbox)
        refused = client.post("/v2/cases", json={**CASE, "name": ""}, headers=KEY)
        accepted = client.post("/v2/cases", json=CASE, headers=KEY)

    assert (refused.status_code, accepted.status_code) == (400, 201)


def test_keys_are_ignored_by_default(connect: Connect) -> None:
    """Each request has its effect, because Sikoia publishes no header."""
    with Sandbox() as sandbox:
        client = connect(sandbox)
        for _ in range(2):
            client.post("/v2/cases", json=CASE, headers=KEY)
        assert len(client.get("/v2/cases").json()) == 2


@pytest.mark.parametrize(
    "app",
    [create_app(wire=Wire(idempotency_header="Key")), create_app(wire=Wire(answers_202=True))],
    ids=["keys", "202"],
)
def test_lifespan_messages_pass_the_middleware(app: App) -> None:
    """They are not requests."""
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[str] = []

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        sent.append(message["type"])

    anyio.run(app, {"type": "lifespan"}, receive, send)

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
