"""Webhooks, the secret that signs what they deliver, and the log of their deliveries.

Sources: https://docs.sikoia.com/docs/webhooks, and the operations named in each method.
"""

import builtins
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import attrs

from sikoia_async._calls.api import Api
from sikoia_async._calls.pagination import Pages
from sikoia_async._validation import (
    validate_https,
    validate_id_or_none,
    validate_list,
    validate_required,
    validate_string,
    validate_strings,
    validate_type,
)
from sikoia_async.environments import is_on_loopback
from sikoia_async.models import PERSONAL, Items, Model, Open
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
PaginationDirection = Literal["Forward", "Backward"]


@attrs.frozen(kw_only=True)
class Webhook(Model):
    """An address of yours that Sikoia posts events to."""

    webhook_id: str
    webhook_name: str | None = None
    webhook_callback_url: str | None = attrs.field(default=None, **PERSONAL)
    """Who knows it may post to it."""
    external_ref: str | None = None
    """Your own id of the webhook."""
    event_types: tuple[Open[WebhookEventName], ...] | None = None
    datetime_created: datetime | None = None
    datetime_updated: datetime | None = None


@attrs.frozen(kw_only=True)
class WebhookEventType(Model):
    """A kind of event, with the finer kinds that it stands for."""

    event_name: Open[WebhookEventName] | None = None
    event_types: "tuple[WebhookEventType, ...] | None" = None
    """Finer kinds. Who subscribes to both gets a request for each."""


@attrs.frozen(kw_only=True)
class WebhookEventGroup(Model):
    """Kinds of events that belong together."""

    event_group_name: str | None = None
    event_types: tuple[WebhookEventType, ...] | None = None


@attrs.frozen(kw_only=True)
class WebhookAttempt(Model):
    """One try to deliver a request."""

    attempt_id: str | None = None
    datetime_created: datetime | None = None
    http_response_code: int | None = None
    """What your server answered."""


@attrs.frozen(kw_only=True)
class WebhookRequest(Model):
    """One event that was, or is to be, delivered to a webhook."""

    request_id: str
    grouping_id: str | None = None
    """The same for all requests that one occurrence caused."""
    event_type: Open[WebhookEventName] | None = None
    webhook_callback_url: str | None = attrs.field(default=None, **PERSONAL)
    datetime_created: datetime | None = None
    """When your server took it; None before that."""
    event_data: Any = attrs.field(default=None, **PERSONAL)
    """The body as plain JSON. Sikoia does not say what is in it; fractions are Decimals."""
    webhook_event_status: Open[WebhookEventStatus] | None = None
    request_attempts: tuple[WebhookAttempt, ...] | None = None


@attrs.frozen(kw_only=True)
class PaginationMetaData(Model):
    """Where a page stands among the others."""

    next_page_url: str | None = None
    """Leads to older requests; None at the oldest."""
    previous_page_url: str | None = None
    """Leads to newer requests; None at the newest."""
    page_size: int | None = None
    """How many a page holds at most."""
    page_count: int | None = None
    """How many this page holds; it does not count pages."""


@attrs.frozen(kw_only=True)
class WebhookRequestsPage(Model):
    """Some of a webhook's requests, the newest first."""

    pagination_meta_data: PaginationMetaData | None = None
    webhook_requests: tuple[WebhookRequest, ...] | None = None


@attrs.frozen(kw_only=True)
class WebhookSecret(Model):
    """What requests to all your webhooks are signed with."""

    shared_key: str = attrs.field(**PERSONAL)
    """The key: its UTF-8 bytes, as they stand. Keep it like a password."""
    date_created: datetime | None = None
    date_updated: datetime | None = None
    """From then on, requests are signed with this key."""


