"""202 responses when operations start, and the SDK's handling of them."""

from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest

from sikoia_async import Sikoia
from sikoia_async.environments import local
from sikoia_async.resources.cases import NewPerson
from sikoia_async.sandbox import Sandbox, Time, Wire, create_app

PERSON = {"first_name": "Sample", "last_name": "Person"}


def test_starting_an_operation_returns_202(connect: Callable[[Sandbox], httpx.Client]) -> None:
    """With a Location; errors and other requests keep their status."""
    with Sandbox(wire=Wire(answers_202=True), work_time=0) as sandbox:
        client = connect(sandbox)
        case = client.post(
            "/v2/cases", json={"name": "Loan", "case_type": "Business", "persons": [PERSON]}
        )
        person = {"entity_type": "person", "entity_id": case.json()["persons"][0]["person_id"]}
        started = client.post("/v2/income-employer", json=person)
        refused = client.post("/v2/income-employer", json={})
        seen = client.get(started.headers["Location"])
        checks = client.get("/v2/validation-checks/validation-types").json()
        kind = next(one for one in checks if one["entity_type"] == "person")
        check = client.post(
            "/v2/validation-checks",
            json=person | {"validation_type_id": kind["validation_type_id"]},
        )

    assert (case.status_code, refused.status_code) == (201, 400)
    assert (started.status_code, started.json()["status"]) == (202, "Pending")
    assert started.headers["Location"] == f"/v2/income-employer/{started.json()['request_id']}"
    assert (seen.status_code, seen.json()["request_id"]) == (200, started.json()["request_id"])
    assert check.status_code == 202
    assert check.headers["Location"].endswith(check.json()["validation_instance_id"])


@pytest.mark.anyio
@pytest.mark.virtual_time
@pytest.mark.parametrize("accepted", [False, True], ids=["201", "202"])
@pytest.mark.parametrize("work", [0.0, 30.0], ids=["at once", "later"])
@pytest.mark.parametrize("kind", ["affordability", "income", "identity", "checks"])
async def test_the_sdk_waits_after_201_and_202(kind: str, work: float, *, accepted: bool) -> None:
    """201 with `Pending` or 202 with a `Location`: the result is the same."""
    app = create_app(
        wire=Wire(answers_202=accepted), work_time=work, time=Time(clock=anyio.current_time)
    )
    client = Sikoia(
        app.application.client_id,
        app.application.client_secret,
        environment=local("https://sandbox.example"),
        transport=httpx.ASGITransport(app),
    )
    async with client:
        case = await client.cases.create(
            name="Loan",
            case_type="Business",
            persons=[NewPerson(first_name="Sample", last_name="Person")],
        )
        assert case.persons
        person = case.persons[0]
        for document_type in ("BankStatement", "Payslip"):
            await client.documents.upload(
                person, b"%PDF-1.7", file_name="a.pdf", document_type=document_type
            )
        await client.data_sources.until_complete(person).wait(600)
        types = await client.checks.types()
        check_type = next(one.validation_type_id for one in types if one.entity_type == "person")
        begin: dict[str, Callable[[], Any]] = {
            "affordability": lambda: client.affordability.request(person),
            "income": lambda: client.income.request(person),
            "identity": lambda: client.identity.request(person.person_id or ""),
            "checks": lambda: client.checks.run(person, check_type or ""),
        }
        found = await (await begin[kind]()).wait(timeout=600)

    assert found.status in {"Complete", "Failed"}
