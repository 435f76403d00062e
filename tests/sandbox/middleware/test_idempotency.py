"""Idempotency keys, where a name for their header is given."""

from collections.abc import Callable

import anyio
import httpx
import pytest
from starlette.types import Message

from sikoia_async.sandbox import App, Sandbox, create_app

CASE = {"name": "Loan", "case_type": "Business"}
KEY = {"Idempotency-Key": "one"}
Connect = Callable[[Sandbox], httpx.Client]


def test_a_repeated_request_has_one_effect(connect: Connect) -> None:
    """The second answer is the first one's, under a correlation id of its own."""
    with Sandbox(idempotency_header="Idempotency-Key") as sandbox:
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


def test_what_befalls_an_answer_does_not_befall_its_repetition(connect: Connect) -> None:
    """A fault happens to one answer; what is kept under the key is the answer without it."""
    with Sandbox(idempotency_header="Idempotency-Key") as sandbox:
        client = connect(sandbox)
        sandbox.faults.add("POST /v2/cases", headers={"X-Odd": "yes"})
        first, second = (client.post("/v2/cases", json=CASE, headers=KEY) for _ in range(2))

    assert (first.headers.get("X-Odd"), second.headers.get("X-Odd")) == ("yes", None)
    assert first.json() == second.json()


def test_a_key_is_for_one_request(connect: Connect) -> None:
    """Another body under a key that was used is a conflict, and has no effect."""
    with Sandbox(idempotency_header="Idempotency-Key") as sandbox:
        client = connect(sandbox)
        client.post("/v2/cases", json=CASE, headers=KEY)
        refused = client.post("/v2/cases", json={**CASE, "name": "Other"}, headers=KEY)
        cases = client.get("/v2/cases").json()

    assert (refused.status_code, refused.json()["type"]) == (409, "Conflict")
    assert "Idempotency-Key" in refused.json()["detail"]
    assert [case["name"] for case in cases] == ["Loan"]


def test_a_refused_request_leaves_its_key_free(connect: Connect) -> None:
    """What had no effect can be put right under the same key."""
    with Sandbox(idempotency_header="Idempotency-Key") as sandbox:
        client = connect(sandbox)
        refused = client.post("/v2/cases", json={**CASE, "name": ""}, headers=KEY)
        accepted = client.post("/v2/cases", json=CASE, headers=KEY)

    assert (refused.status_code, accepted.status_code) == (400, 201)


def test_keys_mean_nothing_unless_their_header_has_a_name(connect: Connect) -> None:
    """As long as Sikoia publishes none, each request has its effect."""
    with Sandbox() as sandbox:
        client = connect(sandbox)
        for _ in range(2):
            client.post("/v2/cases", json=CASE, headers=KEY)
        assert len(client.get("/v2/cases").json()) == 2


@pytest.mark.parametrize(
    "app",
    [create_app(idempotency_header="Key"), create_app(accepted=True)],
    ids=["keys", "202"],
)
def test_what_is_no_request_passes(app: App) -> None:
    """The lifespan protocol of ASGI goes through what looks at requests."""
    wanted = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    answers: list[str] = []

    async def receive() -> Message:
        return next(wanted)

    async def send(message: Message) -> None:
        answers.append(message["type"])

    anyio.run(app, {"type": "lifespan"}, receive, send)

    assert answers == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