@attrs.frozen
class Webhooks:
    """`sikoia.webhooks`."""

    _api: Api

    async def create(
        self,
        *,
        webhook_name: str,
        webhook_callback_url: str,
        external_ref: str | None = None,
        event_types: Sequence[Open[WebhookEventName]],
    ) -> Webhook:
        """Subscribe an address of yours to events (`POST /v2/webhooks`).

        Args:
            webhook_name: 1 to 50 characters; need not be unique.
            webhook_callback_url: an absolute https address of at most 2,048 characters.
            external_ref: your own id of the webhook.
            event_types: one at least; `event_types()` lists what there is.

        Raises:
            ConfigurationError: the name or the address cannot be sent.
            InvalidRequestError: Sikoia refused a field; the detail names it.
        """
        return await self._api.post(
            "/v2/webhooks",
            Webhook,
            body={
                "webhook_name": validate_string(
                    "webhook_name", validate_required("webhook_name", webhook_name), most=_NAME
                ),
                "webhook_callback_url": self._callback(
                    validate_required("webhook_callback_url", webhook_callback_url)
                ),
                **validate_strings(external_ref=external_ref),
                "event_types": validate_list(
                    "event_types", validate_required("event_types", event_types), str, least=1
                ),
            },
        )

    async def list(self) -> Items[Webhook]:
        """Return all webhooks of your organisation (`GET /v2/webhooks`)."""
        return await self._api.get("/v2/webhooks", Items[Webhook])

    async def retrieve(self, webhook_id: str) -> Webhook:
        """Return a webhook (`GET /v2/webhooks/{webhook_id}`).

        Raises:
            ResourceNotFoundError: there is no such webhook.
        """
        return await self._api.get("/v2/webhooks/{webhook_id}", Webhook, webhook_id=webhook_id)

    async def update(
        self,
        webhook_id: str,
        *,
        webhook_name: str | None = None,
        webhook_callback_url: str | None = None,
        external_ref: str | None = None,
        event_types: Sequence[Open[WebhookEventName]] | None = None,
    ) -> Webhook:
        """Change fields of a webhook and return it (`PATCH /v2/webhooks/{webhook_id}`).

        What is left out stays; `""` clears `external_ref`. `event_types` takes the place of all
        that were there.

        Raises:
            ConfigurationError: there is nothing to change, or the name or the address cannot be
                sent.
            ResourceNotFoundError: there is no such webhook.
        """
        return await self._api.patch(
            "/v2/webhooks/{webhook_id}",
            Webhook,
            body={
                "webhook_name": validate_string("webhook_name", webhook_name, most=_NAME),
                "webhook_callback_url": self._callback(webhook_callback_url),
                **validate_strings(external_ref=external_ref),
                "event_types": validate_list("event_types", event_types, str),
            },
            webhook_id=webhook_id,
        )

    async def delete(self, webhook_id: str) -> None:
        """Delete a webhook for good (`DELETE /v2/webhooks/{webhook_id}`).

        Raises:
            ResourceNotFoundError: there is no such webhook.
        """
        await self._api.delete("/v2/webhooks/{webhook_id}", webhook_id=webhook_id)

    async def event_types(self) -> Items[WebhookEventGroup]:
        """Return what webhooks can subscribe to (`GET /v2/webhooks/event-types`)."""
        return await self._api.get("/v2/webhooks/event-types", Items[WebhookEventGroup])

    def requests(
        self,
        webhook_id: str,
        *,
        after_request_id: str | None = None,
        event_status: WebhookEventStatus | None = None,
        pagination_direction: PaginationDirection | None = None,
    ) -> Pages[WebhookRequestsPage, WebhookRequest]:
        """Read the log of a webhook, all pages of it (`GET /v2/webhooks/{webhook_id}/requests`).

            async for request in sikoia.webhooks.requests(webhook_id, event_status="Failed"):
                ...

        `.pages()` gives it page by page.

        Args:
            webhook_id: the webhook.
            after_request_id: begin beside this request, and leave it out.
            event_status: only requests of this status.
            pagination_direction: `Forward`, which is what Sikoia does if it is left out, goes on to
                older requests, by each page's `next_page_url`. `Backward` goes on to newer ones, by
                `previous_page_url`: with `after_request_id`, to all that came since that request.
                Either way the newest of a page stands first in it.

        Raises, while it is read:
            ResourceNotFoundError: there is no such webhook.
            UnexpectedResponseError: a page names a next one that is not on Sikoia's API, or that
                was read before.
        """
        return self._api.pages(
            "/v2/webhooks/{webhook_id}/requests",
            WebhookRequestsPage,
            query={
                "after_request_id": validate_id_or_none("after_request_id", after_request_id),
                **validate_strings(
                    event_status=event_status, pagination_direction=pagination_direction
                ),
            },
            items=lambda page: page.webhook_requests,
            onward=_previous if pagination_direction == "Backward" else _next,
            webhook_id=webhook_id,
        )

    async def reconcile(
        self, webhook_id: str, seen: ReplayGuard, *, after_request_id: str | None = None
    ) -> builtins.list[WebhookRequest]:
        """Return the requests of a webhook's log that were never handled here, the oldest first.

        Those are requests that Sikoia delivered, or tried to until it gave up. What is still on
        its way is left out. Handle them as if they came now:

            for request in await sikoia.webhooks.reconcile(webhook_id, guard):
                await router.handle(events.from_request(request))

        The guard knows for some days (its `ttl`) what was handled, and longer only in a store. The
        log has no end that Sikoia states: give `after_request_id` to read what came since.

        Args:
            webhook_id: the webhook.
            seen: the guard of the router that handles its events.
            after_request_id: look at requests that are newer than this one only.

        Raises:
            ResourceNotFoundError: there is no such webhook.
            ReplayStoreError: the guard's store failed, and the guard is `closed`.
            SikoiaError: what `requests` may raise.
        """
        validate_type(
            "seen", validate_required("seen", seen), ReplayGuard, "the ReplayGuard of the router"
        )
        direction: PaginationDirection | None = "Backward" if after_request_id else None
        log = self.requests(
            webhook_id, after_request_id=after_request_id, pagination_direction=direction
        )
        pages = [page.webhook_requests or () async for page in log.pages()]
        if direction is None:  # the newest page came first
            pages.reverse()
        return [
            request
            for page in pages
            for request in reversed(page)
            if request.webhook_event_status in _ENDED
            and not await seen.has_seen(from_request(request))
        ]

    def _callback(self, address: str | None) -> str | None:
        """Check an address. Sikoia takes https alone; a local one takes http on loopback, too."""
        name, text = "webhook_callback_url", str(address)
        is_local = is_on_loopback(self._api.context.origin) and is_on_loopback(
            text.partition("?")[0]
        )
        if is_local and text.startswith("http://"):
            return validate_string(name, address, most=_URL)
        return validate_https(name, address, most=_URL)

    async def secret(self) -> WebhookSecret:
        """Return what requests are signed with (`GET /v2/webhooks/secrets`).

        Raises:
            ResourceNotFoundError: there is no secret: requests are not signed.
        """
        return await self._api.get("/v2/webhooks/secrets", WebhookSecret)

    async def create_secret(self) -> WebhookSecret:
        """Have requests signed from now on (`POST /v2/webhooks/secrets`).

        Raises:
            ConflictError: there is a secret; rotate or delete it.
        """
        return await self._api.post("/v2/webhooks/secrets", WebhookSecret)

    async def delete_secret(self) -> None:
        """Have requests sent unsigned from now on (`DELETE /v2/webhooks/secrets`).

        Raises:
            ResourceNotFoundError: there is no secret.
        """
        await self._api.delete("/v2/webhooks/secrets")

    async def rotate_secret(self) -> WebhookSecret:
        """Change the key and return the new one (`PATCH /v2/webhooks/secrets/rotate`).

        Requests on their way may still be signed with the old key.

        Raises:
            ResourceNotFoundError: there is no secret.
        """
        # No field is set by this: once more is another key.
        return await self._api.call("PATCH", "/v2/webhooks/secrets/rotate", WebhookSecret)


_NAME = 50
_URL = 2048
_ENDED = frozenset({"Complete", "Failed"})


def _next(page: WebhookRequestsPage) -> str | None:
    return page.pagination_meta_data.next_page_url if page.pagination_meta_data else None


def _previous(page: WebhookRequestsPage) -> str | None:
    return page.pagination_meta_data.previous_page_url if page.pagination_meta_data else None
