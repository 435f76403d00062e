"""Chargeable calls: counted, limited, and never sent twice."""

from typing import Any, Final

import anyio
import httpx
import pytest
from faults import client, refuse

from sikoia_async import (
    APIError,
    CallError,
    ChargeLimitError,
    ConfigurationError,
    Limits,
    Quota,
    Sikoia,
)
from sikoia_async._calls.usage import Spend

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_REGISTRY: Final = "company_registry.request"


class _Answers(httpx.AsyncBaseTransport):
    """Responds in turn, each time after a second."""

    def __init__(self, *answers: int | Exception) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        given = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(given, httpx.ConnectError):
            refuse(request, given)
        await request.aread()
        await anyio.sleep(1)
        if isinstance(given, Exception):
            raise given
        headers = {"Retry-After": "10"} if given == 429 else {}
        return httpx.Response(
            given, headers=headers, json={"request_id": "r-1", "status": "Complete"}
        )


def _client(*answers: int | Exception, **options: Any) -> tuple[Sikoia, _Answers]:
    transport = _Answers(*answers)
    return client("https://127.0.0.1:1", transport=transport, **options), transport


async def _buy(sikoia: Sikoia) -> None:
    await sikoia.company_registry.request("co-1")


async def test_chargeable_calls_are_counted_by_operation() -> None:
    """By method and path template, without ids."""
    sikoia, _ = _client(201)

    await _buy(sikoia)
    await _buy(sikoia.with_options(timeout=5))
    await sikoia.online_data.request("co-1")
    await sikoia.company_registry.retrieve("r-1")

    assert dict(sikoia.spend) == {_REGISTRY: 2, "online_data.request": 1}
    assert sikoia.stats().spend == dict(sikoia.spend)
    assert len(sikoia.spend) == 2
    assert repr(sikoia.spend).startswith("Spend({")


@pytest.mark.parametrize(
    ("outcome", "counted"),
    [(400, 0), (403, 0), (429, 0), (500, 1), (httpx.ReadError(""), 1), (httpx.ConnectError(""), 0)],
    ids=str,
)
async def test_refused_calls_are_not_counted(outcome: int | Exception, counted: int) -> None:
    """A call in doubt is counted: better once too often."""
    sikoia, transport = _client(outcome, retries=0)

    with pytest.raises(CallError):
        await _buy(sikoia)

    assert sum(sikoia.spend.values()) == counted
    assert transport.asked == 1


async def test_a_call_is_counted_once_it_is_sent() -> None:
    """Not while it waits for the rate limit or a connection, which may take minutes."""
    for options in ({"quota": Quota(2)}, {"limits": Limits(max_in_flight=2), "timeout": 100}):
        sikoia, _ = _client(201, **options)
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(_buy, sikoia)
            await anyio.sleep(0.5)
            assert dict(sikoia.spend) == {_REGISTRY: 2}
            await anyio.sleep(0.6)
            assert sikoia.spend[_REGISTRY] == (2 if "quota" in options else 4)
            tasks.cancel_scope.cancel()
        assert sikoia.spend[_REGISTRY] == (2 if "quota" in options else 4)


async def test_a_view_can_make_fewer_chargeable_calls_than_the_client() -> None:
    """Its own calls count in the client's spend, too, and views of it share its limit."""
    sikoia, transport = _client(201, max_chargeable=3)
    view = sikoia.with_options(max_chargeable=1)

    await _buy(view)
    with pytest.raises(ChargeLimitError, match="max_chargeable=1 is used up"):
        await _buy(view.with_options(timeout=5, max_chargeable=None))
    await _buy(sikoia)

    assert transport.asked == 2
    assert dict(view.spend) == {_REGISTRY: 1}
    assert dict(sikoia.spend) == {_REGISTRY: 2}


@pytest.mark.parametrize("wider", [3, None])
async def test_a_view_cannot_make_more_chargeable_calls_than_the_client(wider: int | None) -> None:
    """A higher limit of a view leaves that of the client as it is."""
    sikoia, transport = _client(201, max_chargeable=1)
    view = sikoia.with_options(max_chargeable=1).with_options(max_chargeable=wider)

    await _buy(view)
    for one in (view, sikoia):
        with pytest.raises(ChargeLimitError):
            await _buy(one)

    assert transport.asked == 1


async def test_a_rejected_call_of_a_view_leaves_both_limits() -> None:
    """It cost nothing."""
    sikoia, _ = _client(400, 201, retries=0, max_chargeable=1)
    view = sikoia.with_options(max_chargeable=1)

    with pytest.raises(CallError):
        await _buy(view)
    await _buy(view)

    assert dict(view.spend) == dict(sikoia.spend) == {_REGISTRY: 1}


async def test_calls_that_wait_are_within_the_limit() -> None:
    """Otherwise more of them than are allowed would be sent later."""
    sikoia, transport = _client(201, quota=Quota(1, per=10), max_chargeable=3, timeout=100)
    refused: list[ChargeLimitError] = []

    async def one() -> None:
        try:
            await _buy(sikoia)
        except ChargeLimitError as error:
            refused.append(error)

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(one)
        await anyio.sleep(0.5)
        assert dict(sikoia.spend) == {_REGISTRY: 1}
        assert len(refused) == 2

    assert transport.asked == 3
    assert dict(sikoia.spend) == {_REGISTRY: 3}


