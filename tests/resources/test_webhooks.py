"""Webhooks, their secret and their log, against the local Sikoia."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from sikoia_async import (
    ConfigurationError,
    ConflictError,
    InvalidRequestError,
    ResourceDeletedError,
    ResourceNotFoundError,
    Sikoia,
)
from sikoia_async.resources.webhooks import Webhook, WebhookEventType
from sikoia_async.sandbox import Sandbox
from sikoia_async.sandbox.resources import webhook_log

pytestmark = pytest.mark.anyio

UNKNOWN = "00000000-0000-4000-8000-000000000000"
STATEMENTS = "BankStatementProcessing.Completed"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Run a sandbox for all of these tests."""
    with Sandbox(limit=10_000) as running:
        yield running


async def _create(client: Sikoia) -> Webhook:
    return await client.webhooks.create(
        webhook_name="Statements",
        webhook_callback_url="https://127.0.0.1:1/hook",
        external_ref="R1",
        event_types=[STATEMENTS],
    )


def _record(sandbox: Sandbox, webhook: Webhook, **given: Any) -> str:
    given = {"event_type": STATEMENTS, "event_data": {"ok": True}} | given
    written = webhook_log.record(sandbox.state, webhook.webhook_id, **given)
    return str(written["request_id"])


async def test_a_webhook_is_created_and_read(sikoia: Sikoia) -> None:
    """What is sent comes back, alone and in the list."""
    async with sikoia as client:
        created = await _create(client)
        read = await client.webhooks.retrieve(created.webhook_id)
        listed = await client.webhooks.list()

    assert (created.webhook_name, created.external_ref) == ("Statements", "R1")
    assert created.webhook_callback_url == "https://127.0.0.1:1/hook"
    assert created.event_types == (STATEMENTS,)
    assert isinstance(created.datetime_created, datetime)
    assert created.datetime_updated == created.datetime_created
    assert created.response.status == 201
    assert read == created
    assert created in listed


async def test_a_webhook_is_changed(sikoia: Sikoia) -> None:
    """What is left out stays, `""` clears the reference, and events replace events."""
    async with sikoia as client:
        webhook = await _create(client)
        changed = await client.webhooks.update(
            webhook.webhook_id,
            webhook_name="All",
            external_ref="",
            event_types=["BankingProcessing.Completed", "IdentityVerification.Expired"],
        )
        moved = await client.webhooks.update(
            webhook.webhook_id, webhook_callback_url="https://127.0.0.1:1/other"
        )

    assert (changed.webhook_name, changed.external_ref) == ("All", None)
    assert changed.webhook_callback_url == "https://127.0.0.1:1/hook"
    assert changed.event_types == ("BankingProcessing.Completed", "IdentityVerification.Expired")
    assert moved.webhook_callback_url == "https://127.0.0.1:1/other"


async def test_a_deleted_webhook_is_gone(sikoia: Sikoia) -> None:
    """After deleting, the error says that the webhook was there once."""
    async with sikoia as client:
        webhook = await _create(client)
        await client.webhooks.delete(webhook.webhook_id)
        with pytest.raises(ResourceDeletedError):
            await client.webhooks.retrieve(webhook.webhook_id)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"webhook_name": ""}, "webhook_name: expected a string of 1 to 50 characters"),
        ({"webhook_name": "n" * 51}, "webhook_name: expected a string of 1 to 50 characters"),
        ({"webhook_callback_url": "http://receiver.example"}, "starts with https://"),
        ({"webhook_callback_url": "receiver.example/hook"}, "starts with https://"),
        ({"webhook_callback_url": f"https://receiver.example/{'p' * 2048}"}, "1 to 2,048"),
    ],
    ids=["no name", "a long name", "http", "not absolute", "a long address"],
)
async def test_what_cannot_be_right_is_not_sent(
    sandbox: Sandbox, sikoia: Sikoia, given: dict[str, Any], problem: str
) -> None:
    """Name and address are checked here, when creating and when changing."""
    good: dict[str, Any] = {
        "webhook_name": "Statements",
        "webhook_callback_url": "https://127.0.0.1:1/hook",
        "event_types": [STATEMENTS],
    }
    before = len(sandbox.state.store("webhooks"))
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match=problem):
            await client.webhooks.create(**good | given)
        with pytest.raises(ConfigurationError, match=problem):
            await client.webhooks.update(UNKNOWN, **given)

    assert len(sandbox.state.store("webhooks")) == before


async def test_the_longest_are_sent(sikoia: Sikoia) -> None:
    """The limits themselves are within them."""
    address = "https://127.0.0.1:1/".ljust(2048, "p")
    async with sikoia as client:
        webhook = await client.webhooks.create(
            webhook_name="n" * 50, webhook_callback_url=address, event_types=[STATEMENTS]
        )

    assert (webhook.webhook_name, webhook.webhook_callback_url) == ("n" * 50, address)


async def test_nothing_to_change_says_so(sikoia: Sikoia) -> None:
    """A change without a field is refused before it is sent, naming what could be given."""
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match="nothing to send: give at least one of"):
            await client.webhooks.update(UNKNOWN)


async def test_an_event_that_sikoia_does_not_know_is_named(sikoia: Sikoia) -> None:
    """The list of events grows, so any name is sent; who is wrong hears it from Sikoia."""
    async with sikoia as client:
        with pytest.raises(InvalidRequestError, match="event_types"):
            await client.webhooks.create(
                webhook_name="New",
                webhook_callback_url="https://127.0.0.1:1",
                event_types=["Weather.Changed"],
            )


