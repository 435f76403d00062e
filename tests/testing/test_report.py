"""Requests to the local Sikoia in the report of a failed test."""

from collections.abc import Callable

import httpx
import pytest
from subscribed import subscribed_person

from sikoia_async import errors
from sikoia_async.sandbox import Sandbox
from sikoia_async.testing import MemorySandbox, client_of
from sikoia_async.testing.marker import SandboxSpec
from sikoia_async.testing.report import report_of

pytestmark = pytest.mark.anyio

BOTH = pytest.mark.parametrize("kind", [MemorySandbox, Sandbox], ids=["memory", "tls"])


def shown(sandbox: Sandbox) -> list[str]:
    """Return the lines of the report about requests."""
    lines = report_of(SandboxSpec(tls=False, options={}), sandbox).splitlines()
    return [line for line in lines if "(correlation id " in line]


async def test_the_latest_requests_are_shown() -> None:
    """There are at most twenty, without queries, and only with valid correlation ids."""
    with MemorySandbox() as sandbox:
        async with httpx.AsyncClient(transport=sandbox.transport) as client:
            for number in range(21):
                headers = {"X-Correlation-Id": "Wilma Example"} if number == 20 else {}
                url = f"{sandbox.url}/v2/users?email=wilma@example.com"
                await client.get(url, headers=headers)

    assert shown(sandbox) == [
        *["GET /v2/users: 401 (correlation id none)"] * 19,
        "GET /v2/users: 401 (correlation id not shown)",
    ]


async def test_webhook_deliveries_are_shown() -> None:
    """With the status of each attempt, or what to do if there was none yet."""
    failing = httpx.MockTransport(lambda _: httpx.Response(500))
    with MemorySandbox(work_time=0) as sandbox:
        async with client_of(sandbox) as sikoia:
            await sikoia.webhooks.create_secret()
            person = await subscribed_person(sikoia, "IdentityVerification.Completed")
            await sikoia.identity.request(person)
            await sandbox.deliveries.deliver_due(failing)
            await sikoia.identity.request(person)
            sandbox.deliveries.queue_events()
            report = report_of(SandboxSpec(tls=False, options={}), sandbox)

    assert report.splitlines()[-2:] == [
        "webhook IdentityVerification.Completed: 500",
        "webhook IdentityVerification.Completed: not sent: await until_settled()",
    ]


@BOTH
async def test_the_record_of_a_call_is_in_order(kind: Callable[[], Sandbox]) -> None:
    """The request for the token comes first; a request without a response says so."""
    with kind() as sandbox:
        async with client_of(sandbox) as sikoia:
            with pytest.raises(errors.ResourceNotFoundError):
                await sikoia.with_options(correlation_id="first").cases.retrieve("0123")
            sandbox.faults.add("GET /v2/users", reset="before")
            with pytest.raises(errors.ConnectionFailedError):
                await sikoia.with_options(retries=0, correlation_id="mine").users.list()

    token, case, users = shown(sandbox)
    assert token.startswith("POST /token: 201 ")
    assert case == "GET /v2/cases/{id}: 404 (correlation id first)"
    assert users == "GET /v2/users: no response (correlation id mine)"
