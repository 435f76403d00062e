"""Idempotency keys: created once per call, bound to one request, and reported."""

from typing import Any, Final

import httpx
import pytest
from faults import client, refuse

from sikoia_async import (
    ConfigurationError,
    ConflictError,
    ConnectionFailedError,
    ResourceNotFoundError,
    Sikoia,
)
from sikoia_async._calls.idempotency import Keys

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_HEADER: Final = "Idempotency-Key"
_CASE: Final = {"case_id": "c-1", "name": "Loan", "case_type": "Business", "stage": "New"}


class _Answers(httpx.AsyncBaseTransport):
    """Responds in turn, and records each key."""

    def __init__(self, *answers: int | Exception) -> None:
        self._answers = list(answers)
        self.keys: list[str | None] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers.get(_HEADER))
        given = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(given, httpx.ConnectError):
            refuse(request, given)
        await request.aread()
        if isinstance(given, Exception):
            raise given
        return httpx.Response(given, json=_CASE)


_LOST: Final = httpx.ReadError("")


def _client(transport: _Answers, **options: Any) -> Sikoia:
    options = {"idempotency_header": _HEADER, "retries": 2} | options
    return client("https://127.0.0.1:1", transport=transport, **options)


async def test_no_key_is_sent_without_a_header_for_it() -> None:
    """The vendor publishes none."""
    transport = _Answers(201)
    sikoia = _client(transport, idempotency_header=None)

    case = await sikoia.cases.create(name="Loan", case_type="Business")

    assert transport.keys == [None]
    assert case.response.idempotency_key is None


async def test_each_unsafe_call_has_its_own_key() -> None:
    """The response has it; a safe call has none."""
    transport = _Answers(201)
    sikoia = _client(transport)

    one = await sikoia.cases.create(name="Loan", case_type="Business")
    two = await sikoia.cases.create(name="Loan", case_type="Business")
    await sikoia.cases.retrieve("c-1")

    assert transport.keys == [one.response.idempotency_key, two.response.idempotency_key, None]
    assert len(set(transport.keys)) == 3


async def test_a_key_makes_a_lost_attempt_retryable() -> None:
    """All attempts and the error have the same key."""
    transport = _Answers(_LOST)

    with pytest.raises(ConnectionFailedError) as caught:
        await _client(transport).cases.create(name="Loan", case_type="Business")

    assert len(transport.keys) == 3
    assert set(transport.keys) == {caught.value.idempotency_key}


async def test_a_conflict_after_a_lost_attempt_says_that_it_succeeded() -> None:
    """The earlier attempt, whose response was lost, has used the key."""
    with pytest.raises(ConflictError) as caught:
        await _client(_Answers(_LOST, 409)).cases.create(name="Loan", case_type="Business")

    assert caught.value.first_attempt_went_through
    assert caught.value.__notes__ == [
        "an earlier attempt of this call succeeded: retrieve what it created"
    ]


@pytest.mark.parametrize(
    "answers", [(409,), (httpx.ConnectError(""), 409)], ids=["first", "unsent"]
)
async def test_any_other_conflict_is_a_conflict(answers: tuple[int | Exception, ...]) -> None:
    """It has another cause, and is not retried."""
    transport = _Answers(*answers)

    with pytest.raises(ConflictError) as caught:
        await _client(transport).cases.create(name="Loan", case_type="Business")

    assert not caught.value.first_attempt_went_through
    assert len(transport.keys) == len(answers)


async def test_the_caller_can_choose_the_key() -> None:
    """The same call can then be repeated, for example after a restart."""
    transport = _Answers(201)
    sikoia = _client(transport)
    view = sikoia.with_options(idempotency_key="loan-4711")

    for one in (view, view.with_options(timeout=5)):
        await one.cases.create(name="Loan", case_type="Business")

    assert transport.keys == ["loan-4711", "loan-4711"]


async def test_a_key_is_for_one_request() -> None:
    """With another body or path, or with a file, it is refused, and nothing is sent."""
    transport = _Answers(201)
    sikoia = _client(transport)
    view = sikoia.with_options(idempotency_key="loan-4711")
    await view.cases.create(name="Loan", case_type="Business")

    with pytest.raises(ConfigurationError, match="used for another request"):
        await view.cases.create(name="Other", case_type="Business")
    with pytest.raises(ConfigurationError, match="used for another request"):
        await view.cases.remove_entities("c-1", persons=["p-1"])
    assert len(transport.keys) == 1


@pytest.mark.parametrize("key", ["", "a b", "a\n", "\u00fc", "a" * 256])
async def test_a_key_that_cannot_be_sent_is_refused(key: str) -> None:
    """The option is validated at once, and the error does not repeat it."""
    with pytest.raises(ConfigurationError, match="idempotency_key: expected 1 to 255 visible"):
        _client(_Answers(201)).with_options(idempotency_key=key)


async def test_a_key_without_a_header_is_refused() -> None:
    """It would never be sent."""
    sikoia = _client(_Answers(201), idempotency_header=None)

    with pytest.raises(ConfigurationError, match="requires a client with idempotency_header"):
        sikoia.with_options(idempotency_key="a")


@pytest.mark.parametrize(
    "name", ["Authorization", "host", "X-Correlation-Id", "a b", "a:", "\u00fc"]
)
async def test_a_header_with_another_meaning_is_refused(name: str) -> None:
    """A key must not replace the token."""
    with pytest.raises(ConfigurationError, match="idempotency_header: expected the header name"):
        _client(_Answers(201), idempotency_header=name)


async def test_a_bounded_number_of_keys_is_remembered() -> None:
    """The oldest key is forgotten, and can then be used for another request."""
    keys = Keys(_HEADER)

    for number in range(10_001):
        keys.choose(str(number), "POST /v2/cases", [b"a"])

    assert keys.choose("0", "POST /v2/cases", [b"b"]) == "0"
    with pytest.raises(ConfigurationError):
        keys.choose("10000", "POST /v2/cases", [b"b"])


async def test_a_safe_call_does_not_use_up_the_key() -> None:
    """A view with a key can make safe calls; they do not send it."""
    transport = _Answers(404)

    with pytest.raises(ResourceNotFoundError):
        await _client(transport).with_options(idempotency_key="a").cases.retrieve("c-1")

    assert transport.keys == [None]
