"""Statuses that Sikoia spells another way, or in another word, end a wait."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from faults import client

from sikoia_async import Operation, OperationFailedError, OperationTimeoutError, Sikoia
from sikoia_async.models import Entity
from sikoia_async.operations.statuses import has_ended, is_among, is_failure, is_success, shown
from sikoia_async.webhooks import ReplayGuard

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_ORIGIN = "https://127.0.0.1:8400"
_PERSON = Entity("person", "p-1")
_DONE = ["complete", "COMPLETE", "Complete ", "\tcom-plete", "COMPLETED", "Completed", "Success"]
_FAILED = ["failed", "FAILED", " Failed", "Failure", "Error", "ERRORED", "Timed out"]
_ENDED = ["Cancelled", "CANCELED", "Rejected", "Aborted", "Expired", "Declined"]
_OPEN = ["Paused", "In progress", "Completing", "CompletedWithErrors", "Not complete", "", "🙂"]

Open = Callable[[Sikoia], Operation[Any]]


def _income(sikoia: Sikoia) -> Operation[Any]:
    return sikoia.income.operation("r-1")


def _check(sikoia: Sikoia) -> Operation[Any]:
    return sikoia.checks.operation("r-1")


def _identity(sikoia: Sikoia) -> Operation[Any]:
    return sikoia.identity.operation("r-1")


def _registry(sikoia: Sikoia) -> Operation[Any]:
    return sikoia.company_registry.operation("r-1")


def _connection(sikoia: Sikoia) -> Operation[Any]:
    return sikoia.banking.until_connected("r-1")


def _sources(sikoia: Sikoia) -> Operation[Any]:
    return sikoia.data_sources.until_complete(_PERSON)


def _document(sikoia: Sikoia) -> Operation[Any]:
    return sikoia.documents.until_classified("r-1")


def _integrity(sikoia: Sikoia) -> Operation[Any]:
    return sikoia.documents.until_checked("r-1")


def _answering(status: str) -> Sikoia:
    """Return a client for which everything has this status."""
    body = {
        **dict.fromkeys(
            ("request_id", "bank_connection_id", "document_id", "validation_instance_id"), "r-1"
        ),
        "entity_id": "p-1",
        "company_id": "c-1",
        "person_id": "p-1",
        "status": status,
        "data_sources": [{"data_source_id": "s-1", "status": status}],
    }

    def reply(request: httpx.Request) -> httpx.Response:
        wanted = body
        if request.url.path.endswith("/integrity-checks"):
            wanted = {"document_id": "r-1", "status": status}
        return httpx.Response(200, json=wanted)

    return client(_ORIGIN, transport=httpx.MockTransport(reply), quota=None)


@pytest.mark.parametrize("status", _DONE)
@pytest.mark.parametrize(
    "begin", [_income, _check, _identity, _registry, _connection, _sources, _integrity]
)
async def test_complete_in_other_words_ends_a_wait(begin: Open, status: str) -> None:
    """The first poll is the last, the model keeps the spelling, and drift counts it."""
    async with _answering(status) as sikoia:
        operation = begin(sikoia)
        result = await operation
        calls, drift = sikoia.stats().calls, list(sikoia.drift)

    assert (operation.done, calls) == (True, 1)
    assert getattr(result, "status", status) == status
    assert begin is _sources or any(one.endswith(": taken for done") for one in drift)


@pytest.mark.parametrize("status", _FAILED + _ENDED)
@pytest.mark.parametrize("begin", [_income, _registry])
async def test_failed_in_other_words_raises(begin: Open, status: str) -> None:
    """The message names a status that is not just another spelling of Sikoia's own."""
    async with _answering(status) as sikoia:
        with pytest.raises(OperationFailedError, match="could not complete") as caught:
            await begin(sikoia)
        assert sikoia.stats().calls == 1

    assert caught.value.result.status == status
    assert (status in str(caught.value)) == (status.strip().lower() != "failed")


@pytest.mark.parametrize("status", _FAILED + _ENDED)
@pytest.mark.parametrize("begin", [_check, _connection, _sources, _document, _integrity])
async def test_failed_in_other_words_is_a_result_where_failed_is(begin: Open, status: str) -> None:
    """As with Sikoia's own `Failed`: look at the status."""
    async with _answering(status) as sikoia:
        await begin(sikoia)

        assert sikoia.stats().calls == 1


@pytest.mark.parametrize("status", ["expired", "EXPIRED ", "rejected"])
async def test_a_status_of_the_kind_comes_first(status: str) -> None:
    """An expired identity request and a rejected bank connection are results."""
    async with _answering(status) as sikoia:
        if status == "rejected":
            connection = await _connection(sikoia)
            assert connection.status == status
        else:
            request = await _identity(sikoia)
            assert request.status == status


@pytest.mark.parametrize("status", _OPEN)
@pytest.mark.parametrize("begin", [_income, _sources, _connection])
async def test_any_other_status_counts_as_running(begin: Open, status: str) -> None:
    """It may mean anything; the timeout names it and does not claim that the work goes on."""
    async with _answering(status) as sikoia:
        with pytest.raises(OperationTimeoutError) as caught:
            await begin(sikoia).wait(timeout=30)

    message = str(caught.value)
    assert "still" not in message
    if begin is not _sources:
        assert "this SDK does not know the last status" in message
        assert (f"the last status, {status};" in message) == (status not in {"", "🙂"})


@pytest.mark.parametrize("status", ["Pending", "PENDING", "pending "])
async def test_the_timeout_does_not_call_a_known_status_unknown(status: str) -> None:
    """Also in another spelling."""
    async with _answering(status) as sikoia:
        with pytest.raises(OperationTimeoutError) as caught:
            await _income(sikoia).wait(timeout=30)

    assert "does not know" not in str(caught.value)


@pytest.mark.parametrize("status", ["TooManyResults", "TOO_MANY_RESULTS", "too many results "])
async def test_a_picklist_is_recognized_in_another_spelling(status: str) -> None:
    """The operation is done, and the request can be resolved."""
    async with _answering(status) as sikoia:
        request = await _registry(sikoia)

    assert request.has_too_many_results


@pytest.mark.parametrize(
    ("status", "missed"),
    [*((one, 1) for one in ("complete", "COMPLETED", "failed ", "Cancelled")), ("PENDING", 0)],
)
async def test_the_log_of_deliveries_is_read_in_any_spelling(status: str, missed: int) -> None:
    """`reconcile` returns the deliveries that ended."""
    entry = {
        "request_id": "q-1",
        "webhook_event_status": status,
        "request_body": '{"event_type": "IdentityVerification.Completed"}',
    }
    transport = httpx.MockTransport(
        lambda _: httpx.Response(200, json={"webhook_requests": [entry]})
    )
    async with client(_ORIGIN, transport=transport) as sikoia:
        found = await sikoia.webhooks.reconcile("w-1", guard=ReplayGuard())

    assert len(found) == missed


def test_words_that_contain_a_known_one_are_not_known() -> None:
    """`Incomplete` is not `Complete`, and nothing but text is a status."""
    for status in (*_OPEN, "Incomplete", "NotFailed", "FailedRetrying", None, 3, b"Complete"):
        assert not has_ended(status), status
    assert all(map(is_success, _DONE))
    assert all(map(is_failure, _FAILED + _ENDED))
    assert is_among("not requested", {"NotRequested"})


@pytest.mark.parametrize("status", ["Anna Maria Smith of London Bridge", "a" * 33, "r-1", "x@y", 5])
def test_only_plain_words_are_shown(status: object) -> None:
    """A status is a short word; anything else may be somebody's data."""
    assert shown(status) is None
