"""The correlation hooks, each by itself, and the ids that they send."""

from uuid import RFC_4122, UUID, uuid4

import anyio
import httpx
import pytest
from faults import request_to

from sikoia_async import ConfigurationError, correlation_id, current_correlation_id
from sikoia_async._hooks import correlation
from sikoia_async._transport.headers import fields_of
from sikoia_async._transport.types import state_of

pytestmark = pytest.mark.anyio


_URL = "https://api.example/v2/cases"


async def test_the_id_of_the_call_is_sent() -> None:
    """All attempts of a call carry the same id, so the call chooses it."""
    request = request_to(_URL, correlation_id="order-7")

    await correlation.send(request)

    assert request.headers["X-Correlation-Id"] == "order-7"


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ({"x-correlation-id": "theirs"}, "theirs"),
        ({}, None),
        ({"X-Correlation-Id": ""}, None),
        ({"X-Correlation-Id": "a b"}, None),
        ({"X-Correlation-Id": "x" * 129}, None),
    ],
    ids=["an id", "none", "empty", "space", "long"],
)
async def test_the_id_of_the_response_is_kept(headers: dict[str, str], kept: str | None) -> None:
    """An invalid id is ignored: it would end up in logs."""
    request = request_to(_URL)
    response = httpx.Response(200, headers=headers, request=request)
    state_of(request).fields = fields_of(response.headers)  # the connection pool does so

    await correlation.receive(response)

    assert state_of(request).received_id == kept


async def test_a_block_and_its_tasks_share_one_id() -> None:
    """The id of a web request reaches the calls made for it, and no others."""
    seen: list[str] = []

    async def task() -> None:
        seen.append(correlation.current())

    with correlation_id("outer"):
        with correlation_id("inner") as value:
            assert value == correlation.current() == "inner"
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(task)

    assert seen == ["outer"]
    assert correlation.current() != "outer"


def test_an_id_may_be_a_uuid() -> None:
    """It is sent as a string."""
    uuid = uuid4()

    with correlation_id(uuid) as used:
        assert used == correlation.current() == str(uuid)
    with correlation_id(uuid, or_new=True) as used:
        assert used == str(uuid)
    assert correlation.validate_correlation_id(uuid) == str(uuid)


def test_outside_of_blocks_each_call_has_its_own_id() -> None:
    """By default, ids are random UUIDs."""
    one, another = correlation.current(), correlation.current()

    assert UUID(one) != UUID(another)


@pytest.mark.parametrize("value", ["", "a b", "a\r\nX: 1", "naïve", "x" * 129, "a/b"])
def test_an_invalid_id_is_refused(value: str) -> None:
    """An id is sent in a header, so it is validated first; the scope stays unchanged."""
    with pytest.raises(ConfigurationError, match="1 to 128 letters"), correlation_id(value):
        pass
    new = UUID(correlation.current())
    assert (new.version, new.variant) == (4, RFC_4122)


@pytest.mark.parametrize("value", [None, "", "a b", "naïve", "x" * 129, b"id"])
def test_an_invalid_id_can_be_replaced_by_a_new_one(value: str | None) -> None:
    """An untrusted web request without a valid id gets a new one; a valid id is kept."""
    with correlation_id(value, or_new=True) as used:
        assert used == correlation.current() == str(UUID(used))
    with correlation_id("good", or_new=True) as used:
        assert used == "good"


@pytest.mark.parametrize("value", [None, b"id"])
def test_an_id_must_be_a_string(value: str | None) -> None:
    """Unless a new one may be used instead."""
    with pytest.raises(ConfigurationError, match="1 to 128 letters"), correlation_id(value):
        pass


def test_the_current_id_can_be_read() -> None:
    """For log records of the application; outside of blocks there is none."""
    assert current_correlation_id() is None
    with correlation_id("outer"):
        with correlation_id(None, or_new=True) as inner:
            assert current_correlation_id() == inner
        assert current_correlation_id() == "outer"
    assert current_correlation_id() is None
