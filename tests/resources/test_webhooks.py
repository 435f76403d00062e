"""Webhooks, their secret and their log, against the local Sikoia."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import pytest
from workbench import UNKNOWN_ID

from sikoia_async import (
    ConfigurationError,
    ConflictError,
    ResourceDeletedError,
    ResourceNotFoundError,
    Sikoia,
)
from sikoia_async.resources.webhooks import Webhook, WebhookEventType
from sikoia_async.sandbox import Sandbox
from sikoia_async.sandbox.resources import webhook_log

pytestmark = pytest.mark.anyio

STATEMENTS: Final = "BankStatementProcessing.Completed"


async def create_webhook(client: Sikoia) -> Webhook:
    """Create a webhook for bank statements."""
    return await client.webhooks.create(
        webhook_name="Statements",
        webhook_callback_url="https://127.0.0.1:1/hook",
        external_ref="R1",
        event_types=[STATEMENTS],
    )


def log_request(sandbox: Sandbox, webhook: Webhook, **fields: Any) -> str:
    """Add a request to the log of a webhook, and return its id."""
    fields = {"event_type": STATEMENTS, "event_data": {"ok": True}} | fields
    request = webhook_log.record(sandbox.state, webhook.webhook_id, **fields)
    return str(request["request_id"])


async def test_a_webhook_is_created_and_retrieved(sikoia: Sikoia) -> None:
    """The fields that were sent are returned, alone and in the list."""
    async with sikoia as client:
        created = await create_webhook(client)
        retrieved = await client.webhooks.retrieve(created.webhook_id)
        listed = await client.webhooks.list()

    assert (created.webhook_name, created.external_ref) == ("Statements", "R1")
    assert created.webhook_callback_url == "https://127.0.0.1:1/hook"
    assert created.event_types == (STATEMENTS,)
    assert isinstance(created.datetime_created, datetime)
    assert created.datetime_updated == created.datetime_created
    assert created.response.status == 201
    assert retrieved == created
    assert created in listed


async def test_a_webhook_is_updated(sikoia: Sikoia) -> None:
    """Fields left out stay, `""` clears the reference, and event types are replaced."""
    async with sikoia as client:
        webhook = await create_webhook(client)
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


async def test_a_deleted_webhook_cannot_be_retrieved(sikoia: Sikoia) -> None:
    """The error says that the webhook was deleted."""
    async with sikoia as client:
        webhook = await create_webhook(client)
        await client.webhooks.delete(webhook.webhook_id)
        with pytest.raises(ResourceDeletedError):
            await client.webhooks.retrieve(webhook.webhook_id)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"webhook_name": ""}, "webhook_name: expected a string of 1 to 50 characters"),
        ({"webhook_name": "n" * 51}, "webhook_name: expected a string of 1 to 50 characters"),
        ({"webhook_callback_url": "http://receiver.example"}, "starts with https://"),
        ({"webhook_callback_url": "receiver.example/hook"}, "starts with https://"),
        ({"webhook_callback_url": f"https://receiver.example/{'p' * 2048}"}, "1 to 2,048"),
    ],
    ids=["no name", "a long name", "http", "not absolute", "a long URL"],
)
async def test_invalid_names_and_urls_are_not_sent(
    sandbox: Sandbox, sikoia: Sikoia, arguments: dict[str, Any], problem: str
) -> None:
    """They are refused in `create` and in `update`."""
    valid: dict[str, Any] = {
        "webhook_name": "Statements",
        "webhook_callback_url": "https://127.0.0.1:1/hook",
        "event_types": [STATEMENTS],
    }
    before = len(sandbox.state.store("webhooks"))
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match=problem):
            await client.webhooks.create(**valid | arguments)
        with pytest.raises(ConfigurationError, match=problem):
            await client.webhooks.update(UNKNOWN_ID, **arguments)

    assert len(sandbox.state.store("webhooks")) == before


async def test_names_and_urls_of_maximum_length_are_sent(sikoia: Sikoia) -> None:
    """The limits are inclusive."""
    url = "https://127.0.0.1:1/".ljust(2048, "p")
    async with sikoia as client:
        webhook = await client.webhooks.create(
            webhook_name="n" * 50, webhook_callback_url=url, event_types=[STATEMENTS]
        )

    assert (webhook.webhook_name, webhook.webhook_callback_url) == ("n" * 50, url)


async def test_an_update_without_fields_is_refused(sikoia: Sikoia) -> None:
    """Nothing is sent, and the error names the possible arguments."""
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match="nothing to send: expected at least one of"):
            await client.webhooks.update(UNKNOWN_ID)


async def test_an_unknown_event_type_is_refused(sikoia: Sikoia) -> None:
    """Nothing is sent, and the error names the known ones."""
    unknown: Any = ["Weather.Changed"]
    async with sikoia as client:
        webhook = await create_webhook(client)
        with pytest.raises(ConfigurationError, match=r"^event_types: expected one of Document"):
            await client.webhooks.create(
                webhook_name="New", webhook_callback_url="https://127.0.0.1:1", event_types=unknown
            )
        with pytest.raises(ConfigurationError, match=r"^event_types: expected one of Document"):
            await client.webhooks.update(webhook, event_types=unknown)


async def test_the_event_types_of_a_webhook_can_be_sent_back(sikoia: Sikoia) -> None:
    """They type-check, although Sikoia may add some that the SDK does not know."""
    async with sikoia as client:
        webhook = await create_webhook(client)
        changed = await client.webhooks.update(webhook, event_types=webhook.event_types)

    assert changed.event_types == (STATEMENTS,)


async def test_event_types_are_a_tree(sikoia: Sikoia) -> None:
    """Groups have event types, which have narrower ones, at any depth."""
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


async def test_a_request_has_its_attempts(sandbox: Sandbox, sikoia: Sikoia) -> None:
    """The data sent, the status, and each attempt with the receiver's status code."""
    async with sikoia as client:
        webhook = await create_webhook(client)
        data = {"amount": 1.5, "parts": [None]}
        log_request(sandbox, webhook, event_data=data, grouping_id="g-1", codes=(503, 200))
        (request,) = [one async for one in client.webhooks.log(webhook.webhook_id)]
        drift = dict(client.drift)

    assert (request.grouping_id, request.event_type) == ("g-1", STATEMENTS)
    assert request.webhook_callback_url == webhook.webhook_callback_url
    assert request.event_data == {"amount": Decimal("1.5"), "parts": [None]}
    assert request.webhook_event_status == request.event_status == "Complete"
    assert isinstance(request.datetime_created, datetime)
    assert request.request_attempts
    assert [one.http_response_code for one in request.request_attempts] == [503, 200]
    assert drift == {}