async def test_a_call_that_waits_after_a_429_is_not_counted() -> None:
    """It was refused, and is counted when it is sent again."""
    sikoia, _ = _client(429, 201, retries=2, timeout=100)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_buy, sikoia)
        await anyio.sleep(0.5)
        assert dict(sikoia.spend) == {_REGISTRY: 1}
        await anyio.sleep(3)
        assert dict(sikoia.spend) == {}

    assert dict(sikoia.spend) == {_REGISTRY: 1}


async def test_a_cancelled_call_is_counted_if_it_was_sent() -> None:
    """Before that it cost nothing."""
    sikoia, _ = _client(201)

    with anyio.move_on_after(0.5):
        await _buy(sikoia)
    assert dict(sikoia.spend) == {_REGISTRY: 1}

    with anyio.CancelScope() as scope:
        scope.cancel()
        await _buy(sikoia)
    assert dict(sikoia.spend) == {_REGISTRY: 1}


async def test_a_call_cancelled_in_the_pause_after_a_429_is_not_counted() -> None:
    """It was refused, and is not in progress any more."""
    sikoia, transport = _client(429, retries=2, timeout=100)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_buy, sikoia)
        await anyio.sleep(1.01)
        assert transport.asked == 1
        tasks.cancel_scope.cancel()

    assert dict(sikoia.spend) == {}


async def test_retries_of_chargeable_calls_are_refused() -> None:
    """A view that explicitly asks for them raises an error, and nothing is sent."""
    sikoia, transport = _client(201, retries=2)
    view = sikoia.with_options(retries=5)

    with pytest.raises(ConfigurationError, match="retries: not allowed"):
        await _buy(view)
    with pytest.raises(ConfigurationError, match="retries: not allowed"):
        await _buy(view.with_options(timeout=5))
    assert transport.asked == 0
    assert dict(sikoia.spend) == {}

    await _buy(sikoia)
    await _buy(sikoia.with_options(retries=0))
    await _buy(view.with_options(retries=0))
    await view.company_registry.retrieve("r-1")


async def test_retries_of_chargeable_calls_are_allowed_with_a_key() -> None:
    """The key tells Sikoia that it is the same request."""
    sikoia, transport = _client(httpx.ReadError(""), 201, idempotency_header="Idempotency-Key")

    await _buy(sikoia.with_options(retries=2))

    assert transport.asked == 2


async def test_a_cancellation_notes_what_may_have_been_processed() -> None:
    """The note has the correlation id; a call that waits for the rate limit has none."""
    sikoia, _ = _client(201, quota=Quota(1))
    notes: list[list[str]] = []

    async def buy() -> None:
        try:
            await _buy(sikoia.with_options(correlation_id="request-7"))
        except anyio.get_cancelled_exc_class() as cancelled:
            notes.append(getattr(cancelled, "__notes__", []))
            raise

    for _ in range(2):
        with anyio.move_on_after(0.5):
            await buy()

    told = (
        "POST /v2/company-registry-data was in progress and may have been processed "
        "(correlation id request-7)"
    )
    assert notes == [[told], []]


async def test_a_call_beyond_the_limit_is_not_sent() -> None:
    """Calls in progress are counted, so concurrent calls cannot exceed the limit."""
    sikoia, transport = _client(201, max_chargeable=3)
    refused: list[str] = []

    async def one() -> None:
        try:
            await _buy(sikoia)
        except ChargeLimitError as error:
            refused.append(str(error))

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(one)

    assert (transport.asked, len(refused), sikoia.spend[_REGISTRY]) == (3, 7, 3)
    assert set(refused) == {f"{_REGISTRY} may cost money, and max_chargeable=3 is used up"}
    await sikoia.company_registry.retrieve("r-1")


async def test_a_limit_of_zero_allows_no_chargeable_call() -> None:
    """Other calls still work."""
    sikoia, transport = _client(201, max_chargeable=0)

    with pytest.raises(ChargeLimitError):
        await _buy(sikoia)

    assert transport.asked == 0


@pytest.mark.parametrize("limit", [-1, 1.5, True, "3"], ids=repr)
async def test_the_limit_must_be_a_whole_number(limit: Any) -> None:
    """Any other value is refused by the constructor."""
    with pytest.raises(ConfigurationError, match="max_chargeable: expected a whole number"):
        _client(201, max_chargeable=limit)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_custom_request_may_be_chargeable(method: str) -> None:
    """Then it is counted and sent once, whatever its method."""
    sikoia, transport = _client(500, retries=2)

    with pytest.raises(APIError) as caught:
        await sikoia.request(method, "/v2/new-report", chargeable=True)

    assert caught.value.may_have_been_processed
    assert transport.asked == 1
    assert dict(sikoia.spend) == {f"{method} /v2/new-report": 1}


async def test_a_task_may_be_chargeable() -> None:
    """Starting it is counted; polling it is not."""
    sikoia, _ = _client(201)

    await sikoia.start("POST", "/v2/new-task", into=dict[str, Any], chargeable=True)

    assert dict(sikoia.spend) == {"POST /v2/new-task": 1}


async def test_the_spend_mapping_holds_counted_operations_only() -> None:
    """Other keys raise a KeyError."""
    spend = Spend()
    spend.end(spend.begin("POST /a", lambda: True), counts=False)
    waiting = spend.begin("POST /a", lambda: False)

    assert dict(spend) == {}
    assert len(spend) == 0
    with pytest.raises(KeyError):
        spend["POST /a"]
    spend.end(waiting, counts=True)
    assert dict(spend) == {"POST /a": 1}