async def test_kinds_of_events_are_a_tree(sikoia: Sikoia) -> None:
    """Groups have kinds, and kinds have finer kinds, as deep as it goes."""
    async with sikoia as client:
        groups = await client.webhooks.event_types()
        drift = dict(client.drift)

    tree = {group.event_group_name: group.event_types for group in groups}
    assert list(tree) == ["Document Lifecycle", "Banking", "Identity Verification", "Insights"]
    assert tree["Banking"] == (
        WebhookEventType(
            event_name="BankingProcessing.Completed",
            event_types=(
                WebhookEventType(event_name=STATEMENTS, event_types=()),
                WebhookEventType(event_name="OpenBankingProcessing.Completed", event_types=()),
            ),
        ),
    )
    assert drift == {}


async def test_a_request_tells_its_attempts(sandbox: Sandbox, sikoia: Sikoia) -> None:
    """What was sent, how it went, and each attempt with what the receiver answered."""
    async with sikoia as client:
        webhook = await _create(client)
        data = {"amount": 1.5, "parts": [None]}
        _record(sandbox, webhook, event_data=data, grouping_id="g-1", codes=(503, 200))
        (request,) = [one async for one in client.webhooks.requests(webhook.webhook_id)]
        drift = dict(client.drift)

    assert (request.grouping_id, request.event_type) == ("g-1", STATEMENTS)
    assert request.webhook_callback_url == webhook.webhook_callback_url
    assert request.event_data == {"amount": Decimal("1.5"), "parts": [None]}
    assert request.webhook_event_status == "Complete"
    assert isinstance(request.datetime_created, datetime)
    assert request.request_attempts
    assert [one.http_response_code for one in request.request_attempts] == [503, 200]
    assert drift == {}


async def test_the_data_of_an_event_is_not_shown(sandbox: Sandbox, sikoia: Sikoia) -> None:
    """The repr of a request, and of a page of them, shows no personal data."""
    async with sikoia as client:
        webhook = await _create(client)
        _record(sandbox, webhook, event_data={"name": "Wilma Example"})
        (page,) = [one async for one in client.webhooks.requests(webhook.webhook_id).pages()]

    assert "event_data=***" in repr(page)
    assert "Wilma" not in repr(page)


async def test_the_whole_log_is_read(sandbox: Sandbox, sikoia: Sikoia) -> None:
    """All pages, the newest request first; page by page, each has the newest first, too."""
    async with sikoia as client:
        webhook = await _create(client)
        written = [_record(sandbox, webhook) for _ in range(60)]
        requests = client.webhooks.requests(webhook.webhook_id)
        read = [request.request_id async for request in requests]
        pages = [page async for page in requests.pages()]

    assert read == written[::-1]
    assert [len(page.webhook_requests or ()) for page in pages] == [25, 25, 10]
    assert pages[0].pagination_meta_data is not None
    assert pages[0].pagination_meta_data.page_size == 25


async def test_what_came_since_is_read_backward(sandbox: Sandbox, sikoia: Sikoia) -> None:
    """From a request that was seen to the newest: page after page of newer ones."""
    async with sikoia as client:
        webhook = await _create(client)
        seen, *since = [_record(sandbox, webhook) for _ in range(41)]
        pages = client.webhooks.requests(
            webhook.webhook_id, after_request_id=seen, pagination_direction="Backward"
        ).pages()
        read = [[one.request_id for one in page.webhook_requests or ()] async for page in pages]

    assert read == [since[:25][::-1], since[25:][::-1]]


async def test_the_log_is_filtered(sandbox: Sandbox, sikoia: Sikoia) -> None:
    """A status filters all pages, and `after_request_id` begins beyond a request."""
    async with sikoia as client:
        webhook = await _create(client)
        statuses = ["Failed", "Complete"] * 30
        written = [_record(sandbox, webhook, status=status) for status in statuses]
        failed = client.webhooks.requests(webhook.webhook_id, event_status="Failed")
        older = client.webhooks.requests(webhook.webhook_id, after_request_id=written[2])

        assert [one.request_id async for one in failed] == written[::2][::-1]
        assert [one.request_id async for one in older] == [written[1], written[0]]


async def test_the_log_of_no_webhook(sikoia: Sikoia) -> None:
    """An id that is none is refused at once; one that is not known, when the log is read."""
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match="webhook_id: not a valid id"):
            client.webhooks.requests("..")
        with pytest.raises(ResourceNotFoundError):
            await anext(client.webhooks.requests(UNKNOWN).pages())


async def test_a_secret_is_made_changed_and_deleted(sikoia: Sikoia) -> None:
    """There is one or none; its key changes by rotation alone, and its repr does not show it."""
    async with sikoia as client:
        created = await client.webhooks.create_secret()
        with pytest.raises(ConflictError, match="Cannot create multiple webhook secrets"):
            await client.webhooks.create_secret()
        read = await client.webhooks.secret()
        rotated = await client.webhooks.rotate_secret()
        await client.webhooks.delete_secret()

    assert read == created
    assert created.response.status == 201
    assert rotated.shared_key != created.shared_key
    assert rotated.date_created == created.date_created
    assert rotated.date_updated
    assert created.date_updated
    assert rotated.date_updated >= created.date_updated
    assert created.shared_key not in repr(created)


@pytest.mark.parametrize("method", ["secret", "rotate_secret", "delete_secret"])
async def test_without_a_secret_there_is_none(sikoia: Sikoia, method: str) -> None:
    """Each method that needs one says so."""
    async with sikoia as client:
        call: Callable[[], Awaitable[object]] = getattr(client.webhooks, method)
        with pytest.raises(ResourceNotFoundError):
            await call()
