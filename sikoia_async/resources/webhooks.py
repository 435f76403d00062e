"""Webhooks, the secret that signs their deliveries, and the log of deliveries.

Sources: https://docs.sikoia.com/docs/webhooks, and the operation named in each method.
"""

import builtins
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import attrs

from sikoia_async._calls.pagination import Pages
from sikoia_async._errors import UnexpectedResponseError
from sikoia_async._validation import (
    is_on_loopback,
    plain_string,
    validate_https,
    validate_id_or_none,
    validate_known,
    validate_list,
    validate_required,
    validate_string,
    validate_strings,
    validate_type,
)
from sikoia_async.models import PERSONAL, Items, Model, Open
from sikoia_async.operations.statuses import has_ended
from sikoia_async.resources._resource import Resource
from sikoia_async.resources._subjects import Subject
from sikoia_async.webhooks.events import WebhookEventName, from_request
from sikoia_async.webhooks.replay import ReplayGuard

__all__ = [
    "PaginationDirection",
    "PaginationMetaData",
    "Webhook",
    "WebhookAttempt",
    "WebhookEventGroup",
    "WebhookEventName",
    "WebhookEventStatus",
    "WebhookEventType",
    "WebhookRequest",
    "WebhookRequestsPage",
    "WebhookSecret",
    "Webhooks",
]

WebhookEventStatus = Literal["NotRequested", "Pending", "Complete", "Failed"]
"""The status of a delivery: `NotRequested`, `Pending`, `Complete` or `Failed`."""
PaginationDirection = Literal["Forward", "Backward"]
"""`Forward` goes on to older requests, `Backward` to newer ones."""


@attrs.frozen(kw_only=True)
class Webhook(Model):
    """A URL of yours that Sikoia posts events to."""

    webhook_id: str
    webhook_name: str | None = None
    webhook_callback_url: str | None = attrs.field(default=None, **PERSONAL)
    """Personal data, because anyone who knows the URL can post to it."""
    external_ref: str | None = None
    """Your own id for the webhook."""
    event_types: tuple[Open[WebhookEventName], ...] | None = None
    datetime_created: datetime | None = None
    datetime_updated: datetime | None = None


@attrs.frozen(kw_only=True)
class WebhookEventType(Model):
    """A type of event, with the narrower types that it includes."""

    event_name: Open[WebhookEventName] | None = None
    event_types: "tuple[WebhookEventType, ...] | None" = None
    """Narrower types. If you subscribe to this type and to a narrower one, you get a request for
    each."""


@attrs.frozen(kw_only=True)
class WebhookEventGroup(Model):
    """A group of event types."""

    event_group_name: str | None = None
    event_types: tuple[WebhookEventType, ...] | None = None


@attrs.frozen(kw_only=True)
class WebhookAttempt(Model):
    """An attempt to deliver a request."""

    attempt_id: str | None = None
    datetime_created: datetime | None = None
    http_response_code: int | None = None
    """The HTTP status that your server returned."""


@attrs.frozen(kw_only=True)
class WebhookRequest(Model):
    """The delivery of one event to a webhook, done or pending."""

    request_id: str
    grouping_id: str | None = None
    """Shared by all requests for the same occurrence."""
    event_type: Open[WebhookEventName] | None = None
    webhook_callback_url: str | None = attrs.field(default=None, **PERSONAL)
    datetime_created: datetime | None = None
    """When your server accepted it; None until then."""
    event_data: Any = attrs.field(default=None, **PERSONAL)
    """The body as decoded JSON, with fractions as `Decimal`. Sikoia does not document its
    fields."""
    webhook_event_status: Open[WebhookEventStatus] | None = None
    request_attempts: tuple[WebhookAttempt, ...] | None = None

    @property
    def event_status(self) -> Open[WebhookEventStatus] | None:
        """The `webhook_event_status`, by the name of the filter of `log`."""
        return self.webhook_event_status


@attrs.frozen(kw_only=True)
class PaginationMetaData(Model):
    """Links from a page to the next and previous ones."""

    next_page_url: str | None = None
    """The page of older requests; None on the last page."""
    previous_page_url: str | None = None
    """The page of newer requests; None on the first page."""
    page_size: int | None = None
    """The maximum number of requests on a page."""
    page_count: int | None = None
    """The number of requests on this page, not the number of pages."""


