"""The hooks of correlation, each alone, and the ids that they send."""

from uuid import UUID

import anyio
import httpx
import pytest

from sikoia_async import ConfigurationError, correlation_id
from sikoia_async._hooks import correlation

pytestmark = pytest.mark.anyio


def _request(**extensions: str) -> httpx.Request:
    return httpx.Request("GET", "https://api.example/v2/cases", extensions=extensions)


async def test_the_id_of_the_call_goes_out() -> None:
    """Each attempt of a call carries the same id, so the call chooses it and not the hook."""
    request = _request(correlation_id="order-7")

    await correlation.send(request)

    assert request.headers["X-Correlation-Id"] == "order-7"


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ({"x-correlation-id": "theirs"}, {"received_id": "theirs"}),
        ({}, {}),
        ({"X-Correlation-Id": ""}, {}),
        ({"X-Correlation-Id": "a b"}, {}),
        ({"X-Correlation-Id": "x" * 129}, {}),
    ],
    ids=["an id", "none", "empty", "space", "long"],
)
async def test_the_id_that_comes_back_is_kept(
    headers: dict[str, str], kept: dict[str, str]
) -> None:
    """What is no id is left where it is: it would end up in logs."""
    request = _request()

    await correlation.received(httpx.Response(200, headers=headers, request=request))

    assert request.extensions == kept


async def test_a_block_has_one_id_and_its_tasks_have_it_too() -> None:
    """A web request's id reaches the calls that are made for it, and no others."""
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


def test_outside_of_blocks_each_call_has_an_id_of_its_own() -> None:
    """Without anything given, ids are random UUIDs."""
    one, another = correlation.current(), correlation.current()

    assert UUID(one) != UUID(another)


@pytest.mark.parametrize("value", ["", "a b", "a\r\nX: 1", "naïve", "x" * 129, "a/b"])
def test_what_is_no_id_is_refused(value: str) -> None:
    """An id goes into a header, so it is checked when it is given; and the scope is unchanged."""
    with pytest.raises(ConfigurationError, match="1 to 128 letters"), correlation_id(value):
        pass
    assert str(UUID(correlation.current()))


@pytest.mark.parametrize("value", [None, "", "a b", "naïve", "x" * 129, b"id"])
def test_what_a_stranger_sent_may_be_left_out(value: str | None) -> None:
    """A web request without an id, or with a bad one, gets a new one; a good one is kept."""
    with correlation_id(value, or_new=True) as used:
        assert used == correlation.current() == str(UUID(used))
    with correlation_id("good", or_new=True) as used:
        assert used == "good"


@pytest.mark.parametrize("value", [None, b"id"])
def test_no_text_is_no_id(value: str | None) -> None:
    """Unless another one may be taken."""
    with pytest.raises(ConfigurationError, match="1 to 128 letters"), correlation_id(value):
        pass