async def test_reprs_mask_the_data_of_events(sandbox: Sandbox, sikoia: Sikoia) -> None:
    """The repr of a request, alone or on a page, shows no personal data."""
    async with sikoia as client:
        webhook = await create_webhook(client)
        log_request(sandbox, webhook, event_data={"name": "Wilma Example"})
        (page,) = [one async for one in client.webhooks.log(webhook.webhook_id).pages()]

    assert "event_data=***" in repr(page)
    assert "Wilma" not in repr(page)


async def test_the_whole_log_is_read(sandbox: Sandbox, sikoia: Sikoia) -> None:
    """All pages are read, newest request first, and can be read page by page."""
    async with sikoia as client:
        webhook = await create_webhook(client)
        logged = [log_request(sandbox, webhook) for _ in range(60)]
        requests = client.webhooks.log(webhook.webhook_id)
        read = [request.request_id async for request in requests]
        pages = [page async for page in requests.pages()]

    assert read == logged[::-1]
    assert [len(page.webhook_requests or ()) for page in pages] == [25, 25, 10]
    assert pages[0].pagination_meta_data is not None
    assert pages[0].pagination_meta_data.page_size == 25


async def test_requests_since_another_are_read_backward(sandbox: Sandbox, sikoia: Sikoia) -> None:
    """`Backward` goes from a known request to the newest, page by page."""
    async with sikoia as client:
        webhook = await create_webhook(client)
        seen, *since = [log_request(sandbox, webhook) for _ in range(41)]
        pages = client.webhooks.log(
            webhook.webhook_id, after_request_id=seen, pagination_direction="Backward"
        ).pages()
        read = [[one.request_id for one in page.webhook_requests or ()] async for page in pages]

    assert read == [since[:25][::-1], since[25:][::-1]]


async def test_the_log_is_filtered(sandbox: Sandbox, sikoia: Sikoia) -> None:
    """A status filters all pages, and `after_request_id` starts after a request."""
    async with sikoia as client:
        webhook = await create_webhook(client)
        statuses = ["Failed", "Complete"] * 30
        logged = [log_request(sandbox, webhook, status=status) for status in statuses]
        failed = client.webhooks.log(webhook.webhook_id, event_status="Failed")
        older = client.webhooks.log(webhook.webhook_id, after_request_id=logged[2])

        assert [one.request_id async for one in failed] == logged[::2][::-1]
        assert [one.request_id async for one in older] == [logged[1], logged[0]]


async def test_the_log_of_an_unknown_webhook(sikoia: Sikoia) -> None:
    """An invalid id is refused at once; an unknown one when the log is read."""
    async with sikoia as client:
        with pytest.raises(ConfigurationError, match="webhook: not a valid id"):
            client.webhooks.log("..")
        with pytest.raises(ResourceNotFoundError):
            await anext(client.webhooks.log(UNKNOWN_ID).pages())


async def test_a_secret_is_created_rotated_and_deleted(sikoia: Sikoia) -> None:
    """There is at most one; only rotation changes its key, and its repr masks it."""
    async with sikoia as client:
        created = await client.webhooks.create_secret()
        with pytest.raises(ConflictError, match="Cannot create multiple webhook secrets"):
            await client.webhooks.create_secret()
        retrieved = await client.webhooks.retrieve_secret()
        rotated = await client.webhooks.rotate_secret()
        await client.webhooks.delete_secret()

    assert retrieved == created
    assert created.response.status == 201
    assert rotated.shared_key != created.shared_key
    assert rotated.date_created == created.date_created
    assert rotated.date_updated
    assert created.date_updated
    assert rotated.date_updated >= created.date_updated
    assert created.shared_key not in repr(created)


@pytest.mark.parametrize("method", ["retrieve_secret", "rotate_secret", "delete_secret"])
async def test_a_missing_secret_is_not_found(sikoia: Sikoia, method: str) -> None:
    """Every method that needs a secret raises the same error."""
    async with sikoia as client:
        call: Any = getattr(client.webhooks, method)
        with pytest.raises(ResourceNotFoundError):
            await call()