@attrs.frozen(kw_only=True)
class WebhookRequestsPage(Model):
    """A page of a webhook's requests, newest first."""

    pagination_meta_data: PaginationMetaData | None = None
    webhook_requests: tuple[WebhookRequest, ...] | None = None


@attrs.frozen(kw_only=True)
class WebhookSecret(Model):
    """The secret that signs the requests to all webhooks of your organisation."""

    shared_key: str = attrs.field(**PERSONAL)
    """The key, whose UTF-8 bytes are used for signing. Keep it like a password."""
    date_created: datetime | None = None
    date_updated: datetime | None = None
    """Requests sent after this time are signed with this key."""


class Webhooks(Resource):
    """Webhooks, their secret and the log of deliveries, as `sikoia.webhooks`."""

    async def create(
        self,
        *,
        webhook_name: str,
        webhook_callback_url: str,
        external_ref: str | None = None,
        event_types: Sequence[WebhookEventName],
    ) -> Webhook:
        """Subscribe a URL of yours to events (`POST /v2/webhooks`).

            webhook = await sikoia.webhooks.create(
                webhook_name="Lending",
                webhook_callback_url="https://lender.example/webhooks",
                event_types=["IdentityVerification.Completed"],
            )

        Args:
            webhook_name: 1 to 50 characters; need not be unique.
            webhook_callback_url: an absolute https URL of at most 2,048 characters.
            external_ref: your own id for the webhook.
            event_types: at least one event type, each one of `WebhookEventName`.

        Raises:
            ArgumentError: the name, the URL or the event types are not valid.
            InvalidRequestError: Sikoia rejected a field; `detail` names it.
        """
        return await self._api.post(
            "/v2/webhooks",
            Webhook,
            body={
                "webhook_name": validate_string(
                    "webhook_name",
                    validate_required("webhook_name", webhook_name),
                    most=_LONGEST_NAME,
                ),
                "webhook_callback_url": self._callback(
                    validate_required("webhook_callback_url", webhook_callback_url)
                ),
                **validate_strings(external_ref=external_ref),
                "event_types": _known_types(validate_required("event_types", event_types), least=1),
            },
        )

    async def list(self) -> Items[Webhook]:
        """List all webhooks of your organisation (`GET /v2/webhooks`).

            urls = [webhook.webhook_callback_url for webhook in await sikoia.webhooks.list()]

        Returns:
            The webhooks, with the response they came in.
        """
        return await self._api.get("/v2/webhooks", Items[Webhook])

    async def retrieve(self, webhook: Webhook | str | UUID, /) -> Webhook:
        """Return a webhook (`GET /v2/webhooks/{webhook_id}`).

            webhook = await sikoia.webhooks.retrieve(webhook_id)

        Args:
            webhook: the webhook or its id.

        Raises:
            ArgumentError: the argument is neither a webhook nor a valid id.
            ResourceNotFoundError: the webhook does not exist.
        """
        return await self._api.get(
            "/v2/webhooks/{webhook_id}", Webhook, webhook_id=_WEBHOOK.id_of(webhook)
        )

    async def update(
        self,
        webhook: Webhook | str | UUID,
        /,
        *,
        webhook_name: str | None = None,
        webhook_callback_url: str | None = None,
        external_ref: str | None = None,
        event_types: Sequence[Open[WebhookEventName]] | None = None,
    ) -> Webhook:
        """Change fields of a webhook and return it (`PATCH /v2/webhooks/{webhook_id}`).

            webhook = await sikoia.webhooks.update(webhook, webhook_name="Lending, new")

        Fields left out stay as they are; `""` clears `external_ref`.

        Args:
            webhook: the webhook or its id.
            webhook_name: 1 to 50 characters; need not be unique.
            webhook_callback_url: an absolute https URL of at most 2,048 characters.
            external_ref: your own id for the webhook.
            event_types: the event types, each one of `WebhookEventName`, instead of all previous
                ones.

        Returns:
            The whole webhook.

        Raises:
            ArgumentError: no field to change was given; the name, the URL or the event types
                are not valid; or the argument is neither a webhook nor a valid id.
            InvalidRequestError: Sikoia rejected a field; `detail` names it.
            ResourceNotFoundError: the webhook does not exist.
        """
        return await self._api.patch(
            "/v2/webhooks/{webhook_id}",
            Webhook,
            body={
                "webhook_name": validate_string("webhook_name", webhook_name, most=_LONGEST_NAME),
                "webhook_callback_url": self._callback(webhook_callback_url),
                **validate_strings(external_ref=external_ref),
                "event_types": _known_types(event_types),
            },
            webhook_id=_WEBHOOK.id_of(webhook),
        )

    async def delete(self, webhook: Webhook | str | UUID, /) -> None:
        """Delete a webhook (`DELETE /v2/webhooks/{webhook_id}`).

            await sikoia.webhooks.delete(webhook)

        This cannot be undone.

        Args:
            webhook: the webhook or its id.

        Raises:
            ArgumentError: the argument is neither a webhook nor a valid id.
            ResourceNotFoundError: the webhook does not exist.
        """
        await self._api.delete("/v2/webhooks/{webhook_id}", webhook_id=_WEBHOOK.id_of(webhook))

    async def event_types(self) -> Items[WebhookEventGroup]:
        """List the event types, in groups (`GET /v2/webhooks/event-types`).

            for group in await sikoia.webhooks.event_types():
                print(group.event_group_name, [one.event_name for one in group.event_types or ()])

        Returns:
            The groups, with the response they came in.
        """
        return await self._api.get("/v2/webhooks/event-types", Items[WebhookEventGroup])

    def log(
        self,
        webhook: Webhook | str | UUID,
        /,
        *,
        after_request_id: str | UUID | None = None,
        event_status: WebhookEventStatus | None = None,
        pagination_direction: PaginationDirection | None = None,
    ) -> Pages[WebhookRequestsPage, WebhookRequest]:
        """Iterate over the log of a webhook's requests (`GET /v2/webhooks/{webhook_id}/requests`).

            async for request in sikoia.webhooks.log(webhook, event_status="Failed"):
                print(request.event_type, request.event_status)

        Pages are fetched as needed; `.pages()` iterates over whole pages. Errors of the API are
        raised during iteration.

        Args:
            webhook: the webhook or its id.
            after_request_id: start next to this request, leaving it out.
            event_status: only requests with this status.
            pagination_direction: `Forward`, the default, goes on to older requests by
                `next_page_url`. `Backward` goes on to newer ones by `previous_page_url`: with
                `after_request_id`, to everything since that request. Requests on a page are newest
                first either way.

        Returns:
            An async iterable of requests.

        Raises:
            ArgumentError: `event_status`, `pagination_direction` or an id is not valid, or the
                argument is neither a webhook nor a valid id.
            ResourceNotFoundError: the webhook does not exist.
            UnexpectedResponseError: a page links to one that was read before, or what it links to
                is not a URL. Scheme and host of the link are ignored.
        """
        return self._api.pages(
            "/v2/webhooks/{webhook_id}/requests",
            WebhookRequestsPage,
            query={
                "after_request_id": validate_id_or_none("after_request_id", after_request_id),
                **validate_known(WebhookEventStatus, event_status=event_status),
                **validate_known(PaginationDirection, pagination_direction=pagination_direction),
            },
            items=lambda page: page.webhook_requests,
            next_url=_previous if pagination_direction == "Backward" else _next,
            webhook_id=_WEBHOOK.id_of(webhook),
        )

    async def reconcile(
        self,
        webhook: Webhook | str | UUID,
        /,
        *,
        guard: ReplayGuard,
        after_request_id: str | UUID | None = None,
    ) -> builtins.list[WebhookRequest]:
        """Return the requests in a webhook's log that were never handled here, oldest first.

        Considers requests that Sikoia delivered or gave up on, not those still pending. Handle them
        as if they had just arrived:

            for request in await sikoia.webhooks.reconcile(webhook, guard=guard):
                await router.handle(events.from_request(request))

        The guard remembers handled events for its `ttl`, and across restarts only with a store.
        Sikoia does not say how far back the log goes: use `after_request_id` to read only what is
        new since the last time.

        Args:
            webhook: the webhook or its id.
            guard: the replay guard of the router that handles the webhook's events.
            after_request_id: consider only requests newer than this one.

        Raises:
            ArgumentError: `guard` is not a `ReplayGuard`, an id is not valid, or the argument
                is neither a webhook nor a valid id.
            ResourceNotFoundError: the webhook does not exist.
            WebhookStoreError: the guard's store failed, and the guard is `closed`.
            UnexpectedResponseError: a request in the log cannot be read.
            SikoiaError: any other error of `log`.
        """
        validate_type(
            "guard", validate_required("guard", guard), ReplayGuard, "the ReplayGuard of the router"
        )
        direction: PaginationDirection | None = "Backward" if after_request_id else None
        log = self.log(webhook, after_request_id=after_request_id, pagination_direction=direction)
        pages = [_requests_of(page) async for page in log.pages()]
        if direction is None:  # pages are newest first
            pages.reverse()
        return [
            request
            for page in pages
            for request in reversed(page)
            if has_ended(request.webhook_event_status)
            and not await guard.has_seen(from_request(request))
        ]

    def _callback(self, url: str | None) -> str | None:
        """Validate a callback URL: https, or plain http from a local Sikoia to loopback."""
        name = "webhook_callback_url"
        target = plain_string(url) if isinstance(url, str) else ""
        is_local = is_on_loopback(self._api.context.origin) and is_on_loopback(
            target.partition("?")[0]
        )
        if is_local and target.startswith("http://"):
            return validate_string(name, url, most=_LONGEST_URL)
        return validate_https(name, url, most=_LONGEST_URL)

    async def retrieve_secret(self) -> WebhookSecret:
        """Return the secret that signs requests (`GET /v2/webhooks/secrets`).

            secret = await sikoia.webhooks.retrieve_secret()
            router = Router(secret.shared_key)

        Raises:
            ResourceNotFoundError: there is no secret, so requests are not signed.
        """
        return await self._api.get("/v2/webhooks/secrets", WebhookSecret)

    async def create_secret(self) -> WebhookSecret:
        """Create a secret, so that requests are signed from now on (`POST /v2/webhooks/secrets`).

            secret = await sikoia.webhooks.create_secret()

        Raises:
            ConflictError: there already is a secret; rotate or delete it.
        """
        return await self._api.post("/v2/webhooks/secrets", WebhookSecret)

    async def delete_secret(self) -> None:
        """Delete the secret, so that requests are no longer signed (`DELETE /v2/webhooks/secrets`).

            await sikoia.webhooks.delete_secret()

        Raises:
            ResourceNotFoundError: there is no secret.
        """
        await self._api.delete("/v2/webhooks/secrets")

    async def rotate_secret(self) -> WebhookSecret:
        """Replace the secret with a new one and return it (`PATCH /v2/webhooks/secrets/rotate`).

            secret = await sikoia.webhooks.rotate_secret()

        Requests already on their way may still be signed with the old key.

        Raises:
            ResourceNotFoundError: there is no secret.
        """
        # Not `patch`, which is retried as idempotent: repeating a rotation makes another key.
        return await self._api.call("PATCH", "/v2/webhooks/secrets/rotate", WebhookSecret)


def _known_types(event_types: Sequence[str] | None, *, least: int = 0) -> Sequence[str] | None:
    """Return event types after checking that Sikoia's guide to webhooks lists each of them."""
    for event_type in validate_list("event_types", event_types, str, least=least) or ():
        validate_known(WebhookEventName, event_types=event_type)
    return event_types


_WEBHOOK: Final = Subject("webhook", "webhook_id", Webhook)
_LONGEST_NAME = 50
_LONGEST_URL = 2048
_REQUEST = re.compile(r"\$\.webhook_requests(\[[0-9]+\])?")
"""The path of a request in a page of the log, or of all of them."""


def _next(page: WebhookRequestsPage) -> str | None:
    return page.pagination_meta_data.next_page_url if page.pagination_meta_data else None


def _previous(page: WebhookRequestsPage) -> str | None:
    return page.pagination_meta_data.previous_page_url if page.pagination_meta_data else None


def _requests_of(page: WebhookRequestsPage) -> tuple[WebhookRequest, ...]:
    """Return the requests of a page of the log.

    Raises:
        UnexpectedResponseError: one of them could not be read. It may be one that was missed.
    """
    response = page.response
    problems = tuple(f"unreadable @ {path}" for path in response.unread if _REQUEST.fullmatch(path))
    if not problems:
        return page.webhook_requests or ()
    msg = "the log of the webhook contains requests that cannot be read; retrieve them one by one"
    raise UnexpectedResponseError(
        msg,
        call=attrs.evolve(response, unread={}),
        status=response.status,
        body=b"",
        problems=problems,
    )
